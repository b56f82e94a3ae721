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
///
/// Memory   None but the caller's.
/// Threads  Everything is re-entrant.
namespace trib::classify {

/// The window a network looks at, interleaved [frame][channel].
struct Window {
  std::span<const std::int16_t> samples;  ///< at most 4,096 frames
  std::uint32_t channels = 1;
  float scale = 1;  ///< physical units per count, finite, > 0
};

/// Fills a network's int8 input.
///
/// Requires  spec.input is a window; input.size() == samples.size(), a multiple of channels.
void QuantiseWindow(const package::ClassifierSpec& spec,
                    const Window& window,
                    const nn::Port& port,
                    std::int16_t zero_point,
                    std::span<std::byte> input);

/// A feature that is no number counts as the least value.
///
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
/// Requires  logits.size() == spec.labels.size(); exit < spec.exits.size(); CheckFit() is ok.
Decision Judge(const package::ClassifierSpec& spec,
               std::size_t exit,
               std::span<const std::byte> logits,
               const nn::Port& port,
               std::int16_t zero_point);

/// Says whether plan, classifier and recipe fit each other: one int8 input of the window's or the
/// frame's size; for each exit that the plan reaches an int8 output of as many values as there are
/// classes, written by then and alive; one exit or all of them reached, the last of these at the
/// plan's end.
///
/// @returns kDataLoss with package::Reason::kClassifierDoesNotMatchPlan
Status CheckFit(const package::ClassifierSpec& spec,
                const nn::Plan& plan,
                std::size_t window_samples,
                std::size_t features);

/// Says whether a head's split points fit its plan: the cut is the plan's end, and what lives there
/// is no longer than stated.
///
/// @returns kDataLoss with package::Reason::kSplitPointsDoNotMatchPlan
Status CheckSplit(const package::SplitPoints& split, const nn::Plan& plan);

/// Exits that the plan reaches: 1 for a head, all for a tail.
std::size_t ReachableExits(const package::ClassifierSpec& spec, const nn::Plan& plan);

}  // namespace trib::classify
