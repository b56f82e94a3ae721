#include "handlers.h"

#include <array>
#include <cstddef>
#include <cstdint>

#include "trib/common/base/check.h"
#include "trib/node/cortex_m/board.h"
#include "trib/node/cortex_m/console.h"
#include "trib/node/cortex_m/registers.h"
#include "trib/node/cortex_m/system.h"
#include "watchdog_registers.h"

extern "C" {
extern const std::uint32_t image_stack_bottom[];
extern const std::uint32_t image_stack_top[];
extern const std::uint16_t image_text_begin[];
extern const std::uint16_t image_text_end[];
// Named by the assembler below.
TRIB_NOINIT [[gnu::used]] alignas(8) std::uint32_t handler_stack[256];
[[noreturn, gnu::used]] void OnFault(const std::uint32_t* frame, std::uint32_t exception_return);
[[noreturn, gnu::used]] void OnHang(const std::uint32_t* frame);
}

namespace trib::node::cortex_m {
namespace {

// Bits of CFSR.
constexpr std::uint32_t kMemoryFaults = 0xFF;
constexpr std::uint32_t kMemoryStacking = 1U << 4U;
constexpr std::uint32_t kMemoryAddressValid = 1U << 7U;
constexpr std::uint32_t kBusFaults = 0xFF00;
constexpr std::uint32_t kBusStacking = 1U << 12U;
constexpr std::uint32_t kBusAddressValid = 1U << 15U;
constexpr std::uint32_t kUsageFaults = 0xFFFF0000;

// What the core pushes when an exception comes: r0-r3, r12, lr, pc, xpsr.
constexpr std::size_t kFrameWords = 8;
constexpr std::size_t kFrameProgramCounter = 6;
constexpr std::size_t kFloatFrameWords = 26;
constexpr std::uint32_t kFrameWithoutFloats = 1U << 4U;  // of the exception's return value
constexpr std::ptrdiff_t kSmallFrameWords = 512;
// How far below the stack an address still belongs to it.
constexpr std::uint32_t kBelowStack = 1U << 20U;

bool FrameIsWhole(const std::uint32_t* frame) {
  return frame >= image_stack_bottom && frame + kFrameWords <= image_stack_top;
}

std::uint32_t AddressOf(const void* place) {
  return reinterpret_cast<std::uint32_t>(place);
}

/// Whether a call ends right before `place`.
bool FollowsCall(const std::uint16_t* place) {
  if (place < image_text_begin + 2 || place >= image_text_end) {
    return false;
  }
  const bool direct = (place[-2] & 0xF800U) == 0xF000U && (place[-1] & 0xD000U) == 0xD000U;
  const bool indirect = (place[-1] & 0xFF87U) == 0x4780U;
  return direct || indirect;
}

/// The core had no room to say where it was. The stack still holds where its innermost function was
/// called from: the first word that is a return address, seen from where the stack pointer was,
/// which is at most a small frame outside. @returns 0 when it was further: what is found then may
/// be old.
std::uint32_t InnermostReturn(const std::uint32_t* frame, std::uint32_t exception_return) {
  const bool with_floats = (exception_return & kFrameWithoutFloats) == 0;
  const std::uint32_t* pointer = frame + (with_floats ? kFloatFrameWords : kFrameWords);
  if (pointer + kSmallFrameWords < image_stack_bottom) {
    return 0;
  }
  for (const std::uint32_t* word = pointer < image_stack_bottom ? image_stack_bottom : pointer;
       word < image_stack_top;
       ++word) {
    if ((*word & 1U) != 0 && FollowsCall(reinterpret_cast<const std::uint16_t*>(*word - 1))) {
      return *word - 1;
    }
  }
  return 0;
}

Crash Describe(const std::uint32_t* frame, std::uint32_t exception_return) {
  const std::uint32_t status = Load(scs::kFaultStatus);
  const bool stacked = FrameIsWhole(frame) && (status & (kMemoryStacking | kBusStacking)) == 0;
  Crash crash;
  crash.program_counter = stacked ? frame[kFrameProgramCounter] : 0;
  if ((status & kMemoryFaults) != 0) {
    crash.kind = CrashKind::kMemoryFault;
    crash.address = (status & kMemoryAddressValid) != 0 ? Load(scs::kMemoryAddress) : 0;
  } else if ((status & kBusFaults) != 0) {
    crash.kind = CrashKind::kBusFault;
    crash.address = (status & kBusAddressValid) != 0 ? Load(scs::kBusAddress) : 0;
  } else if ((status & kUsageFaults) != 0) {
    crash.kind = CrashKind::kUsageFault;
  } else {
    crash.kind = CrashKind::kHardFault;
  }
  const std::uint32_t bottom = AddressOf(image_stack_bottom);
  const bool below = crash.address < bottom && crash.address >= bottom - kBelowStack;
  if (!stacked || (crash.kind == CrashKind::kMemoryFault && below)) {
    crash.kind = CrashKind::kStackOverflow;
    if (crash.program_counter == 0) {
      crash.program_counter = InnermostReturn(frame, exception_return);
    }
  }
  return crash;
}

}  // namespace

// The stack pointer of the time of the exception and what it would return with, then a stack that
// is whole.
#define TRIB_ENTER_HANDLER(function)            \
  asm volatile(                                 \
      "mrs r0, msp\n"                           \
      "mov r1, lr\n"                            \
      "movw r2, #:lower16:handler_stack+1024\n" \
      "movt r2, #:upper16:handler_stack+1024\n" \
      "mov sp, r2\n"                            \
      "b " #function "\n")

[[gnu::naked]] void FaultHandler() {
  TRIB_ENTER_HANDLER(OnFault);
}

[[gnu::naked]] void HangHandler() {
  TRIB_ENTER_HANDLER(OnHang);
}

}  // namespace trib::node::cortex_m

void OnFault(const std::uint32_t* frame, std::uint32_t exception_return) {
  using namespace trib::node;  // NOLINT(google-build-using-namespace): its own function
  cortex_m::Reset(
      {.cause = ResetCause::kFault, .crash = cortex_m::Describe(frame, exception_return)});
}

// The watchdog's first expiry. Its second one resets the board; nothing is left to wait for.
void OnHang(const std::uint32_t* frame) {
  using namespace trib::node;  // NOLINT(google-build-using-namespace): its own function
  namespace dog = cortex_m::watchdog;
  const bool whole = cortex_m::FrameIsWhole(frame);
  cortex_m::LeaveWords(
      {.cause = ResetCause::kWatchdog,
       .crash = {.kind = CrashKind::kHang,
                 .program_counter = whole ? frame[cortex_m::kFrameProgramCounter] : 0}});
  cortex_m::Barrier();  // the words lie in memory before the reset can come
  cortex_m::Store(dog::kBase + dog::kLock, dog::kUnlock);
  cortex_m::Store(dog::kBase + dog::kLoad, 1);
  for (;;) {
  }
}

namespace trib {

void Panic(const char* file, int line, const char* what) {
  const auto caller = reinterpret_cast<std::uint32_t>(__builtin_return_address(0)) & ~1U;
  node::cortex_m::Console()
      .Text("panic ")
      .Text(file)
      .Text(":")
      .Number(static_cast<std::uint64_t>(line))
      .Text(": ")
      .Text(what)
      .End();
  node::cortex_m::Reset({.cause = node::ResetCause::kFault,
                         .crash = {.kind = node::CrashKind::kPanic, .program_counter = caller}});
}

}  // namespace trib

extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier): named by the compiler and by libsodium.
[[noreturn]] void __cxa_pure_virtual();
void __cxa_pure_virtual() {
  trib::Panic(__FILE__, __LINE__, "a function that no class defines");
}
// NOLINTEND(bugprone-reserved-identifier)
[[noreturn]] void sodium_misuse();
void sodium_misuse() {
  trib::Panic(__FILE__, __LINE__, "a promise to libsodium broken");
}
}
