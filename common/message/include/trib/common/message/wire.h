#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/message/limits.h"
#include "trib/common/status/result.h"

/// The byte law of docs/formats/messages.md as code that both runtimes share. Every decoder runs
/// Check*() first and hands only lawful bytes to nanopb or libprotobuf, so the two cannot disagree
/// about what is acceptable; every encoder runs it last, so what is encoded also decodes.
namespace trib::message {

/// One field of a message: `bytes` for length-delimited fields, else `value`.
struct WireField {
  std::uint32_t number = 0;
  std::uint8_t wire_type = 0;
  std::uint64_t value = 0;
  std::span<const std::byte> bytes;
};

inline constexpr std::uint8_t kWireVarint = 0;
inline constexpr std::uint8_t kWireFixed64 = 1;
inline constexpr std::uint8_t kWireBytes = 2;
inline constexpr std::uint8_t kWireFixed32 = 5;

/// Walks the fields of one message.
///
/// Memory  Borrows the bytes; fields point into them.
/// State   ok() turns false for good at the first malformed byte: truncation, a varint longer than
///         needed, field number 0, a group.
class WireReader {
 public:
  explicit WireReader(std::span<const std::byte> bytes) : rest_(bytes) {}
  /// @returns false at the end and on malformed bytes; ok() tells which.
  bool Next(WireField& out);
  /// Reads a bare varint, as packed fields hold them.
  bool Varint(std::uint64_t& out) {
    // Most numbers and nearly all tags are below 128.
    if (!rest_.empty() && rest_[0] < std::byte{0x80}) {
      out = std::to_integer<std::uint64_t>(rest_[0]);
      rest_ = rest_.subspan(1);
      return true;
    }
    return LongVarint(out);
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool done() const { return rest_.empty(); }

 private:
  bool Fail();
  bool LongVarint(std::uint64_t& out);
  bool Fixed(std::size_t count, std::uint64_t& out);
  std::span<const std::byte> rest_;
  bool ok_ = true;
};

/// The bytes of the first length-delimited field `number`; empty when there is none.
std::span<const std::byte> FindBytes(std::span<const std::byte> message, std::uint32_t number);

/// All return kDataLoss with a message::Reason when the bytes break the law.
Status CheckRecord(std::span<const std::byte> bytes);
Status CheckSketch(std::span<const std::byte> bytes);
Status CheckSealedRecord(std::span<const std::byte> bytes);
/// @returns the field number of the body. Bodies of both directions are lawful here.
Result<std::uint32_t> CheckEnvelope(std::span<const std::byte> bytes);

}  // namespace trib::message
