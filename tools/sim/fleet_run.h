#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "deployment.h"
#include "plan.h"
#include "process_meter.h"
#include "scenario.h"
#include "sim_node.h"

namespace trib::tools::sim {

/// Runs all nodes of a deployment through the scenario, slice by slice.
///
/// Within a slice nodes run each for itself, on two threads: a node waits when the next thing to
/// happen to it is an answer that the gateway has not really given yet, and others go on. At the
/// end of a slice all have reached the same virtual time; kills, restarts and samples happen there.
class FleetRun {
 public:
  struct Options {
    unsigned threads = 2;
    /// Real time without any answer after which nodes stop waiting: then the run is not repeatable,
    /// and the report says so.
    std::chrono::milliseconds answer_limit{60'000};
    /// Called after each slice.
    std::function<void(VirtualTime now)> progress;
    std::function<bool()> stop;  ///< asked after each slice
  };

  FleetRun(const Scenario& scenario,
           std::span<const NodePlan> plan,
           Deployment& deployment,
           Options options);

  /// @returns false with error() when a process or a node failed.
  bool Run();
  [[nodiscard]] const std::string& error() const { return error_; }
  [[nodiscard]] const std::vector<std::unique_ptr<SimNode>>& nodes() const { return nodes_; }
  [[nodiscard]] const ProcessMeter& meter() const { return meter_; }
  [[nodiscard]] VirtualTime now() const { return now_; }
  [[nodiscard]] bool stopped() const { return stopped_; }
  /// Real time that threads had nothing to do but wait for answers, all threads together.
  [[nodiscard]] double waited_s() const { return static_cast<double>(waited_us_) * 1e-6; }
  /// Every node's records were acknowledged, or given up with a count.
  [[nodiscard]] bool drained() const;

 private:
  /// Something that happens to processes, at the end of a slice.
  struct Event {
    VirtualTime at{0};
    std::function<bool()> act;
  };

  void AddEvents();
  bool RunTo(VirtualTime until);
  void RunSlice(VirtualTime until);
  void Work(VirtualTime until);
  void AwaitAnswers(std::vector<SimNode*>& waiting);
  bool CheckNodes();
  bool Kill(const KillSpec& kill);
  bool Restart(const KillSpec& kill);
  bool Fail(std::string text);

  const Scenario& scenario_;
  Deployment& deployment_;
  const Options options_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  std::vector<Event> events_;  // by time
  std::size_t next_event_ = 0;
  VirtualTime now_{0};
  VirtualTime next_sample_{0};
  Millis sample_interval_{0};
  ProcessMeter meter_;
  std::atomic<std::size_t> next_node_{0};
  std::atomic<std::int64_t> waited_us_{0};
  bool stopped_ = false;
  std::string error_;
};

}  // namespace trib::tools::sim
