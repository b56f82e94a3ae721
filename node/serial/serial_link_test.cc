#include "trib/node/serial/serial_link.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "trib/testing/contracts.h"
#include "trib/testing/fake_clock.h"

namespace trib::node::serial {
namespace {

using Bytes = std::vector<std::byte>;

/// One end of a wire in memory that holds `limit` bytes in each direction and passes at most
/// `piece` at a time.
class MemoryWire final : public ByteStream {
 public:
  MemoryWire(std::deque<std::byte>& out, std::deque<std::byte>& in) : out_(out), in_(in) {}

  std::size_t Write(std::span<const std::byte> bytes) override {
    const std::size_t count = std::min(bytes.size(), room());
    out_.insert(out_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }
  std::size_t Read(std::span<std::byte> memory) override {
    const std::size_t count = std::min({memory.size(), in_.size(), piece_});
    std::copy_n(in_.begin(), count, memory.begin());
    in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }
  [[nodiscard]] std::size_t room() const override { return std::min(limit_ - out_.size(), piece_); }

  void Narrow(std::size_t limit, std::size_t piece) {
    limit_ = limit;
    piece_ = piece;
  }

 private:
  std::deque<std::byte>& out_;
  std::deque<std::byte>& in_;
  std::size_t limit_ = 1U << 20U;
  std::size_t piece_ = 1U << 20U;
};

/// The gateway's end: a responder behind the same port, so that two Links can be compared.
class Responder final : public Link {
 public:
  Responder(ByteStream& wire, Clock& clock) : wire_(wire), clock_(clock) {
    channel_.Start(0x2000, clock.Monotonic());
  }

  void Pump() {
    std::array<std::byte, 64> memory;
    while (!channel_.message_waits()) {
      if (inbox_.empty()) {
        const std::size_t count = wire_.Read(memory);
        inbox_.assign(memory.begin(), memory.begin() + static_cast<std::ptrdiff_t>(count));
      }
      if (inbox_.empty()) {
        break;
      }
      const std::size_t taken = channel_.TakeBytes(inbox_, clock_.Monotonic());
      inbox_.erase(inbox_.begin(), inbox_.begin() + static_cast<std::ptrdiff_t>(taken));
    }
    for (std::size_t written = 1; written > 0;) {
      if (outbox_.empty()) {
        outbox_.resize(frame::kMaxMtu + 1);
        outbox_.resize(channel_.GiveBytes(outbox_, clock_.Monotonic()));
      }
      written = wire_.Write(outbox_);
      outbox_.erase(outbox_.begin(), outbox_.begin() + static_cast<std::ptrdiff_t>(written));
    }
  }
  Status Send(std::span<const std::byte> message) override {
    return channel_.Send(message, clock_.Monotonic());
  }
  Result<std::size_t> Receive(std::span<std::byte> memory) override {
    return channel_.Receive(memory);
  }
  [[nodiscard]] std::size_t max_message_bytes() const override { return frame::kMaxMessageBytes; }
  frame::Channel& channel() { return channel_; }

 private:
  static frame::ChannelOptions Options() {
    frame::ChannelOptions options;
    options.role = frame::Role::kResponder;
    options.station = 9;
    return options;
  }

  ByteStream& wire_;
  Clock& clock_;
  frame::ChannelStorage<256, 8, 6144> storage_;
  frame::Channel channel_{Options(), storage_.memory()};
  Bytes inbox_;
  Bytes outbox_;
};

class SerialLinkTest : public ::testing::Test {
 protected:
  SerialLinkTest() { channel_.Start(0x1000, clock_.Monotonic()); }

  static frame::ChannelOptions Options() {
    frame::ChannelOptions options;
    options.station = 7;
    return options;
  }
  /// What happens in a millisecond.
  void Settle() {
    link_.Pump();
    responder_.Pump();
    clock_.Advance(Millis(1));
  }
  void Connect() {
    for (int i = 0; i < 10'000 && !responder_.channel().in_session(); ++i) {
      Settle();
    }
    ASSERT_TRUE(channel_.in_session());
    ASSERT_TRUE(responder_.channel().in_session());
  }
  static Bytes Message(std::size_t size) {
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i) {
      out[i] = static_cast<std::byte>(i * 7 + size);
    }
    return out;
  }

  testing::FakeClock clock_;
  std::deque<std::byte> down_;
  std::deque<std::byte> up_;
  MemoryWire node_wire_{up_, down_};
  MemoryWire gateway_wire_{down_, up_};
  frame::ChannelStorage<256, 8, 6144> storage_;
  frame::Channel channel_{Options(), storage_.memory()};
  SerialLink link_{channel_, node_wire_, clock_};
  Responder responder_{gateway_wire_, clock_};
};

TEST_F(SerialLinkTest, IsALink) {
  testing::RunLinkContract(link_, responder_, [&] { Settle(); });
}

TEST_F(SerialLinkTest, IsALinkOverAWireThatTakesAFewBytesAtATime) {
  node_wire_.Narrow(16, 3);
  gateway_wire_.Narrow(16, 5);
  testing::RunLinkContract(link_, responder_, [&] { Settle(); });
}

TEST_F(SerialLinkTest, HasNoConnectionUntilTheOtherEndAnswers) {
  EXPECT_EQ(link_.Send(Message(4)), Code::kUnavailable);
  EXPECT_FALSE(up_.empty());  // Open
  Connect();
  EXPECT_TRUE(link_.Send(Message(4)).ok());
  EXPECT_EQ(link_.Send({}), Code::kInvalidArgument);
}

TEST_F(SerialLinkTest, LosesNothingWhileTheLoopTakesNoMessages) {
  Connect();
  int sent = 0;
  for (int i = 0; i < 2'000; ++i) {
    sent += responder_.Send(Message(200 + static_cast<std::size_t>(sent))).ok() ? 1 : 0;
    Settle();
  }
  ASSERT_GT(sent, 10);
  EXPECT_EQ(link_.UntilDue(), Millis(0));  // a message waits
  Bytes memory(frame::kMaxMessageBytes);
  for (int received = 0; received < sent;) {
    const auto got = link_.Receive(memory);
    if (!got.ok()) {
      Settle();
      ASSERT_LT(clock_.Monotonic(), MonotonicTime(Millis(100'000)));
      continue;
    }
    EXPECT_EQ(Bytes(memory.begin(), memory.begin() + static_cast<std::ptrdiff_t>(*got)),
              Message(200 + static_cast<std::size_t>(received)));
    ++received;
  }
  EXPECT_EQ(channel_.session_count(), 1U);
}

TEST_F(SerialLinkTest, SaysHowLongThePlatformMaySleep) {
  EXPECT_EQ(link_.UntilDue(), Millis(0));  // Open is due
  link_.Pump();
  EXPECT_EQ(link_.UntilDue(), Millis(200));  // and again then
  clock_.Advance(Millis(150));
  EXPECT_EQ(link_.UntilDue(), Millis(50));
  clock_.Advance(Millis(50));
  EXPECT_EQ(link_.UntilDue(), Millis(0));
  Connect();
  link_.Pump();
  EXPECT_EQ(link_.UntilDue(), Millis::max());  // nothing to do
  ASSERT_TRUE(link_.Send(Message(4)).ok());
  EXPECT_EQ(link_.UntilDue(), Millis(1'000));  // until it is sent again
}

TEST_F(SerialLinkTest, LooksAgainSoonWhenTheWireIsFull) {
  Connect();
  link_.Pump();
  responder_.Pump();
  node_wire_.Narrow(10, 10);
  ASSERT_TRUE(link_.Send(Message(100)).ok());
  EXPECT_EQ(up_.size(), 10U);
  EXPECT_EQ(link_.UntilDue(), Millis(1));
  up_.erase(up_.begin(), up_.begin() + 4);
  EXPECT_EQ(link_.UntilDue(), Millis(0));
}

TEST_F(SerialLinkTest, SurvivesARestartOfTheOtherEnd) {
  Connect();
  ASSERT_TRUE(link_.Send(Message(4)).ok());
  Settle();
  responder_.channel().Start(0x3000, clock_.Monotonic());
  EXPECT_FALSE(responder_.channel().in_session());
  ASSERT_TRUE(link_.Send(Message(5)).ok());
  for (int i = 0; i < 1'000 && channel_.session_count() < 2; ++i) {
    Settle();
  }
  Connect();
  EXPECT_EQ(channel_.session_count(), 2U);
  ASSERT_TRUE(link_.Send(Message(6)).ok());
  Bytes memory(16);
  for (int i = 0; i < 100; ++i) {
    Settle();
    if (const auto got = responder_.Receive(memory); got.ok()) {
      EXPECT_EQ(*got, 6U);
      return;
    }
  }
  FAIL() << "nothing came in the second session";
}

}  // namespace
}  // namespace trib::node::serial
