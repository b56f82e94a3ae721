#pragma once

#include <cstdint>

#include "trib/common/base/random.h"
#include "trib/common/crypto/crypto.h"

namespace trib::integration {

/// The key of a node of a crowd: drawn from its number, so that a crowd needs no files.
inline crypto::KeyPair CrowdKey(std::uint64_t node) {
  SplitMix64 random(0xC0D0'0000'0000'0000U ^ node);
  crypto::SecretSeed seed;
  for (std::byte& byte : seed.bytes) {
    byte = static_cast<std::byte>(random.Next());
  }
  return crypto::Ed25519KeyPairFromSeed(seed);
}

}  // namespace trib::integration
