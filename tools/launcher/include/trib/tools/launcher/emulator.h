#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
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

/// Where the build of this source tree puts the image `name` of a board: beside this build.
std::filesystem::path ImageOf(const EmulatedBoard& board, std::string_view name);

/// One line on what is missing to run it, for a test that cannot; empty: nothing.
std::string MissingFor(const std::filesystem::path& image);

struct EmulatorOptions {
  const EmulatedBoard& board;
  std::filesystem::path image;    ///< flat: *.bin
  std::filesystem::path memory;   ///< a file of board.memory_bytes
  std::filesystem::path console;  ///< takes what the first UART says
  /// Where on 127.0.0.1 somebody listens for the second UART, the link; connects again, a second
  /// later, whenever it was closed. 0: what is sent is lost.
  std::uint16_t link_port = 0;
  /// The image may end the emulator with an exit code.
  bool semihosting = false;
  std::vector<std::string> more = {};
};

/// For Process: starts the board. Killing it is what cutting the board's power is.
std::vector<std::string> EmulatorArguments(const EmulatorOptions& options);

/// Makes the file of a blank memory, or writes into one. @returns false with one line in `error`.
bool MakeBlankMemory(const EmulatedBoard& board,
                     const std::filesystem::path& file,
                     std::string& error);
/// Requires  No emulator runs on it.
bool WriteMemory(const EmulatedBoard& board,
                 const std::filesystem::path& file,
                 std::uint32_t offset,
                 std::span<const std::byte> bytes,
                 std::string& error);
/// @returns fewer bytes than asked for when the file cannot be read.
std::vector<std::byte> ReadMemory(const EmulatedBoard& board,
                                  const std::filesystem::path& file,
                                  std::uint32_t offset,
                                  std::size_t bytes);

}  // namespace trib::tools::launcher
