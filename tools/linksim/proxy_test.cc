#include "proxy.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <string>
#include <string_view>

#include "report.h"

namespace trib::tools::linksim {
namespace {

namespace serial = host::serial;

/// A proxy, the gateway behind it and nodes before it, in turns of a millisecond.
class ProxyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string error;
    auto listener = serial::Listen(gateway_at, error);
    ASSERT_TRUE(listener.ok()) << error;
    gateway_listener = *std::move(listener);
  }
  void Open(const AirOptions& air = {}) {
    std::string error;
    proxy = Proxy::Open({.connect = gateway_at, .seed = 1, .air = air}, error);
    ASSERT_NE(proxy, nullptr) << error;
  }
  serial::Descriptor Node() {
    std::string error;
    const auto at = serial::ParseEndpoint(proxy->endpoint(), serial::Use::kConnect, error);
    auto node = serial::Connect(*at, error);
    EXPECT_TRUE(node.ok()) << error;
    return *std::move(node);
  }
  serial::Descriptor Accept() {
    serial::Descriptor accepted;
    EXPECT_TRUE(Until([&] {
      accepted =
          serial::Descriptor(::accept4(gateway_listener.get(), nullptr, nullptr, SOCK_NONBLOCK));
      return accepted.ok();
    }));
    return accepted;
  }
  bool Until(const std::function<bool()>& done) {
    const Time end = Now() + std::chrono::seconds(60);
    while (!done()) {
      if (Now() >= end) {
        return false;
      }
      EXPECT_TRUE(proxy->Run(-1, Now() + std::chrono::milliseconds(1)));
    }
    return true;
  }
  static void Write(const serial::Descriptor& to, std::string_view text) {
    (void)serial::WriteSome(to.get(), serial::Endpoint::Kind::kTcp, std::as_bytes(std::span(text)));
  }
  bool Hears(const serial::Descriptor& from, const std::string& expected) {
    std::string all;
    std::array<std::byte, 256> bytes{};
    const bool heard = Until([&] {
      const auto got = serial::ReadSome(from.get(), bytes);
      all.append(reinterpret_cast<const char*>(bytes.data()), got.bytes);
      return all.size() >= expected.size();
    });
    EXPECT_EQ(all, expected);
    return heard;
  }

  serial::Endpoint gateway_at;
  serial::Descriptor gateway_listener;
  std::unique_ptr<Proxy> proxy;
};

const std::string kUp("up\0", 3);
const std::string kDown("down\0", 5);

TEST_F(ProxyTest, EachNodeHasItsOwnWayToTheGateway) {
  Open({.latency = Time(2'000)});
  const auto first = Node();
  const auto first_gateway = Accept();
  const auto second = Node();
  const auto second_gateway = Accept();
  Write(first, kUp);
  EXPECT_TRUE(Hears(first_gateway, kUp));
  Write(second_gateway, kDown);
  EXPECT_TRUE(Hears(second, kDown));
  const ProxyTotals totals = proxy->totals();
  EXPECT_EQ(totals.connections, 2U);
  EXPECT_EQ(totals.open, 2U);
  EXPECT_EQ(totals.up.frames, 1U);
  EXPECT_EQ(totals.up.bytes, kUp.size());
  EXPECT_EQ(totals.down.bytes_delivered, kDown.size());
}

TEST_F(ProxyTest, CountersOutliveConnections) {
  Open({.loss = 1});
  auto node = Node();
  const auto gateway = Accept();
  Write(node, kUp + kUp);
  ASSERT_TRUE(Until([&] { return proxy->totals().up.dropped == 2; }));
  node = serial::Descriptor();
  ASSERT_TRUE(Until([&] { return proxy->totals().open == 0; }));
  const auto report = ToJson(proxy->totals());
  EXPECT_EQ(report["connections"], 1);
  EXPECT_EQ(report["up"]["dropped"], 2);
  EXPECT_EQ(report["up"]["frames_delivered"], 0);
  EXPECT_NE(ToText(proxy->totals()).find("2 dropped"), std::string::npos);
}

TEST_F(ProxyTest, AGatewayThatComesBackIsFoundAgain) {
  Open();
  const auto node = Node();
  auto gateway = Accept();
  Write(node, kUp);
  ASSERT_TRUE(Hears(gateway, kUp));
  gateway = serial::Descriptor();
  const auto again = Accept();
  EXPECT_EQ(proxy->totals().open, 1U) << "the node's connection stays";
  // What was sent in between is lost, so a node says it again.
  std::string heard;
  std::array<std::byte, 256> bytes{};
  EXPECT_TRUE(Until([&] {
    Write(node, kUp);
    const auto got = serial::ReadSome(again.get(), bytes);
    heard.append(reinterpret_cast<const char*>(bytes.data()), got.bytes);
    return heard.starts_with(kUp);
  }));
}

TEST_F(ProxyTest, StopsWhenAskedTo) {
  Open();
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const serial::Descriptor read_end(pipe[0]);
  const serial::Descriptor write_end(pipe[1]);
  ASSERT_EQ(::write(write_end.get(), "x", 1), 1);
  EXPECT_FALSE(proxy->Run(read_end.get(), std::nullopt));
}

}  // namespace
}  // namespace trib::tools::linksim
