#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/drift/watch.h"
#include "trib/common/message/limits.h"
#include "trib/common/package/sections.h"

namespace trib::node::cascade {

/// How a node watches. The defaults are for windows that follow each other closely, and for a
/// baseline that a few dozen of them made: both move a healthy machine by up to a deviation for
/// minutes, so less than that is no news here. What is slower or smaller is the cloud's, which has
/// the sketches. Measured in node/images/drift_replay_test.cc.
struct DriftSettings {
  drift::CusumParameters<float> sum{.slack = 2, .threshold = 50};
  /// About 500 windows; the limit is in deviations of the average, each 0.032 of the value's.
  drift::EwmaParameters<float> average{.weight = 0.05F, .limit = 22};
  /// One window counts for no more than this many deviations.
  float most = 6;
  /// Windows that the network's usual confidence is learned from.
  std::uint32_t confidences = 64;
  /// Least deviation of the confidence: a sure network hardly scatters at all.
  float confidence_deviation = 0.05F;
};

/// Notices that the healthy machine is not what it was: two charts for each feature that the
/// package's sketches count, as standardised there, and for the confidence of the network. The
/// trigger score is the trigger's own affair.
///
/// The confidence is compared with what it was in the first windows that the network looked at
/// since the last start: the training's is another machine's.
///
/// Memory   496 bytes inside: 12 for each of 32 histograms (8 the sum, 4 the average) and which
/// they
///          are of.
/// Threads  One caller at a time.
class DriftWatch {
 public:
  /// Watches nothing.
  DriftWatch() = default;
  explicit DriftWatch(const package::SketchEdges& edges, const DriftSettings& settings = {});

  /// Takes a window of a machine that nothing is known against. `standardised` has one value per
  /// feature of the frame, or none while there is no baseline; `confidence` is NaN when the network
  /// did not look. A NaN changes nothing.
  ///
  /// @returns what was flagged now, as bits of message::NodeStatus::drift_flags. A chart that
  ///   flagged begins anew.
  std::uint32_t Step(std::span<const float> standardised, float confidence);

  /// Windows that the usual confidence was learned from so far.
  [[nodiscard]] std::uint32_t confidences() const { return confidences_; }

 private:
  struct Charts {
    drift::Cusum<float> sum;
    drift::Ewma<float> average;
  };
  [[nodiscard]] bool Push(Charts& charts, float value) const;
  [[nodiscard]] float StandardConfidence(float confidence);

  // Invariants: charts_[i] is of the i-th histogram, the last one of bit 31.
  DriftSettings settings_;
  std::array<Charts, message::kMaxHistograms> charts_{};
  std::array<std::uint16_t, message::kMaxHistograms> features_{};
  std::uint32_t histograms_ = 0;
  std::uint32_t confidence_bit_ = kNoBit;
  std::uint32_t confidences_ = 0;
  float confidence_mean_ = 0;
  float confidence_squares_ = 0;  // sum of squared deviations

  static constexpr std::uint32_t kNoBit = message::kMaxHistograms;
};

}  // namespace trib::node::cascade
