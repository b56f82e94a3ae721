// Draws from libsodium's generator, which no board has: must not link.
#include <sodium.h>

#include <array>

int main() {
  std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> public_key{};
  std::array<unsigned char, crypto_sign_SECRETKEYBYTES> secret_key{};
  return crypto_sign_keypair(public_key.data(), secret_key.data());
}
