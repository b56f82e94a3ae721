#include "site_report.h"

#include <gtest/gtest.h>

#include <array>

#include "trib/common/host/message/codec.h"
#include "tributary/v1/site.pb.h"

namespace trib::gateway {
namespace {

namespace v1 = tributary::v1;

TEST(SiteReport, SaysTheMinuteItsSketchesAndFlags) {
  aggregate::MinuteRollup rollup;
  rollup.minute_ms = 120'000;
  rollup.totals.records = 7;
  rollup.totals.events = 2;
  rollup.nodes_seen = 3;
  auto& merged = rollup.sketches.emplace_back();
  merged.package_hash = PackageHash(77);
  merged.sketch.windows = 100;
  (void)merged.sketch.labels.assign(std::array<std::uint32_t, 2>{99, 1});
  merged.nodes = 2;
  std::array<drift::NodeFlag, 2> flags;
  flags[0] = {NodeId(9), drift::Channel::kExits, 4, 900'000, 0.25, 0.5, 40, PackageHash(77)};
  flags[1].channel = drift::Channel::kLabel;
  v1::SiteReport report;
  ASSERT_TRUE(report.ParseFromString(EncodeReport(rollup, flags, GatewayId(1001), 5)));
  EXPECT_EQ(report.gateway(), 1001U);
  EXPECT_EQ(report.minute_ms(), 120'000U);
  EXPECT_EQ(report.records(), 7U);
  EXPECT_EQ(report.events(), 2U);
  EXPECT_EQ(report.nodes_seen(), 3U);
  EXPECT_EQ(report.spool_depth(), 5U);
  ASSERT_EQ(report.sketches_size(), 1);
  message::Sketch sketch;
  ASSERT_TRUE(host::message::DecodeSketch(report.sketches(0).sketch(), sketch).ok());
  EXPECT_EQ(sketch, merged.sketch);
  ASSERT_EQ(report.flags_size(), 2);
  const v1::NodeFlag& flag = report.flags(0);
  EXPECT_EQ(flag.node(), 9U);
  EXPECT_EQ(flag.channel(), v1::DRIFT_CHANNEL_EXITS);
  EXPECT_EQ(flag.index(), 4U);
  EXPECT_EQ(flag.time_ms(), 900'000U);
  EXPECT_EQ(flag.before(), 0.25F);
  EXPECT_EQ(flag.after(), 0.5F);
  EXPECT_EQ(flag.width(), 40U);
  EXPECT_EQ(flag.package_hash(), 77U);
  EXPECT_EQ(report.flags(1).channel(), v1::DRIFT_CHANNEL_LABEL);
}

TEST(SiteReport, ChannelsAreThoseOfTheSchema) {
  EXPECT_EQ(static_cast<int>(drift::Channel::kConfidence), v1::DRIFT_CHANNEL_CONFIDENCE);
  EXPECT_EQ(static_cast<int>(drift::Channel::kTriggered), v1::DRIFT_CHANNEL_TRIGGERED);
  EXPECT_EQ(static_cast<int>(drift::Channel::kExits), v1::DRIFT_CHANNEL_EXITS);
  EXPECT_EQ(static_cast<int>(drift::Channel::kLabel), v1::DRIFT_CHANNEL_LABEL);
}

}  // namespace
}  // namespace trib::gateway
