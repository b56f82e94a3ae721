#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "drift_admin.h"
#include "south.h"
#include "store_loop.h"
#include "tail_loop.h"
#include "trib/cloud/store/reader.h"
#include "trib/common/host/control/control_server.h"
#include "trib/common/host/control/registry.h"
#include "trib/common/host/zmq/poller.h"

namespace trib::cloud {

/// The admin thread: answers operators from a read-only connection; changes go through the store
/// thread. Calls and their keys: cloud/app/README.md.
class Admin {
 public:
  Admin(std::unique_ptr<store::Reader> reader,
        std::unique_ptr<store::DeferredReader> deferred,
        StoreLoop& store,
        const South& south,
        std::function<TailSnapshot()> tail,
        std::unique_ptr<DriftAdmin> drift,
        const host::zmq::ZapHandler& zap,
        std::filesystem::path store_path);
  ~Admin();

  /// Listens, then starts the thread. On failure `error` is one line.
  Status Start(host::zmq::Context& context,
               host::zmq::ZapHandler& zap,
               const host::zmq::CurveKeys& keys,
               const std::string& endpoint,
               std::string& error);
  void Stop();
  [[nodiscard]] const std::string& endpoint() const { return server_->socket().endpoint(); }

 private:
  using Outcome = host::control::Outcome;
  using Json = nlohmann::json;
  enum class Action { kAccept, kRevoke };

  void AddCalls();
  void Run();
  Outcome Enroll(const Json& args);
  Outcome EnrollMany(const Json& args);
  Outcome Change(const Json& args, Action action);
  Outcome FleetList();
  Outcome NodeShow(const Json& args);
  Outcome GatewayList();
  Outcome EventTail(const Json& args);
  Outcome Stats();
  Outcome Doctor(const Json& args);
  /// By package, how many windows wait of those that the tail does not know.
  Result<std::vector<std::pair<PackageHash, std::uint64_t>>> Unknown(const TailSnapshot& tail,
                                                                     std::uint64_t& waiting);
  void CheckTails(Json& checks);
  Outcome ReadFailed(Status status) const;

  const std::unique_ptr<store::Reader> reader_;            // admin thread, after Start()
  const std::unique_ptr<store::DeferredReader> deferred_;  // the same
  StoreLoop& store_;
  const South& south_;
  const std::function<TailSnapshot()> tail_;
  const std::unique_ptr<DriftAdmin> drift_;
  const host::zmq::ZapHandler& zap_;
  const std::filesystem::path store_path_;
  const MonotonicTime started_;
  host::control::Registry calls_;
  std::unique_ptr<host::control::ControlServer> server_;
  host::zmq::WakeUp wake_up_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace trib::cloud
