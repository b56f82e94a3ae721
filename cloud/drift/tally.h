#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "trib/cloud/drift/types.h"

namespace trib::cloud::drift {

/// How a channel's block is told from a reference. Rates have the location alone.
enum Measure : std::uint8_t { kLocation = 0, kKs = 1, kPsi = 2 };
inline constexpr std::size_t kMeasures = 3;

/// One number per channel and measure, [channel][measure].
///
/// Units  Location: the ridit as a shift, or the difference of arcsine roots, signed. KS: D. PSI:
///        its root.
using Measures = std::vector<float>;

[[nodiscard]] constexpr bool IsHistogram(const Channel& channel) {
  return channel.kind == Channel::Kind::kFeature || channel.kind == Channel::Kind::kConfidence;
}

/// What a block is compared by, in rising order: its histograms, then the rates. The error rate is
/// not among them: a block of one node has too few audited windows.
std::vector<Channel> ChannelsOf(const Block& block);

/// Counts of a block or of a sum of blocks, flat in the order of ChannelsOf().
class Tally {
 public:
  Tally() = default;
  /// Requires  ChannelsOf(block) == channels.
  Tally(const Block& block, std::span<const Channel> channels);

  void Add(const Tally& other);
  /// Requires  `other` is part of the sum.
  void Subtract(const Tally& other);

  [[nodiscard]] std::span<const std::uint64_t> HistogramOf(std::size_t channel) const {
    return {bins_.data() + channel * message::kHistogramBins, message::kHistogramBins};
  }
  [[nodiscard]] std::size_t histograms() const { return bins_.size() / message::kHistogramBins; }
  [[nodiscard]] std::size_t channels() const { return histograms() + rates_.size(); }
  /// How many windows the channel counted.
  [[nodiscard]] double SizeOf(std::size_t channel) const;
  /// Requires  a rate. 0 where nothing was counted.
  [[nodiscard]] double RateOf(std::size_t channel) const;
  /// Whether anything but zeros was counted.
  [[nodiscard]] bool Counted(std::size_t channel) const;

 private:
  friend void Compare(const Tally& reference, const Tally& current, std::span<float> out);
  struct Rate {
    std::uint64_t hits = 0;
    std::uint64_t of = 0;
  };
  std::vector<std::uint64_t> bins_;
  std::vector<Rate> rates_;
};

/// The shift, in standard deviations of windows, that a ridit stands for when they scatter like a
/// logistic variable. Unlike the ridit itself it does not saturate before the block has left the
/// reference altogether; then it is what half a window still within it would give.
double ShiftOf(double ridit, double windows);

/// Arcsine root of a rate with Anscombe's correction: its sampling variance is about 1 / (4 of),
/// whatever the rate.
double ArcsineRoot(double hits, double of);

/// Requires  tallies of the same channels; out.size() == kMeasures * channels().
void Compare(const Tally& reference, const Tally& current, std::span<float> out);

/// The least second moment that a measure of a block of `size` windows is believed to have: about
/// that of independent windows, so that a channel that never moved cannot be infinitely surprising.
double LeastMoment(const Channel& channel, std::size_t measure, double size);

/// Adds the counts of `from`; the histograms of `into` decide which.
void AddBlock(Block& into, const Block& from);

}  // namespace trib::cloud::drift
