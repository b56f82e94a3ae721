#include "trib/gateway/link/link.h"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

#include "tributary/v1/record.pb.h"

namespace trib::gateway::link {
namespace {

using host::message::Uplink;
using message::RecordKey;
using message::RefusalReason;

std::optional<NodeId> ParseNode(std::string_view user_id) {
  std::uint64_t value = 0;
  const auto [end, failure] =
      std::from_chars(user_id.data(), user_id.data() + user_id.size(), value);
  if (failure != std::errc() || end != user_id.data() + user_id.size() || value == 0) {
    return std::nullopt;
  }
  return NodeId(value);
}

/// The key of a record that does not hold together otherwise, so that it can be refused by name.
std::optional<RecordKey> KeyOf(std::string_view record) {
  tributary::v1::Record parsed;
  if (!parsed.ParseFromArray(record.data(), static_cast<int>(record.size())) || !parsed.has_key() ||
      parsed.key().node() == 0 || parsed.key().epoch() == 0 || parsed.key().sequence() == 0) {
    return std::nullopt;
  }
  const auto& key = parsed.key();
  return RecordKey{NodeId(key.node()), EnrolmentEpoch(key.epoch()), key.boot(), key.sequence()};
}

}  // namespace

Link::Link(const Options& options)
    : options_(options),
      assembler_(host::message::ChunkAssembler::Limits{}),
      credit_(options.credit) {}

void Link::SetRoster(std::span<const NodeId> nodes) {
  roster_ = {nodes.begin(), nodes.end()};
  for (auto session = sessions_.begin(); session != sessions_.end();) {
    if (roster_.contains(session->first)) {
      ++session;
      continue;
    }
    assembler_.Forget(session->first);
    Session& gone = session->second;
    pending_ -= gone.pending.size();
    pending_bytes_ -= gone.pending_bytes;
    credit_.Release(gone.account, gone.pending_bytes);
    credit_.Close(gone.account);
    session = sessions_.erase(session);
  }
}

Link::Session* Link::FindOrOpen(NodeId node) {
  const auto found = sessions_.find(node);
  if (found != sessions_.end()) {
    return &found->second;
  }
  if (sessions_.size() >= options_.max_sessions) {
    return nullptr;
  }
  return &sessions_.try_emplace(node, options_.seen_keys).first->second;
}

void Link::Strike(Session& session, const Now& now) {
  if (++session.strikes >= options_.malformed_limit) {
    Close(session, now, metrics_.closed_malformed);
  }
}

void Link::Close(Session& session, const Now& now, std::uint64_t& counter) {
  ++counter;
  session.strikes = 0;
  session.excess = 0;
  session.unread = 0;
  session.closed_until = now.monotonic + options_.penalty;
  credit_.Close(session.account);
}

std::uint32_t Link::CreditOf(NodeId node, Session& session, const Now& now) {
  const std::uint32_t credit = credit_.Grant(node, session.account, now.monotonic);
  metrics_.pauses += credit == 0 ? 1U : 0U;
  return credit;
}

void Link::Tell(NodeId node, Session& session, std::uint32_t credit, Output& out) {
  if (session.epoch == EnrolmentEpoch() || session.routing_id.empty()) {
    return;  // an Ack names an epoch; its next Hello asks again
  }
  message::Downlink down;
  down.node = node;
  down.kind = message::Downlink::Kind::kAck;
  down.ack.epoch = session.epoch;
  down.ack.credit = credit;
  out.send.push_back({node, session.routing_id, host::message::EncodeDownlink(down)});
  ++metrics_.acks;
}

void Link::ServeWaiting(const Now& now, Output& out) {
  while (const auto node = credit_.NextWaiting()) {
    const auto found = sessions_.find(*node);
    if (found == sessions_.end()) {
      continue;
    }
    Session& session = found->second;
    if (session.closed_until || !session.account.waiting()) {
      CreditBook::PassTurn(session.account);
      continue;
    }
    ++metrics_.grants;
    Tell(*node, session, credit_.GrantTurn(session.account, now.monotonic), out);
  }
}

void Link::Sent(NodeId node, Status status, const Now& now) {
  const auto found = sessions_.find(node);
  if (found == sessions_.end()) {
    return;
  }
  Session& session = found->second;
  if (status.ok()) {
    session.unread = 0;
  } else if (status.code() == Code::kNotFound) {
    credit_.Close(session.account);  // it says Hello when it is back
  } else if (++session.unread >= options_.unread_limit && !session.closed_until) {
    Close(session, now, metrics_.closed_unread);
  }
}

void Link::Receive(std::string_view routing_id,
                   std::string_view user_id,
                   std::string_view bytes,
                   const Now& now,
                   Output& out) {
  ++metrics_.messages;
  metrics_.bytes += bytes.size();
  const auto node = ParseNode(user_id);
  if (!node || !roster_.contains(*node)) {
    ++metrics_.not_in_roster;
    return;
  }
  Session* session = FindOrOpen(*node);
  if (session == nullptr) {
    ++metrics_.too_many_sessions;
    return;
  }
  if (session->closed_until && now.monotonic < *session->closed_until) {
    ++metrics_.penalised;
    return;
  }
  auto uplink = host::message::DecodeUplink(bytes);
  if (!uplink.ok()) {
    ++metrics_.malformed;
    Strike(*session, now);
    return;
  }
  if (uplink->node != *node) {
    ++metrics_.identity_mismatch;
    Strike(*session, now);
    return;
  }
  if (session->closed_until && uplink->kind != Uplink::Kind::kHello) {
    ++metrics_.penalised;
    return;
  }
  session->closed_until.reset();
  session->strikes = 0;
  session->last_seen = now.monotonic;
  session->routing_id = routing_id;
  credit_.Heard(session->account, now.monotonic);

  const std::uint64_t over_credit = metrics_.over_credit + metrics_.pending_again;
  Answers answers;
  switch (uplink->kind) {
    case Uplink::Kind::kHello:
      TakeHello(*node, *session, uplink->hello, now, out);
      break;
    case Uplink::Kind::kRecords:
      for (auto& record : uplink->records) {
        TakeRecord(
            *node, *session, std::move(record.sealed), message::kMaxRecordBytes, now, answers, out);
      }
      break;
    case Uplink::Kind::kChunk:
      TakeChunk(*node, *session, uplink->chunk, now, answers, out);
      break;
  }
  const bool answered = SendAcks(*node, *session, answers, now, out);
  // Who sends what does not help now gets to know its credit, at most once a second.
  if (!answered && metrics_.over_credit + metrics_.pending_again != over_credit &&
      now.monotonic - session->told >= Millis(1000)) {
    session->told = now.monotonic;
    Tell(*node, *session, CreditOf(*node, *session, now), out);
  }
  if (session->excess >= options_.over_credit_limit) {
    Close(*session, now, metrics_.closed_over_credit);
  }
}

void Link::TakeHello(
    NodeId node, Session& session, const message::Hello& hello, const Now& now, Output& out) {
  ++metrics_.hellos;
  session.epoch = hello.epoch;
  session.boot = hello.boot;
  session.firmware_version = hello.firmware_version;
  message::Downlink answer;
  answer.node = node;
  answer.kind = message::Downlink::Kind::kTime;
  answer.time = {.unix_ms = now.unix_ms,
                 .epoch = hello.epoch,
                 .boot = hello.boot,
                 .credit = CreditOf(node, session, now)};
  out.send.push_back({node, session.routing_id, host::message::EncodeDownlink(answer)});
}

void Link::Refuse(const RecordKey& key, RefusalReason reason, Answers& answers) {
  ++metrics_.refused[static_cast<std::size_t>(reason)];
  answers.push_back({key, reason});
}

bool Link::OverCredit(const Session& session, std::size_t bytes, const Now& now) const {
  const std::uint64_t allowed = credit_.Allowed(session.account, now.monotonic);
  if (session.pending.empty()) {
    return allowed == 0;  // with any credit, one record travels alone, however long it is
  }
  return session.pending_bytes + bytes > allowed ||
         session.pending.size() >= options_.pending_records;
}

void Link::TakeRecord(NodeId node,
                      Session& session,
                      std::string sealed,
                      std::size_t limit,
                      const Now& now,
                      Answers& answers,
                      Output& out) {
  const auto opened = host::message::OpenSealedRecord(sealed);
  if (!opened.ok()) {
    ++metrics_.unnamed;
    return;
  }
  message::Record record;
  const bool lawful = host::message::DecodeRecord(opened->record, record).ok();
  const auto key = lawful ? std::optional(record.header.key) : KeyOf(opened->record);
  if (!key) {
    ++metrics_.unnamed;
    return;
  }
  if (key->node != node) {
    Refuse(*key, RefusalReason::kKeyMismatch, answers);
  } else if (opened->record.size() > limit) {
    Refuse(*key, RefusalReason::kTooLarge, answers);
  } else if (!lawful) {
    Refuse(*key, RefusalReason::kMalformed, answers);
  } else if (session.seen.Contains(*key)) {
    ++metrics_.duplicates;
    answers.push_back({*key});
  } else if (session.pending.contains(*key)) {
    ++metrics_.pending_again;
  } else if (OverCredit(session, sealed.size(), now)) {
    ++metrics_.over_credit;
    ++session.over_credit;
    ++session.excess;
  } else {
    ++metrics_.accepted;
    ++session.records;
    ++pending_;
    session.pending.emplace(*key, sealed.size());
    session.pending_bytes += sealed.size();
    pending_bytes_ += sealed.size();
    credit_.Hold(session.account, sealed.size());
    if (session.epoch == EnrolmentEpoch()) {
      session.epoch = key->epoch;  // this gateway was restarted, the node's session was not
    }
    out.offered.push_back({*key, record.kind, now.unix_ms, std::move(sealed)});
  }
}

void Link::TakeChunk(NodeId node,
                     Session& session,
                     const Uplink::ChunkData& chunk,
                     const Now& now,
                     Answers& answers,
                     Output& out) {
  ++metrics_.chunks;
  auto sealed = assembler_.Add(node, chunk, now.monotonic);
  if (sealed.ok()) {
    TakeRecord(node, session, *std::move(sealed), message::kMaxTransferBytes, now, answers, out);
    return;
  }
  if (sealed.status().code() == Code::kUnavailable) {
    return;
  }
  ++metrics_.chunks_refused;
  // A transfer that can never fit is refused by name; what else went wrong, resending may mend.
  if (chunk.total_bytes > message::kMaxTransferBytes && chunk.transfer != 0 &&
      session.epoch != EnrolmentEpoch()) {
    Refuse({node, session.epoch, chunk.boot, chunk.transfer}, RefusalReason::kTooLarge, answers);
  }
}

void Link::Settle(std::span<const Settled> settled, const Now& now, Output& out) {
  std::map<NodeId, Answers> answers;
  for (const Settled& record : settled) {
    const auto found = sessions_.find(record.key.node);
    if (found == sessions_.end()) {
      continue;  // revoked meanwhile: stored, but nobody to tell
    }
    Session& session = found->second;
    const auto pending = session.pending.find(record.key);
    if (pending == session.pending.end()) {
      continue;  // of a session that ended and began anew
    }
    session.pending_bytes -= pending->second;
    pending_bytes_ -= pending->second;
    credit_.Release(session.account, pending->second);
    session.pending.erase(pending);
    --pending_;
    Answers& list = answers[record.key.node];
    if (!record.durable) {
      ++metrics_.unsettled;
      continue;
    }
    ++metrics_.durable;
    session.seen.Insert(record.key);
    list.push_back({record.key});
  }
  for (auto& [node, list] : answers) {
    Session& session = sessions_.find(node)->second;
    // The spool took none of its records: it hears at once that it has to wait.
    if (!session.closed_until && !SendAcks(node, session, list, now, out)) {
      Tell(node, session, CreditOf(node, session, now), out);
    }
  }
  ServeWaiting(now, out);
}

bool Link::SendAcks(NodeId node, Session& session, Answers& answers, const Now& now, Output& out) {
  if (answers.empty()) {
    return false;
  }
  const std::uint32_t credit = CreditOf(node, session, now);
  const auto order = [](const Answer& a) {
    return std::tuple(a.key.epoch, a.key.boot, a.refusal, a.key.sequence);
  };
  std::sort(answers.begin(), answers.end(), [&](const Answer& a, const Answer& b) {
    return order(a) < order(b);
  });
  message::Downlink down;
  down.node = node;
  down.kind = message::Downlink::Kind::kAck;
  const auto flush = [&] {
    if (!down.ack.ranges.empty()) {
      down.ack.credit = credit;
      out.send.push_back({node, session.routing_id, host::message::EncodeDownlink(down)});
      ++metrics_.acks;
      down.ack.ranges.clear();
    }
  };
  for (std::size_t i = 0; i < answers.size();) {
    const Answer& first = answers[i];
    std::uint32_t last = first.key.sequence;
    for (++i; i < answers.size(); ++i) {
      const Answer& next = answers[i];
      if (next.key.epoch != first.key.epoch || next.key.boot != first.key.boot ||
          next.refusal != first.refusal || next.key.sequence - last > 1) {
        break;
      }
      last = next.key.sequence;
    }
    if (first.key.epoch != down.ack.epoch || down.ack.ranges.full()) {
      flush();
      down.ack.epoch = first.key.epoch;
    }
    (void)down.ack.ranges.push_back({first.key.boot, first.key.sequence, last, first.refusal});
  }
  flush();
  return true;
}

Status Link::SendDown(NodeId node, std::string_view envelope, Output& out, EnrolmentEpoch epoch) {
  const auto found = sessions_.find(node);
  const bool there = found != sessions_.end() && !found->second.routing_id.empty();
  if (!there || (epoch != EnrolmentEpoch() && epoch != found->second.epoch)) {
    ++metrics_.undeliverable;
    return Code::kNotFound;
  }
  out.send.push_back({node, found->second.routing_id, std::string(envelope), true});
  return {};
}

void Link::Tick(const Now& now, Output& out) {
  assembler_.Evict(now.monotonic);
  credit_.BeginSecond();
  const std::uint64_t fair = std::max<std::uint64_t>(credit_.share(), options_.credit.least_bytes);
  std::size_t lowered = 0;
  for (auto& [node, session] : sessions_) {
    session.excess /= 2;
    credit_.Expire(session.account, now.monotonic);
    // Who was granted much when few were there gives way to those who wait.
    if (credit_.waiting() > 0 && session.account.granted() > fair && !session.closed_until &&
        lowered < options_.credit.grants_per_second) {
      ++lowered;
      Tell(node, session, CreditOf(node, session, now), out);
    }
  }
  ServeWaiting(now, out);
}

std::vector<SessionInfo> Link::sessions() const {
  std::vector<SessionInfo> list;
  list.reserve(sessions_.size());
  for (const auto& [node, session] : sessions_) {
    list.push_back({node,
                    session.epoch,
                    session.boot,
                    session.firmware_version,
                    session.last_seen,
                    session.records,
                    session.pending.size(),
                    session.account.granted(),
                    session.over_credit,
                    session.account.waiting(),
                    session.closed_until.has_value(),
                    session.routing_id});
  }
  return list;
}

}  // namespace trib::gateway::link
