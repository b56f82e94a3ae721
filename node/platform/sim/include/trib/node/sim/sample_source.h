#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trib/common/host/recording/player.h"
#include "trib/common/status/result.h"

namespace trib::node::sim {

/// Samples without any idea of time: a recording, or a machine made up.
class SampleSource {
 public:
  struct Block {
    std::size_t frames = 0;
    float scale = 0;
    std::uint32_t non_finite_frames = 0;
    bool boundary = false;
  };

  virtual ~SampleSource() = default;
  /// As much as there is, up to a boundary. @returns kOutOfRange at the end, else a failure.
  virtual Result<Block> Read(std::span<std::int16_t> memory) = 0;
  [[nodiscard]] virtual std::uint32_t sample_rate_hz() const = 0;
  [[nodiscard]] virtual std::uint32_t channels() const = 0;
  /// What is true of the last block given; "" when unknown.
  [[nodiscard]] virtual std::string_view label() const = 0;
};

/// Plays a manifest's recordings.
class RecordingSource final : public SampleSource {
 public:
  explicit RecordingSource(host::recording::Player player);
  Result<Block> Read(std::span<std::int16_t> memory) override;
  [[nodiscard]] std::uint32_t sample_rate_hz() const override;
  [[nodiscard]] std::uint32_t channels() const override;
  [[nodiscard]] std::string_view label() const override { return label_; }

 private:
  host::recording::Player player_;
  std::string label_;
};

/// A machine that exists nowhere: shaft harmonics and noise; with a fault also the impacts of a
/// ball rolling over a spot on the outer race (BPFO), each ringing down at a resonance.
class GeneratorSource final : public SampleSource {
 public:
  struct Phase {
    double seconds = 0;
    bool fault = false;
  };
  struct Options {
    std::uint64_t seed = 1;
    std::uint32_t sample_rate_hz = 12'000;
    float scale = 16.0F / 32768.0F;  ///< g per count
    /// Played once, in order; a boundary lies between two phases.
    std::vector<Phase> phases;
    bool loop = false;
  };

  explicit GeneratorSource(Options options);
  Result<Block> Read(std::span<std::int16_t> memory) override;
  [[nodiscard]] std::uint32_t sample_rate_hz() const override { return options_.sample_rate_hz; }
  [[nodiscard]] std::uint32_t channels() const override { return 1; }
  [[nodiscard]] std::string_view label() const override;

 private:
  double NextSample(bool fault);
  [[nodiscard]] std::uint64_t FramesOf(const Phase& phase) const;

  Options options_;
  std::mt19937_64 random_;
  std::normal_distribution<double> noise_;
  double shaft_hz_;
  double gain_;
  double time_s_ = 0;
  double next_impact_s_ = 0;
  double impact_age_s_ = 1;
  double impact_size_ = 0;
  std::size_t phase_ = 0;
  std::uint64_t played_ = 0;  // frames of this phase
  bool last_fault_ = false;
};

/// "normal:60,fault:20": seconds of each. @returns kInvalidArgument for anything else.
Result<std::vector<GeneratorSource::Phase>> ParsePhases(std::string_view text);

}  // namespace trib::node::sim
