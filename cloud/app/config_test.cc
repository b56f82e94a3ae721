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
  EXPECT_EQ(spelled.retention.drift, shipped.retention.drift);
  EXPECT_EQ(spelled.drift.enabled, shipped.drift.enabled);
  EXPECT_EQ(spelled.drift.look, shipped.drift.look);
  EXPECT_EQ(spelled.drift.grace, shipped.drift.grace);
  EXPECT_TRUE(spelled.drift.packages.empty() && shipped.drift.packages.empty());
  const drift::Options& options = spelled.drift.options;
  EXPECT_EQ(options.block, shipped.drift.options.block);
  EXPECT_EQ(options.week, shipped.drift.options.week);
  EXPECT_EQ(options.budget_per_week, shipped.drift.options.budget_per_week);
  EXPECT_EQ(options.reference_blocks, shipped.drift.options.reference_blocks);
  EXPECT_EQ(options.min_windows, shipped.drift.options.min_windows);
  EXPECT_EQ(options.min_psi, shipped.drift.options.min_psi);
}

TEST(Config, DriftSaysWhatCannotBe) {
  const std::string store = "key = \"k\"\n[store]\npath = \"c.db\"\n";
  const auto mistake = [&](const std::string& drift) {
    Config config;
    std::vector<std::string> errors;
    (void)Load(store + "[drift]\n" + drift, config, errors);
    return errors.size() == 1 ? errors[0] : ::testing::PrintToString(errors);
  };
  EXPECT_NE(mistake("block = \"8d\"\n").find("drift.week"), std::string::npos);
  EXPECT_NE(mistake("block = \"10ms\"\n").find("drift.block"), std::string::npos);
  EXPECT_NE(mistake("reference_blocks = 3\n").find("4 to 400"), std::string::npos);
  EXPECT_NE(mistake("budget_per_week = 0\n").find("budget_per_week"), std::string::npos);
  EXPECT_NE(mistake("sum_part = -1\n").find("sum_part"), std::string::npos);
  EXPECT_NE(mistake("embedding_part = 1.5\n").find("embedding_part"), std::string::npos);
  EXPECT_NE(mistake("packages = \"p\"\n").find("tails.package_keys"), std::string::npos);

  Config config;
  std::vector<std::string> errors;
  ASSERT_TRUE(Load(store + "[drift]\nblock = \"10s\"\nweek = \"70s\"\nlook = \"1s\"\n"
                           "budget_per_week = 2\nreference_blocks = 6\n",
                   config,
                   errors)
                  .ok())
      << ::testing::PrintToString(errors);
  EXPECT_EQ(config.drift.options.block, Millis(10'000));
  EXPECT_EQ(ReferenceBlocksNeeded(config.drift.options), 7U);
  EXPECT_EQ(ReferenceBlocksNeeded({}), 14U) << "as the decision says";
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
