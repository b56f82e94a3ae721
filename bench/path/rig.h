#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "bare_curve.h"
#include "bare_sqlite.h"
#include "measure.h"
#include "trib/tools/launcher/fleet.h"

namespace trib::bench::path {

/// One cloud and one gateway, the real programs with their default configuration, with `nodes`
/// enrolled and accepted: nodes kFirstNode and on, with the keys of CurveOf().
class Rig {
 public:
  static constexpr std::uint64_t kFirstNode = 101;
  static constexpr std::uint64_t kGateway = 1;

  Rig(const Run& run, const std::string& name, std::size_t nodes);

  [[nodiscard]] std::string endpoint() { return fleet_->gateway_south(kGateway); }
  [[nodiscard]] const KeyBytes& gateway_key() const { return gateway_key_; }
  [[nodiscard]] pid_t gateway_pid() { return fleet_->gateway(kGateway)->pid(); }
  [[nodiscard]] pid_t cloud_pid() { return fleet_->cloud()->pid(); }
  /// From here on nothing leaves the gateway's spool.
  void StopCloud();
  void RestartGateway();
  /// Records in the cloud's store, read as any reader would.
  std::uint64_t Stored();
  void AwaitStored(std::uint64_t records);
  /// Whether this record is visible to a reader of the store.
  bool Visible(std::uint64_t node, std::uint32_t sequence);

 private:
  void Enrol(std::size_t nodes);
  void AwaitRoster(std::size_t nodes);
  void OpenStore();

  std::unique_ptr<tools::launcher::Fleet> fleet_;
  std::size_t nodes_;
  KeyBytes gateway_key_{};
  std::unique_ptr<BareDatabase> store_;
  sqlite3_stmt* stored_ = nullptr;
  sqlite3_stmt* visible_ = nullptr;
};

}  // namespace trib::bench::path
