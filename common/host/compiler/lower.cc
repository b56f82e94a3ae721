#include "lower.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace trib::host::compiler {

using tflite::Activation;
using tflite::Builtin;
using tflite::Type;

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

namespace {

bool Known(Builtin builtin) {
  switch (builtin) {
    case Builtin::kAdd:
    case Builtin::kAveragePool2D:
    case Builtin::kConv2D:
    case Builtin::kDepthwiseConv2D:
    case Builtin::kFullyConnected:
    case Builtin::kReshape:
    case Builtin::kSoftmax:
    case Builtin::kSvdf:
    case Builtin::kUnidirectionalSequenceLstm:
    case Builtin::kQuantize:
      return true;
  }
  return false;
}

}  // namespace

Result<nn::Tensor> Lowering::Convert(std::int32_t index) {
  const tflite::Tensor& from = model_.tensors[static_cast<std::size_t>(index)];
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
      return Unsupported(Describe(index) + " is float32: quantise the model to int8 first");
    default:
      return Unsupported(Describe(index) + " is " + TypeName(from.type));
  }
  if (from.dynamic) {
    return Unsupported(Describe(index) + " has a dynamic shape");
  }
  if (from.shape.size() > 4) {
    return Unsupported(Describe(index) + " has more than 4 dimensions");
  }
  TRIB_TRY(NeedPerTensor(index));
  to.rank = static_cast<std::uint8_t>(std::max<std::size_t>(from.shape.size(), 1));
  for (std::size_t i = 0; i < from.shape.size(); ++i) {
    const std::int32_t dim = from.shape[from.shape.size() - 1 - i];
    if (dim < 1 || dim > 65535) {
      return Unsupported(Describe(index) + " has a dimension of " + std::to_string(dim) +
                         "; 1 to 65,535 is supported");
    }
    to.dims[3 - i] = static_cast<std::uint16_t>(dim);
  }
  const std::int64_t zero = from.zero_points[0];
  const bool fits = to.type == nn::TensorType::kInt8    ? zero >= -128 && zero <= 127
                    : to.type == nn::TensorType::kInt16 ? zero >= -32768 && zero <= 32767
                                                        : zero == 0;
  if (!fits) {
    return Wrong(Describe(index) + " has zero point " + std::to_string(zero));
  }
  to.zero_point = static_cast<std::int16_t>(zero);
  return to;
}

Status Lowering::NeedPerTensor(std::int32_t index) {
  const auto& scales = model_.tensors[static_cast<std::size_t>(index)].scales;
  if (scales.size() != 1) {
    return scales.empty() ? Unsupported(Describe(index) + " is not quantised")
                          : Unsupported(Describe(index) + " is quantised per channel");
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
    TRIB_TRY_ASSIGN(const nn::Tensor converted, Convert(tensor));
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
    return Unsupported("it has " + std::to_string(model_.inputs.size()) + " inputs and " +
                       std::to_string(model_.outputs.size()) + " outputs; 1 to 4 are supported");
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
    if (!Known(from.builtin)) {
      return Unsupported("this operator is not supported");
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
  return Code::kInternal;  // Known() let it pass
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

Status Lowering::NeedSymmetric(std::int32_t index) {
  for (const std::int64_t zero : model_.tensors[static_cast<std::size_t>(index)].zero_points) {
    if (zero != 0) {
      return Unsupported(Describe(index) + " has a zero point other than 0");
    }
  }
  return {};
}

Status Lowering::NeedState(const tflite::Operator& from, std::size_t position, Type type) {
  const tflite::Tensor* state = In(from, position);
  if (state == nullptr) {
    return Wrong("its state, input " + std::to_string(position) + ", is missing");
  }
  const std::string name = Describe(from.inputs[position]);
  if (!state->variable) {
    return Unsupported(name + " is a state that is not variable");
  }
  if (state->type != type) {
    return Unsupported(name + " is " + TypeName(state->type) + ", not " + TypeName(type));
  }
  TRIB_TRY(NeedPerTensor(from.inputs[position]));
  const std::int64_t zero = state->zero_points[0];
  const bool fits = type == Type::kInt8 ? zero >= -128 && zero <= 127 : zero == 0;
  return fits ? Status() : Wrong(name + " has zero point " + std::to_string(zero));
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

Status Lowering::UnsupportedActivation(Activation activation) {
  return Unsupported("fused activation " + ActivationName(activation) + " is not supported");
}

Status Lowering::NeedInt8(nn::TensorIndex value) {
  return Value(value).type == nn::TensorType::kInt8
             ? Status()
             : Unsupported(Describe(source_[value]) + " is " + TypeName(Source(value).type) +
                           ", not int8");
}

std::string Lowering::DescribeShape(std::int32_t tensor) const {
  std::string shape;
  for (const std::int32_t dim : model_.tensors[static_cast<std::size_t>(tensor)].shape) {
    shape += (shape.empty() ? "" : "x") + std::to_string(dim);
  }
  return Describe(tensor) + " of " + shape;
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
      return UnsupportedActivation(activation);
  }
  return clamp;
}

Result<nn::Multiplier> Lowering::Multiplier(double real) {
  auto multiplier = QuantizeMultiplier(real);
  if (!multiplier.ok()) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%g", real);
    return Unsupported("its scales need a multiplier of " + std::string(text.data()) +
                       "; less than 2^30 is supported");
  }
  return multiplier;
}

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
