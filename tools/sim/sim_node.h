#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "machine_sensor.h"
#include "plan.h"
#include "small_ports.h"
#include "trib/node/app/node_loop.h"
#include "virtual_link.h"
#include "virtual_time.h"

namespace trib::tools::sim {

/// When the node was in an alarm of its own trigger.
struct Episode {
  VirtualTime begin{0};
  VirtualTime end{-1};  ///< -1: it lasts
};

/// One real NodeLoop over simulated ports, in virtual time.
///
/// Memory   About 160 kB, most of it the flash and the loop's own storage, and what its network
///          needs.
/// Threads  One at a time.
class SimNode {
 public:
  struct Setup {
    MachineSensor::Shape shape;
    LogicalTime start{};
    std::span<const std::byte> package;  ///< outlives the node
    std::span<const crypto::PublicKey> package_keys;
    std::size_t network_bytes = 0;  ///< arena and state that the package's network needs
  };

  SimNode(const NodePlan& plan, const Setup& setup, Transport& transport);

  enum class Progress : std::uint8_t {
    kDone,     ///< everything up to `until` has happened
    kWaiting,  ///< the next thing to happen is an answer that has not really come
  };
  /// Lets virtual time pass, `until` included.
  Progress Advance(VirtualTime until);
  /// The answers that Advance() waits for will not come.
  void GiveUp() { link_.GiveUp(VirtualTime::max()); }
  /// The sensor has nothing more to give from the next Advance() on.
  void EndSource() { sensor_.End(); }

  [[nodiscard]] VirtualTime now() const { return clock_.now(); }
  /// The node could not start; it then does nothing.
  [[nodiscard]] Status failure() const { return failure_; }
  [[nodiscard]] const NodePlan& plan() const { return plan_; }
  [[nodiscard]] const node::app::NodeLoop& loop() const { return *loop_; }
  [[nodiscard]] VirtualLink& link() { return link_; }
  [[nodiscard]] const VirtualLink& link() const { return link_; }
  [[nodiscard]] const std::vector<Episode>& episodes() const { return episodes_; }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }

 private:
  static constexpr std::uint32_t kSectorBytes = 8192;
  static constexpr std::uint32_t kStateSectors = 2;
  static constexpr std::uint32_t kBacklogSectors = 8;
  static constexpr std::size_t kWindowSamples = 2048;
  static constexpr std::size_t kActivationBytes = 7168;
  using Storage = node::app::
      NodeLoopStorage<kWindowSamples, kBacklogSectors, kSectorBytes, 0, kActivationBytes>;

  void Start(const Setup& setup);
  void StepLoop();
  void NoteEpisode();

  const NodePlan& plan_;
  VirtualClock clock_;
  MachineSensor sensor_;
  VirtualLink link_;
  MemoryFlash<kStateSectors + kBacklogSectors, kSectorBytes> flash_;
  NoWatchdog watchdog_;
  LastActuator actuator_;
  SeededEntropy entropy_;
  NoPower power_;
  Storage storage_;
  std::vector<std::byte> network_;
  std::unique_ptr<node::app::NodeLoop> loop_;
  Setup setup_;
  Status failure_;
  bool started_ = false;
  VirtualTime next_step_{0};
  std::uint64_t episodes_seen_ = 0;
  std::vector<Episode> episodes_;
  std::uint64_t steps_ = 0;
};

}  // namespace trib::tools::sim
