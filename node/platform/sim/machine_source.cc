#include "trib/node/sim/machine_source.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace trib::node::sim {
namespace {

using simulation::FaultKind;

/// A fault that has grown this far is what a label speaks of.
constexpr float kNoticeable = 0.02F;

std::string_view NameOf(FaultKind kind) {
  switch (kind) {
    case FaultKind::kOuterRace:
      return "outer_race";
    case FaultKind::kInnerRace:
      return "inner_race";
    case FaultKind::kBall:
      return "ball";
    case FaultKind::kCage:
      return "cage";
    case FaultKind::kUnspecified:
      break;
  }
  return "normal";
}

}  // namespace

MachineSource::MachineSource(Options options)
    : options_(std::move(options)), machine_(options_.machine, options_.seed) {}

std::uint64_t MachineSource::pause_frames() const {
  const std::uint64_t frame = machine_.next_frame();
  if (options_.burst_frames == 0 || options_.burst_frames >= options_.period_frames ||
      frame % options_.period_frames < options_.burst_frames) {
    return 0;
  }
  return options_.period_frames - frame % options_.period_frames;
}

bool MachineSource::EnterPhase(std::uint64_t frame) {
  while (phase_ == nullptr || frame >= phase_end_) {
    if (next_phase_ >= options_.phases.size()) {
      if (!options_.loop) {
        return false;
      }
      next_phase_ = 0;
    }
    phase_ = &options_.phases[next_phase_++];
    phase_end_ +=
        std::max<std::uint64_t>(1, static_cast<std::uint64_t>(phase_->seconds * sample_rate_hz()));
    for (std::size_t i = 0; i < options_.machine.faults.size(); ++i) {
      machine_.SetSeverity(i, phase_->fault ? options_.machine.faults[i].wear.final : 0);
    }
  }
  return true;
}

Result<SampleSource::Block> MachineSource::Read(std::span<std::int16_t> memory) {
  if (memory.empty()) {
    return Code::kInvalidArgument;
  }
  const std::uint64_t frame = machine_.next_frame() + pause_frames();
  std::uint64_t left = UINT64_MAX;
  if (!options_.phases.empty()) {
    if (!EnterPhase(frame)) {
      return Code::kOutOfRange;
    }
    left = phase_end_ - frame;
  } else if (options_.seconds > 0) {
    const auto end = static_cast<std::uint64_t>(options_.seconds * sample_rate_hz());
    if (frame >= end) {
      return Code::kOutOfRange;
    }
    left = end - frame;
  }
  if (options_.burst_frames > 0 && options_.burst_frames < options_.period_frames) {
    left = std::min(left, options_.burst_frames - frame % options_.period_frames);
  }
  const auto frames = static_cast<std::size_t>(std::min<std::uint64_t>(memory.size(), left));
  machine_.Seek(frame);
  const simulation::MachineState state = machine_.state();
  (void)machine_.Read(memory.first(frames));

  label_ = "normal";
  float worst = kNoticeable;
  for (std::size_t i = 0; i < options_.machine.faults.size(); ++i) {
    if (state.severity[i] >= worst) {
      worst = state.severity[i];
      label_ = NameOf(options_.machine.faults[i].kind);
    }
  }
  Block block{.frames = frames, .scale = options_.machine.sensor.scale_g};
  block.boundary = frames == left;
  if (options_.machine.sensor.tachometer) {
    block.speed_hz = state.speed_hz;
  }
  return block;
}

Result<std::vector<MachineSource::Phase>> ParsePhases(std::string_view text) {
  std::vector<MachineSource::Phase> out;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view item = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const std::size_t colon = item.find(':');
    if (colon == std::string_view::npos) {
      return Code::kInvalidArgument;
    }
    const std::string_view name = item.substr(0, colon);
    const std::string_view number = item.substr(colon + 1);
    MachineSource::Phase phase;
    phase.fault = name == "fault";
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), phase.seconds);
    const bool known = phase.fault || name == "normal";
    if (!known || error != std::errc() || end != number.data() + number.size() ||
        !(phase.seconds > 0 && phase.seconds <= 1e7)) {
      return Code::kInvalidArgument;
    }
    out.push_back(phase);
  }
  if (out.empty()) {
    return Code::kInvalidArgument;
  }
  return out;
}

}  // namespace trib::node::sim
