#include "trib/node/sim/zmq_link.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>

#include "trib/common/host/zmq/context.h"
#include "trib/common/host/zmq/curve.h"
#include "trib/common/host/zmq/poller.h"
#include "trib/common/host/zmq/server_socket.h"
#include "trib/common/host/zmq/zap_handler.h"

namespace trib::node::sim {
namespace {

namespace zmq = host::zmq;

/// A link to a server that can be taken away and come back at the same port.
class ZmqLinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = zmq::ZapHandler::Start(context_);
    ASSERT_TRUE(started.ok());
    zap_ = *std::move(started);
    zap_->SetDomain("south", {{client_.public_key, "17"}});
    Listen("tcp://127.0.0.1:*");
    std::string error;
    auto opened = zmq::ClientSocket::Open(context_,
                                          client_,
                                          {.endpoint = endpoint_,
                                           .server_public_key = keys_.public_key,
                                           .reconnect = Millis(20),
                                           .reconnect_max = Millis(50)},
                                          error);
    ASSERT_TRUE(opened.ok()) << error;
    link_ = std::make_unique<ZmqLink>(*std::move(opened), 4096);
  }
  void Listen(const std::string& at) {
    std::string error;
    // The port may take a moment to be free again.
    ASSERT_TRUE(Eventually([&] {
      auto opened = zmq::ServerSocket::Open(
          context_, *zap_, keys_, {.endpoint = at, .zap_domain = "south"}, error);
      server_ = opened.ok() ? *std::move(opened) : nullptr;
      return server_ != nullptr;
    })) << error;
    endpoint_ = server_->endpoint();
  }
  template <typename Done>
  static bool Eventually(Done done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    zmq::WakeUp nobody;
    zmq::Poller poller;
    poller.Add(nobody);
    while (std::chrono::steady_clock::now() < end) {
      if (done()) {
        return true;
      }
      poller.Wait(Millis(5));
    }
    return false;
  }
  Status Send() { return link_->Send(message_); }
  bool Up() { return link_->socket().link() == zmq::LinkState::kUp; }

  zmq::Context context_;
  const zmq::CurveKeys keys_ = zmq::DrawCurveKeys();
  const zmq::CurveKeys client_ = zmq::DrawCurveKeys();
  std::unique_ptr<zmq::ZapHandler> zap_;
  std::unique_ptr<zmq::ServerSocket> server_;
  std::string endpoint_;
  std::unique_ptr<ZmqLink> link_;
  const std::array<std::byte, 3> message_{};
};

TEST_F(ZmqLinkTest, SaysThatThereIsNoConnectionUntilThereIsOne) {
  ASSERT_TRUE(Eventually([&] {
    const Status sent = Send();
    EXPECT_TRUE(sent.ok() || sent == Code::kUnavailable);
    return sent.ok();
  }));
  EXPECT_TRUE(Send().ok());
  server_.reset();
  ASSERT_TRUE(Eventually([&] { return Send() == Code::kUnavailable; }));
}

TEST_F(ZmqLinkTest, TellsOnceThatAConnectionWasLostAlsoWhenThereIsAnother) {
  ASSERT_TRUE(Eventually([&] { return Send().ok(); }));
  server_.reset();
  ASSERT_TRUE(Eventually([&] { return !Up(); }));
  Listen(endpoint_);
  ASSERT_TRUE(Eventually([&] { return Up(); }));
  EXPECT_EQ(Send(), Code::kUnavailable);
  EXPECT_TRUE(Send().ok());
  EXPECT_TRUE(Send().ok());
}

}  // namespace
}  // namespace trib::node::sim
