#include "trib/common/dsp/recipe.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <vector>

#include "trib/common/bytes/writer.h"

namespace trib::dsp {
namespace {

Recipe& Add(Recipe& recipe,
            Op op,
            Transform transform = Transform::kNone,
            std::initializer_list<float> parameters = {},
            std::uint8_t channel = 0,
            std::uint8_t second = 0) {
  Operation operation{
      .op = op, .transform = transform, .channel = channel, .second_channel = second};
  operation.first_parameter = static_cast<std::uint8_t>(recipe.parameters.size());
  operation.parameter_count = static_cast<std::uint8_t>(parameters.size());
  for (const float parameter : parameters) {
    EXPECT_TRUE(recipe.parameters.push_back(parameter));
  }
  EXPECT_TRUE(recipe.operations.push_back(operation));
  return recipe;
}

Recipe Blank() {
  Recipe recipe;
  recipe.channels = 2;
  recipe.sample_rate_hz = 12000;
  recipe.window_frames = 2048;
  recipe.hop_frames = 1024;
  return recipe;
}

// The worked example of docs/formats/recipe.md.
Recipe Example() {
  Recipe recipe;
  recipe.channels = 1;
  recipe.sample_rate_hz = 12000;
  recipe.window_frames = 1024;
  recipe.hop_frames = 512;
  Add(recipe, Op::kRms, Transform::kLog);
  Add(recipe, Op::kBandEnergy, Transform::kLog, {500, 1000, 6000});
  return recipe;
}

constexpr std::array<unsigned char, 52> kExampleBytes = {
    0x01, 0x00, 0x01, 0x00, 0xE0, 0x2E, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00,
    0x00, 0x02, 0x00, 0x00, 0x03, 0x00, 0x02, 0x00, 0xCC, 0xBC, 0x8C, 0x2B,  // header
    0x02, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00,                          // log rms
    0x20, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x00,                          // log band energy
    0x00, 0x00, 0xFA, 0x43, 0x00, 0x00, 0x7A, 0x44, 0x00, 0x80, 0xBB, 0x45};

std::vector<std::byte> Encoded(const Recipe& recipe) {
  std::vector<std::byte> bytes(kMaxRecipeBytes);
  const auto written = EncodeRecipe(recipe, bytes);
  EXPECT_TRUE(written.ok()) << RecipeReasonName(RecipeReason(written.status().reason()));
  bytes.resize(written.value_or(0U));
  return bytes;
}

std::string ReasonOf(std::span<const std::byte> bytes) {
  const auto recipe = DecodeRecipe(bytes);
  return recipe.ok() ? "accepted"
                     : std::string(RecipeReasonName(RecipeReason(recipe.status().reason())));
}

std::string ReasonOf(const Recipe& recipe) {
  return std::string(RecipeReasonName(RecipeReason(ValidateRecipe(recipe).reason())));
}

std::string Name(const Recipe& recipe, std::size_t index) {
  std::array<char, kMaxFeatureNameBytes> buffer{};
  return std::string(FeatureName(recipe, index, buffer));
}

TEST(Recipe, WorkedExampleHasTheDocumentedBytes) {
  const auto bytes = Encoded(Example());
  ASSERT_EQ(bytes.size(), kExampleBytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_EQ(std::to_integer<int>(bytes[i]), kExampleBytes[i]) << "byte " << i;
  }
  const auto decoded = DecodeRecipe(bytes);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(*decoded, Example());
}

TEST(Recipe, EveryOperationSurvivesARoundTrip) {
  Recipe recipe = Blank();
  for (const OpInfo& info : Ops()) {
    switch (info.op) {
      case Op::kBandEnergy:
        Add(recipe, info.op, Transform::kLog, {100, 500, 6000}, 1);
        break;
      case Op::kEnvelopeLines:
        Add(recipe, info.op, Transform::kNone, {2000, 4000, 6, 107.364F, 162.186F});
        break;
      case Op::kVelocityRms:
        Add(recipe, info.op, Transform::kLog, {24, 1000, 9.80665F}, 1);
        break;
      case Op::kCorrelation:
        Add(recipe, info.op, Transform::kNone, {}, 0, 1);
        break;
      default:
        Add(recipe, info.op, info.signed_output ? Transform::kNone : Transform::kLog, {}, 1);
    }
  }
  const auto decoded = DecodeRecipe(Encoded(recipe));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(*decoded, recipe);
  EXPECT_EQ(OutputCount(*decoded), Ops().size() + 2);
  EXPECT_EQ(Name(recipe, 0), "ch1.mean");
  EXPECT_EQ(Name(recipe, 1), "ch1.log_rms");
  EXPECT_EQ(Name(recipe, 15), "ch1.log_band_100_500");
  EXPECT_EQ(Name(recipe, 16), "ch1.log_band_500_6000");
  EXPECT_EQ(Name(recipe, 17), "ch0.envelope_107p364");
  EXPECT_EQ(Name(recipe, 19), "ch1.log_velocity_rms");
  EXPECT_EQ(OperationOf(recipe, 19)->op, Op::kVelocityRms);
  EXPECT_EQ(Name(recipe, 20), "ch0_ch1.correlation");
  EXPECT_EQ(OperationOf(recipe, 20)->op, Op::kCorrelation);
  EXPECT_EQ(Name(recipe, 21), "");
  EXPECT_EQ(OperationOf(recipe, 21), nullptr);
}

TEST(Recipe, NamesOfOperationsAreUniqueAndFoundAgain) {
  for (const OpInfo& info : Ops()) {
    EXPECT_EQ(OpFromName(info.name), info.op);
    EXPECT_EQ(OpName(info.op), info.name);
  }
  EXPECT_EQ(OpFromName("rsm"), std::nullopt);
  EXPECT_EQ(OpName(Op{999}), "");
  EXPECT_EQ(TransformFromName(TransformName(Transform::kLog)), Transform::kLog);
  EXPECT_EQ(TransformFromName("ln"), std::nullopt);
}

TEST(Recipe, EveryTruncationAndEveryExtensionIsRefused) {
  auto bytes = Encoded(Example());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(ReasonOf(std::span<const std::byte>(bytes).first(size)), "truncated") << size;
  }
  bytes.push_back(std::byte{0});
  EXPECT_EQ(ReasonOf(bytes), "trailing bytes");
}

TEST(Recipe, RefusesEachFieldOutsideItsRangeWithItsReason) {
  const auto with = [](std::size_t offset, std::uint32_t value, std::size_t count) {
    auto bytes = Encoded(Example());
    ByteWriter writer(std::span<std::byte>(bytes).subspan(offset, count));
    count == 1 ? writer.U8(static_cast<std::uint8_t>(value))
               : (count == 2 ? writer.U16(static_cast<std::uint16_t>(value)) : writer.U32(value));
    return ReasonOf(bytes);
  };
  EXPECT_EQ(with(0, 2, 2), "unknown version");
  EXPECT_EQ(with(2, 0, 2), "channel out of range");
  EXPECT_EQ(with(2, 9, 2), "channel out of range");
  EXPECT_EQ(with(4, 0, 4), "sample rate out of range");
  EXPECT_EQ(with(4, kMaxSampleRateHz + 1, 4), "sample rate out of range");
  EXPECT_EQ(with(8, 15, 4), "window length out of range or not a power of two");
  EXPECT_EQ(with(8, 1000, 4), "window length out of range or not a power of two");
  EXPECT_EQ(with(8, 8192, 4), "window length out of range or not a power of two");
  EXPECT_EQ(with(12, 0, 4), "hop out of range");
  EXPECT_EQ(with(12, kMaxHopFrames + 1, 4), "hop out of range");
  EXPECT_EQ(with(16, 2, 2), "number of outputs out of range or not what the operations give");
  EXPECT_EQ(with(18, 0, 2), "number of operations out of range");
  EXPECT_EQ(with(18, 33, 2), "number of operations out of range");
  EXPECT_EQ(with(20, 0, 4), "log floor not a normal positive number");
  EXPECT_EQ(with(20, 0x7FC00000, 4), "log floor not a normal positive number");
  EXPECT_EQ(with(20, 0x7F800000, 4), "log floor not a normal positive number");
  EXPECT_EQ(with(24, 64, 2), "unknown operation");
  EXPECT_EQ(with(24, 1, 2), "transform unknown or not allowed for the operation");
  EXPECT_EQ(with(26, 2, 1), "transform unknown or not allowed for the operation");
  EXPECT_EQ(with(27, 1, 1), "channel out of range");
  EXPECT_EQ(with(28, 1, 1), "channel out of range");
  EXPECT_EQ(with(30, 1, 2), "reserved field not zero");
  EXPECT_EQ(with(37, 129, 1), "wrong number of parameters");
  EXPECT_EQ(with(40, 0x7FC00000, 4), "parameter out of range");
  EXPECT_EQ(with(44, 0x43FA0000, 4), "band edges not rising within half the sample rate");
  EXPECT_EQ(with(40, 0xC3FA0000, 4), "band edges not rising within half the sample rate");
  EXPECT_EQ(with(48, 0x45BB8001, 4), "band edges not rising within half the sample rate");
}

TEST(Recipe, RefusesWhatOneFieldAloneDoesNotShow) {
  const auto reason = [](auto add) {
    Recipe recipe = Blank();
    add(recipe);
    return ReasonOf(recipe);
  };
  EXPECT_EQ(reason([](Recipe&) {}), "number of operations out of range");
  EXPECT_EQ(reason([](Recipe& r) { Add(r, Op::kRms, Transform::kNone, {1}); }),
            "wrong number of parameters");
  EXPECT_EQ(reason([](Recipe& r) { Add(r, Op::kBandEnergy, Transform::kNone, {500}); }),
            "wrong number of parameters");
  EXPECT_EQ(reason([](Recipe& r) { Add(r, Op::kCorrelation, Transform::kNone, {}, 1, 1); }),
            "channel out of range");
  EXPECT_EQ(reason([](Recipe& r) {
              Add(r, Op::kBandEnergy, Transform::kNone, {501, 502});
            }),
            "band or tolerance holds no spectral line");
  EXPECT_EQ(reason([](Recipe& r) {
              Add(r, Op::kEnvelopeLines, Transform::kNone, {2000, 4000, 1, 108});
            }),
            "band or tolerance holds no spectral line");
  EXPECT_EQ(reason([](Recipe& r) {
              Add(r, Op::kEnvelopeLines, Transform::kNone, {2000, 4000, -1, 108});
            }),
            "parameter out of range");
  const auto velocity = [&](float low_hz, float high_hz, float unit) {
    return reason([=](Recipe& r) {
      Add(r, Op::kVelocityRms, Transform::kNone, {low_hz, high_hz, unit});
    });
  };
  EXPECT_EQ(velocity(24, 1000, 9.8F), "none");
  // Line 1 is at 5.9 Hz.
  EXPECT_EQ(velocity(5, 1000, 1), "band edges not rising within half the sample rate");
  EXPECT_EQ(velocity(-1, 1000, 1), "band edges not rising within half the sample rate");
  EXPECT_EQ(velocity(24, 24, 1), "band edges not rising within half the sample rate");
  EXPECT_EQ(velocity(24, 1000, 0), "parameter out of range");
  EXPECT_EQ(velocity(24, 1000, 1e10F), "parameter out of range");
  EXPECT_EQ(reason([](Recipe& r) {
              for (int i = 0; i < 3; ++i) {
                Add(r, Op::kBandEnergy);
                r.operations[static_cast<std::size_t>(i)].first_parameter =
                    static_cast<std::uint8_t>(r.parameters.size());
                for (int edge = 1; edge <= 25; ++edge) {
                  EXPECT_TRUE(r.parameters.push_back(static_cast<float>(edge) * 100));
                }
                r.operations[static_cast<std::size_t>(i)].parameter_count = 25;
              }
            }),
            "number of outputs out of range or not what the operations give");
  // Parameters that no operation owns would be lost in the encoding.
  EXPECT_EQ(reason([](Recipe& r) {
              Add(r, Op::kRms);
              EXPECT_TRUE(r.parameters.push_back(1));
            }),
            "wrong number of parameters");
}

TEST(Recipe, BandsShareNoLineAndTheLastTakesTheHighestOne) {
  const Recipe recipe = Blank();
  const LineRange low = BandLines(recipe, 0, 500);
  const LineRange mid = BandLines(recipe, 500, 3000);
  const LineRange high = BandLines(recipe, 3000, 6000);
  EXPECT_EQ(low.begin, 0U);
  EXPECT_EQ(low.end, mid.begin);
  EXPECT_EQ(mid.end, 512U);  // line 512 is exactly 3000 Hz and belongs to the band it begins
  EXPECT_EQ(high.begin, 512U);
  EXPECT_EQ(high.end, 1025U);
  // Lines are 5.859375 Hz apart; both ends of a tolerance count.
  EXPECT_EQ(TargetLines(recipe, 58.59375F, 5.859375F).begin, 9U);
  EXPECT_EQ(TargetLines(recipe, 58.59375F, 5.859375F).end, 12U);
}

TEST(Recipe, EncodingIntoTooLittleMemoryIsRefused) {
  std::array<std::byte, 51> memory{};
  EXPECT_EQ(EncodeRecipe(Example(), memory).status().code(), Code::kResourceExhausted);
}

}  // namespace
}  // namespace trib::dsp
