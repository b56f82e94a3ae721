#include "trib/common/host/control/control_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "trib/common/host/control/control_server.h"
#include "trib/common/host/zmq/poller.h"

namespace trib::host::control {
namespace {

using nlohmann::json;

class ControlTest : public ::testing::Test {
 protected:
  void SetUp() override {
    registry.Add("echo", [](const json& args) -> Outcome { return args; });
    registry.Add("slow", [this](const json&) -> Outcome {
      released.wait(false);
      return json("late");
    });
    auto started = zmq::ZapHandler::Start(context);
    ASSERT_TRUE(started.ok());
    zap = *std::move(started);
    zap->SetDomain(kAdminDomain, {{operator_keys.public_key, "operator"}});
    auto opened =
        ControlServer::Open(context, *zap, daemon_keys, "tcp://127.0.0.1:*", registry, error);
    ASSERT_TRUE(opened.ok()) << error;
    server = *std::move(opened);
    endpoint = server->socket().endpoint();
    thread = std::thread([this] {
      zmq::Poller poller;
      poller.Add(server->socket());
      poller.Add(stop);
      while (!stopping) {
        poller.Wait(Millis(-1));
        server->Serve();
      }
    });
  }
  void TearDown() override {
    released = true;
    released.notify_all();
    StopServer();
  }
  void StopServer() {
    if (thread.joinable()) {
      stopping = true;
      stop.Notify();
      thread.join();
      server.reset();
    }
  }
  std::unique_ptr<ControlClient> Connect(const zmq::CurveKeys& keys,
                                         const zmq::CurvePublicKey& server_key,
                                         Millis deadline = Millis(20'000)) {
    auto opened = ControlClient::Open(
        context,
        keys,
        {.endpoint = endpoint, .server_public_key = server_key, .deadline = deadline},
        error);
    EXPECT_TRUE(opened.ok()) << error;
    return *std::move(opened);
  }
  static Code ErrorOf(const Outcome& outcome) {
    const auto* failure = std::get_if<ControlError>(&outcome);
    return failure == nullptr ? Code::kOk : failure->code;
  }

  zmq::Context context;
  zmq::CurveKeys operator_keys = zmq::DrawCurveKeys();
  zmq::CurveKeys daemon_keys = zmq::DrawCurveKeys();
  Registry registry;
  std::unique_ptr<zmq::ZapHandler> zap;
  std::unique_ptr<ControlServer> server;
  std::string endpoint;
  std::string error;
  zmq::WakeUp stop;
  std::atomic<bool> stopping{false};
  std::atomic<bool> released{false};
  std::thread thread;
};

TEST_F(ControlTest, CallsAndReadsTheResult) {
  auto client = Connect(operator_keys, daemon_keys.public_key);
  for (int i = 0; i < 3; ++i) {
    const Outcome outcome = client->Call("echo", {{"n", i}});
    ASSERT_EQ(ErrorOf(outcome), Code::kOk) << std::get<ControlError>(outcome).message;
    EXPECT_EQ(std::get<json>(outcome)["n"], i);
  }
  EXPECT_EQ(ErrorOf(client->Call("nothing", json::object())), Code::kNotFound);
}

TEST_F(ControlTest, ALargeAnswerArrivesWhole) {
  auto client = Connect(operator_keys, daemon_keys.public_key);
  const std::string text(60'000, 'x');
  const Outcome outcome = client->Call("echo", {{"text", text}});
  ASSERT_EQ(ErrorOf(outcome), Code::kOk);
  EXPECT_EQ(std::get<json>(outcome)["text"], text);
}

TEST_F(ControlTest, AKeyThatIsNotAnOperatorsIsToldSo) {
  auto client = Connect(zmq::DrawCurveKeys(), daemon_keys.public_key);
  EXPECT_EQ(ErrorOf(client->Call("echo", json::object())), Code::kUnauthenticated);
}

TEST_F(ControlTest, AnotherDaemonsKeyIsToldSo) {
  auto client = Connect(operator_keys, zmq::DrawCurveKeys().public_key);
  EXPECT_EQ(ErrorOf(client->Call("echo", json::object())), Code::kFailedPrecondition);
}

TEST_F(ControlTest, NobodyThereIsUnavailable) {
  // A port that is bound but does not listen refuses connections and cannot go to anybody else; a
  // merely free one may be given to the client itself, which then talks to itself.
  const int bound = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ASSERT_EQ(::bind(bound, reinterpret_cast<sockaddr*>(&address), length), 0);
  ASSERT_EQ(::getsockname(bound, reinterpret_cast<sockaddr*>(&address), &length), 0);
  auto opened =
      ControlClient::Open(context,
                          operator_keys,
                          {.endpoint = "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port)),
                           .server_public_key = daemon_keys.public_key,
                           .deadline = Millis(200)},
                          error);
  ASSERT_TRUE(opened.ok()) << error;
  auto& client = *opened;
  EXPECT_EQ(ErrorOf(client->Call("echo", json::object())), Code::kUnavailable);
  ::close(bound);
}

TEST_F(ControlTest, ALateAnswerIsNotTakenForTheNextCalls) {
  auto client = Connect(operator_keys, daemon_keys.public_key, Millis(300));
  ASSERT_EQ(ErrorOf(client->Call("slow", json::object())), Code::kDeadlineExceeded);
  released = true;
  released.notify_all();
  auto patient = Connect(operator_keys, daemon_keys.public_key);
  ASSERT_EQ(ErrorOf(patient->Call("echo", json::object())), Code::kOk)
      << "the server is free again";
  const Outcome outcome = client->Call("echo", {{"n", 2}});
  ASSERT_EQ(ErrorOf(outcome), Code::kOk);
  EXPECT_EQ(std::get<json>(outcome), (json{{"n", 2}}));
}

}  // namespace
}  // namespace trib::host::control
