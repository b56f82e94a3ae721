#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "trib/common/base/check.h"
#include "trib/common/message/limits.h"

// What both codecs of this module share.
namespace trib::host::message::internal {

using Digest = std::array<std::byte, trib::message::kDigestBytes>;

inline std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

inline std::string_view AsText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A digest travels as 32 bytes, or not at all when it is zero.
inline std::string DigestToText(const Digest& digest) {
  return digest == Digest{} ? std::string() : std::string(AsText(digest));
}

inline Digest DigestFromText(std::string_view text) {
  Digest digest{};
  const auto bytes = AsBytes(text);
  TRIB_CHECK(bytes.size() <= digest.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    digest[i] = bytes[i];
  }
  return digest;
}

/// Serialised by our own caller's promise: see Requires in codec.h.
template <typename Proto>
std::string Serialise(const Proto& message) {
  std::string out;
  TRIB_CHECK(message.SerializeToString(&out));
  return out;
}

/// False only if libprotobuf refuses what the byte law allows, which the differential test and the
/// fuzz targets look for.
template <typename Proto>
bool Parse(std::string_view bytes, Proto& message) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace trib::host::message::internal
