#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>

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
    /// Shaft speed, turns per second; NaN when nobody measures it.
    float speed_hz = std::numeric_limits<float>::quiet_NaN();
  };

  virtual ~SampleSource() = default;
  /// As much as there is, up to a boundary. @returns kOutOfRange at the end, else a failure.
  virtual Result<Block> Read(std::span<std::int16_t> memory) = 0;
  /// Frames that pass before the next Read(), because the sensor is off between bursts.
  [[nodiscard]] virtual std::uint64_t pause_frames() const { return 0; }
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

}  // namespace trib::node::sim
