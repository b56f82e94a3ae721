#pragma once

#include <compare>
#include <cstdint>

namespace trib {

/// A number that means one thing. Two ids of different tags do not mix.
template <typename Tag, typename Value>
class StrongId {
 public:
  using value_type = Value;
  constexpr StrongId() = default;
  constexpr explicit StrongId(Value value) : value_(value) {}
  [[nodiscard]] constexpr Value value() const { return value_; }
  friend constexpr auto operator<=>(StrongId, StrongId) = default;

 private:
  Value value_ = 0;
};

/// A node's name in the fleet, given at enrolment and bound to its key. 0 is no node.
using NodeId = StrongId<struct NodeIdTag, std::uint64_t>;
/// A gateway's name. Gateways and nodes share one number space in the registry. 0 is no gateway.
using GatewayId = StrongId<struct GatewayIdTag, std::uint64_t>;
/// Random number a node draws when its state is blank; keeps a wiped node from colliding with its
/// past. 0 is never drawn.
using EnrolmentEpoch = StrongId<struct EnrolmentEpochTag, std::uint64_t>;
/// First eight bytes of a package's digest, read as little-endian. 0 means no package.
using PackageHash = StrongId<struct PackageHashTag, std::uint64_t>;
/// First four bytes of the SHA-512 of a recipe section, read as little-endian. 0 means none.
using RecipeId = StrongId<struct RecipeIdTag, std::uint32_t>;

}  // namespace trib
