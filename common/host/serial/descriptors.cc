#include "trib/common/host/serial/descriptors.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace trib::host::serial {
namespace {

struct Speed {
  std::uint32_t baud;
  speed_t constant;
};
constexpr std::array kSpeeds = {
    Speed{1'200, B1200},        Speed{2'400, B2400},        Speed{4'800, B4800},
    Speed{9'600, B9600},        Speed{19'200, B19200},      Speed{38'400, B38400},
    Speed{57'600, B57600},      Speed{115'200, B115200},    Speed{230'400, B230400},
    Speed{460'800, B460800},    Speed{500'000, B500000},    Speed{576'000, B576000},
    Speed{921'600, B921600},    Speed{1'000'000, B1000000}, Speed{1'152'000, B1152000},
    Speed{1'500'000, B1500000}, Speed{2'000'000, B2000000}, Speed{2'500'000, B2500000},
    Speed{3'000'000, B3000000}, Speed{3'500'000, B3500000}, Speed{4'000'000, B4000000},
};

/// A loopback address of either family.
struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Address Loopback(const Endpoint& endpoint) {
  Address out;
  if (endpoint.ipv6) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    address.sin6_port = htons(endpoint.port);
    std::memcpy(&out.storage, &address, sizeof address);
    out.length = sizeof address;
  } else {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(endpoint.port);
    std::memcpy(&out.storage, &address, sizeof address);
    out.length = sizeof address;
  }
  return out;
}

std::uint16_t PortOf(const Address& address) {
  if (address.storage.ss_family == AF_INET6) {
    sockaddr_in6 six{};
    std::memcpy(&six, &address.storage, sizeof six);
    return ntohs(six.sin6_port);
  }
  sockaddr_in four{};
  std::memcpy(&four, &address.storage, sizeof four);
  return ntohs(four.sin_port);
}

std::string Why(const Endpoint& endpoint) {
  return ToText(endpoint) + ": " + std::strerror(errno);
}

/// Bytes as they are, in both directions, at its speed.
bool MakeRaw(int fd, std::uint32_t baud) {
  termios settings{};
  if (::tcgetattr(fd, &settings) != 0) {
    return false;
  }
  ::cfmakeraw(&settings);
  settings.c_cflag |= CLOCAL | CREAD;
  settings.c_cflag &= ~static_cast<tcflag_t>(CRTSCTS | CSTOPB);
  settings.c_cc[VMIN] = 1;
  settings.c_cc[VTIME] = 0;
  const speed_t speed = SpeedOf(baud).value_or(B115200);
  return ::cfsetispeed(&settings, speed) == 0 && ::cfsetospeed(&settings, speed) == 0 &&
         ::tcsetattr(fd, TCSANOW, &settings) == 0 && ::tcflush(fd, TCIFLUSH) == 0;
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

std::optional<speed_t> SpeedOf(std::uint32_t baud) {
  for (const Speed& speed : kSpeeds) {
    if (speed.baud == baud) {
      return speed.constant;
    }
  }
  return std::nullopt;
}

Result<Descriptor> Listen(Endpoint& endpoint, std::string& error) {
  constexpr int kBacklog = 64;
  constexpr int kOn = 1;
  Address address = Loopback(endpoint);
  Descriptor socket(
      ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // A port of a daemon that was killed is free at once.
  if (!socket.ok() || ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &kOn, sizeof kOn) != 0 ||
      ::bind(socket.get(), address.get(), address.length) != 0 ||
      ::listen(socket.get(), kBacklog) != 0 ||
      ::getsockname(socket.get(), address.get(), &address.length) != 0) {
    const bool used = errno == EADDRINUSE;
    error = Why(endpoint);
    return used ? Code::kAlreadyExists : Code::kUnavailable;
  }
  endpoint.port = PortOf(address);
  return socket;
}

Result<Descriptor> Connect(const Endpoint& endpoint, std::string& error) {
  const Address address = Loopback(endpoint);
  Descriptor socket(
      ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.ok() ||
      (::connect(socket.get(), address.get(), address.length) != 0 && errno != EINPROGRESS)) {
    error = Why(endpoint);
    return Code::kUnavailable;
  }
  SetNoDelay(socket.get());
  return socket;
}

void SetNoDelay(int fd) {
  constexpr int kOn = 1;
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &kOn, sizeof kOn);
}

bool MetItself(int fd) {
  Address own;
  Address other;
  own.length = sizeof own.storage;
  other.length = sizeof other.storage;
  return ::getsockname(fd, own.get(), &own.length) == 0 &&
         ::getpeername(fd, other.get(), &other.length) == 0 && PortOf(own) == PortOf(other);
}

Moved ReadSome(int fd, std::span<std::byte> memory) {
  const ssize_t got = ::read(fd, memory.data(), memory.size());
  if (got > 0) {
    return {.bytes = static_cast<std::size_t>(got)};
  }
  return {.ended = got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)};
}

Moved WriteSome(int fd, Endpoint::Kind kind, std::span<const std::byte> bytes) {
  const ssize_t put = kind == Endpoint::Kind::kTcp
                          ? ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL)
                          : ::write(fd, bytes.data(), bytes.size());
  if (put >= 0) {
    return {.bytes = static_cast<std::size_t>(put)};
  }
  return {.ended = errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR};
}

Result<Descriptor> OpenDevice(const Endpoint& endpoint, std::string& error) {
  Descriptor device(::open(endpoint.path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!device.ok()) {
    const bool absent = errno == ENOENT || errno == ENXIO || errno == ENODEV;
    const bool busy = errno == EBUSY;
    const bool folder = errno == EISDIR;
    error = Why(endpoint);
    return absent ? Code::kNotFound
                  : (busy ? Code::kAlreadyExists
                          : (folder ? Code::kInvalidArgument : Code::kUnavailable));
  }
  struct stat about {};
  if (::fstat(device.get(), &about) != 0 || !S_ISCHR(about.st_mode) ||
      ::isatty(device.get()) != 1) {
    error = ToText(endpoint) + ": is no serial device";
    return Code::kInvalidArgument;
  }
  if (::flock(device.get(), LOCK_EX | LOCK_NB) != 0) {
    error = ToText(endpoint) + ": another program uses it";
    return Code::kAlreadyExists;
  }
  if (!MakeRaw(device.get(), endpoint.baud)) {
    error = Why(endpoint);
    return Code::kUnavailable;
  }
  return device;
}

}  // namespace trib::host::serial
