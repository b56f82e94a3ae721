#include "trib/tools/launcher/board.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace trib::tools::launcher {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

class BoardReportTest : public ::testing::Test {
 protected:
  ~BoardReportTest() override { std::filesystem::remove(console_); }
  nlohmann::json Report(const std::string& text) {
    std::ofstream(console_) << text;
    return BoardReport(console_);
  }
  std::filesystem::path console_ =
      std::filesystem::path(::testing::TempDir()) / ("console." + std::to_string(::getpid()));
};

TEST_F(BoardReportTest, IsTheNewestWholeLine) {
  EXPECT_EQ(Report(""), nlohmann::json::object());
  EXPECT_EQ(Report("node firmware 0.1.0\nactuator warn\n"), nlohmann::json::object());
  const auto report = Report(
      "status state normal windows 1 trigger 1\nactuator warn\n"
      "done state alarm windows 20 trigger 3 cloud 2\nstatus state nor");
  EXPECT_EQ(report["progress"], "done");
  EXPECT_EQ(report["state"], "alarm");
  EXPECT_EQ(report["windows"], 20);
  EXPECT_EQ(report["exits"]["trigger"], 3);
  EXPECT_EQ(report["exits"]["gateway"], 0);
  EXPECT_EQ(report["exits"]["cloud"], 2);
}

TEST(BoardMachine, IsGivenItsMemoryAndItsWire) {
  BoardMachine machine{.emulator = "/usr/bin/qemu-system-arm",
                       .board = "mps2-an386",
                       .image = "node.bin",
                       .memory = "nvm.img",
                       .console = "console",
                       .serial = "tcp://127.0.0.1:7500"};
  EXPECT_THAT(EmulatorCommand(machine),
              AllOf(Contains(HasSubstr("mps2-an386,memory-backend=nvm")),
                    Contains(HasSubstr("mem-path=nvm.img,size=16777216,share=on")),
                    Contains(HasSubstr("host=127.0.0.1,port=7500,")),
                    Contains("node.bin")));
  machine.board = "mps3-an547";
  EXPECT_THAT(EmulatorCommand(machine), Contains(HasSubstr(",size=2147483648,")));
}

TEST(BoardMachine, ImagesLieInTheBoardsOwnBuilds) {
  EXPECT_EQ(ImagePath("/x/build/host/bin", "node", "mps2-an386"),
            "/x/build/node-m4/bin/node-mps2-an386.bin");
  EXPECT_EQ(ImagePath("/x/build/release/bin", "node-crash-hang", "mps3-an547"),
            "/x/build/node-m55/bin/node-crash-hang-mps3-an547.bin");
}

}  // namespace
}  // namespace trib::tools::launcher
