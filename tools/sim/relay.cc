#include "relay.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <vector>

namespace trib::tools::sim {
namespace {

constexpr int kTick_ms = 20;  // how soon a change of the switch is seen
constexpr std::size_t kBufferBytes = std::size_t{64} * 1024;

struct Way {
  int from = -1;
  int to = -1;
  std::vector<char> waiting;
};

struct Pair {
  Way up;
  Way down;
  bool dead = false;
};

sockaddr_in Loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

/// Moves what can be moved without blocking. @returns false when the connection has ended.
bool Move(Way& way) {
  if (way.waiting.empty()) {
    way.waiting.resize(kBufferBytes);
    const ssize_t got = recv(way.from, way.waiting.data(), way.waiting.size(), MSG_DONTWAIT);
    const bool ended = got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
    way.waiting.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    if (ended) {
      return false;
    }
  }
  if (way.waiting.empty()) {
    return true;
  }
  const ssize_t sent =
      send(way.to, way.waiting.data(), way.waiting.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent > 0) {
    way.waiting.erase(way.waiting.begin(), way.waiting.begin() + sent);
  }
  return sent >= 0 || errno == EAGAIN || errno == EWOULDBLOCK;
}

void Close(Pair& pair) {
  close(pair.up.from);
  close(pair.up.to);
}

/// @returns a connection to that port of this machine, or -1.
int ConnectTo(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  if (fd >= 0 && connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

/// The listener, and of each way the end that is to be waited for.
std::vector<pollfd> Watch(int listener, const std::vector<Pair>& pairs) {
  std::vector<pollfd> watched = {{listener, POLLIN, 0}};
  for (const Pair& pair : pairs) {
    for (const Way* way : {&pair.up, &pair.down}) {
      const bool full = !way->waiting.empty();
      watched.push_back({full ? way->to : way->from, full ? short{POLLOUT} : short{POLLIN}, 0});
    }
  }
  return watched;
}

}  // namespace

std::unique_ptr<Relay> Relay::Open(const std::string& target, std::string& error) {
  const std::size_t colon = target.rfind(':');
  std::uint16_t port = 0;
  if (colon == std::string::npos ||
      std::from_chars(target.data() + colon + 1, target.data() + target.size(), port).ec !=
          std::errc()) {
    error = target + ": not an endpoint";
    return nullptr;
  }
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address = Loopback(0);
  socklen_t length = sizeof address;
  if (listener < 0 || bind(listener, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      listen(listener, 16) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    error = "cannot listen for a relay to " + target;
    if (listener >= 0) {
      close(listener);
    }
    return nullptr;
  }
  return std::unique_ptr<Relay>(
      new Relay(listener, port, "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port))));
}

Relay::Relay(int listener, std::uint16_t target_port, std::string endpoint)
    : listener_(listener), target_port_(target_port), endpoint_(std::move(endpoint)) {
  thread_ = std::thread([this] { Run(); });
}

Relay::~Relay() {
  stopping_ = true;
  thread_.join();
  close(listener_);
}

void Relay::Run() {
  std::vector<Pair> pairs;
  while (!stopping_) {
    std::vector<pollfd> watched = Watch(listener_, pairs);
    (void)poll(watched.data(), watched.size(), kTick_ms);
    const bool open = open_;
    if (const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC); client >= 0) {
      const int server = open ? ConnectTo(target_port_) : -1;
      if (server >= 0) {
        pairs.push_back({{client, server, {}}, {server, client, {}}, false});
      } else {
        close(client);
      }
    }
    for (Pair& pair : pairs) {
      pair.dead = !open || !Move(pair.up) || !Move(pair.down);
      if (pair.dead) {
        Close(pair);
      }
    }
    std::erase_if(pairs, [](const Pair& pair) { return pair.dead; });
  }
  for (Pair& pair : pairs) {
    Close(pair);
  }
}

}  // namespace trib::tools::sim
