#include "relay.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

namespace trib::tools::sim {
namespace {

constexpr int kLong_ms = 20'000;

/// A listening socket, and what it accepted.
class Target {
 public:
  Target() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(listener_, 4), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
  }
  ~Target() { close(listener_); }
  [[nodiscard]] std::string endpoint() const { return "tcp://127.0.0.1:" + std::to_string(port_); }
  int Accept() {
    pollfd watched{listener_, POLLIN, 0};
    return poll(&watched, 1, kLong_ms) == 1 ? accept(listener_, nullptr, nullptr) : -1;
  }

 private:
  int listener_ = -1;
  int port_ = 0;
};

int ConnectTo(const std::string& endpoint) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port =
      htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return fd;
}

/// The next bytes; "" at the end of the connection.
std::string ReadSome(int fd) {
  pollfd watched{fd, POLLIN, 0};
  char bytes[64];
  if (poll(&watched, 1, kLong_ms) != 1) {
    return "nothing came";
  }
  const ssize_t got = recv(fd, bytes, sizeof bytes, 0);
  return got > 0 ? std::string(bytes, static_cast<std::size_t>(got)) : "";
}

TEST(Relay, PassesBytesBothWaysUntilItIsCut) {
  Target target;
  std::string error;
  const auto relay = Relay::Open(target.endpoint(), error);
  ASSERT_NE(relay, nullptr) << error;
  const int client = ConnectTo(relay->endpoint());
  const int server = target.Accept();
  ASSERT_GE(server, 0);
  ASSERT_EQ(send(client, "up", 2, 0), 2);
  EXPECT_EQ(ReadSome(server), "up");
  ASSERT_EQ(send(server, "down", 4, 0), 4);
  EXPECT_EQ(ReadSome(client), "down");
  relay->SetOpen(false);
  EXPECT_EQ(ReadSome(client), "");
  EXPECT_EQ(ReadSome(server), "");
  const int refused = ConnectTo(relay->endpoint());
  EXPECT_EQ(ReadSome(refused), "") << "accepted by the kernel, and ended";
  relay->SetOpen(true);
  const int again = ConnectTo(relay->endpoint());
  const int served = target.Accept();
  ASSERT_GE(served, 0);
  ASSERT_EQ(send(again, "x", 1, 0), 1);
  EXPECT_EQ(ReadSome(served), "x");
  for (const int fd : {client, server, refused, again, served}) {
    close(fd);
  }
}

TEST(Relay, NamesATargetThatIsNone) {
  std::string error;
  EXPECT_EQ(Relay::Open("nonsense", error), nullptr);
  EXPECT_EQ(error, "nonsense: not an endpoint");
}

}  // namespace
}  // namespace trib::tools::sim
