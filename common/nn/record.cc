#include "record.h"

namespace trib::nn {
namespace {

Geometry ReadGeometry(ByteReader& reader) {
  Geometry g;
  g.kernel_height = reader.U8();
  g.kernel_width = reader.U8();
  g.stride_height = reader.U8();
  g.stride_width = reader.U8();
  g.dilation_height = reader.U8();
  g.dilation_width = reader.U8();
  g.pad_top = reader.U8();
  g.pad_left = reader.U8();
  return g;
}

std::int8_t I8(ByteReader& reader) {
  return static_cast<std::int8_t>(reader.U8());
}
std::int16_t I16(ByteReader& reader) {
  return static_cast<std::int16_t>(reader.U16());
}
std::int32_t I32(ByteReader& reader) {
  return static_cast<std::int32_t>(reader.U32());
}

Clamp ReadClamp(ByteReader& reader) {
  Clamp clamp;
  clamp.low = I8(reader);
  clamp.high = I8(reader);
  return clamp;
}

/// `count` values, then as many shifts.
void ReadMultipliers(ByteReader& reader, std::span<Multiplier> out) {
  for (Multiplier& multiplier : out) {
    multiplier.m = I32(reader);
  }
  for (Multiplier& multiplier : out) {
    multiplier.shift = I8(reader);
  }
}

LstmParameters ReadLstm(ByteReader& reader) {
  LstmParameters lstm;
  std::array<Multiplier, 2 * kGates> gates{};
  ReadMultipliers(reader, gates);
  for (std::size_t i = 0; i < kGates; ++i) {
    lstm.input[i] = gates[2 * i];
    lstm.recurrent[i] = gates[2 * i + 1];
  }
  std::array<Multiplier, 3> products{};
  ReadMultipliers(reader, products);
  lstm.forget_cell = products[0];
  lstm.input_cell = products[1];
  lstm.hidden = products[2];
  reader.Skip(1);
  lstm.cell_log2 = I8(reader);
  lstm.hidden_zero_point = I8(reader);
  lstm.cell_clip = I16(reader);
  return lstm;
}

}  // namespace

Operator ReadOperator(ByteReader& reader) {
  Operator op;
  op.opcode = static_cast<Opcode>(reader.U8());
  op.flags = reader.U8();
  op.source = reader.U16();
  op.input = reader.U16();
  op.output = reader.U16();
  switch (op.opcode) {
    case Opcode::kConv2D:
    case Opcode::kDepthwiseConv2D:
      op.geometry = ReadGeometry(reader);
      [[fallthrough]];
    case Opcode::kFullyConnected:
      op.clamp = ReadClamp(reader);
      reader.Skip(2);
      op.weights = reader.U32();
      break;
    case Opcode::kAveragePool2D:
      op.geometry.kernel_height = reader.U8();
      op.geometry.kernel_width = reader.U8();
      op.geometry.stride_height = reader.U8();
      op.geometry.stride_width = reader.U8();
      op.geometry.pad_top = reader.U8();
      op.geometry.pad_left = reader.U8();
      op.clamp = ReadClamp(reader);
      break;
    case Opcode::kAdd:
      op.input2 = reader.U16();
      op.clamp = ReadClamp(reader);
      ReadMultipliers(reader, op.multipliers);
      reader.Skip(1);
      break;
    case Opcode::kCopy:
      break;
    case Opcode::kSoftmax:
      op.multipliers[0].m = I32(reader);
      op.least_difference = I32(reader);
      op.multipliers[0].shift = I8(reader);
      reader.Skip(3);
      break;
    case Opcode::kRequantize:
      op.multipliers[0].m = I32(reader);
      op.multipliers[0].shift = I8(reader);
      reader.Skip(3);
      break;
    case Opcode::kSvdf:
      op.rank = reader.U16();
      op.memory = reader.U16();
      ReadMultipliers(reader, std::span(op.multipliers).first(2));
      op.state_zero_point = I16(reader);
      op.state = reader.U32();
      op.weights = reader.U32();
      break;
    case Opcode::kLstm:
      op.lstm = ReadLstm(reader);
      op.state = reader.U32();
      op.weights = reader.U32();
      break;
    case Opcode::kForest:
      op.forest.trees = reader.U16();
      op.forest.nodes = reader.U16();
      op.forest.leaves = reader.U16();
      reader.Skip(2);
      op.weights = reader.U32();
      break;
    case Opcode::kLinear:
      op.link = static_cast<Link>(reader.U8());
      reader.Skip(3);
      op.weights = reader.U32();
      break;
    case Opcode::kBinary:
      op.weights = reader.U32();
      break;
  }
  return op;
}

}  // namespace trib::nn
