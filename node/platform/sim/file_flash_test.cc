#include "trib/node/sim/file_flash.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
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
  void TearDown() override {
    std::filesystem::remove(path_);
    std::filesystem::remove(path_.string() + ".new");
  }
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

TEST_F(FileFlashTest, IsReadableByItsOwnerOnly) {
  ASSERT_TRUE(Open().ok()) << error_;
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(FileFlashTest, AKillDuringTheFirstCreationLeavesNothingInTheWay) {
  EXPECT_EXIT(
      {
        // The kernel kills the process in the midst of writing the blank content.
        rlimit most{};
        most.rlim_cur = most.rlim_max = 1000;
        (void)setrlimit(RLIMIT_FSIZE, &most);
        (void)Open();
      },
      ::testing::KilledBySignal(SIGXFSZ),
      "");
  auto flash = Open();
  ASSERT_TRUE(flash.ok()) << error_;
  EXPECT_TRUE((*flash)->created());
  std::vector<std::byte> out(2048);
  ASSERT_TRUE((*flash)->Read(0, out).ok());
  EXPECT_EQ(out, std::vector<std::byte>(2048, std::byte{0xFF}));
  EXPECT_FALSE(std::filesystem::exists(path_.string() + ".new"));
}

}  // namespace
}  // namespace trib::node::sim
