#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "trib/tools/launcher/board.h"

/// The file behind an emulated board's memory, for tests. `offset` counts from where
/// docs/formats/board_memory.md begins. Requires  No emulator runs on it.
namespace trib::tools::launcher {

/// Makes it: blank, where the page names it, and a hole elsewhere.
/// @returns false with one line in `error`.
bool MakeBlankMemory(const EmulatedBoard& board,
                     const std::filesystem::path& file,
                     std::string& error);
/// @returns false with one line in `error`.
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
