#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/status/result.h"

/// The only door to libsodium. Nothing here draws randomness: seeds come from the Entropy port or,
/// on the host, from common/host/identity.
///
/// Memory   No heap; Ed25519 functions use up to 4 kB of stack.
/// Threads  Everything is re-entrant; one Sha512Stream belongs to one caller.
namespace trib::crypto {

/// Bytes that mean one thing; two kinds do not mix.
template <typename Tag, std::size_t N>
struct Fixed {
  static constexpr std::size_t kSize = N;
  std::array<std::byte, N> bytes{};

  [[nodiscard]] constexpr std::span<const std::byte, N> span() const { return bytes; }
  friend constexpr bool operator==(const Fixed&, const Fixed&) = default;
};

using PublicKey = Fixed<struct PublicKeyTag, 32>;        ///< Ed25519
using Signature = Fixed<struct SignatureTag, 64>;        ///< Ed25519, R then S
using Digest = Fixed<struct DigestTag, 64>;              ///< SHA-512
using X25519Public = Fixed<struct X25519PublicTag, 32>;  ///< Montgomery u, little-endian
using Mac16 = Fixed<struct Mac16Tag, 16>;
/// First eight bytes of the SHA-512 of a public key: names a key in signatures and lists.
using KeyId = Fixed<struct KeyIdTag, 8>;

/// Overwrites memory in a way that the compiler may not leave out.
void Zero(std::span<std::byte> memory);

/// As Fixed, for keys: wiped when it goes, and compared only through ConstantTimeEqual().
template <typename Tag, std::size_t N>
struct Secret {
  static constexpr std::size_t kSize = N;
  std::array<std::byte, N> bytes{};

  Secret() = default;
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  ~Secret() { Zero(bytes); }

  [[nodiscard]] std::span<const std::byte, N> span() const { return bytes; }
};

using SecretSeed = Secret<struct SecretSeedTag, 32>;      ///< RFC 8032 private key: the seed
using X25519Secret = Secret<struct X25519SecretTag, 32>;  ///< clamped scalar
using MacKey = Secret<struct MacKeyTag, 32>;

struct KeyPair {
  SecretSeed seed;
  PublicKey public_key;
};

/// Compares without telling by its timing where the first difference is. Lengths are not secret:
/// unequal lengths are unequal.
bool ConstantTimeEqual(std::span<const std::byte> a, std::span<const std::byte> b);

Digest Sha512(std::span<const std::byte> message);

/// SHA-512 of a message that arrives in pieces. Finish() ends it; a new message needs a new object.
class Sha512Stream {
 public:
  Sha512Stream();
  void Update(std::span<const std::byte> piece);
  Digest Finish();

 private:
  alignas(8) std::array<std::byte, 208> state_;
};

KeyPair Ed25519KeyPairFromSeed(const SecretSeed& seed);
KeyId KeyIdOf(const PublicKey& key);

/// Derives the public key from the seed each time, so that a seed can never sign under a public key
/// that is not its own (which would reveal it).
Signature Ed25519Sign(const SecretSeed& seed, std::span<const std::byte> message);

/// False for a wrong signature and for keys or signatures that are no valid encoding, points of
/// small order included.
bool Ed25519Verify(const PublicKey& key,
                   std::span<const std::byte> message,
                   const Signature& signature);

/// The same key pair in the form that key agreement (CURVE) uses.
/// @returns kInvalidArgument when `key` is no point of the prime-order group.
Result<X25519Public> Ed25519ToX25519Public(const PublicKey& key);
X25519Secret Ed25519ToX25519Secret(const SecretSeed& seed);

/// HMAC-SHA-512, first 16 bytes.
Mac16 MakeMac16(const MacKey& key, std::span<const std::byte> message);
/// Constant time; false when `mac` is not 16 bytes long.
bool VerifyMac16(const MacKey& key,
                 std::span<const std::byte> message,
                 std::span<const std::byte> mac);

}  // namespace trib::crypto
