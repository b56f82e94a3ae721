#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "trib/common/host/tflite/model.h"

namespace trib::testing {

/// A model and the constants it points into. Moving keeps it whole; copies are not made.
struct NetworkModel {
  NetworkModel() = default;
  NetworkModel(NetworkModel&&) = default;
  NetworkModel& operator=(NetworkModel&&) = default;

  std::vector<std::vector<std::byte>> constants;
  host::tflite::Model model;
};

/// What ThreeExitNetwork() is made of.
struct ThreeExits {
  std::uint32_t seed = 1;
  std::int32_t frames = 64;  ///< a multiple of 4
  std::int32_t channels = 1;
  std::int32_t classes = 3;
};
/// Operators that have run at each exit.
inline constexpr std::uint16_t kExitOperators[] = {4, 8, 11};
/// Where the model names the tensor that the second part reads.
inline constexpr const char* kCutTensor = "backbone_1";

/// A network with random weights, all of whose tensors are in use over most of their range:
/// node part, exit 1, gateway part, exit 2, cloud part, exit 3 on [1, 1, frames, channels], input
/// zero point 3, scale 1/32. The logits of each exit are an output.
NetworkModel ThreeExitNetwork(const ThreeExits& shape = {});

/// The first `operators` of a model as a model of its own, with the outputs named.
///
/// Requires  The model outlives the result's use: constants are shared.
host::tflite::Model FirstOperators(const host::tflite::Model& model,
                                   std::size_t operators,
                                   const std::vector<std::int32_t>& outputs);

/// Index of the tensor with this name. Requires  There is one.
std::int32_t TensorNamed(const host::tflite::Model& model, const char* name);

}  // namespace trib::testing
