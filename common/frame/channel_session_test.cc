// How sessions begin and end, frame by frame: section 3 of docs/formats/serial_link.md.
#include <gtest/gtest.h>

#include <vector>

#include "channel_bench.h"

namespace trib::frame {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint64_t kNode = 7;
constexpr std::uint64_t kGateway = 9;
constexpr std::uint32_t kNonce = 0xA0A0;

ChannelOptions OptionsOf(Role role) {
  ChannelOptions options;
  options.role = role;
  options.station = role == Role::kInitiator ? kNode : kGateway;
  return options;
}

Frame OpenWith(std::uint32_t nonce) {
  Frame frame;
  frame.type = Type::kOpen;
  frame.mtu = 128;
  frame.window = 4;
  frame.initiator_nonce = nonce;
  frame.station = kNode;
  return frame;
}

/// The low bits of the checksum of both nonces, from the definition of CRC-32C.
std::uint16_t ChecksumOf(const Frame& opened) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const std::uint32_t nonce : {opened.initiator_nonce, opened.responder_nonce}) {
    crc ^= nonce;
    for (int bit = 0; bit < 32; ++bit) {
      crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
    }
  }
  return static_cast<std::uint16_t>(~crc);
}
std::uint16_t SessionOf(const Frame& opened) {
  const std::uint16_t checksum = ChecksumOf(opened);
  return checksum == 0 ? 1 : checksum;
}

Frame DataOf(std::uint16_t session, std::uint16_t sequence, const Bytes& payload) {
  Frame frame;
  frame.session = session;
  frame.sequence = sequence;
  frame.first = true;
  frame.last = true;
  frame.payload = payload;
  return frame;
}

Frame AckOf(std::uint16_t session, std::uint16_t next) {
  Frame frame;
  frame.type = Type::kAck;
  frame.session = session;
  frame.ack.next = next;
  return frame;
}

Frame CloseOf(std::uint16_t session, CloseReason reason) {
  Frame frame;
  frame.type = Type::kClose;
  frame.session = session;
  frame.reason = reason;
  return frame;
}

Bytes Text(char c) {
  return {static_cast<std::byte>(c)};
}

std::vector<Type> Types(const std::vector<Solo::Heard>& heard) {
  std::vector<Type> out;
  for (const auto& each : heard) {
    out.push_back(each.frame.type);
  }
  return out;
}
using Said = std::vector<Type>;

// ---- responder ---------------------------------------------------------------------------------

class ResponderTest : public ::testing::Test {
 protected:
  /// Opens a session with `nonce`. @returns its Opened.
  Frame Call(std::uint32_t nonce) {
    end_.Hear(OpenWith(nonce));
    Frame opened;
    int count = 0;
    for (const auto& heard : end_.Speak()) {
      if (heard.frame.type == Type::kOpened) {
        opened = heard.frame;
        ++count;
      }
    }
    EXPECT_EQ(count, 1);
    return opened;
  }
  /// ... and lets it stand. @returns its number.
  std::uint16_t Stand(std::uint32_t nonce) {
    const std::uint16_t session = SessionOf(Call(nonce));
    end_.Hear(AckOf(session, 0));
    EXPECT_TRUE(end_->in_session());
    return session;
  }
  Bytes Received() {
    Bytes memory(kMaxMessageBytes);
    const auto got = end_->Receive(memory);
    memory.resize(got.value_or(0));
    return memory;
  }

  Solo end_{OptionsOf(Role::kResponder)};
};

TEST_F(ResponderTest, AnswersWithItsOwnNumbers) {
  EXPECT_TRUE(end_.Speak().empty());
  const Frame opened = Call(kNonce);
  EXPECT_EQ(opened.initiator_nonce, kNonce);
  EXPECT_EQ(opened.mtu, 256);
  EXPECT_EQ(opened.window, 8);
  EXPECT_EQ(opened.station, kGateway);
  EXPECT_FALSE(end_->in_session());
  EXPECT_EQ(end_->peer(), 0U);
  EXPECT_EQ(end_->Send(Text('a'), end_.now()), Code::kUnavailable);
}

TEST_F(ResponderTest, StandsWithTheFirstFrame) {
  const std::uint16_t session = SessionOf(Call(kNonce));
  end_.Hear(DataOf(session, 0, Text('a')));
  EXPECT_TRUE(end_->in_session());
  EXPECT_EQ(end_->peer(), kNode);
  EXPECT_EQ(Received(), Text('a'));
  EXPECT_EQ(end_->session_count(), 1U);
}

TEST_F(ResponderTest, GivesTheSameAnswerToTheSameOpen) {
  const Frame first = Call(kNonce);
  EXPECT_EQ(Call(kNonce).responder_nonce, first.responder_nonce);
  end_.Hear(AckOf(SessionOf(first), 0));
  EXPECT_EQ(Call(kNonce).responder_nonce, first.responder_nonce);  // of the standing one
  EXPECT_EQ(end_->session_count(), 1U);
  EXPECT_TRUE(end_->in_session());
}

TEST_F(ResponderTest, RepeatsItsAnswerWhileTheSessionDoesNotStand) {
  Call(kNonce);
  std::vector<std::int64_t> pauses;
  const MonotonicTime begin = end_.now();
  while (end_->next_due() != MonotonicTime::max()) {
    ASSERT_LT(pauses.size(), 100U);
    end_.Pass(end_->next_due() - end_.now());
    EXPECT_EQ(Types(end_.Speak()), Said{Type::kOpened});
    pauses.push_back((end_.now() - begin).count());
  }
  ASSERT_EQ(pauses.size(), 15U);
  EXPECT_EQ(pauses[0], 200);
  EXPECT_EQ(pauses[1], 200 + 400);
  EXPECT_EQ(pauses.back() - pauses[13], 5'000);
}

TEST_F(ResponderTest, LateCopyOfAnOldOpenEndsNothing) {
  const std::uint16_t old_session = Stand(1);
  const std::uint16_t session = Stand(2);
  ASSERT_NE(old_session, session);
  end_.Hear(DataOf(session, 0, Text('a')));
  EXPECT_EQ(Received(), Text('a'));
  EXPECT_TRUE(end_->Send(Text('x'), end_.now()).ok());

  const Frame ghost = Call(1);
  EXPECT_EQ(ghost.initiator_nonce, 1U);
  EXPECT_NE(SessionOf(ghost), session);
  end_.Hear(DataOf(session, 1, Text('b')));
  EXPECT_EQ(Received(), Text('b'));
  EXPECT_EQ(end_->session_count(), 2U);
  EXPECT_TRUE(end_->in_session());
}

TEST_F(ResponderTest, LateDataOfAnOldSessionIsAnsweredAndEndsNothing) {
  const std::uint16_t old_session = Stand(1);
  end_.Hear(DataOf(old_session, 0, Text('a')));
  EXPECT_EQ(Received(), Text('a'));
  const std::uint16_t session = Stand(2);
  end_.Hear(DataOf(old_session, 1, Text('b')));
  EXPECT_TRUE(Received().empty());
  const auto said = end_.Speak();
  ASSERT_EQ(Types(said), Said{Type::kClose});
  EXPECT_EQ(said[0].frame.session, old_session);
  EXPECT_EQ(said[0].frame.reason, CloseReason::kUnknownSession);
  end_.Hear(DataOf(session, 0, Text('c')));
  EXPECT_EQ(Received(), Text('c'));
}

TEST_F(ResponderTest, ANewSessionForgetsWhatTheOldOneHad) {
  const std::uint16_t old_session = Stand(1);
  EXPECT_TRUE(end_->Send(Text('x'), end_.now()).ok());
  EXPECT_EQ(Types(end_.Speak()), Said{Type::kData});
  const Bytes first = Text('a');
  Frame half = DataOf(old_session, 0, first);
  half.last = false;
  end_.Hear(half);
  end_.Hear(DataOf(old_session, 2, Text('b')));  // early

  const std::uint16_t session = Stand(2);
  EXPECT_EQ(end_->metrics().closed, 1U);
  end_.Pass(Millis(10'000));
  EXPECT_TRUE(end_.Speak().empty());  // nothing to be resent, nothing to acknowledge
  for (std::uint16_t sequence = 0; sequence < 3; ++sequence) {
    end_.Hear(DataOf(session, sequence, Text('c')));
    EXPECT_EQ(Received(), Text('c'));
  }
  EXPECT_TRUE(end_->Send(Text('y'), end_.now()).ok());
  const auto said = end_.Speak();
  ASSERT_EQ(Types(said), Said{Type::kData});
  EXPECT_EQ(said[0].frame.sequence, 0);
  EXPECT_EQ(said[0].payload, Text('y'));
}

TEST_F(ResponderTest, AnswersUnknownSessionsAtMostOnceIn100Ms) {
  const std::uint16_t unknown = static_cast<std::uint16_t>(Stand(1) + 1);
  int closes = 0;
  for (int ms = 0; ms < 1'000; ms += 5) {
    end_.Hear(DataOf(unknown, 0, Text('a')));
    closes += static_cast<int>(end_.Speak().size());
    end_.Pass(Millis(5));
  }
  EXPECT_EQ(closes, 10);
  end_.Pass(Millis(1'000));
  end_.Hear(AckOf(unknown, 0));  // is Data alone answered
  EXPECT_TRUE(end_.Speak().empty());
}

TEST_F(ResponderTest, CloseEndsTheSessionItNames) {
  const std::uint16_t session = Stand(1);
  end_.Hear(CloseOf(static_cast<std::uint16_t>(session + 1), CloseReason::kUnknownSession));
  EXPECT_TRUE(end_->in_session());
  end_.Hear(CloseOf(session, CloseReason::kTooManyRetransmissions));
  EXPECT_FALSE(end_->in_session());
  EXPECT_EQ(end_->close_reason(), CloseReason::kTooManyRetransmissions);
  EXPECT_EQ(end_->metrics().closed, 1U);
  EXPECT_EQ(end_->next_due(), MonotonicTime::max());
  // A coming one as well.
  const std::uint16_t coming = SessionOf(Call(2));
  end_.Hear(CloseOf(coming, CloseReason::kBadMessage));
  EXPECT_EQ(end_->next_due(), MonotonicTime::max());
  end_.Hear(DataOf(coming, 0, Text('a')));
  EXPECT_FALSE(end_->in_session());
}

TEST_F(ResponderTest, DrawsAnotherNonceForTheSameNumber) {
  const std::uint16_t session = Stand(kNonce);
  Frame next;
  next.responder_nonce = 0x1000 + 2;  // what it would use; see Solo
  for (next.initiator_nonce = 0; SessionOf(next) != session; ++next.initiator_nonce) {
  }
  const Frame opened = Call(next.initiator_nonce);
  EXPECT_EQ(opened.responder_nonce, next.responder_nonce + 1);
  EXPECT_NE(SessionOf(opened), session);
}

TEST_F(ResponderTest, NumbersASessionAsThePageDoes) {
  Frame example;  // section 6
  example.initiator_nonce = 0x11223344;
  example.responder_nonce = 0x55667788;
  EXPECT_EQ(SessionOf(example), 0x3DAB);

  Frame next;
  next.responder_nonce = 0x1000 + 1;  // what it will use
  for (next.initiator_nonce = 0; ChecksumOf(next) != 0; ++next.initiator_nonce) {
  }
  EXPECT_EQ(Call(next.initiator_nonce).responder_nonce, next.responder_nonce);
  end_.Hear(AckOf(0, 0));
  EXPECT_FALSE(end_->in_session());
  end_.Hear(AckOf(1, 0));
  EXPECT_TRUE(end_->in_session());
}

TEST_F(ResponderTest, EndsASessionWhoseMessagesBreakTheRules) {
  const Bytes text = Text('a');
  Frame continued = DataOf(0, 0, text);
  continued.first = false;
  Frame begun = DataOf(0, 0, text);
  begun.last = false;
  const std::vector<std::vector<Frame>> cases = {
      {continued},     // no beginning
      {begun, begun},  // no end
  };
  std::uint32_t nonce = 1;
  for (const auto& frames : cases) {
    const std::uint16_t session = Stand(nonce++);
    std::uint16_t sequence = 0;
    for (Frame frame : frames) {
      frame.session = session;
      frame.sequence = sequence++;
      end_.Hear(frame);
    }
    EXPECT_FALSE(end_->in_session());
    EXPECT_EQ(end_->close_reason(), CloseReason::kBadMessage);
    const auto said = end_.Speak();
    ASSERT_EQ(Types(said), Said{Type::kClose});
    EXPECT_EQ(said[0].frame.session, session);
    EXPECT_EQ(said[0].frame.reason, CloseReason::kBadMessage);
  }
}

TEST_F(ResponderTest, TakesTheLongestMessageAndNoLongerOne) {
  for (const std::size_t bytes : {kMaxMessageBytes, kMaxMessageBytes + 1}) {
    const std::uint16_t session = Stand(static_cast<std::uint32_t>(bytes));
    std::uint16_t sequence = 0;
    for (std::size_t sent = 0; sent < bytes;) {
      const Bytes piece(std::min<std::size_t>(100, bytes - sent), std::byte{3});
      Frame frame = DataOf(session, sequence++, piece);
      frame.first = sent == 0;
      sent += piece.size();
      frame.last = sent == bytes;
      end_.Hear(frame);
    }
    EXPECT_EQ(end_->in_session(), bytes == kMaxMessageBytes);
    EXPECT_EQ(Received().size(), bytes == kMaxMessageBytes ? bytes : 0);
  }
}

TEST_F(ResponderTest, FindsABadMessageAmongWhatCameEarly) {
  const std::uint16_t session = Stand(1);
  const Bytes text = Text('b');
  Frame continued = DataOf(session, 1, text);
  continued.first = false;
  end_.Hear(continued);
  end_.Hear(DataOf(session, 0, Text('a')));
  EXPECT_TRUE(end_->in_session());
  EXPECT_EQ(Received(), Text('a'));  // the bad one is found here
  EXPECT_EQ(end_->next_due(), MonotonicTime::min());
  EXPECT_EQ(Types(end_.Speak()), Said{Type::kClose});
  EXPECT_FALSE(end_->in_session());
}

TEST_F(ResponderTest, AMessageThatWaitsOutlivesItsSession) {
  const std::uint16_t session = Stand(1);
  end_.Hear(DataOf(session, 0, Text('a')));
  end_->Close(CloseReason::kNotAllowed, end_.now());
  EXPECT_FALSE(end_->in_session());
  EXPECT_EQ(Received(), Text('a'));
  EXPECT_TRUE(Received().empty());
}

TEST_F(ResponderTest, FramesForTheOtherRoleAreStale) {
  Frame opened = OpenWith(1);
  opened.type = Type::kOpened;
  end_.Hear(opened);
  EXPECT_EQ(end_->metrics().stale, 1U);
  EXPECT_TRUE(end_.Speak().empty());
}

// ---- initiator ---------------------------------------------------------------------------------

class InitiatorTest : public ::testing::Test {
 protected:
  static Frame AnswerTo(const Frame& open, std::uint32_t nonce = 0xB0B0) {
    Frame frame = open;
    frame.type = Type::kOpened;
    frame.responder_nonce = nonce;
    frame.station = kGateway;
    return frame;
  }
  /// The Open that is due now.
  Frame Open() {
    const auto said = end_.Speak();
    EXPECT_EQ(Types(said), Said{Type::kOpen});
    return said.empty() ? Frame{} : said[0].frame;
  }
  /// Answers an Open. @returns the session.
  std::uint16_t Stand() {
    const Frame opened = AnswerTo(Open());
    end_.Hear(opened);
    EXPECT_TRUE(end_->in_session());
    EXPECT_EQ(Types(end_.Speak()), Said{Type::kAck});
    return SessionOf(opened);
  }
  void PassUntilDue() {
    ASSERT_LT(end_->next_due(), MonotonicTime::max());
    end_.Pass(end_->next_due() - end_.now());
  }

  Solo end_{OptionsOf(Role::kInitiator)};
};

TEST_F(InitiatorTest, CallsAgainAndAgainWithGrowingPauses) {
  const Frame first = Open();
  EXPECT_EQ(first.station, kNode);
  EXPECT_EQ(first.mtu, 256);
  EXPECT_EQ(first.window, 8);
  EXPECT_EQ(first.initiator_nonce, 0x1000U);
  EXPECT_EQ(end_->Send(Text('a'), end_.now()), Code::kUnavailable);
  for (const int pause : {200, 400, 800, 1'600, 3'200, 5'000, 5'000, 5'000}) {
    const MonotonicTime before = end_.now();
    PassUntilDue();
    EXPECT_EQ(end_.now() - before, Millis(pause));
    EXPECT_EQ(Open().initiator_nonce, first.initiator_nonce);
  }
}

TEST_F(InitiatorTest, StandsWithTheAnswerAndSaysSoAtOnce) {
  const Frame opened = AnswerTo(Open());
  end_.Hear(opened);
  EXPECT_TRUE(end_->in_session());
  EXPECT_EQ(end_->peer(), kGateway);
  const auto said = end_.Speak();
  ASSERT_EQ(Types(said), Said{Type::kAck});
  EXPECT_EQ(said[0].frame.session, SessionOf(opened));
  EXPECT_EQ(said[0].frame.ack.next, 0);
  EXPECT_EQ(end_->next_due(), MonotonicTime::max());
  end_.Hear(opened);  // the other end has not heard it
  EXPECT_EQ(Types(end_.Speak()), Said{Type::kAck});
  EXPECT_EQ(end_->session_count(), 1U);
}

TEST_F(InitiatorTest, TheSmallerMtuAndWindowHold) {
  Frame opened = AnswerTo(Open());
  opened.mtu = 60;
  opened.window = 2;
  end_.Hear(opened);
  EXPECT_TRUE(end_->Send(Bytes(400), end_.now()).ok());
  const auto said = end_.Speak();
  ASSERT_EQ(said.size(), 2U);
  EXPECT_EQ(said[0].payload.size(), MaxPayloadBytes(60) - kAcknowledgementBytes);
  EXPECT_EQ(said[1].payload.size(), MaxPayloadBytes(60));
}

TEST_F(InitiatorTest, AnswersToAnotherOpenAreStale) {
  Frame late = AnswerTo(Open());
  late.initiator_nonce ^= 1U;
  end_.Hear(late);
  EXPECT_FALSE(end_->in_session());
  EXPECT_EQ(end_->metrics().stale, 1U);
}

TEST_F(InitiatorTest, AnotherAnswerToTheSameOpenChangesNothing) {
  const Frame open = Open();
  end_.Hear(AnswerTo(open, 1));
  (void)end_.Speak();
  end_.Hear(AnswerTo(open, 2));  // of a gateway that began anew in between
  EXPECT_TRUE(end_.Speak().empty());
  EXPECT_EQ(end_->metrics().stale, 1U);
  EXPECT_TRUE(end_->Send(Text('a'), end_.now()).ok());
  EXPECT_EQ(end_.Speak()[0].frame.session, SessionOf(AnswerTo(open, 1)));
}

TEST_F(InitiatorTest, BeginsAnewWhenTheOtherEndForgot) {
  const Frame open = Open();
  const Frame opened = AnswerTo(open);
  end_.Hear(opened);
  EXPECT_TRUE(end_->Send(Text('a'), end_.now()).ok());
  EXPECT_EQ(Types(end_.Speak()), Said{Type::kData});
  end_.Hear(AckOf(SessionOf(opened), 1));
  end_.Hear(CloseOf(SessionOf(opened), CloseReason::kUnknownSession));
  EXPECT_FALSE(end_->in_session());
  EXPECT_EQ(end_->close_reason(), CloseReason::kUnknownSession);
  EXPECT_EQ(end_->next_due(), end_.now() + Millis(200));
  PassUntilDue();
  EXPECT_NE(Open().initiator_nonce, open.initiator_nonce);
}

TEST_F(InitiatorTest, PausesGrowWhenSessionsEndBeforeAnythingComes) {
  std::vector<std::int64_t> pauses;
  for (int i = 0; i < 7; ++i) {
    const std::uint16_t session = Stand();
    end_.Hear(CloseOf(session, CloseReason::kUnknownSession));
    pauses.push_back((end_->next_due() - end_.now()).count());
    PassUntilDue();
  }
  EXPECT_EQ(pauses, (std::vector<std::int64_t>{400, 800, 1'600, 3'200, 5'000, 5'000, 5'000}));
}

TEST_F(InitiatorTest, WaitsLongWhenItMayNotTalk) {
  const std::uint16_t session = Stand();
  end_.Hear(CloseOf(session, CloseReason::kNotAllowed));
  EXPECT_EQ(end_->close_reason(), CloseReason::kNotAllowed);
  EXPECT_EQ(end_->next_due(), end_.now() + Millis(30'000));
  EXPECT_TRUE(end_.Speak().empty());
  PassUntilDue();
  (void)Open();
}

TEST_F(InitiatorTest, ClosesAndBeginsAnew) {
  const std::uint16_t session = Stand();
  end_->Close(CloseReason::kBadMessage, end_.now());
  EXPECT_FALSE(end_->in_session());
  const auto said = end_.Speak();
  ASSERT_EQ(Types(said), Said{Type::kClose});
  EXPECT_EQ(said[0].frame.session, session);
  EXPECT_EQ(said[0].frame.reason, CloseReason::kBadMessage);
  end_->Close(CloseReason::kBadMessage, end_.now());  // no session, nothing to close
  EXPECT_TRUE(end_.Speak().empty());
  PassUntilDue();
  (void)Open();
}

TEST_F(InitiatorTest, TellsAGatewayThatItsSessionIsOver) {
  (void)Stand();
  end_.Hear(DataOf(0x7777, 3, Text('a')));
  const auto said = end_.Speak();
  ASSERT_EQ(Types(said), Said{Type::kClose});
  EXPECT_EQ(said[0].frame.session, 0x7777);
  EXPECT_TRUE(end_->in_session());
}

TEST_F(InitiatorTest, SixteenTransmissionsAreEnough) {
  const std::uint16_t session = Stand();
  EXPECT_TRUE(end_->Send(Text('a'), end_.now()).ok());
  int sent = 0;
  while (end_->in_session()) {
    ASSERT_LT(sent, 100);
    for (const auto& heard : end_.Speak()) {
      if (heard.frame.type == Type::kData) {
        ++sent;
      } else {
        EXPECT_EQ(heard.frame.type, Type::kClose);
        EXPECT_EQ(heard.frame.session, session);
        EXPECT_EQ(heard.frame.reason, CloseReason::kTooManyRetransmissions);
      }
    }
    if (end_->in_session()) {
      PassUntilDue();
    }
  }
  EXPECT_EQ(sent, 16);
  EXPECT_EQ(end_->metrics().retransmissions, 15U);
  EXPECT_EQ(end_->Send(Text('b'), end_.now()), Code::kUnavailable);
}

TEST_F(InitiatorTest, OpensAreForTheOtherRole) {
  (void)Open();
  end_.Hear(OpenWith(5));
  EXPECT_TRUE(end_.Speak().empty());
  EXPECT_EQ(end_->metrics().stale, 1U);
}

}  // namespace
}  // namespace trib::frame
