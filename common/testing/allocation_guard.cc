#include "trib/testing/allocation_guard.h"

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

// A sanitizer's allocator must not be replaced; see the header for what that means.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TRIB_ALLOCATION_GUARD_OFF 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define TRIB_ALLOCATION_GUARD_OFF 1
#endif
#endif

namespace trib::testing {
namespace {

// Plain integers, zero-initialised: reading them allocates nothing, even first thing in a thread.
thread_local std::uint64_t allocations_seen = 0;
thread_local int guards = 0;
thread_local int forbidding = 0;
thread_local int pauses = 0;

}  // namespace

void CountAllocation() {
  if (guards == 0 || pauses > 0) {
    return;
  }
  ++allocations_seen;
  if (forbidding > 0) {
    constexpr char kMessage[] = "heap allocation under an AllocationGuard\n";
    // write(): stdio would allocate.
    [[maybe_unused]] const auto written = ::write(2, kMessage, sizeof(kMessage) - 1);
    std::abort();
  }
}

AllocationGuard::AllocationGuard(Mode mode) : mode_(mode), start_(allocations_seen) {
  ++guards;
  forbidding += mode == Mode::kForbid ? 1 : 0;
}

AllocationGuard::~AllocationGuard() {
  forbidding -= mode_ == Mode::kForbid ? 1 : 0;
  --guards;
}

std::uint64_t AllocationGuard::allocations() const {
  return allocations_seen - start_;
}

AllocationGuard::Pause::Pause() {
  ++pauses;
}
AllocationGuard::Pause::~Pause() {
  --pauses;
}

bool AllocationGuard::enforced() {
#ifdef TRIB_ALLOCATION_GUARD_OFF
  return false;
#else
  return true;
#endif
}

}  // namespace trib::testing

#ifndef TRIB_ALLOCATION_GUARD_OFF

// The C library's allocator under its internal names, so that malloc itself can be watched too.
// operator new of libstdc++ calls malloc, which covers both.
extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier): glibc gives them these names.
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* old, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
// NOLINTEND(bugprone-reserved-identifier)

void* malloc(std::size_t size) {
  trib::testing::CountAllocation();
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  trib::testing::CountAllocation();
  return __libc_calloc(count, size);
}
void* realloc(void* old, std::size_t size) {
  trib::testing::CountAllocation();
  return __libc_realloc(old, size);
}
void* memalign(std::size_t alignment, std::size_t size) {
  trib::testing::CountAllocation();
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  trib::testing::CountAllocation();
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  trib::testing::CountAllocation();
  void* memory = __libc_memalign(alignment, size);
  if (memory == nullptr) {
    return ENOMEM;
  }
  *out = memory;
  return 0;
}
}

#endif
