#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/base/fixed_vector.h"
#include "trib/common/nn/runner.h"
#include "trib/common/package/sections.h"
#include "trib/common/status/result.h"

/// What surrounds a network: a window becomes its input, its logits become a decision. The same
/// bits on every tier; layouts and formulas: docs/formats/package.md, section classifier.
namespace trib::classify {

/// The window a network looks at, interleaved [frame][channel].
struct Window {
  std::span<const std::int16_t> samples;
  std::uint32_t channels = 1;
  float scale = 1;  ///< physical units per count, finite, > 0
};

/// Fills a network's int8 input.
///
/// Requires  spec.input is a window; input.size() == samples.size().
void QuantiseWindow(const package::ClassifierSpec& spec,
                    const Window& window,
                    const nn::Port& port,
                    std::int16_t zero_point,
                    std::span<std::byte> input);

/// Requires  features.size() == normalisation.features.size() == input.size().
void QuantiseFeatures(const package::Normalisation& normalisation,
                      std::span<const float> features,
                      const nn::Port& port,
                      std::int16_t zero_point,
                      std::span<std::byte> input);

/// An exit's answer about one window.
struct Decision {
  std::uint8_t exit = 0;         ///< index of the exit in ClassifierSpec::exits
  std::uint8_t class_index = 0;  ///< with the greatest probability, the first of equals
  std::uint8_t label = 0;        ///< of that class, in the package's labels
  bool accepted = false;         ///< it may be the last word
  float confidence = 0;          ///< its probability
  FixedVector<float, package::kMaxLabels> probabilities;  ///< per class
};

/// Judges int8 logits of one exit.
///
/// Requires  logits.size() == spec.labels.size(); exit < spec.exits.size().
Decision Judge(const package::ClassifierSpec& spec,
               std::size_t exit,
               std::span<const std::byte> logits,
               const nn::Port& port,
               std::int16_t zero_point);

/// Says whether plan, classifier and recipe fit each other: input's size and type, an int8 output
/// of `classes` values for each exit that lies within the plan, exits at cuts of the plan.
///
/// @returns kDataLoss with package::Reason::kClassifierDoesNotMatchPlan
Status CheckFit(const package::ClassifierSpec& spec,
                const nn::Plan& plan,
                std::size_t window_samples,
                std::size_t features);

/// Exits that the plan reaches: 1 for a head, all for a tail.
std::size_t ReachableExits(const package::ClassifierSpec& spec, const nn::Plan& plan);

}  // namespace trib::classify
