// Convolutions, dense layers and pools: operators with a window.
#include <algorithm>

#include "lower.h"

namespace trib::host::compiler {
namespace {

/// Requires  four dimensions each.
bool FilterFits(const tflite::Tensor& filter,
                const nn::Tensor& input,
                const nn::Tensor& output,
                bool depthwise) {
  const auto first = static_cast<std::uint32_t>(filter.shape[0]);
  const auto last = static_cast<std::uint32_t>(filter.shape[3]);
  const bool channels = depthwise ? first == 1 && last == output.channels() &&
                                        output.channels() % input.channels() == 0
                                  : first == output.channels() && last == input.channels();
  return channels && input.dims[0] == output.dims[0];
}

}  // namespace

using tflite::Type;

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
    return Unsupported("padding " + std::to_string(static_cast<int>(padding)) +
                       " is neither SAME nor VALID");
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

Status Lowering::ConvGeometry(const tflite::Operator& from,
                              const tflite::Tensor& filter,
                              Node& node) {
  const nn::Tensor input = Value(node.op.input);
  const nn::Tensor output = Value(node.op.output);
  const tflite::Options& o = from.options;
  nn::Geometry& g = node.op.geometry;
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
  return {};
}

/// One scale, or one for each output channel; symmetric.
Status Lowering::NeedPerChannel(std::int32_t index, std::int32_t dimension) {
  const tflite::Tensor& filter = model_.tensors[static_cast<std::size_t>(index)];
  if (filter.scales.empty()) {
    return Unsupported(Describe(index) + " is not quantised");
  }
  if (filter.scales.size() > 1 && filter.channel_dimension != dimension) {
    return Unsupported(Describe(index) + " is quantised along dimension " +
                       std::to_string(filter.channel_dimension) +
                       " instead of its output channels");
  }
  return NeedSymmetric(index);
}

Status Lowering::LowerConv(const tflite::Operator& from, Node& node, bool depthwise) {
  TRIB_TRY(NeedConstant(from, 1, Type::kInt8));
  const tflite::Tensor& filter = *In(from, 1);
  const nn::Tensor input = Value(node.op.input);
  const nn::Tensor output = Value(node.op.output);
  TRIB_TRY(NeedInt8(node.op.input));
  TRIB_TRY(NeedInt8(node.op.output));
  if (filter.shape.size() != 4 || input.rank != 4 || output.rank != 4) {
    return Wrong("input, filter and output need 4 dimensions");
  }
  const std::size_t channels = output.channels();
  if (!FilterFits(filter, input, output, depthwise)) {
    return Wrong(DescribeShape(from.inputs[1]) + " does not fit " + DescribeShape(from.inputs[0]) +
                 " and " + DescribeShape(from.outputs[0]) +
                 (depthwise ? " depthwise" : " without groups"));
  }
  nn::Operator& op = node.op;
  op.opcode = depthwise ? nn::Opcode::kDepthwiseConv2D : nn::Opcode::kConv2D;
  TRIB_TRY(ConvGeometry(from, filter, node));
  TRIB_TRY_ASSIGN(op.clamp, ClampOf(from.options.activation, Source(op.output)));

  TRIB_TRY(NeedPerChannel(from.inputs[1], depthwise ? 3 : 0));
  std::vector<std::int32_t> bias;
  TRIB_TRY(Bias(from, 2, channels, bias));
  std::vector<double> real(channels);
  const std::size_t depth = filter.data.size() / channels;
  for (std::size_t c = 0; c < channels; ++c) {
    // Each factor is widened before the product, other than in fully connected.
    real[c] = double{Source(op.input).scales[0]} *
              double{filter.scales[filter.scales.size() > 1 ? c : 0]} /
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
  TRIB_TRY(NeedInt8(node.op.input));
  TRIB_TRY(NeedInt8(node.op.output));
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
    return Wrong(DescribeShape(from.inputs[1]) + " does not fit " + DescribeShape(from.inputs[0]) +
                 " and " + DescribeShape(from.outputs[0]));
  }
  TRIB_TRY(NeedPerChannel(from.inputs[1], 0));
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
  TRIB_TRY(NeedInt8(node.op.input));
  TRIB_TRY(NeedInt8(node.op.output));
  if (input.rank != 4 || output.rank != 4 || input.dims[0] != output.dims[0] ||
      input.channels() != output.channels()) {
    return Wrong(DescribeShape(from.inputs[0]) + " does not fit " + DescribeShape(from.outputs[0]));
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

}  // namespace trib::host::compiler
