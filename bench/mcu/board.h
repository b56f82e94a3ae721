#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cycles.h"

namespace trib::bench::mcu {

/// A machine of QEMU's and its memory that lies in a file: docs/formats/board_memory.md.
struct Board {
  std::string_view name;  ///< also the machine's in QEMU
  std::string_view core;
  std::string_view preset;    ///< that builds its images
  std::uint64_t file_bytes;   ///< QEMU wants exactly so many; the rest of the file stays a hole
  std::uint64_t file_offset;  ///< where in it the image's memory begins
  std::uint32_t memory_bytes;
  bool cortex_m4;  ///< cycles can be estimated
};
inline constexpr std::array<Board, 2> kBoards = {{
    {"mps2-an386", "Cortex-M4F", "node-m4", 16U << 20U, 0, 16U << 20U, true},
    {"mps3-an547",
     "Cortex-M55",
     "node-m55",
     std::uint64_t{2} << 30U,
     256U << 20U,
     16U << 20U,
     false},
}};

/// What is counted: executed instructions from an address of `begins` or `anew` to one of `ends`.
/// While it is open, it begins again at `anew` only.
struct Span {
  std::string name;
  std::vector<std::uint32_t> begins;
  std::vector<std::uint32_t> ends;
  std::vector<std::uint32_t> anew = {};
  std::optional<std::size_t> after = {};  ///< counted only once this one has first opened
};

/// One inclusive call of a function: from its first instruction to where it returns.
/// @returns nullopt with one line in `error`.
std::optional<Span> CallOf(const Listing& listing, std::string_view function, std::string& error);

struct SpanCounts {
  std::vector<std::uint64_t> instructions;  ///< of each time, in order
  Executions executions;                    ///< of all times together
};

struct BoardRun {
  std::vector<std::byte> memory;  ///< afterwards
  std::string console;
  std::vector<SpanCounts> spans;  ///< as asked for
};

struct BoardRunOptions {
  std::filesystem::path image;
  std::filesystem::path folder;  ///< exists; takes the memory's file, console and counts
  std::vector<Span> spans = {};  ///< none: runs without the plugin, ten times as fast
  std::chrono::seconds limit{600};
};

/// Runs an image until it ends itself, its memory beginning as `memory`.
///
/// Blocks   until it ended or `limit` passed; QEMU is gone at return, and when this process dies.
/// @returns nullopt with one line in `error`: no QEMU or plugin, it did not end in time or said
/// that it
///   failed, counts that are not whole.
std::optional<BoardRun> RunImage(const Board& board,
                                 const BoardRunOptions& options,
                                 std::span<const std::byte> memory,
                                 std::string& error);

/// Where the build puts the image `name` of a board.
std::filesystem::path ImageOf(const Board& board, std::string_view name);
/// One line on what is not there to run this image; empty: nothing.
std::string MissingFor(const Board& board, std::string_view image);

/// One line on what this build lacks to run boards or (`counting`) to count on them; empty:
/// nothing.
std::string Missing(bool counting);

}  // namespace trib::bench::mcu
