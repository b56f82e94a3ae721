#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "cohort.h"
#include "pool.h"
#include "reference.h"
#include "trib/cloud/drift/types.h"
#include "weeks.h"

namespace trib::cloud::drift {

/// The subjects besides itself that a node belongs to.
inline constexpr Subject kFleetSubject{SubjectKind::kFleet, 0};
inline constexpr Subject kModelSubject{SubjectKind::kModel, 0};

/// Nodes that count the same, and the slots that wait to be judged for their groups.
struct Division {
  Division(std::span<const Channel> channels, const Options& options)
      : pool(channels), weeks(options) {}
  Pool pool;
  Weeks weeks;
  std::map<std::uint64_t, std::map<NodeId, std::shared_ptr<const Scored>>> slots;  ///< by begin
  std::map<Subject, std::uint64_t> judged_through;  ///< begin of the newest slot
};

struct NodeState {
  PackageHash package;
  std::unique_ptr<Reference> reference;
  Division* division = nullptr;       ///< once the reference is complete
  std::shared_ptr<const Scored> now;  ///< the newest block; scored when not of the reference
  std::uint64_t last_begin_ms = 0;
  Week week;

  [[nodiscard]] bool watched() const { return division != nullptr; }
  [[nodiscard]] bool FirmwareChanged() const {
    return reference->sum().firmware_version != now->block.firmware_version;
  }
};

/// One node's block, or week, that can be tested.
struct NodeTest {
  NodeId node;
  const Division* division = nullptr;
  std::shared_ptr<const Scored> scored;
  double resolution = 0;
};

/// A slot that is due for one group.
struct SlotTest {
  Subject subject;
  const Division* division = nullptr;
  std::uint64_t begin_ms = 0;
  std::vector<std::pair<NodeId, std::shared_ptr<const Scored>>> blocks;
};

/// What one look brought.
struct Absorbed {
  std::vector<NodeTest> nodes;
  std::vector<NodeTest> weeks;
  std::vector<SlotTest> slots;
  std::uint64_t groups = 0;     ///< sites and firmware versions that are watched
  std::uint64_t divisions = 0;  ///< with watched nodes
};

/// All nodes, their references and pools: what a look changes whether or not it tests. The same
/// blocks in the same looks give the same state.
class Fleet {
 public:
  explicit Fleet(const Options& options) : options_(options) {}

  /// Takes the blocks of one look, and counts them in `look`.
  Absorbed Absorb(std::span<const Block> blocks, Look& look);
  void Relearn(const Subject& subject);

  [[nodiscard]] const std::map<NodeId, NodeState>& nodes() const { return nodes_; }
  [[nodiscard]] const NodeState* Find(NodeId node) const;
  [[nodiscard]] std::uint64_t watched() const;

 private:
  using DivisionKey = std::pair<RecipeId, std::vector<Channel>>;
  struct Waiting {
    NodeId node;
    std::shared_ptr<Scored> scored;
  };

  NodeState* Admit(const Block& block, Look& look);
  void Take(const Block& block, Look& look, std::vector<Waiting>& waiting);
  void Forget(NodeId node, NodeState& state);
  void Rank(std::span<const Waiting> waiting) const;
  void FindDue(Division& division, Absorbed& out);
  void FindDue(Division& division,
               const Subject& subject,
               std::span<const NodeId> members,
               std::vector<SlotTest>& out) const;
  [[nodiscard]] bool WatchedIn(NodeId node, std::uint64_t slot) const;

  Options options_;
  std::map<NodeId, NodeState> nodes_;
  std::map<DivisionKey, std::unique_ptr<Division>> divisions_;
};

/// The members of a division by group: the fleet, and sites and firmware versions that are not all
/// of it.
std::map<Subject, std::vector<NodeId>> GroupsOf(const Division& division,
                                                const std::map<NodeId, NodeState>& nodes);

}  // namespace trib::cloud::drift
