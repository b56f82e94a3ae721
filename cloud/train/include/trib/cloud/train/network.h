#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trib/cloud/train/config.h"
#include "trib/cloud/train/dataset.h"

namespace trib::cloud::train {

enum class LayerKind : std::uint8_t { kConv, kDepthwise };

/// A convolution over time with padding SAME and a ReLU behind it, batch normalisation folded in.
struct Layer {
  LayerKind kind = LayerKind::kConv;
  std::size_t inputs = 0;
  std::size_t outputs = 0;  ///< = inputs for kDepthwise
  std::size_t kernel = 1;
  std::size_t stride = 1;
  std::size_t frames = 0;      ///< of the output
  std::size_t padding = 0;     ///< in front; the rest is behind
  std::vector<float> weights;  ///< kConv [out][kernel][in], kDepthwise [kernel][out]
  std::vector<float> bias;     ///< [out]
};

/// Mean over all frames, then one linear layer: an exit's logits.
struct Head {
  std::size_t after = 0;       ///< layers that have run
  std::vector<float> weights;  ///< [classes][channels]
  std::vector<float> bias;     ///< [classes]
};

/// A network with exits in float. Weights may be absent: then it is a plan of one.
struct FloatNetwork {
  std::size_t frames = 0;
  std::size_t channels = 0;
  std::size_t classes = 0;
  std::vector<Layer> layers;
  std::vector<Head> heads;  ///< in order
};

/// The shape that a configuration describes, without weights.
FloatNetwork Design(const NetworkConfig& config, const WindowShape& shape, std::size_t classes);

/// One line for each rule of the engine that the shape breaks; empty when it fits.
std::vector<std::string> CheckDesign(const FloatNetwork& network);

/// Output frames of a layer with padding SAME, and the padding in front.
std::size_t SameFrames(std::size_t frames, std::size_t stride);
std::size_t SamePadding(std::size_t frames, std::size_t kernel, std::size_t stride);

/// What a window makes of every tensor, in the order in which they are computed: per layer its
/// output [frame][channel]; per head the means, then the logits.
struct Activations {
  std::vector<std::vector<float>> layers;
  std::vector<std::vector<float>> means;
  std::vector<std::vector<float>> logits;
};

/// Runs the network plainly. Units  input [frame][channel] in real units.
Activations Run(const FloatNetwork& network, std::span<const float> input);

}  // namespace trib::cloud::train
