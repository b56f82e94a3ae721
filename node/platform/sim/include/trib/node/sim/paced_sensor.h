#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trib/common/simulation/sensor_drift.h"
#include "trib/common/simulation/sensor_fault.h"
#include "trib/node/ports/sensor.h"
#include "trib/node/sim/sample_source.h"
#include "trib/node/sim/sim_clock.h"

namespace trib::node::sim {

/// A sensor fault played on top of good samples, for tests and demonstrations.
struct InjectedFault {
  using Kind = simulation::SensorFaultKind;
  Kind kind = Kind::kStuck;
  double begin_s = 0;  ///< in logical time of the source
  double end_s = 0;
};

/// "stuck@30..40": kind and seconds; kinds stuck, clipped, missing, nonfinite, scale, range, gap.
/// @returns kInvalidArgument for anything else.
Result<InjectedFault> ParseInjectedFault(std::string_view text);

/// A sensor that goes on working and changes.
struct InjectedDrift {
  using Kind = simulation::SensorDriftKind;
  Kind kind = Kind::kGain;
  float from = 0;  ///< a factor, or the unit of the samples
  float to = 0;
  double begin_s = 0;  ///< in logical time of the source
  double end_s = 0;
  bool stays = false;  ///< at `to` from `end_s` on
};
inline constexpr float kMaxGain = 100;
inline constexpr float kMaxOffset = 1e6F;

/// "gain:1.2@30..90" from one second to another, or "gain:1-1.2@30..90": reached in a straight line
/// and kept. Kinds gain (0 to kMaxGain), offset (of up to kMaxOffset) and noise (0 to kMaxOffset).
/// @returns kInvalidArgument for anything else, kOutOfRange for a value beyond its bounds.
Result<InjectedDrift> ParseInjectedDrift(std::string_view text);

/// Whether the value may be one of a drift of this kind.
bool IsPossible(simulation::SensorDriftKind kind, float value);

/// Gives a source's samples at a pace, moves the clock with them, and injects drift and faults.
///
/// Memory   Owns the source, borrows the clock.
/// Threads  One caller at a time.
class PacedSensor final : public Sensor {
 public:
  struct Options {
    /// Logical seconds per second; 0: as fast as the caller reads.
    double pace = 1;
    std::vector<InjectedFault> faults = {};
    std::vector<InjectedDrift> drifts = {};
    std::uint64_t seed = 0;  ///< of injected noise
  };

  PacedSensor(std::unique_ptr<SampleSource> source, SimClock& clock, Options options);

  Result<SampleBlock> Read(std::span<std::int16_t> memory) override;
  [[nodiscard]] std::uint32_t sample_rate_hz() const override { return rate_; }
  [[nodiscard]] std::uint32_t channels() const override { return channels_; }

  /// How long Read() will say kUnavailable; 0 when it has something or the source ended.
  [[nodiscard]] Millis UntilReady();
  /// While held, Read() says kUnavailable, as if no time passed for the source.
  void Hold(bool held) { held_ = held; }
  [[nodiscard]] std::string_view label() const { return source_->label(); }
  /// What was true of a frame that was given, by first_frame's count; "" when it is not known, or
  /// not any more: the last kMostStretches changes are.
  [[nodiscard]] std::string_view LabelAt(std::uint64_t frame) const;
  static constexpr std::size_t kMostStretches = 4096;
  /// Other failure than the end: a file that became unreadable.
  [[nodiscard]] Status failure() const { return failure_; }

 private:
  /// Frames from `begin` to the next one's have this label.
  struct Stretch {
    std::uint64_t begin = 0;
    std::string label;
  };

  void NoteLabel(std::uint64_t frame);
  [[nodiscard]] std::uint64_t DueFrames();
  [[nodiscard]] const InjectedFault* FaultAt(std::uint64_t frame) const;

  std::unique_ptr<SampleSource> source_;
  SimClock& clock_;
  const Options options_;
  const std::uint32_t rate_;
  const std::uint32_t channels_;
  std::deque<Stretch> stretches_;
  std::uint64_t delivered_ = 0;
  MonotonicTime begin_{};
  bool begun_ = false;
  bool ended_ = false;
  bool held_ = false;
  Status failure_;
  std::vector<simulation::SensorDrift> drifts_;
  simulation::SensorSpoiler spoiler_;
};

}  // namespace trib::node::sim
