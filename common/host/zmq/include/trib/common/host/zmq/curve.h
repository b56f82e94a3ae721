#pragma once

#include <array>
#include <cstddef>

namespace trib::host::zmq {

/// An X25519 public key in its raw form (not Z85).
using CurvePublicKey = std::array<std::byte, 32>;

/// A peer's own X25519 key pair. common/host/identity derives it from a device's Ed25519 keys.
struct CurveKeys {
  CurvePublicKey public_key{};
  std::array<std::byte, 32> secret_key{};
};

/// A fresh pair from the operating system's randomness, e.g. for a client that nobody knows yet.
CurveKeys DrawCurveKeys();

}  // namespace trib::host::zmq
