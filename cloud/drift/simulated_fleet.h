#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "trib/cloud/drift/types.h"

namespace trib::cloud::drift {

constexpr std::uint64_t kDayMs = 86'400'000;

/// A fleet as its sketches show it, for tests and benchmarks. Standardised features of every
/// window are drawn, binned and summed to one block per node and day.
///
/// A feature is the node's own mistake in its baseline (place and scale), a daily cycle common to
/// all and one of its own, what the machine does on that day (its size differs from node to node,
/// and now and then a day is wild), the weather, which is common and resembles the day before, and
/// noise that is correlated from window to window and between features. Beside them bursts of
/// triggered windows, the network's confidence and labels with rates of each node's own, and
/// audited windows with errors.
///
/// State  Day d is a function of options, seed and d alone.
struct FleetModel {
  std::uint32_t nodes = 1142;
  std::uint32_t sites = 20;
  std::uint32_t features = 9;
  std::uint32_t windows = 144;  ///< a day
  std::int64_t day_ms = kDayMs;
  std::uint64_t seed = 1;
  /// How far each feature's windows scatter, in deviations of the baseline; empty: 1. What follows
  /// is in units of it; correlations are from one to the next.
  std::vector<float> spread = {};
  float window_correlation = 0.8F;
  float daily_common = 0.3F;
  float daily_own = 0.3F;
  float machine_day = 0.25F;
  float machine_correlation = 0;
  float weather = 0.15F;
  float weather_correlation = 0.6F;
};

/// What happens to a node on a day, on top of the model.
struct Change {
  std::vector<float> shift = {};  ///< of each feature, in deviations of the baseline; empty: none
  float confidence = 0;           ///< shift of the confidence, in deviations
  float label_factor = 1;         ///< on the rate of label 2
  float error_factor = 1;
  std::uint32_t firmware = 1;
};
/// By node's index and day.
using Changes = std::function<Change(std::uint32_t node, std::uint32_t day)>;

class SimulatedFleet {
 public:
  explicit SimulatedFleet(const FleetModel& model);

  /// The fleet's blocks of a day, by node.
  ///
  /// Requires  days in rising order from 0.
  std::vector<Block> Day(std::uint32_t day, const Changes& changes = {});

  static NodeId NodeAt(std::uint32_t index) { return NodeId(1000 + index); }
  [[nodiscard]] GatewayId SiteOf(std::uint32_t index) const {
    return GatewayId(1 + index % model_.sites);
  }

 private:
  struct Node {
    std::vector<float> place;
    std::vector<float> scale;
    std::vector<float> weather;  ///< how much of it each feature takes
    std::vector<float> machine;  ///< what the machine does today
    float machine_size = 1;
    float own_phase = 0;
    float label_rate = 0;
    float error_rate = 0;
  };

  Block BlockOf(std::uint32_t index, std::uint32_t day, const Change& change);
  void NextDay(Node& node, std::uint64_t seed);

  FleetModel model_;
  std::vector<Node> nodes_;
  std::vector<float> weather_;
  std::vector<float> daily_;  ///< sine by window
  std::vector<float> phase_;  ///< of the common cycle, by feature
  std::uint32_t next_day_ = 0;
};

}  // namespace trib::cloud::drift
