#include "trib/common/host/identity/identity.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace trib::host::identity {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSeed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
constexpr const char* kPublic = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

class KeyFiles : public testing::Test {
 protected:
  KeyFiles() {
    std::string pattern = (fs::temp_directory_path() / "trib_keys_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~KeyFiles() override { fs::remove_all(folder_); }

  fs::path Put(const char* name, const std::string& text, mode_t mode = 0600) {
    fs::path path = folder_ / name;
    std::ofstream(path) << text;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  static std::string Get(const fs::path& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static mode_t ModeOf(const fs::path& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return info.st_mode & 0777U;
  }
  static std::string Secret(const std::string& seed = kSeed) {
    return "tributary secret key v1\nrole: node\nseed: " + seed + "\n";
  }

  fs::path folder_;
  std::string error_;
};

TEST_F(KeyFiles, SavedPairLoadsAgain) {
  const auto pair = GenerateKeyPair();
  ASSERT_TRUE(pair.ok());
  const fs::path path = folder_ / "node-7";
  ASSERT_TRUE(SaveKeyPair(path, *pair, "node", &error_).ok()) << error_;
  EXPECT_EQ(ModeOf(path), 0600U);
  EXPECT_EQ(ModeOf(folder_ / "node-7.pub"), 0644U);
  const auto loaded = LoadKeyPair(path, &error_);
  ASSERT_TRUE(loaded.ok()) << error_;
  EXPECT_TRUE(crypto::ConstantTimeEqual(loaded->seed.bytes, pair->seed.bytes));
  EXPECT_EQ(loaded->public_key, pair->public_key);
  const auto public_key = LoadPublicKey(folder_ / "node-7.pub", &error_);
  ASSERT_TRUE(public_key.ok()) << error_;
  EXPECT_EQ(*public_key, pair->public_key);
}

TEST_F(KeyFiles, TextIsAsSpecified) {
  crypto::SecretSeed seed;
  ASSERT_TRUE(FromHex(kSeed, seed.bytes).ok());
  const fs::path path = folder_ / "key";
  ASSERT_TRUE(SaveKeyPair(path, crypto::Ed25519KeyPairFromSeed(seed), "node").ok());
  EXPECT_EQ(Get(path), Secret());
  EXPECT_EQ(Get(folder_ / "key.pub"),
            std::string("tributary public key v1\nrole: node\npublic: ") + kPublic + "\n");
}

TEST_F(KeyFiles, TwoGeneratedPairsDiffer) {
  const auto one = GenerateKeyPair();
  const auto two = GenerateKeyPair();
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_NE(one->public_key, two->public_key);
}

TEST_F(KeyFiles, NeverOverwrites) {
  const auto pair = GenerateKeyPair();
  ASSERT_TRUE(pair.ok());
  const fs::path secret = Put("a", "precious");
  EXPECT_EQ(SaveKeyPair(secret, *pair, "node", &error_).code(), Code::kAlreadyExists);
  EXPECT_EQ(Get(secret), "precious");
  EXPECT_NE(error_.find(secret.string()), std::string::npos);

  const fs::path published = Put("b.pub", "precious");
  EXPECT_EQ(SaveKeyPair(folder_ / "b", *pair, "node").code(), Code::kAlreadyExists);
  EXPECT_EQ(Get(published), "precious");
  EXPECT_FALSE(fs::exists(folder_ / "b"));

  fs::create_symlink(folder_ / "elsewhere", folder_ / "c");
  EXPECT_EQ(SaveKeyPair(folder_ / "c", *pair, "node").code(), Code::kAlreadyExists);
  EXPECT_FALSE(fs::exists(folder_ / "elsewhere"));
}

TEST_F(KeyFiles, RefusesASecretThatOthersCanReach) {
  for (const mode_t mode : {0640U, 0604U, 0620U, 0602U, 0610U, 0601U, 0644U, 0666U}) {
    const fs::path path = Put("open", Secret(), mode);
    EXPECT_EQ(LoadKeyPair(path, &error_).status().code(), Code::kPermissionDenied) << mode;
    EXPECT_NE(error_.find("chmod 600"), std::string::npos);
  }
  EXPECT_TRUE(LoadKeyPair(Put("open", Secret(), 0600)).ok());
  EXPECT_TRUE(LoadKeyPair(Put("open", Secret(), 0400)).ok());
}

TEST_F(KeyFiles, RefusesEveryBrokenSecretFile) {
  const std::string good = Secret();
  const std::string broken[] = {
      "",
      "\n",
      "tributary secret key v2\nrole: node\nseed: " + std::string(kSeed) + "\n",
      "tributary secret key v1\nseed: " + std::string(kSeed) + "\n",
      "tributary secret key v1\nrole: \nseed: " + std::string(kSeed) + "\n",
      "tributary secret key v1\nrole: \x01\nseed: " + std::string(kSeed) + "\n",
      Secret(std::string(kSeed).substr(1)),
      Secret(std::string(kSeed) + "0"),
      Secret("g" + std::string(kSeed).substr(1)),
      good + "more\n",
      good + "\n",
      std::string(2000, 'x'),
  };
  for (const auto& text : broken) {
    error_.clear();
    EXPECT_EQ(LoadKeyPair(Put("bad", text), &error_).status().code(), Code::kDataLoss) << text;
    EXPECT_NE(error_.find("bad"), std::string::npos) << text;
    EXPECT_EQ(error_.find(std::string(kSeed).substr(8, 20)), std::string::npos);
  }
  EXPECT_EQ(LoadKeyPair(folder_ / "absent", &error_).status().code(), Code::kNotFound);
  EXPECT_EQ(LoadKeyPair(folder_, &error_).status().code(), Code::kDataLoss);
}

TEST_F(KeyFiles, ToldApartFromEachOther) {
  const auto path = Put("key", Secret());
  EXPECT_EQ(LoadPublicKey(path, &error_).status().code(), Code::kDataLoss);
  EXPECT_NE(error_.find("is a secret key file; give the public one"), std::string::npos) << error_;
  // The mode of a public file is as it should be: the mistake is another.
  const auto pair = GenerateKeyPair();
  ASSERT_TRUE(pair.ok());
  ASSERT_TRUE(SavePublicKey(folder_ / "open.pub", pair->public_key, "node").ok());
  EXPECT_EQ(LoadKeyPair(folder_ / "open.pub", &error_).status().code(), Code::kDataLoss);
  EXPECT_NE(error_.find("is a public key file; give the secret one"), std::string::npos) << error_;
}

TEST_F(KeyFiles, RefusesASecretBesideAForeignPublicKey) {
  const auto other = GenerateKeyPair();
  ASSERT_TRUE(other.ok());
  const auto path = Put("key", Secret());
  ASSERT_TRUE(SavePublicKey(folder_ / "key.pub", other->public_key, "node").ok());
  EXPECT_EQ(LoadKeyPair(path, &error_).status().code(), Code::kDataLoss);
  EXPECT_NE(error_.find("is not the public key of"), std::string::npos);
}

TEST_F(KeyFiles, RefusesAPublicKeyThatIsNoPoint) {
  const auto path =
      Put("zero.pub", "tributary public key v1\nrole: x\npublic: " + std::string(64, '0') + "\n");
  EXPECT_EQ(LoadPublicKey(path).status().code(), Code::kDataLoss);
  EXPECT_EQ(ParsePublicKeyHex(std::string(64, '0')).status().code(), Code::kInvalidArgument);
}

TEST_F(KeyFiles, KeyArgumentIsHexOrAPath) {
  const auto path =
      Put("k.pub", std::string("tributary public key v1\nrole: x\npublic: ") + kPublic);
  const auto by_path = ParsePublicKeyArgument(path.string(), &error_);
  const auto by_hex = ParsePublicKeyArgument(kPublic, &error_);
  ASSERT_TRUE(by_path.ok() && by_hex.ok()) << error_;
  EXPECT_EQ(*by_path, *by_hex);
  EXPECT_EQ(ParsePublicKeyArgument("nowhere.pub", &error_).status().code(), Code::kNotFound);
}

TEST(Hex, RoundTripsAndRefusesOthers) {
  const std::array<std::byte, 3> bytes = {std::byte{0x00}, std::byte{0x9F}, std::byte{0xFF}};
  EXPECT_EQ(ToHex(bytes), "009fff");
  std::array<std::byte, 3> back{};
  EXPECT_TRUE(FromHex("009FfF", back).ok());
  EXPECT_EQ(back, bytes);
  EXPECT_FALSE(FromHex("009ff", back).ok());
  EXPECT_FALSE(FromHex("009fff0", back).ok());
  EXPECT_FALSE(FromHex("0x9fff", back).ok());
}

TEST(Curve, PublicHalfFollowsFromTheEnrolledKeyAlone) {
  const auto pair = GenerateKeyPair();
  ASSERT_TRUE(pair.ok());
  const auto from_public = ToCurve(pair->public_key);
  ASSERT_TRUE(from_public.ok());
  EXPECT_EQ(ToCurve(*pair).public_key, *from_public);
}

}  // namespace
}  // namespace trib::host::identity
