#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "trib/common/bytes/reader.h"
#include "trib/common/bytes/writer.h"
#include "trib/common/package/sections.h"

/// What the codecs of sections share.
namespace trib::package::internal {

inline constexpr std::uint8_t kMaxActuator = 4;

inline bool IsFinite(float value) {
  return (std::bit_cast<std::uint32_t>(value) & 0x7F800000U) != 0x7F800000U;
}
// Comparisons with a NaN are false, so these refuse NaN, too.
inline bool IsPositive(float value) {
  return IsFinite(value) && value > 0.0F;
}
inline bool IsWithin(float value, float low, float high) {
  return value >= low && value <= high;
}

inline Status Require(bool good, Reason reason) {
  return good ? Status() : Status(Code::kDataLoss, reason);
}

inline bool ReadText(ByteReader& in, std::size_t size, ShortText& out) {
  if (size == 0 || size > ShortText::kMaxBytes) {
    return false;
  }
  const auto bytes = in.Bytes(size);
  out = {};
  for (const std::byte b : bytes) {
    out.memory[out.size++] = static_cast<char>(b);
  }
  return in.ok();
}

inline void WriteText(ByteWriter& out, const ShortText& text) {
  out.Bytes(std::as_bytes(std::span(text.memory).first(text.size)));
}

inline bool IsActuator(std::uint8_t value) {
  return value >= 1 && value <= kMaxActuator;
}

/// Reads "u16 count, u16 zero" and checks that `entry_bytes` times the count follow, no more.
inline bool ReadCount(ByteReader& in,
                      std::size_t max,
                      std::size_t entry_bytes,
                      std::size_t& count) {
  count = in.U16();
  const bool reserved_is_zero = in.U16() == 0;
  return in.ok() && reserved_is_zero && count >= 1 && count <= max &&
         in.remaining() == count * entry_bytes;
}

inline void WriteCount(ByteWriter& out, std::size_t count) {
  out.U16(static_cast<std::uint16_t>(count));
  out.U16(0);
}

/// Well-formed and without control characters.
bool IsUtf8(std::string_view text);

/// Turns what was written into Encode()'s answer: `check` decodes it again, so that no encoder can
/// make what a decoder refuses.
template <typename Check>
Result<std::size_t> Finish(const ByteWriter& out, Check check) {
  if (!out.ok()) {
    return Status(Code::kResourceExhausted, Reason::kNoRoom);
  }
  if (const Status status = check(out.written()); !status.ok()) {
    return Status(Code::kInvalidArgument, status.reason());
  }
  return out.position();
}

template <typename T>
Result<std::size_t> FinishByDecoding(const ByteWriter& out) {
  return Finish(out, [](std::span<const std::byte> bytes) {
    T again;
    return Decode(bytes, again);
  });
}

}  // namespace trib::package::internal
