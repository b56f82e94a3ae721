#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "trib/common/dsp/extractor.h"
#include "trib/common/dsp/recipe.h"
#include "trib/common/dsp/window.h"
#include "trib/common/message/types.h"
#include "trib/common/status/status.h"

namespace trib::node::features {

static_assert(dsp::kMaxOutputs == message::kMaxFeatures);

/// Turns good windows into feature frames as the loaded recipe says.
///
/// Memory   Borrows scratch for life; holds a copy of the recipe. Not copyable.
/// Threads  One caller at a time.
class FeatureStage {
 public:
  explicit FeatureStage(std::span<float> scratch) : scratch_(scratch) {}
  FeatureStage(const FeatureStage&) = delete;
  FeatureStage& operator=(const FeatureStage&) = delete;

  /// Replaces the recipe, between two windows.
  ///
  /// Requires  A valid recipe, as DecodeRecipe() gives it.
  /// @returns  kResourceExhausted when it needs more scratch than there is; the old one then stays.
  Status Load(const dsp::Recipe& recipe);

  [[nodiscard]] bool loaded() const { return extractor_.has_value(); }
  /// Requires  loaded().
  [[nodiscard]] const dsp::Recipe& recipe() const { return recipe_; }

  /// Writes frame.values; leaves frame.score alone.
  ///
  /// @returns kFailedPrecondition  no recipe loaded
  ///          kInvalidArgument     the window's channels, rate or length are not the recipe's
  ///          kDataLoss            a value is not finite; the reason is the index of the first
  /// State    After an error frame.values is empty: a value that is not finite never leaves.
  Status Extract(const dsp::Window& window, message::FeatureFrame& frame);

 private:
  std::span<float> scratch_;
  dsp::Recipe recipe_;
  std::optional<dsp::Extractor<float>> extractor_;  // refers to recipe_ and scratch_
};

/// A stage with scratch for windows of up to `kFrames`; twice that many numbers with envelopes.
template <std::size_t kFrames, bool kEnvelopes = true>
class FeatureStageStorage {
 public:
  FeatureStageStorage() : stage_(scratch_) {}
  [[nodiscard]] FeatureStage& stage() { return stage_; }

 private:
  std::array<float, (kEnvelopes ? 2 : 1) * kFrames> scratch_{};
  FeatureStage stage_;
};

}  // namespace trib::node::features
