#include "trib/cloud/registry/snapshot.h"

namespace trib::cloud::registry {

Binding Snapshot::Of(NodeId node, GatewayId gateway) const {
  const auto binding = bindings_.find({node.value(), gateway.value()});
  if (binding != bindings_.end()) {
    return binding->second ? Binding::kBound : Binding::kFormer;
  }
  const Device* device = Find(node.value());
  if (device == nullptr || device->kind != DeviceKind::kNode) {
    return Binding::kUnknownNode;
  }
  // A node that is accepted, or was, has a binding to some gateway, only not to this one.
  const auto any = bindings_.lower_bound({node.value(), 0});
  return any != bindings_.end() && any->first.first == node.value() ? Binding::kOtherGateway
                                                                    : Binding::kNeverAccepted;
}

const Device* Snapshot::Find(std::uint64_t id) const {
  const auto it = devices_.find(id);
  return it == devices_.end() ? nullptr : &it->second;
}

const Device* Snapshot::FindKey(const PublicKey& key) const {
  const auto owner = keys_.find(key);
  return owner == keys_.end() ? nullptr : Find(owner->second);
}

void Snapshot::Take(const RegistryChange& change) {
  if (change.device.has_value()) {
    Device& device = devices_[change.device->id];
    keys_.erase(device.public_key);
    device = *change.device;
    keys_[device.public_key] = device.id;
  }
  for (const BindingPeriod& period : change.bindings) {
    bindings_[{period.node.value(), period.gateway.value()}] = !period.until_ms.has_value();
  }
  for (const auto& [gateway, version] : change.roster_versions) {
    roster_versions_[gateway.value()] = version;
  }
}

bool Snapshot::IsAcceptedGateway(GatewayId gateway) const {
  const Device* device = Find(gateway.value());
  return device != nullptr && device->kind == DeviceKind::kGateway &&
         device->state == DeviceState::kAccepted;
}

std::vector<std::pair<GatewayId, PublicKey>> Snapshot::GatewayKeys() const {
  std::vector<std::pair<GatewayId, PublicKey>> keys;
  for (const auto& [id, device] : devices_) {
    if (IsAcceptedGateway(GatewayId(id))) {
      keys.emplace_back(GatewayId(id), device.public_key);
    }
  }
  return keys;
}

std::uint64_t Snapshot::RosterVersion(GatewayId gateway) const {
  const auto version = roster_versions_.find(gateway.value());
  return version == roster_versions_.end() ? 0 : version->second;
}

Roster Snapshot::RosterOf(GatewayId gateway) const {
  Roster roster;
  roster.version = RosterVersion(gateway);
  for (const auto& [id, device] : devices_) {
    if (device.kind == DeviceKind::kNode && device.state == DeviceState::kAccepted &&
        device.gateway == gateway) {
      roster.members.push_back({NodeId(id), device.public_key});
    }
  }
  return roster;
}

}  // namespace trib::cloud::registry
