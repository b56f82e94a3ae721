#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "peers.h"
#include "reference.h"
#include "trib/cloud/drift/types.h"

namespace trib::cloud::drift {

/// How one block of a node looked when it was scored.
struct Scored {
  Block block;
  Measures values;              ///< against the node's reference
  Measures scores;              ///< in spreads; locations signed
  std::vector<float> z;         ///< the locations of these, by channel
  std::vector<float> strength;  ///< beyond its peers, comparable between channels
  std::size_t leading = 0;      ///< channel of the largest, which is the statistic
  double p = 1;
};

/// What the blocks of one slot and pool show, by measure.
std::vector<Peers> PeersOf(std::span<const Scored* const> slot);

/// The null of nodes that count the same: what their reference blocks looked like to each other.
///
/// A block's statistic is the largest of its channels' measures: each in spreads of its node shrunk
/// towards the fleet's, without what its peers show in the same slot, be it of the references or
/// later, and then on the scale of its own upper tail in the pool: ln(score / q) / h, where q
/// leaves a hundredth above it and h is the mean of ln(score / q) there. So neither a
/// channel that scatters wildly now and then nor one that never does decides for all of them. The
/// p-value is the statistic's rank in the pool, whatever the tails are; but never less than the
/// pool's upper hundredth, taken for exponential, gives it: the least p-values hang on one or two
/// blocks, and those of an unlucky pool lie far too low.
///
/// State  Insert() and Remove() take effect with Refresh(); between two, everything is frozen.
class Pool {
 public:
  /// How many blocks of its own outweigh the fleet's spread.
  static constexpr double kPriorBlocks = 8;

  struct Member {
    const Reference* reference = nullptr;
    std::vector<float> z;  ///< locations of the reference blocks, [block][channel]
  };

  explicit Pool(std::span<const Channel> channels) : channels_(channels.begin(), channels.end()) {}

  /// Requires  a complete reference of this pool's channels that outlives its membership.
  void Insert(NodeId node, const Reference& reference);
  void Remove(NodeId node);
  /// Learns spreads, scales and the null anew if members came or went. @returns whether they did
  bool Refresh();

  [[nodiscard]] std::span<const Channel> channels() const { return channels_; }
  [[nodiscard]] const std::map<NodeId, Member>& members() const { return members_; }
  [[nodiscard]] std::size_t blocks() const { return null_.size(); }
  /// The least p-value there is.
  [[nodiscard]] double resolution() const { return 1 / (1 + static_cast<double>(null_.size())); }

  /// Fills scores and z from the values. Requires  Refresh(); `node` is a member.
  void Score(NodeId node, Scored& scored) const;
  /// Fills strength, leading and p from the scores. `peers`: of the block's slot, itself included.
  void Rank(std::span<const Peers> peers, Scored& scored) const;
  [[nodiscard]] double PValue(float statistic) const;

 private:
  struct Tail {
    float q = 0;
    float h = 1;
  };

  /// Reference blocks of one slot, by their place in the order of members and blocks.
  using Slots = std::vector<std::vector<std::size_t>>;

  void RefreshPrior();
  void RefreshMember(Member& member) const;
  [[nodiscard]] Slots ReferenceSlots() const;
  [[nodiscard]] std::vector<float> ScoresOf(std::size_t measure) const;
  [[nodiscard]] std::vector<float> ScoresBeyondPeers(std::size_t measure, const Slots& slots) const;
  [[nodiscard]] float PriorWithout(const Reference& reference,
                                   std::size_t b,
                                   std::size_t measure) const;
  [[nodiscard]] float NullScore(const Reference& reference, std::size_t b, std::size_t i) const;
  [[nodiscard]] bool Unused(std::size_t measure) const;
  void RefreshTail(std::size_t measure, const Slots& slots);
  void RefreshNull();

  // 1. What Refresh() learns depends on the members alone, not on the order in which they came.
  std::vector<Channel> channels_;
  std::map<NodeId, Member> members_;
  bool changed_ = false;
  std::vector<double> log_moments_;  // [channel][measure], sum over members
  std::vector<Tail> tails_;          // [channel][measure]
  std::vector<float> null_;          // statistics of all reference blocks, rising
  std::size_t null_above_ = 0;       // blocks in their upper tail
  double null_q_ = 0;                // where it begins
  double null_h_ = 1;                // mean excess over it
};

}  // namespace trib::cloud::drift
