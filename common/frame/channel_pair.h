#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "channel_bench.h"

namespace trib::frame {

/// Messages of a Script on their way from one end to the other.
struct Flow {
  Flow(std::uint64_t seed, std::uint64_t messages, std::size_t least, std::size_t most)
      : script(seed, least, most), total(messages) {}

  Script script;
  std::uint64_t total;
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t lost = 0;  ///< with a session
  std::uint64_t session = 0;
  bool taking = true;  ///< whether the receiving end takes messages
};

/// Two Channels, two wires and a clock: steps from one event to the next.
class Pair {
 public:
  static constexpr std::uint64_t kNode = 7;
  static constexpr std::uint64_t kGateway = 9;

  struct Setup {
    std::uint16_t mtu_a = 256;
    std::uint16_t mtu_b = 256;
    std::size_t window_a = 8;
    std::size_t window_b = 8;
    BadWire::Faults faults;
    std::uint64_t messages_ab = 0;
    std::uint64_t messages_ba = 0;
    std::size_t least_bytes = 1;
    std::size_t most_bytes = kMaxMessageBytes;
    std::size_t transmit_bytes = 6'144;
  };

  explicit Pair(const Setup& setup)
      : setup_(setup),
        a_(OptionsOf(Role::kInitiator, kNode, setup.mtu_a), setup.window_a, setup.transmit_bytes),
        b_(OptionsOf(Role::kResponder, kGateway, setup.mtu_b),
           setup.window_b,
           setup.transmit_bytes),
        ab_(setup.faults),
        ba_(Reseeded(setup.faults)),
        to_b_(setup.faults.seed * 2, setup.messages_ab, setup.least_bytes, setup.most_bytes),
        to_a_(setup.faults.seed * 2 + 1, setup.messages_ba, setup.least_bytes, setup.most_bytes) {
    a_->Start(0x1000, now_);
    b_->Start(0x2000, now_);
  }

  static ChannelOptions OptionsOf(Role role, std::uint64_t station, std::uint16_t mtu) {
    ChannelOptions options;
    options.role = role;
    options.station = station;
    options.mtu = mtu;
    return options;
  }

  End& a() { return a_; }
  End& b() { return b_; }
  BadWire& ab() { return ab_; }
  BadWire& ba() { return ba_; }
  Flow& to_a() { return to_a_; }
  Flow& to_b() { return to_b_; }
  [[nodiscard]] MonotonicTime now() const { return now_; }
  [[nodiscard]] Millis elapsed() const { return now_ - kStart; }
  [[nodiscard]] bool done() const {
    return to_a_.received == to_a_.total && to_b_.received == to_b_.total;
  }

  /// What happens now; then goes to the next event, or to `limit` if that is sooner.
  void Step(MonotonicTime limit) {
    Hear(a_, ba_, to_a_);
    Hear(b_, ab_, to_b_);
    Send(a_, to_b_);
    Send(b_, to_a_);
    a_.Speak(ab_, now_);
    b_.Speak(ba_, now_);
    // GiveBytes() gave all that was due.
    ASSERT_GT(a_->next_due(), now_);
    ASSERT_GT(b_->next_due(), now_);
    now_ = std::min({a_->next_due(), b_->next_due(), ab_.next_due(), ba_.next_due(), limit});
  }
  template <typename Done>
  bool RunUntil(const Done& reached, Millis most = Millis(100'000'000)) {
    const MonotonicTime limit = now_ + most;
    while (!reached()) {
      if (now_ >= limit || ::testing::Test::HasFatalFailure()) {
        return false;
      }
      Step(limit);
    }
    return true;
  }
  void RunFor(Millis time) {
    (void)RunUntil([] { return false; }, time);
  }

 private:
  static constexpr MonotonicTime kStart{Millis(1'000)};

  static BadWire::Faults Reseeded(BadWire::Faults faults) {
    faults.seed += 1'000'000;
    return faults;
  }
  void Hear(End& end, BadWire& wire, Flow& received) {
    end.Hear(wire.Take(now_), now_);
    while (received.taking && end->message_waits()) {
      std::vector<std::byte> memory(kMaxMessageBytes);
      const auto got = end->Receive(memory);
      ASSERT_TRUE(got.ok());
      memory.resize(*got);
      Count(received, memory, end->session_count());
      end.Hear({}, now_);
    }
  }
  /// Each message comes once and in order; some may be missing only where a session began.
  static void Count(Flow& flow, const std::vector<std::byte>& message, std::uint64_t session) {
    while (flow.received < flow.sent && session != flow.session &&
           message != flow.script.Message(flow.received)) {
      ++flow.received;
      ++flow.lost;
    }
    ASSERT_LT(flow.received, flow.sent);
    ASSERT_EQ(message, flow.script.Message(flow.received)) << flow.received;
    ++flow.received;
    flow.session = session;
  }
  void Send(End& end, Flow& flow) {
    while (flow.sent < flow.total && end->Send(flow.script.Message(flow.sent), now_).ok()) {
      ++flow.sent;
    }
  }

  Setup setup_;
  MonotonicTime now_ = kStart;
  End a_;
  End b_;
  BadWire ab_;
  BadWire ba_;
  Flow to_b_;
  Flow to_a_;
};

}  // namespace trib::frame
