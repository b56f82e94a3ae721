// Whatever network lies in flash: checked, its state reset, run once. Operators are found by the
// plan's opcodes, so the image holds all of them.
#include <array>

#include "image.h"
#include "trib/common/nn/runner.h"

namespace trib::footprint {
namespace {

alignas(16) constinit std::array<std::byte, 60 * 1024> arena{};
alignas(16) constinit std::array<std::byte, 1024> state{};

}  // namespace

bool Work() {
  const auto plan = nn::Plan::Load(PlanInFlash(), WeightsInFlash());
  if (!plan.ok()) {
    return false;
  }
  auto runner = nn::Runner::Open(*plan, arena, state);
  if (!runner.ok()) {
    return false;
  }
  runner->Reset();
  runner->Run();
  return runner->output(0)[0] != std::byte{};
}

}  // namespace trib::footprint
