#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "snapshot.h"
#include "trib/common/host/control/control_server.h"
#include "trib/common/host/zmq/poller.h"
#include "trib/common/host/zmq/zap_handler.h"
#include "trib/gateway/app/config.h"

namespace trib::gateway {

/// Where the calls get their answers from. All may be called from the admin thread.
struct AdminSources {
  std::function<SouthSnapshot()> south;
  std::function<SouthLists()> lists;
  std::function<SpoolSnapshot()> spool;
  std::function<TailSnapshot()> tail;
  std::function<NorthSnapshot()> north;
  std::function<host::zmq::ZapCounts(std::string_view domain)> zap;
};

/// Adds stats, site.show, nodes.list and doctor.
void AddCalls(host::control::Registry& registry, const Config& config, AdminSources sources);

/// The thread that answers operators: owns the admin socket.
class AdminLoop {
 public:
  explicit AdminLoop(std::unique_ptr<host::control::ControlServer> server);
  ~AdminLoop() { Stop(); }
  AdminLoop(const AdminLoop&) = delete;
  AdminLoop& operator=(const AdminLoop&) = delete;

  void Run();
  void Stop();

 private:
  std::unique_ptr<host::control::ControlServer> server_;
  host::zmq::WakeUp wake_up_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace trib::gateway
