// Start-up and panic of the images: as little as there can be.
#include <cstdint>

#include "image.h"
#include "trib/common/base/check.h"

extern "C" {
extern std::uint32_t image_stack_top[];
extern const std::byte slot_plan_begin[];
extern const std::byte slot_plan_end[];
extern const std::byte slot_weights_begin[];
extern const std::byte slot_weights_end[];
[[noreturn]] void ResetHandler();
}

namespace {

void Stop() {
  for (;;) {
    asm volatile("wfi");
  }
}

struct VectorTable {
  std::uint32_t* stack_top;
  void (*reset)();
};
[[gnu::section(".vectors"), gnu::used]] const VectorTable vectors = {image_stack_top, ResetHandler};

volatile bool worked;

}  // namespace

namespace trib {

[[noreturn]] void Panic(const char* /*file*/, int /*line*/, const char* /*what*/) {
  Stop();
  __builtin_unreachable();
}

namespace footprint {

std::span<const std::byte> PlanInFlash() {
  return {slot_plan_begin, slot_plan_end};
}

std::span<const std::byte> WeightsInFlash() {
  return {slot_weights_begin, slot_weights_end};
}

}  // namespace footprint
}  // namespace trib

void ResetHandler() {
  worked = trib::footprint::Work();
  Stop();
  __builtin_unreachable();
}
