#include "embedding_schedule.h"

#include <algorithm>
#include <utility>

#include "trib/common/base/random.h"

namespace trib::cloud::drift {

EmbeddingSchedule::Due EmbeddingSchedule::Take(std::span<const Block> blocks) {
  std::map<PackageHash, std::uint64_t> newest;
  for (const Block& block : blocks) {
    std::uint64_t& begin = newest[block.package];
    begin = std::max(begin, block.begin_ms);
  }
  Due out;
  for (const auto& [package, begin_ms] : newest) {
    const auto [known, is_new] = newest_.try_emplace(package, begin_ms);
    if (WeekOf(known->second) < WeekOf(begin_ms)) {
      out.emplace_back(package, WeekOf(known->second));
    }
    known->second = std::max(known->second, begin_ms);
    if (newest_.size() > kMaxPackages) {
      newest_.erase(std::min_element(newest_.begin(), newest_.end(), [](const auto& a, auto& b) {
        return a.second < b.second;
      }));
    }
  }
  return out;
}

std::vector<EmbeddingPlan> EmbeddingSchedule::Plan(const Fleet& fleet, const Due& due) const {
  std::vector<EmbeddingPlan> out;
  for (const auto& [package, week] : due) {
    EmbeddingPlan plan = PlanOf(fleet, package, week);
    if (plan.alpha > 0 && !plan.now.empty()) {
      out.push_back(std::move(plan));
    }
  }
  return out;
}

EmbeddingPlan EmbeddingSchedule::PlanOf(const Fleet& fleet,
                                        PackageHash package,
                                        std::uint64_t week) const {
  EmbeddingPlan plan;
  plan.package = package;
  plan.begin_ms = week * static_cast<std::uint64_t>(options_.week.count());
  std::vector<std::pair<std::uint64_t, NodeId>> drawn;
  for (const auto& [node, state] : fleet.nodes()) {
    if (state.watched() && state.package == package) {
      drawn.emplace_back(SplitMix64::Mix(SplitMix64::Mix(node.value()) ^ week), node);
    }
  }
  // Packages share the budget by their nodes.
  plan.alpha = EmbeddingAlpha(options_) * static_cast<double>(drawn.size()) /
               static_cast<double>(std::max<std::uint64_t>(1, fleet.watched()));
  std::sort(drawn.begin(), drawn.end());
  drawn.resize(std::min(drawn.size(), kNodes));
  for (const auto& [rank, node] : drawn) {
    AddNode(*fleet.Find(node), node, week, plan);
  }
  return plan;
}

void EmbeddingSchedule::AddNode(const NodeState& state,
                                NodeId node,
                                std::uint64_t week,
                                EmbeddingPlan& plan) const {
  const auto past = state.reference->past();
  const auto length = static_cast<std::uint64_t>(options_.block.count());
  const std::uint64_t first = (plan.begin_ms + length - 1) / length * length;
  std::size_t blocks = 0;
  for (std::uint64_t begin = first; WeekOf(begin) == week && blocks < kBlocksNow; begin += length) {
    if (begin > past.back().begin_ms && begin <= state.last_begin_ms) {
      plan.now.push_back({node, begin});
      ++blocks;
    }
  }
  if (blocks == 0) {
    return;
  }
  const std::size_t count = std::min(past.size(), kReferenceBlocks);
  for (std::size_t i = 0; i < count; ++i) {
    plan.reference.push_back({node, past[i * past.size() / count].begin_ms});
  }
}

}  // namespace trib::cloud::drift
