#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "trib/common/base/ids.h"

namespace trib::cloud {

/// Mean and deviation of each feature over audited feature frames.
class FrameMoments {
 public:
  struct Feature {
    std::uint64_t frames = 0;
    double mean = 0;
    double squares = 0;  ///< sum of squared differences from the mean
    /// Of all frames, as the baseline's. Requires  frames > 0.
    [[nodiscard]] double Deviation() const;
  };

  /// Takes the feature frame in a SealedRecord as the store has it; other bytes, and values that
  /// are not finite, are passed over.
  void Add(std::string_view sealed);
  /// By index in the recipe's frame.
  [[nodiscard]] const std::vector<Feature>& features() const { return features_; }

 private:
  std::vector<Feature> features_;
};

}  // namespace trib::cloud
