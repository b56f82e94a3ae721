// The engine image: does the jobs that lie in its board's memory, and ends.
#include <array>

#include "jobs.h"
#include "run_jobs.h"

namespace trib::bench::mcu {
namespace {

alignas(16) constinit std::array<std::byte, kArenaBytes> arena{};
alignas(16) constinit std::array<std::byte, kStateBytes> state{};

}  // namespace

bool Main(std::span<std::byte> memory) {
  return RunJobs(memory, arena, state);
}

}  // namespace trib::bench::mcu
