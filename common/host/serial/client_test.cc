#include "trib/common/host/serial/client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "testing.h"

namespace trib::host::serial {
namespace {

using testing::FakeDevice;
using testing::Now;
using testing::Parsed;
using testing::Until;

constexpr ClientOptions kQuick = {.retry = Millis(5), .retry_most = Millis(20)};

std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string TextOf(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Somebody listens, and takes one connection after the other.
class ClientTest : public ::testing::Test {
 protected:
  void SetUp() override { StartListening(); }
  void StartListening() {
    std::string error;
    auto opened = Listen(endpoint, error);
    ASSERT_TRUE(opened.ok()) << error;
    listener = *std::move(opened);
  }
  void Open() {
    std::string error;
    auto opened = Client::Open(endpoint, kQuick, error);
    ASSERT_TRUE(opened.ok()) << error;
    client = *std::move(opened);
  }
  void Accept() {
    peer = Descriptor();
    ASSERT_TRUE(Until(
        [&] {
          peer = Descriptor(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK));
          return peer.ok();
        },
        [&] { client->Service(Now()); }));
    ASSERT_TRUE(Until([&] { return client->connected(); }, [&] { client->Service(Now()); }));
  }
  /// What the client reads, once there are `count` bytes.
  std::string Read(std::size_t count) {
    std::string all;
    std::array<std::byte, 64> bytes{};
    EXPECT_TRUE(Until([&] { return all.size() >= count; },
                      [&] {
                        client->Service(Now());
                        all += TextOf(std::span(bytes).first(client->Read(bytes)));
                      }));
    return all;
  }

  Endpoint endpoint;
  Descriptor listener;
  Descriptor peer;
  std::unique_ptr<Client> client;
};

TEST_F(ClientTest, BytesTravelBothWays) {
  Open();
  Accept();
  EXPECT_EQ(client->Write(AsBytes("up")), 2U);
  std::array<std::byte, 8> bytes{};
  std::size_t got = 0;
  ASSERT_TRUE(Until([&] { return got == 2; },
                    [&] {
                      client->Service(Now());
                      got += ReadSome(peer.get(), std::span(bytes).subspan(got)).bytes;
                    }));
  EXPECT_EQ(TextOf(std::span(bytes).first(2)), "up");
  (void)WriteSome(peer.get(), Endpoint::Kind::kTcp, AsBytes("down"));
  EXPECT_EQ(Read(4), "down");
  EXPECT_EQ(client->connections(), 1U);
}

TEST_F(ClientTest, ConnectsAgainAndLosesWhatWasWrittenMeanwhile) {
  Open();
  Accept();
  peer = Descriptor();
  std::array<std::byte, 8> bytes{};
  ASSERT_TRUE(Until([&] { return !client->connected(); }, [&] { (void)client->Read(bytes); }));
  EXPECT_EQ(client->Write(AsBytes("nobody hears")), 12U);
  EXPECT_LT(client->next_due(), MonotonicTime::max());
  Accept();
  (void)WriteSome(peer.get(), Endpoint::Kind::kTcp, AsBytes("again"));
  EXPECT_EQ(Read(5), "again");
  EXPECT_EQ(client->connections(), 2U);
  EXPECT_EQ(ReadSome(peer.get(), bytes).bytes, 0U);
}

TEST_F(ClientTest, WaitsForSomebodyToListen) {
  listener = Descriptor();
  Open();
  for (int turn = 0; turn < 20; ++turn) {
    client->Service(Now());
    EXPECT_FALSE(client->connected());
  }
  StartListening();
  Accept();
  EXPECT_TRUE(client->connected());
}

TEST_F(ClientTest, TakesNoMoreThanItsQueueWhenNobodyReads) {
  Open();
  Accept();
  const std::string block(1000, 'x');
  // Kernel buffers are finite: sooner or later only its own queue is left, and then nothing.
  ASSERT_TRUE(Until([&] { return client->room() < block.size(); },
                    [&] {
                      for (int i = 0; i < 1000; ++i) {
                        (void)client->Write(AsBytes(block));
                      }
                    }));
  const std::size_t room = client->room();
  EXPECT_EQ(client->Write(AsBytes(std::string(8192, 'y'))), room);
  EXPECT_EQ(client->room(), 0U);
}

TEST(ClientOfADevice, IsOpenedAgainAfterItWasAway) {
  FakeDevice device;
  std::string error;
  auto opened = Client::Open(Parsed(device.name(), Use::kConnect), kQuick, error);
  ASSERT_TRUE(opened.ok()) << error;
  Client& client = **opened;
  EXPECT_TRUE(client.connected());
  std::array<std::byte, 8> bytes{};
  // Raw: neither echoed nor translated.
  (void)WriteSome(device.near(), Endpoint::Kind::kDevice, AsBytes("a\r\n\x03"));
  std::string got;
  ASSERT_TRUE(Until([&] { return got.size() >= 4; },
                    [&] { got += TextOf(std::span(bytes).first(client.Read(bytes))); }));
  EXPECT_EQ(got, "a\r\n\x03");
  device.Unplug();
  ASSERT_TRUE(Until([&] { return !client.connected(); },
                    [&] {
                      (void)client.Read(bytes);
                      client.Service(Now());
                    }));
  device.Plug();
  ASSERT_TRUE(Until([&] { return client.connected(); }, [&] { client.Service(Now()); }));
  EXPECT_EQ(client.connections(), 2U);
}

TEST(ClientOfADevice, RefusesWhatIsNone) {
  for (const char* path : {"/dev/null", "/dev/shm"}) {
    std::string error;
    const auto client = Client::Open(Parsed(path, Use::kConnect), kQuick, error);
    EXPECT_EQ(client.status().code(), Code::kInvalidArgument) << path;
    EXPECT_NE(error.find(path), std::string::npos) << error;
  }
}

TEST(ClientOfADevice, IsTheOnlyOne) {
  FakeDevice device;
  std::string error;
  const Endpoint endpoint = Parsed(device.name(), Use::kConnect);
  auto first = OpenDevice(endpoint, error);
  ASSERT_TRUE(first.ok()) << error;
  EXPECT_EQ(OpenDevice(endpoint, error).status().code(), Code::kAlreadyExists);
  EXPECT_NE(error.find("another program uses it"), std::string::npos) << error;
}

}  // namespace
}  // namespace trib::host::serial
