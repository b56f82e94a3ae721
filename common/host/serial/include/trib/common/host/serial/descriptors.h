#pragma once

#include <termios.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "trib/common/host/serial/endpoint.h"
#include "trib/common/status/result.h"

/// File descriptors of wires. Nothing here blocks.
///
/// Errors   `error` gets one line that begins with the endpoint.
/// Threads  Re-entrant.
namespace trib::host::serial {

/// A file descriptor, closed when this goes.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();
  [[nodiscard]] bool ok() const { return fd_ >= 0; }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_ = -1;
};

/// termios' constant for a speed; nullopt where it has none.
std::optional<speed_t> SpeedOf(std::uint32_t baud);

/// A listening socket; the endpoint gets its actual port.
/// @returns kAlreadyExists the address is in use; kUnavailable
Result<Descriptor> Listen(Endpoint& endpoint, std::string& error);

/// A connection whose end may still be under way (EINPROGRESS).
/// @returns kUnavailable
Result<Descriptor> Connect(const Endpoint& endpoint, std::string& error);

/// Accepted or connected: sends small pieces at once.
void SetNoDelay(int fd);

/// Whether a connection on loopback has met itself, as one to a port that nobody listens on can.
bool MetItself(int fd);

/// What one read or write did. Neither blocks.
struct Moved {
  std::size_t bytes = 0;
  bool ended = false;  ///< the other end, or the device, is gone
};
Moved ReadSome(int fd, std::span<std::byte> memory);
Moved WriteSome(int fd, Endpoint::Kind kind, std::span<const std::byte> bytes);

/// A device of this machine, locked, raw, at its speed.
/// @returns kNotFound         it is not there now
///          kAlreadyExists    somebody else uses it
///          kInvalidArgument  it is no serial device
///          kUnavailable      anything else
Result<Descriptor> OpenDevice(const Endpoint& endpoint, std::string& error);

}  // namespace trib::host::serial
