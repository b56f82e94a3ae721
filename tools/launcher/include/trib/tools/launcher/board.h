#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trib::tools::launcher {

/// A board that QEMU plays, and the build that makes its images.
struct EmulatedBoard {
  std::string_view name;        ///< also the machine's in QEMU
  std::string_view preset;      ///< that builds its images
  std::uint64_t memory_bytes;   ///< of the file behind its non-volatile memory: exactly so many
  std::uint64_t memory_offset;  ///< where in the file docs/formats/board_memory.md begins
};

/// All there are images for.
std::span<const EmulatedBoard> EmulatedBoards();
/// nullptr: there is no such board.
const EmulatedBoard* FindBoard(std::string_view name);

/// An emulated board that runs an image of ours.
struct BoardMachine {
  std::string emulator;           ///< its path: FindEmulator()
  std::string board;              ///< "mps2-an386" or "mps3-an547"
  std::filesystem::path image;    ///< flat, as it lies in the board's memory
  std::filesystem::path memory;   ///< made by trib board image
  std::filesystem::path console;  ///< what the image says; appended to
  /// "tcp://HOST:PORT", which the board's second UART connects to; empty: what it sends is lost.
  std::string serial = {};
  bool semihosting = false;  ///< the image may end the emulator with an exit code
  /// Time passes with instructions (16 ns each), whatever the machine around does meanwhile.
  bool counted_time = false;
  std::vector<std::string> more = {};  ///< arguments of the emulator's own
};

/// The command line that starts it; killing the process is what cutting the board's power is. A
/// board whose other end is away tries again each second.
std::vector<std::string> EmulatorCommand(const BoardMachine& machine);

/// Where qemu-system-arm is; nullopt when it is not installed.
std::optional<std::string> FindEmulator();

/// Where the build beside the programs in `bin` puts an image, e.g. "node", for a board. It may
/// not have been built.
std::filesystem::path ImagePath(const std::filesystem::path& bin,
                                std::string_view name,
                                std::string_view board);

/// One line on what is missing to run an image, for a test that cannot; empty: nothing.
std::string MissingFor(const std::filesystem::path& image);

/// The newest of a board's status lines, with the names of trib-node's report; "exits" by tier.
/// "progress" is "status", "ended" (the samples are over) or "done" (and all is acknowledged).
/// An empty object before the first one.
nlohmann::json BoardReport(const std::filesystem::path& console);

}  // namespace trib::tools::launcher
