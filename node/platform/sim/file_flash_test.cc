#include "trib/node/sim/file_flash.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "trib/testing/contracts.h"

namespace trib::node::sim {
namespace {

class FileFlashTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::temp_directory_path() /
            ("trib_flash_" + std::to_string(getpid()) + "_" +
             ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove(path_);
  }
  void TearDown() override { std::filesystem::remove(path_); }
  Result<std::unique_ptr<FileFlash>> Open() {
    return FileFlash::Open(
        path_,
        {.geometry = {.sector_bytes = 512, .sector_count = 4, .program_unit_bytes = 8},
         .sync = false},
        error_);
  }
  std::filesystem::path path_;
  std::string error_;
};

TEST_F(FileFlashTest, KeepsTheFlashContract) {
  auto flash = Open();
  ASSERT_TRUE(flash.ok()) << error_;
  EXPECT_TRUE((*flash)->created());
  trib::testing::RunFlashContract(**flash);
}

TEST_F(FileFlashTest, KeepsItsContentsWhenOpenedAgain) {
  const std::vector<std::byte> data(16, std::byte{0x5A});
  {
    auto flash = Open();
    ASSERT_TRUE(flash.ok());
    ASSERT_TRUE((*flash)->Program(512, data).ok());
  }
  auto flash = Open();
  ASSERT_TRUE(flash.ok());
  EXPECT_FALSE((*flash)->created());
  std::vector<std::byte> out(16);
  ASSERT_TRUE((*flash)->Read(512, out).ok());
  EXPECT_EQ(out, data);
}

TEST_F(FileFlashTest, IsHeldByOneOwner) {
  auto flash = Open();
  ASSERT_TRUE(flash.ok());
  EXPECT_EQ(Open().status().code(), Code::kFailedPrecondition);
  EXPECT_NE(error_.find("in use"), std::string::npos);
}

TEST_F(FileFlashTest, RefusesAFileOfAnotherSize) {
  std::ofstream(path_) << "something else";
  EXPECT_EQ(Open().status().code(), Code::kFailedPrecondition);
  EXPECT_NE(error_.find("14 bytes"), std::string::npos);
}

}  // namespace
}  // namespace trib::node::sim
