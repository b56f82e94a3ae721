#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

namespace trib::tools::sim {

/// A TCP connection that can be cut: listens on a port of its own and passes bytes on to a target.
/// While closed it ends what is there and accepts nothing.
///
/// Threads  One of its own; the functions from any.
class Relay {
 public:
  /// `target` is "tcp://ADDRESS:PORT". @returns nullptr with `error` set when it cannot listen.
  static std::unique_ptr<Relay> Open(const std::string& target, std::string& error);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }
  /// Takes effect within milliseconds.
  void SetOpen(bool open) { open_ = open; }

 private:
  Relay(int listener, std::uint16_t target_port, std::string endpoint);
  void Run();

  const int listener_;
  const std::uint16_t target_port_;
  const std::string endpoint_;
  std::atomic<bool> open_{true};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace trib::tools::sim
