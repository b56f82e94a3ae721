#pragma once

#include <cstdint>

#include "trib/common/base/ids.h"

namespace trib::cloud {

enum class Binding : std::uint8_t {
  kUnknownNode = 0,
  kNeverAccepted = 1,  ///< enrolled, but no operator has accepted it yet
  kOtherGateway = 2,   ///< never bound to this gateway
  kBound = 3,
  /// Was bound to this gateway; since revoked, moved or given a new key. Records made before that
  /// may still lie in the gateway's spool, were acknowledged to the node, and so are stored.
  kFormer = 4,
};

/// Threads  Any: implementations are immutable.
class Bindings {
 public:
  [[nodiscard]] virtual Binding Of(NodeId node, GatewayId gateway) const = 0;

 protected:
  ~Bindings() = default;
};

}  // namespace trib::cloud
