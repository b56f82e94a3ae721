#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "trib/cloud/ports/bindings.h"
#include "trib/cloud/ports/device_store.h"
#include "trib/cloud/ports/types.h"

namespace trib::cloud::registry {

/// The registry as it was after one change.
///
/// Threads  Any: immutable once published.
class Snapshot final : public Bindings {
 public:
  [[nodiscard]] Binding Of(NodeId node, GatewayId gateway) const override;
  /// nullptr when no such device is enrolled.
  [[nodiscard]] const Device* Find(std::uint64_t id) const;
  /// Whose key it is, whatever that device's state.
  [[nodiscard]] const Device* FindKey(const PublicKey& key) const;
  [[nodiscard]] bool IsAcceptedGateway(GatewayId gateway) const;
  /// Accepted gateways with their keys: who may connect.
  [[nodiscard]] std::vector<std::pair<GatewayId, PublicKey>> GatewayKeys() const;
  /// 0: nothing was ever bound to it.
  [[nodiscard]] std::uint64_t RosterVersion(GatewayId gateway) const;
  /// Accepted nodes of `gateway`, by id.
  [[nodiscard]] Roster RosterOf(GatewayId gateway) const;

 private:
  friend class Registry;
  void Take(const RegistryChange& change);
  std::map<std::uint64_t, Device> devices_;
  std::map<PublicKey, std::uint64_t> keys_;  // of every device in devices_
  /// (node, gateway) -> the binding still holds
  std::map<std::pair<std::uint64_t, std::uint64_t>, bool> bindings_;
  std::map<std::uint64_t, std::uint64_t> roster_versions_;
};

}  // namespace trib::cloud::registry
