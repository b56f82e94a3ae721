#include "trib/node/sim/sample_source.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>
#include <utility>

namespace trib::node::sim {

RecordingSource::RecordingSource(host::recording::Player player) : player_(std::move(player)) {}

Result<SampleSource::Block> RecordingSource::Read(std::span<std::int16_t> memory) {
  TRIB_TRY_ASSIGN(const host::recording::Block block, player_.Read(memory));
  const host::recording::Recording& recording = player_.manifest().recordings[block.recording];
  if (label_ != recording.label) {
    label_ = recording.label;
  }
  return Block{.frames = block.frames,
               .scale = static_cast<float>(recording.scale),
               .non_finite_frames = block.non_finite_frames,
               .boundary = block.boundary};
}

std::uint32_t RecordingSource::sample_rate_hz() const {
  return static_cast<std::uint32_t>(std::lround(player_.fs_hz()));
}

std::uint32_t RecordingSource::channels() const {
  return static_cast<std::uint32_t>(player_.channels());
}

GeneratorSource::GeneratorSource(Options options)
    : options_(std::move(options)), random_(options_.seed) {
  std::uniform_real_distribution<double> machine(-1, 1);
  shaft_hz_ = 29.5 + 0.5 * machine(random_);  // about 1,770 rpm
  gain_ = 1 + 0.1 * machine(random_);
}

std::string_view GeneratorSource::label() const {
  return last_fault_ ? "fault" : "normal";
}

std::uint64_t GeneratorSource::FramesOf(const Phase& phase) const {
  return static_cast<std::uint64_t>(phase.seconds * options_.sample_rate_hz);
}

Result<SampleSource::Block> GeneratorSource::Read(std::span<std::int16_t> memory) {
  if (memory.empty()) {
    return Code::kInvalidArgument;
  }
  if (phase_ >= options_.phases.size()) {
    if (!options_.loop || options_.phases.empty()) {
      return Code::kOutOfRange;
    }
    phase_ = 0;
  }
  const Phase& phase = options_.phases[phase_];
  const std::uint64_t total = std::max<std::uint64_t>(1, FramesOf(phase));
  const auto frames =
      static_cast<std::size_t>(std::min<std::uint64_t>(memory.size(), total - played_));
  for (std::size_t i = 0; i < frames; ++i) {
    const double counts = NextSample(phase.fault) / static_cast<double>(options_.scale);
    memory[i] = static_cast<std::int16_t>(std::clamp(std::round(counts), -32768.0, 32767.0));
  }
  played_ += frames;
  last_fault_ = phase.fault;
  Block block{.frames = frames, .scale = options_.scale};
  if (played_ == total) {
    block.boundary = true;
    played_ = 0;
    ++phase_;
  }
  return block;
}

double GeneratorSource::NextSample(bool fault) {
  constexpr double kBpfo = 3.5848;  // of a 6205 bearing, per turn
  constexpr double kResonanceHz = 3'200;
  constexpr double kDecay = 800;  // per second
  constexpr double kHarmonics[] = {0.04, 0.025, 0.012, 0.02};
  const double step_s = 1.0 / options_.sample_rate_hz;
  time_s_ += step_s;
  double value = 0.03 * noise_(random_);
  for (std::size_t h = 0; h < std::size(kHarmonics); ++h) {
    value += kHarmonics[h] *
             std::sin(2 * std::numbers::pi * shaft_hz_ * static_cast<double>(h + 1) * time_s_ +
                      static_cast<double>(h));
  }
  if (fault) {
    impact_age_s_ += step_s;
    if (time_s_ >= next_impact_s_) {
      // The balls slip a little, so impacts never repeat exactly.
      const double period_s = 1 / (kBpfo * shaft_hz_);
      next_impact_s_ = time_s_ + period_s * (1 + 0.01 * noise_(random_));
      impact_age_s_ = 0;
      impact_size_ = 1 + 0.2 * noise_(random_);
    }
    value += impact_size_ * std::exp(-kDecay * impact_age_s_) *
             std::sin(2 * std::numbers::pi * kResonanceHz * impact_age_s_);
  }
  return gain_ * value;
}

Result<std::vector<GeneratorSource::Phase>> ParsePhases(std::string_view text) {
  std::vector<GeneratorSource::Phase> out;
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
    GeneratorSource::Phase phase;
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
