// Crashes in the way that the board's memory asks for, and says after the reset what is known of
// it.
//
// The memory's word at kCaseAt is the case. The first boot says "case N expects FROM TO", the range
// in which the program counter must lie, and crashes; the next one says what it was told, then
// "done".
#include <array>
#include <cstdint>

#include "console_checker.h"
#include "trib/common/base/check.h"
#include "trib/node/cortex_m/board.h"
#include "trib/node/cortex_m/ports.h"
#include "trib/node/cortex_m/registers.h"

// Where each case must be found; labels inside the functions that follow.
extern "C" {
extern const std::uint16_t place_hard_fault[];
extern const std::uint16_t place_write_code[];
extern const std::uint16_t place_write_null[];
extern const std::uint16_t place_read_null[];
extern const std::uint16_t place_write_flash[];
extern const std::uint16_t place_read_nowhere[];
extern const std::uint16_t place_undefined[];
extern const std::uint16_t place_division[];
extern const std::uint16_t place_hang[];
extern const std::uint16_t place_hang_masked[];
extern const std::uint16_t place_in_interrupt[];
int main();
}

namespace trib::node::cortex_m {
namespace {

constexpr std::uint32_t kCaseAt = 0x0F0000;
// Within the range of peripherals, where no board has any.
constexpr std::uint32_t kNowhere = 0x5F000000;
constexpr Millis kPatience{300};

// A load or a store that is found at a label. Two bytes each, so that the label is its address.
#define TRIB_STORE_AT(label, address) \
  asm volatile(".global " #label "\n" #label ":\n str %0, [%0]\n" ::"l"(address) : "memory")
#define TRIB_LOAD_AT(label, address) \
  asm volatile(".global " #label "\n" #label ":\n ldr r0, [%0]\n" ::"l"(address) : "r0", "memory")

struct Place {
  const void* from;
  const void* to;  ///< inclusive
};
void Expect(std::uint32_t number, Place place) {
  Console()
      .Text("case ")
      .Number(number)
      .Text(" expects ")
      .Hex(reinterpret_cast<std::uint32_t>(place.from) & ~1U)
      .Text(" ")
      .Hex(reinterpret_cast<std::uint32_t>(place.to) & ~1U)
      .End();
}
void ExpectAt(std::uint32_t number, const std::uint16_t* place) {
  Expect(number, {place, place});
}
void ExpectIn(std::uint32_t number, const void* function, std::uint32_t bytes) {
  Expect(number, {function, static_cast<const char*>(function) + bytes});
}

volatile std::uint32_t depth;

void Keep(const void* memory) {
  asm volatile("" ::"r"(memory) : "memory");
}

// Some words a call.
[[gnu::noinline]] std::uint32_t Recurse(std::uint32_t n) {
  std::array<std::uint32_t, 12> frame{};
  frame[n % 12] = n;
  Keep(&frame);
  return depth == ~0U ? 0 : Recurse(n + 1) + frame[(n + 1) % 12];
}

// Larger than any guard would be: it skips what lies below the stack.
[[gnu::noinline]] std::uint32_t TakeTooMuch(std::uint32_t n) {
  std::array<std::uint32_t, 20'000> frame;
  frame[n] = n;
  Keep(&frame);
  return frame[n] + depth;
}

[[gnu::noinline]] void BreakPromise(std::uint32_t number) {
  TRIB_CHECK(number == 0);
}

class Stumbling final : public InterruptHandler {
 public:
  void OnInterrupt(std::uint32_t /*line*/) override { TRIB_LOAD_AT(place_in_interrupt, 4); }
};

void HardFault(std::uint32_t number) {
  ExpectAt(number, place_hard_fault);
  // Without a debugger there is nobody to take it.
  asm volatile(".global place_hard_fault\nplace_hard_fault:\n bkpt 1\n");
}
void WriteCode(std::uint32_t number) {
  ExpectAt(number, place_write_code);
  TRIB_STORE_AT(place_write_code, reinterpret_cast<std::uint32_t>(place_hard_fault) & ~3U);
}
void WriteNull(std::uint32_t number) {
  ExpectAt(number, place_write_null);
  TRIB_STORE_AT(place_write_null, 16);
}
void ReadNull(std::uint32_t number) {
  ExpectAt(number, place_read_null);
  TRIB_LOAD_AT(place_read_null, 0);
}
void WriteFlash(std::uint32_t number) {
  ExpectAt(number, place_write_flash);
  TRIB_STORE_AT(place_write_flash, this_board::kNonVolatile.base + 0x400000);
}
void RunData(std::uint32_t number) {
  alignas(4) static std::array<std::uint16_t, 2> code = {0x4770, 0x4770};  // bx lr
  Expect(number, {code.data(), code.data()});
  auto* function = reinterpret_cast<void (*)()>(reinterpret_cast<std::uint32_t>(code.data()) | 1U);
  function();
}
void Overflow(std::uint32_t number) {
  ExpectIn(number, reinterpret_cast<const void*>(Recurse), 80);
  depth = Recurse(0);
}
void OverflowAtOnce(std::uint32_t number) {
  // So far outside that nothing says where it was.
  Expect(number, {nullptr, nullptr});
  depth = TakeTooMuch(number);
}
void ReadNowhere(std::uint32_t number) {
  ExpectAt(number, place_read_nowhere);
  TRIB_LOAD_AT(place_read_nowhere, kNowhere);
}
void Undefined(std::uint32_t number) {
  ExpectAt(number, place_undefined);
  asm volatile(".global place_undefined\nplace_undefined:\n udf #1\n");
}
void Divide(std::uint32_t number) {
  ExpectAt(number, place_division);
  asm volatile(".global place_division\nplace_division:\n sdiv r0, %0, %1\n" ::"r"(number), "r"(0)
               : "r0");
}
void PanicCase(std::uint32_t number) {
  ExpectIn(number, reinterpret_cast<const void*>(BreakPromise), 80);
  BreakPromise(number);
}
void Hang(std::uint32_t number) {
  ExpectAt(number, place_hang);
  BoardWatchdog().Start(kPatience);
  asm volatile(".global place_hang\nplace_hang:\n b place_hang\n");
}
void HangMasked(std::uint32_t number) {
  ExpectAt(number, place_hang_masked);
  BoardWatchdog().Start(kPatience);
  asm volatile("cpsid i\n.global place_hang_masked\nplace_hang_masked:\n b place_hang_masked\n");
}
void FaultInInterrupt(std::uint32_t number) {
  ExpectAt(number, place_in_interrupt);
  static constinit Stumbling stumbling;
  Attach(this_board::kLinkUart.receive_line, stumbling);
  Store(scs::kInterruptPending + 4 * (this_board::kLinkUart.receive_line / 32),
        1U << (this_board::kLinkUart.receive_line % 32));
  Barrier();
}
void ResetOnPurpose(std::uint32_t number) {
  Expect(number, {nullptr, nullptr});
  Reset({.cause = ResetCause::kSoftware, .crash = {}});
}
void ResetUnsaid(std::uint32_t number) {
  Expect(number, {nullptr, nullptr});
  Store(scs::kReset, scs::kResetRequest);
  Barrier();
}
/// Fed as it should be for longer than it waits; then it ends as it began.
void FeedTheWatchdog(std::uint32_t number) {
  Expect(number, {nullptr, nullptr});
  BoardWatchdog watchdog;
  timebase::Start();
  watchdog.Start(kPatience);
  const MonotonicTime begin = timebase::Now();
  while (timebase::Now() - begin < 5 * kPatience) {
    watchdog.Feed();
  }
  Reset({.cause = ResetCause::kSoftware, .crash = {}});
}

// In the order of Case in crash_test.cc.
constexpr std::array kCases = {HardFault,
                               WriteCode,
                               WriteNull,
                               ReadNull,
                               WriteFlash,
                               RunData,
                               Overflow,
                               OverflowAtOnce,
                               ReadNowhere,
                               Undefined,
                               Divide,
                               PanicCase,
                               Hang,
                               HangMasked,
                               FaultInInterrupt,
                               ResetOnPurpose,
                               ResetUnsaid,
                               FeedTheWatchdog};

}  // namespace
}  // namespace trib::node::cortex_m

int main() {
  using namespace trib::node::cortex_m;  // NOLINT(google-build-using-namespace): an image's own
  const BootReport& boot = ThisBoot();
  Console()
      .Text("boot cause=")
      .Number(static_cast<unsigned>(boot.cause))
      .Text(" crash=")
      .Number(static_cast<unsigned>(boot.crash.kind))
      .Text(" pc=")
      .Hex(boot.crash.program_counter)
      .Text(" address=")
      .Hex(boot.crash.address)
      .End();
  const std::uint32_t number = Load(this_board::kNonVolatile.base + kCaseAt);
  if (boot.cause == trib::node::ResetCause::kPowerOn && number < kCases.size()) {
    kCases[number](number);
    Console().Text("did not crash").End();
  }
  trib::testing::ConsoleChecker::Done();
}
