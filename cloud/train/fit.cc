#include "trib/cloud/train/fit.h"

#include <torch/torch.h>

#include <cmath>
#include <numbers>

namespace trib::cloud::train {
namespace {

namespace F = torch::nn::functional;

struct Net : torch::nn::Module {
  explicit Net(const FloatNetwork& design) : shape(design) {
    for (std::size_t i = 0; i < design.layers.size(); ++i) {
      const Layer& layer = design.layers[i];
      auto options = torch::nn::Conv1dOptions(static_cast<std::int64_t>(layer.inputs),
                                              static_cast<std::int64_t>(layer.outputs),
                                              static_cast<std::int64_t>(layer.kernel))
                         .stride(static_cast<std::int64_t>(layer.stride))
                         .bias(false);
      if (layer.kind == LayerKind::kDepthwise) {
        options.groups(static_cast<std::int64_t>(layer.inputs));
      }
      const std::string index = std::to_string(i);
      convolutions.push_back(register_module("conv" + index, torch::nn::Conv1d(options)));
      norms.push_back(register_module(
          "norm" + index, torch::nn::BatchNorm1d(static_cast<std::int64_t>(layer.outputs))));
    }
    for (std::size_t i = 0; i < design.heads.size(); ++i) {
      heads.push_back(register_module(
          "head" + std::to_string(i),
          torch::nn::Linear(
              static_cast<std::int64_t>(design.layers[design.heads[i].after - 1].outputs),
              static_cast<std::int64_t>(design.classes))));
    }
  }

  std::vector<torch::Tensor> forward(torch::Tensor x) {
    std::vector<torch::Tensor> logits;
    for (std::size_t i = 0; i < shape.layers.size(); ++i) {
      const Layer& layer = shape.layers[i];
      const auto frames = x.size(2);
      const auto total = std::max<std::int64_t>(
          static_cast<std::int64_t>((layer.frames - 1) * layer.stride + layer.kernel) - frames, 0);
      const auto front = static_cast<std::int64_t>(layer.padding);
      x = F::pad(x, F::PadFuncOptions({front, total - front}));
      x = torch::relu(norms[i](convolutions[i](x)));
      if (logits.size() < heads.size() && shape.heads[logits.size()].after == i + 1) {
        logits.push_back(heads[logits.size()](x.mean(2)));
      }
    }
    return logits;
  }

  const FloatNetwork& shape;
  std::vector<torch::nn::Conv1d> convolutions;
  std::vector<torch::nn::BatchNorm1d> norms;
  std::vector<torch::nn::Linear> heads;
};

std::vector<float> Values(const torch::Tensor& tensor) {
  const torch::Tensor flat = tensor.detach().contiguous().to(torch::kFloat32).flatten();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

FloatNetwork Fold(const Net& net, const FloatNetwork& design) {
  FloatNetwork out = design;
  for (std::size_t i = 0; i < out.layers.size(); ++i) {
    Layer& layer = out.layers[i];
    const auto weight = Values(net.convolutions[i]->weight);  // [out][in or 1][kernel]
    const auto gamma = Values(net.norms[i]->weight);
    const auto beta = Values(net.norms[i]->bias);
    const auto mean = Values(net.norms[i]->running_mean);
    const auto variance = Values(net.norms[i]->running_var);
    const bool depthwise = layer.kind == LayerKind::kDepthwise;
    const std::size_t inputs = depthwise ? 1 : layer.inputs;
    layer.weights.resize(weight.size());
    layer.bias.resize(layer.outputs);
    for (std::size_t o = 0; o < layer.outputs; ++o) {
      const float factor =
          gamma[o] / std::sqrt(variance[o] + static_cast<float>(net.norms[i]->options.eps()));
      layer.bias[o] = beta[o] - mean[o] * factor;
      for (std::size_t in = 0; in < inputs; ++in) {
        for (std::size_t k = 0; k < layer.kernel; ++k) {
          const float value = weight[(o * inputs + in) * layer.kernel + k] * factor;
          layer.weights[depthwise ? k * layer.outputs + o
                                  : (o * layer.kernel + k) * layer.inputs + in] = value;
        }
      }
    }
  }
  for (std::size_t i = 0; i < out.heads.size(); ++i) {
    out.heads[i].weights = Values(net.heads[i]->weight);
    out.heads[i].bias = Values(net.heads[i]->bias);
  }
  return out;
}

torch::Tensor JointLoss(const std::vector<torch::Tensor>& logits,
                        const torch::Tensor& labels,
                        const FitConfig& config) {
  torch::Tensor loss;
  for (std::size_t e = 0; e < logits.size(); ++e) {
    const auto options = F::CrossEntropyFuncOptions().label_smoothing(config.label_smoothing);
    const auto part = F::cross_entropy(logits[e], labels, options) * config.loss_weights[e];
    loss = e == 0 ? part : loss + part;
  }
  return loss;
}

}  // namespace

FloatNetwork Fit(const FloatNetwork& design,
                 const FitConfig& config,
                 std::uint64_t seed,
                 const FillBatch& fill,
                 const OnProgress& progress) {
  at::set_num_threads(1);
  at::globalContext().setDeterministicAlgorithms(true, false);
  torch::manual_seed(seed);
  Net net(design);
  net.train();
  torch::optim::AdamW optimiser(
      net.parameters(),
      torch::optim::AdamWOptions(config.learning_rate).weight_decay(config.weight_decay));
  const auto batch = static_cast<std::int64_t>(config.batch);
  const auto total = static_cast<double>(config.epochs * config.batches);
  double step = 0;
  for (std::size_t epoch = 1; epoch <= config.epochs; ++epoch) {
    double sum = 0;
    for (std::size_t n = 1; n <= config.batches; ++n) {
      // A short rise, then half a cosine down to nothing.
      const double rise = std::min(1.0, (step + 1) / (0.05 * total));
      const double rate =
          config.learning_rate * rise * 0.5 * (1 + std::cos(std::numbers::pi * step / total));
      step += 1;
      for (auto& group : optimiser.param_groups()) {
        static_cast<torch::optim::AdamWOptions&>(group.options()).lr(rate);
      }
      torch::Tensor inputs = torch::empty({batch,
                                           static_cast<std::int64_t>(design.channels),
                                           static_cast<std::int64_t>(design.frames)});
      torch::Tensor labels = torch::empty({batch}, torch::kInt64);
      fill({inputs.data_ptr<float>(), static_cast<std::size_t>(inputs.numel())},
           {labels.data_ptr<std::int64_t>(), config.batch});
      optimiser.zero_grad();
      const torch::Tensor loss = JointLoss(net.forward(inputs), labels, config);
      loss.backward();
      optimiser.step();
      sum += loss.item<double>();
      progress({epoch, config.epochs, n, config.batches, sum / static_cast<double>(n)});
    }
  }
  net.eval();
  return Fold(net, design);
}

}  // namespace trib::cloud::train
