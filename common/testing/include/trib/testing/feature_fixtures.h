#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "trib/common/base/random.h"
#include "trib/common/dsp/recipe.h"

/// Recipes and windows that several tests share. Freestanding, so that a board runs them too.
namespace trib::testing {

/// Appends one operation; a wrong one is found by ValidateRecipe().
inline void AddOperation(dsp::Recipe& recipe,
                         dsp::Op op,
                         dsp::Transform transform,
                         std::initializer_list<float> parameters = {},
                         std::uint8_t channel = 0,
                         std::uint8_t second_channel = 0) {
  (void)recipe.operations.push_back(
      {.op = op,
       .transform = transform,
       .channel = channel,
       .second_channel = second_channel,
       .first_parameter = static_cast<std::uint8_t>(recipe.parameters.size()),
       .parameter_count = static_cast<std::uint8_t>(parameters.size())});
  for (const float parameter : parameters) {
    (void)recipe.parameters.push_back(parameter);
  }
}

/// The reference recipe of workloads/bearing: docs/decisions/0002-window-and-recipe.md.
inline dsp::Recipe BearingRecipe(std::uint32_t window_frames, std::uint32_t hop_frames) {
  using dsp::Op;
  using dsp::Transform;
  dsp::Recipe recipe;
  recipe.channels = 1;
  recipe.sample_rate_hz = 12000;
  recipe.window_frames = window_frames;
  recipe.hop_frames = hop_frames;
  recipe.log_floor = 1e-9F;
  for (const Op op : {Op::kRms, Op::kPeakToPeak, Op::kCrest, Op::kShape, Op::kKurtosis}) {
    AddOperation(recipe, op, Transform::kLog);
  }
  AddOperation(
      recipe,
      Op::kBandEnergy,
      Transform::kLog,
      {40, 65, 95, 135, 185, 250, 335, 450, 600, 810, 1090, 1470, 1980, 2670, 3600, 4300, 5000});
  if (window_frames >= 2048) {  // else 10 Hz lies below line 2
    AddOperation(recipe, Op::kVelocityRms, Transform::kNone, {10, 1000, 9.80665F});
  }
  return recipe;
}

/// Every opcode, two channels, with the logarithm where it is allowed.
inline dsp::Recipe EveryOpRecipe(std::uint32_t window_frames) {
  dsp::Recipe recipe;
  recipe.channels = 2;
  recipe.sample_rate_hz = 12000;
  recipe.window_frames = window_frames;
  recipe.hop_frames = window_frames;
  for (const dsp::OpInfo& info : dsp::Ops()) {
    const auto transform = info.signed_output ? dsp::Transform::kNone : dsp::Transform::kLog;
    const std::uint8_t channel = static_cast<std::uint16_t>(info.op) % 2;
    if (info.op == dsp::Op::kBandEnergy) {
      AddOperation(recipe, info.op, transform, {0, 500, 1000, 2000, 4000, 6000}, channel);
      AddOperation(recipe, info.op, transform, {60, 180, 5000}, 1);
    } else if (info.op == dsp::Op::kEnvelopeLines) {
      AddOperation(recipe, info.op, transform, {2000, 4000, 50, 107.364F, 162.186F}, channel);
    } else if (info.op == dsp::Op::kVelocityRms) {
      AddOperation(recipe, info.op, transform, {100, 1000, 9.80665F}, channel);
    } else if (info.op == dsp::Op::kCorrelation) {
      AddOperation(recipe, info.op, transform, {}, 0, 1);
    } else {
      AddOperation(recipe, info.op, transform, {}, channel);
    }
  }
  return recipe;
}

inline constexpr std::size_t kSyntheticKinds = 8;

/// Window number `index`, the same on every target: kinds in turn, each time with another seed.
inline void FillSynthetic(std::size_t index, std::span<std::int16_t> samples) {
  SplitMix64 random(0x7219B0 + index);
  const auto word = [&random] { return static_cast<std::uint32_t>(random.Next() >> 32U); };
  const std::uint32_t first = word();
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const std::uint32_t bits = word();
    std::int32_t value = 0;
    switch (index % kSyntheticKinds) {
      case 0:  // full range
        value = static_cast<std::int16_t>(bits);
        break;
      case 1:  // silence
        break;
      case 2:  // constant
        value = static_cast<std::int16_t>(first);
        break;
      case 3:  // full scale, both ends
        value = (bits & 1U) != 0 ? 32767 : -32768;
        break;
      case 4:  // last bits only
        value = static_cast<std::int32_t>(bits % 3U) - 1;
        break;
      case 5:  // one impulse on silence
        value = i == first % samples.size() ? 32767 : 0;
        break;
      case 6:  // impulses on a ramp
        value = static_cast<std::int32_t>(i % 1000U) * 7 - 3000 + (bits % 200U == 0 ? 20000 : 0);
        break;
      default:  // noise near a large offset
        value = -30000 + static_cast<std::int32_t>(bits % 512U);
        break;
    }
    samples[i] = static_cast<std::int16_t>(value);
  }
}

/// Physical units per count of window number `index`: from tiny to large.
inline float SyntheticScale(std::size_t index) {
  constexpr std::array<float, 5> kScales = {4.8828125e-4F, 1.0F, 1e-9F, 1234.5F, 3.0517578e-5F};
  return kScales[index % kScales.size()];
}

}  // namespace trib::testing
