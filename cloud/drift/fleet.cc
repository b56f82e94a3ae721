#include "fleet.h"

#include <algorithm>

namespace trib::cloud::drift {
namespace {

/// A slot waits for this share of a group's watched nodes.
constexpr std::uint64_t kPresentPercent = 90;
/// Blocks without a word after which a node is not waited for, and a slot is given up.
constexpr std::uint64_t kSilentBlocks = 2;

bool BelongsTo(const Subject& subject, NodeId node, const Block& newest) {
  switch (subject.kind) {
    case SubjectKind::kNode:
      return node.value() == subject.id;
    case SubjectKind::kSite:
      return newest.gateway.value() == subject.id;
    case SubjectKind::kFirmware:
      return newest.firmware_version == subject.id;
    case SubjectKind::kFleet:
    case SubjectKind::kModel:
      return true;
  }
  return false;
}

}  // namespace

std::map<Subject, std::vector<NodeId>> GroupsOf(const Division& division,
                                                const std::map<NodeId, NodeState>& nodes) {
  std::map<Subject, std::vector<NodeId>> out;
  for (const auto& [node, member] : division.pool.members()) {
    const Block& newest = nodes.at(node).now->block;
    out[{SubjectKind::kSite, newest.gateway.value()}].push_back(node);
    out[{SubjectKind::kFirmware, newest.firmware_version}].push_back(node);
  }
  const std::size_t all = division.pool.members().size();
  std::erase_if(out, [all](const auto& group) {
    return group.second.size() < kLeastMembers || group.second.size() == all;
  });
  if (all > 0) {
    for (const auto& [node, member] : division.pool.members()) {
      out[kFleetSubject].push_back(node);
    }
  }
  return out;
}

const NodeState* Fleet::Find(NodeId node) const {
  const auto found = nodes_.find(node);
  return found == nodes_.end() ? nullptr : &found->second;
}

std::uint64_t Fleet::watched() const {
  return static_cast<std::uint64_t>(std::count_if(
      nodes_.begin(), nodes_.end(), [](const auto& entry) { return entry.second.watched(); }));
}

void Fleet::Forget(NodeId node, NodeState& state) {
  if (state.division != nullptr) {
    state.division->pool.Remove(node);
    state.division->weeks.Remove(node);
    for (auto& [begin, blocks] : state.division->slots) {
      blocks.erase(node);
    }
  }
  state.division = nullptr;
  state.week = {};
  state.reference = std::make_unique<Reference>(options_.reference_blocks, options_.gap_blocks);
}

/// @returns where the block goes, or null when it goes nowhere and was counted so.
NodeState* Fleet::Admit(const Block& block, Look& look) {
  ++look.blocks;
  if (block.windows < options_.min_windows) {
    ++look.too_small;
    return nullptr;
  }
  const auto found = nodes_.find(block.node);
  if (found == nodes_.end()) {
    if (nodes_.size() >= options_.max_nodes) {
      ++look.not_kept;
      return nullptr;
    }
    NodeState& state = nodes_[block.node];
    state.package = block.package;
    state.reference = std::make_unique<Reference>(options_.reference_blocks, options_.gap_blocks);
    return &state;
  }
  NodeState& state = found->second;
  const bool other_package = state.package != block.package;
  // Of the block in which the package changed there are two; the second is the new one's.
  if (block.begin_ms < state.last_begin_ms ||
      (block.begin_ms == state.last_begin_ms && state.now != nullptr && !other_package)) {
    ++look.stale;
    return nullptr;
  }
  if (other_package) {
    Forget(block.node, state);
    state.package = block.package;
  }
  return &state;
}

void Fleet::Take(const Block& block, Look& look, std::vector<Waiting>& waiting) {
  NodeState* state = Admit(block, look);
  if (state == nullptr) {
    return;
  }
  auto scored = std::make_shared<Scored>();
  scored->block = block;
  if (state->watched()) {
    if (!state->reference->Score(block, scored->values)) {
      ++look.unlike;
      return;
    }
    waiting.push_back({block.node, scored});
  } else {
    if (!state->reference->Add(block)) {
      ++look.unlike;
      return;
    }
    ++look.learning;
  }
  state->last_begin_ms = block.begin_ms;
  state->now = std::move(scored);
  if (!state->watched() && state->reference->complete()) {
    const auto channels = state->reference->channels();
    auto& division = divisions_[{block.recipe, {channels.begin(), channels.end()}}];
    if (division == nullptr) {
      division = std::make_unique<Division>(channels, options_);
    }
    division->pool.Insert(block.node, *state->reference);
    state->division = division.get();
  }
}

/// Against the peers' blocks of the slot that came so far, this look's included.
void Fleet::Rank(std::span<const Waiting> waiting) const {
  std::map<std::pair<const Division*, std::uint64_t>, std::vector<Peers>> peers;
  for (const Waiting& one : waiting) {
    const Division* division = nodes_.at(one.node).division;
    const std::uint64_t begin = one.scored->block.begin_ms;
    auto& of_slot = peers[{division, begin}];
    if (of_slot.empty()) {
      std::vector<const Scored*> slot;
      for (const auto& [node, scored] : division->slots.at(begin)) {
        slot.push_back(scored.get());
      }
      of_slot = PeersOf(slot);
    }
    division->pool.Rank(of_slot, *one.scored);
  }
}

Absorbed Fleet::Absorb(std::span<const Block> blocks, Look& look) {
  std::vector<Waiting> waiting;
  for (const Block& block : blocks) {
    Take(block, look, waiting);
  }
  for (auto& [key, division] : divisions_) {
    if (division->pool.Refresh()) {
      division->weeks.Refresh(division->pool);
    }
  }
  // A newer package in the same look took the reference away.
  std::erase_if(waiting, [&](const Waiting& one) {
    const NodeState& state = nodes_.at(one.node);
    return !state.watched() || state.package != one.scored->block.package;
  });
  Absorbed out;
  std::vector<Waiting> over;
  for (const Waiting& one : waiting) {
    NodeState& state = nodes_.at(one.node);
    state.division->pool.Score(one.node, *one.scored);
    state.division->slots[one.scored->block.begin_ms][one.node] = one.scored;
    out.nodes.push_back({one.node, state.division, one.scored, state.division->pool.resolution()});
    if (auto week = state.division->weeks.Add(one.node, *one.scored, state.week)) {
      over.push_back({one.node, std::move(week)});
    }
  }
  Rank(waiting);
  for (const Waiting& one : over) {
    const Division* division = nodes_.at(one.node).division;
    division->weeks.Rank(*one.scored);
    out.weeks.push_back({one.node, division, one.scored, division->weeks.resolution()});
  }
  for (auto& [key, division] : divisions_) {
    FindDue(*division, out);
  }
  look.watched = watched();
  return out;
}

bool Fleet::WatchedIn(NodeId node, std::uint64_t slot) const {
  const NodeState& state = nodes_.at(node);
  const auto silent = kSilentBlocks * static_cast<std::uint64_t>(options_.block.count());
  return state.reference->past().back().begin_ms < slot && state.last_begin_ms + silent >= slot;
}

void Fleet::FindDue(Division& division, Absorbed& out) {
  const auto groups = GroupsOf(division, nodes_);
  out.divisions += groups.empty() ? 0U : 1U;
  for (const auto& [subject, members] : groups) {
    out.groups += subject.kind == SubjectKind::kFleet ? 0U : 1U;
    std::vector<SlotTest> due;
    FindDue(division, subject, members, due);
    for (SlotTest& test : due) {
      std::uint64_t& through = division.judged_through[subject];
      through = std::max(through, test.begin_ms);
      out.slots.push_back(std::move(test));
    }
  }
  if (!division.slots.empty()) {
    const std::uint64_t newest = division.slots.rbegin()->first;
    const auto old = (kSilentBlocks + 1) * static_cast<std::uint64_t>(options_.block.count());
    std::erase_if(division.slots, [&](const auto& slot) { return slot.first + old < newest; });
  }
}

void Fleet::FindDue(Division& division,
                    const Subject& subject,
                    std::span<const NodeId> members,
                    std::vector<SlotTest>& out) const {
  const auto through = division.judged_through.find(subject);
  bool due = false;  // a later slot is
  for (auto slot = division.slots.rbegin(); slot != division.slots.rend(); ++slot) {
    if (through != division.judged_through.end() && slot->first <= through->second) {
      return;
    }
    SlotTest test{subject, &division, slot->first, {}};
    std::uint64_t expected = 0;
    for (const NodeId node : members) {
      const auto found = slot->second.find(node);
      expected += found != slot->second.end() || WatchedIn(node, slot->first) ? 1U : 0U;
      if (found != slot->second.end()) {
        test.blocks.emplace_back(node, found->second);
      }
    }
    due = due || (!test.blocks.empty() && 100 * test.blocks.size() >= kPresentPercent * expected);
    // Of fewer than a half nobody can say what the group did.
    if (due && 2 * test.blocks.size() >= expected) {
      out.insert(out.begin(), std::move(test));
    }
  }
}

void Fleet::Relearn(const Subject& subject) {
  for (auto& [node, state] : nodes_) {
    if (state.now != nullptr && BelongsTo(subject, node, state.now->block)) {
      Forget(node, state);
    }
  }
}

}  // namespace trib::cloud::drift
