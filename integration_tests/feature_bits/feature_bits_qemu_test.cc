#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "run_program.h"
#include "trib/tools/launcher/board.h"
#include "trib/tools/launcher/board_memory.h"
#include "trib/tools/launcher/process.h"

namespace trib::feature_bits {
namespace {

namespace launcher = tools::launcher;

constexpr std::chrono::seconds kPatience{600};

std::string ReadText(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class FeatureBits : public ::testing::TestWithParam<launcher::EmulatedBoard> {
 protected:
  FeatureBits() { std::filesystem::create_directories(folder_); }
  ~FeatureBits() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  const std::filesystem::path folder_ =
      std::filesystem::path(::testing::TempDir()) /
      ("feature_bits_" + std::string(GetParam().name) + "_" + std::to_string(::getpid()));
};

TEST_P(FeatureBits, OfABoardAreThoseOfTheHost) {
  const char* const bin = std::getenv("TRIB_BIN_DIR");
  const auto image =
      launcher::ImagePath(bin == nullptr ? "build/host/bin" : bin, "feature_bits", GetParam().name);
  if (const std::string missing = launcher::MissingFor(image); !missing.empty()) {
    GTEST_SKIP() << "NOT TESTED: " << missing;
  }
  const Output host = RunCommand(HostProgram("O2"));
  ASSERT_EQ(host.exit_code, 0) << host.text;
  const auto memory = folder_ / "memory.img";
  const auto console = folder_ / "console.txt";
  std::string error;
  ASSERT_TRUE(launcher::MakeBlankMemory(GetParam(), memory, error)) << error;
  auto board = launcher::Process::Start(
      {.argv = launcher::EmulatorCommand({.emulator = launcher::FindEmulator().value_or(""),
                                          .board = std::string(GetParam().name),
                                          .image = image,
                                          .memory = memory,
                                          .console = console,
                                          .semihosting = true}),
       .log = folder_ / "emulator.log"},
      error);
  ASSERT_TRUE(board) << error;
  const auto exit = board->Wait(kPatience);
  ASSERT_TRUE(exit) << ReadText(console);
  EXPECT_TRUE(exit->clean()) << exit->Describe() << ": " << board->LastLogLine();
  EXPECT_EQ(ReadText(console), host.text);
}

INSTANTIATE_TEST_SUITE_P(Emulated,
                         FeatureBits,
                         ::testing::ValuesIn(launcher::EmulatedBoards().begin(),
                                             launcher::EmulatedBoards().end()),
                         [](const auto& board) {
                           std::string name(board.param.name);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace trib::feature_bits
