#include "trib/common/frame/frame.h"

#include <algorithm>
#include <array>

#include "trib/common/bytes/crc32c.h"
#include "trib/common/bytes/reader.h"
#include "trib/common/bytes/writer.h"

namespace trib::frame {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kSuite = 0;
constexpr std::uint8_t kTypeMask = 0x07;
constexpr std::uint8_t kFirst = 0x08;
constexpr std::uint8_t kLast = 0x10;
constexpr std::uint8_t kHasAck = 0x20;
// Opened is the longest; the payload of Data is not part of it.
constexpr std::size_t kMaxHeaderBytes = 22;
// A block of 254 bytes without a zero: the only one that no zero follows.
constexpr std::uint8_t kFullBlock = 0xFF;

/// COBS, byte by byte into borrowed memory. A full block at the end stands without another one
/// behind it.
class Stuffer {
 public:
  explicit Stuffer(std::span<std::byte> out) : out_(out) {}

  void Delimit() { Write(kDelimiter); }
  void Put(std::span<const std::byte> bytes) {
    for (const std::byte b : bytes) {
      Put(b);
    }
  }
  void Finish() {
    CloseBlock();
    Delimit();
  }
  [[nodiscard]] Result<std::size_t> length() const {
    return ok_ ? Result<std::size_t>(used_) : Code::kResourceExhausted;
  }

 private:
  void Put(std::byte b) {
    if (block_ == 0) {
      OpenBlock();
    }
    if (b == std::byte{0}) {
      CloseBlock();
      OpenBlock();
      return;
    }
    Write(b);
    if (++block_ == kFullBlock) {
      CloseBlock();
    }
  }
  void OpenBlock() {
    block_at_ = used_;
    block_ = 1;
    Write(std::byte{1});
  }
  void CloseBlock() {
    if (ok_ && block_ != 0) {
      out_[block_at_] = static_cast<std::byte>(block_);
    }
    block_ = 0;
  }
  void Write(std::byte b) {
    ok_ = ok_ && used_ < out_.size();
    if (ok_) {
      out_[used_++] = b;
    }
  }

  std::span<std::byte> out_;
  std::size_t used_ = 0;
  std::size_t block_at_ = 0;
  std::uint8_t block_ = 0;  ///< its code so far; 0: none begun
  bool ok_ = true;
};

/// COBS back, in place. @returns the length; 0: no Stuffer made this.
std::size_t Unstuff(std::span<std::byte> coded) {
  std::size_t from = 0;
  std::size_t to = 0;
  std::size_t block = 0;
  while (from < coded.size()) {
    const bool after_full = block == kFullBlock;
    block = static_cast<std::size_t>(coded[from]);
    if (block == 0 || block > coded.size() - from) {
      return 0;
    }
    for (std::size_t i = 1; i < block; ++i) {
      const std::byte b = coded[from + i];
      if (b == std::byte{0}) {
        return 0;
      }
      coded[to++] = b;
    }
    from += block;
    const bool at_end = from == coded.size();
    if (at_end && after_full && block == 1) {
      return 0;  // a second spelling of the same bytes
    }
    if (!at_end && block != kFullBlock) {
      coded[to++] = std::byte{0};
    }
  }
  return to;
}

bool Lawful(const Frame& frame) {
  switch (frame.type) {
    case Type::kOpen:
    case Type::kOpened:
      return frame.mtu >= kMinMtu && frame.mtu <= kMaxMtu && frame.window >= 1 &&
             frame.window <= kMaxWindow;
    case Type::kData:
      return !frame.payload.empty();
    case Type::kAck:
      return true;
    case Type::kClose:
      return frame.reason >= CloseReason::kUnknownSession &&
             frame.reason <= CloseReason::kNotAllowed;
  }
  return false;
}

std::uint8_t Flags(const Frame& frame) {
  if (frame.type != Type::kData) {
    return frame.type == Type::kAck ? kHasAck : 0;
  }
  return static_cast<std::uint8_t>((frame.first ? kFirst : 0) | (frame.last ? kLast : 0) |
                                   (frame.has_ack ? kHasAck : 0));
}

void WriteAcknowledgement(const Acknowledgement& ack, ByteWriter& out) {
  out.U16(ack.next);
  out.U32(ack.bitmap);
}

void WriteOpening(const Frame& frame, ByteWriter& out) {
  out.U8(kVersion);
  out.U8(kSuite);
  out.U16(frame.mtu);
  out.U8(frame.window);
  out.U32(frame.initiator_nonce);
  if (frame.type == Type::kOpened) {
    out.U32(frame.responder_nonce);
  }
  out.U64(frame.station);
}

/// Everything but the payload and the checksum.
void WriteHeader(const Frame& frame, ByteWriter& out) {
  out.U8(static_cast<std::uint8_t>(static_cast<std::uint8_t>(frame.type) | Flags(frame)));
  if (frame.type == Type::kOpen || frame.type == Type::kOpened) {
    WriteOpening(frame, out);
    return;
  }
  out.U16(frame.session);
  if (frame.type == Type::kClose) {
    out.U8(static_cast<std::uint8_t>(frame.reason));
    return;
  }
  if (frame.type == Type::kData) {
    out.U16(frame.sequence);
  }
  if (frame.type == Type::kAck || frame.has_ack) {
    WriteAcknowledgement(frame.ack, out);
  }
}

void ReadAcknowledgement(ByteReader& in, Frame& frame) {
  frame.has_ack = true;
  frame.ack.next = in.U16();
  frame.ack.bitmap = in.U32();
}

bool ReadOpening(ByteReader& in, Frame& frame) {
  const bool known = in.U8() == kVersion && in.U8() == kSuite;
  frame.mtu = in.U16();
  frame.window = in.U8();
  frame.initiator_nonce = in.U32();
  if (frame.type == Type::kOpened) {
    frame.responder_nonce = in.U32();
  }
  frame.station = in.U64();
  return known;
}

bool ReadBody(std::span<const std::byte> body, Frame& frame) {
  ByteReader in(body);
  const std::uint8_t head = in.U8();
  const std::uint8_t flags = head & static_cast<std::uint8_t>(~kTypeMask);
  frame.type = static_cast<Type>(head & kTypeMask);
  if (frame.type == Type::kOpen || frame.type == Type::kOpened) {
    return ReadOpening(in, frame) && flags == 0 && in.ok() && in.remaining() == 0;
  }
  frame.session = in.U16();
  if (frame.type == Type::kClose) {
    frame.reason = static_cast<CloseReason>(in.U8());
    return flags == 0 && in.ok() && in.remaining() == 0;
  }
  if (frame.type == Type::kAck) {
    ReadAcknowledgement(in, frame);
    return flags == kHasAck && in.ok() && in.remaining() == 0;
  }
  frame.sequence = in.U16();
  frame.first = (flags & kFirst) != 0;
  frame.last = (flags & kLast) != 0;
  if ((flags & kHasAck) != 0) {
    ReadAcknowledgement(in, frame);
  }
  frame.payload = in.Bytes(in.remaining());
  return (flags & ~(kFirst | kLast | kHasAck)) == 0 && in.ok();
}

}  // namespace

Result<std::size_t> Encode(const Frame& frame, std::span<std::byte> wire) {
  if (!Lawful(frame)) {
    return Code::kInvalidArgument;
  }
  std::array<std::byte, kMaxHeaderBytes> header;
  ByteWriter head(header);
  WriteHeader(frame, head);
  const auto payload = frame.type == Type::kData ? frame.payload : std::span<const std::byte>{};
  std::array<std::byte, kChecksumBytes> checksum;
  ByteWriter(checksum).U32(Crc32c(payload, Crc32c(head.written())));

  Stuffer out(wire);
  if (frame.type != Type::kData && frame.type != Type::kAck) {
    out.Delimit();
  }
  out.Put(head.written());
  out.Put(payload);
  out.Put(checksum);
  out.Finish();
  return out.length();
}

Status Decode(std::span<std::byte> coded, Frame& frame) {
  frame = {};
  const std::size_t length = Unstuff(coded);
  if (length == 0) {
    return {Code::kDataLoss, Reason::kNotCobs};
  }
  if (length <= kChecksumBytes) {
    return {Code::kDataLoss, Reason::kMalformed};
  }
  const std::span<const std::byte> body = coded.first(length - kChecksumBytes);
  if (ByteReader(coded.subspan(body.size(), kChecksumBytes)).U32() != Crc32c(body)) {
    return {Code::kDataLoss, Reason::kChecksum};
  }
  if (!ReadBody(body, frame) || !Lawful(frame)) {
    return {Code::kDataLoss, Reason::kMalformed};
  }
  return {};
}

std::span<std::byte> Splitter::Next(std::span<const std::byte>& bytes) {
  while (!bytes.empty()) {
    const auto end = std::ranges::find(bytes, kDelimiter);
    const auto piece = static_cast<std::size_t>(end - bytes.begin());
    Keep(bytes.first(piece));
    if (end == bytes.end()) {
      bytes = {};
      return {};
    }
    bytes = bytes.subspan(piece + 1);
    const auto frame = memory_.first(skipping_ ? 0 : used_);
    used_ = 0;
    skipping_ = false;
    if (!frame.empty()) {
      return frame;
    }
  }
  return {};
}

void Splitter::Keep(std::span<const std::byte> bytes) {
  if (skipping_) {
    return;
  }
  if (bytes.size() > memory_.size() - used_) {
    skipping_ = true;
    ++oversized_;
    return;
  }
  std::ranges::copy(bytes, memory_.begin() + static_cast<std::ptrdiff_t>(used_));
  used_ += bytes.size();
}

}  // namespace trib::frame
