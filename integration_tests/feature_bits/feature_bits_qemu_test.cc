#include <gtest/gtest.h>

#include <string>

#include "run_program.h"

namespace trib::feature_bits {
namespace {

TEST(FeatureBits, CortexM4GivesTheBitsOfTheHost) {
  const std::string qemu = TRIB_QEMU_ARM;
  const std::string image = TRIB_IMAGE;
  if (image.empty()) {
    GTEST_SKIP() << "NOT TESTED: no arm-none-eabi-g++, so there is no image for the board";
  }
  if (qemu.empty()) {
    GTEST_SKIP() << "NOT TESTED: no qemu-system-arm to run the board";
  }
  const Output host = RunCommand(HostProgram("O2"));
  ASSERT_EQ(host.exit_code, 0) << host.text;
  const Output board =
      RunCommand("'" + qemu + "' -M mps2-an386 -display none -monitor none -serial none" +
                 " -semihosting-config enable=on,target=native -kernel '" + image + "'");
  ASSERT_EQ(board.exit_code, 0) << board.text;
  EXPECT_EQ(board.text, host.text);
}

}  // namespace
}  // namespace trib::feature_bits
