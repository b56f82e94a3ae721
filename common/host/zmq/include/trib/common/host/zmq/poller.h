#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "trib/common/base/time.h"
#include "trib/common/host/zmq/client_socket.h"
#include "trib/common/host/zmq/server_socket.h"

namespace trib::host::zmq {

/// Wakes a Poller from another thread: for shutdown and for queues.
///
/// Threads  Notify() from any thread and from signal handlers; Clear() from the polling thread.
class WakeUp {
 public:
  WakeUp();
  ~WakeUp();
  WakeUp(const WakeUp&) = delete;
  WakeUp& operator=(const WakeUp&) = delete;

  void Notify() noexcept;
  void Clear() noexcept;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

/// Waits until one of its members has something to read.
///
/// Memory   Borrows its members.
/// Threads  One: the owner of the sockets.
class Poller {
 public:
  Poller();
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  /// @returns the member's index for Ready().
  std::size_t Add(ServerSocket& socket);
  std::size_t Add(ClientSocket& socket);
  std::size_t Add(WakeUp& wake_up);
  std::size_t AddFd(int fd);
  /// A member that is off is not waited for: how an owner stops reading under backpressure.
  void Enable(std::size_t index, bool enabled);

  /// Blocks up to `timeout` (negative: for ever). Returns early, with nothing ready, on a signal.
  /// Clears the wake-ups that fired.
  void Wait(Millis timeout);
  [[nodiscard]] bool Ready(std::size_t index) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace trib::host::zmq
