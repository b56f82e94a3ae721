#pragma once

#include <cstddef>
#include <span>

/// What every image has: its work, and where its package would lie.
namespace trib::footprint {

/// Of each image: what it is measured for. The result keeps the work from being dropped.
bool Work();

std::span<const std::byte> PlanInFlash();
std::span<const std::byte> WeightsInFlash();

}  // namespace trib::footprint
