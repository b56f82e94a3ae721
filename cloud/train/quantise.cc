#include "trib/cloud/train/quantise.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace trib::cloud::train {
namespace {

using host::tflite::Builtin;
using host::tflite::Padding;
using host::tflite::Tensor;
using host::tflite::Type;

double Percentile(std::vector<float>& values, double percent) {
  if (values.empty()) {
    return 0;
  }
  const auto rank =
      static_cast<std::size_t>(percent / 100 * static_cast<double>(values.size() - 1));
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(rank);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

std::int8_t ToInt8(double value) {
  return static_cast<std::int8_t>(std::clamp(std::round(value), -127.0, 127.0));
}

/// Adds the parts of a model in order.
class Builder {
 public:
  explicit Builder(Int8Model& out) : out_(out) {}

  std::int32_t Computed(const std::string& name,
                        std::vector<std::int32_t> shape,
                        const Quantisation& quantisation) {
    Tensor tensor = Named(name, Type::kInt8, std::move(shape));
    tensor.scales = {quantisation.scale};
    tensor.zero_points = {quantisation.zero_point};
    return Add(std::move(tensor));
  }

  /// Weights with one scale per output channel and their biases in steps of input x weight.
  /// `at(channel, i)` gives weight i of `depth` of a channel, `place` where it is stored.
  template <typename At, typename Place>
  void Weights(const std::string& name,
               const std::vector<std::int32_t>& shape,
               std::int32_t channel_dimension,
               std::size_t channels,
               std::size_t depth,
               const At& at,
               const Place& place,
               std::span<const float> bias,
               float input_scale,
               std::vector<std::int32_t>& inputs) {
    Tensor weights = Named(name + "/weights", Type::kInt8, shape);
    weights.channel_dimension = channel_dimension;
    std::vector<std::byte> bytes(channels * depth);
    std::vector<std::byte> biases(4 * channels);
    for (std::size_t c = 0; c < channels; ++c) {
      float most = 0;
      for (std::size_t i = 0; i < depth; ++i) {
        most = std::max(most, std::abs(at(c, i)));
      }
      const float scale = std::max(most, 1e-8F) / 127.0F;
      weights.scales.push_back(scale);
      weights.zero_points.push_back(0);
      for (std::size_t i = 0; i < depth; ++i) {
        bytes[place(c, i)] = static_cast<std::byte>(ToInt8(at(c, i) / scale));
      }
      const double step = double{input_scale} * double{scale};
      const auto value = static_cast<std::int32_t>(
          std::clamp(std::round(bias[c] / step), -2147483647.0, 2147483647.0));
      std::memcpy(biases.data() + 4 * c, &value, 4);
    }
    inputs.push_back(Constant(std::move(weights), std::move(bytes)));
    inputs.push_back(
        Constant(Named(name + "/bias", Type::kInt32, {static_cast<std::int32_t>(channels)}),
                 std::move(biases)));
  }

  void Operate(Builtin builtin,
               std::vector<std::int32_t> inputs,
               std::int32_t output,
               const host::tflite::Options& options) {
    host::tflite::Operator& op = out_.model.operators.emplace_back();
    op.builtin = builtin;
    op.inputs = std::move(inputs);
    op.outputs = {output};
    op.options = options;
  }

 private:
  static Tensor Named(std::string name, Type type, std::vector<std::int32_t> shape) {
    Tensor tensor;
    tensor.name = std::move(name);
    tensor.type = type;
    tensor.shape = std::move(shape);
    return tensor;
  }
  std::int32_t Add(Tensor tensor) {
    out_.model.tensors.push_back(std::move(tensor));
    return static_cast<std::int32_t>(out_.model.tensors.size() - 1);
  }
  std::int32_t Constant(Tensor tensor, std::vector<std::byte> bytes) {
    out_.storage.push_back(std::move(bytes));
    tensor.data = out_.storage.back();
    return Add(std::move(tensor));
  }

  Int8Model& out_;
};

host::tflite::Options Convolution(Padding padding,
                                  host::tflite::Activation activation,
                                  std::int32_t stride) {
  host::tflite::Options options;
  options.padding = padding;
  options.activation = activation;
  options.stride_width = stride;
  return options;
}

std::int32_t AddLayer(Builder& builder,
                      const Layer& layer,
                      const std::string& name,
                      std::int32_t input,
                      float input_scale,
                      const Quantisation& quantisation) {
  const auto kernel = static_cast<std::int32_t>(layer.kernel);
  const auto outputs = static_cast<std::int32_t>(layer.outputs);
  const bool depthwise = layer.kind == LayerKind::kDepthwise;
  const std::size_t depth = depthwise ? layer.kernel : layer.kernel * layer.inputs;
  const auto place = [&](std::size_t c, std::size_t i) {
    return depthwise ? i * layer.outputs + c : c * depth + i;
  };
  std::vector<std::int32_t> inputs = {input};
  builder.Weights(
      name,
      depthwise
          ? std::vector<std::int32_t>{1, 1, kernel, outputs}
          : std::vector<std::int32_t>{outputs, 1, kernel, static_cast<std::int32_t>(layer.inputs)},
      depthwise ? 3 : 0,
      layer.outputs,
      depth,
      [&](std::size_t c, std::size_t i) { return layer.weights[place(c, i)]; },
      place,
      layer.bias,
      input_scale,
      inputs);
  const std::int32_t output = builder.Computed(
      name, {1, 1, static_cast<std::int32_t>(layer.frames), outputs}, quantisation);
  builder.Operate(depthwise ? Builtin::kDepthwiseConv2D : Builtin::kConv2D,
                  std::move(inputs),
                  output,
                  Convolution(Padding::kSame,
                              host::tflite::Activation::kRelu,
                              static_cast<std::int32_t>(layer.stride)));
  return output;
}

std::int32_t AddHead(Builder& builder,
                     const FloatNetwork& network,
                     std::size_t index,
                     std::int32_t input,
                     const Ranges& ranges) {
  const Head& head = network.heads[index];
  const Layer& last = network.layers[head.after - 1];
  const auto channels = static_cast<std::int32_t>(last.outputs);
  const std::string name = "exit" + std::to_string(index + 1);
  const float mean = 1.0F / static_cast<float>(last.frames);
  const std::vector<float> no_bias(last.outputs);
  std::vector<std::int32_t> inputs = {input};
  builder.Weights(
      name + "/mean",
      {1, 1, static_cast<std::int32_t>(last.frames), channels},
      3,
      last.outputs,
      last.frames,
      [&](std::size_t, std::size_t) { return mean; },
      [&](std::size_t c, std::size_t i) { return i * last.outputs + c; },
      no_bias,
      ranges.layers[head.after - 1].scale,
      inputs);
  const std::int32_t means =
      builder.Computed(name + "/mean", {1, 1, 1, channels}, ranges.means[index]);
  builder.Operate(Builtin::kDepthwiseConv2D,
                  std::move(inputs),
                  means,
                  Convolution(Padding::kValid, host::tflite::Activation::kNone, 1));
  inputs = {means};
  const std::size_t depth = last.outputs;
  const auto place = [&](std::size_t c, std::size_t i) { return c * depth + i; };
  builder.Weights(
      name + "/logits",
      {static_cast<std::int32_t>(network.classes), channels},
      0,
      network.classes,
      depth,
      [&](std::size_t c, std::size_t i) { return head.weights[place(c, i)]; },
      place,
      head.bias,
      ranges.means[index].scale,
      inputs);
  const std::int32_t logits = builder.Computed(
      name + "/logits", {1, static_cast<std::int32_t>(network.classes)}, ranges.logits[index]);
  builder.Operate(Builtin::kFullyConnected, std::move(inputs), logits, {});
  return logits;
}

std::vector<std::uint32_t> Aligned(std::span<const std::byte> bytes) {
  std::vector<std::uint32_t> words((bytes.size() + 3) / 4);
  std::memcpy(words.data(), bytes.data(), bytes.size());
  return words;
}

void Append(std::vector<float>& to, const std::vector<float>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

Quantisation WholeRange(std::vector<float>& values, double percentile_low, double percentile_high) {
  return AsymmetricFor(Percentile(values, percentile_low), Percentile(values, percentile_high));
}

}  // namespace

Quantisation SymmetricFor(double limit) {
  return {static_cast<float>(std::max(limit, 1e-6) / 127), 0};
}

Quantisation AsymmetricFor(double low, double high) {
  low = std::min(low, 0.0);
  high = std::max(high, 0.0);
  const double scale = std::max(high - low, 1e-6) / 255;
  const double zero = std::clamp(std::round(-128 - low / scale), -128.0, 127.0);
  return {static_cast<float>(scale), static_cast<std::int64_t>(zero)};
}

Ranges MeasureRanges(const FloatNetwork& network,
                     const Quantisation& input,
                     std::span<const std::vector<float>> inputs,
                     double percentile) {
  std::vector<std::vector<float>> layers(network.layers.size());
  std::vector<std::vector<float>> means(network.heads.size());
  std::vector<std::vector<float>> logits(network.heads.size());
  for (const auto& window : inputs) {
    const Activations activations = Run(network, window);
    for (std::size_t i = 0; i < layers.size(); ++i) {
      Append(layers[i], activations.layers[i]);
    }
    for (std::size_t i = 0; i < means.size(); ++i) {
      Append(means[i], activations.means[i]);
      Append(logits[i], activations.logits[i]);
    }
  }
  Ranges ranges{.input = input, .layers = {}, .means = {}, .logits = {}};
  for (auto& values : layers) {
    ranges.layers.push_back(WholeRange(values, 0, percentile));
  }
  for (std::size_t i = 0; i < means.size(); ++i) {
    ranges.means.push_back(WholeRange(means[i], 0, 100));
    ranges.logits.push_back(WholeRange(logits[i], 0, 100));
  }
  return ranges;
}

std::size_t OperatorsUpTo(const FloatNetwork& network, std::size_t exit) {
  return network.heads[exit].after + 2 * (exit + 1);
}

std::unique_ptr<Int8Model> BuildInt8(const FloatNetwork& network, const Ranges& ranges) {
  auto out = std::make_unique<Int8Model>();
  out->storage.reserve(4 * (network.layers.size() + 2 * network.heads.size()));
  Builder builder(*out);
  std::int32_t last = builder.Computed("input",
                                       {1,
                                        1,
                                        static_cast<std::int32_t>(network.frames),
                                        static_cast<std::int32_t>(network.channels)},
                                       ranges.input);
  out->model.inputs = {last};
  float scale = ranges.input.scale;
  std::size_t head = 0;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    last = AddLayer(
        builder, network.layers[i], "layer" + std::to_string(i), last, scale, ranges.layers[i]);
    scale = ranges.layers[i].scale;
    if (head < network.heads.size() && network.heads[head].after == i + 1) {
      out->model.outputs.push_back(AddHead(builder, network, head, last, ranges));
      ++head;
    }
  }
  return out;
}

Engine::Engine(const nn::Plan& plan)
    : plan_(plan), arena_((plan.arena_bytes() + 3) / 4), state_((plan.state_bytes() + 3) / 4) {}

Result<std::unique_ptr<Engine>> Engine::Open(std::span<const std::byte> plan,
                                             std::span<const std::byte> weights) {
  auto plan_words = Aligned(plan);
  auto weight_words = Aligned(weights);
  TRIB_TRY_ASSIGN(const nn::Plan loaded,
                  nn::Plan::Load(std::as_bytes(std::span(plan_words)).first(plan.size()),
                                 std::as_bytes(std::span(weight_words)).first(weights.size())));
  std::unique_ptr<Engine> engine(new Engine(loaded));
  // Moving a vector keeps its bytes where they are.
  engine->plan_bytes_ = std::move(plan_words);
  engine->weights_ = std::move(weight_words);
  TRIB_TRY_ASSIGN(const nn::Runner runner,
                  nn::Runner::Open(engine->plan_,
                                   std::as_writable_bytes(std::span(engine->arena_)),
                                   std::as_writable_bytes(std::span(engine->state_))));
  engine->runner_.push_back(runner);
  engine->runner_.front().Reset();
  return engine;
}

std::vector<std::vector<float>> Engine::Run(std::span<const std::int8_t> input, std::size_t exits) {
  nn::Runner& runner = runner_.front();
  std::memcpy(runner.input(0).data(), input.data(), input.size());
  runner.Run();
  std::vector<std::vector<float>> logits;
  for (std::size_t e = 0; e < exits; ++e) {
    const nn::Port port = plan_.output(e);
    const auto zero = plan_.tensor(port.tensor).zero_point;
    auto& values = logits.emplace_back();
    for (const std::byte value : runner.output(e)) {
      values.push_back(port.scale * static_cast<float>(static_cast<std::int8_t>(value) - zero));
    }
  }
  return logits;
}

}  // namespace trib::cloud::train
