#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/package/types.h"
#include "trib/node/app/node_loop.h"
#include "trib/node/board/identity_page.h"
#include "trib/node/board/memory.h"
#include "trib/node/board/room.h"
#include "trib/node/board/sensor_memory.h"

namespace trib::node::images {

/// Of every board that has an image: console and link, two timers and the watchdog are on.
inline constexpr Peripherals kBoardPeripherals{.on = 5, .off = 7};

/// What a platform supplies to a node that lives by board memory.
struct BoardPorts {
  Clock& clock;  ///< the world's; the node may keep its own time beside it
  Link& link;
  Flash& flash;  ///< the node's: board::kFlashArea
  Watchdog& watchdog;
  Actuator& actuator;
  Entropy& entropy;
  Power& power;
};

/// All but the arena, which may lie in other memory.
using BoardStorage = app::NodeLoopStorage<board::kWindowSamples,
                                          board::kBacklogSectors,
                                          board::kFlashSectorBytes,
                                          0,
                                          board::kActivationBytes>;

/// Board memory that was checked. Borrows it.
struct BoardMemory {
  enum class Part : std::uint8_t { kIdentity, kSensor };

  board::IdentityPage identity;
  board::SensorTable sensor;
  std::span<const std::byte> package;  ///< empty: none

  /// `memory` is all of it. `part` tells what failed.
  static Result<BoardMemory> Open(std::span<const std::byte> memory, Part& part);
};

/// A node that is told everything by board memory: on a board, or in a process that is its twin.
///
/// Memory   Borrows all for life. Large: static storage, or the heap of a host.
/// Threads  One.
class BoardNode {
 public:
  /// `arena`: board::kNetworkBytes, beginning at a multiple of 16.
  BoardNode(const BoardMemory& memory,
            package::HardwareClass board,
            const BoardPorts& ports,
            BoardStorage& storage,
            std::span<std::byte> arena);
  BoardNode(const BoardNode&) = delete;
  BoardNode& operator=(const BoardNode&) = delete;

  /// As NodeLoop::Start().
  Status Start() { return loop_.Start(memory_.package, memory_.identity.package_keys.span()); }
  /// One round. @returns how long the platform may sleep unless the link has something.
  Millis Step();

  [[nodiscard]] const app::NodeLoop& loop() const { return loop_; }
  [[nodiscard]] const BoardMemory& memory() const { return memory_; }

 private:
  [[nodiscard]] bool MustHold() const;

  const BoardMemory memory_;
  board::SampleClock clock_;
  board::SensorMemory sensor_;
  app::NodeLoop loop_;
};

}  // namespace trib::node::images
