// libtrib_kill_at.so: counts a program's file steps and kills it at the one that a KillOrder names.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string_view>

#include "trib/testing/disk/kill_order.h"

namespace trib::testing::disk {
namespace {

KillOrder* order = nullptr;
thread_local std::uint64_t current = 0;

__attribute__((constructor)) void Attach() {
  const char* name = std::getenv("TRIB_KILL_ORDER");
  if (name == nullptr) {
    return;
  }
  const int file = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, name, O_RDWR | O_CLOEXEC));
  if (file < 0) {
    std::abort();  // a sweep that kills nothing would pass
  }
  void* memory = ::mmap(nullptr, sizeof(KillOrder), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::syscall(SYS_close, file);
  if (memory == MAP_FAILED) {
    std::abort();
  }
  order = static_cast<KillOrder*>(memory);
}

// On a file system in memory a commit takes no longer than a message. Lingering at the fatal step
// gives other threads time to tell somebody what is not durable yet, if they would.
constexpr timespec kLinger{.tv_sec = 0, .tv_nsec = 10'000'000};

[[noreturn]] void Die() {
  ::syscall(SYS_nanosleep, &kLinger, nullptr);
  order->killed_at = current;
  ::syscall(SYS_kill, ::syscall(SYS_getpid), SIGKILL);
  while (true) {
    ::syscall(SYS_pause);
  }
}

/// Takes the order, so that a test that withdraws it knows whether it still could.
bool Doomed(Manner manner) {
  std::uint64_t expected = current;
  return current != 0 && order->manner == manner &&
         order->kill_at.compare_exchange_strong(expected, 0);
}

}  // namespace

bool Watches(const char* path) noexcept {
  if (order == nullptr) {
    return false;
  }
  const std::string_view folder(order->folder.data());
  std::string_view name(path);
  if (!name.starts_with(folder)) {
    return false;
  }
  name.remove_prefix(folder.size());
  if (name.empty()) {
    return true;  // the folder itself
  }
  // The WAL's index is memory that lies in a file; logs and locks keep nothing.
  return name.front() == '/' && !name.ends_with("-shm") && !name.ends_with(".log") &&
         !name.ends_with(".lock");
}

void BeforeStep(const FileStep& step) noexcept {
  current = ++order->count;
  KillOrder::Note& note = order->notes[current % KillOrder::kNoted];
  const char* slash = std::strrchr(step.path, '/');
  note.step = step.step;
  note.offset = step.offset;
  note.size = step.size;
  note.name.fill('\0');
  std::strncpy(note.name.data(), slash != nullptr ? slash + 1 : step.path, note.name.size() - 1);
  if (Doomed(Manner::kTorn)) {
    if (step.step == Step::kWrite) {
      (void)::syscall(SYS_pwrite64, step.descriptor, step.data, step.size / 2, step.offset);
    }
    Die();
  }
  if (Doomed(Manner::kBefore)) {
    Die();
  }
}

void AfterStep(const FileStep&, bool) noexcept {
  if (Doomed(Manner::kAfter)) {
    Die();
  }
}

}  // namespace trib::testing::disk
