// The bytes of a node's records depend neither on the blocks in which its samples came nor on
// whether windows were summarised meanwhile or when they were full.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "test_bench.h"

namespace trib::node::app {
namespace {

using namespace testing;

constexpr std::uint32_t kHz = 12'800;  // a window is 80 ms, half of one 40 ms: no rounding of time
constexpr float kScale = World::kScale;

/// What a converter gave from one event to the next.
struct Stretch {
  std::vector<std::int16_t> samples;
  float scale = kScale;
  std::uint32_t missing_frames = 0;
  bool boundary = false;
  std::uint64_t lost_before = 0;
};
using Tape = std::vector<Stretch>;

/// Plays a tape in blocks of at most so many frames; time is what it has played.
class TapeSensor final : public Sensor {
 public:
  TapeSensor(const Tape& tape,
             std::uint32_t channels,
             std::size_t block,
             trib::testing::FakeClock& clock)
      : tape_(tape), channels_(channels), block_(block), clock_(clock) {}

  Result<SampleBlock> Read(std::span<std::int16_t> memory) override {
    if (at_ == tape_.size()) {
      return Code::kOutOfRange;
    }
    if (!std::exchange(awake_, true)) {
      return Code::kUnavailable;  // the first status is then of the same time for all
    }
    const Stretch& stretch = tape_[at_];
    frame_ += played_ == 0 ? stretch.lost_before : 0;
    const std::size_t frames =
        std::min({memory.size() / channels_, block_, stretch.samples.size() / channels_ - played_});
    std::copy_n(stretch.samples.begin() + static_cast<std::ptrdiff_t>(played_ * channels_),
                frames * channels_,
                memory.begin());
    played_ += frames;
    const bool last = played_ * channels_ == stretch.samples.size();
    const SampleBlock out{.samples = memory.first(frames * channels_),
                          .first_frame = frame_,
                          .scale = stretch.scale,
                          .missing_frames = last ? stretch.missing_frames : 0,
                          .boundary = last && stretch.boundary};
    frame_ += frames;
    at_ += last ? 1 : 0;
    played_ = last ? 0 : played_;
    clock_.Advance(MonotonicTime(Millis(static_cast<std::int64_t>(frame_ * 1000 / kHz))) -
                   clock_.Monotonic());
    return out;
  }
  [[nodiscard]] std::uint32_t sample_rate_hz() const override { return kHz; }
  [[nodiscard]] std::uint32_t channels() const override { return channels_; }

 private:
  const Tape& tape_;
  std::uint32_t channels_;
  std::size_t block_;
  trib::testing::FakeClock& clock_;
  std::size_t at_ = 0;
  std::size_t played_ = 0;
  std::uint64_t frame_ = 0;
  bool awake_ = false;
};

/// Takes nothing: when it is asked follows the blocks, and so would the energy of what it sends.
class DeadLink final : public Link {
 public:
  Status Send(std::span<const std::byte>) override { return Code::kUnavailable; }
  Result<std::size_t> Receive(std::span<std::byte>) override { return Code::kUnavailable; }
  [[nodiscard]] std::size_t max_message_bytes() const override {
    return message::kMaxEnvelopeBytes;
  }
};

struct Setting {
  std::uint32_t channels = 1;
  std::uint32_t hop = kFrames / 2;
  std::size_t block = 64;
  bool as_they_arrive = true;
};

PackageParts PartsOf(const Setting& setting) {
  PackageParts parts;
  parts.recipe.channels = static_cast<std::uint16_t>(setting.channels);
  parts.recipe.sample_rate_hz = kHz;
  parts.recipe.hop_frames = setting.hop;
  for (const dsp::Op op : {dsp::Op::kStd,
                           dsp::Op::kVariance,
                           dsp::Op::kPeakToPeak,
                           dsp::Op::kShape,
                           dsp::Op::kImpulse,
                           dsp::Op::kMargin,
                           dsp::Op::kRateOfChange,
                           dsp::Op::kZeroCrossingRate}) {
    parts.Add(op, {});
    parts.recipe.operations[parts.recipe.operations.size() - 1].channel =
        static_cast<std::uint8_t>(setting.channels - 1);
  }
  if (setting.channels > 1) {
    parts.Add(dsp::Op::kCorrelation, {});
    dsp::Operation& last = parts.recipe.operations[parts.recipe.operations.size() - 1];
    last.transform = dsp::Transform::kNone;
    last.second_channel = 1;
  }
  parts.trigger.feature_mask = ~std::uint64_t{0} >> (64 - dsp::OutputCount(parts.recipe));
  parts.rules.rules.push_back({.source = package::RuleSource::kPeak,
                               .comparison = package::Comparison::kGreater,
                               .actuator = 3,
                               .label = 1,
                               .threshold = 4.0F});
  parts.policy.block_ms = 1'200;
  parts.policy.status_ms = 6'000;
  parts.policy.audit_permille = 500;
  return parts;
}

struct Outcome {
  std::vector<std::byte> flash;  // every record, sealed
  NodeMetrics metrics;
  std::vector<ActuatorState> states;
};

Outcome Play(const Tape& tape, const Setting& setting) {
  trib::testing::FakeClock clock{MonotonicTime(Millis(0))};
  TapeSensor sensor(tape, setting.channels, setting.block, clock);
  trib::testing::FakeFlash flash{{.sector_bytes = kSectorBytes,
                                  .sector_count = kStateSectors + kBacklogSectors,
                                  .program_unit_bytes = 8}};
  DeadLink link;
  trib::testing::FakeWatchdog watchdog;
  trib::testing::FakeActuator actuator;
  trib::testing::FakeEntropy entropy{9};
  trib::testing::FakePower power;
  const std::vector<std::byte> file = PartsOf(setting).Signed(1);
  const crypto::PublicKey pinned = KeyOf(1);
  const auto storage =
      std::make_unique<NodeLoopStorage<2 * kFrames, kBacklogSectors, kSectorBytes>>();
  NodeMemory memory = storage->memory();
  if (!setting.as_they_arrive) {
    memory.summaries = memory.summaries.first(setting.channels);
  }
  NodeConfig config;
  config.node = kNode;
  config.state_region = {.first = SectorIndex(0), .sectors = kStateSectors};
  config.backlog_region = {.first = SectorIndex(kStateSectors), .sectors = kBacklogSectors};
  const auto loop = std::make_unique<NodeLoop>(
      NodePorts{clock, sensor, link, flash, watchdog, actuator, entropy, power}, config, memory);
  EXPECT_TRUE(loop->Start(file, std::span(&pinned, 1)).ok());
  EXPECT_TRUE(loop->package_status().ok()) << loop->package_status().reason();
  while (!loop->source_ended()) {
    (void)loop->Step();
  }
  const std::span<const std::byte> contents = flash.contents();
  return {{contents.begin(), contents.end()}, loop->metrics(), actuator.changes()};
}

/// All that there is to notice, so that no window begins elsewhere: every stretch is whole windows.
Tape Eventful(std::uint32_t channels) {
  std::uint64_t frame = 0;
  SplitMix64 random{3};
  Tape tape;
  const auto play = [&](int windows, bool healthy, auto change) {
    Stretch stretch;
    for (int i = 0; i < windows; ++i) {
      for (std::uint32_t part = 0; part < channels; ++part) {
        const auto samples = healthy ? Healthy(frame, random) : Faulty(frame, random);
        stretch.samples.insert(stretch.samples.end(), samples.begin(), samples.end());
      }
    }
    change(stretch);
    tape.push_back(std::move(stretch));
  };
  const auto nothing = [](Stretch&) {};
  const auto fill = [](std::size_t from, std::size_t count, std::int16_t value) {
    return [=](Stretch& stretch) {
      std::fill_n(stretch.samples.begin() + static_cast<std::ptrdiff_t>(from), count, value);
    };
  };
  play(60, true, nothing);
  play(8, false, nothing);
  play(12, true, nothing);
  play(3, true, fill(1500, 400, 77));     // stuck, across the middle of a window
  play(3, true, fill(900, 300, 32'767));  // clipped, across two
  play(2, true, fill(700, 1, -20'001));   // out of range
  play(2, true, fill(700, 1, 19'000));    // loud: for a rule
  play(2, true, [](Stretch& stretch) { stretch.missing_frames = 200; });
  play(5, true, [](Stretch& stretch) { stretch.boundary = true; });
  play(5, true, [](Stretch& stretch) { stretch.scale = 2 * kScale; });
  play(5, true, nothing);
  return tape;
}

/// The same, and windows that begin anywhere.
Tape Ragged(std::uint32_t channels) {
  Tape tape = Eventful(channels);
  std::uint64_t lost = 1;
  for (Stretch& stretch : tape) {
    stretch.samples.resize(stretch.samples.size() - 101 * channels);
    stretch.lost_before = lost++ % 3 * 7;
  }
  return tape;
}

TEST(Streaming, RecordsAreTheSameInBlocksOfAnySize) {
  for (const std::uint32_t channels : {1U, 2U}) {
    const Tape tape = Eventful(channels);
    for (const std::uint32_t hop : {kFrames / 2, kFrames}) {
      const Outcome whole =
          Play(tape, {.channels = channels, .hop = hop, .block = kFrames, .as_they_arrive = false});
      EXPECT_GT(whole.metrics.windows, 100U);
      EXPECT_GE(whole.metrics.windows_invalid, 4U);
      EXPECT_GE(whole.metrics.events, 2U);
      EXPECT_GE(whole.metrics.faults, 4U);
      EXPECT_EQ(whole.metrics.records_failed, 0U);
      for (const std::size_t block : {1U, 16U, 64U, 257U}) {
        const Outcome outcome = Play(tape, {.channels = channels, .hop = hop, .block = block});
        EXPECT_EQ(outcome.metrics.records, whole.metrics.records);
        EXPECT_TRUE(outcome.states == whole.states);
        EXPECT_TRUE(outcome.flash == whole.flash)
            << channels << " channels, hop " << hop << ", blocks of " << block;
      }
    }
  }
}

TEST(Streaming, RecordsAreTheSameWhereverWindowsBegin) {
  for (const std::uint32_t channels : {1U, 2U}) {
    const Tape tape = Ragged(channels);
    for (const std::uint32_t hop : {128U, 384U, 1000U, 1024U, 1500U}) {
      for (const std::size_t block : {1U, 100U}) {
        const Setting setting{.channels = channels, .hop = hop, .block = block};
        Setting later = setting;
        later.as_they_arrive = false;
        const Outcome arriving = Play(tape, setting);
        const Outcome whole = Play(tape, later);
        EXPECT_GT(whole.metrics.windows, 50U);
        EXPECT_EQ(arriving.metrics.records, whole.metrics.records);
        EXPECT_TRUE(arriving.states == whole.states);
        EXPECT_TRUE(arriving.flash == whole.flash)
            << channels << " channels, hop " << hop << ", blocks of " << block;
      }
    }
  }
}

}  // namespace
}  // namespace trib::node::app
