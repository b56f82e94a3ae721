#include "trib/testing/small_networks.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

namespace trib::testing {
namespace {

namespace tflite = host::tflite;
using tflite::Builtin;

constexpr float kScale = 1.0F / 32;

class Maker {
 public:
  explicit Maker(std::uint32_t seed) : random_(seed) {}

  std::int32_t Value(std::string name,
                     std::vector<std::int32_t> shape,
                     std::int64_t zero,
                     float scale = kScale) {
    tflite::Tensor tensor;
    tensor.name = std::move(name);
    tensor.type = tflite::Type::kInt8;
    tensor.shape = std::move(shape);
    tensor.scales = {scale};
    tensor.zero_points = {zero};
    return Add(std::move(tensor));
  }
  std::int32_t Conv(std::int32_t in,
                    const std::string& name,
                    std::int32_t width,
                    std::int32_t out) {
    return Filter(Builtin::kConv2D, in, name, {width, 1, out});
  }
  std::int32_t Depthwise(std::int32_t in, const std::string& name, std::int32_t stride) {
    return Filter(Builtin::kDepthwiseConv2D, in, name, {3, stride, Shape(in)[3]});
  }
  /// Average over all frames, then a dense layer.
  std::int32_t Exit(std::int32_t in, const std::string& name, std::int32_t classes) {
    const std::int32_t channels = Shape(in)[3];
    const std::int32_t width = Shape(in)[2];
    const auto pooled = Value(name + "_pool", {1, 1, 1, channels}, -128);
    auto& pool = Apply(Builtin::kAveragePool2D, {in}, pooled);
    pool.options.filter_width = width;
    pool.options.padding = tflite::Padding::kValid;
    const auto weights = Weights(name + "_weights", {classes, channels}, Fan(channels) * 2, 0);
    const auto logits = Value(name, {1, classes}, 5, kScale * 2);
    Apply(Builtin::kFullyConnected, {pooled, weights, tflite::kAbsent}, logits);
    return logits;
  }
  NetworkModel Finish(std::int32_t input, std::vector<std::int32_t> outputs) {
    out_.model.inputs = {input};
    out_.model.outputs = std::move(outputs);
    return std::move(out_);
  }

 private:
  struct Kernel {
    std::int32_t width;
    std::int32_t stride;
    std::int32_t out;
  };

  const std::vector<std::int32_t>& Shape(std::int32_t tensor) const {
    return out_.model.tensors[static_cast<std::size_t>(tensor)].shape;
  }
  std::int32_t Add(tflite::Tensor tensor) {
    out_.model.tensors.push_back(std::move(tensor));
    return static_cast<std::int32_t>(out_.model.tensors.size() - 1);
  }
  tflite::Operator& Apply(Builtin builtin, std::vector<std::int32_t> inputs, std::int32_t output) {
    tflite::Operator op;
    op.builtin = builtin;
    op.inputs = std::move(inputs);
    op.outputs = {output};
    out_.model.operators.push_back(std::move(op));
    return out_.model.operators.back();
  }
  /// The weight scale with which sums of so many products stay as large as their terms: uniform
  /// weights of +-127 have a root mean square of 73.
  static float Fan(std::int32_t terms) {
    return 1.4F / (73.0F * std::sqrt(static_cast<float>(terms)));
  }
  std::int32_t Weights(std::string name,
                       std::vector<std::int32_t> shape,
                       float scale,
                       std::int32_t dimension) {
    tflite::Tensor tensor;
    tensor.name = std::move(name);
    tensor.type = tflite::Type::kInt8;
    tensor.channel_dimension = dimension;
    tensor.scales.assign(static_cast<std::size_t>(shape[static_cast<std::size_t>(dimension)]),
                         scale);
    tensor.zero_points.assign(tensor.scales.size(), 0);
    std::size_t elements = 1;
    for (const std::int32_t dim : shape) {
      elements *= static_cast<std::size_t>(dim);
    }
    tensor.shape = std::move(shape);
    std::vector<std::byte> data(elements);
    for (std::byte& b : data) {
      b = static_cast<std::byte>(random_() % 255 + 129);  // -127..127
    }
    out_.constants.push_back(std::move(data));
    tensor.data = out_.constants.back();
    return Add(std::move(tensor));
  }
  std::int32_t Filter(Builtin builtin, std::int32_t in, const std::string& name, Kernel kernel) {
    const bool depthwise = builtin == Builtin::kDepthwiseConv2D;
    const std::int32_t channels = Shape(in)[3];
    const std::int32_t frames = Shape(in)[2];
    const std::int32_t stride = depthwise ? kernel.stride : (kernel.width > 1 ? 2 : 1);
    const std::vector<std::int32_t> shape =
        depthwise ? std::vector<std::int32_t>{1, 1, kernel.width, channels}
                  : std::vector<std::int32_t>{kernel.out, 1, kernel.width, channels};
    const float scale = Fan(depthwise ? kernel.width : kernel.width * channels);
    const auto weights = Weights(name + "_weights", shape, scale, depthwise ? 3 : 0);
    const auto out = Value(name, {1, 1, (frames + stride - 1) / stride, kernel.out}, -128);
    auto& op = Apply(builtin, {in, weights, tflite::kAbsent}, out);
    op.options.stride_width = stride;
    op.options.activation = tflite::Activation::kRelu;
    return out;
  }

  std::mt19937 random_;
  NetworkModel out_;
};

}  // namespace

NetworkModel ThreeExitNetwork(const ThreeExits& shape) {
  Maker maker(shape.seed);
  const auto input = maker.Value("input", {1, 1, shape.frames, shape.channels}, 3);
  const auto stem = maker.Conv(input, "stem", 8, 6);
  const auto first = maker.Depthwise(stem, kCutTensor, 2);
  const auto exit_1 = maker.Exit(first, "exit_1", shape.classes);
  const auto wide = maker.Conv(first, "wide", 1, 10);
  const auto second = maker.Depthwise(wide, "backbone_2", 2);
  const auto exit_2 = maker.Exit(second, "exit_2", shape.classes);
  const auto third = maker.Conv(second, "backbone_3", 3, 12);
  const auto exit_3 = maker.Exit(third, "exit_3", shape.classes);
  return maker.Finish(input, {exit_1, exit_2, exit_3});
}

tflite::Model FirstOperators(const tflite::Model& model,
                             std::size_t operators,
                             const std::vector<std::int32_t>& outputs) {
  tflite::Model out = model;
  out.operators.resize(operators);
  out.outputs = outputs;
  return out;
}

std::int32_t TensorNamed(const tflite::Model& model, const char* name) {
  const auto found =
      std::find_if(model.tensors.begin(), model.tensors.end(), [&](const tflite::Tensor& tensor) {
        return tensor.name == name;
      });
  return static_cast<std::int32_t>(found - model.tensors.begin());
}

}  // namespace trib::testing
