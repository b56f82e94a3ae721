#include "trib/node/uplink/uplink.h"

#include <algorithm>

#include "trib/common/base/check.h"
#include "trib/common/bytes/crc32c.h"
#include "trib/common/message/codec.h"
#include "trib/common/message/wire.h"

namespace trib::node::uplink {
namespace {

// Field numbers of SealedRecord.
constexpr std::uint32_t kSealedRecordField = 1;
constexpr std::uint32_t kSealedMacField = 2;
// Envelope and chunk fields around a chunk's data, at most: leaves 8 bytes of kMinMtuBytes.
constexpr std::size_t kChunkOverheadBytes = 43;
// Last millisecond of the year 9999: a later wall clock is a broken one.
constexpr std::uint64_t kMaxUnixMs = 253'402'300'799'999;
constexpr std::size_t kPieceBytes = 64;

/// Age order: the order in which records were appended.
constexpr std::uint64_t Age(const StoredRecord& record) {
  return (std::uint64_t{record.sector_sequence} << 32U) | record.index;
}

}  // namespace

Uplink::Uplink(Link& link,
               Clock& clock,
               Backlog& backlog,
               DownlinkHandler& handler,
               const UplinkConfig& config,
               std::span<std::byte> message,
               const crypto::MacKey* mac_key)
    : link_(link),
      clock_(clock),
      backlog_(backlog),
      handler_(handler),
      config_(config),
      message_(message),
      mac_key_(mac_key),
      random_(config.seed) {
  TRIB_CHECK(message.size() >= kMessageBytes);
  TRIB_CHECK(config.window > 0 && config.window <= kMaxInFlight);
  TRIB_CHECK(config.node.value() != 0);
  TRIB_CHECK(config.hello_first > Millis(0) && config.retransmit_first > Millis(0));
}

std::size_t Uplink::MaxMessage() const {
  return std::min({link_.max_message_bytes(), message::kMaxEnvelopeBytes, message_.size()});
}

Millis Uplink::Backoff(Millis first, Millis most, std::uint32_t attempts) {
  Millis base = first;
  for (std::uint32_t i = 0; i < attempts && base < most; ++i) {
    base *= 2;
  }
  base = std::min(base, most);
  // Half fixed, half random: a fleet that lost its gateway at one moment does not return at one.
  const auto half = static_cast<std::uint64_t>(base.count() / 2);
  return base - Millis(static_cast<std::int64_t>(random_.Next() % (half + 1)));
}

void Uplink::Introduce(const message::Hello& hello) {
  hello_ = hello;
  state_ = State::kHello;
  hello_scheduled_ = false;
  hellos_unanswered_ = 0;
  ClearInFlight();
}

Status Uplink::Append(const message::Record& record) {
  const message::RecordKey& key = record.header.key;
  if (key.node != config_.node || key.epoch != backlog_.epoch()) {
    ++metrics_.unencodable;
    return Code::kInvalidArgument;
  }
  const auto encoded = message::EncodeRecord(record, message_);
  if (!encoded.ok()) {
    ++metrics_.unencodable;
    return Code::kInvalidArgument;
  }
  message::SealedRecord sealed{message_.first(*encoded), {}};
  crypto::Mac16 mac;
  if (mac_key_ != nullptr) {
    mac = crypto::MakeMac16(*mac_key_, sealed.record);
    sealed.mac = mac.span();
  }
  const auto size = message::EncodeSealedRecord(sealed, backlog_.record_memory());
  if (!size.ok()) {
    ++metrics_.unencodable;
    return Code::kInvalidArgument;
  }
  return backlog_.Append(key.boot, key.sequence, message::PriorityOf(record.kind), *size);
}

void Uplink::Step(MonotonicTime now) {
  Receive(now);
  if (state_ == State::kHello) {
    if (!hello_scheduled_) {
      hello_due_ = now + config_.hello_first - Backoff(config_.hello_first, config_.hello_first, 0);
      hello_scheduled_ = true;
    }
    if (now >= hello_due_) {
      SendHello(now);
    }
    return;
  }
  if (state_ != State::kSession) {
    return;
  }
  if (backlog_.metrics().records > 0 && now >= SilentFrom()) {
    EndSession(now);
    return;
  }
  for (std::uint32_t i = 0; i < config_.messages_per_step && SendNext(now); ++i) {
  }
}

MonotonicTime Uplink::SilentFrom() const {
  if (owed_) {
    return owed_since_ + config_.silence_limit;
  }
  // Without credit nothing is sent, so nothing is owed: the gateway's next word is.
  return credit_ == 0 ? heard_ + config_.silence_limit : MonotonicTime::max();
}

MonotonicTime Uplink::next_due() const {
  if (state_ == State::kSilent) {
    return MonotonicTime::max();
  }
  if (state_ == State::kHello) {
    return hello_scheduled_ ? hello_due_ : MonotonicTime::min();
  }
  if (backlog_.metrics().records == 0) {
    return MonotonicTime::max();
  }
  MonotonicTime due = SilentFrom();
  if (credit_ == 0) {
    return due;
  }
  for (const InFlight& entry : in_flight_) {
    if (entry.used) {
      due = std::min(due, entry.next_send);
    }
  }
  const bool more = backlog_.metrics().records > in_flight_count_;
  const bool blocked = has_waiting_ ? !Fits(waiting_) : in_flight_count_ >= config_.window;
  return more && !blocked ? MonotonicTime::min() : due;
}

// ---- receiving ---------------------------------------------------------------------------------

void Uplink::Receive(MonotonicTime now) {
  for (std::uint32_t i = 0; i < config_.received_per_step; ++i) {
    const auto got = link_.Receive(message_);
    if (got.ok()) {
      ++metrics_.messages_received;
      Take(message_.first(std::min(*got, message_.size())), now);
    } else if (got.status() == Code::kResourceExhausted) {
      ++metrics_.oversized;
    } else {
      return;
    }
  }
}

void Uplink::Take(std::span<const std::byte> bytes, MonotonicTime now) {
  message::Downlink downlink;
  if (!message::DecodeDownlink(bytes, downlink).ok()) {
    ++metrics_.malformed;
    return;
  }
  if (downlink.node != config_.node) {
    ++metrics_.misaddressed;
    return;
  }
  heard_ = now;
  owed_ = false;
  switch (downlink.kind) {
    case message::Downlink::Kind::kAck:
      TakeAck(downlink.ack);
      return;
    case message::Downlink::Kind::kTime:
      TakeTime(downlink.time);
      return;
    case message::Downlink::Kind::kConfiguration:
      handler_.OnConfiguration(downlink.configuration);
      return;
    case message::Downlink::Kind::kVerdict:
      handler_.OnVerdict(downlink.verdict);
      return;
    case message::Downlink::Kind::kUpdateChunk:
      handler_.OnUpdateChunk(downlink.update_chunk);
      return;
  }
}

void Uplink::TakeAck(const message::Ack& ack) {
  std::uint32_t found = 0;
  for (const message::AckRange& range : ack.ranges) {
    if (range.refusal == message::RefusalReason::kUnspecified) {
      const auto count = backlog_.Acknowledge(ack.epoch, range.boot, range.first, range.last);
      metrics_.acknowledged += count;
      found += count;
    } else {
      found +=
          backlog_.Acknowledge(ack.epoch, range.boot, range.first, range.last, &metrics_.refused);
    }
  }
  if (found == 0 && ack.epoch != backlog_.epoch()) {
    ++metrics_.stale;
    return;
  }
  credit_ = ack.credit;
  RemoveForgotten();
}

void Uplink::TakeTime(const message::TimeSync& time) {
  if (time.epoch != hello_.epoch || time.boot != hello_.boot || state_ == State::kSilent) {
    ++metrics_.stale;
    return;
  }
  if (time.unix_ms > kMaxUnixMs) {
    ++metrics_.malformed;
    return;
  }
  clock_.SetTime(LogicalTime(Millis(static_cast<std::int64_t>(time.unix_ms))));
  credit_ = time.credit;
  if (state_ == State::kHello) {
    state_ = State::kSession;
    ++metrics_.sessions;
    hellos_unanswered_ = 0;
    ClearInFlight();
  }
}

// ---- sending -----------------------------------------------------------------------------------

bool Uplink::Transmit(std::size_t bytes, MonotonicTime now) {
  const Status sent = link_.Send(message_.first(bytes));
  if (sent.ok()) {
    ++metrics_.messages_sent;
    metrics_.bytes_sent += bytes;
    return true;
  }
  if (sent == Code::kUnavailable && state_ == State::kSession) {
    EndSession(now);
  }
  return false;
}

void Uplink::SendHello(MonotonicTime now) {
  message::Hello hello = hello_;
  hello.max_message_bytes = static_cast<std::uint32_t>(MaxMessage());
  const auto size = message::EncodeHello(config_.node, hello, message_.first(MaxMessage()));
  if (size.ok() && !Transmit(*size, now)) {
    // Nobody was asked, so nobody owes an answer: it is asked as soon as there is a link.
    hello_due_ = now + Backoff(config_.hello_first, config_.hello_first, 0);
    return;
  }
  metrics_.hellos_sent += size.ok() ? 1U : 0U;
  hello_due_ = now + Backoff(config_.hello_first, config_.hello_most, hellos_unanswered_);
  ++hellos_unanswered_;
}

void Uplink::EndSession(MonotonicTime now) {
  state_ = State::kHello;
  ++metrics_.link_losses;
  ClearInFlight();
  hello_due_ = now + Backoff(config_.hello_first, config_.hello_most, hellos_unanswered_);
  hello_scheduled_ = true;
}

void Uplink::ClearInFlight() {
  in_flight_ = {};
  in_flight_count_ = 0;
  in_flight_bytes_ = 0;
  has_waiting_ = false;
  cursor_ = {};
  credit_ = state_ == State::kSession ? credit_ : 0;
}

void Uplink::Remove(InFlight& entry) {
  in_flight_bytes_ -= entry.record.bytes;
  --in_flight_count_;
  entry.used = false;
}

void Uplink::RemoveForgotten() {
  for (InFlight& entry : in_flight_) {
    if (entry.used && !backlog_.Holds(entry.record)) {
      Remove(entry);
    }
  }
}

bool Uplink::Fits(const StoredRecord& record) const {
  if (in_flight_count_ == 0) {
    return credit_ >
           0;  // alone, or a record larger than the credit would block the others for ever
  }
  return in_flight_count_ < config_.window && in_flight_bytes_ <= credit_ &&
         record.bytes <= credit_ - in_flight_bytes_;
}

void Uplink::Admit(MonotonicTime now) {
  while (in_flight_count_ < config_.window) {
    if (has_waiting_ && !backlog_.Holds(waiting_)) {
      has_waiting_ = false;
    }
    if (!has_waiting_) {
      has_waiting_ = backlog_.Next(cursor_, waiting_);
    }
    if (!has_waiting_ || !Fits(waiting_)) {
      return;
    }
    InFlight& entry = *std::ranges::find(in_flight_, false, &InFlight::used);
    entry = {};
    entry.record = waiting_;
    entry.next_send = now;
    entry.used = true;
    ++in_flight_count_;
    in_flight_bytes_ += waiting_.bytes;
    has_waiting_ = false;
  }
}

Uplink::InFlight* Uplink::NextDue(MonotonicTime now, const InFlight* after) {
  InFlight* found = nullptr;
  for (InFlight& entry : in_flight_) {
    if (entry.used && entry.next_send <= now &&
        (after == nullptr || Age(entry.record) > Age(after->record)) &&
        (found == nullptr || Age(entry.record) < Age(found->record))) {
      found = &entry;
    }
  }
  return found;
}

bool Uplink::TravelsInChunks(const StoredRecord& record) {
  const std::size_t enveloped =
      record.bytes + 2 * sizeof(std::uint32_t) + message::kEnvelopeOverheadBytes;
  return enveloped > MaxMessage() || record.bytes > message::kMaxRecordBytes ||
         record.bytes > backlog_.record_memory().size();
}

bool Uplink::SendNext(MonotonicTime now) {
  RemoveForgotten();
  Admit(now);
  // No credit at all: the gateway cannot store; sending again would only fill the link.
  InFlight* const oldest = credit_ == 0 ? nullptr : NextDue(now, nullptr);
  if (oldest == nullptr) {
    return false;
  }
  if (!owed_) {
    owed_ = true;
    owed_since_ = now;
  }
  if (oldest->chunk_offset == 0 && !backlog_.Verify(oldest->record).ok()) {
    backlog_.GiveUp(oldest->record);
    Remove(*oldest);
    return true;
  }
  return TravelsInChunks(oldest->record) ? SendChunk(*oldest, now) : SendBatch(now);
}

bool Uplink::SendBatch(MonotonicTime now) {
  const std::span<std::byte> staging = backlog_.record_memory();
  std::array<message::SealedRecord, kMaxBatch> sealed;
  std::array<InFlight*, kMaxBatch> chosen;
  std::size_t count = 0;
  std::size_t staged = 0;
  std::size_t bound = message::kEnvelopeOverheadBytes;
  for (InFlight* entry = NextDue(now, nullptr); entry != nullptr && count < kMaxBatch;
       entry = NextDue(now, entry)) {
    const StoredRecord& record = entry->record;
    if (TravelsInChunks(record)) {
      continue;
    }
    if (record.bytes > staging.size() - staged) {
      break;
    }
    const auto bytes = staging.subspan(staged, record.bytes);
    const bool readable = backlog_.Verify(record).ok() && backlog_.Read(record, 0, bytes).ok();
    sealed[count] = {message::FindBytes(bytes, kSealedRecordField),
                     message::FindBytes(bytes, kSealedMacField)};
    bound += message::EnvelopedBytes(sealed[count]);
    if (!readable || bound > MaxMessage()) {
      break;  // the first of the next batch; SendNext() judges it
    }
    chosen[count++] = entry;
    staged += record.bytes;
  }
  if (count == 0) {
    return false;  // the flash does not read; the next step tries again
  }
  const auto out = message_.first(MaxMessage());
  auto size = message::EncodeRecords(config_.node, std::span(sealed).first(count), out);
  if (!size.ok() && count > 1) {
    // One of them is unlawful: send the first alone, so that only the culprit is given up.
    count = 1;
    size = message::EncodeRecords(config_.node, std::span(sealed).first(count), out);
  }
  if (!size.ok()) {
    InFlight& culprit = *NextDue(now, nullptr);
    backlog_.GiveUp(culprit.record);
    Remove(culprit);
    return true;
  }
  if (!Transmit(*size, now)) {
    return false;
  }
  for (InFlight* entry : std::span(chosen).first(count)) {
    MarkSent(*entry, now);
  }
  return true;
}

bool Uplink::SendChunk(InFlight& entry, MonotonicTime now) {
  const std::span<std::byte> staging = backlog_.record_memory();
  const StoredRecord& record = entry.record;
  if (MaxMessage() <= kChunkOverheadBytes) {
    return false;
  }
  if (entry.chunk_offset == 0) {
    entry.chunk_crc = 0;
    std::array<std::byte, kPieceBytes> piece;
    for (std::uint32_t at = 0; at < record.bytes;) {
      const auto bytes =
          std::span(piece).first(std::min<std::size_t>(kPieceBytes, record.bytes - at));
      if (!backlog_.Read(record, at, bytes).ok()) {
        return false;
      }
      entry.chunk_crc = Crc32c(bytes, entry.chunk_crc);
      at += static_cast<std::uint32_t>(bytes.size());
    }
  }
  const std::size_t most = std::min({message::kMaxChunkDataBytes,
                                     MaxMessage() - kChunkOverheadBytes,
                                     staging.size(),
                                     std::size_t{record.bytes - entry.chunk_offset}});
  const auto data = staging.first(most);
  if (!backlog_.Read(record, entry.chunk_offset, data).ok()) {
    return false;
  }
  const message::Chunk chunk{.boot = record.boot,
                             .transfer = record.sequence,
                             .total_bytes = record.bytes,
                             .offset = entry.chunk_offset,
                             .data = data,
                             .crc32c = entry.chunk_crc};
  const auto size = message::EncodeChunk(config_.node, chunk, message_.first(MaxMessage()));
  if (!size.ok()) {
    backlog_.GiveUp(record);
    Remove(entry);
    return true;
  }
  if (!Transmit(*size, now)) {
    return false;
  }
  entry.chunk_offset += static_cast<std::uint32_t>(most);
  if (entry.chunk_offset >= record.bytes) {
    entry.chunk_offset = 0;
    MarkSent(entry, now);
  }
  return true;
}

void Uplink::MarkSent(InFlight& entry, MonotonicTime now) {
  ++(entry.attempts == 0 ? metrics_.records_sent : metrics_.retransmissions);
  entry.next_send =
      now + Backoff(config_.retransmit_first, config_.retransmit_most, entry.attempts);
  if (entry.attempts < 255) {
    ++entry.attempts;
  }
}

}  // namespace trib::node::uplink
