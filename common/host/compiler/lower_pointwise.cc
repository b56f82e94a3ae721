// Operators that take one element, or one row, at a time.
#include <algorithm>
#include <cmath>

#include "lower.h"

namespace trib::host::compiler {

Status Lowering::LowerAdd(const tflite::Operator& from, Node& node) {
  if (from.inputs.size() != 2 || from.inputs[1] == tflite::kAbsent) {
    return Wrong("it needs two inputs");
  }
  TRIB_TRY_ASSIGN(node.op.input2, Use(from.inputs[1]));
  if (!written_[static_cast<std::size_t>(from.inputs[1])]) {
    return Wrong("input " + Describe(from.inputs[1]) + " is not computed before");
  }
  const nn::Tensor a = Value(node.op.input);
  const nn::Tensor b = Value(node.op.input2);
  const nn::Tensor output = Value(node.op.output);
  TRIB_TRY(NeedInt8(node.op.input));
  TRIB_TRY(NeedInt8(node.op.input2));
  TRIB_TRY(NeedInt8(node.op.output));
  if (a.dims != b.dims || a.dims != output.dims) {
    return Unsupported(DescribeShape(from.inputs[0]) + " and " + DescribeShape(from.inputs[1]) +
                       " into " + DescribeShape(from.outputs[0]) +
                       " are of different shapes (broadcasting)");
  }
  node.op.opcode = nn::Opcode::kAdd;
  TRIB_TRY_ASSIGN(node.op.clamp, ClampOf(from.options.activation, Source(node.op.output)));
  const double scale_a = Source(node.op.input).scales[0];
  const double scale_b = Source(node.op.input2).scales[0];
  const double scale_out = Source(node.op.output).scales[0];
  const double twice_larger = 2 * std::max(scale_a, scale_b);
  const double real[3] = {
      scale_a / twice_larger, scale_b / twice_larger, twice_larger / ((1 << 20) * scale_out)};
  for (std::size_t i = 0; i < 3; ++i) {
    TRIB_TRY_ASSIGN(node.op.multipliers[i], Multiplier(real[i]));
    if (node.op.multipliers[i].shift > 0) {
      return Unsupported("its scales differ by more than 2^20");
    }
  }
  return {};
}

Status Lowering::LowerReshape(Node& node) {
  const nn::Tensor input = Value(node.op.input);
  const nn::Tensor output = Value(node.op.output);
  if (input.type != output.type || input.elements() != output.elements()) {
    return Wrong("input and output differ in type or number of elements");
  }
  node.op.opcode = nn::Opcode::kCopy;
  return {};
}

Status Lowering::LowerSoftmax(const tflite::Operator& from, Node& node) {
  const nn::Tensor input = Value(node.op.input);
  const nn::Tensor output = Value(node.op.output);
  const bool wide = output.type == nn::TensorType::kInt16;
  if (input.type != nn::TensorType::kInt8 || (!wide && output.type != nn::TensorType::kInt8)) {
    return Unsupported("input must be int8, output int8 or int16");
  }
  if (input.dims != output.dims || input.channels() >= 4096) {
    return Unsupported("shapes of input and output must be equal, with fewer than 4,096 classes");
  }
  const float expected = wide ? 1.0F / 65536 : 1.0F / 256;
  if (std::abs(Source(node.op.output).scales[0] - expected) > expected * 0.001F ||
      output.zero_point != (wide ? -32768 : -128)) {
    return Unsupported("the output's scale must be 1/" + std::string(wide ? "65536" : "256"));
  }
  constexpr int kIntegerBits = 5;
  const double real = std::min(double{from.options.beta} * double{Source(node.op.input).scales[0]} *
                                   (1 << (31 - kIntegerBits)),
                               2147483647.0);
  node.op.opcode = nn::Opcode::kSoftmax;
  TRIB_TRY_ASSIGN(node.op.multipliers[0], Multiplier(real));
  const std::int8_t shift = node.op.multipliers[0].shift;
  if (shift < 0) {
    return Unsupported("beta times the input's scale is below 2^-26");
  }
  const double radius = std::floor(1.0 * ((1 << kIntegerBits) - 1) * (1 << (31 - kIntegerBits)) /
                                   static_cast<double>(std::int64_t{1} << shift));
  // Differences of int8 values never go below -255.
  node.op.least_difference = -static_cast<std::int32_t>(std::min(radius, 255.0));
  return {};
}

Status Lowering::LowerQuantize(Node& node) {
  const nn::Tensor input = Value(node.op.input);
  const nn::Tensor output = Value(node.op.output);
  if (input.elements() != output.elements()) {
    return Wrong("input and output differ in number of elements");
  }
  node.op.opcode = nn::Opcode::kRequantize;
  TRIB_TRY_ASSIGN(node.op.multipliers[0],
                  Multiplier(double{Source(node.op.input).scales[0]} /
                             double{Source(node.op.output).scales[0]}));
  return {};
}

}  // namespace trib::host::compiler
