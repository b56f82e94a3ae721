// The board's ports under the contracts that every implementation keeps. The other end of the link
// sends back what comes. Says how it went, then "done".
#include <array>
#include <cstddef>
#include <cstdint>

#include "board_flash.h"
#include "console_checker.h"
#include "trib/node/board/seeded_entropy.h"
#include "trib/node/cortex_m/board.h"
#include "trib/node/cortex_m/ports.h"
#include "trib/node/cortex_m/registers.h"
#include "trib/testing/port_contracts.h"

namespace trib::node::cortex_m {
namespace {

constinit std::array<std::byte, 256> receive_memory{};
constinit std::array<std::byte, 512> transmit_memory{};

void TestSleep(BoardPower& power, Uart& link, BoardClock& clock, testing::ConsoleChecker& checker) {
  for (const std::uint32_t control : this_board::kUnusedControls) {
    checker.Expect(Load(control) == 0, "what is unused is off");
  }
  // Nothing comes: it lasts as long as it should, and only the alarm wakes the core.
  const MonotonicTime begin = clock.Monotonic();
  const std::uint32_t wakeups = power.wakeups();
  power.Sleep(Millis(300));
  checker.Expect(clock.Monotonic() - begin >= Millis(300), "sleeps its time");
  checker.Expect(power.wakeups() - wakeups == 1, "sleeps without a tick");
  checker.Expect(power.slept() >= Millis(300), "counts its sleep");
  power.Sleep(Millis(0));
  power.Sleep(Millis(-1));
  checker.Expect(power.wakeups() - wakeups == 1, "does not sleep when it shall not");
  // What comes over the link ends it: nothing else would within the patience of any test.
  const std::byte byte{0x5A};
  checker.Expect(link.Write({&byte, 1}) == 1, "writes a byte");
  power.Sleep(Millis(36'000'000));
  while (link.readable() == 0) {
    power.Sleep(Millis(36'000'000));
  }
  std::byte back{};
  checker.Expect(link.Read({&back, 1}) == 1 && back == byte, "is woken by the link");
}

/// Far more comes than there is room for, and nobody reads: what has no room waits outside.
void TestFullRing(Uart& link, testing::ConsoleChecker& checker) {
  constexpr std::size_t kTotal = 6 * sizeof receive_memory;
  const auto byte_at = [](std::size_t i) { return static_cast<std::byte>(i * 37 + i / 256); };
  std::size_t sent = 0;
  while (sent < kTotal || link.readable() < sizeof receive_memory) {
    if (sent < kTotal) {
      const std::byte byte = byte_at(sent);
      sent += link.Write({&byte, 1});
    }
  }
  std::size_t right = 0;
  for (std::size_t got = 0; got < kTotal;) {
    std::byte byte{};
    if (link.Read({&byte, 1}) == 1) {
      right += byte == byte_at(got) ? 1 : 0;
      ++got;
    }
  }
  checker.Expect(right == kTotal, "a full ring loses nothing");
  checker.Expect(link.overruns() == 0, "no byte is lost outside");
}

void TestActuator(testing::ConsoleChecker& checker) {
  BoardActuator actuator;
  actuator.Set(ActuatorState::kNormal);
  actuator.Set(ActuatorState::kWarn);
  actuator.Set(ActuatorState::kWarn);
  checker.Expect(Load(this_board::kLeds) == 2, "LEDs show the state");
}

}  // namespace
}  // namespace trib::node::cortex_m

int main() {
  using namespace trib::node::cortex_m;  // NOLINT(google-build-using-namespace): an image's own
  namespace board = trib::node::board;
  namespace testing = trib::testing;
  timebase::Start();
  static constinit Uart link(this_board::kLinkUart, receive_memory, transmit_memory);
  link.Start(115'200);
  BoardPower power(link);
  BoardClock clock;
  testing::ConsoleChecker checker;

  checker.Begin("flash");
  NonVolatileSwitch write_switch;
  NorFlash flash = FlashOf(board::kFlashArea, board::kFlashSectorBytes, write_switch);
  testing::RunFlashContract(flash, checker);
  checker.End();

  checker.Begin("entropy");
  NorFlash entropy_flash = FlashOf(board::kEntropyArea, board::kEntropySectorBytes, write_switch);
  board::SeededEntropy entropy(entropy_flash);
  testing::RunEntropyContract(entropy, checker);
  checker.End();

  checker.Begin("clock");
  checker.Expect(!clock.synchronised(), "knows no time before it is told");
  testing::RunClockContract(
      clock, [&](trib::Millis time) { power.Sleep(time); }, checker);
  checker.End();

  checker.Begin("link");
  testing::RunByteStreamContract(
      link, [&] { power.Sleep(trib::Millis(10)); }, checker);
  TestFullRing(link, checker);
  checker.End();

  checker.Begin("sleep");
  TestSleep(power, link, clock, checker);
  checker.End();

  checker.Begin("actuator");
  TestActuator(checker);
  checker.End();
  checker.Done();
}
