#include "machine_sensor.h"

#include <algorithm>
#include <limits>

#include "trib/common/base/check.h"
#include "trib/common/simulation/sensor_drift.h"

namespace trib::tools::sim {
namespace {

constexpr float kMachineSpread = 0.1F;
constexpr double kDay_ms = 86'400'000;

simulation::FaultKind KindOf(MachineFault fault) {
  switch (fault) {
    case MachineFault::kOuterRace:
      return simulation::FaultKind::kOuterRace;
    case MachineFault::kInnerRace:
      return simulation::FaultKind::kInnerRace;
    case MachineFault::kBall:
      return simulation::FaultKind::kBall;
    case MachineFault::kCage:
      return simulation::FaultKind::kCage;
  }
  return simulation::FaultKind::kUnspecified;
}

float InSeconds(Millis time) {
  return static_cast<float>(static_cast<double>(time.count()) / 1000);
}

}  // namespace

simulation::MachineConfig MachineOf(const NodePlan& plan, std::uint32_t sample_rate_hz) {
  simulation::MachineConfig config = simulation::DefaultMachine();
  config.sample_rate_hz = sample_rate_hz;
  config.time_of_day_s = static_cast<float>(plan.time_of_day_s);
  simulation::Vary(config, plan.seed, kMachineSpread);
  const float scale = static_cast<float>(plan.speed_hz) / config.drive.regimes[0].speed_hz;
  for (simulation::Regime& regime : config.drive.regimes) {
    regime.speed_hz *= scale;
  }
  const auto level = static_cast<float>(plan.level);
  for (simulation::Tone& tone : config.tones) {
    tone.amplitude_g *= level;
  }
  for (simulation::Mode& mode : config.structure.modes) {
    mode.noise_g *= level;
  }
  config.structure.floor_g *= level;
  for (const MachineFaultPlan& fault : plan.faults) {
    simulation::BearingFault added = simulation::FaultOf(KindOf(fault.kind));
    const auto severity = static_cast<float>(std::min(fault.severity, 1.0));
    // Severity ends at 1 there; what is worse strikes harder.
    added.strike_g *= static_cast<float>(std::max(fault.severity, 1.0));
    added.wear = {.initial = 0,
                  .final = severity,
                  .onset_s = InSeconds(std::max(fault.begin - plan.boot, Millis(0))),
                  .growth_s = InSeconds(fault.growth)};
    if (!config.faults.push_back(added)) {
      break;
    }
  }
  return config;
}

MachineSensor::MachineSensor(const NodePlan& plan, const Shape& shape)
    : plan_(plan),
      shape_(shape),
      stretch_(std::min(shape.window, shape.hop)),
      machine_(MachineOf(plan, shape.sample_rate_hz), plan.seed),
      end_(stretch_) {
  TRIB_CHECK(shape.sample_rate_hz > 0 && shape.window > 0 && shape.hop > 0);
}

VirtualTime MachineSensor::TimeOf(std::uint64_t frame) const {
  const std::uint64_t rate = shape_.sample_rate_hz;
  return plan_.boot + Millis(static_cast<std::int64_t>((frame * 1000 + rate - 1) / rate));
}

VirtualTime MachineSensor::NextReady() const {
  return ended_ ? VirtualTime::max() : TimeOf(end_);
}

Result<node::SampleBlock> MachineSensor::Read(std::span<std::int16_t> memory) {
  if (ended_) {
    return Code::kOutOfRange;
  }
  if (now_ < NextReady()) {
    return Code::kUnavailable;
  }
  if (next_ != machine_.next_frame()) {
    machine_.Seek(next_);
  }
  const auto frames =
      static_cast<std::size_t>(std::min<std::uint64_t>(memory.size(), end_ - next_));
  const std::span<std::int16_t> samples = memory.first(frames);
  (void)machine_.Read(samples);
  node::SampleBlock block;
  block.samples = samples;
  block.first_frame = next_;
  block.scale = machine_.config().sensor.scale_g;
  const VirtualTime at = TimeOf(next_);
  next_ += frames;
  if (next_ == end_) {
    const std::uint64_t begin = end_ - stretch_ + shape_.hop;
    next_ = begin;
    end_ = begin + stretch_;
  }
  Drift(samples, at);
  const auto fault = std::find_if(
      plan_.sensor_faults.begin(), plan_.sensor_faults.end(), [at](const SensorFaultPlan& f) {
        return at >= f.begin && at < f.end;
      });
  if (fault == plan_.sensor_faults.end()) {
    stuck_ = false;
  } else if (!samples.empty() && !Spoil(*fault, samples, block)) {
    return Code::kUnavailable;  // the next block's first_frame tells
  }
  return block;
}

void MachineSensor::Drift(std::span<std::int16_t> samples, VirtualTime at) const {
  double gain = 1;
  double offset_g = 0;
  for (const DriftPlan& drift : plan_.drifts) {
    const double days = std::max(0.0, static_cast<double>((at - drift.begin).count()) / kDay_ms);
    gain += drift.gain_per_day * days;
    offset_g += drift.offset_g_per_day * days;
  }
  simulation::Distort({.gain = static_cast<float>(gain), .offset = static_cast<float>(offset_g)},
                      machine_.config().sensor.scale_g,
                      {},
                      samples);
}

bool MachineSensor::Spoil(const SensorFaultPlan& fault,
                          std::span<std::int16_t> samples,
                          node::SampleBlock& block) {
  const auto frames = static_cast<std::uint32_t>(samples.size());
  switch (fault.kind) {
    case SensorFault::kStuck:
      stuck_at_ = stuck_ ? stuck_at_ : samples.front();
      stuck_ = true;
      std::fill(samples.begin(), samples.end(), stuck_at_);
      break;
    case SensorFault::kClipped:
    case SensorFault::kRange:
      for (std::int16_t& sample : samples) {
        const int value = fault.kind == SensorFault::kClipped ? sample * 100 : sample / 4 + 24'000;
        sample = static_cast<std::int16_t>(std::clamp(value, -32768, 32767));
      }
      break;
    case SensorFault::kMissing:
      block.missing_frames = frames;
      break;
    case SensorFault::kNonFinite:
      block.non_finite_frames = frames;
      break;
    case SensorFault::kBadScale:
      block.scale = std::numeric_limits<float>::quiet_NaN();
      break;
    case SensorFault::kGap:
      return false;
  }
  return true;
}

}  // namespace trib::tools::sim
