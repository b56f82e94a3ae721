#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "trib/common/base/time.h"
#include "trib/common/host/serial/endpoint.h"
#include "trib/common/status/result.h"

namespace trib::host::serial {

struct ClientOptions {
  /// First wait before connecting again, doubled each time until bytes come.
  Millis retry{100};
  Millis retry_most{2'000};
};

/// One end of a wire, as a UART would be: bytes in and out, with a short queue for those that the
/// other end does not take at once. Connects, and again whenever the connection or device is lost;
/// while there is none, bytes written are lost and none come.
///
/// Memory   4 KiB of queue.
/// Threads  One owner. Reads no clock.
class Client {
 public:
  /// @returns kInvalidArgument when the device is none, kUnavailable when out of descriptors; the
  ///   reason is in `error`. A port nobody listens on and a device that is not there are no errors.
  static Result<std::unique_ptr<Client>> Open(const Endpoint& endpoint,
                                              const ClientOptions& options,
                                              std::string& error);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Connects when it is time and sends what waits. Call it when fd() is readable or next_due() has
  /// come, before Read() and after Write().
  void Service(MonotonicTime now);
  /// Takes what has room, from the front. @returns how many bytes.
  std::size_t Write(std::span<const std::byte> bytes);
  /// Takes what came. @returns how many bytes; 0: none.
  std::size_t Read(std::span<std::byte> memory);
  [[nodiscard]] std::size_t room() const;

  /// Readable when there is something to do; the same for life.
  [[nodiscard]] int fd() const;
  /// When Service() is to be called though fd() is not readable; max(): never.
  [[nodiscard]] MonotonicTime next_due() const;
  [[nodiscard]] bool connected() const;
  /// How often the connection came up.
  [[nodiscard]] std::uint64_t connections() const;

 private:
  struct Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Four bytes of the kernel's generator, for frame::Channel::Start().
std::uint32_t DrawNonce();

}  // namespace trib::host::serial
