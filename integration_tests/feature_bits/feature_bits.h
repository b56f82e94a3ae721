#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/base/random.h"
#include "trib/common/bytes/crc32c.h"
#include "trib/common/classify/classify.h"
#include "trib/common/dsp/extractor.h"
#include "trib/common/simulation/machine.h"
#include "trib/node/cascade/trigger.h"
#include "trib/testing/feature_fixtures.h"

/// Features and simulated signals as lines of text in which every output bit counts. Compiled by
/// several compilers at several optimisation levels; the lines must be the same.
namespace trib::feature_bits {

inline constexpr std::size_t kSyntheticWindows = 64;
inline constexpr std::size_t kSimulatedWindows = 64;
inline constexpr std::size_t kSimulatedFrames = 300;
inline constexpr std::size_t kClassifiedWindows = 40;
inline constexpr std::size_t kLearnedFeatures = 21;
inline constexpr std::size_t kMaxValues = std::max(dsp::kMaxOutputs, kSimulatedFrames);

/// "<index> <values> <CRC-32C of all their bytes, little-endian>"
class Line {
 public:
  Line(std::size_t index, std::span<const float> values) {
    std::array<std::byte, kMaxValues * 4> bytes{};
    std::size_t used = 0;
    for (const float value : values) {
      const auto bits = std::bit_cast<std::uint32_t>(value);
      for (unsigned shift = 0; shift < 32; shift += 8) {
        bytes[used++] = static_cast<std::byte>(bits >> shift);
      }
    }
    Number(static_cast<std::uint32_t>(index));
    Put(' ');
    Number(static_cast<std::uint32_t>(values.size()));
    Put(' ');
    const std::uint32_t crc = Crc32c(std::span<const std::byte>(bytes).first(used));
    for (unsigned shift = 32; shift != 0; shift -= 4) {
      Put("0123456789abcdef"[(crc >> (shift - 4)) & 15U]);
    }
    Put('\n');
  }
  [[nodiscard]] const char* text() const { return text_.data(); }

 private:
  void Put(char c) { text_[used_++] = c; }
  void Number(std::uint32_t value) {
    std::uint32_t unit = 1;
    while (value / unit >= 10) {
      unit *= 10;
    }
    for (; unit != 0; unit /= 10) {
      Put(static_cast<char>('0' + value / unit % 10));
    }
  }

  std::array<char, 40> text_{};  // stays terminated: at most 31 characters are put
  std::size_t used_ = 0;
};

struct Memory {
  dsp::Recipe recipe;
  std::array<std::int16_t, 2 * dsp::kMaxWindowFrames> samples;
  std::array<float, 2 * dsp::kMaxWindowFrames> scratch;
  dsp::FeatureVector<float> values;
  std::array<float, kSimulatedFrames> signal;
  std::array<float, dsp::TriangleNumbers(kLearnedFeatures)> covariance;
  node::cascade::Baseline baseline;
  node::cascade::Trigger trigger;
};

/// Features with a common cause: sums of four uniform numbers each.
inline void FillLearned(SplitMix64& random, std::span<float> frame) {
  const auto draw = [&random] {
    float sum = -2;
    for (int i = 0; i < 4; ++i) {
      sum += static_cast<float>(random.Next() >> 40U) * 0x1p-24F;
    }
    return sum;
  };
  const float common = draw();
  for (std::size_t i = 0; i < frame.size(); ++i) {
    frame[i] = 0.5F * common + draw() + static_cast<float>(i);
  }
}

/// A baseline learned, its thresholds, and what the trigger says to windows that drift away: one
/// line each for 24, 60 and 500 windows of learning.
template <typename Print>
void PrintLearned(Memory& memory, Print print) {
  std::size_t line = 0;
  for (const std::uint32_t windows : {24U, 60U, 500U}) {
    SplitMix64 random(windows);
    package::TriggerSpec trigger;
    trigger.commissioning_windows = windows;
    trigger.ewma_alpha = 0.25F;
    trigger.false_alarm_rate = 1e-3F;
    trigger.min_std = 1e-3F;
    trigger.feature_mask = (std::uint64_t{1} << kLearnedFeatures) - 1;
    package::DistanceSpec distance;
    distance.false_alarm_rate = 1e-3F;
    distance.feature_mask = trigger.feature_mask;
    memory.baseline.Start({.recipe = RecipeId(1),
                           .features = kLearnedFeatures,
                           .trigger = &trigger,
                           .distance = &distance},
                          memory.covariance);
    std::array<float, kLearnedFeatures> frame{};
    while (!memory.baseline.complete()) {
      FillLearned(random, frame);
      TRIB_CHECK(memory.baseline.Learn(frame).ok());
    }
    TRIB_CHECK(memory.baseline.Seal().ok());
    memory.trigger = node::cascade::Trigger();
    memory.trigger.Arm(trigger, memory.baseline, 0, &distance);
    std::size_t used = 0;
    memory.signal[used++] = memory.trigger.threshold();
    memory.signal[used++] = memory.trigger.distance_threshold();
    memory.signal[used++] = memory.baseline.shrinkage();
    for (int i = 0; i < 100; ++i) {
      FillLearned(random, frame);
      for (float& value : frame) {
        value += 0.05F * static_cast<float>(i);
      }
      const auto result = memory.trigger.Step(frame, memory.baseline);
      memory.signal[used++] = result.score;
      memory.signal[used++] = result.distance;
    }
    print(Line(line++, std::span<const float>(memory.signal).first(used)).text());
  }
}

/// One line for each synthetic window of two channels: the network's input, made in each way, and
/// the probabilities and decisions that three exits make of logits as steep, flat and even as they
/// come.
template <typename Print>
void PrintClassified(Memory& memory, Print print) {
  constexpr std::size_t kValues = 256;
  package::ClassifierSpec spec;
  for (std::uint8_t i = 0; i < 5; ++i) {
    (void)spec.labels.push_back(i);
  }
  for (std::uint8_t i = 0; i < 3; ++i) {
    package::ExitSpec exit;
    exit.inverse_temperature = i == 0 ? 0.37F : i == 1 ? 1.9F : 40.0F;
    for (std::uint8_t c = 0; c < 5; ++c) {
      (void)exit.accept.push_back(0.2F + 0.15F * static_cast<float>(c));
      (void)exit.reject.push_back(c == 0 ? 1.0F : 0.1F);
    }
    (void)spec.exits.push_back(exit);
  }
  std::array<std::byte, kValues> input{};
  std::array<float, kValues> values{};
  for (std::size_t index = 0; index < kClassifiedWindows; ++index) {
    const auto samples = std::span(memory.samples).first(kValues);
    testing::FillSynthetic(index, samples);
    const classify::Window window{samples, 2, testing::SyntheticScale(index)};
    const nn::Port port{0, 0.0173F + 0.003F * static_cast<float>(index)};
    spec.input =
        index % 2 == 0 ? package::NetworkInput::kWindow : package::NetworkInput::kScaledWindow;
    spec.offset = index % 2 == 0 ? 0.0F : 0.0123F;
    spec.gain = index % 2 == 0 ? 1.0F : 1.7F;
    classify::QuantiseWindow(spec, window, port, static_cast<std::int16_t>(index), input);
    for (std::size_t i = 0; i < kValues; ++i) {
      values[i] = static_cast<float>(static_cast<std::int8_t>(input[i]));
    }
    print(Line(index, values).text());
    std::size_t used = 0;
    for (std::size_t i = 0; i + 5 <= 60; i += 5) {
      const auto decision =
          classify::Judge(spec, i / 5 % 3, std::span(input).subspan(i, 5), port, -7);
      for (const float p : decision.probabilities) {
        values[used++] = p;
      }
      values[used++] = decision.confidence;
      values[used++] = decision.accepted ? 1.0F : 0.0F;
      values[used++] = static_cast<float>(decision.label);
    }
    print(Line(index, std::span<const float>(values).first(used)).text());
  }
}

/// A machine with everything that a machine can have.
inline simulation::MachineConfig BusyMachine() {
  using simulation::FaultKind;
  simulation::MachineConfig config = simulation::DefaultMachine();
  config.time_of_day_s = 30'000;
  config.bearing.contact_deg = 15;
  config.bearing.slip = 0.01F;
  config.bearing.load_zone = 0.6F;
  (void)config.drive.regimes.push_back({.duration_s = 333, .speed_hz = 21.5F, .load = 0.6F});
  (void)config.drive.regimes.push_back({.duration_s = 77, .speed_hz = 0, .load = 0});
  config.drive.ramp_s = 40;
  config.climate.daily_c = 8;
  config.sensor.gain_per_c = -3e-4F;
  config.sensor.offset_g_per_c = 1e-3F;
  config.sensor.gain_per_year = -0.02F;
  for (const FaultKind kind :
       {FaultKind::kOuterRace, FaultKind::kInnerRace, FaultKind::kBall, FaultKind::kCage}) {
    simulation::BearingFault fault = simulation::FaultOf(kind);
    fault.wear = {.initial = 0.1F, .final = 0.9F, .onset_s = 100, .growth_s = 5'000};
    fault.angle_turns = -0.1F;
    (void)config.faults.push_back(fault);
  }
  simulation::Vary(config, 7, 0.2F);
  return config;
}

/// A line for the signal, and a line for the converter's counts, of windows all over the first two
/// hours and one day of a machine's life.
template <typename Print>
void PrintSimulated(Memory& memory, Print print) {
  simulation::Machine machine(BusyMachine(), 2024);
  for (std::size_t index = 0; index < kSimulatedWindows; ++index) {
    const std::uint64_t step = index % 4 == 3 ? 1'000'003U * 1'000U : 1'000'003U;
    machine.Seek(index * step);
    machine.ReadSignal(memory.signal);
    print(Line(index, memory.signal).text());
    const auto counts = std::span(memory.samples).first(kSimulatedFrames);
    (void)machine.Read(counts);
    std::copy(counts.begin(), counts.end(), memory.signal.begin());
    print(Line(index, memory.signal).text());
  }
}

/// One line for each synthetic window of two channels, through every opcode, the window length
/// changing from 256 to 4,096 frames. Panics when a window is refused.
template <typename Print>
void PrintSynthetic(Memory& memory, Print print) {
  for (std::size_t index = 0; index < kSyntheticWindows; ++index) {
    const std::uint32_t frames = 256U << (index / testing::kSyntheticKinds % 5U);
    const auto samples = std::span(memory.samples).first(2 * std::size_t{frames});
    testing::FillSynthetic(index, samples);
    memory.recipe = testing::EveryOpRecipe(frames);
    TRIB_CHECK(dsp::ValidateRecipe(memory.recipe).ok());
    dsp::Extractor<float> extractor(memory.recipe, memory.scratch);
    TRIB_CHECK(extractor
                   .Extract({.samples = samples,
                             .channels = 2,
                             .frames = frames,
                             .scale = testing::SyntheticScale(index),
                             .sample_rate_hz = 12000},
                            memory.values)
                   .ok());
    print(Line(index, memory.values.span()).text());
  }
}

}  // namespace trib::feature_bits
