// The same lines from a Cortex-M4F, through semihosting. Start-up and all, because nothing else of
// this repository runs on bare metal here.
#include <cstdint>

#include "feature_bits.h"

extern "C" {
extern std::uint32_t image_stack_top[];
extern std::uint32_t image_data_load[];
extern std::uint32_t image_data_begin[];
extern std::uint32_t image_data_end[];
extern std::uint32_t image_bss_begin[];
extern std::uint32_t image_bss_end[];
[[noreturn]] void ResetHandler();
}

namespace {

enum class Semihosting : std::uint32_t { kWrite0 = 0x04, kExit = 0x18 };
constexpr std::uintptr_t kExitedWell = 0x20026;
constexpr std::uintptr_t kExitedBadly = 0x20023;

void Call(Semihosting operation, std::uintptr_t argument) {
  register std::uint32_t r0 asm("r0") = static_cast<std::uint32_t>(operation);
  register std::uintptr_t r1 asm("r1") = argument;
  asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

void Print(const char* text) {
  Call(Semihosting::kWrite0, reinterpret_cast<std::uintptr_t>(text));
}

[[noreturn]] void Exit(std::uintptr_t reason) {
  Call(Semihosting::kExit, reason);
  for (;;) {
  }
}

[[noreturn]] void FaultHandler() {
  Print("fault\n");
  Exit(kExitedBadly);
}

using Handler = void (*)();

}  // namespace

struct VectorTable {
  std::uint32_t* stack_top;
  Handler handlers[15];
};

extern "C"
    [[gnu::section(".vectors"), gnu::used]] const VectorTable vector_table = {image_stack_top,
                                                                              {ResetHandler,
                                                                               FaultHandler,
                                                                               FaultHandler,
                                                                               FaultHandler,
                                                                               FaultHandler,
                                                                               FaultHandler,
                                                                               nullptr,
                                                                               nullptr,
                                                                               nullptr,
                                                                               nullptr,
                                                                               FaultHandler,
                                                                               FaultHandler,
                                                                               nullptr,
                                                                               FaultHandler,
                                                                               FaultHandler}};

namespace trib {

void Panic(const char* file, int, const char* what) {
  Print(file);
  Print(": ");
  Print(what);
  Print("\n");
  Exit(kExitedBadly);
}

}  // namespace trib

extern "C" [[gnu::used]] void ResetHandler() {
  // Full access to the FPU, before anything that might use it.
  auto* const coprocessor_access = reinterpret_cast<volatile std::uint32_t*>(0xE000ED88U);
  *coprocessor_access = *coprocessor_access | 0xFU << 20U;
  asm volatile("dsb\n\tisb" ::: "memory");
  const std::uint32_t* from = image_data_load;
  for (std::uint32_t* to = image_data_begin; to != image_data_end; ++to) {
    *to = *from++;
  }
  for (std::uint32_t* to = image_bss_begin; to != image_bss_end; ++to) {
    *to = 0;
  }
  // constinit: there are no initialisers to run.
  static constinit trib::feature_bits::Memory memory{};
  trib::feature_bits::PrintSynthetic(memory, Print);
  trib::feature_bits::PrintSimulated(memory, Print);
  trib::feature_bits::PrintLearned(memory, Print);
  trib::feature_bits::PrintClassified(memory, Print);
  Exit(kExitedWell);
}
