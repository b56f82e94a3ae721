#include "trib/cloud/drift/monitor.h"

#include <algorithm>
#include <utility>

#include "embedding_schedule.h"
#include "error_watch.h"
#include "evidence.h"
#include "fleet.h"
#include "judgement.h"
#include "trib/common/base/check.h"

namespace trib::cloud::drift {
namespace {

constexpr std::size_t kStandingEvidence = 4;

void Check(const Options& options) {
  TRIB_CHECK(options.block.count() > 0 && options.week.count() > 0);
  TRIB_CHECK(options.budget_per_week > 0);
  TRIB_CHECK(options.sum_part >= 0 && options.sum_part < 1);
  TRIB_CHECK(options.embedding_part >= 0 && options.embedding_part <= 1);
  TRIB_CHECK(options.reference_blocks >= 4 && options.reference_blocks <= 400);
}

}  // namespace

struct Monitor::Impl {
  Impl(const Options& with, KindsOf kinds)
      : options(with), kinds_of(std::move(kinds)), fleet(with), embeddings(with) {}

  Options options;
  KindsOf kinds_of;
  Fleet fleet;
  ErrorWatch errors;
  EmbeddingSchedule embeddings;
};

Monitor::Monitor(const Options& options, KindsOf kinds_of) {
  Check(options);
  impl_ = std::make_unique<Impl>(options, std::move(kinds_of));
}
Monitor::~Monitor() = default;
Monitor::Monitor(Monitor&&) noexcept = default;
Monitor& Monitor::operator=(Monitor&&) noexcept = default;

Look Monitor::Judge(std::span<const Block> blocks,
                    const std::set<Subject>& open,
                    std::uint64_t at_ms) {
  Look look;
  look.at_ms = at_ms;
  impl_->errors.Take(blocks);
  const auto due = impl_->embeddings.Take(blocks);
  const Absorbed absorbed = impl_->fleet.Absorb(blocks, look);
  Judgement(impl_->options, impl_->kinds_of, impl_->fleet, open).Run(absorbed, look);
  look.embeddings = impl_->embeddings.Plan(impl_->fleet, due);
  return look;
}

void Monitor::Restore(std::span<const Block> blocks) {
  Look look;
  impl_->errors.Take(blocks);
  (void)impl_->embeddings.Take(blocks);
  (void)impl_->fleet.Absorb(blocks, look);
}

void Monitor::Relearn(const Subject& subject) {
  impl_->fleet.Relearn(subject);
}

std::vector<NodeStanding> Monitor::Standings() const {
  std::vector<NodeStanding> out;
  for (const auto& [node, state] : impl_->fleet.nodes()) {
    NodeStanding& standing = out.emplace_back();
    standing.node = node;
    standing.package = state.package;
    standing.reference_blocks = static_cast<std::uint32_t>(state.reference->blocks());
    standing.watched = state.watched();
    standing.last_block_ms = state.last_begin_ms;
    if (!state.watched() || state.now == nullptr || state.now->z.empty()) {
      continue;
    }
    standing.p = state.now->p;
    standing.evidence = EvidenceOf(*state.reference, state.division->pool.channels(), *state.now);
    standing.evidence.resize(std::min(kStandingEvidence, standing.evidence.size()));
  }
  return out;
}

std::vector<ErrorStanding> Monitor::Errors() const {
  return impl_->errors.Standings();
}

bool Monitor::ThenAndNow(NodeId node, Block& reference, Block& now) const {
  const NodeState* state = impl_->fleet.Find(node);
  if (state == nullptr || state->now == nullptr) {
    return false;
  }
  reference = state->reference->sum();
  now = state->now->block;
  return true;
}

const Options& Monitor::options() const {
  return impl_->options;
}

}  // namespace trib::cloud::drift
