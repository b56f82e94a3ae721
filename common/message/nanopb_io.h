#pragma once

#include <pb_decode.h>
#include <pb_encode.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/base/fixed_vector.h"
#include "trib/common/message/codec.h"

// What both codecs of this module do with nanopb.
namespace trib::message::internal {

inline pb_ostream_t OutputTo(std::span<std::byte> out) {
  return pb_ostream_from_buffer(reinterpret_cast<pb_byte_t*>(out.data()), out.size());
}

inline pb_istream_t InputFrom(std::span<const std::byte> bytes) {
  return pb_istream_from_buffer(reinterpret_cast<const pb_byte_t*>(bytes.data()), bytes.size());
}

/// Encode callback of a bytes field; `*arg` is the span to write.
inline bool WriteSpan(pb_ostream_t* stream, const pb_field_t* field, void* const* arg) {
  const auto& bytes = *static_cast<const std::span<const std::byte>*>(*arg);
  return pb_encode_tag_for_field(stream, field) &&
         pb_encode_string(stream, reinterpret_cast<const pb_byte_t*>(bytes.data()), bytes.size());
}

/// Decode callback of a bytes field; `*arg` is the span to point at the bytes. The state of a
/// stream over memory is the address of its next byte.
inline bool BorrowSpan(pb_istream_t* stream, const pb_field_t* /*field*/, void** arg) {
  auto& bytes = *static_cast<std::span<const std::byte>*>(*arg);
  bytes = {static_cast<const std::byte*>(stream->state), stream->bytes_left};
  return pb_read(stream, nullptr, stream->bytes_left);
}

inline pb_callback_t Writing(const std::span<const std::byte>& bytes) {
  pb_callback_t callback{};
  callback.funcs.encode = &WriteSpan;
  callback.arg = const_cast<std::span<const std::byte>*>(&bytes);
  return callback;
}

inline pb_callback_t Borrowing(std::span<const std::byte>& bytes) {
  pb_callback_t callback{};
  callback.funcs.decode = &BorrowSpan;
  callback.arg = &bytes;
  return callback;
}

/// A nanopb bounded array from ours, and back. Bounds were checked by the byte law.
template <typename T, std::size_t N>
pb_size_t CopyTo(T (&to)[N], std::span<const T> from) {
  const std::size_t count = std::min(N, from.size());
  std::copy_n(from.data(), count, to);
  return static_cast<pb_size_t>(count);
}
template <typename T, std::size_t N>
void CopyFrom(FixedVector<T, N>& to, const T* from, pb_size_t count) {
  (void)to.assign({from, count});
}

/// A digest travels as 32 bytes, or not at all when it is zero.
template <typename PbBytes>
void CopyDigestTo(PbBytes& to, const std::array<std::byte, kDigestBytes>& from) {
  const bool zero =
      std::all_of(from.begin(), from.end(), [](std::byte b) { return b == std::byte{0}; });
  to.size = zero ? 0 : static_cast<pb_size_t>(kDigestBytes);
  std::copy_n(reinterpret_cast<const pb_byte_t*>(from.data()), to.size, to.bytes);
}
template <typename PbBytes>
void CopyDigestFrom(std::array<std::byte, kDigestBytes>& to, const PbBytes& from) {
  to = {};
  std::copy_n(from.bytes, from.size, reinterpret_cast<pb_byte_t*>(to.data()));
}

/// What is encoded also decodes: an unlawful value is the caller's mistake.
inline Status Encoded(Status lawful) {
  return lawful.ok() ? lawful : Status(Code::kInvalidArgument, lawful.reason());
}

}  // namespace trib::message::internal
