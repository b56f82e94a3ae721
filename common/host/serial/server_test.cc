#include "trib/common/host/serial/server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>

#include "testing.h"

namespace trib::host::serial {
namespace {

using testing::FakeDevice;
using testing::Now;
using testing::Parsed;
using testing::Station;
using testing::Until;

class ServerTest : public ::testing::Test {
 protected:
  void Open(ServerOptions options = {}) {
    if (options.endpoints.empty()) {
      options.endpoints = {Parsed(at, Use::kListen)};
    }
    if (options.stations.empty()) {
      options.stations = {17, 18};
    }
    options.station = 1001;
    options.retry = Millis(5);
    options.retry_most = Millis(20);
    options.log = [this](std::string_view line) { log.emplace_back(line); };
    std::string error;
    auto opened = Server::Open(std::move(options), Now(), error);
    ASSERT_TRUE(opened.ok()) << error;
    server = *std::move(opened);
    at = server->endpoints().front();
  }
  void Add(std::uint64_t id) { stations.push_back(std::make_unique<Station>(at, id)); }
  /// One turn of everybody. The server's messages are taken unless `deaf`.
  void Turn() {
    for (const auto& station : stations) {
      station->Turn();
    }
    server->Service(Now() + ahead);
    while (!deaf) {
      auto message = server->Receive(Now() + ahead);
      if (!message.ok()) {
        break;
      }
      received.push_back(*std::move(message));
    }
  }
  bool Await(const std::function<bool()>& done) {
    return Until(done, [this] { Turn(); });
  }
  bool InSession(std::size_t station) {
    return Await([&] { return stations[station]->channel().in_session(); });
  }

  std::string at = "tcp://127.0.0.1:*";
  std::unique_ptr<Server> server;
  std::vector<std::unique_ptr<Station>> stations;
  std::vector<ReceivedMessage> received;
  std::vector<std::string> log;
  bool deaf = false;
  Millis ahead{0};  ///< of the server's time before everybody else's
};

TEST_F(ServerTest, MessagesTravelBothWays) {
  Open();
  EXPECT_EQ(at.find('*'), std::string::npos) << at;
  Add(17);
  Add(18);
  ASSERT_TRUE(InSession(0));
  ASSERT_TRUE(InSession(1));
  const std::string longest(frame::kMaxMessageBytes, 'z');
  ASSERT_TRUE(stations[0]->Send("from 17").ok());
  ASSERT_TRUE(stations[1]->Send(longest).ok());
  ASSERT_TRUE(Await([&] { return received.size() == 2; }));
  for (const ReceivedMessage& message : received) {
    EXPECT_EQ(message.body, message.station == 17 ? "from 17" : longest);
    EXPECT_TRUE(IsRoutingId(message.routing_id));
    EXPECT_TRUE(
        server->Send(message.routing_id, "to " + std::to_string(message.station), Now()).ok());
  }
  ASSERT_TRUE(
      Await([&] { return !stations[0]->received.empty() && !stations[1]->received.empty(); }));
  EXPECT_EQ(stations[0]->received, std::vector<std::string>{"to 17"});
  EXPECT_EQ(stations[1]->received, std::vector<std::string>{"to 18"});
  EXPECT_EQ(stations[0]->channel().peer(), 1001U);
  const Metrics metrics = server->metrics();
  EXPECT_EQ(metrics.wires, 2U);
  EXPECT_EQ(metrics.in_session, 2U);
  EXPECT_EQ(metrics.accepted, 2U);
  EXPECT_EQ(metrics.channel.messages_received, 2U);
  EXPECT_EQ(metrics.channel.messages_sent, 2U);
}

TEST_F(ServerTest, WhoMayNotSpeakIsNotHeard) {
  Open({.stations = {17}});
  Add(18);
  ASSERT_TRUE(InSession(0));
  ASSERT_TRUE(stations[0]->Send("let me in").ok());
  ASSERT_TRUE(Await([&] { return stations[0]->channel().metrics().closed > 0; }));
  EXPECT_TRUE(received.empty());
  EXPECT_EQ(server->metrics().stations_refused, 1U);
  EXPECT_EQ(server->metrics().in_session, 0U);
  ASSERT_EQ(log.size(), 1U);
  EXPECT_NE(log[0].find("station 18"), std::string::npos) << log[0];
}

TEST_F(ServerTest, ARouteEndsWithItsSession) {
  Open();
  Add(17);
  ASSERT_TRUE(InSession(0));
  ASSERT_TRUE(stations[0]->Send("one").ok());
  ASSERT_TRUE(Await([&] { return received.size() == 1; }));
  const std::string route = received[0].routing_id;
  stations.clear();
  ASSERT_TRUE(Await([&] { return server->metrics().wires == 0; }));
  EXPECT_EQ(server->Send(route, "late", Now()).code(), Code::kNotFound);
  EXPECT_EQ(server->metrics().channel.messages_received, 1U) << "of a wire that is gone";
  for (const char* strange : {"", "serial:", "serial:1", "serial:x:1", "serial:1:1x", "other"}) {
    EXPECT_EQ(server->Send(strange, "lost", Now()).code(), Code::kNotFound) << strange;
  }
}

TEST_F(ServerTest, AQueueThatIsFullSaysSo) {
  Open();
  Add(17);
  ASSERT_TRUE(InSession(0));
  ASSERT_TRUE(stations[0]->Send("hello").ok());
  ASSERT_TRUE(Await([&] { return received.size() == 1; }));
  // The station does not move meanwhile: what is sent piles up.
  const std::string block(4000, 'b');
  std::size_t sent = 0;
  Status status;
  while (sent < 1000 && (status = server->Send(received[0].routing_id, block, Now())).ok()) {
    ++sent;
  }
  EXPECT_EQ(status.code(), Code::kResourceExhausted);
  EXPECT_EQ(server->metrics().queue_full, 1U);
  ASSERT_TRUE(Await([&] { return stations[0]->received.size() == sent; }));
  EXPECT_EQ(stations[0]->received.back(), block);
}

TEST_F(ServerTest, AWireWhoseMessagesNobodyTakesWaitsAndLosesNothing) {
  Open();
  Add(17);
  ASSERT_TRUE(InSession(0));
  deaf = true;
  constexpr std::size_t kMessages = 200;
  std::size_t sent = 0;
  const auto send = [&] {
    while (sent < kMessages && stations[0]->Send(std::to_string(sent)).ok()) {
      ++sent;
    }
  };
  send();
  // Until both ends have nothing more that they could do at once.
  ASSERT_TRUE(Await([&] {
    pollfd ready{server->fd(), POLLIN, 0};
    return stations[0]->channel().metrics().retransmissions > 0 && ::poll(&ready, 1, 0) == 0;
  }));
  EXPECT_LT(server->metrics().channel.messages_received, kMessages);
  deaf = false;
  ASSERT_TRUE(Await([&] {
    send();
    return received.size() == kMessages;
  }));
  for (std::size_t i = 0; i < kMessages; ++i) {
    EXPECT_EQ(received[i].body, std::to_string(i));
  }
  EXPECT_EQ(server->metrics().channel.sessions, 1U);
}

TEST_F(ServerTest, ConnectionsBeyondTheLimitAreClosed) {
  Open({.max_wires = 1});
  Add(17);
  ASSERT_TRUE(InSession(0));
  Add(18);
  ASSERT_TRUE(Await([&] { return server->metrics().wires_refused > 0; }));
  EXPECT_EQ(server->metrics().wires, 1U);
  EXPECT_TRUE(stations[0]->channel().in_session());
}

TEST_F(ServerTest, AConnectionWithoutASessionKeepsNobodyOut) {
  Open({.max_wires = 2});
  Add(17);
  ASSERT_TRUE(InSession(0));
  std::string error;
  auto mute = Client::Open(Parsed(at, Use::kConnect), {}, error);
  ASSERT_TRUE(mute.ok()) << error;
  (*mute)->Service(Now());
  ASSERT_TRUE(Await([&] { return server->metrics().wires == 2; }));
  Add(18);
  ASSERT_TRUE(Await([&] { return server->metrics().wires_refused > 0; }));
  EXPECT_EQ(server->metrics().wires_silent, 0U);
  ahead += Millis(61'000);
  ASSERT_TRUE(InSession(1));
  EXPECT_EQ(server->metrics().wires_silent, 1U);
  EXPECT_TRUE(stations[0]->channel().in_session());
  EXPECT_EQ(stations[0]->client().connections(), 1U);
}

TEST_F(ServerTest, AConnectionWhoseSessionHasJustEndedMayBeginAnother) {
  Open();
  Add(17);
  ASSERT_TRUE(InSession(0));
  ASSERT_TRUE(Await([&] { return server->metrics().in_session == 1; }));
  // Nothing is heard for longer than a connection may be silent; then the session ends.
  ahead += Millis(120'000);
  stations[0]->Close();
  ASSERT_TRUE(Await([&] { return server->metrics().channel.sessions == 2; }));
  EXPECT_EQ(server->metrics().wires, 1U);
  EXPECT_EQ(server->metrics().wires_silent, 0U);
  EXPECT_EQ(stations[0]->client().connections(), 1U);
}

TEST_F(ServerTest, WaitsWhenDescriptorsRunOut) {
  Open();
  Add(17);
  // The connection is made, but not accepted yet; then nothing more can be opened.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const bool failed =
      Until([&] { return server->metrics().accept_failures > 0; }, [&] { server->Service(Now()); });
  pollfd ready{server->fd(), POLLIN, 0};
  // A limit of 0 descriptors holds for poll(), too.
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(failed);
  EXPECT_EQ(::poll(&ready, 1, 0), 0) << "nothing to do until the pause is over";
  EXPECT_LT(server->next_due(), MonotonicTime::max());
  EXPECT_TRUE(InSession(0));
}

TEST_F(ServerTest, AServerThatWasReplacedIsFoundAgain) {
  Open();
  Add(17);
  ASSERT_TRUE(InSession(0));
  server.reset();
  Open();
  // What notices is the first frame, which is lost with its session; the layer above says it again.
  ASSERT_TRUE(Await([&] {
    if (stations[0]->channel().metrics().messages_sent ==
        stations[0]->channel().session_count() - 1) {
      (void)stations[0]->Send("again");
    }
    return !received.empty();
  }));
  EXPECT_EQ(received[0].body, "again");
  EXPECT_EQ(stations[0]->channel().session_count(), 2U);
}

TEST_F(ServerTest, TheSamePortTwiceIsSaid) {
  Open();
  std::string error;
  const auto second = Server::Open({.endpoints = {Parsed(at, Use::kListen)}}, Now(), error);
  EXPECT_EQ(second.status().code(), Code::kAlreadyExists);
  EXPECT_NE(error.find(at), std::string::npos) << error;
}

TEST_F(ServerTest, IPv6LoopbackWorks) {
  std::string error;
  Endpoint endpoint = Parsed("tcp://[::1]:*", Use::kListen);
  if (!Listen(endpoint, error).ok()) {
    GTEST_SKIP() << "NOT TESTED: this machine has no IPv6 loopback: " << error;
  }
  at = "tcp://[::1]:*";
  Open();
  Add(17);
  ASSERT_TRUE(InSession(0));
}

/// The far end of a terminal pair, as a station.
class ServerOfADevice : public ServerTest {
 protected:
  /// Lets a channel talk to the near end.
  void DeviceTurn() {
    std::array<std::byte, frame::kMaxMtu + 1> bytes{};
    const Moved got = ReadSome(device.near(), bytes);
    (void)channel.TakeBytes(std::span(bytes).first(got.bytes), Now());
    const std::size_t given = channel.GiveBytes(bytes, Now());
    (void)WriteSome(device.near(), Endpoint::Kind::kDevice, std::span(bytes).first(given));
    Turn();
  }
  bool AwaitDevice(const std::function<bool()>& done) {
    return Until(done, [this] { DeviceTurn(); });
  }

  FakeDevice device;
  frame::ChannelStorage<frame::kMaxMtu, frame::kBitmapBits, 3 * frame::kMaxMessageBytes> storage;
  frame::Channel channel{{.role = frame::Role::kInitiator, .station = 17}, storage.memory()};
};

TEST_F(ServerOfADevice, IsOpenedAgainAfterItWasAwayAndTheSessionGoesOn) {
  ASSERT_EQ(::fcntl(device.near(), F_SETFL, O_NONBLOCK), 0);
  Open({.endpoints = {Parsed(device.name(), Use::kListen)}});
  EXPECT_EQ(at, device.name() + "?baud=115200");
  channel.Start(DrawNonce(), Now());
  ASSERT_TRUE(AwaitDevice([&] { return channel.in_session(); }));
  const std::string_view first = "before";
  ASSERT_TRUE(channel.Send(std::as_bytes(std::span(first)), Now()).ok());
  ASSERT_TRUE(AwaitDevice([&] { return received.size() == 1; }));
  device.Unplug();
  ASSERT_TRUE(Await([&] { return server->metrics().devices_lost == 1; }));
  EXPECT_EQ(server->metrics().wires, 0U);
  device.Plug();
  ASSERT_EQ(::fcntl(device.near(), F_SETFL, O_NONBLOCK), 0);
  const std::string_view second = "after";
  ASSERT_TRUE(channel.Send(std::as_bytes(std::span(second)), Now()).ok());
  ASSERT_TRUE(AwaitDevice([&] { return received.size() == 2; }));
  EXPECT_EQ(received[1].body, "after");
  EXPECT_EQ(received[1].routing_id, received[0].routing_id);
}

TEST_F(ServerOfADevice, IsWaitedForWhenItIsNotThereAtTheStart) {
  device.Unplug();
  Open({.endpoints = {Parsed(device.name(), Use::kListen)}});
  ASSERT_EQ(log.size(), 1U);
  EXPECT_NE(log[0].find("waiting for it"), std::string::npos) << log[0];
  device.Plug();
  EXPECT_TRUE(Await([&] { return server->metrics().wires == 1; }));
}

TEST_F(ServerOfADevice, ThatComesAndGoesIsOpenedMoreAndMoreRarely) {
  Open({.endpoints = {Parsed(device.name(), Use::kListen)}});
  MonotonicTime now = Now();
  const auto there_after = [&](Millis pause) {
    device.Unplug();
    server->Service(now);
    EXPECT_EQ(server->metrics().wires, 0U);
    device.Plug();
    server->Service(now + pause - Millis(1));
    EXPECT_EQ(server->metrics().wires, 0U) << pause.count();
    now += pause;
    server->Service(now);
    EXPECT_EQ(server->metrics().wires, 1U) << pause.count();
  };
  there_after(Millis(5));
  there_after(Millis(10));
  there_after(Millis(20));
  there_after(Millis(20));
  ASSERT_EQ(::fcntl(device.near(), F_SETFL, O_NONBLOCK), 0);
  channel.Start(DrawNonce(), Now());
  ASSERT_TRUE(AwaitDevice([&] { return channel.in_session(); }));
  now = Now();
  there_after(Millis(5));
}

TEST_F(ServerOfADevice, WhatIsNoneIsRefused) {
  std::string error;
  const auto opened =
      Server::Open({.endpoints = {Parsed("/dev/null", Use::kListen)}}, Now(), error);
  EXPECT_EQ(opened.status().code(), Code::kInvalidArgument);
  EXPECT_NE(error.find("/dev/null?baud=115200: is no serial device"), std::string::npos) << error;
}

}  // namespace
}  // namespace trib::host::serial
