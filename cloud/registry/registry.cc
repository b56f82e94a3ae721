#include "trib/cloud/registry/registry.h"

#include <algorithm>
#include <utility>

namespace trib::cloud::registry {
namespace {

constexpr std::size_t kMaxNameChars = 64;

const char* KindName(DeviceKind kind) {
  return kind == DeviceKind::kNode ? "node" : "gateway";
}

std::string Label(DeviceKind kind, std::uint64_t id) {
  return std::string(KindName(kind)) + " " + std::to_string(id);
}

Outcome Refuse(Code code, std::string error) {
  return {code, std::move(error), {}, false};
}

Outcome Unchanged(const Device& device) {
  return {{}, {}, device, false};
}

bool IsPrintable(const std::string& name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c != '\x7F'; });
}

}  // namespace

Registry::Registry(DeviceStore& store)
    : store_(store), snapshot_(std::make_shared<const Snapshot>()) {}

Status Registry::Load() {
  TRIB_TRY_ASSIGN(const RegistryContent content, store_.LoadRegistry());
  auto next = std::make_shared<Snapshot>();
  for (const Device& device : content.devices) {
    next->Take({.device = device, .bindings = {}, .roster_versions = {}, .audit = {}});
  }
  next->Take({.device = std::nullopt,
              .bindings = content.bindings,
              .roster_versions = content.roster_versions,
              .audit = {}});
  snapshot_ = std::move(next);
  return {};
}

Outcome Registry::Apply(RegistryChange change) {
  Outcome outcome{{}, {}, change.device.value_or(Device{}), true};
  if (draft_ != nullptr) {
    draft_->Take(change);
    draft_changes_.push_back(std::move(change));
    return outcome;
  }
  if (const Status status = store_.ApplyRegistryChange(change); !status.ok()) {
    return Refuse(status.code(), "the store could not keep the change; nothing was changed");
  }
  auto next = std::make_shared<Snapshot>(*snapshot_);
  next->Take(change);
  snapshot_ = std::move(next);
  return outcome;
}

ManyOutcome Registry::EnrollMany(std::span<const EnrollRequest> requests,
                                 bool accept,
                                 std::uint64_t now_ms,
                                 const std::string& actor) {
  const std::shared_ptr<const Snapshot> before = snapshot_;
  draft_ = std::make_shared<Snapshot>(*before);
  snapshot_ = draft_;  // what one request needs may be made by one before it
  ManyOutcome many;
  for (const EnrollRequest& request : requests) {
    Outcome outcome = Enroll(request, now_ms, actor);
    bool changed = outcome.changed;
    if (outcome.status.ok() && accept) {
      outcome = Accept(request.id, now_ms, actor);
      changed = changed || outcome.changed;
    }
    if (!outcome.status.ok()) {
      many = {outcome.status, Label(request.kind, request.id) + ": " + outcome.error, 0};
      break;
    }
    many.changed += changed ? 1U : 0U;
  }
  if (many.status.ok()) {
    if (const Status kept = store_.ApplyRegistryChanges(draft_changes_); !kept.ok()) {
      many = {kept, "the store could not keep the changes; nothing was changed", 0};
    }
  }
  if (!many.status.ok() || draft_changes_.empty()) {
    snapshot_ = before;
  }
  draft_.reset();
  draft_changes_.clear();
  return many;
}

void Registry::EndBindings(std::uint64_t node, std::uint64_t now_ms, RegistryChange& change) const {
  for (auto it = snapshot_->bindings_.lower_bound({node, 0});
       it != snapshot_->bindings_.end() && it->first.first == node;
       ++it) {
    if (it->second) {
      change.bindings.push_back({NodeId(node), GatewayId(it->first.second), now_ms});
    }
  }
}

void Registry::BumpRoster(GatewayId gateway, RegistryChange& change) const {
  change.roster_versions.emplace_back(gateway, snapshot_->RosterVersion(gateway) + 1);
}

std::optional<Outcome> Registry::Objection(const EnrollRequest& request) const {
  if (request.id == 0) {
    return Refuse(Code::kInvalidArgument, "0 is no id; use a number from 1");
  }
  if (request.public_key == PublicKey{}) {
    return Refuse(Code::kInvalidArgument,
                  "the public key of " + Label(request.kind, request.id) + " is all zeros");
  }
  if (request.name.size() > kMaxNameChars || !IsPrintable(request.name)) {
    return Refuse(Code::kInvalidArgument,
                  "a name is at most " + std::to_string(kMaxNameChars) + " printable characters");
  }
  if (request.kind == DeviceKind::kGateway && request.gateway != GatewayId()) {
    return Refuse(Code::kInvalidArgument, "a gateway is not bound to a gateway");
  }
  if (request.kind == DeviceKind::kNode) {
    const Device* gateway = snapshot_->Find(request.gateway.value());
    if (gateway == nullptr || gateway->kind != DeviceKind::kGateway ||
        gateway->state == DeviceState::kRevoked) {
      return Refuse(
          Code::kFailedPrecondition,
          "there is no gateway " + std::to_string(request.gateway.value()) + "; enrol it first");
    }
  }
  const Device* owner = snapshot_->FindKey(request.public_key);
  if (owner != nullptr && owner->id != request.id) {
    return Refuse(Code::kAlreadyExists,
                  "this key is already enrolled as " + Label(owner->kind, owner->id));
  }
  return std::nullopt;
}

Outcome Registry::Enroll(const EnrollRequest& request,
                         std::uint64_t now_ms,
                         const std::string& actor) {
  if (std::optional<Outcome> objection = Objection(request)) {
    return *std::move(objection);
  }
  RegistryChange change;
  change.audit = {now_ms, actor, "enroll", request.id, KindName(request.kind)};
  Device device;
  device.id = request.id;
  device.kind = request.kind;
  device.public_key = request.public_key;
  device.gateway = request.gateway;
  device.name = request.name;
  device.hardware_class = request.hardware_class;
  device.enrolled_ms = now_ms;
  device.changed_ms = now_ms;
  if (const Device* known = snapshot_->Find(request.id)) {
    if (known->kind != request.kind) {
      return Refuse(Code::kFailedPrecondition,
                    "id " + std::to_string(request.id) + " is a " + KindName(known->kind) +
                        "; nodes and gateways share one number space");
    }
    const bool same = known->public_key == request.public_key && known->gateway == request.gateway;
    if (same && known->state != DeviceState::kRevoked) {
      return Unchanged(*known);
    }
    if (known->state != DeviceState::kRevoked && !request.replace) {
      return Refuse(Code::kAlreadyExists,
                    Label(request.kind, request.id) +
                        " is enrolled with another key or gateway; revoke it first, or enrol "
                        "with replace");
    }
    if (device.name.empty()) {
      device.name = known->name;
    }
    change.audit.detail += " again";
    if (known->kind == DeviceKind::kNode && known->state == DeviceState::kAccepted) {
      BumpRoster(known->gateway, change);
    }
    EndBindings(request.id, now_ms, change);
  }
  if (device.name.empty()) {
    device.name = std::string(KindName(request.kind)) + "-" + std::to_string(request.id);
  }
  change.device = device;
  return Apply(std::move(change));
}

Outcome Registry::Accept(std::uint64_t id, std::uint64_t now_ms, const std::string& actor) {
  const Device* known = snapshot_->Find(id);
  if (known == nullptr) {
    return Refuse(Code::kNotFound, "no device " + std::to_string(id) + " is enrolled");
  }
  if (known->state == DeviceState::kAccepted) {
    return Unchanged(*known);
  }
  if (known->state == DeviceState::kRevoked) {
    return Refuse(Code::kFailedPrecondition,
                  Label(known->kind, id) + " is revoked; enrol it again first");
  }
  RegistryChange change;
  change.audit = {now_ms, actor, "accept", id, KindName(known->kind)};
  change.device = *known;
  change.device->state = DeviceState::kAccepted;
  change.device->changed_ms = now_ms;
  if (known->kind == DeviceKind::kNode) {
    if (!snapshot_->IsAcceptedGateway(known->gateway)) {
      return Refuse(Code::kFailedPrecondition,
                    Label(DeviceKind::kGateway, known->gateway.value()) +
                        " is not accepted; accept it before its nodes");
    }
    change.bindings.push_back({NodeId(id), known->gateway, std::nullopt});
    BumpRoster(known->gateway, change);
  }
  return Apply(std::move(change));
}

Outcome Registry::Revoke(std::uint64_t id, std::uint64_t now_ms, const std::string& actor) {
  const Device* known = snapshot_->Find(id);
  if (known == nullptr) {
    return Refuse(Code::kNotFound, "no device " + std::to_string(id) + " is enrolled");
  }
  if (known->state == DeviceState::kRevoked) {
    return Unchanged(*known);
  }
  RegistryChange change;
  change.audit = {now_ms, actor, "revoke", id, KindName(known->kind)};
  change.device = *known;
  change.device->state = DeviceState::kRevoked;
  change.device->changed_ms = now_ms;
  if (known->kind == DeviceKind::kNode) {
    EndBindings(id, now_ms, change);
    if (known->state == DeviceState::kAccepted) {
      BumpRoster(known->gateway, change);
    }
  }
  return Apply(std::move(change));
}

Status Registry::RaiseRosterVersion(GatewayId gateway, std::uint64_t above, std::uint64_t now_ms) {
  const std::uint64_t ours = snapshot_->RosterVersion(gateway);
  if (ours > above) {
    return {};
  }
  if (above - ours > kMaxRosterLead) {
    return Code::kOutOfRange;
  }
  RegistryChange change;
  change.audit = {now_ms, "gateway", "raise_roster", gateway.value(), std::to_string(above)};
  change.roster_versions.emplace_back(gateway, above + 1);
  return Apply(std::move(change)).status;
}

}  // namespace trib::cloud::registry
