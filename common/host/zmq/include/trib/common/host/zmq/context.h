#pragma once

#include <memory>

namespace trib::host::zmq {

/// Owns the I/O threads that all sockets of one process share.
///
/// Threads  Safe to share. The destructor waits until every socket made from it is gone, so it is
///          declared before them. Block the process's signals before making one: its threads
///          inherit the mask.
class Context {
 public:
  /// `clients`: how many ClientSockets it must hold; each takes three sockets of libzmq, which
  /// allows 1,023 unless told otherwise. 0: leave it at that.
  explicit Context(int io_threads = 1, int clients = 0);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  struct Impl;
  [[nodiscard]] Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace trib::host::zmq
