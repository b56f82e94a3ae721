#include "trib/cloud/tail/tail.h"

#include <algorithm>
#include <utility>

#include "trib/common/host/message/codec.h"
#include "trib/common/nn/activation.h"

namespace trib::cloud::tail {

Tail::Tail(const Options& options, Finish finish) : options_(options), finish_(std::move(finish)) {}

Millis Tail::Rest(std::size_t waiting, std::uint64_t oldest_stored_ms, std::uint64_t now_ms) const {
  const Millis age(static_cast<std::int64_t>(now_ms - std::min(now_ms, oldest_stored_ms)));
  return waiting >= options_.batch ? Millis(0) : std::max(options_.deadline - age, Millis(0));
}

Output Tail::Run(std::span<const Undecided> batch, std::uint64_t now_ms) {
  Output out;
  judged_.clear();
  for (const Undecided& waiting : batch) {
    Decide(waiting, now_ms, out);
  }
  metrics_.batches += batch.empty() ? 0U : 1U;
  metrics_.records += batch.size();
  return out;
}

void Tail::Stored(std::uint64_t now_ms) {
  for (const std::uint64_t stored_ms : std::exchange(judged_, {})) {
    metrics_.latency.Add(now_ms - std::min(now_ms, stored_ms));
  }
}

void Tail::Decide(const Undecided& waiting, std::uint64_t now_ms, Output& out) {
  const auto opened = host::message::OpenSealedRecord(waiting.sealed);
  message::Record record;
  if (!opened.ok() || !host::message::DecodeRecord(opened->record, record).ok() ||
      record.kind != message::RecordKind::kActivation) {
    // Ingest took it: the file was changed by somebody else. Without a key nothing can be said.
    ++metrics_.damaged;
    return;
  }
  metrics_.audited += record.header.audit ? 1U : 0U;
  Judge(waiting, record, now_ms, out);
}

void Tail::Judge(const Undecided& waiting,
                 const message::Record& record,
                 std::uint64_t now_ms,
                 Output& out) {
  const message::RecordKey& key = record.header.key;
  const PackageHash package = record.header.package_hash;
  const auto header = nn::PeekActivation(record.activation.payload);
  const bool named = header.ok() && header->package == package;
  const auto finished =
      named ? finish_(package, record.activation.payload) : Result<Finished>(Code::kDataLoss);
  if (finished.status().code() == Code::kNotFound) {
    ++metrics_.left;
    return;
  }
  if (!finished.ok()) {
    ++metrics_.damaged;
    out.decided.push_back({waiting.record, key, std::nullopt, std::nullopt});
    return;
  }
  const classify::Decision& decision = finished->decision;
  ++(decision.accepted ? metrics_.decided : metrics_.unsure);
  judged_.push_back(waiting.stored_ms);
  Verdict verdict;
  verdict.tier = message::Tier::kCloud;
  verdict.package_hash = package;
  verdict.label = decision.label;
  verdict.confidence = decision.confidence;
  verdict.scores = finished->scores;
  verdict.accepted = decision.accepted;
  verdict.final = true;
  verdict.decided_ms = now_ms;
  if (!waiting.answered) {
    Answer& answer = out.answers.emplace_back(Answer{key.node, key.epoch, {}});
    answer.verdict.boot = key.boot;
    answer.verdict.sequence = key.sequence;
    answer.verdict.package_hash = package;
    answer.verdict.tier = message::Tier::kCloud;
    answer.verdict.label = decision.label;
    answer.verdict.confidence = decision.confidence;
    answer.verdict.scores = finished->scores;
  }
  const auto own =
      record.header.audit ? std::optional<std::uint32_t>(finished->own_label) : std::nullopt;
  out.decided.push_back({waiting.record, key, verdict, own});
}

}  // namespace trib::cloud::tail
