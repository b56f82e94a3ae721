#include "trib/common/host/files/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>

namespace trib::host::files {
namespace {

namespace fs = std::filesystem;

std::span<const std::byte> Bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

class Files : public ::testing::Test {
 protected:
  Files() {
    std::string pattern = (fs::temp_directory_path() / "trib_files_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~Files() override { fs::remove_all(folder_); }

  static std::string Content(const fs::path& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] long Entries() const {
    const fs::directory_iterator files(folder_);
    return std::distance(begin(files), end(files));
  }

  fs::path folder_;
  std::string error_;
};

TEST_F(Files, ANewFileIsNeverWrittenOverAnother) {
  const fs::path path = folder_ / "key";
  ASSERT_TRUE(WriteNew(path, 0600, Bytes("first"), &error_).ok()) << error_;
  EXPECT_EQ(fs::status(path).permissions(), fs::perms(0600));
  EXPECT_EQ(WriteNew(path, 0600, Bytes("second"), &error_).code(), Code::kAlreadyExists);
  EXPECT_EQ(error_, path.string() + ": exists already and is never overwritten");
  EXPECT_EQ(Content(path), "first");
  fs::create_symlink(folder_ / "elsewhere", folder_ / "link");
  EXPECT_EQ(WriteNew(folder_ / "link", 0600, Bytes("x"), nullptr).code(), Code::kAlreadyExists);
  EXPECT_FALSE(fs::exists(folder_ / "elsewhere"));
  EXPECT_EQ(WriteNew(folder_ / "no" / "key", 0600, Bytes("x"), &error_).code(), Code::kUnavailable);
}

TEST_F(Files, AReplacedFileIsWholeAndLeavesNoDraft) {
  const fs::path path = folder_ / "file";
  for (const char* text : {"a longer content", "short"}) {
    ASSERT_TRUE(Replace(path, 0600, Bytes(text), &error_).ok()) << error_;
    EXPECT_EQ(Content(path), text);
    EXPECT_EQ(fs::status(path).permissions(), fs::perms(0600));
  }
  EXPECT_EQ(Replace(folder_ / "no" / "file", 0600, Bytes("x"), &error_).code(), Code::kUnavailable);
  EXPECT_EQ(error_,
            (folder_ / "no" / "file").string() + ": cannot be written: No such file or directory");
  fs::create_directory(folder_ / "taken");
  EXPECT_EQ(Replace(folder_ / "taken", 0600, Bytes("x"), nullptr).code(), Code::kUnavailable);
  EXPECT_EQ(Entries(), 2) << "file and taken";
}

TEST_F(Files, AReaderOfTheOldFileKeepsItsContent) {
  const fs::path path = folder_ / "file";
  ASSERT_TRUE(Replace(path, 0600, Bytes("old"), &error_).ok());
  const auto old = Open(path, &error_);
  ASSERT_TRUE(old.ok()) << error_;
  ASSERT_TRUE(Replace(path, 0600, Bytes("new"), &error_).ok());
  std::array<std::byte, 3> content{};
  const auto size = Read(old->file, path, content, &error_);
  ASSERT_TRUE(size.ok()) << error_;
  EXPECT_TRUE(std::ranges::equal(content, Bytes("old")));
}

TEST_F(Files, ReadingEndsWithTheFileOrWhenFull) {
  const fs::path path = folder_ / "file";
  ASSERT_TRUE(WriteNew(path, 0640, Bytes("12345678"), &error_).ok());
  const auto opened = Open(path, &error_);
  ASSERT_TRUE(opened.ok()) << error_;
  EXPECT_EQ(opened->bytes, 8U);
  EXPECT_EQ(opened->permissions, 0640U);
  std::array<std::byte, 5> content{};
  EXPECT_EQ(Read(opened->file, path, content, &error_).value_or(0), 5U);
  EXPECT_TRUE(std::ranges::equal(content, Bytes("12345")));
  EXPECT_EQ(Read(opened->file, path, content, &error_).value_or(0), 3U);
  EXPECT_EQ(Read(opened->file, path, content, &error_).value_or(9), 0U);
}

TEST_F(Files, OnlyRegularFilesAreOpened) {
  EXPECT_EQ(Open(folder_ / "absent", &error_).status().code(), Code::kNotFound);
  EXPECT_EQ(error_, (folder_ / "absent").string() + ": cannot be read: No such file or directory");
  EXPECT_EQ(Open(folder_, &error_).status().code(), Code::kDataLoss);
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(Open(folder_ / "pipe", &error_).status().code(), Code::kDataLoss)
      << "and nobody had to write to it";
}

}  // namespace
}  // namespace trib::host::files
