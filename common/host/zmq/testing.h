#pragma once

// For this module's tests only.

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "trib/common/host/zmq/client_socket.h"
#include "trib/common/host/zmq/context.h"
#include "trib/common/host/zmq/curve.h"
#include "trib/common/host/zmq/poller.h"
#include "trib/common/host/zmq/server_socket.h"
#include "trib/common/host/zmq/zap_handler.h"

namespace trib::host::zmq {

/// A server in domain "south" that knows one client as "17".
class SocketFixture : public ::testing::Test {
 protected:
  static constexpr std::chrono::seconds kGenerous{20};

  void SetUp() override {
    auto started = ZapHandler::Start(context);
    ASSERT_TRUE(started.ok());
    zap = *std::move(started);
    zap->SetDomain("south", {{known.public_key, "17"}});
    server = Listen("tcp://127.0.0.1:*");
    ASSERT_NE(server, nullptr) << error;
  }

  std::unique_ptr<ServerSocket> Listen(const std::string& endpoint,
                                       const std::string& domain = "south",
                                       int send_high_water = ServerOptions().send_high_water) {
    auto opened = ServerSocket::Open(
        context,
        *zap,
        server_keys,
        {.endpoint = endpoint, .zap_domain = domain, .send_high_water = send_high_water},
        error);
    status = opened.status();
    return opened.ok() ? *std::move(opened) : nullptr;
  }

  std::unique_ptr<ClientSocket> Connect(const CurveKeys& keys, const CurvePublicKey& server_key) {
    auto opened = ClientSocket::Open(context,
                                     keys,
                                     {.endpoint = server->endpoint(),
                                      .server_public_key = server_key,
                                      .reconnect = Millis(20),
                                      .reconnect_max = Millis(50)},
                                     error);
    return opened.ok() ? *std::move(opened) : nullptr;
  }
  std::unique_ptr<ClientSocket> Connect(const CurveKeys& keys) {
    return Connect(keys, server_keys.public_key);
  }

  /// Tries until `done` or the generous deadline; every round gives the sockets a moment.
  template <typename Done>
  bool Eventually(Done done) {
    const auto deadline = std::chrono::steady_clock::now() + kGenerous;
    Poller poller;
    poller.Add(*server);
    while (std::chrono::steady_clock::now() < deadline) {
      if (done()) {
        return true;
      }
      poller.Wait(Millis(5));
    }
    return false;
  }

  bool SendsEventually(ClientSocket& client, std::string_view body) {
    return Eventually([&] { return client.Send(body).ok(); });
  }

  Result<ReceivedMessage> ReceiveEventually() {
    Result<ReceivedMessage> got = Code::kUnavailable;
    Eventually([&] {
      got = server->Receive();
      return got.ok();
    });
    return got;
  }

  Context context;
  CurveKeys server_keys = DrawCurveKeys();
  CurveKeys known = DrawCurveKeys();
  std::unique_ptr<ZapHandler> zap;
  std::unique_ptr<ServerSocket> server;
  std::string error;
  Status status;
};

}  // namespace trib::host::zmq
