#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "trib/cloud/ports/device_store.h"
#include "trib/cloud/ports/types.h"
#include "trib/cloud/registry/snapshot.h"
#include "trib/common/status/status.h"

namespace trib::cloud::registry {

struct EnrollRequest {
  std::uint64_t id = 0;
  DeviceKind kind = DeviceKind::kNode;
  PublicKey public_key{};
  GatewayId gateway{};  ///< of a node; 0 for a gateway
  std::string name{};   ///< empty: "node-ID" or "gateway-ID"
  std::uint32_t hardware_class = 0;
  bool replace = false;  ///< a new key or gateway for a device that is not revoked
};

/// What became of an operator's action.
struct Outcome {
  Status status;
  std::string error;     ///< when it failed: one sentence for the operator
  Device device;         ///< when it did not: as it is now
  bool changed = false;  ///< false: it was so already
};

/// What became of many at once.
struct ManyOutcome {
  Status status;
  std::string error;        ///< when it failed: which device, and why
  std::size_t changed = 0;  ///< devices that are not as they were
};

/// Who belongs to the fleet. An operator enrols a device (id, public key, gateway) and accepts it;
/// only accepted devices may connect. Every action is durable, with an audit entry, before it shows
/// in snapshot().
///
/// Threads  The store's thread; snapshots go anywhere.
/// Rules    1. Ids are unique over nodes and gateways, keys over all devices enrolled now.
///          2. A node is bound to one accepted gateway at a time; accepting binds it.
///          3. Enrolling an existing device with another key or gateway makes it pending again: the
///             old key is refused from then on. Unless it is revoked, that needs `replace`.
///          4. A roster's version rises with every change of the roster.
///          5. Repeating an action that holds already succeeds and changes nothing.
class Registry {
 public:
  explicit Registry(DeviceStore& store);

  /// Reads what the store holds. Call once, before anything else.
  Status Load();

  /// @returns in Outcome::status
  ///   kInvalidArgument    id 0, key of zeros, name too long, a gateway with a gateway
  ///   kAlreadyExists      the key belongs to another device; the id to another key (see `replace`)
  ///   kFailedPrecondition the gateway is not enrolled; the id is of the other kind
  ///   else                the store's failure; nothing changed
  Outcome Enroll(const EnrollRequest& request, std::uint64_t now_ms, const std::string& actor);
  /// Enrols all of `requests`, in their order, and with `accept` accepts each: all of them in one
  /// transaction, or, when one is refused, none. A gateway may come before its nodes.
  ManyOutcome EnrollMany(std::span<const EnrollRequest> requests,
                         bool accept,
                         std::uint64_t now_ms,
                         const std::string& actor);
  /// @returns kNotFound; kFailedPrecondition when revoked, or when a node's gateway is not accepted
  Outcome Accept(std::uint64_t id, std::uint64_t now_ms, const std::string& actor);
  /// @returns kNotFound
  Outcome Revoke(std::uint64_t id, std::uint64_t now_ms, const std::string& actor);

  /// Makes the roster's version higher than one that a gateway claims to have, which happens when
  /// this database was restored from a backup: the gateway must not refuse ours as old.
  ///
  /// @returns kOutOfRange, and changes nothing, for a claim that no backup explains: it would use
  /// up
  ///   the numbers, and with none left no revocation could reach the gateway.
  static constexpr std::uint64_t kMaxRosterLead = 1U << 20U;  ///< changes since any backup
  Status RaiseRosterVersion(GatewayId gateway, std::uint64_t above, std::uint64_t now_ms);

  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() const { return snapshot_; }

 private:
  Outcome Apply(RegistryChange change);
  /// Why a request cannot be followed, whatever is enrolled under its id.
  [[nodiscard]] std::optional<Outcome> Objection(const EnrollRequest& request) const;
  void EndBindings(std::uint64_t node, std::uint64_t now_ms, RegistryChange& change) const;
  void BumpRoster(GatewayId gateway, RegistryChange& change) const;

  DeviceStore& store_;
  std::shared_ptr<const Snapshot> snapshot_;
  // While many are enrolled: snapshot_ is the draft, and changes wait here for their transaction.
  std::shared_ptr<Snapshot> draft_;
  std::vector<RegistryChange> draft_changes_;
};

}  // namespace trib::cloud::registry
