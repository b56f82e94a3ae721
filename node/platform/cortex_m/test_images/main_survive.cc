// Counts its boots in flash, a unit each, and says the count and what it drew from its entropy.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "board_flash.h"
#include "console_checker.h"
#include "trib/node/board/seeded_entropy.h"
#include "trib/node/cortex_m/console.h"
#include "trib/node/cortex_m/ports.h"

namespace trib::node::cortex_m {
namespace {

using Unit = std::array<std::byte, board::kProgramUnitBytes>;

std::uint32_t CountBoot(NorFlash& flash) {
  Unit unit{};
  std::uint32_t boots = 0;
  for (;; ++boots) {
    const auto offset = static_cast<std::uint32_t>(boots * unit.size());
    if (!flash.Read(offset, unit).ok()) {
      return 0;
    }
    if (flash.Program(offset, Unit{}).ok()) {
      return boots + 1;
    }
  }
}

}  // namespace
}  // namespace trib::node::cortex_m

int main() {
  using namespace trib::node::cortex_m;  // NOLINT(google-build-using-namespace): an image's own
  namespace board = trib::node::board;
  NonVolatileSwitch write_switch;
  NorFlash flash = FlashOf(board::kFlashArea, board::kFlashSectorBytes, write_switch);
  Console().Text("boots ").Number(CountBoot(flash)).End();
  Console().Text("cause ").Number(static_cast<unsigned>(ThisBoot().cause)).End();

  NorFlash entropy_flash = FlashOf(board::kEntropyArea, board::kEntropySectorBytes, write_switch);
  board::SeededEntropy entropy(entropy_flash);
  std::array<std::byte, 100> drawn{};
  const trib::Status status = entropy.Fill(drawn);
  Console().Text("entropy ").Number(static_cast<unsigned>(status.code())).Text(" ");
  for (const std::byte b : drawn) {
    for (const unsigned half :
         {std::to_integer<unsigned>(b) / 16, std::to_integer<unsigned>(b) % 16}) {
      Console().Text({&"0123456789abcdef"[half], 1});
    }
  }
  Console().End();
  trib::testing::ConsoleChecker::Done();
}
