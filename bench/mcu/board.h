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

struct Board {
  std::string_view name;  ///< of tools::launcher::EmulatedBoards()
  std::string_view core;
  bool cortex_m4;  ///< cycles can be estimated
};
inline constexpr std::array<Board, 2> kBoards = {{
    {"mps2-an386", "Cortex-M4F", true},
    {"mps3-an547", "Cortex-M55", false},
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
  std::string_view image;        ///< its name
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

/// The code of a board's image. @returns nullopt with one line in `error`.
std::optional<Listing> ListingOf(const Board& board, std::string_view image, std::string& error);

/// Its size, in the same way.
std::optional<ImageSize> SizeOf(const Board& board, std::string_view image, std::string& error);

/// One line on what is missing to run this image, or (`counting`) to count in it; empty: nothing.
std::string MissingFor(const Board& board, std::string_view image, bool counting);

}  // namespace trib::bench::mcu
