#include "trib/gateway/aggregate/aggregate.h"

#include <utility>

#include "trib/common/host/message/codec.h"
#include "trib/common/sketch/sketch.h"

namespace trib::gateway::aggregate {
namespace {

constexpr std::uint64_t kMinuteMs = 60'000;

void Count(const message::Record& record, std::size_t bytes, Totals& totals) {
  ++totals.records;
  totals.bytes += bytes;
  totals.energy_nj += record.header.energy_nj;
  totals.events += record.kind == message::RecordKind::kEvent ? 1U : 0U;
  totals.faults += record.kind == message::RecordKind::kFault ? 1U : 0U;
  totals.windows += record.kind == message::RecordKind::kSketch ? record.sketch.windows : 0U;
}

}  // namespace

void Aggregate::Add(std::string_view sealed, std::uint64_t received_ms) {
  const auto opened = host::message::OpenSealedRecord(sealed);
  message::Record record;
  if (opened.ok()) {
    host::message::ReadCheckedRecord(opened->record, record);
  }
  if (record.kind == message::RecordKind::kNone) {
    ++metrics_.undecodable;
    return;
  }
  ++metrics_.records;
  const std::uint64_t minute_ms = received_ms - received_ms % kMinuteMs;
  // A record that waited for its commit past the end of its minute counts in the open one.
  if (minute_ && minute_->begin_ms < minute_ms) {
    finished_ = Finish();
  }
  if (!minute_) {
    // clang 14 cannot emplace() a nested class with default values out of nothing.
    minute_.emplace(Minute{}).begin_ms = minute_ms;
  }

  const NodeId node = record.header.key.node;
  NodeRollup& rollup = nodes_[node];
  rollup.node = node;
  if (rollup.minute_ms != minute_->begin_ms) {
    rollup.minute_ms = minute_->begin_ms;
    rollup.minute = {};
  }
  for (Totals* totals : {&rollup.minute, &rollup.total, &minute_->totals, &total_}) {
    Count(record, sealed.size(), *totals);
  }
  minute_->nodes.insert(node);
  rollup.last_record_ms = received_ms;
  if (record.kind == message::RecordKind::kEvent) {
    rollup.in_event = record.event.state != message::EventState::kCleared;
  } else if (record.kind == message::RecordKind::kFault) {
    // A baseline that was refused says nothing about the sensor, and no record takes it back.
    if (record.fault.code < message::FaultCode::kCommissioningRefused) {
      rollup.in_fault = record.fault.code != message::FaultCode::kSensorRecovered;
    }
  } else if (record.kind == message::RecordKind::kSketch) {
    const PackageKey key{record.header.package_hash, record.header.recipe_id};
    if (!minute_->sketches.contains(key) && minute_->sketches.size() >= kMaxPackages) {
      ++metrics_.sketches_skipped;
      return;
    }
    const auto [found, first] = minute_->sketches.try_emplace(key);
    Sum& sum = found->second;
    if (first) {
      sum.sketch = record.sketch;
    } else if (sketch::Merge(sum.sketch, record.sketch).code() == Code::kInvalidArgument) {
      ++metrics_.sketches_skipped;
      return;
    }
    ++metrics_.sketches_merged;
    sum.nodes.insert(node);
  }
}

void Aggregate::Keep(const std::set<NodeId>& nodes) {
  std::erase_if(nodes_, [&](const auto& entry) { return !nodes.contains(entry.first); });
}

MinuteRollup Aggregate::Finish() {
  MinuteRollup rollup{.minute_ms = minute_->begin_ms,
                      .totals = minute_->totals,
                      .nodes_seen = static_cast<std::uint32_t>(minute_->nodes.size()),
                      .sketches = {}};
  for (const auto& [key, sum] : minute_->sketches) {
    rollup.sketches.push_back({key.package_hash,
                               key.recipe_id,
                               sum.sketch,
                               static_cast<std::uint32_t>(sum.nodes.size())});
  }
  minute_.reset();
  return rollup;
}

std::optional<MinuteRollup> Aggregate::TakeFinished(std::uint64_t now_ms) {
  if (finished_) {
    return std::exchange(finished_, std::nullopt);
  }
  if (minute_ && now_ms >= minute_->begin_ms + kMinuteMs) {
    return Finish();
  }
  return std::nullopt;
}

std::vector<NodeRollup> Aggregate::nodes() const {
  std::vector<NodeRollup> list;
  list.reserve(nodes_.size());
  for (const auto& [node, rollup] : nodes_) {
    list.push_back(rollup);
  }
  return list;
}

Metrics Aggregate::metrics() const {
  Metrics metrics = metrics_;
  for (const auto& [node, rollup] : nodes_) {
    metrics.nodes_in_event += rollup.in_event ? 1U : 0U;
    metrics.nodes_in_fault += rollup.in_fault ? 1U : 0U;
  }
  return metrics;
}

}  // namespace trib::gateway::aggregate
