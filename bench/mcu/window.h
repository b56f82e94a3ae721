#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "board.h"
#include "window_job.h"

namespace trib::bench::mcu {

/// What a node is given: a package and a simulated machine, healthy first and then not.
struct WindowScene {
  std::filesystem::path package;  ///< or the specification that it is built from
  std::uint32_t healthy_s = 12;
  std::uint32_t faulty_s = 4;
  std::uint32_t block_samples = 256;
  std::uint32_t sample_rate_hz = 12'000;  ///< the package's
  /// Instead of the specification's "window = 1024"; 0: as it says.
  std::uint32_t window_frames = 0;
};

struct PackageName {
  const char* file;  ///< in the repository
  const char* name;  ///< of tables and budgets
};
inline constexpr std::array<PackageName, 2> kPackages = {
    {{"workloads/bearing/package.toml", "bearing, no network"},
     {"workloads/bearing/bearing.trib", "bearing, with network"}}};

/// What the path from the last sample to the actuator is counted with.
struct PathCase {
  const char* name;  ///< of tables and budgets
  WindowScene scene;
};
inline constexpr std::uint32_t kPathAim_cycles = 3'200;  ///< 50 us at 64 MHz
std::vector<PathCase> PathCases();

/// One part of a window's way through the node.
struct StageCost {
  std::string name;
  std::string what;         ///< the function, or from where to where
  std::uint64_t calls = 0;  ///< that are counted: since the baseline was learned
  std::uint64_t least = 0;  ///< instructions of a call
  std::uint64_t median = 0;
  std::uint64_t most = 0;
  std::uint64_t cycles = 0;  ///< estimated, of a call on average; 0: cannot be
  friend bool operator==(const StageCost&, const StageCost&) = default;
};

struct WindowCost {
  WindowReport report;
  std::vector<StageCost> stages;
  std::uint32_t stack_bytes = 0;  ///< most that was in use
};

/// Runs a node over the scene on the board's window image, checks that all it did and wrote is what
/// this host does and writes, and counts.
/// @returns nullopt with one line in `error`, also when board and host differ: no figure then
/// counts.
std::optional<WindowCost> CountWindow(const Board& board,
                                      const WindowScene& scene,
                                      std::string& error);

/// The same of the path alone, from the sensor's return to the actuator: what CountWindow() calls
/// "path".
std::optional<StageCost> CountPath(const Board& board,
                                   const WindowScene& scene,
                                   std::string& error);

}  // namespace trib::bench::mcu
