#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trib::tools::launcher {

/// An emulated board that runs an image of ours.
struct BoardMachine {
  std::string emulator;           ///< its path: FindEmulator()
  std::string board;              ///< "mps2-an386" or "mps3-an547"
  std::filesystem::path image;    ///< flat, as it lies in the board's memory
  std::filesystem::path memory;   ///< made by trib board image
  std::filesystem::path console;  ///< what the image says; appended to
  std::string serial;             ///< "tcp://HOST:PORT", which the board's second UART connects to
};

/// The command line that starts it. A board whose other end is away tries again each second.
std::vector<std::string> EmulatorCommand(const BoardMachine& machine);

/// Where qemu-system-arm is; nullopt when it is not installed.
std::optional<std::string> FindEmulator();

/// Where the build beside the programs in `bin` puts an image, e.g. "node", for a board. It may
/// not have been built.
std::filesystem::path ImagePath(const std::filesystem::path& bin,
                                std::string_view name,
                                std::string_view board);

/// The newest of a board's status lines, with the names of trib-node's report; "exits" by tier.
/// "progress" is "status", "ended" (the samples are over) or "done" (and all is acknowledged).
/// An empty object before the first one.
nlohmann::json BoardReport(const std::filesystem::path& console);

}  // namespace trib::tools::launcher
