#pragma once

#include <cstdint>

#include "trib/common/message/types.h"
#include "trib/common/package/sections.h"
#include "trib/node/cascade/rules.h"

namespace trib::node::cascade {

/// Zone A to D of a velocity, without hysteresis.
message::SeverityZone ZoneOf(const package::SeveritySpec& spec, float velocity_mm_s);

/// Velocity on the scale that plant people know: its mean square over about average_windows
/// windows, and the zone that lies in. A zone is entered upwards at its boundary and left downwards
/// `hysteresis` below it, so that a machine at a boundary does not chatter.
///
/// Memory   Inside. Threads  One caller at a time.
class Severity {
 public:
  Severity() = default;
  /// `logarithm`: the feature is the logarithm of the velocity.
  Severity(const package::SeveritySpec& spec, bool logarithm)
      : spec_(spec), logarithm_(logarithm), present_(true) {}

  [[nodiscard]] bool present() const { return present_; }
  /// The velocity, in mm/s, that a value of the feature stands for.
  [[nodiscard]] float VelocityOf(float feature) const;
  /// Takes the feature of one good window; a velocity that is not finite is left out.
  void Add(float feature);

  /// RMS in mm/s; 0 before the first window.
  [[nodiscard]] float velocity_mm_s() const;
  /// kUnspecified until average_windows windows have been seen: fewer say too little.
  [[nodiscard]] message::SeverityZone zone() const { return zone_; }
  /// What the package wants done in this zone; kNormal and label 0 where it wants nothing said.
  [[nodiscard]] RuleOutcome outcome() const;
  [[nodiscard]] const package::SeveritySpec& spec() const { return spec_; }

 private:
  package::SeveritySpec spec_;
  float mean_square_ = 0;
  std::uint32_t windows_ = 0;
  message::SeverityZone zone_ = message::SeverityZone::kUnspecified;
  bool logarithm_ = false;
  bool present_ = false;
};

}  // namespace trib::node::cascade
