#include "trib/node/cascade/severity.h"

#include <algorithm>

#include "trib/common/dsp/real_math.h"

namespace trib::node::cascade {
namespace {

using message::SeverityZone;

}  // namespace

SeverityZone ZoneOf(const package::SeveritySpec& spec, float velocity_mm_s) {
  auto zone = static_cast<std::uint8_t>(SeverityZone::kA);
  for (const float boundary : spec.boundaries) {
    zone = static_cast<std::uint8_t>(zone + (velocity_mm_s >= boundary ? 1 : 0));
  }
  return static_cast<SeverityZone>(zone);
}

float Severity::VelocityOf(float feature) const {
  return logarithm_ ? dsp::Exp(feature) : feature;
}

void Severity::Add(float feature) {
  const float velocity = VelocityOf(feature);
  const float square = velocity * velocity;
  if (!dsp::IsFinite(square)) {
    return;
  }
  windows_ = std::min<std::uint32_t>(windows_ + 1, spec_.average_windows);
  mean_square_ += (square - mean_square_) / static_cast<float>(windows_);
  if (windows_ < spec_.average_windows) {
    return;
  }
  const float now = velocity_mm_s();
  const SeverityZone up = ZoneOf(spec_, now);
  if (up >= zone_) {
    zone_ = up;
    return;
  }
  // As if every boundary below the present zone lay lower.
  const SeverityZone down = ZoneOf(spec_, now / (1.0F - spec_.hysteresis));
  zone_ = std::min(zone_, down);
}

float Severity::velocity_mm_s() const {
  return dsp::SquareRoot(mean_square_);
}

RuleOutcome Severity::outcome() const {
  if (zone_ == SeverityZone::kUnspecified) {
    return {};
  }
  const auto index = static_cast<std::size_t>(zone_) - 1;
  if (spec_.label[index] == 0) {
    return {};
  }
  return {static_cast<ActuatorState>(spec_.actuator[index]), spec_.label[index]};
}

}  // namespace trib::node::cascade
