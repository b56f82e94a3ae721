#pragma once

#include <cstddef>
#include <span>

namespace trib::bench::mcu {

/// Does every job of a memory, in place, and leaves outcome and results there. Code of the engine
/// image; a host test runs it, too.
///
/// Memory   `arena` and `state` are what networks run in; both aligned to 16.
/// Requires  `memory` aligned to 16.
/// @returns false for bytes that are no job memory; nothing was then changed.
bool RunJobs(std::span<std::byte> memory, std::span<std::byte> arena, std::span<std::byte> state);

}  // namespace trib::bench::mcu
