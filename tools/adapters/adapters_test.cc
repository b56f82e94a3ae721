#include "trib/tools/adapters/adapters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "trib/common/host/recording/player.h"
#include "trib/testing/shared_data.h"

namespace trib::tools::adapters {
namespace {

using host::recording::Condition;
using host::recording::Manifest;
using host::recording::Measure;
using host::recording::Player;
using host::recording::Recording;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct DataSet {
  const char* dialect;
  std::size_t recordings;
  std::size_t window;
};

// Cuts windows from a player as a node does: what is left at a boundary is dropped. Checks every
// window against the file, so that a window that crossed a boundary or skipped a frame is seen.
void CheckWindows(const Recording& recording, std::size_t window_frames) {
  std::ifstream in(recording.file, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  const auto sample = [&](std::uint64_t index) {
    const auto low = static_cast<unsigned char>(bytes[2 * index]);
    const auto high = static_cast<unsigned char>(bytes[2 * index + 1]);
    return static_cast<std::int16_t>(static_cast<std::uint16_t>(low | (high << 8U)));
  };
  std::vector<std::string> errors;
  auto player = Player::Open(Manifest{{recording}}, {}, errors);
  ASSERT_TRUE(player.ok()) << ::testing::PrintToString(errors);
  const std::size_t channels = recording.channels.size();
  std::vector<std::int16_t> memory(channels * 97);  // no divisor of any window or record
  std::vector<std::int16_t> window;
  std::uint64_t window_start = 0;
  std::uint64_t windows = 0;
  std::uint64_t frames = 0;
  for (auto block = player->Read(memory); block.ok(); block = player->Read(memory)) {
    frames += block->frames;
    for (std::size_t f = 0; f < block->frames; ++f) {
      if (window.empty()) {
        window_start = block->source_frame + f;
      }
      window.insert(window.end(),
                    memory.begin() + static_cast<std::ptrdiff_t>(f * channels),
                    memory.begin() + static_cast<std::ptrdiff_t>((f + 1) * channels));
      if (window.size() == window_frames * channels) {
        for (std::size_t i = 0; i < window.size(); ++i) {
          ASSERT_EQ(window[i], sample(window_start * channels + i)) << "window " << windows;
        }
        const auto boundary = recording.NextBoundary(window_start);
        ASSERT_TRUE(!boundary || *boundary >= window_start + window_frames) << window_start;
        window.clear();
        ++windows;
      }
    }
    if (block->boundary) {
      window.clear();
    }
  }
  EXPECT_EQ(frames, player->total_frames());
  const std::uint64_t records =
      recording.record_frames == 0 ? 1 : player->total_frames() / recording.record_frames;
  EXPECT_EQ(windows, records * (player->total_frames() / records / window_frames));
}

class SharedDataSets : public ::testing::TestWithParam<DataSet> {};

TEST_P(SharedDataSets, EveryRecordingLoadsWithItsFramesAndNoWindowCrossesABoundary) {
  const auto shared = trib::testing::SharedDir();
  if (!shared || !std::filesystem::exists(*shared / "data" / GetParam().dialect)) {
    GTEST_SKIP() << "NOT TESTED: the data set " << GetParam().dialect
                 << " is not here; set TRIB_SHARED to the folder that holds data/";
  }
  std::vector<std::string> errors;
  const auto manifest = Import(GetParam().dialect, *shared / "data" / GetParam().dialect, errors);
  ASSERT_TRUE(manifest.ok()) << ::testing::PrintToString(errors);
  EXPECT_EQ(manifest->recordings.size(), GetParam().recordings);
  for (const Recording& recording : manifest->recordings) {
    SCOPED_TRACE(recording.file);
    ASSERT_TRUE(Measure(recording, errors).ok()) << ::testing::PrintToString(errors);
    EXPECT_FALSE(recording.label.empty());
    CheckWindows(recording, GetParam().window);
  }
  const auto again = Manifest::Parse(manifest->ToToml(), "again.toml", "/", errors);
  ASSERT_TRUE(again.ok()) << ::testing::PrintToString(errors);
  EXPECT_EQ(again->ToToml(), manifest->ToToml());
}

INSTANTIATE_TEST_SUITE_P(All,
                         SharedDataSets,
                         ::testing::Values(DataSet{"cwru", 58, 2048},
                                           DataSet{"ceiling_fan", 16, 64},
                                           DataSet{"mfpt", 10, 4096},
                                           DataSet{"femto", 8, 1024}),
                         [](const auto& test) { return std::string(test.param.dialect); });

class Importing : public ::testing::Test {
 protected:
  Result<Manifest> ImportText(std::string_view dialect, const std::string& csv) {
    const auto folder = std::filesystem::path(::testing::TempDir()) / "adapters_test";
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "manifest.csv", std::ios::binary) << csv;
    errors_.clear();
    return Import(dialect, folder, errors_);
  }

  std::vector<std::string> errors_;
};

TEST_F(Importing, RecordsChannelsAndConditionsAreUnderstood) {
  const auto manifest =
      ImportText("ceiling_fan",
                 "file,session,speed,weight,label,n_records,samples_per_record,channels,fs_hz,g_"
                 "per_lsb,split\n"
                 "a.i16,main,high,0.5,normal,3,200,\"x,y,z interleaved\",200,0.5,train\n");
  ASSERT_TRUE(manifest.ok()) << ::testing::PrintToString(errors_);
  const Recording& r = manifest->recordings.at(0);
  EXPECT_TRUE(r.file.is_absolute());
  EXPECT_THAT(r.channels, ElementsAre("x", "y", "z"));
  EXPECT_EQ(r.frames, 600U);
  EXPECT_EQ(r.record_frames, 200U);
  EXPECT_EQ(r.conditions.at("weight"), Condition(0.5));
  EXPECT_EQ(r.conditions.at("speed"), Condition(std::string("high")));
}

TEST_F(Importing, APartOfAFileKeepsItsPlace) {
  const auto manifest =
      ImportText("wisdm_watch",
                 "file,label,row_start,n_rows,channels,fs_hz_measured,units,unit_per_lsb\n"
                 "a.i16,walking,100,50,\"x,y,z interleaved\",20.03,m/s^2,0.0025\n");
  ASSERT_TRUE(manifest.ok()) << ::testing::PrintToString(errors_);
  EXPECT_EQ(manifest->recordings.at(0).begin_frame, 100U);
  EXPECT_EQ(manifest->recordings.at(0).end_frame, 150U);
  EXPECT_EQ(manifest->recordings.at(0).unit, "m/s^2");
}

TEST_F(Importing, WrongFieldsAreNamedWithTheirLine) {
  EXPECT_EQ(
      ImportText("mfpt", "file,label,fs_hz,n_samples,g_per_lsb\na,b,fast,10,0.1\nc,d,100,-1,nan\n")
          .status(),
      Status(Code::kInvalidArgument));
  EXPECT_THAT(errors_,
              ElementsAre(HasSubstr("manifest.csv:2: fs_hz is \"fast\"; it must be a number"),
                          HasSubstr("manifest.csv:3: g_per_lsb is \"nan\""),
                          HasSubstr("manifest.csv:3: n_samples is \"-1\"")));
}

TEST_F(Importing, TheWrongDialectIsNoticed) {
  EXPECT_FALSE(ImportText("femto", "file,label,fs_hz\n").ok());
  EXPECT_THAT(errors_.at(0), HasSubstr("no column \"g_per_lsb\"; is this the dialect femto?"));
  EXPECT_EQ(ImportText("femo", "file\n").status(), Status(Code::kNotFound));
  EXPECT_THAT(errors_.at(0), HasSubstr("unknown dialect femo; one of cwru"));
}

}  // namespace
}  // namespace trib::tools::adapters
