#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/message/types.h"
#include "trib/common/package/sections.h"
#include "trib/node/cascade/baseline.h"
#include "trib/node/cascade/severity.h"

namespace trib::node::cascade {

/// Why a baseline must not be used; kUnspecified when nothing speaks against it.
struct CommissioningVerdict {
  message::CommissioningReason reason = message::CommissioningReason::kUnspecified;
  std::uint32_t feature = 0;
  /// Finite; record.proto says of what for each reason.
  float value = 0;
  [[nodiscard]] bool ok() const { return reason == message::CommissioningReason::kUnspecified; }
};

/// Watches the windows that a baseline is learned from, and judges them when it is complete.
///
/// Memory   Inside, 20 bytes a feature of kMaxFeatures. Threads  One caller at a time.
class Commissioning {
 public:
  /// Forgets everything. Requires  features <= kMaxFeatures.
  void Start(std::uint32_t needed_windows, std::size_t features);
  /// A window that the baseline learned. Requires  frame.size() == features; finite values.
  void Take(std::span<const float> frame);
  /// A window that the guardrails refused.
  void CountRefused() { ++refused_; }

  /// The first of these that holds: too many windows refused; no distance because of too few
  /// windows; then feature by feature of the trigger's mask: spread too narrow, too wide, halves
  /// differ, trend; then the package's limits and the highest zone, on the means of the baseline.
  ///
  /// Shift and trend are in standard deviations of the windows within a half, which neither a step
  /// in the middle nor much of a slope enters. Halves differ by |m2 - m1|; the trend is what the
  /// least squares line rises over all windows.
  ///
  /// Requires  baseline complete and, when it has a distance to give, sealed.
  [[nodiscard]] CommissioningVerdict Judge(const package::CommissioningSpec& spec,
                                           const package::TriggerSpec& trigger,
                                           bool wants_distance,
                                           const Severity& severity,
                                           const Baseline& baseline) const;

 private:
  struct Half {
    std::array<float, message::kMaxFeatures> mean{};
    std::array<float, message::kMaxFeatures> sum_squares{};
    std::uint32_t windows = 0;
  };
  CommissioningVerdict JudgeFeature(const package::CommissioningSpec& spec,
                                    float min_std,
                                    std::uint32_t feature) const;

  std::array<Half, 2> halves_;
  /// Sum of (x - mean of x) (t - mean of t) over windows t = 1, 2, ...
  std::array<float, message::kMaxFeatures> slope_sum_{};
  std::uint32_t needed_ = 0;
  std::uint32_t refused_ = 0;
  std::size_t features_ = 0;
};

}  // namespace trib::node::cascade
