#include "trib/common/crypto/crypto.h"

#include <sodium.h>

#include <algorithm>
#include <new>

namespace trib::crypto {
namespace {

const unsigned char* In(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* Out(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

static_assert(PublicKey::kSize == crypto_sign_PUBLICKEYBYTES);
static_assert(SecretSeed::kSize == crypto_sign_SEEDBYTES);
static_assert(Signature::kSize == crypto_sign_BYTES);
static_assert(Digest::kSize == crypto_hash_sha512_BYTES);
static_assert(X25519Public::kSize == crypto_scalarmult_curve25519_BYTES);
static_assert(MacKey::kSize == crypto_auth_KEYBYTES);
static_assert(Mac16::kSize <= crypto_auth_BYTES);

// libsodium's 64-byte secret key: seed, then public key.
using ExpandedKey = Secret<struct ExpandedKeyTag, crypto_sign_SECRETKEYBYTES>;

ExpandedKey Expand(const SecretSeed& seed, PublicKey& public_key) {
  ExpandedKey expanded;
  (void)crypto_sign_seed_keypair(Out(public_key.bytes), Out(expanded.bytes), In(seed.bytes));
  return expanded;
}

}  // namespace

void Zero(std::span<std::byte> memory) {
  sodium_memzero(memory.data(), memory.size());
}

bool ConstantTimeEqual(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

Digest Sha512(std::span<const std::byte> message) {
  Digest out;
  (void)crypto_hash_sha512(Out(out.bytes), In(message), message.size());
  return out;
}

Sha512Stream::Sha512Stream() {
  static_assert(sizeof(state_) == sizeof(crypto_hash_sha512_state));
  static_assert(alignof(crypto_hash_sha512_state) <= 8);
  auto* state = new (state_.data()) crypto_hash_sha512_state;
  (void)crypto_hash_sha512_init(state);
}

void Sha512Stream::Update(std::span<const std::byte> piece) {
  auto* state = std::launder(reinterpret_cast<crypto_hash_sha512_state*>(state_.data()));
  (void)crypto_hash_sha512_update(state, In(piece), piece.size());
}

Digest Sha512Stream::Finish() {
  auto* state = std::launder(reinterpret_cast<crypto_hash_sha512_state*>(state_.data()));
  Digest out;
  (void)crypto_hash_sha512_final(state, Out(out.bytes));
  return out;
}

KeyPair Ed25519KeyPairFromSeed(const SecretSeed& seed) {
  KeyPair pair;
  pair.seed = seed;
  (void)Expand(seed, pair.public_key);
  return pair;
}

KeyId KeyIdOf(const PublicKey& key) {
  const Digest digest = Sha512(key.bytes);
  KeyId id;
  std::copy_n(digest.bytes.begin(), KeyId::kSize, id.bytes.begin());
  return id;
}

Signature Ed25519Sign(const SecretSeed& seed, std::span<const std::byte> message) {
  PublicKey public_key;
  const ExpandedKey expanded = Expand(seed, public_key);
  Signature signature;
  (void)crypto_sign_detached(
      Out(signature.bytes), nullptr, In(message), message.size(), In(expanded.bytes));
  return signature;
}

bool Ed25519Verify(const PublicKey& key,
                   std::span<const std::byte> message,
                   const Signature& signature) {
  return crypto_sign_verify_detached(
             In(signature.bytes), In(message), message.size(), In(key.bytes)) == 0;
}

Result<X25519Public> Ed25519ToX25519Public(const PublicKey& key) {
  X25519Public out;
  if (crypto_sign_ed25519_pk_to_curve25519(Out(out.bytes), In(key.bytes)) != 0) {
    return Code::kInvalidArgument;
  }
  return out;
}

X25519Secret Ed25519ToX25519Secret(const SecretSeed& seed) {
  PublicKey public_key;
  const ExpandedKey expanded = Expand(seed, public_key);
  X25519Secret out;
  (void)crypto_sign_ed25519_sk_to_curve25519(Out(out.bytes), In(expanded.bytes));
  return out;
}

Mac16 MakeMac16(const MacKey& key, std::span<const std::byte> message) {
  std::array<std::byte, crypto_auth_BYTES> full;
  (void)crypto_auth(Out(full), In(message), message.size(), In(key.bytes));
  Mac16 out;
  std::copy_n(full.begin(), Mac16::kSize, out.bytes.begin());
  Zero(full);
  return out;
}

bool VerifyMac16(const MacKey& key,
                 std::span<const std::byte> message,
                 std::span<const std::byte> mac) {
  const Mac16 expected = MakeMac16(key, message);
  return ConstantTimeEqual(expected.bytes, mac);
}

}  // namespace trib::crypto
