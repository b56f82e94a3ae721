#pragma once

#include <cstdint>

namespace trib::testing {

/// Watches the heap of this thread while it lives: operator new and the malloc family. Memory that
/// a port implementation takes is the platform's business; it says so with a Pause.
///
/// Threads  Counts the thread that made it, nothing else. Guards nest; each counts for itself.
/// State    Under a sanitizer, which brings its own allocator, it counts nothing and enforced() is
///          false: the test then skips its check and says so.
class AllocationGuard {
 public:
  enum class Mode : std::uint8_t {
    kCount,
    kForbid,  ///< the first allocation prints where it is and aborts
  };

  explicit AllocationGuard(Mode mode = Mode::kCount);
  ~AllocationGuard();
  AllocationGuard(const AllocationGuard&) = delete;
  AllocationGuard& operator=(const AllocationGuard&) = delete;

  /// Allocations since construction, pauses excluded.
  [[nodiscard]] std::uint64_t allocations() const;
  [[nodiscard]] static bool enforced();

  /// No allocation counts on this thread while one lives.
  class Pause {
   public:
    Pause();
    ~Pause();
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;
  };

 private:
  Mode mode_;
  std::uint64_t start_;
};

}  // namespace trib::testing
