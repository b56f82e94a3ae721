#include "trib/node/sim/paced_sensor.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <utility>

namespace trib::node::sim {
namespace {

/// Samples come in steps of this much real time, as a converter's buffer would give them.
constexpr double kStep_s = 0.02;

bool ParseSeconds(std::string_view text, double& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && out >= 0 && out <= 1e9;
}

/// The "S..S" behind the '@' at `at`.
bool ParseInterval(std::string_view text, std::size_t at, double& begin, double& end) {
  const std::size_t dots = text.find("..", std::min(at, text.size()));
  return at != std::string_view::npos && dots != std::string_view::npos &&
         ParseSeconds(text.substr(at + 1, dots - at - 1), begin) &&
         ParseSeconds(text.substr(dots + 2), end) && end > begin;
}

/// Takes a number off the front of `text`.
bool ParseNumber(std::string_view& text, float& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return error == std::errc();
}

simulation::SensorDrift InFrames(const InjectedDrift& drift, std::uint32_t rate) {
  simulation::SensorDrift out{.kind = drift.kind, .from = drift.from, .to = drift.to};
  out.begin = static_cast<std::uint64_t>(drift.begin_s * rate);
  out.end = std::max(out.begin + 1, static_cast<std::uint64_t>(drift.end_s * rate));
  out.stays = drift.stays;
  return out;
}

}  // namespace

Result<InjectedFault> ParseInjectedFault(std::string_view text) {
  const std::size_t at = text.find('@');
  InjectedFault out;
  const auto kind = simulation::ParseSensorFaultKind(text.substr(0, at));
  if (!kind || !ParseInterval(text, at, out.begin_s, out.end_s)) {
    return Code::kInvalidArgument;
  }
  out.kind = *kind;
  return out;
}

bool IsPossible(simulation::SensorDriftKind kind, float value) {
  switch (kind) {
    case simulation::SensorDriftKind::kGain:
      return value >= 0 && value <= kMaxGain;
    case simulation::SensorDriftKind::kOffset:
      return value >= -kMaxOffset && value <= kMaxOffset;
    case simulation::SensorDriftKind::kNoise:
      return value >= 0 && value <= kMaxOffset;
    case simulation::SensorDriftKind::kUnspecified:
      break;
  }
  return false;
}

Result<InjectedDrift> ParseInjectedDrift(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::size_t at = text.find('@');
  InjectedDrift out;
  const auto kind = simulation::ParseSensorDriftKind(text.substr(0, colon));
  if (!kind || at == std::string_view::npos || colon > at ||
      !ParseInterval(text, at, out.begin_s, out.end_s)) {
    return Code::kInvalidArgument;
  }
  std::string_view values = text.substr(colon + 1, at - colon - 1);
  if (!ParseNumber(values, out.from)) {
    return Code::kInvalidArgument;
  }
  out.to = out.from;
  out.stays = !values.empty();
  if (out.stays) {
    const bool dash = values.front() == '-';
    values.remove_prefix(1);
    if (!dash || !ParseNumber(values, out.to) || !values.empty()) {
      return Code::kInvalidArgument;
    }
  }
  if (!IsPossible(*kind, out.from) || !IsPossible(*kind, out.to)) {
    return Code::kOutOfRange;
  }
  out.kind = *kind;
  return out;
}

PacedSensor::PacedSensor(std::unique_ptr<SampleSource> source, SimClock& clock, Options options)
    : source_(std::move(source)),
      clock_(clock),
      options_(std::move(options)),
      rate_(source_->sample_rate_hz()),
      channels_(source_->channels()) {
  for (const InjectedDrift& drift : options_.drifts) {
    drifts_.push_back(InFrames(drift, rate_));
  }
}

std::uint64_t PacedSensor::DueFrames() {
  if (options_.pace <= 0) {
    return std::numeric_limits<std::uint64_t>::max();
  }
  const MonotonicTime now = clock_.Monotonic();
  if (!begun_) {
    begun_ = true;
    begin_ = now;
  }
  const double seconds = static_cast<double>((now - begin_).count()) / 1000.0;
  const double step = std::max(1.0, std::floor(kStep_s * options_.pace * rate_));
  return static_cast<std::uint64_t>(std::floor(seconds * options_.pace * rate_ / step) * step);
}

Millis PacedSensor::UntilReady() {
  const std::uint64_t wanted = delivered_ + source_->pause_frames();
  if (ended_ || DueFrames() > wanted) {
    return Millis(0);
  }
  const double step = std::max(1.0, std::floor(kStep_s * options_.pace * rate_));
  const double next = (std::floor(static_cast<double>(wanted) / step) + 1) * step;
  const double at_ms = next * 1000.0 / (options_.pace * rate_);
  const double now_ms = static_cast<double>((clock_.Monotonic() - begin_).count());
  return Millis(std::max<std::int64_t>(1, std::llround(std::ceil(at_ms - now_ms))));
}

Result<SampleBlock> PacedSensor::Read(std::span<std::int16_t> memory) {
  if (ended_) {
    return Code::kOutOfRange;
  }
  const std::uint64_t due = DueFrames();
  const std::uint64_t pause = source_->pause_frames();
  if (held_ || due <= delivered_ + pause) {
    return Code::kUnavailable;
  }
  delivered_ += pause;
  std::uint64_t frames = std::min<std::uint64_t>(memory.size() / channels_, due - delivered_);
  // A block lies wholly inside or outside an injected fault.
  for (const InjectedFault& fault : options_.faults) {
    for (const double edge_s : {fault.begin_s, fault.end_s}) {
      const auto edge = static_cast<std::uint64_t>(edge_s * rate_);
      if (edge > delivered_) {
        frames = std::min(frames, edge - delivered_);
      }
    }
  }
  const Result<SampleSource::Block> read =
      source_->Read(memory.first(static_cast<std::size_t>(frames) * channels_));
  if (!read.ok()) {
    ended_ = true;
    if (read.status().code() != Code::kOutOfRange) {
      failure_ = read.status();
    }
    return Code::kOutOfRange;
  }
  NoteLabel(delivered_);
  SampleBlock block;
  const std::span<std::int16_t> samples = memory.first(read->frames * channels_);
  block.samples = samples;
  block.first_frame = delivered_;
  block.pause_frames = pause;
  block.scale = read->scale;
  block.speed_hz = read->speed_hz;
  block.non_finite_frames = read->non_finite_frames;
  block.boundary = read->boundary;
  simulation::Drift(drifts_,
                    read->scale,
                    {.seed = options_.seed, .first_frame = delivered_, .channels = channels_},
                    samples);
  const InjectedFault* fault = FaultAt(delivered_);
  delivered_ += read->frames;
  clock_.SetDelivered(Millis(static_cast<std::int64_t>(delivered_ * 1000 / rate_)));
  if (fault == nullptr) {
    spoiler_.Heal();
    return block;
  }
  const auto stretch = static_cast<std::size_t>(fault - options_.faults.data());
  const auto spoilt = spoiler_.Spoil(fault->kind, stretch, channels_, samples);
  if (spoilt.lost) {
    return Code::kUnavailable;  // the next block's first_frame tells
  }
  block.missing_frames = spoilt.missing_frames;
  block.non_finite_frames = std::max(block.non_finite_frames, spoilt.non_finite_frames);
  block.scale = spoilt.bad_scale ? std::numeric_limits<float>::quiet_NaN() : block.scale;
  return block;
}

void PacedSensor::NoteLabel(std::uint64_t frame) {
  const std::string_view label = source_->label();
  if (!stretches_.empty() && stretches_.back().label == label) {
    return;
  }
  if (stretches_.size() == kMostStretches) {
    stretches_.pop_front();
  }
  stretches_.push_back({.begin = frame, .label = std::string(label)});
}

std::string_view PacedSensor::LabelAt(std::uint64_t frame) const {
  const auto after = std::upper_bound(
      stretches_.begin(), stretches_.end(), frame, [](std::uint64_t at, const Stretch& stretch) {
        return at < stretch.begin;
      });
  return after == stretches_.begin() ? std::string_view() : std::prev(after)->label;
}

const InjectedFault* PacedSensor::FaultAt(std::uint64_t frame) const {
  for (const InjectedFault& fault : options_.faults) {
    if (frame >= static_cast<std::uint64_t>(fault.begin_s * rate_) &&
        frame < static_cast<std::uint64_t>(fault.end_s * rate_)) {
      return &fault;
    }
  }
  return nullptr;
}

}  // namespace trib::node::sim
