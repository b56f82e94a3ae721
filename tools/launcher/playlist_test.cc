#include "trib/tools/launcher/playlist.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace trib::tools::launcher {
namespace {

using host::recording::Manifest;
using host::recording::Recording;

class PlaylistTest : public ::testing::Test {
 protected:
  void SetUp() override {
    file_ = std::filesystem::path(::testing::TempDir()) / "playlist_test.i16";
    std::ofstream(file_, std::ios::binary) << std::string(2000, '\0');
  }
  Recording Make(const std::string& label, const std::string& channel) const {
    Recording recording;
    recording.file = file_;
    recording.channels = {channel};
    recording.fs_hz = 100;
    recording.scale = 1;
    recording.label = label;
    return recording;
  }
  std::filesystem::path file_;
};

TEST_F(PlaylistTest, CommissionsThenLeavesAGapThenAlternates) {
  const Manifest data{{Make("normal", "DE"), Make("ball", "DE"), Make("inner", "DE")}};
  std::string error;
  const auto playlist = BearingPlaylist(data, 0, {}, error);
  ASSERT_TRUE(playlist.ok()) << error;
  ASSERT_EQ(playlist->recordings.size(), 5U);
  EXPECT_EQ(playlist->recordings[0].begin_frame, 0U);
  EXPECT_EQ(playlist->recordings[0].end_frame, 640U);
  EXPECT_EQ(playlist->recordings[1].begin_frame, 660U);
  EXPECT_EQ(playlist->recordings[1].end_frame, playlist->recordings[3].begin_frame);
  EXPECT_EQ(playlist->recordings[3].end_frame, 1000U);
  EXPECT_NE(playlist->recordings[2].label, "normal");
  EXPECT_NE(playlist->recordings[2].label, playlist->recordings[4].label);
  EXPECT_NEAR(SignalSeconds(*playlist), 6.4 + 3.4 + 20.0, 0.1);
}

TEST_F(PlaylistTest, NeverMixesChannels) {
  const Manifest data{{Make("normal", "DE"), Make("normal", "FE"), Make("ball", "FE")}};
  std::string error;
  EXPECT_EQ(BearingPlaylist(data, 0, {}, error).status().code(), Code::kNotFound);
  EXPECT_EQ(error, "no faulty recording of channel DE");
  EXPECT_TRUE(BearingPlaylist(data, 1, {}, error).ok());
}

TEST_F(PlaylistTest, NeedsNormalRecordings) {
  std::string error;
  EXPECT_FALSE(BearingPlaylist(Manifest{{Make("ball", "DE")}}, 0, {}, error).ok());
  EXPECT_EQ(error, "no recording is labelled \"normal\"");
}

}  // namespace
}  // namespace trib::tools::launcher
