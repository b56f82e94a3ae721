#include "trib/testing/shared_data.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace trib::testing {
namespace {

class SharedData : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = std::filesystem::temp_directory_path() /
            ("trib_shared_data_test." + std::to_string(::getpid()));
    std::filesystem::create_directories(root_ / "tree" / "deep");
    for (const char* name : {"TRIB_SHARED", "TRIB_SOURCE_DIR"}) {
      if (const char* value = std::getenv(name)) {
        saved_.emplace_back(name, value);
      }
      ::unsetenv(name);
    }
    working_dir_ = std::filesystem::current_path();
  }
  void TearDown() override {
    std::filesystem::current_path(working_dir_);
    ::unsetenv("TRIB_SHARED");
    ::unsetenv("TRIB_SOURCE_DIR");
    for (const auto& [name, value] : saved_) {
      ::setenv(name.c_str(), value.c_str(), 1);
    }
    std::filesystem::remove_all(root_);
  }

  std::filesystem::path root_;
  std::filesystem::path working_dir_;
  std::vector<std::pair<std::string, std::string>> saved_;
};

TEST_F(SharedData, TakesTheEnvironmentsWordOnlyWhenItHoldsData) {
  ::setenv("TRIB_SHARED", root_.c_str(), 1);
  EXPECT_FALSE(SharedDir().has_value());
  std::filesystem::create_directory(root_ / "oracles");
  EXPECT_EQ(SharedDir(), root_);
}

TEST_F(SharedData, LooksBesideTheSourceTree) {
  ::setenv("TRIB_SOURCE_DIR", (root_ / "tree").c_str(), 1);
  std::filesystem::create_directories(root_ / "shared" / "data");
  EXPECT_EQ(SharedDir(), root_ / "shared");
}

TEST_F(SharedData, WalksUpFromTheWorkingDirectory) {
  std::filesystem::create_directories(root_ / "shared" / "docs");
  std::filesystem::current_path(root_ / "tree" / "deep");
  EXPECT_EQ(SharedDir(), std::filesystem::canonical(root_) / "shared");
}

}  // namespace
}  // namespace trib::testing
