#include "tcp_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "river.h"

namespace trib::integration {
namespace {

// ZMTP 3.0, section 3: signature 10, version 2, mechanism 20, as-server 1, filler 31 bytes.
constexpr std::size_t kGreetingBytes = 64;
constexpr std::size_t kMechanismAt = 12;
constexpr std::size_t kMechanismBytes = 20;

std::string Greeting() {
  std::string text(kGreetingBytes, '\0');
  text[0] = '\xFF';
  text[9] = '\x7F';
  text[10] = 3;
  text.replace(kMechanismAt, 4, "NULL");
  return text;
}

/// Reads until `got` has `wanted` bytes. @returns false when the server hung up before.
bool ReadUntil(int fd, std::string& got, std::size_t wanted) {
  const auto deadline = std::chrono::steady_clock::now() + kLong;
  while (got.size() < wanted && std::chrono::steady_clock::now() < deadline) {
    pollfd wait{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, 100) <= 0) {
      continue;
    }
    std::array<char, 512> buffer{};
    const auto count = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (count <= 0) {
      return false;
    }
    got.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return true;
}

void SendAll(int fd, const std::string& bytes) {
  // A server that has hung up already is what we are here to see.
  [[maybe_unused]] const auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

}  // namespace

NullGreeting GreetWithoutSecurity(std::uint16_t port) {
  NullGreeting result;
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  result.connected = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  if (!result.connected) {
    ::close(fd);
    return result;
  }
  // As much of the greeting as makes the server show all of its own; what a server sees of a
  // mechanism that it refuses makes it hang up at once.
  constexpr std::size_t kUpToVersion = 11;
  SendAll(fd, Greeting().substr(0, kUpToVersion));
  std::string got;
  result.closed = !ReadUntil(fd, got, kGreetingBytes);
  // READY with Socket-Type DEALER, then a message of one frame.
  std::string ready(
      "\x04\0\x05READY\x0BSocket-Type\0\0\0\x06"
      "DEALER",
      30);
  ready[1] = static_cast<char>(ready.size() - 2);
  SendAll(fd, Greeting().substr(kUpToVersion) + ready + std::string("\x00\x05hello", 7));
  result.closed = result.closed || !ReadUntil(fd, got, std::string::npos);
  ::close(fd);
  if (got.size() >= kMechanismAt + kMechanismBytes) {
    result.mechanism = got.substr(kMechanismAt, kMechanismBytes).c_str();
  }
  result.bytes_after = got.size() > kGreetingBytes ? got.size() - kGreetingBytes : 0;
  return result;
}

HeldPort::HeldPort() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), length), 0);
  EXPECT_EQ(::listen(fd_, 1), 0);
  EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length), 0);
  port_ = ntohs(address.sin_port);
}

HeldPort::~HeldPort() {
  ::close(fd_);
}

std::set<std::uint16_t> ListeningPorts(pid_t pid) {
  const auto process = std::filesystem::path("/proc") / std::to_string(pid);
  std::set<std::string> inodes;
  for (const auto& entry : std::filesystem::directory_iterator(process / "fd")) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
    if (target.starts_with("socket:[")) {
      inodes.insert(target.substr(8, target.size() - 9));
    }
  }
  std::set<std::uint16_t> ports;
  for (const char* table : {"net/tcp", "net/tcp6"}) {
    std::ifstream in(process / table);
    std::string line;
    std::getline(in, line);  // the heading
    while (std::getline(in, line)) {
      // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
      std::istringstream words(line);
      std::string slot, local, remote, state, skip, inode;
      words >> slot >> local >> remote >> state >> skip >> skip >> skip >> skip >> skip >> inode;
      constexpr const char* kListen = "0A";
      if (state == kListen && inodes.contains(inode)) {
        ports.insert(static_cast<std::uint16_t>(
            std::stoul(local.substr(local.rfind(':') + 1), nullptr, 16)));
      }
    }
  }
  return ports;
}

std::uint16_t PortOf(const std::string& endpoint) {
  return static_cast<std::uint16_t>(std::stoul(endpoint.substr(endpoint.rfind(':') + 1)));
}

}  // namespace trib::integration
