#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "trib/common/base/random.h"
#include "trib/node/ports/actuator.h"
#include "trib/node/ports/entropy.h"
#include "trib/node/ports/power.h"
#include "trib/node/ports/sensor.h"
#include "trib/node/ports/watchdog.h"

namespace trib::testing {

/// Plays the blocks it was given, then says that nothing is there yet, or that the source ended.
class FakeSensor final : public node::Sensor {
 public:
  /// One Read() answer. `skip_frames` are lost before it.
  struct Block {
    std::vector<std::int16_t> samples;  // interleaved
    float scale = 1.0F;
    std::uint32_t missing_frames = 0;
    std::uint32_t non_finite_frames = 0;
    bool boundary = false;
    std::uint64_t skip_frames = 0;
    float speed_hz = std::numeric_limits<float>::quiet_NaN();
  };

  FakeSensor(std::uint32_t sample_rate_hz, std::uint32_t channels)
      : sample_rate_hz_(sample_rate_hz), channels_(channels) {}

  void Play(Block block) { blocks_.push_back(std::move(block)); }
  /// After the last block Read() returns kOutOfRange instead of kUnavailable.
  void EndAfterLast() { ends_ = true; }

  /// A block longer than `memory` comes in parts; its counts and boundary belong to the last part.
  Result<node::SampleBlock> Read(std::span<std::int16_t> memory) override {
    if (blocks_.empty()) {
      return ends_ ? Code::kOutOfRange : Code::kUnavailable;
    }
    Block& block = blocks_.front();
    next_frame_ += std::exchange(block.skip_frames, 0);
    const std::size_t room = memory.size() / channels_ * channels_;
    const std::size_t count = std::min(room, block.samples.size());
    std::copy_n(block.samples.begin(), count, memory.begin());
    node::SampleBlock out;
    out.samples = memory.first(count);
    out.first_frame = next_frame_;
    out.scale = block.scale;
    out.speed_hz = block.speed_hz;
    next_frame_ += count / channels_;
    block.samples.erase(block.samples.begin(),
                        block.samples.begin() + static_cast<std::ptrdiff_t>(count));
    if (block.samples.empty()) {
      out.missing_frames = block.missing_frames;
      out.non_finite_frames = block.non_finite_frames;
      out.boundary = block.boundary;
      blocks_.pop_front();
    }
    return out;
  }
  [[nodiscard]] std::uint32_t sample_rate_hz() const override { return sample_rate_hz_; }
  [[nodiscard]] std::uint32_t channels() const override { return channels_; }

 private:
  std::uint32_t sample_rate_hz_;
  std::uint32_t channels_;
  std::deque<Block> blocks_;
  std::uint64_t next_frame_ = 0;
  bool ends_ = false;
};

/// Remembers every state it was set to.
class FakeActuator final : public node::Actuator {
 public:
  /// Room in advance, so that a caller under an AllocationGuard sees no heap.
  FakeActuator() { changes_.reserve(256); }

  void Set(node::ActuatorState state) override {
    ++calls_;
    if (changes_.empty() || changes_.back() != state) {
      changes_.push_back(state);
    }
  }
  [[nodiscard]] node::ActuatorState state() const {
    return changes_.empty() ? node::ActuatorState::kUnspecified : changes_.back();
  }
  [[nodiscard]] const std::vector<node::ActuatorState>& changes() const { return changes_; }
  [[nodiscard]] std::uint64_t calls() const { return calls_; }

 private:
  std::vector<node::ActuatorState> changes_;
  std::uint64_t calls_ = 0;
};

class FakeWatchdog final : public node::Watchdog {
 public:
  void Start(Millis timeout) override { timeout_ = timeout; }
  void Feed() override { ++feeds_; }
  [[nodiscard]] Millis timeout() const { return timeout_; }
  [[nodiscard]] std::uint64_t feeds() const { return feeds_; }

 private:
  Millis timeout_{0};
  std::uint64_t feeds_ = 0;
};

/// Seeded, so that a run can be repeated; or never seeded, as a blank board.
class FakeEntropy final : public node::Entropy {
 public:
  explicit FakeEntropy(std::uint64_t seed) : random_(seed) {}

  Status Fill(std::span<std::byte> out) override {
    if (!seeded_) {
      return Code::kFailedPrecondition;
    }
    ++fills_;
    for (std::byte& b : out) {
      b = zeros_ > 0 ? std::byte{0} : static_cast<std::byte>(random_.Next());
    }
    zeros_ -= zeros_ > 0 ? 1 : 0;
    return {};
  }
  void SetSeeded(bool seeded) { seeded_ = seeded; }
  /// The next `fills` answers are all zero bytes.
  void GiveZeros(int fills) { zeros_ = fills; }
  [[nodiscard]] std::uint64_t fills() const { return fills_; }

 private:
  SplitMix64 random_;
  bool seeded_ = true;
  int zeros_ = 0;
  std::uint64_t fills_ = 0;
};

/// Sums up the sleep asked for; the test moves its clock itself.
class FakePower final : public node::Power {
 public:
  explicit FakePower(node::ResetCause cause = node::ResetCause::kPowerOn) : cause_(cause) {}
  node::ResetCause reset_cause() override { return cause_; }
  node::Crash crash() override { return crash_; }
  node::Peripherals peripherals() override { return peripherals_; }
  void Have(node::Peripherals peripherals) { peripherals_ = peripherals; }
  /// What the next boot finds.
  void CrashWith(const node::Crash& crash) {
    crash_ = crash;
    cause_ = node::ResetCause::kFault;
  }
  void Sleep(Millis limit) override { slept_ += limit; }
  [[nodiscard]] Millis slept() const { return slept_; }

 private:
  node::ResetCause cause_;
  node::Crash crash_;
  node::Peripherals peripherals_;
  Millis slept_{0};
};

}  // namespace trib::testing
