#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "trib/common/message/types.h"
#include "trib/common/status/status.h"

/// Fixed 16-bin histograms: what remains of a block of windows when nothing else is sent. Edges
/// come from the package, so sketches of one package add up; those of two packages never mix.
namespace trib::sketch {

inline constexpr std::size_t kEdges = message::kHistogramBins - 1;
using Edges = std::span<const float, kEdges>;

/// Bin i holds edges[i-1] <= value < edges[i]; the outer bins are open, infinities included.
///
/// Requires  Edges that rise or stay equal.
/// @returns nothing for NaN.
std::optional<std::size_t> BinOf(float value, Edges edges);

/// One histogram to keep: the index of a feature in the recipe's frame, or
/// message::kTriggerScoreFeature or kConfidenceFeature.
struct HistogramSpec {
  std::uint32_t feature;
  Edges edges;
};

enum class Reason : std::uint16_t {
  kNone = 0,
  kTooManyHistograms = 1,
  kDuplicateFeature = 2,
  kBadEdges = 3,           ///< falling, or not finite
  kDifferentFeatures = 4,  ///< sketches that count different things
  kTooManyLabels = 5,
};

/// Fills one block's sketch.
///
/// Memory  2.4 kB inside. Borrows the edges until the next Configure(), not the specs' array.
/// Threads One caller at a time.
/// State   All counters stop at their maximum instead of wrapping.
class SketchBuilder {
 public:
  /// Chooses the histograms and how many labels decisions have, and clears all counts.
  /// @returns kInvalidArgument with a Reason; the builder then keeps no histogram and no label.
  Status Configure(std::span<const HistogramSpec> specs, std::size_t labels = 0);

  /// What a window adds to the histograms. A NaN, or a feature beyond the frame, enters no bin and
  /// is counted in ignored_values().
  struct Values {
    std::span<const float> frame;
    float trigger_score = 0;
    float confidence = 0;
  };

  /// Counts a judged window; AddDecision() says in time whose decision about it stands.
  void AddWindow(bool triggered, const Values& values);
  /// Counts a window that the guardrails refused; it has no features.
  void AddInvalid();
  /// Counts a decision that stands, of a window of this block or of an earlier one. A label beyond
  /// those of Configure() is counted by its tier alone.
  void AddDecision(message::Tier tier, std::uint32_t label);

  [[nodiscard]] const message::Sketch& sketch() const { return sketch_; }
  [[nodiscard]] std::uint32_t ignored_values() const { return ignored_values_; }
  /// Starts the next block with the same histograms.
  void Reset();

 private:
  message::Sketch sketch_;
  std::array<const float*, message::kMaxHistograms> edges_{};
  std::uint32_t ignored_values_ = 0;
};

/// Adds `from` to `into`, bin by bin. Associative and commutative up to the order of histograms,
/// which stays that of `into`. Where one has fewer labels (or none: an older firmware's), the rest
/// of its labels count as zero.
///
/// @returns kInvalidArgument  the histograms are not of the same features; `into` is unchanged
///          kOutOfRange       added, but at least one counter stopped at its maximum
Status Merge(message::Sketch& into, const message::Sketch& from);

}  // namespace trib::sketch
