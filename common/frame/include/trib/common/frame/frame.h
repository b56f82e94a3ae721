#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/status/result.h"

/// Frames of the serial link. The law: docs/formats/serial_link.md.
namespace trib::frame {

inline constexpr std::size_t kMinMtu = 51;
inline constexpr std::size_t kMaxMtu = 1024;
inline constexpr std::size_t kMaxMessageBytes = 4096;
inline constexpr std::byte kDelimiter{0};
inline constexpr std::uint32_t kBitmapBits = 32;
inline constexpr std::uint32_t kMaxWindow = kBitmapBits;

// Of a body: what is around the payload of Data.
inline constexpr std::size_t kChecksumBytes = 4;
inline constexpr std::size_t kDataHeaderBytes = 5;
inline constexpr std::size_t kAcknowledgementBytes = 6;

/// The longest body (byte 0 and checksum included) whose frame, delimiter included, is within
/// `mtu`.
constexpr std::size_t MaxDecodedBytes(std::size_t mtu) {
  // COBS adds one byte, and one more for each further 254.
  const std::size_t coded = mtu - 1;
  return coded - (coded + 254) / 255;
}

/// The longest payload of Data without an acknowledgement.
constexpr std::size_t MaxPayloadBytes(std::size_t mtu) {
  return MaxDecodedBytes(mtu) - kDataHeaderBytes - kChecksumBytes;
}

enum class Type : std::uint8_t { kOpen = 1, kOpened = 2, kData = 3, kAck = 4, kClose = 5 };

enum class CloseReason : std::uint8_t {
  kUnspecified = 0,
  kUnknownSession = 1,
  kTooManyRetransmissions = 2,
  kBadMessage = 3,
  kNotAllowed = 4,
};

/// Why Decode() refused.
enum class Reason : std::uint16_t { kNotCobs = 1, kChecksum = 2, kMalformed = 3 };

struct Acknowledgement {
  std::uint16_t next = 0;
  std::uint32_t bitmap = 0;  ///< bit i: next + 1 + i
};

/// One frame's body. Which fields count depends on the type.
struct Frame {
  Type type = Type::kData;
  // Open and Opened
  std::uint16_t mtu = 0;
  std::uint8_t window = 0;
  std::uint32_t initiator_nonce = 0;
  std::uint32_t responder_nonce = 0;  ///< Opened
  std::uint64_t station = 0;
  // Data, Ack, Close
  std::uint16_t session = 0;
  std::uint16_t sequence = 0;  ///< Data
  bool first = false;          ///< Data
  bool last = false;           ///< Data
  bool has_ack = false;        ///< Data; an Ack always has
  Acknowledgement ack;
  CloseReason reason = CloseReason::kUnspecified;
  std::span<const std::byte> payload;  ///< Data; borrowed
};

/// @returns the length of the frame on the wire, written to the front of `wire`: coded, with its
///   delimiter, and for Open, Opened and Close with the one before it.
///   kResourceExhausted when it does not fit; kInvalidArgument when Decode() would refuse it.
Result<std::size_t> Encode(const Frame& frame, std::span<std::byte> wire);

/// Decodes what lies between two delimiters, in place: `coded` is overwritten, and the payload then
/// points into it. What it takes, Encode() turns into the same bytes.
///
/// @returns kDataLoss with a Reason.
Status Decode(std::span<std::byte> coded, Frame& frame);

/// Cuts a byte stream at its delimiters. What is longer than the memory is skipped to the next
/// delimiter and counted.
///
/// Memory   Borrows `memory` for life: the longest coded frame, without delimiter.
/// Threads  One caller at a time.
class Splitter {
 public:
  explicit Splitter(std::span<std::byte> memory) : memory_(memory) {}

  /// Takes bytes off the front of `bytes` up to and with a delimiter. @returns the coded frame,
  /// never empty, valid until the next call; an empty span when `bytes` are used up without one.
  std::span<std::byte> Next(std::span<const std::byte>& bytes);
  [[nodiscard]] std::uint64_t oversized() const { return oversized_; }

 private:
  void Keep(std::span<const std::byte> bytes);

  std::span<std::byte> memory_;
  std::size_t used_ = 0;
  bool skipping_ = false;
  std::uint64_t oversized_ = 0;
};

}  // namespace trib::frame
