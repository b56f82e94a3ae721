#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "pool.h"
#include "trib/cloud/drift/types.h"

namespace trib::cloud::drift {

/// A node's blocks of a week that is not over.
struct Week {
  std::uint64_t index = 0;
  std::size_t blocks = 0;
  std::shared_ptr<Scored> sum;  ///< counts, and locations added up
};

/// What adds up: nodes' weeks against weeks of their references. A change too slight for any of its
/// blocks is in all of them.
///
/// A week's statistic is the largest of its channels' mean locations, in units of the spread that
/// independent blocks would give it, beyond its peers', and on the scale of its own upper tail as a
/// block's is. The null are the references' weeks against the rest of their references: what days
/// have in common with those before is in it as far as a reference is long enough to show it.
///
/// State  Depends on the pool's members and the blocks.
class Weeks {
 public:
  explicit Weeks(const Options& options);

  /// Blocks of a week of the null; 0: weeks are not tested.
  [[nodiscard]] std::size_t blocks() const { return blocks_; }
  [[nodiscard]] double resolution() const { return 1 / (1 + static_cast<double>(null_.size())); }

  /// Learns the null anew.
  void Refresh(const Pool& pool);
  /// Adds a block, scored by the pool. @returns the node's week before it, when that is over and
  /// held most of its blocks; else null.
  [[nodiscard]] std::shared_ptr<Scored> Add(NodeId node, const Scored& scored, Week& week);
  void Remove(NodeId node);
  /// Fills strength, leading and p, against the peers' weeks that are over so far.
  void Rank(Scored& week) const;

 private:
  struct Tail {
    float q = 0;
    float h = 1;
  };

  std::size_t blocks_ = 0;
  std::size_t reference_blocks_;
  std::uint64_t week_ms_;
  std::vector<Tail> tails_;  // by channel
  std::vector<float> null_;  // statistics, rising
  std::size_t null_above_ = 0;
  double null_q_ = 0;
  double null_h_ = 1;
  std::map<std::uint64_t, std::map<NodeId, std::shared_ptr<Scored>>> over_;  // the newest two weeks
};

}  // namespace trib::cloud::drift
