// From a model's operators to the plan's: checks, multipliers, folded biases.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>

#include "graph.h"
#include "trib/common/host/compiler/compiler.h"

namespace trib::host::compiler {
namespace {

using tflite::Activation;
using tflite::Builtin;
using tflite::Type;

// Inputs of UNIDIRECTIONAL_SEQUENCE_LSTM, by position.
constexpr std::size_t kLstmInputWeights = 1;      // four gates
constexpr std::size_t kLstmRecurrentWeights = 5;  // four gates
constexpr std::size_t kLstmBiases = 12;           // four gates
constexpr std::size_t kLstmHiddenState = 18;
constexpr std::size_t kLstmCellState = 19;
constexpr std::size_t kLstmInputs = 24;

void Append32(std::vector<std::byte>& out, std::int32_t value) {
  for (int i = 0; i < 4; ++i) {
    out.push_back(static_cast<std::byte>(static_cast<std::uint32_t>(value) >> (8 * i)));
  }
}

std::int32_t Int32At(std::span<const std::byte> data, std::size_t i) {
  std::int32_t value = 0;
  std::memcpy(&value, data.data() + 4 * i, 4);
  return value;
}

std::int32_t Int8At(std::span<const std::byte> data, std::size_t i) {
  return static_cast<std::int8_t>(data[i]);
}

class Lowering {
 public:
  Lowering(const tflite::Model& model, std::string& error) : model_(model), error_(error) {}
  Result<Graph> Run();

 private:
  Status Fail(Code code, const std::string& reason) {
    error_ = where_ + ": " + reason;
    return code;
  }
  Status Unsupported(const std::string& reason) { return Fail(Code::kUnimplemented, reason); }
  Status Wrong(const std::string& reason) { return Fail(Code::kInvalidArgument, reason); }

  Status LowerOperator(const tflite::Operator& from, Node& node);
  Status LowerConv(const tflite::Operator& from, Node& node, bool depthwise);
  Status LowerFullyConnected(const tflite::Operator& from, Node& node);
  Status LowerPool(const tflite::Operator& from, Node& node);
  Status LowerAdd(const tflite::Operator& from, Node& node);
  Status LowerReshape(Node& node);
  Status LowerSoftmax(const tflite::Operator& from, Node& node);
  Status LowerQuantize(Node& node);
  Status LowerSvdf(const tflite::Operator& from, Node& node);
  Status LowerLstm(const tflite::Operator& from, Node& node);

  /// Input `position` of the operator; nullptr when absent.
  const tflite::Tensor* In(const tflite::Operator& from, std::size_t position) const;
  std::string Describe(std::int32_t tensor) const;
  Status NeedConstant(const tflite::Operator& from, std::size_t position, Type type);
  Status NeedPerTensor(const tflite::Tensor& tensor);
  Result<nn::TensorIndex> Use(std::int32_t tensor);
  Result<nn::Tensor> Convert(const tflite::Tensor& from);
  Status Bias(const tflite::Operator& from,
              std::size_t position,
              std::size_t channels,
              std::vector<std::int32_t>& out);
  Result<nn::Clamp> ClampOf(Activation activation, const tflite::Tensor& output);
  Status Axis(tflite::Padding padding,
              std::int32_t in,
              std::int32_t out,
              std::int32_t kernel,
              std::int32_t stride,
              std::int32_t dilation,
              std::uint8_t& pad);
  Result<nn::Multiplier> Multiplier(double real);
  Status WeightedBlock(const std::vector<std::int32_t>& bias,
                       const std::vector<double>& real,
                       std::span<const std::byte> weights,
                       Node& node);

  const tflite::Tensor& Source(nn::TensorIndex value) const {
    return model_.tensors[static_cast<std::size_t>(source_[value])];
  }
  const nn::Tensor& Value(nn::TensorIndex value) const { return graph_.values[value].tensor; }

  const tflite::Model& model_;
  std::string& error_;
  std::string where_;
  Graph graph_;
  std::vector<std::optional<nn::TensorIndex>> value_of_;  // per tensor of the model
  std::vector<std::int32_t> source_;                      // per value
  std::vector<bool> written_;                             // per tensor of the model
};

const tflite::Tensor* Lowering::In(const tflite::Operator& from, std::size_t position) const {
  if (position >= from.inputs.size() || from.inputs[position] == tflite::kAbsent) {
    return nullptr;
  }
  return &model_.tensors[static_cast<std::size_t>(from.inputs[position])];
}

std::string Lowering::Describe(std::int32_t tensor) const {
  const std::string& name = model_.tensors[static_cast<std::size_t>(tensor)].name;
  return "tensor " + std::to_string(tensor) + (name.empty() ? "" : " (" + name + ")");
}

Result<nn::Tensor> Lowering::Convert(const tflite::Tensor& from) {
  nn::Tensor to;
  switch (from.type) {
    case Type::kInt8:
      to.type = nn::TensorType::kInt8;
      break;
    case Type::kInt16:
      to.type = nn::TensorType::kInt16;
      break;
    case Type::kInt32:
      to.type = nn::TensorType::kInt32;
      break;
    case Type::kFloat32:
      return Unsupported("tensor (" + from.name + ") is float32: quantise the model to int8 first");
    default:
      return Unsupported("tensor (" + from.name + ") is " + TypeName(from.type));
  }
  if (from.dynamic) {
    return Unsupported("tensor (" + from.name + ") has a dynamic shape");
  }
  if (from.shape.size() > 4) {
    return Unsupported("tensor (" + from.name + ") has more than 4 dimensions");
  }
  TRIB_TRY(NeedPerTensor(from));
  to.rank = static_cast<std::uint8_t>(std::max<std::size_t>(from.shape.size(), 1));
  for (std::size_t i = 0; i < from.shape.size(); ++i) {
    const std::int32_t dim = from.shape[from.shape.size() - 1 - i];
    if (dim < 1 || dim > 65535) {
      return Unsupported("tensor (" + from.name + ") has a dimension of " + std::to_string(dim) +
                         "; 1 to 65,535 is supported");
    }
    to.dims[3 - i] = static_cast<std::uint16_t>(dim);
  }
  const std::int64_t zero = from.zero_points[0];
  const bool fits = to.type == nn::TensorType::kInt8    ? zero >= -128 && zero <= 127
                    : to.type == nn::TensorType::kInt16 ? zero >= -32768 && zero <= 32767
                                                        : zero == 0;
  if (!fits) {
    return Wrong("tensor (" + from.name + ") has zero point " + std::to_string(zero));
  }
  to.zero_point = static_cast<std::int16_t>(zero);
  return to;
}

Status Lowering::NeedPerTensor(const tflite::Tensor& tensor) {
  if (tensor.scales.size() != 1) {
    return tensor.scales.empty()
               ? Unsupported("tensor (" + tensor.name + ") is not quantised")
               : Unsupported("tensor (" + tensor.name + ") is quantised per channel");
  }
  return {};
}

/// The value that stands for a computed tensor of the model.
Result<nn::TensorIndex> Lowering::Use(std::int32_t tensor) {
  auto& value = value_of_[static_cast<std::size_t>(tensor)];
  if (!value) {
    const tflite::Tensor& from = model_.tensors[static_cast<std::size_t>(tensor)];
    if (!from.data.empty()) {
      return Unsupported(Describe(tensor) + " is a constant where a computed one is needed");
    }
    TRIB_TRY_ASSIGN(const nn::Tensor converted, Convert(from));
    if (graph_.values.size() >= nn::kMaxTensors) {
      return Unsupported("more than " + std::to_string(nn::kMaxTensors) + " tensors");
    }
    value = static_cast<nn::TensorIndex>(graph_.values.size());
    graph_.values.push_back({converted, from.shape, from.scales[0]});
    source_.push_back(tensor);
  }
  return *value;
}

Result<Graph> Lowering::Run() {
  value_of_.resize(model_.tensors.size());
  written_.resize(model_.tensors.size());
  where_ = "model";
  if (model_.inputs.empty() || model_.inputs.size() > nn::kMaxInputs || model_.outputs.empty() ||
      model_.outputs.size() > nn::kMaxOutputs) {
    return Unsupported("it needs 1 to 4 inputs and 1 to 4 outputs");
  }
  for (const std::int32_t input : model_.inputs) {
    TRIB_TRY_ASSIGN(const auto value, Use(input));
    graph_.inputs.push_back(value);
    written_[static_cast<std::size_t>(input)] = true;
  }
  for (std::size_t i = 0; i < model_.operators.size(); ++i) {
    const tflite::Operator& from = model_.operators[i];
    where_ = "operator " + std::to_string(i) + " " + BuiltinName(from.builtin) +
             (from.custom.empty() ? "" : " '" + from.custom + "'");
    if (i >= nn::kMaxOperators) {
      return Unsupported("more than " + std::to_string(nn::kMaxOperators) + " operators");
    }
    if (from.inputs.empty() || from.inputs[0] == tflite::kAbsent || from.outputs.size() != 1) {
      return Wrong("it needs an input and exactly one output");
    }
    if (!written_[static_cast<std::size_t>(from.inputs[0])]) {
      return Wrong("input " + Describe(from.inputs[0]) + " is not computed before");
    }
    if (written_[static_cast<std::size_t>(from.outputs[0])]) {
      return Wrong("output " + Describe(from.outputs[0]) + " is computed twice");
    }
    Node node;
    node.name = BuiltinName(from.builtin);
    node.op.source = static_cast<std::uint16_t>(i);
    TRIB_TRY_ASSIGN(node.op.input, Use(from.inputs[0]));
    TRIB_TRY_ASSIGN(node.op.output, Use(from.outputs[0]));
    TRIB_TRY(LowerOperator(from, node));
    written_[static_cast<std::size_t>(from.outputs[0])] = true;
    graph_.nodes.push_back(std::move(node));
  }
  where_ = "model";
  for (const std::int32_t output : model_.outputs) {
    if (!written_[static_cast<std::size_t>(output)]) {
      return Wrong("output " + Describe(output) + " is never computed");
    }
    graph_.outputs.push_back(*value_of_[static_cast<std::size_t>(output)]);
  }
  return std::move(graph_);
}

Status Lowering::LowerOperator(const tflite::Operator& from, Node& node) {
  switch (from.builtin) {
    case Builtin::kConv2D:
      return LowerConv(from, node, false);
    case Builtin::kDepthwiseConv2D:
      return LowerConv(from, node, true);
    case Builtin::kFullyConnected:
      return LowerFullyConnected(from, node);
    case Builtin::kAveragePool2D:
      return LowerPool(from, node);
    case Builtin::kAdd:
      return LowerAdd(from, node);
    case Builtin::kReshape:
      return LowerReshape(node);
    case Builtin::kSoftmax:
      return LowerSoftmax(from, node);
    case Builtin::kQuantize:
      return LowerQuantize(node);
    case Builtin::kSvdf:
      return LowerSvdf(from, node);
    case Builtin::kUnidirectionalSequenceLstm:
      return LowerLstm(from, node);
  }
  return Unsupported("this operator is not supported");
}

Status Lowering::NeedConstant(const tflite::Operator& from, std::size_t position, Type type) {
  const tflite::Tensor* tensor = In(from, position);
  if (tensor == nullptr) {
    return Wrong("input " + std::to_string(position) + " is missing");
  }
  const std::string name = Describe(from.inputs[position]);
  if (tensor->type != type) {
    return Unsupported(name + " is " + TypeName(tensor->type) + ", not " + TypeName(type));
  }
  if (tensor->sparse) {
    return Unsupported(name + " is sparse");
  }
  if (tensor->data.empty()) {
    return Unsupported(name + " is computed, not constant");
  }
  return {};
}

Status Lowering::Bias(const tflite::Operator& from,
                      std::size_t position,
                      std::size_t channels,
                      std::vector<std::int32_t>& out) {
  out.assign(channels, 0);
  if (In(from, position) == nullptr) {
    return {};
  }
  TRIB_TRY(NeedConstant(from, position, Type::kInt32));
  const auto data = In(from, position)->data;
  if (data.size() != 4 * channels) {
    return Wrong(Describe(from.inputs[position]) + " has " + std::to_string(data.size() / 4) +
                 " biases for " + std::to_string(channels) + " channels");
  }
  for (std::size_t i = 0; i < channels; ++i) {
    out[i] = Int32At(data, i);
  }
  return {};
}

Result<nn::Clamp> Lowering::ClampOf(Activation activation, const tflite::Tensor& output) {
  nn::Clamp clamp;
  const auto quantised = [&](float real) {
    const double steps = std::round(real / output.scales[0]);
    return static_cast<std::int8_t>(
        std::clamp<double>(static_cast<double>(output.zero_points[0]) + steps, -128, 127));
  };
  switch (activation) {
    case Activation::kNone:
      break;
    case Activation::kRelu:
      clamp.low = quantised(0);
      break;
    case Activation::kRelu6:
      clamp = {quantised(0), quantised(6)};
      break;
    case Activation::kReluN1To1:
      clamp = {quantised(-1), quantised(1)};
      break;
    default:
      return Unsupported("fused activation " + std::to_string(static_cast<int>(activation)) +
                         " is not supported");
  }
  return clamp;
}

Result<nn::Multiplier> Lowering::Multiplier(double real) {
  auto multiplier = QuantizeMultiplier(real);
  if (!multiplier.ok()) {
    return Unsupported("its scales need a multiplier of " + std::to_string(real));
  }
  return multiplier;
}

/// Padding in front, as TFLite computes it; checks that the output has the size that follows.
Status Lowering::Axis(tflite::Padding padding,
                      std::int32_t in,
                      std::int32_t out,
                      std::int32_t kernel,
                      std::int32_t stride,
                      std::int32_t dilation,
                      std::uint8_t& pad) {
  const auto byte = [](std::int32_t value) { return value >= 1 && value <= 255; };
  if (!byte(kernel) || !byte(stride) || !byte(dilation)) {
    return Unsupported("kernel " + std::to_string(kernel) + ", stride " + std::to_string(stride) +
                       ", dilation " + std::to_string(dilation) + ": each must be 1 to 255");
  }
  const std::int64_t reach = std::int64_t{kernel - 1} * dilation + 1;
  std::int64_t expected = 0;
  std::int64_t total = 0;
  if (padding == tflite::Padding::kSame) {
    expected = (std::int64_t{in} + stride - 1) / stride;
    total = std::max<std::int64_t>((expected - 1) * stride + reach - in, 0);
  } else if (padding == tflite::Padding::kValid) {
    expected = reach > in ? 0 : (in - reach) / stride + 1;
  } else {
    return Unsupported("padding " + std::to_string(static_cast<int>(padding)));
  }
  if (expected != out) {
    return Wrong("an output extent of " + std::to_string(out) + " where " +
                 std::to_string(expected) + " follows from its options");
  }
  if (total / 2 > 255) {
    return Unsupported("padding above 255");
  }
  pad = static_cast<std::uint8_t>(total / 2);
  return {};
}

Status Lowering::WeightedBlock(const std::vector<std::int32_t>& bias,
                               const std::vector<double>& real,
                               std::span<const std::byte> weights,
                               Node& node) {
  std::vector<nn::Multiplier> multipliers;
  for (const double value : real) {
    TRIB_TRY_ASSIGN(const auto multiplier, Multiplier(value));
    multipliers.push_back(multiplier);
  }
  for (const std::int32_t value : bias) {
    Append32(node.weights, value);
  }
  for (const auto& multiplier : multipliers) {
    Append32(node.weights, multiplier.m);
  }
  node.weights.insert(node.weights.end(), weights.begin(), weights.end());
  for (const auto& multiplier : multipliers) {
    node.weights.push_back(static_cast<std::byte>(multiplier.shift));
  }
  return {};
}

Status Lowering::LowerConv(const tflite::Operator& from, Node& node, bool depthwise) {
  TRIB_TRY(NeedConstant(from, 1, Type::kInt8));
  const tflite::Tensor& filter = *In(from, 1);
  const nn::Tensor input = Value(node.op.input);
  const nn::Tensor output = Value(node.op.output);
  if (input.type != nn::TensorType::kInt8 || output.type != nn::TensorType::kInt8) {
    return Unsupported("input and output must be int8");
  }
  if (filter.shape.size() != 4 || input.rank != 4 || output.rank != 4) {
    return Wrong("input, filter and output need 4 dimensions");
  }
  const std::size_t channels = output.channels();
  const bool shapes =
      depthwise ? filter.shape[0] == 1 && static_cast<std::size_t>(filter.shape[3]) == channels &&
                      channels % input.channels() == 0
                : static_cast<std::size_t>(filter.shape[0]) == channels &&
                      static_cast<std::uint32_t>(filter.shape[3]) == input.channels();
  if (!shapes || input.dims[0] != output.dims[0]) {
    return depthwise ? Wrong("channels of input, filter and output do not fit")
                     : Wrong(
                           "channels of input, filter and output do not fit (grouped "
                           "convolution is not supported)");
  }
  nn::Operator& op = node.op;
  op.opcode = depthwise ? nn::Opcode::kDepthwiseConv2D : nn::Opcode::kConv2D;
  const tflite::Options& o = from.options;
  nn::Geometry& g = op.geometry;
  TRIB_TRY(Axis(o.padding,
                input.dims[1],
                output.dims[1],
                filter.shape[1],
                o.stride_height,
                o.dilation_height,
                g.pad_top));
  TRIB_TRY(Axis(o.padding,
                input.dims[2],
                output.dims[2],
                filter.shape[2],
                o.stride_width,
                o.dilation_width,
                g.pad_left));
  g.kernel_height = static_cast<std::uint8_t>(filter.shape[1]);
  g.kernel_width = static_cast<std::uint8_t>(filter.shape[2]);
  g.stride_height = static_cast<std::uint8_t>(o.stride_height);
  g.stride_width = static_cast<std::uint8_t>(o.stride_width);
  g.dilation_height = static_cast<std::uint8_t>(o.dilation_height);
  g.dilation_width = static_cast<std::uint8_t>(o.dilation_width);
  TRIB_TRY_ASSIGN(op.clamp, ClampOf(o.activation, Source(op.output)));

  const std::int32_t wanted_dimension = depthwise ? 3 : 0;
  const bool per_channel = filter.scales.size() > 1;
  if (filter.scales.empty() || (per_channel && filter.channel_dimension != wanted_dimension)) {
    return Unsupported(Describe(from.inputs[1]) + " is not quantised per output channel");
  }
  for (const std::int64_t zero : filter.zero_points) {
    if (zero != 0) {
      return Unsupported(Describe(from.inputs[1]) + " has a zero point other than 0");
    }
  }
  std::vector<std::int32_t> bias;
  TRIB_TRY(Bias(from, 2, channels, bias));
  std::vector<double> real(channels);
  const std::size_t depth = filter.data.size() / channels;
  for (std::size_t c = 0; c < channels; ++c) {
    // Each factor is widened before the product, other than in fully connected.
    real[c] = double{Source(op.input).scales[0]} * double{filter.scales[per_channel ? c : 0]} /
              double{Source(op.output).scales[0]};
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < depth; ++i) {
      sum += Int8At(filter.data, depthwise ? i * channels + c : c * depth + i);
    }
    bias[c] = static_cast<std::int32_t>(std::int64_t{bias[c]} - input.zero_point * sum);
  }
  node.macs = output.elements() * depth;
  return WeightedBlock(bias, real, filter.data, node);
}

Status Lowering::LowerFullyConnected(const tflite::Operator& from, Node& node) {
  TRIB_TRY(NeedConstant(from, 1, Type::kInt8));
  const tflite::Tensor& filter = *In(from, 1);
  const nn::Tensor input = Value(node.op.input);
  const nn::Tensor output = Value(node.op.output);
  if (input.type != nn::TensorType::kInt8 || output.type != nn::TensorType::kInt8) {
    return Unsupported("input and output must be int8");
  }
  if (from.options.weights_format != 0) {
    return Unsupported("shuffled weights");
  }
  if (filter.shape.size() != 2) {
    return Wrong(Describe(from.inputs[1]) + " needs 2 dimensions");
  }
  const auto channels = static_cast<std::size_t>(filter.shape[0]);
  const auto depth = static_cast<std::size_t>(filter.shape[1]);
  const std::uint64_t rows = output.elements() / output.channels();
  if (output.channels() != channels || input.elements() != rows * depth) {
    return Wrong("channels of input, filter and output do not fit");
  }
  if (filter.scales.empty() || (filter.scales.size() > 1 && filter.channel_dimension != 0)) {
    return Unsupported(Describe(from.inputs[1]) + " is not quantised per tensor or output channel");
  }
  for (const std::int64_t zero : filter.zero_points) {
    if (zero != 0) {
      return Unsupported(Describe(from.inputs[1]) + " has a zero point other than 0");
    }
  }
  nn::Operator& op = node.op;
  op.opcode = nn::Opcode::kFullyConnected;
  TRIB_TRY_ASSIGN(op.clamp, ClampOf(from.options.activation, Source(op.output)));
  std::vector<std::int32_t> bias;
  TRIB_TRY(Bias(from, 2, channels, bias));
  const float input_scale = Source(op.input).scales[0];
  const double output_scale = Source(op.output).scales[0];
  std::vector<double> real;
  if (filter.scales.size() == 1) {
    op.flags = nn::op_flag::kPerTensor;
    // The product is rounded to float, as the reference does.
    const float product = input_scale * filter.scales[0];
    real.push_back(double{product} / output_scale);
  } else {
    for (const float scale : filter.scales) {
      real.push_back(double{input_scale} * double{scale} / output_scale);
    }
  }
  for (std::size_t c = 0; c < channels; ++c) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < depth; ++i) {
      sum += Int8At(filter.data, c * depth + i);
    }
    bias[c] = static_cast<std::int32_t>(std::int64_t{bias[c]} - input.zero_point * sum);
  }
  node.macs = rows * channels * depth;
  return WeightedBlock(bias, real, filter.data, node);
}

Status Lowering::LowerPool(const tflite::Operator& from, Node& node) {
  const nn::Tensor input = Value(node.op.input);
  const nn::Tensor output = Value(node.op.output);
  if (input.type != nn::TensorType::kInt8 || output.type != nn::TensorType::kInt8) {
    return Unsupported("input and output must be int8");
  }
  if (input.rank != 4 || output.rank != 4 || input.dims[0] != output.dims[0] ||
      input.channels() != output.channels()) {
    return Wrong("shapes of input and output do not fit");
  }
  if (Source(node.op.input).scales != Source(node.op.output).scales ||
      input.zero_point != output.zero_point) {
    return Unsupported("input and output are quantised differently");
  }
  const tflite::Options& o = from.options;
  nn::Geometry& g = node.op.geometry;
  TRIB_TRY(Axis(
      o.padding, input.dims[1], output.dims[1], o.filter_height, o.stride_height, 1, g.pad_top));
  TRIB_TRY(Axis(
      o.padding, input.dims[2], output.dims[2], o.filter_width, o.stride_width, 1, g.pad_left));
  g.kernel_height = static_cast<std::uint8_t>(o.filter_height);
  g.kernel_width = static_cast<std::uint8_t>(o.filter_width);
  g.stride_height = static_cast<std::uint8_t>(o.stride_height);
  g.stride_width = static_cast<std::uint8_t>(o.stride_width);
  node.op.opcode = nn::Opcode::kAveragePool2D;
  TRIB_TRY_ASSIGN(node.op.clamp, ClampOf(o.activation, Source(node.op.output)));
  return {};
}

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
  if (a.type != nn::TensorType::kInt8 || b.type != a.type || output.type != a.type) {
    return Unsupported("inputs and output must be int8");
  }
  if (a.dims != b.dims || a.dims != output.dims) {
    return Unsupported("inputs of different shapes (broadcasting)");
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
  const int shift = node.op.multipliers[0].shift;
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

Status Lowering::LowerSvdf(const tflite::Operator& from, Node& node) {
  TRIB_TRY(NeedConstant(from, 1, Type::kInt8));
  TRIB_TRY(NeedConstant(from, 2, Type::kInt8));
  const tflite::Tensor& feature = *In(from, 1);
  const tflite::Tensor& time = *In(from, 2);
  const tflite::Tensor* state = In(from, 4);
  const nn::Tensor input = Value(node.op.input);
  const nn::Tensor output = Value(node.op.output);
  if (input.type != nn::TensorType::kInt8 || output.type != nn::TensorType::kInt8) {
    return Unsupported("input and output must be int8");
  }
  if (state == nullptr || !state->variable || state->type != Type::kInt8) {
    return Unsupported("its state must be a variable int8 tensor");
  }
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
  TRIB_TRY(NeedPerTensor(feature));
  TRIB_TRY(NeedPerTensor(time));
  TRIB_TRY(NeedPerTensor(*state));
  if (feature.zero_points[0] != 0 || time.zero_points[0] != 0 || state->zero_points[0] < -128 ||
      state->zero_points[0] > 127) {
    return Unsupported("zero points of weights or state are not allowed");
  }
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

Status Lowering::LowerLstm(const tflite::Operator& from, Node& node) {
  const nn::Tensor input = Value(node.op.input);
  const nn::Tensor output = Value(node.op.output);
  if (from.inputs.size() != kLstmInputs) {
    return Wrong("it needs 24 inputs");
  }
  if (input.type != nn::TensorType::kInt8 || output.type != nn::TensorType::kInt8) {
    return Unsupported("input and output must be int8");
  }
  for (const std::size_t absent : {9U, 10U, 11U, 16U, 17U, 20U, 21U, 22U, 23U}) {
    if (In(from, absent) != nullptr) {
      return Unsupported("peepholes, projection and layer normalisation are not supported");
    }
  }
  const tflite::Options& o = from.options;
  if (o.activation != Activation::kTanh || o.diagonal_recurrent || o.projection_clip != 0) {
    return Unsupported("the cell's activation must be tanh, without projection");
  }
  const std::uint32_t batch = o.time_major ? input.dims[2] : input.dims[1];
  if (input.rank != 3 || output.rank != 3 || batch != 1 || input.dims[1] != output.dims[1] ||
      input.dims[2] != output.dims[2]) {
    return Unsupported("it takes one sequence: batch size 1, 3 dimensions");
  }
  const tflite::Tensor* hidden = In(from, kLstmHiddenState);
  const tflite::Tensor* cell = In(from, kLstmCellState);
  if (hidden == nullptr || cell == nullptr || !hidden->variable || !cell->variable ||
      hidden->type != Type::kInt8 || cell->type != Type::kInt16) {
    return Unsupported("its states must be variable tensors: hidden int8, cell int16");
  }
  TRIB_TRY(NeedPerTensor(*hidden));
  TRIB_TRY(NeedPerTensor(*cell));
  const std::int64_t hidden_zero = hidden->zero_points[0];
  if (hidden_zero < -128 || hidden_zero > 127 || cell->zero_points[0] != 0) {
    return Wrong("zero points of its states are not allowed");
  }
  int exponent = 0;
  const double cell_scale = cell->scales[0];
  if (std::frexp(cell_scale, &exponent) != 0.5 || exponent - 1 < -27 || exponent - 1 > 0) {
    return Unsupported("the cell state's scale must be a power of two from 2^-27 to 1");
  }
  nn::Operator& op = node.op;
  op.opcode = nn::Opcode::kLstm;
  op.lstm.cell_log2 = static_cast<std::int8_t>(exponent - 1);
  op.lstm.hidden_zero_point = static_cast<std::int8_t>(hidden_zero);
  op.lstm.cell_clip =
      static_cast<std::int16_t>(std::min(std::max(double{o.cell_clip} / cell_scale, 0.0), 32767.0));

  const std::size_t cells = output.channels();
  const std::size_t inputs = input.channels();
  constexpr double kGateScale = 1.0 / 4096;   // Q3.12 into sigmoid and tanh
  constexpr double kActivated = 1.0 / 32768;  // Q0.15 out of them
  std::vector<std::int32_t> input_bias;
  std::vector<std::int32_t> recurrent_bias;
  std::vector<std::byte> weights;
  std::vector<std::byte> recurrent;
  for (std::size_t gate = 0; gate < nn::kGates; ++gate) {
    for (const bool recurs : {false, true}) {
      const std::size_t position = (recurs ? kLstmRecurrentWeights : kLstmInputWeights) + gate;
      const std::size_t depth = recurs ? cells : inputs;
      TRIB_TRY(NeedConstant(from, position, Type::kInt8));
      const tflite::Tensor& w = *In(from, position);
      TRIB_TRY(NeedPerTensor(w));
      if (w.zero_points[0] != 0 || w.data.size() != cells * depth) {
        return Wrong(Describe(from.inputs[position]) + " has another size or a zero point");
      }
      const float scale = recurs ? hidden->scales[0] : Source(op.input).scales[0];
      const float product = scale * w.scales[0];  // rounded to float, as in fully connected
      TRIB_TRY_ASSIGN((recurs ? op.lstm.recurrent : op.lstm.input)[gate],
                      Multiplier(double{product} / kGateScale));
      std::vector<std::int32_t> bias(cells, 0);
      if (!recurs) {
        TRIB_TRY(Bias(from, kLstmBiases + gate, cells, bias));
      }
      const std::int64_t zero = recurs ? hidden_zero : input.zero_point;
      for (std::size_t c = 0; c < cells; ++c) {
        std::int64_t sum = 0;
        for (std::size_t i = 0; i < depth; ++i) {
          sum += Int8At(w.data, c * depth + i);
        }
        (recurs ? recurrent_bias : input_bias)
            .push_back(static_cast<std::int32_t>(bias[c] - zero * sum));
      }
      auto& block = recurs ? recurrent : weights;
      block.insert(block.end(), w.data.begin(), w.data.end());
    }
  }
  TRIB_TRY_ASSIGN(op.lstm.forget_cell, Multiplier(kActivated * cell_scale / cell_scale));
  TRIB_TRY_ASSIGN(op.lstm.input_cell, Multiplier(kActivated * kActivated / cell_scale));
  TRIB_TRY_ASSIGN(op.lstm.hidden, Multiplier(kActivated * kActivated / double{hidden->scales[0]}));
  for (const auto* bias : {&input_bias, &recurrent_bias}) {
    for (const std::int32_t value : *bias) {
      Append32(node.weights, value);
    }
  }
  node.weights.insert(node.weights.end(), weights.begin(), weights.end());
  node.weights.insert(node.weights.end(), recurrent.begin(), recurrent.end());
  node.state_bytes = 3 * cells;
  node.scratch_bytes = 2 * nn::kGates * cells;
  node.macs = input.elements() / inputs * nn::kGates * cells * (inputs + cells);
  return {};
}

}  // namespace

Result<nn::Multiplier> QuantizeMultiplier(double real) {
  if (!(real >= 0) || real > 1e30) {
    return Code::kOutOfRange;
  }
  int shift = 0;
  const double mantissa = std::frexp(real, &shift);
  auto fixed = static_cast<std::int64_t>(std::round(mantissa * 2147483648.0));
  if (fixed == std::int64_t{1} << 31) {
    fixed /= 2;
    ++shift;
  }
  if (shift < -31 || fixed == 0) {
    return nn::Multiplier{0, 0};
  }
  if (shift > 30) {
    return Code::kOutOfRange;
  }
  return nn::Multiplier{static_cast<std::int32_t>(fixed), static_cast<std::int8_t>(shift)};
}

Result<Graph> Lower(const tflite::Model& model, std::string& error) {
  return Lowering(model, error).Run();
}

}  // namespace trib::host::compiler
