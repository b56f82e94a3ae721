#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "trib/tools/launcher/board.h"
#include "trib/tools/launcher/board_memory.h"
#include "trib/tools/launcher/process.h"

/// What tests of images share: one board with a memory and a console of its own.
namespace trib::node::cortex_m {

namespace launcher = tools::launcher;

// Nothing takes a tenth of it; a busy machine may.
inline constexpr std::chrono::seconds kEmulatorPatience{120};

class EmulatedBoardTest : public ::testing::TestWithParam<launcher::EmulatedBoard> {
 protected:
  EmulatedBoardTest() {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    std::string name = std::string(info->test_suite_name()) + "." + info->name();
    std::replace(name.begin(), name.end(), '/', '_');
    folder_ = std::filesystem::path(::testing::TempDir()) / (name + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    std::string error;
    EXPECT_TRUE(launcher::MakeBlankMemory(GetParam(), memory(), error)) << error;
  }
  ~EmulatedBoardTest() override {
    PowerOff();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  [[nodiscard]] static std::filesystem::path Image(const std::string& name) {
    const char* const bin = std::getenv("TRIB_BIN_DIR");
    return launcher::ImagePath(bin == nullptr ? "build/host/bin" : bin, name, GetParam().name);
  }
  [[nodiscard]] static std::string Missing(const std::string& name) {
    return launcher::MissingFor(Image(name));
  }
  void PowerOn(const std::string& image, const std::string& serial = "", bool semihosting = false) {
    std::filesystem::remove(console());
    std::string error;
    board_ = launcher::Process::Start(
        {.argv = launcher::EmulatorCommand({.emulator = launcher::FindEmulator().value_or(""),
                                            .board = std::string(GetParam().name),
                                            .image = Image(image),
                                            .memory = memory(),
                                            .console = console(),
                                            .serial = serial,
                                            .semihosting = semihosting,
                                            .counted_time = counted_time_}),
         .log = folder_ / "emulator.log"},
        error);
    ASSERT_TRUE(board_) << error;
  }
  /// As kill -9 of the emulator: what is not in the memory's file is gone.
  void PowerOff() { board_.reset(); }

  /// Waits for a line "done". @returns all lines so far.
  std::vector<std::string> LinesUntilDone() {
    std::vector<std::string> lines;
    const auto done = [&] {
      lines = Lines();
      return (!lines.empty() && lines.back() == "done") || board_->Poll().has_value();
    };
    EXPECT_TRUE(launcher::WaitUntil(done, kEmulatorPatience)) << Text();
    EXPECT_FALSE(board_->Poll().has_value())
        << board_->Poll()->Describe() << ": " << board_->LastLogLine() << "\n"
        << Text();
    return lines;
  }
  [[nodiscard]] std::string Text() const {
    std::ostringstream text;
    text << std::ifstream(console()).rdbuf();
    return text.str();
  }
  /// Whole ones.
  [[nodiscard]] std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    std::istringstream in(Text());
    for (std::string line; std::getline(in, line) && !in.eof();) {
      lines.push_back(line);
    }
    return lines;
  }
  [[nodiscard]] std::filesystem::path memory() const { return folder_ / "memory.img"; }
  [[nodiscard]] std::filesystem::path console() const { return folder_ / "console.txt"; }

  bool counted_time_ = false;
  std::optional<launcher::Process> board_;
  std::filesystem::path folder_;
};

inline std::string BoardName(const ::testing::TestParamInfo<launcher::EmulatedBoard>& info) {
  std::string name(info.param.name);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

}  // namespace trib::node::cortex_m

/// First in a test body.
#define TRIB_IMAGE_OR_SKIP(image)                                   \
  if (const std::string missing = Missing(image); !missing.empty()) \
  GTEST_SKIP() << "NOT TESTED: " << missing
