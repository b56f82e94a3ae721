#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace trib::cloud::drift {

/// What the nodes of a pool show in one slot by one measure: what they have in common is no sign of
/// one of them.
///
/// State  Depends on the scores, not on their order.
class Peers {
 public:
  /// With fewer others nothing is common.
  static constexpr std::size_t kLeastPeers = 8;
  /// How much of the others' median is taken away: nodes do not take what is common alike.
  static constexpr float kReach = 1.5F;

  Peers() = default;
  /// @param scores  of all nodes with a block in the slot, signed for locations
  explicit Peers(std::vector<float> scores);

  /// What is left of one of these scores when kReach times the median of the others is taken away:
  /// nothing when that reaches further in its direction, all when it points the other way. So peers
  /// can explain a node's score, but never make one: where most nodes moved, who stayed did not.
  [[nodiscard]] float Beyond(float score) const;

 private:
  [[nodiscard]] float MedianOfOthers(float score) const;

  std::size_t count_ = 0;
  std::array<float, 3> middle_{};  // from rank (count_ - 2) / 2 on, rounded down
};

}  // namespace trib::cloud::drift
