#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "trib/common/host/control/control_server.h"
#include "trib/common/host/identity/identity.h"
#include "trib/common/host/zmq/context.h"
#include "trib/common/host/zmq/poller.h"
#include "trib/common/host/zmq/zap_handler.h"
#include "trib_fixture.h"

namespace trib::tools::trib_cli {

/// The real binary against a server of the test's own, which answers as AddAnswers() says.
class TribAndServer : public Trib {
 protected:
  virtual void AddAnswers() = 0;

  void SetUp() override {
    RunJson({"key", "new", "-o", Path("op.key")});
    RunJson({"key", "new", "-o", Path("stranger.key")});
    RunJson({"key", "new", "-o", Path("cloud.key")});
    AddAnswers();
    auto started = host::zmq::ZapHandler::Start(context_);
    ASSERT_TRUE(started.ok());
    zap_ = *std::move(started);
    zap_->SetDomain(host::control::kAdminDomain, {{Keys("op.key").public_key, "operator"}});
    std::string error;
    auto opened = host::control::ControlServer::Open(
        context_, *zap_, Keys("cloud.key"), "tcp://127.0.0.1:*", calls_, error);
    ASSERT_TRUE(opened.ok()) << error;
    server_ = *std::move(opened);
    Configure("op.key");
    thread_ = std::thread([this] {
      host::zmq::Poller poller;
      poller.Add(server_->socket());
      poller.Add(stop_);
      while (!stopping_) {
        poller.Wait(Millis(-1));
        server_->Serve();
      }
    });
  }
  void TearDown() override {
    stopping_ = true;
    stop_.Notify();
    if (thread_.joinable()) {
      thread_.join();
    }
  }

  void Configure(const std::string& key) {
    config_ =
        Write("trib.toml",
              "server = \"" + server_->socket().endpoint() +
                  "\"\nserver_key = \"cloud.key.pub\"\ntimeout = \"60s\"\nkey = \"" + key + "\"\n");
  }
  host::zmq::CurveKeys Keys(const std::string& name) {
    const auto pair = host::identity::LoadKeyPair(Path(name));
    EXPECT_TRUE(pair.ok());
    const auto curve = host::identity::ToCurve(*pair);
    return {curve.public_key.bytes, curve.secret_key.bytes};
  }
  /// From AddAnswers().
  void Answer(const std::string& name, host::control::Handler handler) {
    calls_.Add(name, [this, handler = std::move(handler)](const nlohmann::json& args) {
      const std::lock_guard lock(mutex_);
      asked_ = args;
      return handler(args);
    });
  }
  /// The arguments of the newest call.
  nlohmann::json asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

  host::zmq::Context context_;
  host::control::Registry calls_;
  std::unique_ptr<host::zmq::ZapHandler> zap_;
  std::unique_ptr<host::control::ControlServer> server_;
  host::zmq::WakeUp stop_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
  std::mutex mutex_;
  nlohmann::json asked_;
};

}  // namespace trib::tools::trib_cli
