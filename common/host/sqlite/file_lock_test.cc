#include "trib/common/host/sqlite/file_lock.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

namespace trib::host::sqlite {
namespace {

class FileLockTest : public ::testing::Test {
 protected:
  FileLockTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "trib_lock_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    path_ = (folder_ / "store.db").string();
  }
  ~FileLockTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
  std::string path_;
};

TEST_F(FileLockTest, ASecondHolderIsRefusedUntilTheFirstIsGone) {
  {
    auto first = FileLock::Take(path_);
    ASSERT_TRUE(first.ok());
    const FileLock kept = *std::move(first);
    std::string error;
    EXPECT_EQ(FileLock::Take(path_, &error).status().code(), Code::kFailedPrecondition);
    EXPECT_EQ(error, path_ + ": in use by another process");
    EXPECT_TRUE(FileLock::Take(path_ + "2").ok()) << "another database is free";
  }
  EXPECT_TRUE(FileLock::Take(path_).ok());
}

TEST_F(FileLockTest, AKilledHolderLeavesNothingBehindThatMatters) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto held = FileLock::Take(path_);
    (void)!::write(ready[1], held.ok() ? "y" : "n", 1);
    while (true) {
      ::pause();
    }
  }
  char answer = 0;
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  EXPECT_FALSE(FileLock::Take(path_).ok());
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(FileLock::Take(path_).ok());
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(FileLockTest, AFolderThatIsNotThereIsNamed) {
  std::string error;
  EXPECT_EQ(FileLock::Take((folder_ / "no" / "store.db").string(), &error).status().code(),
            Code::kUnavailable);
  EXPECT_NE(error.find("store.db.lock: No such file or directory"), std::string::npos) << error;
}

}  // namespace
}  // namespace trib::host::sqlite
