#include "trib/common/frame/frame.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <vector>

#include "trib/common/base/random.h"

namespace trib::frame {
namespace {

using Bytes = std::vector<std::byte>;

Bytes Hex(std::initializer_list<int> values) {
  Bytes out;
  std::ranges::transform(
      values, std::back_inserter(out), [](int v) { return static_cast<std::byte>(v); });
  return out;
}

Bytes Encoded(const Frame& frame) {
  Bytes wire(kMaxMtu + 1 + 64);
  const auto length = Encode(frame, wire);
  EXPECT_TRUE(length.ok());
  wire.resize(length.value_or(0));
  return wire;
}

/// What a receiver decodes: without the delimiters.
Bytes Coded(Bytes wire) {
  EXPECT_EQ(wire.back(), kDelimiter);
  wire.pop_back();
  if (wire.front() == kDelimiter) {
    wire.erase(wire.begin());
  }
  return wire;
}

Frame Data(std::span<const std::byte> payload) {
  Frame frame;
  frame.session = 0x1234;
  frame.sequence = 0xFF00;
  frame.payload = payload;
  return frame;
}

Bytes Random(std::size_t size, std::uint64_t seed) {
  SplitMix64 random(seed);
  Bytes out(size);
  std::ranges::generate(out, [&] { return static_cast<std::byte>(random.Next()); });
  return out;
}

void ExpectSame(const Frame& got, const Frame& want) {
  EXPECT_EQ(got.type, want.type);
  EXPECT_EQ(got.mtu, want.mtu);
  EXPECT_EQ(got.window, want.window);
  EXPECT_EQ(got.initiator_nonce, want.initiator_nonce);
  EXPECT_EQ(got.responder_nonce, want.responder_nonce);
  EXPECT_EQ(got.station, want.station);
  EXPECT_EQ(got.session, want.session);
  EXPECT_EQ(got.sequence, want.sequence);
  EXPECT_EQ(got.first, want.first);
  EXPECT_EQ(got.last, want.last);
  EXPECT_EQ(got.has_ack, want.has_ack);
  EXPECT_EQ(got.ack.next, want.ack.next);
  EXPECT_EQ(got.ack.bitmap, want.ack.bitmap);
  EXPECT_EQ(got.reason, want.reason);
  EXPECT_TRUE(std::ranges::equal(got.payload, want.payload));
}

void ExpectRoundTrip(const Frame& frame) {
  Bytes coded = Coded(Encoded(frame));
  EXPECT_EQ(std::ranges::find(coded, kDelimiter), coded.end());
  Frame got;
  ASSERT_TRUE(Decode(coded, got).ok());
  ExpectSame(got, frame);
}

Frame Open() {
  Frame frame;
  frame.type = Type::kOpen;
  frame.mtu = 51;
  frame.window = 8;
  frame.initiator_nonce = 0x11223344;
  frame.station = 7;
  return frame;
}

Frame Opened() {
  Frame frame = Open();
  frame.type = Type::kOpened;
  frame.mtu = 256;
  frame.window = 32;
  frame.responder_nonce = 0x55667788;
  frame.station = 0x0102030405060708;
  return frame;
}

Frame Ack() {
  Frame frame;
  frame.type = Type::kAck;
  frame.has_ack = true;
  frame.session = 0x3DAB;
  frame.ack = {1, 5};
  return frame;
}

Frame Close() {
  Frame frame;
  frame.type = Type::kClose;
  frame.session = 0x3DAB;
  frame.reason = CloseReason::kUnknownSession;
  return frame;
}

// The worked example of docs/formats/serial_link.md.
TEST(Frame, GoldenOpen) {
  EXPECT_EQ(Encoded(Open()),
            Hex({0x00, 0x03, 0x01, 0x01, 0x02, 0x33, 0x07, 0x08, 0x44, 0x33, 0x22, 0x11, 0x07,
                 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x05, 0xB4, 0x09, 0xC9, 0x12, 0x00}));
  ExpectRoundTrip(Open());
}

TEST(Frame, GoldenOpened) {
  EXPECT_EQ(Encoded(Opened()), Hex({0x00, 0x03, 0x02, 0x01, 0x01, 0x17, 0x01, 0x20, 0x44, 0x33,
                                    0x22, 0x11, 0x88, 0x77, 0x66, 0x55, 0x08, 0x07, 0x06, 0x05,
                                    0x04, 0x03, 0x02, 0x01, 0x35, 0xB7, 0xF4, 0x7E, 0x00}));
  ExpectRoundTrip(Opened());
}

TEST(Frame, GoldenData) {
  const Bytes text = Hex({0x61, 0x62, 0x63});
  Frame frame = Data(text);
  frame.session = 0x3DAB;
  frame.sequence = 0;
  frame.first = true;
  frame.last = true;
  frame.has_ack = true;
  EXPECT_EQ(Encoded(frame), Hex({0x04, 0x3B, 0xAB, 0x3D, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01,
                                 0x01, 0x08, 0x61, 0x62, 0x63, 0x87, 0x0E, 0xE5, 0x1C, 0x00}));
  ExpectRoundTrip(frame);
  frame.sequence = 258;
  frame.last = false;
  frame.has_ack = false;
  EXPECT_EQ(
      Encoded(frame),
      Hex({0x0D, 0x0B, 0xAB, 0x3D, 0x02, 0x01, 0x61, 0x62, 0x63, 0x94, 0xBF, 0x39, 0xA8, 0x00}));
  ExpectRoundTrip(frame);
}

TEST(Frame, GoldenAckAndClose) {
  EXPECT_EQ(Encoded(Ack()),
            Hex({0x05,
                 0x24,
                 0xAB,
                 0x3D,
                 0x01,
                 0x02,
                 0x05,
                 0x01,
                 0x01,
                 0x05,
                 0x63,
                 0x60,
                 0xDA,
                 0x44,
                 0x00}));
  ExpectRoundTrip(Ack());
  EXPECT_EQ(Encoded(Close()),
            Hex({0x00, 0x09, 0x05, 0xAB, 0x3D, 0x01, 0xFE, 0x09, 0x05, 0x24, 0x00}));
  ExpectRoundTrip(Close());
}

TEST(Frame, EveryLengthTravelsInTheRoomThatIsPromised) {
  const Bytes random = Random(kMaxMtu, 1);
  const Bytes zeros(kMaxMtu);
  const Bytes full(kMaxMtu, std::byte{0xFF});
  for (std::size_t mtu = kMinMtu; mtu <= kMaxMtu; ++mtu) {
    for (const Bytes* const bytes : {&random, &zeros, &full}) {
      const Frame frame = Data(std::span(*bytes).first(MaxPayloadBytes(mtu)));
      EXPECT_LE(Encoded(frame).size(), mtu);
      ExpectRoundTrip(frame);
    }
  }
  for (std::size_t size = 1; size < kMinMtu; ++size) {
    ExpectRoundTrip(Data(std::span(random).first(size)));
    ExpectRoundTrip(Data(std::span(zeros).first(size)));
  }
}

// One byte more does not fit if there is no zero in it or its checksum: the promise is not too
// small either.
TEST(Frame, OneByteMoreThanPromisedNeedNotFit) {
  const Bytes full(kMaxMtu, std::byte{0xFF});
  for (std::size_t mtu = kMinMtu; mtu <= kMaxMtu; ++mtu) {
    Frame frame = Data(std::span(full).first(MaxPayloadBytes(mtu) + 1));
    frame.session = 0x0101;
    std::size_t longest = 0;
    for (frame.sequence = 0x0101; frame.sequence < 0x0109; ++frame.sequence) {
      longest = std::max(longest, Encoded(frame).size());
    }
    EXPECT_GT(longest, mtu);
  }
}

TEST(Frame, AZeroAnywhereAroundTheFullBlocks) {
  for (std::size_t size = 230; size <= 270; ++size) {
    for (std::size_t zero = 0; zero < size; ++zero) {
      Bytes payload(size, std::byte{0x55});
      payload[zero] = std::byte{0};
      ExpectRoundTrip(Data(payload));
    }
  }
}

/// A body of `size` bytes with its checksum that has no zero anywhere.
Bytes PayloadWithoutZeros(std::size_t body_bytes) {
  for (std::uint64_t seed = 0;; ++seed) {
    Bytes payload = Random(body_bytes - kDataHeaderBytes - kChecksumBytes, seed);
    std::ranges::replace(payload, std::byte{0}, std::byte{1});
    Frame frame = Data(payload);
    frame.sequence = 0x0101;
    if (Encoded(frame).size() == body_bytes + 1 + (body_bytes + 253) / 254) {
      return payload;
    }
  }
}

TEST(Frame, FullBlocksWithoutAZero) {
  for (const std::size_t body : {253U, 254U, 255U, 507U, 508U, 509U, 762U}) {
    const Bytes payload = PayloadWithoutZeros(body);
    Frame frame = Data(payload);
    frame.sequence = 0x0101;
    const Bytes wire = Encoded(frame);
    EXPECT_EQ(wire.front() == std::byte{0xFF}, body >= 254);
    ExpectRoundTrip(frame);
  }
}

TEST(Frame, RefusesASecondSpellingOfAFullBlock) {
  const Bytes payload = PayloadWithoutZeros(254);
  Frame frame = Data(payload);
  frame.sequence = 0x0101;
  Bytes coded = Coded(Encoded(frame));
  ASSERT_EQ(coded.size(), 255U);
  coded.push_back(std::byte{1});
  Frame got;
  EXPECT_EQ(Decode(coded, got), Status(Code::kDataLoss, Reason::kNotCobs));
}

TEST(Frame, RefusesWhatCobsCannotHaveMade) {
  Frame got;
  for (Bytes bytes : {Hex({}),
                      Hex({0x00}),
                      Hex({0x02}),
                      Hex({0x03, 0x01}),
                      Hex({0x03, 0x01, 0x00}),
                      Hex({0x01, 0x05, 0x01})}) {
    EXPECT_EQ(Decode(bytes, got), Status(Code::kDataLoss, Reason::kNotCobs));
  }
}

TEST(Frame, RefusesEachSingleFlippedBit) {
  const Bytes payload = Random(MaxPayloadBytes(256), 3);
  Frame data = Data(payload);
  for (const Frame& frame : {Open(), Opened(), Ack(), Close(), data}) {
    const Bytes coded = Coded(Encoded(frame));
    for (std::size_t bit = 0; bit < coded.size() * 8; ++bit) {
      Bytes flipped = coded;
      flipped[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
      Frame got;
      EXPECT_FALSE(Decode(flipped, got).ok()) << "bit " << bit;
    }
  }
}

/// Encodes `frame`, lets `change` at its body and mends the checksum.
template <typename Change>
Status DecodeChanged(const Frame& frame, const Change& change) {
  // Between frames that encode to one block each nothing but their body differs, so a body is
  // changed and encoded anew as the payload of nothing: by hand, from the definition.
  Bytes coded = Coded(Encoded(frame));
  Bytes body;
  for (std::size_t at = 0; at < coded.size();) {
    const auto block = static_cast<std::size_t>(coded[at]);
    body.insert(body.end(),
                coded.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                coded.begin() + static_cast<std::ptrdiff_t>(at + block));
    at += block;
    if (at < coded.size()) {
      body.push_back(std::byte{0});
    }
  }
  body.resize(body.size() - kChecksumBytes);
  change(body);
  std::uint32_t crc = 0xFFFFFFFF;
  for (const std::byte b : body) {
    crc ^= static_cast<std::uint32_t>(b);
    for (int i = 0; i < 8; ++i) {
      crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
    }
  }
  for (unsigned i = 0; i < kChecksumBytes; ++i) {
    body.push_back(static_cast<std::byte>(~crc >> (8 * i)));
  }
  Bytes stuffed(1);
  std::size_t block = 0;
  for (const std::byte b : body) {
    if (b != std::byte{0}) {
      stuffed.push_back(b);
      continue;
    }
    stuffed[block] = static_cast<std::byte>(stuffed.size() - block);
    block = stuffed.size();
    stuffed.push_back({});
  }
  stuffed[block] = static_cast<std::byte>(stuffed.size() - block);
  Frame got;
  return Decode(stuffed, got);
}

TEST(Frame, RefusesWhatThePageDoesNotName) {
  const Status malformed(Code::kDataLoss, Reason::kMalformed);
  const Bytes text = Hex({0x61});
  const auto set = [](std::size_t at, int value) {
    return [at, value](Bytes& body) { body[at] = static_cast<std::byte>(value); };
  };
  const auto longer = [](Bytes& body) { body.push_back(std::byte{1}); };
  const auto shorter = [](Bytes& body) { body.pop_back(); };
  // Nothing changed: the change is what is refused below.
  for (const Frame& frame : {Open(), Opened(), Ack(), Close(), Data(text)}) {
    EXPECT_TRUE(DecodeChanged(frame, [](Bytes&) {}).ok());
  }
  for (const int type : {0, 6, 7}) {
    EXPECT_EQ(DecodeChanged(Data(text), set(0, type)), malformed);
  }
  for (const int flag : {0x08, 0x10, 0x20, 0x40, 0x80}) {
    EXPECT_EQ(DecodeChanged(Open(), set(0, 1 | flag)), malformed);
    EXPECT_EQ(DecodeChanged(Opened(), set(0, 2 | flag)), malformed);
    EXPECT_EQ(DecodeChanged(Close(), set(0, 5 | flag)), malformed);
  }
  for (const int flags : {0x00, 0x28, 0x30, 0x60, 0xA0}) {
    EXPECT_EQ(DecodeChanged(Ack(), set(0, 4 | flags)), malformed);
  }
  EXPECT_EQ(DecodeChanged(Data(text), set(0, 0x43)), malformed);
  EXPECT_EQ(DecodeChanged(Data(text), set(0, 0x83)), malformed);
  EXPECT_EQ(DecodeChanged(Data(text), set(0, 0x23)), malformed);  // no room for that
  EXPECT_EQ(DecodeChanged(Data(text), shorter), malformed);       // no payload
  EXPECT_EQ(DecodeChanged(Open(), set(1, 2)), malformed);         // version
  EXPECT_EQ(DecodeChanged(Open(), set(2, 1)), malformed);         // suite
  EXPECT_EQ(DecodeChanged(Open(), set(3, 50)), malformed);        // MTU
  EXPECT_EQ(DecodeChanged(Open(), set(4, 0x40)), malformed);
  EXPECT_EQ(DecodeChanged(Open(), set(5, 0)), malformed);  // window
  EXPECT_EQ(DecodeChanged(Open(), set(5, 33)), malformed);
  EXPECT_EQ(DecodeChanged(Close(), set(3, 0)), malformed);
  EXPECT_EQ(DecodeChanged(Close(), set(3, 5)), malformed);
  for (const Frame& frame : {Open(), Opened(), Ack(), Close()}) {
    EXPECT_EQ(DecodeChanged(frame, longer), malformed);
    EXPECT_EQ(DecodeChanged(frame, shorter), malformed);
  }
  EXPECT_EQ(DecodeChanged(Ack(), [](Bytes& body) { body.clear(); }), malformed);
}

TEST(Frame, EncodesNothingThatWouldBeRefused) {
  std::array<std::byte, 64> wire;
  Frame open = Open();
  open.mtu = kMinMtu - 1;
  EXPECT_EQ(Encode(open, wire).status(), Code::kInvalidArgument);
  open = Open();
  open.window = 0;
  EXPECT_EQ(Encode(open, wire).status(), Code::kInvalidArgument);
  EXPECT_EQ(Encode(Data({}), wire).status(), Code::kInvalidArgument);
  Frame close = Close();
  close.reason = CloseReason::kUnspecified;
  EXPECT_EQ(Encode(close, wire).status(), Code::kInvalidArgument);
}

TEST(Frame, EncodesOnlyWhatFits) {
  const Bytes text = Random(40, 4);
  const Bytes want = Encoded(Data(text));
  for (std::size_t room = 0; room <= want.size() + 2; ++room) {
    Bytes wire(room + 1, std::byte{0xA5});
    const auto length = Encode(Data(text), std::span(wire).first(room));
    EXPECT_EQ(length.ok(), room >= want.size());
    EXPECT_EQ(wire.back(), std::byte{0xA5});
    if (!length.ok()) {
      EXPECT_EQ(length.status(), Code::kResourceExhausted);
    }
  }
}

// ---- the Splitter ------------------------------------------------------------------------------

class SplitterTest : public ::testing::Test {
 protected:
  /// Feeds `stream` in pieces of `piece` bytes.
  std::vector<Bytes> Split(const Bytes& stream, std::size_t piece) {
    std::vector<Bytes> frames;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      std::span<const std::byte> rest =
          std::span(stream).subspan(at, std::min(piece, stream.size() - at));
      for (auto got = splitter_.Next(rest); !got.empty(); got = splitter_.Next(rest)) {
        frames.emplace_back(got.begin(), got.end());
      }
      EXPECT_TRUE(rest.empty());
    }
    return frames;
  }
  void Join(Bytes& stream, const Bytes& more) {
    stream.insert(stream.end(), more.begin(), more.end());
  }

  std::array<std::byte, 50> memory_{};
  Splitter splitter_{memory_};
};

TEST_F(SplitterTest, CutsAtDelimitersHoweverTheBytesCome) {
  const Bytes stream = Hex({0, 0, 1, 2, 3, 0, 0, 4, 0, 5, 6, 0, 7});
  const std::vector<Bytes> want = {Hex({1, 2, 3}), Hex({4}), Hex({5, 6})};
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    Splitter fresh(memory_);
    splitter_ = fresh;
    EXPECT_EQ(Split(stream, piece), want);
    EXPECT_EQ(splitter_.oversized(), 0U);
  }
}

TEST_F(SplitterTest, SkipsWhatIsTooLongAndCountsItOnce) {
  Bytes stream(50, std::byte{1});
  Join(stream, Hex({0}));
  Join(stream, Bytes(51, std::byte{2}));
  Join(stream, Hex({0}));
  Join(stream, Bytes(5'000, std::byte{3}));
  Join(stream, Hex({0, 4, 0}));
  for (const std::size_t piece : {1U, 7U, 50U, 51U, 6'000U}) {
    splitter_ = Splitter(memory_);
    EXPECT_EQ(Split(stream, piece), (std::vector<Bytes>{Bytes(50, std::byte{1}), Hex({4})}));
    EXPECT_EQ(splitter_.oversized(), 2U);
  }
}

TEST_F(SplitterTest, FindsTheNextFrameBehindGarbage) {
  const Bytes text = Random(20, 5);
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Bytes stream = Random(1 + seed % 90, seed);
    Join(stream, Encoded(Close()));  // its extra delimiter ends the garbage
    Join(stream, Encoded(Data(text)));
    splitter_ = Splitter(memory_);
    auto frames = Split(stream, 13);
    ASSERT_GE(frames.size(), 2U);
    Frame got;
    ASSERT_TRUE(Decode(frames[frames.size() - 2], got).ok());
    EXPECT_EQ(got.type, Type::kClose);
    ASSERT_TRUE(Decode(frames.back(), got).ok());
    EXPECT_TRUE(std::ranges::equal(got.payload, text));
  }
}

TEST_F(SplitterTest, LosesOneFrameToGarbageWithoutADelimiter) {
  const Bytes text = Random(20, 6);
  Bytes stream = Hex({9, 9, 9});
  Join(stream, Encoded(Data(text)));
  Join(stream, Encoded(Data(text)));
  auto frames = Split(stream, 64);
  ASSERT_EQ(frames.size(), 2U);
  Frame got;
  EXPECT_FALSE(Decode(frames[0], got).ok());
  EXPECT_TRUE(Decode(frames[1], got).ok());
}

}  // namespace
}  // namespace trib::frame
