#pragma once

#include <cstdint>
#include <string_view>

namespace trib {

/// FNV-1a, 64 bits: for choosing and seeding from names; not against an adversary.
constexpr std::uint64_t Fnv1a64(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : text) {
    hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001B3U;
  }
  return hash;
}

}  // namespace trib
