#include "trib/common/host/cli/stop_signal.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>

#include "trib/common/base/check.h"

namespace trib::host::cli {
namespace {

// A signal handler reaches only statics. The pipe is never drained: a stop is not taken back.
std::atomic<bool> stop_requested{false};
std::array<int, 2> stop_pipe = {-1, -1};
static_assert(std::atomic<bool>::is_always_lock_free);

void Raise() {
  if (!stop_requested.exchange(true)) {
    const char byte = 0;
    [[maybe_unused]] const ssize_t written = ::write(stop_pipe[1], &byte, 1);
  }
}

extern "C" void TribStopHandler(int /*signal*/) {
  const int saved = errno;
  std::signal(SIGINT, SIG_DFL);  // the second one ends the process
  std::signal(SIGTERM, SIG_DFL);
  Raise();
  errno = saved;
}

}  // namespace

StopSignal::StopSignal() {
  TRIB_CHECK(stop_pipe[0] == -1);
  TRIB_CHECK(::pipe2(stop_pipe.data(), O_CLOEXEC | O_NONBLOCK) == 0);
  stop_requested = false;
  struct sigaction action = {};
  action.sa_handler = TribStopHandler;
  sigemptyset(&action.sa_mask);
  // Without SA_RESTART a blocked call returns, so that its loop looks at requested().
  TRIB_CHECK(::sigaction(SIGINT, &action, nullptr) == 0);
  TRIB_CHECK(::sigaction(SIGTERM, &action, nullptr) == 0);
}

StopSignal::~StopSignal() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  ::close(stop_pipe[0]);
  ::close(stop_pipe[1]);
  stop_pipe = {-1, -1};
}

bool StopSignal::requested() const {
  return stop_requested.load();
}

int StopSignal::fd() const {
  return stop_pipe[0];
}

void StopSignal::Request() {
  Raise();
}

bool StopSignal::Wait(int timeout_ms) const {
  pollfd entry = {stop_pipe[0], POLLIN, 0};
  // EINTR means that a signal came, which is what is waited for, or that the caller may ask again.
  ::poll(&entry, 1, timeout_ms);
  return requested();
}

}  // namespace trib::host::cli
