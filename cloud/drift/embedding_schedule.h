#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "fleet.h"
#include "trib/cloud/drift/embedding.h"
#include "trib/cloud/drift/types.h"

namespace trib::cloud::drift {

/// When which embeddings are compared: those of a package's week when the first block of the next
/// one comes, each week once. Weeks are those of the nodes' time.
///
/// Memory   16 bytes a package; of more than kMaxPackages those longest without a block go.
/// State    The same blocks in the same looks give the same plans.
class EmbeddingSchedule {
 public:
  static constexpr std::size_t kMaxPackages = 64;
  /// What bounds the reads of a test: nodes, drawn anew each week, and blocks of each one's
  /// reference.
  static constexpr std::size_t kNodes = 64;
  static constexpr std::size_t kReferenceBlocks = 8;
  static constexpr std::size_t kBlocksNow = 8;

  explicit EmbeddingSchedule(const Options& options) : options_(options) {}

  using Due = std::vector<std::pair<PackageHash, std::uint64_t>>;  ///< and week
  /// Takes the blocks of one look. @returns what is over with them
  Due Take(std::span<const Block> blocks);
  /// When the fleet has taken them, too.
  [[nodiscard]] std::vector<EmbeddingPlan> Plan(const Fleet& fleet, const Due& due) const;

 private:
  [[nodiscard]] std::uint64_t WeekOf(std::uint64_t ms) const {
    return ms / static_cast<std::uint64_t>(options_.week.count());
  }
  [[nodiscard]] EmbeddingPlan PlanOf(const Fleet& fleet,
                                     PackageHash package,
                                     std::uint64_t week) const;
  void AddNode(const NodeState& state, NodeId node, std::uint64_t week, EmbeddingPlan& plan) const;

  Options options_;
  std::map<PackageHash, std::uint64_t> newest_;  // begin of the newest block
};

}  // namespace trib::cloud::drift
