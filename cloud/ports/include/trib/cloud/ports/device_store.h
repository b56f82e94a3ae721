#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "trib/cloud/ports/types.h"
#include "trib/common/status/result.h"

namespace trib::cloud {

/// That a node belonged to a gateway; open while `until_ms` is empty.
struct BindingPeriod {
  NodeId node;
  GatewayId gateway;
  std::optional<std::uint64_t> until_ms;
};

struct RegistryContent {
  std::vector<Device> devices;
  std::vector<BindingPeriod> bindings;
  std::vector<std::pair<GatewayId, std::uint64_t>> roster_versions;
};

/// One operator action, all or nothing.
struct RegistryChange {
  std::optional<Device> device;         ///< inserted, or replaces the device of that id
  std::vector<BindingPeriod> bindings;  ///< inserted, or replace those of that node and gateway
  std::vector<std::pair<GatewayId, std::uint64_t>> roster_versions;
  struct Audit {
    std::uint64_t at_ms = 0;
    std::string operator_name;
    std::string action;
    std::uint64_t device = 0;
    std::string detail;
  } audit;
};

class DeviceStore {
 public:
  virtual Result<RegistryContent> LoadRegistry() = 0;
  /// All of them or none, in one transaction.
  ///
  /// Durable  At return.
  virtual Status ApplyRegistryChanges(std::span<const RegistryChange> changes) = 0;
  Status ApplyRegistryChange(const RegistryChange& change) {
    return ApplyRegistryChanges(std::span(&change, 1));
  }

 protected:
  ~DeviceStore() = default;
};

}  // namespace trib::cloud
