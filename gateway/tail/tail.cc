#include "trib/gateway/tail/tail.h"

#include <algorithm>
#include <utility>

#include "trib/common/host/message/codec.h"
#include "trib/common/nn/activation.h"
#include "tributary/v1/site.pb.h"

namespace trib::gateway::tail {
namespace {

std::string Encode(const message::Verdict& verdict,
                   const Finished& finished,
                   std::uint64_t decided_ms) {
  tributary::v1::TierVerdict out;
  out.set_tier(static_cast<std::uint32_t>(verdict.tier));
  out.set_package_hash(verdict.package_hash.value());
  out.set_label(verdict.label);
  out.set_confidence(verdict.confidence);
  for (const float score : verdict.scores) {
    out.add_scores(score);
  }
  out.set_accepted(finished.decision.accepted);
  out.set_decided_ms(decided_ms);
  out.set_final(finished.final);
  return out.SerializeAsString();
}

}  // namespace

Tail::Tail(const Options& options, Finish finish) : options_(options), finish_(std::move(finish)) {}

std::optional<Wanted> Tail::Want() {
  const std::size_t held = queue_.size() + uncommitted_;
  if (asked_ || held >= options_.max_records || queued_bytes_ >= options_.max_bytes) {
    return std::nullopt;
  }
  asked_ = true;
  return Wanted{last_id_, options_.max_records - held, options_.max_bytes - queued_bytes_};
}

void Tail::Offer(std::vector<Deferred> records, MonotonicTime now) {
  asked_ = false;
  if (queue_.empty()) {
    first_at_ = now;
  }
  for (Deferred& record : records) {
    last_id_ = std::max(last_id_, record.id);
    queued_bytes_ += record.sealed.size();
    queue_.push_back(std::move(record));
  }
}

void Tail::Committed(std::size_t outcomes) {
  uncommitted_ -= std::min(uncommitted_, outcomes);
}

std::optional<MonotonicTime> Tail::due() const {
  if (queue_.empty()) {
    return std::nullopt;
  }
  return queue_.size() >= options_.batch ? first_at_ : first_at_ + options_.deadline;
}

void Tail::Run(const Now& now, Output& out) {
  const std::size_t count = std::min(queue_.size(), options_.batch);
  if (count == 0) {
    return;
  }
  judged_.clear();
  for (std::size_t i = 0; i < count; ++i) {
    Decide(queue_.front(), now, out);
    queued_bytes_ -= queue_.front().sealed.size();
    queue_.pop_front();
  }
  ++metrics_.batches;
  metrics_.records += count;
  uncommitted_ += count;
  first_at_ = now.monotonic;
}

void Tail::Answered(std::uint64_t unix_ms) {
  for (const std::uint64_t received_ms : std::exchange(judged_, {})) {
    metrics_.latency.Add(unix_ms - std::min(unix_ms, received_ms));
  }
}

void Tail::PassOn(std::int64_t id, std::uint64_t& reason, Output& out) {
  ++reason;
  out.outcomes.push_back({id, {}});
}

void Tail::Decide(const Deferred& deferred, const Now& now, Output& out) {
  const auto opened = host::message::OpenSealedRecord(deferred.sealed);
  message::Record record;
  if (!opened.ok() || !host::message::DecodeRecord(opened->record, record).ok() ||
      record.kind != message::RecordKind::kActivation) {
    PassOn(deferred.id, metrics_.damaged, out);
    return;
  }
  metrics_.audited += record.header.audit ? 1U : 0U;
  const auto patience = static_cast<std::uint64_t>(options_.patience.count());
  if (now.unix_ms > deferred.received_ms && now.unix_ms - deferred.received_ms > patience) {
    PassOn(deferred.id, metrics_.overdue, out);
    return;
  }
  Judge(deferred, record, now, out);
}

void Tail::Judge(const Deferred& deferred,
                 const message::Record& record,
                 const Now& now,
                 Output& out) {
  const PackageHash package = record.header.package_hash;
  const auto header = nn::PeekActivation(record.activation.payload);
  if (!header.ok() || header->package != package) {
    PassOn(deferred.id, metrics_.damaged, out);
    return;
  }
  const auto finished = finish_(package, record.activation.payload);
  if (!finished.ok()) {
    PassOn(deferred.id, ReasonOf(finished.status(), package), out);
    return;
  }
  judged_.push_back(deferred.received_ms);
  ++(finished->final ? metrics_.decided : metrics_.unsure);
  // The audit wants to know what this exit says in any case.
  if (!finished->final && !record.header.audit) {
    out.outcomes.push_back({deferred.id, {}});
    return;
  }
  const classify::Decision& decision = finished->decision;
  message::Verdict verdict;
  verdict.boot = record.header.key.boot;
  verdict.sequence = record.header.key.sequence;
  verdict.package_hash = package;
  verdict.tier = message::Tier::kGateway;
  verdict.label = decision.label;
  verdict.confidence = decision.confidence;
  verdict.scores = finished->scores;
  out.outcomes.push_back({deferred.id, Encode(verdict, *finished, now.unix_ms)});
  if (finished->final) {
    out.answers.push_back({record.header.key.node, record.header.key.epoch, verdict});
  }
}

/// The counter of what speaks against deciding here.
std::uint64_t& Tail::ReasonOf(Status status, PackageHash package) {
  if (status.code() == Code::kFailedPrecondition) {
    return metrics_.no_exit;
  }
  if (status.code() != Code::kNotFound) {
    return metrics_.damaged;
  }
  if (metrics_.unknown.contains(package) || metrics_.unknown.size() < Metrics::kMaxUnknown) {
    ++metrics_.unknown[package];
  }
  return metrics_.unknown_package;
}

}  // namespace trib::gateway::tail
