#include "peers.h"

#include <algorithm>
#include <cmath>

namespace trib::cloud::drift {

Peers::Peers(std::vector<float> scores) : count_(scores.size()) {
  if (count_ <= kLeastPeers) {
    return;
  }
  const std::size_t first = (count_ - 2) / 2;
  const auto from = scores.begin() + static_cast<std::ptrdiff_t>(first);
  const auto to = from + middle_.size();
  std::nth_element(scores.begin(), from, scores.end());
  std::partial_sort(from, to, scores.end());
  std::copy(from, to, middle_.begin());
}

/// The others' middle ranks are found in all scores' order: a rank moves up by one from the node's
/// own on.
float Peers::MedianOfOthers(float score) const {
  const auto other = [&](std::size_t rank) {
    return middle_[score > middle_[rank] ? rank : rank + 1];
  };
  const bool odd_others = count_ % 2 == 0;
  return odd_others ? other(0) : (other(0) + other(1)) / 2;
}

/// The median and half of it: some nodes take what is common more than most.
float Peers::Beyond(float score) const {
  if (count_ <= kLeastPeers) {
    return score;
  }
  const float common = MedianOfOthers(score);
  if (!(common * score > 0)) {
    return score;
  }
  return std::copysign(std::max(0.0F, std::abs(score) - kReach * std::abs(common)), score);
}

}  // namespace trib::cloud::drift
