#pragma once

#include <cstdint>
#include <deque>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "decision_tally.h"
#include "link_watch.h"
#include "sim_options.h"
#include "trib/common/base/time.h"
#include "trib/node/app/node_loop.h"

namespace trib::node::images {

/// Time from storing a record to its acknowledgement, over the last ones.
class AckLatency {
 public:
  void Note(std::uint64_t stored, std::uint64_t acknowledged, MonotonicTime now);
  [[nodiscard]] std::int64_t Median() const;

 private:
  std::uint64_t stored_ = 0;
  std::deque<std::pair<std::uint64_t, MonotonicTime>> waiting_;
  std::deque<std::int64_t> recent_;
};

/// What the node has done since it was started; one line of --json. `label`: what is true of the
/// samples now; "" when nobody knows.
nlohmann::ordered_json Report(const SimOptions& options,
                              const app::NodeLoop& loop,
                              std::string_view label,
                              const DecisionTally& tally,
                              const AckLatency& latency,
                              const LinkWatch& link);

/// As JSON, or as a line for people.
void Print(const SimOptions& options, const nlohmann::ordered_json& report);

}  // namespace trib::node::images
