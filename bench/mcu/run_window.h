#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "trib/common/message/limits.h"
#include "trib/node/app/node_loop.h"
#include "window_job.h"

namespace trib::bench::mcu {

inline constexpr std::uint32_t kFlashSectorBytes = 20'480;
inline constexpr std::uint32_t kFlashStateSectors = 2;
inline constexpr std::uint32_t kFlashBacklogSectors = 30;
inline constexpr std::size_t kFlashBytes =
    std::size_t{kFlashSectorBytes} * (kFlashStateSectors + kFlashBacklogSectors);

/// Memory of the node that is counted.
struct WindowMemory {
  node::app::NodeLoopStorage<4096,
                             kFlashBacklogSectors,
                             kFlashSectorBytes,
                             32'768,
                             message::kMaxActivationBytes>
      storage;
  alignas(node::app::NodeLoop) std::array<std::byte, sizeof(node::app::NodeLoop)> loop{};
};

/// Runs a whole node, NodeLoop and all below, over the samples of the job: at full speed, with no
/// link, nothing that interrupts, and ports that cost next to nothing. What it executes depends on
/// the job alone. Code of the window image; the host runs it, too, to know what must come out.
///
/// @param memory  begins with the WindowJob, which gets status and report
/// @param flash   kFlashBytes
/// @returns false when it is no job, or the node did not take the package
bool RunWindow(std::span<std::byte> memory, WindowMemory& node, std::span<std::byte> flash);

}  // namespace trib::bench::mcu
