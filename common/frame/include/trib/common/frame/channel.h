#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/base/time.h"
#include "trib/common/frame/channel_memory.h"
#include "trib/common/frame/frame.h"
#include "trib/common/frame/metrics.h"
#include "trib/common/frame/receiver.h"
#include "trib/common/frame/sender.h"
#include "trib/common/status/result.h"

namespace trib::frame {

enum class Role : std::uint8_t { kInitiator, kResponder };

struct ChannelOptions {
  Role role = Role::kInitiator;
  std::uint64_t station = 0;  ///< who this end is: a node's or gateway's id
  std::uint16_t mtu = 256;    ///< kMinMtu to kMaxMtu, and at most what the memory was made for
  Millis ack_delay{10};
  Millis retransmit_least{40};
  Millis retransmit_most{4'000};
  Millis open_first{200};
  Millis open_most{5'000};
  Millis refused_pause{30'000};
  std::uint8_t max_transmissions = 16;
};

/// One end of a serial link: messages in and out, bytes in and out. Owns no wire and reads no
/// clock. docs/formats/serial_link.md says what it does.
///
/// Memory   Borrows `memory` for life. No heap.
/// Threads  One caller at a time.
/// Order    Messages of a session arrive in the order of Send(), each once, or the session ends.
class Channel {
 public:
  Channel(const ChannelOptions& options, const ChannelMemory& memory);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Initiator: begins a session now, with this nonce; later ones follow from it. Responder: its
  /// nonces follow from it. Must never repeat over restarts except by chance. Comes before all
  /// else; again, it forgets everything but the metrics.
  void Start(std::uint32_t nonce, MonotonicTime now);

  /// Queues one message of 1 to kMaxMessageBytes.
  /// @returns kUnavailable        no session now
  ///          kResourceExhausted  the queue has no room for it now
  ///          kInvalidArgument    empty or too long
  Status Send(std::span<const std::byte> message, MonotonicTime now);
  /// Takes the next whole message into `memory`. A message that waits outlives its session.
  /// @returns its length; kUnavailable none; kResourceExhausted longer than `memory`: dropped
  Result<std::size_t> Receive(std::span<std::byte> memory);
  /// Receive() has a message.
  [[nodiscard]] bool message_waits() const { return receiver_.message_waits(); }

  /// Bytes that came from the wire. Takes a front part of them and returns its length: it stops
  /// after a frame that completes a message, until Receive() took that.
  std::size_t TakeBytes(std::span<const std::byte> bytes, MonotonicTime now);
  /// Fills `wire` with whole frames that are due. @returns the length; 0: nothing now. Every frame
  /// returned counts as sent. `wire`: at least mtu + 1 bytes.
  std::size_t GiveBytes(std::span<std::byte> wire, MonotonicTime now);
  /// When GiveBytes() has something, unless bytes or messages come. MonotonicTime::min(): now;
  /// MonotonicTime::max(): never.
  [[nodiscard]] MonotonicTime next_due() const;

  [[nodiscard]] bool in_session() const { return standing_.valid; }
  /// The other end's id, of the standing session; 0 without one.
  [[nodiscard]] std::uint64_t peer() const { return standing_.valid ? standing_.station : 0; }
  /// Counts sessions: whoever looks after a message can see that it was lost with its session.
  [[nodiscard]] std::uint64_t session_count() const { return metrics_.sessions; }
  /// Why the last session ended, as far as either end said; kUnspecified: none has, or another
  /// one took its place.
  [[nodiscard]] CloseReason close_reason() const { return close_reason_; }
  /// Ends the session, and tells the other end. An initiator then begins anew.
  void Close(CloseReason reason, MonotonicTime now);
  [[nodiscard]] const ChannelMetrics& metrics() const { return metrics_; }

 private:
  struct Session {
    bool valid = false;
    std::uint8_t window = 0;  ///< the other end's
    std::uint16_t mtu = 0;    ///< the smaller one
    std::uint16_t id = 0;
    std::uint32_t initiator_nonce = 0;
    std::uint32_t responder_nonce = 0;
    std::uint64_t station = 0;
  };
  /// Open or Opened, sent with growing pauses.
  struct Calling {
    MonotonicTime due = MonotonicTime::max();
    Millis pause{};
    std::uint8_t sent = 0;
  };

  // Sessions: channel_session.cc.
  void TakeOpen(const Frame& frame, MonotonicTime now);
  void TakeOpened(const Frame& frame);
  void TakeClose(const Frame& frame, MonotonicTime now);
  bool InStandingSession(const Frame& frame, MonotonicTime now);
  [[nodiscard]] Session Agreed(const Frame& opening, std::uint32_t responder_nonce) const;
  void Begin(const Session& session);
  void End(CloseReason reason, MonotonicTime now);
  void EndIfHopeless(MonotonicTime now);
  void Tell(std::uint16_t session, CloseReason reason);
  bool NextOpening(Frame& frame, MonotonicTime now);

  void TakeFrame(std::span<std::byte> coded, MonotonicTime now);
  bool NextFrame(Frame& frame, MonotonicTime now);
  bool NextOfSession(Frame& frame, MonotonicTime now);
  void Attach(Frame& frame);

  ChannelOptions options_;
  ChannelMetrics metrics_;
  std::uint8_t window_;  ///< own
  Splitter splitter_;
  Sender sender_;
  Receiver receiver_;

  // 1. An initiator calls while it has no session; it has no coming one.
  // 2. A responder calls for its coming session; the standing one's id differs from it.
  // 3. standing_.id is the last session's when there is none.
  bool started_ = false;
  std::uint32_t nonce_ = 0;  ///< initiator: of this or the last session; responder: the last used
  Session standing_;
  Session coming_;
  Calling calling_;
  bool repeat_opened_ = false;  ///< the standing session's
  std::uint16_t close_session_ = 0;
  CloseReason close_to_send_ = CloseReason::kUnspecified;
  CloseReason close_reason_ = CloseReason::kUnspecified;
  MonotonicTime next_unknown_close_ = MonotonicTime::min();
};

}  // namespace trib::frame
