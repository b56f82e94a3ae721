#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>

namespace trib::integration {

/// What a ZMTP peer with the NULL mechanism, spoken by hand over TCP, got from a server.
struct NullGreeting {
  bool connected = false;
  std::string mechanism;        ///< that the server's greeting names
  std::size_t bytes_after = 0;  ///< that the server sent after its greeting
  bool closed = false;          ///< the server ended the connection
};

/// Greets 127.0.0.1:`port` as a ZMTP 3.0 peer without security, says READY, sends a message, and
/// reads until the server hangs up.
NullGreeting GreetWithoutSecurity(std::uint16_t port);

/// A TCP port of 127.0.0.1 on which somebody listens already.
class HeldPort {
 public:
  HeldPort();
  ~HeldPort();
  HeldPort(const HeldPort&) = delete;
  HeldPort& operator=(const HeldPort&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

/// TCP ports on which the process listens, from /proc.
std::set<std::uint16_t> ListeningPorts(pid_t pid);

/// The port of "tcp://ADDRESS:PORT".
std::uint16_t PortOf(const std::string& endpoint);

}  // namespace trib::integration
