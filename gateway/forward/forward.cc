#include "trib/gateway/forward/forward.h"

#include <algorithm>
#include <set>
#include <utility>

#include "tributary/v1/site.pb.h"

namespace trib::gateway::forward {
namespace {

namespace v1 = tributary::v1;

constexpr Millis kLookInterval{1'000};

std::string Encode(v1::SiteEnvelope& envelope) {
  envelope.set_protocol(message::kProtocolVersion);
  return envelope.SerializeAsString();
}

}  // namespace

Forward::Forward(const Options& options, std::uint64_t roster_version, std::uint64_t seed)
    : options_(options),
      random_(seed),
      roster_version_(roster_version),
      next_batch_(std::max<std::uint64_t>(options.first_batch, 1)) {}

Millis Forward::Backoff(std::uint32_t attempts) {
  const auto doublings = std::min<std::uint32_t>(attempts, 16);
  const Millis base = std::min(options_.resend * (1U << doublings), options_.resend_max);
  const auto spread = static_cast<std::uint64_t>(base.count()) / 2 + 1;
  return base + Millis(static_cast<std::int64_t>(random_.Next() % spread));
}

void Forward::SetConnected(bool connected, MonotonicTime now) {
  if (connected && !connected_) {
    credit_ = std::max<std::uint32_t>(credit_, 1);
    next_hello_ = now;
    for (auto& [id, batch] : open_) {
      batch.due = now;
    }
  }
  connected_ = connected;
}

std::optional<Wanted> Forward::Want() {
  if (!connected_ || asked_ || idle_ || open_.size() >= std::min(credit_, options_.max_window)) {
    return std::nullopt;
  }
  asked_ = true;
  return Wanted{last_id_, options_.max_batch_records, options_.max_batch_bytes};
}

void Forward::Offer(std::vector<Record> records,
                    std::span<const Drop> drops,
                    MonotonicTime now,
                    Output& out) {
  asked_ = false;
  if (records.empty()) {
    idle_ = true;
    next_look_ = now + kLookInterval;
    return;
  }
  const std::uint64_t number = next_batch_++;
  Batch& batch = open_[number];
  v1::SiteEnvelope envelope;
  v1::Batch& body = *envelope.mutable_batch();
  body.set_batch_id(number);
  for (Record& record : records) {
    batch.ids.push_back(record.id);
    v1::Forwarded& forwarded = *body.add_records();
    forwarded.set_sealed_record(std::move(record.sealed));
    forwarded.set_received_ms(record.received_ms);
    if (!record.verdict.empty() && forwarded.mutable_verdict()->ParseFromString(record.verdict)) {
      ++metrics_.verdicts;
    }
  }
  for (const Drop& drop : drops) {
    v1::DropCount& count = *body.add_drops();
    count.set_priority(static_cast<std::uint32_t>(drop.priority));
    count.set_reason(drop.reason);
    count.set_total(drop.total);
  }
  last_id_ = std::max(last_id_, batch.ids.back());
  batch.encoded = Encode(envelope);
  ++metrics_.batches;
  if (connected_ && credit_ > 0) {
    SendBatch(batch, now, out);
  } else {
    batch.due = now;
  }
}

void Forward::SendBatch(Batch& batch, MonotonicTime now, Output& out) {
  metrics_.retransmissions += batch.attempts > 0 ? 1U : 0U;
  batch.due = now + Backoff(batch.attempts);
  ++batch.attempts;
  out.send.push_back(batch.encoded);
}

void Forward::SendHello(MonotonicTime now, Output& out) {
  v1::SiteEnvelope envelope;
  v1::SiteHello& hello = *envelope.mutable_hello();
  hello.set_gateway(options_.gateway.value());
  hello.set_roster_version(roster_version_);
  hello.set_software_version(options_.software_version);
  out.send.push_back(Encode(envelope));
  next_hello_ = now + options_.hello_interval;
  ++metrics_.hellos;
}

void Forward::Tick(MonotonicTime now, Output& out) {
  if (idle_ && now >= next_look_) {
    idle_ = false;
  }
  if (!connected_) {
    return;
  }
  const bool resending =
      credit_ > 0 && std::any_of(open_.begin(), open_.end(), [&](const auto& entry) {
        return entry.second.attempts > 0 && now >= entry.second.due;
      });
  // Silence may mean that the cloud was restarted and does not know this connection.
  if (resending || now >= next_hello_) {
    SendHello(now, out);
  }
  for (auto& [number, batch] : open_) {
    if (credit_ > 0 && now >= batch.due) {
      SendBatch(batch, now, out);
    }
  }
  for (; !reports_.empty(); reports_.pop_front()) {
    v1::SiteEnvelope envelope;
    if (envelope.mutable_report()->ParseFromString(reports_.front())) {
      out.send.push_back(Encode(envelope));
      ++metrics_.reports;
    }
  }
}

void Forward::Report(std::string site_report) {
  if (reports_.size() >= kMaxReports) {
    reports_.pop_front();
    ++metrics_.reports_dropped;
  }
  reports_.push_back(std::move(site_report));
}

void Forward::SetRosterVersion(std::uint64_t version) {
  roster_version_ = std::max(roster_version_, version);
}

void Forward::Receive(std::string_view bytes, MonotonicTime now, Output& out) {
  v1::SiteEnvelope envelope;
  if (bytes.size() > message::kMaxSiteEnvelopeBytes ||
      !envelope.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      envelope.protocol() != message::kProtocolVersion) {
    ++metrics_.malformed;
    return;
  }
  switch (envelope.body_case()) {
    case v1::SiteEnvelope::kBatchAck:
      TakeAck(envelope.batch_ack(), now, out);
      break;
    case v1::SiteEnvelope::kRoster:
      TakeRoster(envelope.roster(), out);
      break;
    case v1::SiteEnvelope::kDownlink: {
      const v1::Downlink& downlink = envelope.downlink();
      if (downlink.node() == 0 || downlink.envelope().empty() ||
          downlink.envelope().size() > message::kMaxEnvelopeBytes) {
        ++metrics_.malformed;
        break;
      }
      ++metrics_.downlinks;
      out.downlinks.push_back(
          {NodeId(downlink.node()), EnrolmentEpoch(downlink.epoch()), downlink.envelope()});
      break;
    }
    default:
      ++metrics_.malformed;
      break;
  }
}

void Forward::TakeCredit(std::uint32_t credit, MonotonicTime now) {
  const std::uint32_t before = std::exchange(credit_, std::min(credit, options_.max_window));
  metrics_.pauses += credit_ == 0 && before != 0 ? 1U : 0U;
  if (credit_ == 0 || before != 0) {
    return;
  }
  // What came due during the pause goes as if sent now: the cloud may well have it.
  for (auto& [number, batch] : open_) {
    if (batch.attempts > 0) {
      batch.due = std::max(batch.due, now + Backoff(0));
    }
  }
}

void Forward::TakeAck(const v1::BatchAck& ack, MonotonicTime now, Output& out) {
  if (ack.batch_id() == 0) {
    ++metrics_.grants;
    TakeCredit(ack.credit(), now);
    return;
  }
  const auto found = open_.find(ack.batch_id());
  if (found == open_.end()) {
    ++metrics_.acks_unknown;
    return;
  }
  const std::vector<std::int64_t>& ids = found->second.ids;
  std::set<std::size_t> rejected;
  for (const v1::Rejected& record : ack.rejected()) {
    rejected.insert(record.index());
  }
  const std::uint64_t sum = std::uint64_t{ack.stored()} + ack.duplicates() + rejected.size();
  const bool in_range = rejected.empty() || *rejected.rbegin() < ids.size();
  // An answer that does not account for every record deletes nothing; the batch goes again.
  if (sum != ids.size() || !in_range ||
      rejected.size() != static_cast<std::size_t>(ack.rejected_size())) {
    ++metrics_.malformed;
    return;
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    (rejected.contains(i) ? out.rejected : out.stored).push_back(ids[i]);
  }
  metrics_.forwarded += ids.size() - rejected.size();
  metrics_.cloud_duplicates += ack.duplicates();
  metrics_.rejected += rejected.size();
  TakeCredit(ack.credit(), now);
  open_.erase(found);
}

void Forward::TakeRoster(const v1::Roster& roster, Output& out) {
  Roster taken;
  taken.version = roster.version();
  std::set<std::uint64_t> nodes;
  std::set<std::string> keys;
  for (const v1::Member& member : roster.members()) {
    Member& entry = taken.members.emplace_back();
    entry.node = NodeId(member.node());
    if (member.node() == 0 || member.public_key().size() != entry.public_key.size() ||
        !nodes.insert(member.node()).second || !keys.insert(member.public_key()).second) {
      ++metrics_.malformed;
      return;
    }
    std::transform(member.public_key().begin(),
                   member.public_key().end(),
                   entry.public_key.begin(),
                   [](char c) { return static_cast<std::byte>(c); });
  }
  if (taken.version <= roster_version_) {
    ++metrics_.rosters_stale;
    return;
  }
  ++metrics_.rosters;
  out.roster = std::move(taken);
}

}  // namespace trib::gateway::forward
