#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tally.h"
#include "trib/cloud/drift/types.h"

namespace trib::cloud::drift {

/// What is normal for one node and package: its first blocks, and how each of them looks to the
/// others as later blocks will look to all.
///
/// State  Learning until Options::reference_blocks were added, then unchanged.
class Reference {
 public:
  /// Up to here the spread of the others is taken anew for each block that is left out, without it
  /// on either side; with more blocks, what one block adds to the reference of another is small.
  static constexpr std::size_t kExactBlocks = 40;

  /// What is kept of a reference block when the counts are gone.
  struct Past {
    std::uint64_t begin_ms = 0;
    std::uint64_t judged = 0;
    std::uint64_t errors = 0;
  };

  /// Blocks within `gap` of each other are not compared; it is cut to an eighth of `blocks`.
  explicit Reference(std::size_t blocks, std::size_t gap = 0)
      : wanted_(blocks), gap_(std::min(gap, blocks / 8)) {}

  /// Requires  !complete(); of one package and rising time.
  /// @returns false, and nothing is added, when its channels are not the first block's.
  bool Add(const Block& block);

  [[nodiscard]] bool complete() const { return past_.size() == wanted_; }
  [[nodiscard]] std::size_t blocks() const { return past_.size(); }
  [[nodiscard]] std::span<const Channel> channels() const { return channels_; }
  [[nodiscard]] std::span<const Past> past() const { return past_; }
  /// All blocks' counts; identity and firmware version are the newest one's.
  [[nodiscard]] const Block& sum() const { return sum_; }
  [[nodiscard]] const Tally& tally() const { return tally_; }

  // Of a complete one, [channel][measure].

  /// How many blocks block b is compared with: those that are not within the gap.
  [[nodiscard]] std::size_t OthersOf(std::size_t b) const;
  /// How reference block b differs from their sum.
  [[nodiscard]] std::span<const float> LeftOut(std::size_t b) const { return Row(left_out_, b); }
  /// Second moments of those others' differences, neither b nor its neighbours on either side.
  [[nodiscard]] std::span<const float> MomentsWithout(std::size_t b) const {
    return Row(moments_without_, b);
  }
  /// Of all blocks.
  [[nodiscard]] std::span<const float> moments() const { return moments_; }

  /// How a later block differs from the reference.
  /// @returns nothing when its channels are other ones.
  [[nodiscard]] bool Score(const Block& block, Measures& out) const;

 private:
  [[nodiscard]] std::span<const float> Row(const Measures& all, std::size_t b) const {
    const std::size_t width = channels_.size() * kMeasures;
    return {all.data() + b * width, width};
  }
  /// A small block scatters more than the reference's did; it is believed less.
  [[nodiscard]] float TrustIn(std::uint64_t windows) const;
  void Complete();
  [[nodiscard]] bool Near(std::size_t a, std::size_t b) const {
    return (a < b ? b - a : a - b) <= gap_;
  }
  void LearnOwnMoments();
  void LearnMoments(std::size_t b, const Tally& others);
  void ApproximateMoments();

  std::size_t wanted_;
  std::size_t gap_;
  std::vector<Channel> channels_;
  std::vector<Past> past_;
  std::vector<Tally> tallies_;  // while learning
  std::vector<std::uint64_t> windows_;
  Block sum_;
  Tally tally_;
  double mean_windows_ = 0;
  Measures left_out_;
  Measures moments_without_;
  Measures moments_;
};

}  // namespace trib::cloud::drift
