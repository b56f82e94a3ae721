// How sessions of a Channel begin and end: section 3 of docs/formats/serial_link.md.
#include <algorithm>
#include <array>

#include "trib/common/bytes/crc32c.h"
#include "trib/common/bytes/writer.h"
#include "trib/common/frame/channel.h"

namespace trib::frame {
namespace {

constexpr Millis kUnknownClosePause{100};
// Numbers drawn until a session's differs from the last one's; each fails once in 65,536 times.
constexpr int kDraws = 8;

std::uint16_t SessionId(std::uint32_t initiator_nonce, std::uint32_t responder_nonce) {
  std::array<std::byte, 8> nonces;
  ByteWriter out(nonces);
  out.U32(initiator_nonce);
  out.U32(responder_nonce);
  const auto id = static_cast<std::uint16_t>(Crc32c(nonces));
  return id == 0 ? 1 : id;
}

}  // namespace

void Channel::Start(std::uint32_t nonce, MonotonicTime now) {
  started_ = true;
  nonce_ = nonce;
  standing_ = {};
  coming_ = {};
  calling_ = {};
  repeat_opened_ = false;
  close_to_send_ = CloseReason::kUnspecified;
  close_reason_ = CloseReason::kUnspecified;
  next_unknown_close_ = now;
  sender_.Begin(kMinMtu, 1);
  receiver_.Begin(1);
  (void)receiver_.Receive({});
  if (options_.role == Role::kInitiator) {
    calling_ = {now, options_.open_first, 0};
  }
}

Channel::Session Channel::Agreed(const Frame& opening, std::uint32_t responder_nonce) const {
  return {.valid = true,
          .window = opening.window,
          .mtu = std::min(opening.mtu, options_.mtu),
          .id = SessionId(opening.initiator_nonce, responder_nonce),
          .initiator_nonce = opening.initiator_nonce,
          .responder_nonce = responder_nonce,
          .station = opening.station};
}

// ---- frames about sessions ---------------------------------------------------------------------

void Channel::TakeOpen(const Frame& frame, MonotonicTime now) {
  if (options_.role != Role::kResponder) {
    ++metrics_.stale;
    return;
  }
  if (standing_.valid && frame.initiator_nonce == standing_.initiator_nonce) {
    repeat_opened_ = true;
    return;
  }
  if (!coming_.valid || frame.initiator_nonce != coming_.initiator_nonce) {
    for (int i = 0; i < kDraws; ++i) {
      coming_ = Agreed(frame, ++nonce_);
      if (coming_.id != standing_.id) {
        break;
      }
    }
  }
  calling_ = {now, options_.open_first, 0};
}

void Channel::TakeOpened(const Frame& frame) {
  if (options_.role != Role::kInitiator || frame.initiator_nonce != nonce_) {
    ++metrics_.stale;
    return;
  }
  if (!standing_.valid) {
    Begin(Agreed(frame, frame.responder_nonce));
    receiver_.AcknowledgeNow();
  } else if (frame.responder_nonce == standing_.responder_nonce) {
    // The other end does not know yet that the session stands.
    receiver_.AcknowledgeNow();
  } else {
    ++metrics_.stale;
  }
}

void Channel::TakeClose(const Frame& frame, MonotonicTime now) {
  if (standing_.valid && frame.session == standing_.id) {
    End(frame.reason, now);
  } else if (coming_.valid && frame.session == coming_.id) {
    coming_.valid = false;
    calling_.due = MonotonicTime::max();
  } else {
    ++metrics_.stale;
  }
}

/// Whether Data or Ack is of the standing session; the coming one stands with its first.
bool Channel::InStandingSession(const Frame& frame, MonotonicTime now) {
  if (coming_.valid && frame.session == coming_.id) {
    if (standing_.valid) {
      End(CloseReason::kUnspecified, now);
    }
    Begin(coming_);
    coming_.valid = false;
  }
  if (standing_.valid && frame.session == standing_.id) {
    if (options_.role == Role::kInitiator) {
      calling_.pause = options_.open_first;
    }
    return true;
  }
  ++metrics_.stale;
  if (frame.type == Type::kData && now >= next_unknown_close_ &&
      close_to_send_ == CloseReason::kUnspecified) {
    Tell(frame.session, CloseReason::kUnknownSession);
    next_unknown_close_ = now + kUnknownClosePause;
  }
  return false;
}

/// Open, or Opened of the coming or the standing session, if due.
bool Channel::NextOpening(Frame& frame, MonotonicTime now) {
  const bool initiator = options_.role == Role::kInitiator;
  const bool call = calling_.due <= now;
  if (!call && !repeat_opened_) {
    return false;
  }
  const Session& session = call ? coming_ : standing_;
  frame.type = initiator ? Type::kOpen : Type::kOpened;
  frame.mtu = options_.mtu;
  frame.window = window_;
  frame.station = options_.station;
  frame.initiator_nonce = initiator ? nonce_ : session.initiator_nonce;
  frame.responder_nonce = session.responder_nonce;
  if (!call) {
    repeat_opened_ = false;
    return true;
  }
  // An initiator calls for ever; who answers, may have been called by a late copy.
  ++calling_.sent;
  const bool again = initiator || calling_.sent < options_.max_transmissions;
  calling_.due = again ? now + calling_.pause : MonotonicTime::max();
  calling_.pause = std::min(calling_.pause * 2, options_.open_most);
  return true;
}

// ---- beginning and ending ----------------------------------------------------------------------

void Channel::Begin(const Session& session) {
  ++metrics_.sessions;
  standing_ = session;
  calling_.due = MonotonicTime::max();
  repeat_opened_ = false;
  sender_.Begin(session.mtu, std::min(session.window, window_));
  receiver_.Begin(session.window);
}

void Channel::End(CloseReason reason, MonotonicTime now) {
  ++metrics_.closed;
  standing_.valid = false;
  repeat_opened_ = false;
  close_reason_ = reason;
  sender_.Begin(standing_.mtu, 1);
  receiver_.Begin(1);
  if (options_.role == Role::kInitiator) {
    ++nonce_;
    // The pause is the first one again once anything came in a session; else it went on growing.
    calling_.due =
        now + (reason == CloseReason::kNotAllowed ? options_.refused_pause : calling_.pause);
  }
}

void Channel::Close(CloseReason reason, MonotonicTime now) {
  if (!standing_.valid) {
    return;
  }
  Tell(standing_.id, reason);
  End(reason, now);
}

void Channel::Tell(std::uint16_t session, CloseReason reason) {
  close_session_ = session;
  close_to_send_ = reason;
}

void Channel::EndIfHopeless(MonotonicTime now) {
  if (!standing_.valid) {
    return;
  }
  if (receiver_.broken()) {
    Close(CloseReason::kBadMessage, now);
  } else if (sender_.exhausted()) {
    Close(CloseReason::kTooManyRetransmissions, now);
  }
}

}  // namespace trib::frame
