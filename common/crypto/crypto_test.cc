#include "trib/common/crypto/crypto.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace trib::crypto {
namespace {

std::vector<std::byte> Hex(std::string_view text) {
  std::vector<std::byte> out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    out.push_back(static_cast<std::byte>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

std::span<const std::byte> Text(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

template <typename T>
T From(std::string_view hex) {
  T out;
  const auto bytes = Hex(hex);
  EXPECT_EQ(bytes.size(), T::kSize);
  std::copy(bytes.begin(), bytes.end(), out.bytes.begin());
  return out;
}

// RFC 8032, section 7.1.
struct Vector {
  const char* seed;
  const char* public_key;
  const char* message;
  const char* signature;
};
constexpr Vector kRfc8032[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
     "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "4"
     "6bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
     "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d"
     "8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
     "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "6"
     "594a7c15e9716ed28dc027beceea1ec40a"},
};

TEST(Ed25519, MatchesRfc8032) {
  for (const Vector& v : kRfc8032) {
    const auto seed = From<SecretSeed>(v.seed);
    const auto message = Hex(v.message);
    const auto signature = From<Signature>(v.signature);
    EXPECT_EQ(Ed25519KeyPairFromSeed(seed).public_key, From<PublicKey>(v.public_key));
    EXPECT_EQ(Ed25519Sign(seed, message), signature);
    EXPECT_TRUE(Ed25519Verify(From<PublicKey>(v.public_key), message, signature));
  }
}

TEST(Ed25519, RefusesEveryFlippedBit) {
  const auto key = From<PublicKey>(kRfc8032[2].public_key);
  const auto message = Hex(kRfc8032[2].message);
  const auto good = From<Signature>(kRfc8032[2].signature);
  for (std::size_t bit = 0; bit < 512; ++bit) {
    Signature bad = good;
    bad.bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_FALSE(Ed25519Verify(key, message, bad)) << bit;
  }
  for (std::size_t bit = 0; bit < 16; ++bit) {
    auto changed = message;
    changed[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_FALSE(Ed25519Verify(key, changed, good)) << bit;
  }
}

TEST(Ed25519, RefusesASmallOrderKey) {
  // The neutral element: every message has a "signature" under it in a careless verifier.
  PublicKey neutral;
  neutral.bytes[0] = std::byte{1};
  Signature forged;
  forged.bytes[0] = std::byte{1};
  EXPECT_FALSE(Ed25519Verify(neutral, Text("anything"), forged));
  EXPECT_EQ(Ed25519ToX25519Public(neutral).status().code(), Code::kInvalidArgument);
}

TEST(Sha512, MatchesFips180) {
  const auto abc = From<Digest>(
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3fe"
      "eb"
      "bd454d4423643ce80e2a9ac94fa54ca49f");
  EXPECT_EQ(Sha512(Text("abc")), abc);
  Sha512Stream stream;
  stream.Update(Text("a"));
  stream.Update({});
  stream.Update(Text("bc"));
  EXPECT_EQ(stream.Finish(), abc);
}

TEST(Sha512, StreamEqualsOneShotAtEverySplit) {
  std::vector<std::byte> message(300);
  for (std::size_t i = 0; i < message.size(); ++i) {
    message[i] = static_cast<std::byte>(i * 7);
  }
  const Digest whole = Sha512(message);
  for (std::size_t cut = 0; cut <= message.size(); ++cut) {
    Sha512Stream stream;
    stream.Update(std::span(message).first(cut));
    stream.Update(std::span(message).subspan(cut));
    EXPECT_EQ(stream.Finish(), whole) << cut;
  }
}

TEST(KeyId, IsTheStartOfTheKeysDigest) {
  const auto key = From<PublicKey>(kRfc8032[0].public_key);
  const Digest digest = Sha512(key.bytes);
  EXPECT_EQ(std::memcmp(KeyIdOf(key).bytes.data(), digest.bytes.data(), 8), 0);
}

TEST(X25519, SecretIsTheClampedHashOfTheSeed) {
  // RFC 8032 section 5.1.5 and RFC 7748 section 5 use the same scalar.
  const auto seed = From<SecretSeed>(kRfc8032[1].seed);
  Digest expected = Sha512(seed.bytes);
  expected.bytes[0] &= std::byte{248};
  expected.bytes[31] &= std::byte{127};
  expected.bytes[31] |= std::byte{64};
  const X25519Secret secret = Ed25519ToX25519Secret(seed);
  EXPECT_TRUE(ConstantTimeEqual(secret.bytes, std::span(expected.bytes).first(32)));
}

TEST(X25519, PublicOfTheEd25519BasePointIsNine) {
  // y = 4/5 on the Edwards curve is u = 9 on the Montgomery curve.
  auto base = From<PublicKey>("5866666666666666666666666666666666666666666666666666666666666666");
  const auto converted = Ed25519ToX25519Public(base);
  ASSERT_TRUE(converted.ok());
  EXPECT_EQ(*converted,
            From<X25519Public>("0900000000000000000000000000000000000000000000000000000000000000"));
}

TEST(Mac16, IsTruncatedHmacSha512) {
  // RFC 4231 test case 1 has a 20-byte key; zero-padding a key to 32 bytes leaves HMAC unchanged.
  MacKey key;
  for (std::size_t i = 0; i < 20; ++i) {
    key.bytes[i] = std::byte{0x0b};
  }
  const Mac16 mac = MakeMac16(key, Text("Hi There"));
  EXPECT_EQ(mac, From<Mac16>("87aa7cdea5ef619d4ff0b4241a1d6cb0"));
  EXPECT_TRUE(VerifyMac16(key, Text("Hi There"), mac.bytes));
  EXPECT_FALSE(VerifyMac16(key, Text("Hi there"), mac.bytes));
  EXPECT_FALSE(VerifyMac16(key, Text("Hi There"), std::span(mac.bytes).first(15)));
  EXPECT_FALSE(VerifyMac16(key, Text("Hi There"), {}));
}

TEST(Zero, WipesAllAndOnlyTheMemoryGiven) {
  std::array<std::byte, 40> memory;
  memory.fill(std::byte{0xA5});
  Zero(std::span(memory).subspan(4, 32));
  for (std::size_t i = 0; i < memory.size(); ++i) {
    EXPECT_EQ(memory[i], i >= 4 && i < 36 ? std::byte{0} : std::byte{0xA5}) << i;
  }
}

TEST(ConstantTimeEqual, ComparesLengthAndContent) {
  EXPECT_TRUE(ConstantTimeEqual(Text("abc"), Text("abc")));
  EXPECT_FALSE(ConstantTimeEqual(Text("abc"), Text("abd")));
  EXPECT_FALSE(ConstantTimeEqual(Text("abc"), Text("ab")));
  EXPECT_TRUE(ConstantTimeEqual({}, {}));
}

}  // namespace
}  // namespace trib::crypto
