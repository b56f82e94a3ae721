// Operators with state.
#include <algorithm>
#include <cmath>

#include "lower.h"

namespace trib::host::compiler {
namespace {

// Inputs of UNIDIRECTIONAL_SEQUENCE_LSTM, by position.
constexpr std::size_t kLstmInputWeights = 1;      // four gates
constexpr std::size_t kLstmRecurrentWeights = 5;  // four gates
constexpr std::size_t kLstmBiases = 12;           // four gates
constexpr std::size_t kLstmHiddenState = 18;
constexpr std::size_t kLstmCellState = 19;
constexpr std::size_t kLstmInputs = 24;

}  // namespace

using tflite::Activation;
using tflite::Type;

Status Lowering::LowerSvdf(const tflite::Operator& from, Node& node) {
  TRIB_TRY(NeedConstant(from, 1, Type::kInt8));
  TRIB_TRY(NeedConstant(from, 2, Type::kInt8));
  const tflite::Tensor& feature = *In(from, 1);
  const tflite::Tensor& time = *In(from, 2);
  const tflite::Tensor* state = In(from, 4);
  const nn::Tensor input = Value(node.op.input);
  const nn::Tensor output = Value(node.op.output);
  TRIB_TRY(NeedInt8(node.op.input));
  TRIB_TRY(NeedInt8(node.op.output));
  // The reference takes relu and ignores it.
  if (from.options.activation != Activation::kNone &&
      from.options.activation != Activation::kRelu) {
    return UnsupportedActivation(from.options.activation);
  }
  TRIB_TRY(NeedState(from, 4, Type::kInt8));
  if (feature.shape.size() != 2 || time.shape.size() != 2 || input.rank != 2 || output.rank != 2) {
    return Wrong("input, weights and output need 2 dimensions");
  }
  const std::uint64_t filters = static_cast<std::uint64_t>(feature.shape[0]);
  const std::uint64_t memory = static_cast<std::uint64_t>(time.shape[1]);
  const auto rank = static_cast<std::uint64_t>(std::max(from.options.rank, 0));
  if (rank == 0 || rank > 65535 || memory > 65535 || filters != output.channels() * rank ||
      static_cast<std::uint64_t>(time.shape[0]) != filters ||
      static_cast<std::uint32_t>(feature.shape[1]) != input.channels() ||
      input.dims[2] != output.dims[2]) {
    return Wrong("rank, filters, memory and units do not fit");
  }
  TRIB_TRY(NeedPerTensor(from.inputs[1]));
  TRIB_TRY(NeedPerTensor(from.inputs[2]));
  TRIB_TRY(NeedSymmetric(from.inputs[1]));
  TRIB_TRY(NeedSymmetric(from.inputs[2]));
  nn::Operator& op = node.op;
  op.opcode = nn::Opcode::kSvdf;
  op.rank = static_cast<std::uint16_t>(rank);
  op.memory = static_cast<std::uint16_t>(memory);
  op.state_zero_point = static_cast<std::int16_t>(state->zero_points[0]);
  // In float throughout, as the reference does.
  const float to_state = Source(op.input).scales[0] * feature.scales[0] / state->scales[0];
  const float to_output = state->scales[0] * time.scales[0] / Source(op.output).scales[0];
  TRIB_TRY_ASSIGN(op.multipliers[0], Multiplier(to_state));
  TRIB_TRY_ASSIGN(op.multipliers[1], Multiplier(to_output));
  std::vector<std::int32_t> bias;
  TRIB_TRY(Bias(from, 3, output.channels(), bias));
  for (const std::int32_t value : bias) {
    Append32(node.weights, value);
  }
  node.weights.insert(node.weights.end(), feature.data.begin(), feature.data.end());
  node.weights.insert(node.weights.end(), time.data.begin(), time.data.end());
  const std::uint64_t batch = input.dims[2];
  node.state_bytes = batch * filters * memory;
  node.macs = batch * filters * (input.channels() + memory);
  return {};
}

/// All that the engine's LSTM cannot be.
Status Lowering::CheckLstm(const tflite::Operator& from, const Node& node) {
  const nn::Tensor input = Value(node.op.input);
  const nn::Tensor output = Value(node.op.output);
  if (from.inputs.size() != kLstmInputs) {
    return Wrong("it needs 24 inputs");
  }
  TRIB_TRY(NeedInt8(node.op.input));
  TRIB_TRY(NeedInt8(node.op.output));
  for (const std::size_t absent : {9U, 10U, 11U, 16U, 17U, 20U, 21U, 22U, 23U}) {
    if (In(from, absent) != nullptr) {
      return Unsupported(
          "input " + std::to_string(absent) +
          " is given: peepholes, projection and layer normalisation are not supported");
    }
  }
  const tflite::Options& o = from.options;
  if (o.activation != Activation::kTanh) {
    return UnsupportedActivation(o.activation);
  }
  if (o.diagonal_recurrent || o.projection_clip != 0) {
    return Unsupported("diagonal recurrent weights and projections are not supported");
  }
  if (std::isnan(o.cell_clip)) {
    return Wrong("the clip of its cell is no number");
  }
  const std::uint32_t batch = o.time_major ? input.dims[2] : input.dims[1];
  if (input.rank != 3 || output.rank != 3 || batch != 1 || input.dims[1] != output.dims[1] ||
      input.dims[2] != output.dims[2]) {
    return Unsupported("it takes one sequence: batch size 1, 3 dimensions");
  }
  TRIB_TRY(NeedState(from, kLstmHiddenState, Type::kInt8));
  TRIB_TRY(NeedState(from, kLstmCellState, Type::kInt16));
  int exponent = 0;
  if (std::frexp(double{In(from, kLstmCellState)->scales[0]}, &exponent) != 0.5 ||
      exponent - 1 < -27 || exponent - 1 > 0) {
    return Unsupported("the cell state's scale must be a power of two from 2^-27 to 1");
  }
  return {};
}

/// One gate's weights over what it reads: the input, or the hidden state.
Status Lowering::LowerGate(const tflite::Operator& from,
                           std::size_t position,
                           const GateInput& reads,
                           nn::Multiplier& multiplier,
                           GateBlock& out) {
  constexpr double kGateScale = 1.0 / 4096;  // Q3.12 into sigmoid and tanh
  TRIB_TRY(NeedConstant(from, position, Type::kInt8));
  const tflite::Tensor& w = *In(from, position);
  TRIB_TRY(NeedPerTensor(from.inputs[position]));
  TRIB_TRY(NeedSymmetric(from.inputs[position]));
  if (w.data.size() != reads.cells * reads.depth) {
    return Wrong(DescribeShape(from.inputs[position]) + " where " + std::to_string(reads.cells) +
                 "x" + std::to_string(reads.depth) + " is needed");
  }
  const float product = reads.scale * w.scales[0];  // rounded to float, as in fully connected
  TRIB_TRY_ASSIGN(multiplier, Multiplier(double{product} / kGateScale));
  std::vector<std::int32_t> bias(reads.cells, 0);
  if (reads.bias) {
    TRIB_TRY(Bias(from, *reads.bias, reads.cells, bias));
  }
  for (std::size_t c = 0; c < reads.cells; ++c) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < reads.depth; ++i) {
      sum += Int8At(w.data, c * reads.depth + i);
    }
    Append32(out.biases, static_cast<std::int32_t>(bias[c] - reads.zero_point * sum));
  }
  out.weights.insert(out.weights.end(), w.data.begin(), w.data.end());
  return {};
}

Status Lowering::LowerLstm(const tflite::Operator& from, Node& node) {
  TRIB_TRY(CheckLstm(from, node));
  const nn::Tensor input = Value(node.op.input);
  const std::size_t cells = Value(node.op.output).channels();
  const std::size_t inputs = input.channels();
  const tflite::Tensor& hidden = *In(from, kLstmHiddenState);
  const double cell_scale = In(from, kLstmCellState)->scales[0];
  nn::Operator& op = node.op;
  op.opcode = nn::Opcode::kLstm;
  op.lstm.cell_log2 = static_cast<std::int8_t>(std::ilogb(cell_scale));
  op.lstm.hidden_zero_point = static_cast<std::int8_t>(hidden.zero_points[0]);
  op.lstm.cell_clip = static_cast<std::int16_t>(
      std::min(std::max(double{from.options.cell_clip} / cell_scale, 0.0), 32767.0));

  GateInput reads_input{cells, inputs, Source(op.input).scales[0], input.zero_point, {}};
  const GateInput reads_hidden{cells, cells, hidden.scales[0], hidden.zero_points[0], {}};
  GateBlock of_input;
  GateBlock of_hidden;
  for (std::size_t gate = 0; gate < nn::kGates; ++gate) {
    reads_input.bias = kLstmBiases + gate;
    TRIB_TRY(LowerGate(from, kLstmInputWeights + gate, reads_input, op.lstm.input[gate], of_input));
    TRIB_TRY(LowerGate(
        from, kLstmRecurrentWeights + gate, reads_hidden, op.lstm.recurrent[gate], of_hidden));
  }
  constexpr double kActivated = 1.0 / 32768;  // Q0.15 out of sigmoid and tanh
  TRIB_TRY_ASSIGN(op.lstm.forget_cell, Multiplier(kActivated * cell_scale / cell_scale));
  TRIB_TRY_ASSIGN(op.lstm.input_cell, Multiplier(kActivated * kActivated / cell_scale));
  TRIB_TRY_ASSIGN(op.lstm.hidden, Multiplier(kActivated * kActivated / double{hidden.scales[0]}));
  for (const auto* part :
       {&of_input.biases, &of_hidden.biases, &of_input.weights, &of_hidden.weights}) {
    node.weights.insert(node.weights.end(), part->begin(), part->end());
  }
  node.state_bytes = 3 * cells;
  node.scratch_bytes = 2 * nn::kGates * cells;
  node.macs = input.elements() / inputs * nn::kGates * cells * (inputs + cells);
  return {};
}

}  // namespace trib::host::compiler
