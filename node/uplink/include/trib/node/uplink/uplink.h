#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/base/ids.h"
#include "trib/common/base/random.h"
#include "trib/common/base/time.h"
#include "trib/common/crypto/crypto.h"
#include "trib/common/message/types.h"
#include "trib/common/status/result.h"
#include "trib/node/ports/clock.h"
#include "trib/node/ports/link.h"
#include "trib/node/uplink/backlog.h"
#include "trib/node/uplink/metrics.h"

namespace trib::node::uplink {

/// What the gateway or cloud tells the node, beyond what the uplink answers itself. Spans are valid
/// during the call only, and until it appends a record, which it may.
class DownlinkHandler {
 public:
  virtual void OnConfiguration(const message::Configuration& configuration) = 0;
  virtual void OnVerdict(const message::Verdict& verdict) = 0;
  virtual void OnUpdateChunk(const message::UpdateChunk& chunk) = 0;

 protected:
  ~DownlinkHandler() = default;
};

struct UplinkConfig {
  NodeId node;
  std::uint64_t seed = 1;  ///< jitter; differs between nodes, or a fleet retries in step
  Millis hello_first{1'000};
  Millis hello_most{60'000};
  Millis retransmit_first{5'000};
  Millis retransmit_most{120'000};
  /// Without a word from the gateway for this long while records wait, say Hello again.
  Millis silence_limit{90'000};
  /// Records first sent and not yet acknowledged, at most. Up to kMaxInFlight.
  std::uint32_t window = 64;
  /// Messages sent in one Step() at most, so that a step's time is bounded.
  std::uint32_t messages_per_step = 4;
  std::uint32_t received_per_step = 16;
};

/// Brings records to the gateway at least once: stores them in the backlog, says Hello, sends what
/// is unacknowledged inside the gateway's credit, and sends again what gets no answer.
///
/// Memory   Borrows all, and `message`, at least kMessageBytes, for outgoing and incoming messages;
///          a longer one admits longer records, which travel in chunks. Uses the backlog's record
///          memory as its second buffer.
/// Durable  Append() before it returns.
/// Threads  One caller at a time: the node's loop.
class Uplink {
 public:
  static constexpr std::size_t kMaxInFlight = 64;
  static constexpr std::size_t kMaxBatch = 32;
  static constexpr std::size_t kMessageBytes = message::kMaxEnvelopeBytes;

  /// `mac_key`: null for no MAC, else the node's key for the HMAC over every record; borrowed.
  Uplink(Link& link,
         Clock& clock,
         Backlog& backlog,
         DownlinkHandler& handler,
         const UplinkConfig& config,
         std::span<std::byte> message,
         const crypto::MacKey* mac_key = nullptr);
  Uplink(const Uplink&) = delete;
  Uplink& operator=(const Uplink&) = delete;

  /// Says who the node is from now on. Call once after Backlog::Open(), and again when a field
  /// changes (new package, configuration): a new session then begins.
  void Introduce(const message::Hello& hello);

  /// Encodes and stores a record; header.key must be complete and above the last one's.
  ///
  /// @returns kInvalidArgument  cannot be encoded, too long, or key not above
  ///          else              as Backlog::Append()
  Status Append(const message::Record& record);

  /// Where the payload of an activation may be made right before its Append(): any other call
  /// overwrites it.
  [[nodiscard]] std::span<std::byte> payload_memory() { return backlog_.record_memory(); }

  /// Receives, answers and sends what is due. Never blocks.
  void Step(MonotonicTime now);

  /// The gateway has answered this session's Hello.
  [[nodiscard]] bool in_session() const { return state_ == State::kSession; }
  /// When the next Step() has something to do unless a message arrives or a record is appended.
  [[nodiscard]] MonotonicTime next_due() const;
  [[nodiscard]] std::uint32_t in_flight_records() const { return in_flight_count_; }
  [[nodiscard]] std::uint32_t in_flight_bytes() const { return in_flight_bytes_; }
  [[nodiscard]] std::uint32_t credit() const { return credit_; }
  [[nodiscard]] const UplinkMetrics& metrics() const { return metrics_; }

 private:
  enum class State : std::uint8_t { kSilent, kHello, kSession };
  struct InFlight {
    StoredRecord record;
    MonotonicTime next_send{};
    std::uint32_t chunk_offset = 0;  // next byte to send of a record that travels in chunks
    std::uint32_t chunk_crc = 0;
    std::uint8_t attempts = 0;  // complete transmissions in this session
    bool used = false;
  };

  /// When the gateway has been silent for too long.
  [[nodiscard]] MonotonicTime SilentFrom() const;
  void Receive(MonotonicTime now);
  void Take(std::span<const std::byte> bytes, MonotonicTime now);
  void TakeAck(const message::Ack& ack);
  void TakeTime(const message::TimeSync& time);
  void SendHello(MonotonicTime now);
  /// One message of what is due. @returns false when there is nothing, or the link takes no more.
  bool SendNext(MonotonicTime now);
  bool SendBatch(MonotonicTime now);
  bool SendChunk(InFlight& entry, MonotonicTime now);
  /// The oldest record due at `now` after `after` (null: any); null when there is none.
  InFlight* NextDue(MonotonicTime now, const InFlight* after);
  void Admit(MonotonicTime now);
  void Remove(InFlight& entry);
  void RemoveForgotten();
  bool Transmit(std::size_t bytes, MonotonicTime now);
  void EndSession(MonotonicTime now);
  void ClearInFlight();
  void MarkSent(InFlight& entry, MonotonicTime now);
  [[nodiscard]] bool TravelsInChunks(const StoredRecord& record);
  [[nodiscard]] bool Fits(const StoredRecord& record) const;
  [[nodiscard]] std::size_t MaxMessage() const;
  Millis Backoff(Millis first, Millis most, std::uint32_t attempts);

  Link& link_;
  Clock& clock_;
  Backlog& backlog_;
  DownlinkHandler& handler_;
  const UplinkConfig config_;
  const std::span<std::byte> message_;
  const crypto::MacKey* const mac_key_;
  SplitMix64 random_;

  // 1. In a session every unacknowledged record is in in_flight_, is waiting_, or lies at or after
  //    cursor_.
  // 2. in_flight_bytes_ is the sum over in_flight_; a record is admitted only within credit_, or
  //    alone.
  State state_ = State::kSilent;
  message::Hello hello_;
  MonotonicTime hello_due_{};
  bool hello_scheduled_ = false;
  std::uint32_t hellos_unanswered_ = 0;
  MonotonicTime heard_{};
  // Since when an answer is due: from the first thing to send after the last word heard. A node
  // that says little hears little, and that is no silence.
  MonotonicTime owed_since_{};
  bool owed_ = false;
  Backlog::Cursor cursor_;
  StoredRecord waiting_;  // taken from cursor_, not admitted yet
  bool has_waiting_ = false;
  std::array<InFlight, kMaxInFlight> in_flight_{};
  std::uint32_t in_flight_count_ = 0;
  std::uint32_t in_flight_bytes_ = 0;
  std::uint32_t credit_ = 0;
  UplinkMetrics metrics_;
};

}  // namespace trib::node::uplink
