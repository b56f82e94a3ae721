#pragma once

namespace trib::host::cli {

/// Turns SIGINT and SIGTERM into something that can be polled, so that a program ends in flow order
/// instead of where it stood. A second signal ends the process at once, with the signal's default
/// action.
///
///   StopSignal stop;
///   while (!stop.requested()) { poll sockets and stop.fd() }
///
/// Requires  At most one object at a time. Make it before starting threads.
/// Threads   requested() and Request() from any.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  [[nodiscard]] bool requested() const;
  /// Readable from the first signal on, and stays so.
  [[nodiscard]] int fd() const;
  /// As if a signal had come.
  void Request();
  /// Waits until requested, at most `timeout_ms` (-1: for ever); gives requested().
  bool Wait(int timeout_ms) const;
};

}  // namespace trib::host::cli
