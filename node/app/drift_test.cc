// What a node says about drift on the way up.
#include <gtest/gtest.h>

#include "test_bench.h"

namespace trib::node::app {
namespace {

using message::RecordKind;
using testing::PackageParts;
using testing::World;

class NodeDriftTest : public ::testing::Test {
 protected:
  /// 30 windows of commissioning and 70 more of a healthy machine.
  void Commission(float threshold_scale) {
    PackageParts parts;
    parts.trigger.threshold_scale = threshold_scale;
    ASSERT_TRUE(world.Boot(parts.Signed(1)).ok());
    world.PlayHealthy(100);
    world.Run();
    ASSERT_EQ(world.loop->state(), NodeState::kNormal);
  }
  /// A sensor that exaggerates.
  void PlayWithGain(int windows, float gain) {
    for (int i = 0; i < windows; ++i) {
      world.sensor.Play(
          {.samples = testing::Healthy(world.frame, world.random), .scale = World::kScale * gain});
    }
  }
  [[nodiscard]] std::uint32_t Marked() const {
    std::uint32_t marked = 0;
    for (const auto& record : world.gateway.Of(RecordKind::kSketch)) {
      marked += (record.header.flags & message::record_flag::kDrift) != 0 ? 1 : 0;
    }
    return marked;
  }
  [[nodiscard]] std::vector<std::uint32_t> Said() const {
    std::vector<std::uint32_t> out;
    for (const auto& record : world.gateway.Of(RecordKind::kStatus)) {
      out.push_back(record.status.drift_flags);
    }
    return out;
  }

  World world;
};

TEST_F(NodeDriftTest, AChangedSensorIsFlaggedInStatusAndSketchOnce) {
  Commission(5);  // an alarm is not the matter here
  world.Drain();
  EXPECT_EQ(world.loop->metrics().drift_flags, 0U);
  EXPECT_EQ(Marked(), 0U);
  PlayWithGain(25, 1.1F);
  world.Run();
  ASSERT_EQ(world.loop->state(), NodeState::kNormal);
  EXPECT_EQ(world.loop->metrics().drift_flags, 1U);
  world.PlayHealthy(120);
  world.sensor.EndAfterLast();
  world.Run();
  world.Drain();
  EXPECT_EQ(Marked(), 1U) << "the block it happened in and no other";
  const auto said = Said();
  EXPECT_EQ(std::count(said.begin(), said.end(), 1U), 1) << "bit 0: the histogram of the RMS";
  EXPECT_EQ(std::count(said.begin(), said.end(), 0U), static_cast<long>(said.size()) - 1);
}

TEST_F(NodeDriftTest, WhatAnEpisodeDoesIsNoDrift) {
  Commission(1);
  PlayWithGain(100, 3);
  world.Run();
  EXPECT_EQ(world.loop->state(), NodeState::kAlarm);
  EXPECT_EQ(world.loop->metrics().drift_flags, 0U);
}

TEST_F(NodeDriftTest, NothingIsWatchedWhileTheBaselineIsLearned) {
  PackageParts parts;
  parts.trigger.commissioning_windows = 200;
  ASSERT_TRUE(world.Boot(parts.Signed(1)).ok());
  PlayWithGain(60, 1);
  PlayWithGain(120, 2);
  world.Run();
  EXPECT_EQ(world.loop->state(), NodeState::kCommissioning);
  EXPECT_EQ(world.loop->metrics().drift_flags, 0U);
}

}  // namespace
}  // namespace trib::node::app
