#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/bytes/crc32c.h"
#include "trib/common/dsp/extractor.h"
#include "trib/testing/feature_fixtures.h"

/// Features as lines of text in which every output bit counts. Compiled by several compilers at
/// several optimisation levels; the lines must be the same.
namespace trib::feature_bits {

inline constexpr std::size_t kSyntheticWindows = 64;

/// "<index> <outputs> <CRC-32C of all their bytes, little-endian>"
class Line {
 public:
  Line(std::size_t index, std::span<const float> values) {
    std::array<std::byte, dsp::kMaxOutputs * 4> bytes{};
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
};

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
