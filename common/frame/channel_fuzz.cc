// An initiator and a responder, and a wire that does what the input says: delivers, drops, doubles,
// swaps and changes frames, while messages are sent and received, time passes and ends restart.
// Messages of a session come once and in order. Frames that the input makes up, with a right
// checksum, may break that, and nothing else: whatever happened, the link heals when the wire does.
// Seeds: an opening with messages both ways; loss and silence; restarts; made-up frames.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "trib/common/base/check.h"
#include "trib/common/frame/channel.h"

namespace {

using namespace trib;
using namespace trib::frame;
using Bytes = std::vector<std::byte>;

constexpr std::uint16_t kMtu = 64;
constexpr std::size_t kWindow = 4;
// More frames than these are not held by a wire.
constexpr std::size_t kMostUnderWay = 64;
// An end that gives up does so within 16 times 4 s; then it opens again within 5.
constexpr int kHealSteps = 2'000;

class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  [[nodiscard]] bool empty() const { return at_ >= bytes_.size(); }
  std::uint8_t U8() { return empty() ? 0 : bytes_[at_++]; }
  std::uint16_t U16() { return static_cast<std::uint16_t>(U8() | U8() << 8U); }
  std::uint32_t U32() { return U16() | static_cast<std::uint32_t>(U16()) << 16U; }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

/// A message whose number and length its bytes tell.
Bytes MessageOf(std::uint32_t number, std::size_t bytes) {
  Bytes out(std::max<std::size_t>(bytes, 4));
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<std::byte>(i < 4 ? number >> (8 * i) : number + i * 5);
  }
  return out;
}
std::uint32_t NumberOf(const Bytes& message) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4 && i < message.size(); ++i) {
    number |= static_cast<std::uint32_t>(message[i]) << (8 * i);
  }
  return number;
}

struct End {
  End(Role role, std::uint64_t station) : channel(OptionsOf(role, station), storage.memory()) {}

  static ChannelOptions OptionsOf(Role role, std::uint64_t station) {
    ChannelOptions options;
    options.role = role;
    options.station = station;
    options.mtu = kMtu;
    return options;
  }

  ChannelStorage<kMtu, kWindow, kMaxMessageBytes + 2> storage;
  Channel channel;
  std::vector<Bytes> out;  ///< frames under way from here
  std::uint32_t sent = 0;
  std::uint32_t next = 0;  ///< number expected
  std::uint64_t session = 0;
};

class Link {
 public:
  Link() {
    a_.channel.Start(1, now_);
    b_.channel.Start(1'000'000, now_);
  }

  void Step(Input& input) {
    const std::uint8_t op = input.U8();
    End& end = (op & 1U) != 0 ? b_ : a_;
    End& other = (op & 1U) != 0 ? a_ : b_;
    switch ((op >> 1U) % 13) {
      case 0:
      case 1:
        Speak(end);
        return;
      case 2:
      case 3:
        Deliver(end, other, 0);
        return;
      case 4:
        Deliver(end, other, input.U8());
        return;
      case 5:
        Change(end, input);
        return;
      case 6:
        Send(end, 1 + std::size_t{input.U8()} * 17);
        return;
      case 7:
        Receive(end);
        return;
      case 8:
        now_ += Millis(input.U8());
        return;
      case 9:
        now_ += Millis(std::int64_t{input.U8()} * 100);
        return;
      case 10:
        Hear(end, Raw(input));
        return;
      case 11:
        Hear(end, MadeUp(input));
        return;
      default:
        Interrupt(end, input.U8());
        return;
    }
  }

  /// The wire is good from now on: messages arrive both ways.
  void Heal() {
    a_.out.clear();
    b_.out.clear();
    for (int i = 0; i < kHealSteps && !(healed_a_ && healed_b_); ++i) {
      // Who was heard says no more: else its traffic, and not silence, is what time passes with.
      for (End* const end : {&a_, &b_}) {
        if (!(end == &a_ ? healed_b_ : healed_a_)) {
          Send(*end, 40);
        }
        Speak(*end);
      }
      while (!a_.out.empty()) {
        Deliver(a_, b_, 0);
        healed_b_ |= Receive(b_);
      }
      while (!b_.out.empty()) {
        Deliver(b_, a_, 0);
        healed_a_ |= Receive(a_);
      }
      healed_a_ |= Receive(a_);
      healed_b_ |= Receive(b_);
      const MonotonicTime due = std::min(a_.channel.next_due(), b_.channel.next_due());
      now_ = due == MonotonicTime::max() ? now_ + Millis(100) : std::max(due, now_ + Millis(1));
    }
    TRIB_CHECK(healed_a_ && healed_b_);
  }

 private:
  void Speak(End& end) {
    std::array<std::byte, std::size_t{3} * (kMtu + 1)> wire;
    while (true) {
      const std::size_t bytes = end.channel.GiveBytes(wire, now_);
      TRIB_CHECK(bytes <= wire.size());
      if (bytes == 0) {
        break;
      }
      Bytes frame;
      for (const std::byte b : std::span(wire).first(bytes)) {
        frame.push_back(b);
        if (b == kDelimiter && frame.size() > 1) {
          Under(end, frame);
          frame.clear();
        }
      }
      TRIB_CHECK(frame.empty());
    }
    TRIB_CHECK(end.channel.next_due() > now_);
  }
  static void Under(End& end, const Bytes& frame) {
    TRIB_CHECK(frame.size() <= kMtu + 1U);
    if (end.out.size() < kMostUnderWay) {
      end.out.push_back(frame);
    }
  }
  void Deliver(End& from, End& to, std::size_t index) {
    if (from.out.empty()) {
      return;
    }
    const auto at = from.out.begin() + static_cast<std::ptrdiff_t>(index % from.out.size());
    const Bytes frame = *at;
    from.out.erase(at);
    Hear(to, frame);
  }
  void Change(End& end, Input& input) {
    if (end.out.empty()) {
      return;
    }
    const std::uint8_t what = input.U8();
    const std::size_t index = input.U8() % end.out.size();
    Bytes& frame = end.out[index];
    if (what % 3 == 0) {
      end.out.erase(end.out.begin() + static_cast<std::ptrdiff_t>(index));
    } else if (what % 3 == 1) {
      Under(end, Bytes(frame));
    } else {
      frame[(what / 3U) % frame.size()] ^= static_cast<std::byte>(1U << (what % 8U));
    }
  }
  static Bytes Raw(Input& input) {
    Bytes out(1 + input.U8() % 70);
    std::ranges::generate(out, [&] { return static_cast<std::byte>(input.U8()); });
    return out;
  }
  /// A frame of its fields, of a session that stands if the input likes.
  Bytes MadeUp(Input& input) {
    made_up_ = true;
    Frame frame;
    const std::uint8_t head = input.U8();
    frame.type = static_cast<Type>(1 + head % 5);
    frame.first = (head & 0x08U) != 0;
    frame.last = (head & 0x10U) != 0;
    frame.has_ack = (head & 0x20U) != 0;
    const std::uint16_t field = input.U16();
    const bool known = (head & 0x40U) != 0 && !a_.out.empty();
    frame.session = known ? SessionOf(a_.out.back()) : field;
    frame.sequence = input.U16();
    frame.ack = {input.U16(), input.U32()};
    frame.mtu = static_cast<std::uint16_t>(kMinMtu + field % (kMaxMtu - kMinMtu + 1));
    frame.window = static_cast<std::uint8_t>(1 + field % kMaxWindow);
    frame.initiator_nonce = input.U8();
    frame.responder_nonce = field;
    frame.station = input.U8();
    frame.reason = static_cast<CloseReason>(1 + head / 8 % 4);
    const Bytes payload(1 + input.U8() % 53U, std::byte{1});
    frame.payload = payload;
    Bytes wire(kMtu + 2U);
    wire.resize(Encode(frame, wire).value_or(0));
    return wire;
  }
  static std::uint16_t SessionOf(Bytes wire) {
    std::erase(wire, kDelimiter);
    Frame frame;
    return Decode(wire, frame).ok() ? frame.session : std::uint16_t{0};
  }
  void Hear(End& end, std::span<const std::byte> bytes) {
    while (true) {
      const std::size_t taken = end.channel.TakeBytes(bytes, now_);
      TRIB_CHECK(taken <= bytes.size());
      bytes = bytes.subspan(taken);
      if (bytes.empty()) {
        return;
      }
      TRIB_CHECK(end.channel.message_waits());
      Receive(end);
    }
  }
  void Send(End& end, std::size_t bytes) {
    const Bytes message = MessageOf(end.sent, std::min(bytes, kMaxMessageBytes));
    const Status sent = end.channel.Send(message, now_);
    TRIB_CHECK(sent.ok() || sent == Code::kUnavailable || sent == Code::kResourceExhausted);
    TRIB_CHECK(sent != Code::kUnavailable || !end.channel.in_session());
    end.sent += sent.ok() ? 1 : 0;
  }
  bool Receive(End& end) {
    if (!end.channel.message_waits()) {
      return false;
    }
    Bytes message(kMaxMessageBytes);
    const auto got = end.channel.Receive(message);
    TRIB_CHECK(got.ok());
    TRIB_CHECK(*got >= 1 && *got <= kMaxMessageBytes);
    message.resize(*got);
    const std::uint32_t number = NumberOf(message);
    const End& other = &end == &a_ ? b_ : a_;
    if (!made_up_) {
      TRIB_CHECK(message == MessageOf(number, message.size()));
      TRIB_CHECK(number >= end.next && number < other.sent);
      TRIB_CHECK(number == end.next || end.session != end.channel.session_count());
    }
    end.next = number + 1;
    end.session = end.channel.session_count();
    return true;
  }
  void Interrupt(End& end, std::uint8_t what) {
    if (what % 2 == 0) {
      end.channel.Close(static_cast<CloseReason>(1 + what / 2 % 4), now_);
    } else {
      end.channel.Start(starts_ += 1'000, now_);
    }
  }

  MonotonicTime now_{Millis(1'000)};
  End a_{Role::kInitiator, 7};
  End b_{Role::kResponder, 9};
  bool made_up_ = false;
  bool healed_a_ = false;
  bool healed_b_ = false;
  std::uint32_t starts_ = 2'000'000;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(std::span(data, std::min<std::size_t>(size, 1'024)));
  Link link;
  while (!input.empty()) {
    link.Step(input);
  }
  link.Heal();
  return 0;
}
