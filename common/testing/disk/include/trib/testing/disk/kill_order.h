#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "trib/testing/disk/file_step.h"

namespace trib::testing::disk {

/// When in a step the process dies.
enum class Manner : std::uint8_t {
  kBefore = 0,
  kTorn = 1,  ///< half of a write is made; other steps have no half and are as kBefore
  kAfter = 2,
};

/// Shared between a test and the program that it kills, by mapping one file: the program counts its
/// steps and notes them, and kills itself with SIGKILL at the one that is ordered. What the program
/// runs is its own, unmodified code; only libtrib_kill_at.so stands between it and the C library.
///
/// Give the program, in its environment: LD_PRELOAD=.../libtrib_kill_at.so and
/// TRIB_KILL_ORDER=the mapped file. It must be zeroed, but for `folder`, before the first program
/// starts, and is kept over restarts.
///
/// Threads  Any, on both sides.
struct KillOrder {
  static constexpr std::size_t kNoted = 4096;
  struct Note {
    Step step = Step::kWrite;
    std::array<char, 47> name{};  ///< file name without folders
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
  };

  std::array<char, 512> folder{};         ///< steps on files directly in it count
  std::atomic<std::uint64_t> count{0};    ///< steps so far, by all programs
  std::atomic<std::uint64_t> kill_at{0};  ///< number of the fatal step; 0: none, or taken
  std::atomic<Manner> manner{Manner::kBefore};
  std::atomic<std::uint64_t> killed_at{0};  ///< number of the step at which one died
  std::array<Note, kNoted> notes{};         ///< step n is at n % kNoted

  [[nodiscard]] const Note& note(std::uint64_t number) const { return notes[number % kNoted]; }
};

}  // namespace trib::testing::disk
