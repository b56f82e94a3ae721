#include <zmq.hpp>

#include "testing.h"

namespace trib::host::zmq {
namespace {

using SocketsTest = SocketFixture;

TEST_F(SocketsTest, AnswerReachesTheSender) {
  auto client = Connect(known);
  ASSERT_TRUE(SendsEventually(*client, "question"));
  const auto got = ReceiveEventually();
  ASSERT_TRUE(got.ok());
  ASSERT_TRUE(server->Send(got->routing_id, "answer").ok());
  std::string answer;
  ASSERT_TRUE(Eventually([&] {
    auto reply = client->Receive();
    if (reply.ok()) {
      answer = *reply;
    }
    return reply.ok();
  }));
  EXPECT_EQ(answer, "answer");
}

TEST_F(SocketsTest, ReportsTheActualPort) {
  EXPECT_EQ(server->endpoint().find('*'), std::string::npos);
  EXPECT_TRUE(server->endpoint().starts_with("tcp://127.0.0.1:"));
}

TEST_F(SocketsTest, AnAddressInUseSaysSo) {
  EXPECT_EQ(Listen(server->endpoint()), nullptr);
  EXPECT_EQ(status.code(), Code::kAlreadyExists);
  EXPECT_NE(error.find("in use"), std::string::npos) << error;
}

TEST_F(SocketsTest, ABadEndpointSaysSo) {
  for (const char* endpoint :
       {"", "tcp://", "tcp://nowhere", "ipc:///tmp/x", "inproc://x", "5000"}) {
    EXPECT_EQ(Listen(endpoint), nullptr) << endpoint;
    EXPECT_FALSE(error.empty());
  }
  EXPECT_EQ(Listen("tcp://127.0.0.1:*", ""), nullptr) << "no domain, no ZAP";
}

TEST_F(SocketsTest, AClientWithAnotherServersKeyDoesNotConnect) {
  auto client = Connect(known, DrawCurveKeys().public_key);
  EXPECT_TRUE(Eventually([&] { return client->link() != LinkState::kUnknown; }));
  EXPECT_NE(client->link(), LinkState::kUp);
  EXPECT_FALSE(client->Send("x").ok());
  EXPECT_EQ(zap->counts("south").accepted, 0U);
}

TEST_F(SocketsTest, AnAbsentServerIsUnreachable) {
  const std::string endpoint = server->endpoint();
  auto client = Connect(known);
  ASSERT_TRUE(Eventually([&] { return client->link() == LinkState::kUp; }));
  server = Listen("tcp://127.0.0.1:*");
  ASSERT_NE(server, nullptr);
  EXPECT_TRUE(Eventually([&] { return client->link() == LinkState::kUnreachable; }));
  EXPECT_EQ(client->Send("x").code(), Code::kResourceExhausted);
}

TEST_F(SocketsTest, SendingToAPeerThatLeftIsNotFound) {
  EXPECT_EQ(server->Send("nobody", "x").code(), Code::kNotFound);
}

TEST_F(SocketsTest, AFullQueueRefusesAndLosesNothing) {
  auto client = Connect(known);
  ASSERT_TRUE(SendsEventually(*client, "hello"));
  const auto got = ReceiveEventually();
  ASSERT_TRUE(got.ok());
  const std::string body(4000, 'x');
  std::size_t sent = 0;
  Status last = server->Send(got->routing_id, body);
  for (; last.ok(); last = server->Send(got->routing_id, body)) {
    ASSERT_LT(++sent, 1'000'000U);
  }
  EXPECT_EQ(last.code(), Code::kResourceExhausted);
  std::size_t received = 0;
  Eventually([&] {
    while (client->Receive().ok()) {
      ++received;
    }
    return received == sent;
  });
  EXPECT_EQ(received, sent);
}

TEST_F(SocketsTest, RoomThatTheReaderMadeIsSeenAtOnce) {
  server.reset();
  server = Listen("tcp://127.0.0.1:*", "south", /*send_high_water=*/1);
  ASSERT_NE(server, nullptr) << error;
  auto client = Connect(known);
  ASSERT_TRUE(SendsEventually(*client, "hello"));
  const auto got = ReceiveEventually();
  ASSERT_TRUE(got.ok());
  // Whoever holds an answer in hand has emptied the queue that it came from.
  for (int i = 0; i < 500; ++i) {
    ASSERT_EQ(server->Send(got->routing_id, "answer").code(), Code::kOk) << i;
    // Without a pause: the room is to be seen before libzmq would look by itself.
    const auto end = std::chrono::steady_clock::now() + kGenerous;
    while (!client->Receive().ok()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << i;
    }
  }
}

TEST_F(SocketsTest, AMessageAboveTheLimitEndsTheConnection) {
  auto client = Connect(known);
  ASSERT_TRUE(SendsEventually(*client, std::string(4096, 'a')));
  ASSERT_TRUE(ReceiveEventually().ok());
  ASSERT_TRUE(SendsEventually(*client, std::string(5000, 'b')));
  // It reconnects; the large message never arrives, what follows does.
  ASSERT_TRUE(Eventually([&] { return zap->counts("south").accepted >= 2; }));
  ASSERT_TRUE(SendsEventually(*client, "small"));
  const auto got = ReceiveEventually();
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->body, "small");
}

TEST_F(SocketsTest, AClientThatWasSentTooMuchComesBack) {
  auto opened = ClientSocket::Open(context,
                                   known,
                                   {.endpoint = server->endpoint(),
                                    .server_public_key = server_keys.public_key,
                                    .max_message_bytes = 1000,
                                    .reconnect = Millis(20),
                                    .reconnect_max = Millis(50)},
                                   error);
  ASSERT_TRUE(opened.ok()) << error;
  ClientSocket& client = **opened;
  ASSERT_TRUE(SendsEventually(client, "hello"));
  const auto got = ReceiveEventually();
  ASSERT_TRUE(got.ok());
  ASSERT_TRUE(server->Send(got->routing_id, std::string(2000, 'x')).ok());
  ASSERT_TRUE(
      Eventually([&] { return client.link() == LinkState::kUp && client.connections() >= 2; }));
  ASSERT_TRUE(SendsEventually(client, "again"));
  const auto again = ReceiveEventually();
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->body, "again");
}

// libzmq aborts the process when its own heartbeat is due on a connection that broke while nobody
// read it (4.3.4, stream_engine_base.cpp, `!_io_error`).
TEST_F(SocketsTest, SlowAPeerThatLeavesAFullQueueBehindDoesNoHarm) {
  auto client = Connect(known);
  ASSERT_TRUE(SendsEventually(*client, "hello"));
  ASSERT_TRUE(ReceiveEventually().ok());
  // Until neither the server's queue nor the kernel takes more.
  const std::string body(4000, 'x');
  const auto full_at = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (std::chrono::steady_clock::now() < full_at) {
    (void)client->Send(body);
  }
  client.reset();
  const auto past_every_timer = std::chrono::steady_clock::now() + std::chrono::seconds(50);
  WakeUp nobody;
  Poller poller;
  poller.Add(nobody);
  while (std::chrono::steady_clock::now() < past_every_timer) {
    poller.Wait(Millis(1'000));
  }
  EXPECT_TRUE(server->Receive().ok()) << "what had come is still there";
}

TEST_F(SocketsTest, AMessageInSeveralPartsIsDroppedAndCounted) {
  ::zmq::context_t other;
  ::zmq::socket_t raw(other, ::zmq::socket_type::dealer);
  raw.set(::zmq::sockopt::linger, 0);
  raw.set(::zmq::sockopt::curve_serverkey,
          ::zmq::const_buffer(server_keys.public_key.data(), server_keys.public_key.size()));
  raw.set(::zmq::sockopt::curve_publickey,
          ::zmq::const_buffer(known.public_key.data(), known.public_key.size()));
  raw.set(::zmq::sockopt::curve_secretkey,
          ::zmq::const_buffer(known.secret_key.data(), known.secret_key.size()));
  raw.connect(server->endpoint());
  raw.send(::zmq::str_buffer("a"), ::zmq::send_flags::sndmore);
  raw.send(::zmq::str_buffer("b"), ::zmq::send_flags::sndmore);
  raw.send(::zmq::str_buffer("c"), ::zmq::send_flags::none);
  raw.send(::zmq::str_buffer("whole"), ::zmq::send_flags::none);
  const auto got = ReceiveEventually();
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->body, "whole");
  EXPECT_EQ(server->misshapen(), 1U);
}

}  // namespace
}  // namespace trib::host::zmq
