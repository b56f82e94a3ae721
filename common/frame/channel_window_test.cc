// What is sent again when and what is acknowledged when, frame by frame: section 4 of
// docs/formats/serial_link.md.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "channel_bench.h"

namespace trib::frame {
namespace {

using Bytes = std::vector<std::byte>;

class WindowTest : public ::testing::Test {
 protected:
  static ChannelOptions Options() {
    ChannelOptions options;
    options.station = 7;
    options.mtu = 51;
    return options;
  }
  explicit WindowTest(std::size_t window = 8) : end_(Options(), window) {
    Frame opened = end_.Speak()[0].frame;
    opened.type = Type::kOpened;
    end_.Hear(opened);
    session_ = end_.Speak()[0].frame.session;
  }

  /// Queues a message that fills one frame.
  void Send(std::size_t bytes = MaxPayloadBytes(kMinMtu)) {
    ASSERT_TRUE(end_->Send(Bytes(bytes, std::byte{1}), end_.now()).ok());
  }
  /// Sequences of the Data that is due now.
  std::vector<int> Sent() {
    std::vector<int> out;
    for (const auto& heard : end_.Speak()) {
      EXPECT_EQ(heard.frame.type, Type::kData);
      out.push_back(heard.frame.sequence);
    }
    return out;
  }
  void HearAck(int next, std::uint32_t bitmap = 0) {
    Frame frame;
    frame.type = Type::kAck;
    frame.session = session_;
    frame.ack = {static_cast<std::uint16_t>(next), bitmap};
    end_.Hear(frame);
  }
  void HearData(int sequence) {
    const Bytes payload{std::byte{2}};
    Frame frame;
    frame.session = session_;
    frame.sequence = static_cast<std::uint16_t>(sequence);
    frame.first = true;
    frame.last = true;
    frame.payload = payload;
    end_.Hear(frame);
    std::array<std::byte, 1> memory;
    while (end_->Receive(memory).ok()) {
    }
  }
  /// The acknowledgement that is due now.
  Acknowledgement Said() {
    const auto said = end_.Speak();
    EXPECT_EQ(said.size(), 1U);
    EXPECT_TRUE(!said.empty() && said[0].frame.has_ack);
    return said.empty() ? Acknowledgement{} : said[0].frame.ack;
  }
  /// A round trip of `ms` is measured.
  void Measure(int ms) {
    Send();
    const auto sent = Sent();
    ASSERT_EQ(sent.size(), 1U);
    end_.Pass(Millis(ms));
    HearAck(sent[0] + 1);
  }

  Solo end_;
  std::uint16_t session_ = 0;
};

using Sequences = std::vector<int>;

// ---- sending -----------------------------------------------------------------------------------

TEST_F(WindowTest, HasAtMostAWindowUnderWay) {
  for (int i = 0; i < 20; ++i) {
    Send();
  }
  EXPECT_EQ(Sent(), (Sequences{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_TRUE(Sent().empty());
  HearAck(0, 0b10);  // 2 alone: the window does not move
  EXPECT_TRUE(Sent().empty());
  HearAck(3);
  EXPECT_EQ(Sent(), (Sequences{8, 9, 10}));
}

TEST_F(WindowTest, SendsAgainWhatThreeLaterOnesOvertook) {
  for (int i = 0; i < 6; ++i) {
    Send();
  }
  EXPECT_EQ(Sent().size(), 6U);
  HearAck(0, 0b1);
  HearAck(0, 0b1);  // says nothing new
  HearAck(0, 0b1);
  HearAck(0, 0b11);
  EXPECT_TRUE(Sent().empty());
  HearAck(0, 0b111);
  EXPECT_EQ(Sent(), Sequences{0});
  EXPECT_EQ(end_->metrics().retransmissions, 1U);
  // Those sent before it was sent again tell nothing about the copy.
  HearAck(0, 0b11111);
  EXPECT_TRUE(Sent().empty());
  HearAck(6);
  EXPECT_EQ(end_->next_due(), MonotonicTime::max());
}

class WideWindowTest : public WindowTest {
 protected:
  WideWindowTest() : WindowTest(16) {}
};

TEST_F(WideWindowTest, SendsTheCopyAgainWhenItIsOvertakenToo) {
  for (int i = 0; i < 6; ++i) {
    Send();
  }
  EXPECT_EQ(Sent().size(), 6U);
  HearAck(2, 0b11);  // 0, 1, 3 and 4
  EXPECT_TRUE(Sent().empty());
  HearAck(2, 0b111);  // and 5
  EXPECT_EQ(Sent(), Sequences{2});
  for (int i = 0; i < 3; ++i) {
    Send();
  }
  EXPECT_EQ(Sent(), (Sequences{6, 7, 8}));
  HearAck(2, 0b11111);
  EXPECT_TRUE(Sent().empty());
  HearAck(2, 0b111111);
  EXPECT_EQ(Sent(), Sequences{2});
}

TEST_F(WindowTest, AfterSilenceTheOldestIsAProbe) {
  Measure(100);  // 300 ms from now on
  for (int i = 0; i < 4; ++i) {
    Send();
  }
  EXPECT_EQ(Sent(), (Sequences{1, 2, 3, 4}));
  EXPECT_EQ(end_->next_due(), end_.now() + Millis(300));
  end_.Pass(Millis(299));
  EXPECT_TRUE(Sent().empty());
  end_.Pass(Millis(1));
  EXPECT_EQ(Sent(), Sequences{1});
  // Its answer says that the others are lost.
  end_.Pass(Millis(100));
  HearAck(2);
  EXPECT_EQ(Sent(), (Sequences{2, 3, 4}));
}

TEST_F(WindowTest, FromTheSecondSilenceOnTheNewestMissingIsAProbeToo) {
  Measure(100);
  for (int i = 0; i < 5; ++i) {
    Send();
  }
  EXPECT_EQ(Sent(), (Sequences{1, 2, 3, 4, 5}));
  end_.Pass(Millis(300));
  EXPECT_EQ(Sent(), Sequences{1});
  end_.Pass(Millis(300));
  EXPECT_EQ(Sent(), (Sequences{1, 5}));
  end_.Pass(Millis(600));
  EXPECT_EQ(Sent(), (Sequences{1, 5}));
  // The answer to the newest alone says all that is missing.
  end_.Pass(Millis(100));
  HearAck(1, 0b1000);
  EXPECT_EQ(Sent(), (Sequences{1, 2, 3, 4}));
}

TEST_F(WindowTest, AnAnswerThatComesTooSoonIsToTheFirstCopy) {
  Measure(100);
  for (int i = 0; i < 4; ++i) {
    Send();
  }
  EXPECT_EQ(Sent(), (Sequences{1, 2, 3, 4}));
  end_.Pass(Millis(300));
  EXPECT_EQ(Sent(), Sequences{1});
  end_.Pass(Millis(49));
  HearAck(2);  // late: so may be the others
  EXPECT_TRUE(Sent().empty());
  EXPECT_EQ(end_->next_due(), end_.now() + Millis(300));
}

TEST_F(WindowTest, TheTimeBeginsAnewWithEachNews) {
  Measure(100);
  Send();
  Send();
  EXPECT_EQ(Sent(), (Sequences{1, 2}));
  end_.Pass(Millis(250));
  HearAck(1, 0b1);  // 2: measured, 250 ms
  end_.Pass(Millis(299));
  EXPECT_TRUE(Sent().empty());
}

TEST_F(WindowTest, SilenceGrowsAtEverySecondOne) {
  Measure(100);
  Send();
  EXPECT_EQ(Sent(), Sequences{1});
  for (const int pause : {300, 300, 600, 600, 1'200, 1'200, 2'400, 2'400, 4'000, 4'000}) {
    const MonotonicTime before = end_.now();
    end_.Pass(end_->next_due() - end_.now());
    EXPECT_EQ(end_.now() - before, Millis(pause));
    EXPECT_EQ(Sent(), Sequences{1});
  }
  // A frame sent twice is not measured: the time stays until one that was sent once is.
  HearAck(2);
  Send();
  EXPECT_EQ(Sent(), Sequences{2});
  EXPECT_EQ(end_->next_due(), end_.now() + Millis(4'000));
  end_.Pass(Millis(100));
  HearAck(3);
  Send();
  EXPECT_EQ(Sent(), Sequences{3});
  EXPECT_LT(end_->next_due(), end_.now() + Millis(300));
}

TEST_F(WindowTest, AcknowledgementsOfWhatWasNeverSentChangeNothing) {
  Send();
  Send();
  EXPECT_EQ(Sent(), (Sequences{0, 1}));
  HearAck(3);
  HearAck(0x8000, 0xFFFFFFFF);
  HearAck(0xFFFF, 0xFFFFFFFF);
  EXPECT_TRUE(Sent().empty());
  EXPECT_EQ(end_->next_due(), end_.now() + Millis(1'000));
  HearAck(0, 0xFFFFFFFE);  // of the window only what is under way counts, and 1 is not named
  EXPECT_EQ(end_->next_due(), end_.now() + Millis(1'000));
  HearAck(2);
  EXPECT_EQ(end_->next_due(), MonotonicTime::max());
}

TEST_F(WindowTest, RefusesWhatTheQueueCannotHoldAndTakesItLater) {
  const Bytes longest(kMaxMessageBytes, std::byte{1});
  EXPECT_TRUE(end_->Send(longest, end_.now()).ok());
  EXPECT_EQ(end_->Send(longest, end_.now()), Code::kResourceExhausted);
  EXPECT_TRUE(end_->Send(std::span(longest).first(6'144 - 4'098 - 2), end_.now()).ok());
  EXPECT_EQ(end_->Send(std::span(longest).first(1), end_.now()), Code::kResourceExhausted);
  for (int next = 0; next < 103;) {
    next += static_cast<int>(Sent().size());
    HearAck(next);
  }
  EXPECT_TRUE(end_->Send(std::span(longest).first(4'000), end_.now()).ok());
  EXPECT_EQ(end_->Send({}, end_.now()), Code::kInvalidArgument);
  EXPECT_EQ(end_->Send(Bytes(kMaxMessageBytes + 1), end_.now()), Code::kInvalidArgument);
}

// ---- acknowledging -----------------------------------------------------------------------------

TEST_F(WindowTest, AcknowledgesAfterAWhile) {
  HearData(0);
  EXPECT_TRUE(end_.Speak().empty());
  EXPECT_EQ(end_->next_due(), end_.now() + Millis(10));
  end_.Pass(Millis(5));
  HearData(1);
  EXPECT_EQ(end_->next_due(), end_.now() + Millis(5));
  end_.Pass(Millis(5));
  EXPECT_EQ(Said().next, 2);
  EXPECT_EQ(end_->next_due(), MonotonicTime::max());
}

TEST_F(WindowTest, AcknowledgesHalfAWindowAtOnce) {
  for (int i = 0; i < 3; ++i) {
    HearData(i);
    EXPECT_TRUE(end_.Speak().empty());
  }
  HearData(3);
  EXPECT_EQ(Said().next, 4);
}

TEST_F(WindowTest, AcknowledgesAtOnceWhatIsOutOfOrder) {
  HearData(2);
  EXPECT_EQ(Said().bitmap, 0b10U);
  EXPECT_EQ(end_->metrics().reordered, 1U);
  HearData(7);
  const Acknowledgement gaps = Said();
  EXPECT_EQ(gaps.next, 0);
  EXPECT_EQ(gaps.bitmap, 0b1000010U);
  HearData(7);
  EXPECT_EQ(Said().bitmap, gaps.bitmap);
  EXPECT_EQ(end_->metrics().duplicates, 1U);
  HearData(0);
  EXPECT_TRUE(end_.Speak().empty());  // fills no gap
  HearData(1);
  const Acknowledgement filled = Said();
  EXPECT_EQ(filled.next, 3);
  EXPECT_EQ(filled.bitmap, 0b1000U);
  HearData(0);  // long here
  EXPECT_EQ(Said().next, 3);
  EXPECT_EQ(end_->metrics().duplicates, 2U);
}

TEST_F(WindowTest, DropsWhatIsBeyondTheWindow) {
  HearData(8);
  HearData(0x7FFF);
  EXPECT_TRUE(end_.Speak().empty());
  EXPECT_EQ(end_->metrics().out_of_window, 2U);
}

TEST_F(WindowTest, AcknowledgesWithTheNextData) {
  HearData(0);
  Send();
  const auto said = end_.Speak();
  ASSERT_EQ(said.size(), 2U);  // what the acknowledgement took away needs another frame
  EXPECT_TRUE(said[0].frame.has_ack);
  EXPECT_EQ(said[0].frame.ack.next, 1);
  EXPECT_EQ(said[0].payload.size(), 34U);
  EXPECT_FALSE(said[0].frame.last);
  EXPECT_FALSE(said[1].frame.has_ack);
  EXPECT_EQ(said[1].payload.size(), 6U);
  EXPECT_TRUE(said[1].frame.last);
}

TEST_F(WindowTest, AcknowledgesApartWhenAFrameSentAgainHasNoRoom) {
  Send();
  EXPECT_EQ(Sent(), Sequences{0});
  end_.Pass(Millis(1'000));
  HearData(1);  // out of order: at once
  const auto said = end_.Speak();
  ASSERT_EQ(said.size(), 2U);
  EXPECT_EQ(said[0].frame.type, Type::kAck);
  EXPECT_EQ(said[1].frame.type, Type::kData);
  EXPECT_FALSE(said[1].frame.has_ack);
}

TEST_F(WindowTest, AcknowledgesWhatFollowsAMessageThatWaits) {
  const Bytes payload{std::byte{2}};
  for (const int sequence : {1, 2, 0}) {
    Frame frame;
    frame.session = session_;
    frame.sequence = static_cast<std::uint16_t>(sequence);
    frame.first = frame.last = true;
    frame.payload = payload;
    end_.Hear(frame);
  }
  EXPECT_TRUE(end_->message_waits());
  EXPECT_EQ(Said().next, 3);
  std::array<std::byte, 1> memory;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(end_->Receive(memory).ok());
  }
  EXPECT_EQ(end_->Receive(memory).status(), Code::kUnavailable);
}

TEST_F(WindowTest, DropsAMessageLongerThanTheMemory) {
  const Bytes payload(20, std::byte{2});
  Frame frame;
  frame.session = session_;
  frame.first = frame.last = true;
  frame.payload = payload;
  end_.Hear(frame);
  std::array<std::byte, 19> memory;
  EXPECT_EQ(end_->Receive(memory).status(), Code::kResourceExhausted);
  EXPECT_EQ(end_->Receive(memory).status(), Code::kUnavailable);
}

}  // namespace
}  // namespace trib::frame
