#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "trib/cloud/drift/types.h"

namespace trib::cloud::drift {

/// Kinds of a package's features by frame index; shorter or empty where they are not known.
using KindsOf = std::function<std::vector<FeatureKind>(PackageHash package, RecipeId recipe)>;

/// Says when the world changed: docs/decisions/0014-drift.md. Pure: blocks and time are arguments,
/// and the same blocks in the same looks give the same alarms.
///
/// Memory   Per node and package its reference (24 bytes a channel and block), its sums, and its
///          blocks of the newest four slots at most, which its peers are judged by; about 40 kB a
///          node at 12 channels and 28 blocks. Nodes beyond Options::max_nodes are not kept.
/// Threads  One caller at a time.
/// State    In memory. After a restart Restore() the blocks that were looked at, one call a look
///          and in the order of the looks, with Relearn() between them where it was called:
///          references, pools, standings and flags are then bit for bit what they were.
class Monitor {
 public:
  Monitor(const Options& options, KindsOf kinds_of);
  ~Monitor();
  Monitor(Monitor&&) noexcept;
  Monitor& operator=(Monitor&&) noexcept;

  /// Looks at blocks that are complete, each once; of one node in rising time (others are counted
  /// and left out). `open` are the subjects that have an alarm already or are silenced: they are
  /// not tested, and neither are the nodes of an open site, firmware version or fleet. An open
  /// kModel stops the tests of the model alone, and tells what sites and nodes show of it.
  Look Judge(std::span<const Block> blocks, const std::set<Subject>& open, std::uint64_t at_ms);

  /// Takes the blocks of one former look without testing them.
  void Restore(std::span<const Block> blocks);

  /// Forgets the reference of a node (of all, for a group, the fleet or the model: their nodes as
  /// of now): it is learned anew from the blocks that come next. For an alarm that was resolved.
  void Relearn(const Subject& subject);

  [[nodiscard]] std::vector<NodeStanding> Standings() const;
  /// What detectors flag on labelled errors, by package.
  [[nodiscard]] std::vector<ErrorStanding> Errors() const;
  /// Summed histograms of a node's reference and of its newest block, for then-and-now plots.
  /// @returns false when the node is not known.
  bool ThenAndNow(NodeId node, Block& reference, Block& now) const;
  [[nodiscard]] const Options& options() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace trib::cloud::drift
