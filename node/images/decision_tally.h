#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tuple>

#include "trib/common/message/types.h"
#include "trib/common/package/sections.h"
#include "trib/node/app/decision_observer.h"
#include "trib/node/sim/paced_sensor.h"

namespace trib::node::images {

/// E.g. "classifier".
std::string_view TierName(message::Tier tier);

/// Holds decisions against what is true of the samples they were made about. Windows of samples
/// that nobody has labelled are not counted.
///
/// Memory   One number per triple that occurs. Borrows the sensor, if there is one that knows, for
///          life.
/// Threads  One caller at a time.
class DecisionTally final : public app::DecisionObserver {
 public:
  DecisionTally() = default;
  explicit DecisionTally(const sim::PacedSensor& sensor) : sensor_(&sensor) {}
  void OnDecision(const app::SettledDecision& decision) override;

  /// {truth: {label: {tier: windows}}} by names; null when no window had a label.
  [[nodiscard]] nlohmann::ordered_json ToJson(const package::Labels& labels) const;
  /// Windows whose label has the name of the truth, of those that have one; null when none has.
  [[nodiscard]] nlohmann::ordered_json RightPermille(const package::Labels& labels) const;

 private:
  using Triple = std::tuple<std::string, std::uint32_t, message::Tier>;

  const sim::PacedSensor* sensor_ = nullptr;
  std::map<Triple, std::uint64_t, std::less<>> counts_;
};

}  // namespace trib::node::images
