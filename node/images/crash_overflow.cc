#include <array>
#include <cstdint>

#include "crash_on_purpose.h"
#include "crash_when.h"

namespace trib::node::images {
namespace {

volatile std::uint32_t enough = ~0U;

/// Takes some words of stack with each call, and never has enough.
[[gnu::noinline]] std::uint32_t Descend(std::uint32_t depth) {
  std::array<volatile std::uint32_t, 12> frame{};
  frame[depth % frame.size()] = depth;
  return depth == enough ? 0 : Descend(depth + 1) + frame[(depth + 1) % frame.size()];
}

}  // namespace

void CrashOnPurpose(const app::NodeLoop& loop) {
  if (MustCrash(loop)) {
    enough = Descend(0);
  }
}

}  // namespace trib::node::images
