// From the reset vector to main().
#include <array>
#include <cstddef>
#include <cstdint>

#include "handlers.h"
#include "mpu.h"
#include "trib/common/base/check.h"
#include "trib/node/cortex_m/board.h"
#include "trib/node/cortex_m/console.h"
#include "trib/node/cortex_m/registers.h"
#include "trib/node/cortex_m/system.h"

using StartFunction = void (*)();

extern "C" {
extern const StartFunction image_vectors[];
extern const StartFunction image_init_begin[];
extern const StartFunction image_init_end[];
extern const std::uint32_t image_data_load[];
extern std::uint32_t image_data_begin[];
extern std::uint32_t image_data_end[];
extern std::uint32_t image_bss_begin[];
extern std::uint32_t image_bss_end[];
extern std::uint32_t image_bulk_begin[];
extern std::uint32_t image_bulk_end[];
extern std::uint32_t image_stack_bottom[];
extern std::uint32_t image_stack_top[];
int main();
[[noreturn]] void ResetHandler();
[[noreturn, gnu::used]] void StartUp();
}

namespace trib::node::cortex_m {
namespace {

constexpr std::uint32_t kStackPaint = 0xC5C5C5C5;

TRIB_NOINIT LastWords last_words;
constinit BootReport this_boot{};
constinit std::array<InterruptHandler*, board::kInterruptLines> handlers{};

void PaintStack() {
  std::uint32_t* sp = nullptr;
  asm volatile("mov %0, sp" : "=r"(sp));
  for (volatile std::uint32_t* word = image_stack_bottom; word < sp; ++word) {
    *word = kStackPaint;
  }
}

void Zero(std::uint32_t* begin, const std::uint32_t* end) {
  for (volatile std::uint32_t* word = begin; word < end; ++word) {
    *word = 0;
  }
}

void SwitchOffUnused() {
  for (const std::uint32_t control : board::kUnusedControls) {
    Store(control, 0);
  }
}

void OnExternalInterrupt() {
  const std::uint32_t line = (Load(scs::kControlState) & 0x1FFU) - 16;
  InterruptHandler* handler = line < handlers.size() ? handlers[line] : nullptr;
  TRIB_CHECK(handler != nullptr);
  handler->OnInterrupt(line);
}

void OnUnexpected() {
  Panic(__FILE__, __LINE__, "an exception that nobody handles");
}

struct Vectors {
  std::uint32_t* stack_top;
  std::array<StartFunction, 15> system;
  std::array<StartFunction, board::kInterruptLines> external;
};

constexpr Vectors MakeVectors() {
  Vectors vectors{.stack_top = image_stack_top,
                  .system = {ResetHandler,
                             HangHandler,
                             FaultHandler,  // HardFault
                             FaultHandler,  // MemManage
                             FaultHandler,  // BusFault
                             FaultHandler,  // UsageFault
                             OnUnexpected,  // SecureFault
                             nullptr,
                             nullptr,
                             nullptr,
                             OnUnexpected,  // SVC
                             OnUnexpected,  // debug monitor
                             nullptr,
                             OnUnexpected,   // PendSV
                             OnUnexpected},  // SysTick
                  .external = {}};
  vectors.external.fill(OnExternalInterrupt);
  return vectors;
}
[[gnu::section(".vectors"), gnu::used]] constinit const Vectors vectors = MakeVectors();

}  // namespace

const BootReport& ThisBoot() {
  return this_boot;
}

void LeaveWords(const BootReport& report) {
  Write(last_words, report);
}

void Reset(const BootReport& report) {
  asm volatile("cpsid i");
  LeaveWords(report);
  Barrier();
  Store(scs::kReset, scs::kResetRequest);
  Barrier();
  for (;;) {
  }
}

StackUse MeasureStack() {
  const std::uint32_t* word = image_stack_bottom;
  while (word < image_stack_top && *word == kStackPaint) {
    ++word;
  }
  return {.size_bytes = static_cast<std::uint32_t>((image_stack_top - image_stack_bottom) * 4),
          .peak_bytes = static_cast<std::uint32_t>((image_stack_top - word) * 4)};
}

void Attach(std::uint32_t line, InterruptHandler& handler) {
  TRIB_CHECK(line < handlers.size());
  handlers[line] = &handler;
  Barrier();
  Store(scs::kInterruptEnable + 4 * (line / 32), 1U << (line % 32));
}

}  // namespace trib::node::cortex_m

// The stack pointer is set again, because a bootloader that jumps here has used its own.
extern "C" [[gnu::naked]] void ResetHandler() {
  asm volatile(
      "cpsid i\n"
      "movw r0, #:lower16:image_stack_top\n"
      "movt r0, #:upper16:image_stack_top\n"
      "mov sp, r0\n"
      // Coprocessors 10 and 11 are the floating-point unit; before any code may use it.
      "movw r0, #0xED88\n"
      "movt r0, #0xE000\n"
      "ldr r1, [r0]\n"
      "orr r1, r1, #0xF00000\n"
      "str r1, [r0]\n"
      "dsb\n"
      "isb\n"
      "b StartUp\n");
}

void StartUp() {
  using namespace trib::node::cortex_m;  // NOLINT(google-build-using-namespace): its own function
  PaintStack();
  const std::uint32_t* from = image_data_load;
  for (volatile std::uint32_t* to = image_data_begin; to < image_data_end; ++to, ++from) {
    *to = *from;
  }
  Zero(image_bss_begin, image_bss_end);
  Zero(image_bulk_begin, image_bulk_end);
  Store(scs::kVectors, reinterpret_cast<std::uint32_t>(image_vectors));
  SetBits(scs::kHandlers, scs::kFaultsEnabled);
  SetBits(scs::kConfiguration, scs::kTrapDivisionByZero);
  Console::Start();
  this_boot = Take(last_words);
  ProtectMemory();
  SwitchOffUnused();
  for (const StartFunction* start = image_init_begin; start < image_init_end; ++start) {
    (*start)();
  }
  asm volatile("cpsie i" ::: "memory");
  (void)main();
  trib::Panic(__FILE__, __LINE__, "main() returned");
}
