#include "trib/cloud/train/network.h"

#include <algorithm>

namespace trib::cloud::train {
namespace {

Layer MakeLayer(LayerKind kind,
                std::size_t frames,
                std::size_t inputs,
                std::size_t outputs,
                std::size_t kernel,
                std::size_t stride) {
  return {.kind = kind,
          .inputs = inputs,
          .outputs = outputs,
          .kernel = kernel,
          .stride = stride,
          .frames = SameFrames(frames, stride),
          .padding = SamePadding(frames, kernel, stride),
          .weights = {},
          .bias = {}};
}

void RunConv(const Layer& layer, std::span<const float> in, std::span<float> out) {
  const std::size_t frames = in.size() / layer.inputs;
  std::vector<float> sums(layer.outputs);
  for (std::size_t n = 0; n < layer.frames; ++n) {
    std::copy(layer.bias.begin(), layer.bias.end(), sums.begin());
    for (std::size_t k = 0; k < layer.kernel; ++k) {
      const std::size_t at = n * layer.stride + k;
      if (at < layer.padding || at - layer.padding >= frames) {
        continue;
      }
      const float* x = in.data() + (at - layer.padding) * layer.inputs;
      if (layer.kind == LayerKind::kDepthwise) {
        const float* w = layer.weights.data() + k * layer.outputs;
        for (std::size_t c = 0; c < layer.outputs; ++c) {
          sums[c] += w[c] * x[c];
        }
        continue;
      }
      for (std::size_t o = 0; o < layer.outputs; ++o) {
        const float* w = layer.weights.data() + (o * layer.kernel + k) * layer.inputs;
        for (std::size_t i = 0; i < layer.inputs; ++i) {
          sums[o] += w[i] * x[i];
        }
      }
    }
    for (std::size_t o = 0; o < layer.outputs; ++o) {
      out[n * layer.outputs + o] = std::max(0.0F, sums[o]);
    }
  }
}

}  // namespace

std::size_t SameFrames(std::size_t frames, std::size_t stride) {
  return (frames + stride - 1) / stride;
}

std::size_t SamePadding(std::size_t frames, std::size_t kernel, std::size_t stride) {
  const std::size_t reach = (SameFrames(frames, stride) - 1) * stride + kernel;
  return reach > frames ? (reach - frames) / 2 : 0;
}

FloatNetwork Design(const NetworkConfig& config, const WindowShape& shape, std::size_t classes) {
  FloatNetwork network{.frames = shape.frames,
                       .channels = shape.channels,
                       .classes = classes,
                       .layers = {},
                       .heads = {}};
  network.layers.push_back(MakeLayer(LayerKind::kConv,
                                     shape.frames,
                                     shape.channels,
                                     config.stem_channels,
                                     config.stem_kernel,
                                     config.stem_stride));
  for (std::size_t i = 0; i < config.blocks.size(); ++i) {
    const Block& block = config.blocks[i];
    const Layer& last = network.layers.back();
    const Layer depthwise = MakeLayer(
        LayerKind::kDepthwise, last.frames, last.outputs, last.outputs, block.kernel, block.stride);
    network.layers.push_back(depthwise);
    network.layers.push_back(
        MakeLayer(LayerKind::kConv, depthwise.frames, depthwise.outputs, block.channels, 1, 1));
    if (i + 1 == config.blocks.size() || config.blocks[i + 1].part != block.part) {
      network.heads.push_back({.after = network.layers.size(), .weights = {}, .bias = {}});
    }
  }
  return network;
}

std::vector<std::string> CheckDesign(const FloatNetwork& network) {
  std::vector<std::string> mistakes;
  for (const Head& head : network.heads) {
    const std::size_t frames = network.layers[head.after - 1].frames;
    if (frames > 255) {
      mistakes.push_back("the exit behind layer " + std::to_string(head.after) + " averages over " +
                         std::to_string(frames) +
                         " frames; the engine can over 255: raise strides");
    }
  }
  return mistakes;
}

Activations Run(const FloatNetwork& network, std::span<const float> input) {
  Activations out;
  std::span<const float> last = input;
  std::size_t head = 0;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const Layer& layer = network.layers[i];
    out.layers.emplace_back(layer.frames * layer.outputs);
    RunConv(layer, last, out.layers.back());
    last = out.layers.back();
    if (head >= network.heads.size() || network.heads[head].after != i + 1) {
      continue;
    }
    std::vector<float> means(layer.outputs);
    for (std::size_t n = 0; n < last.size(); ++n) {
      means[n % layer.outputs] += last[n] / static_cast<float>(layer.frames);
    }
    std::vector<float> logits = network.heads[head].bias;
    for (std::size_t k = 0; k < network.classes; ++k) {
      for (std::size_t c = 0; c < layer.outputs; ++c) {
        logits[k] += network.heads[head].weights[k * layer.outputs + c] * means[c];
      }
    }
    out.means.push_back(std::move(means));
    out.logits.push_back(std::move(logits));
    ++head;
  }
  return out;
}

}  // namespace trib::cloud::train
