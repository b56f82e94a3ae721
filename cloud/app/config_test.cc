#include "trib/cloud/app/config.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

#include "trib/common/host/identity/identity.h"

namespace trib::cloud {
namespace {

Status Load(const std::string& text, Config& config, std::vector<std::string>& errors) {
  std::string pattern = (std::filesystem::temp_directory_path() / "trib_conf_XXXXXX").string();
  EXPECT_NE(mkdtemp(pattern.data()), nullptr);
  const std::filesystem::path path = std::filesystem::path(pattern) / "cloud.toml";
  std::ofstream(path) << text;
  const Status status = LoadConfig(path, config, errors);
  std::filesystem::remove_all(pattern);
  return status;
}

TEST(Config, TheShippedFileIsValidAndShowsTheDefaults) {
  const char* source = std::getenv("TRIB_SOURCE_DIR");
  if (source == nullptr) {
    GTEST_SKIP() << "TRIB_SOURCE_DIR is not set: run through ctest";
  }
  const auto path = std::filesystem::path(source) / "deploy" / "cloud.toml";
  Config shipped;
  std::vector<std::string> errors;
  ASSERT_TRUE(LoadConfig(path, shipped, errors).ok()) << ::testing::PrintToString(errors);
  EXPECT_EQ(shipped.key_file, path.parent_path() / "cloud.key");

  // The same file with every default switched on means the same.
  std::ifstream file(path);
  std::string text;
  for (std::string line; std::getline(file, line);) {
    const bool value = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    text += (value ? line.substr(1) : line) + "\n";
  }
  Config spelled;
  ASSERT_TRUE(Load(text, spelled, errors).ok()) << ::testing::PrintToString(errors);
  EXPECT_EQ(spelled.south_bind, shipped.south_bind);
  EXPECT_EQ(spelled.admin_bind, shipped.admin_bind);
  EXPECT_EQ(spelled.credit, shipped.credit);
  EXPECT_EQ(spelled.commit_interval, shipped.commit_interval);
  EXPECT_EQ(spelled.commit_rows, shipped.commit_rows);
  EXPECT_EQ(spelled.max_bytes, shipped.max_bytes);
  EXPECT_EQ(spelled.wal_autocheckpoint_pages, shipped.wal_autocheckpoint_pages);
  EXPECT_EQ(spelled.cache_bytes, shipped.cache_bytes);
  EXPECT_TRUE(spelled.tails.directory.empty() && shipped.tails.directory.empty());
  EXPECT_EQ(spelled.tails.options.batch, shipped.tails.options.batch);
  EXPECT_EQ(spelled.tails.options.deadline, shipped.tails.options.deadline);
  EXPECT_EQ(spelled.retention.undecided, shipped.retention.undecided);
}

TEST(Config, TailsNeedKeysToTrust) {
  const std::string text =
      "key = \"k\"\n[store]\npath = \"c.db\"\n[tails]\ndirectory = \"networks\"\nkeep = \"2d\"\n";
  Config config;
  std::vector<std::string> errors;
  EXPECT_FALSE(Load(text, config, errors).ok());
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_NE(errors[0].find("tails.package_keys"), std::string::npos) << errors[0];
  const std::string key =
      host::identity::ToHex(host::identity::GenerateKeyPair()->public_key.span());
  config = {};
  errors.clear();
  ASSERT_TRUE(Load(text + "package_keys = [\"" + key + "\"]\n", config, errors).ok())
      << ::testing::PrintToString(errors);
  EXPECT_EQ(config.tails.directory.filename(), "networks");
  EXPECT_EQ(config.tails.package_keys.size(), 1U);
  EXPECT_EQ(config.retention.undecided, Millis(std::int64_t{2} * 86'400'000));
}

TEST(Config, MistakesNameTheLineAndTheNearestKey) {
  Config config;
  std::vector<std::string> errors;
  EXPECT_EQ(
      Load("key = \"k\"\n[store]\npaht = \"c.db\"\n[admin]\noperators = [\"zz\"]\n", config, errors)
          .code(),
      Code::kInvalidArgument);
  std::string all;
  for (const std::string& error : errors) {
    all += error + "\n";
  }
  EXPECT_NE(all.find("cloud.toml:3"), std::string::npos) << all;
  EXPECT_NE(all.find("path"), std::string::npos) << all;
  EXPECT_NE(all.find("no public key"), std::string::npos) << all;
}

}  // namespace
}  // namespace trib::cloud
