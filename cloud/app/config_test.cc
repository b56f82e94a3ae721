#include "trib/cloud/app/config.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

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
