#include "trib/node/sim/board_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "trib/testing/contracts.h"

namespace trib::node::sim {
namespace {

using ::testing::HasSubstr;

class BoardFileTest : public ::testing::Test {
 protected:
  ~BoardFileTest() override { std::filesystem::remove(path_); }
  /// A file of holes.
  void Make(std::uint64_t bytes) {
    std::ofstream(path_).close();
    std::filesystem::resize_file(path_, bytes);
  }

  std::filesystem::path path_ =
      std::filesystem::path(::testing::TempDir()) / ("board." + std::to_string(::getpid()));
  std::string error_;
};

TEST_F(BoardFileTest, KnowsTheBoardByTheSizeOfItsFile) {
  for (const board::MemoryFile& layout : board::kMemoryFiles) {
    Make(layout.bytes);
    const auto file = BoardFile::Open(path_, error_);
    ASSERT_TRUE(file.ok()) << error_;
    EXPECT_EQ((*file)->board(), layout.board);
    EXPECT_EQ((*file)->memory().size(), board::kMemoryBytes);
    (*file)->writable(board::kIdentityArea)[3] = std::byte{0x5A};
    std::ifstream in(path_, std::ios::binary);
    in.seekg(static_cast<std::streamoff>(layout.offset + board::kIdentityArea.offset + 3));
    EXPECT_EQ(in.get(), 0x5A);
  }
}

TEST_F(BoardFileTest, RefusesWhatIsNoBoardsMemoryOrInUse) {
  EXPECT_EQ(BoardFile::Open(path_, error_).status().code(), Code::kNotFound);
  Make(4096);
  EXPECT_EQ(BoardFile::Open(path_, error_).status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(error_, HasSubstr("is 4096 bytes"));
  Make(board::kMemoryFiles[0].bytes);
  const auto held = BoardFile::Open(path_, error_);
  ASSERT_TRUE(held.ok());
  EXPECT_EQ(BoardFile::Open(path_, error_).status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(error_, HasSubstr("in use"));
}

TEST(MappedFlash, KeepsTheContract) {
  std::vector<std::byte> memory(4 * 512, std::byte{0x11});
  MappedFlash flash(memory, {.sector_bytes = 512, .sector_count = 4, .program_unit_bytes = 8});
  EXPECT_FALSE(flash.blank());
  ASSERT_TRUE(flash.Erase(SectorIndex(0), 4).ok());
  EXPECT_TRUE(flash.blank());
  testing::RunFlashContract(flash);
}

}  // namespace
}  // namespace trib::node::sim
