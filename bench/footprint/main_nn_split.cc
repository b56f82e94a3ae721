// The first half of a network, and what lives at the cut, coded for the link.
#include <array>

#include "image.h"
#include "trib/common/nn/activation.h"
#include "trib/common/nn/runner.h"

namespace trib::footprint {
namespace {

alignas(16) constinit std::array<std::byte, 60 * 1024> arena{};
alignas(16) constinit std::array<std::byte, 1024> state{};
constinit std::array<std::byte, 4096> payload{};

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
  const auto cut = static_cast<std::uint16_t>(plan->operators() / 2);
  runner->Run(0, cut);
  return nn::EncodeActivation(*runner, *plan, {PackageHash(1), cut}, payload).ok();
}

}  // namespace trib::footprint
