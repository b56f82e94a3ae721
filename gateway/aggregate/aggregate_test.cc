#include "trib/gateway/aggregate/aggregate.h"

#include <gtest/gtest.h>

#include "trib/common/host/message/codec.h"

namespace trib::gateway::aggregate {
namespace {

constexpr std::uint64_t kMinute = 1'700'000'040'000;  // a whole minute
static_assert(kMinute % 60'000 == 0);

class AggregateTest : public ::testing::Test {
 protected:
  message::Record Make(std::uint64_t node, message::RecordKind kind) {
    message::Record record;
    record.header.key = {NodeId(node), EnrolmentEpoch(5), 1, ++sequence};
    record.header.package_hash = PackageHash(77);
    record.header.energy_nj = 10;
    record.kind = kind;
    switch (kind) {
      case message::RecordKind::kSketch:
        record.sketch = {};
        record.sketch.windows = 100;
        record.sketch.exits[2] = 100;
        (void)record.sketch.labels.assign(std::array<std::uint32_t, 2>{90, 10});
        (void)record.sketch.histograms.push_back({3, {1, 2, 3}});
        break;
      case message::RecordKind::kFault:
        record.fault = {};
        record.fault.code = message::FaultCode::kSensorStuck;
        break;
      default:
        record.event = {};
        record.event.state = message::EventState::kOnset;
        break;
    }
    return record;
  }
  void Add(const message::Record& record, std::uint64_t at_ms) {
    aggregate.Add(host::message::EncodeSealedRecord(host::message::EncodeRecord(record)), at_ms);
  }

  Aggregate aggregate;
  std::uint32_t sequence = 0;
};

TEST_F(AggregateTest, SumsAMinuteOfTheSite) {
  Add(Make(1, message::RecordKind::kSketch), kMinute);
  Add(Make(2, message::RecordKind::kSketch), kMinute + 10);
  Add(Make(2, message::RecordKind::kEvent), kMinute + 59'999);
  EXPECT_FALSE(aggregate.TakeFinished(kMinute + 59'999).has_value());
  const auto rollup = aggregate.TakeFinished(kMinute + 60'000);
  ASSERT_TRUE(rollup.has_value());
  EXPECT_EQ(rollup->minute_ms, kMinute);
  EXPECT_EQ(rollup->totals.records, 3U);
  EXPECT_EQ(rollup->totals.events, 1U);
  EXPECT_EQ(rollup->totals.windows, 200U);
  EXPECT_EQ(rollup->totals.energy_nj, 30U);
  EXPECT_EQ(rollup->nodes_seen, 2U);
  ASSERT_EQ(rollup->sketches.size(), 1U);
  EXPECT_EQ(rollup->sketches[0].nodes, 2U);
  EXPECT_EQ(rollup->sketches[0].sketch.histograms[0].counts[2], 6U);
  ASSERT_EQ(rollup->sketches[0].sketch.labels.size(), 2U);
  EXPECT_EQ(rollup->sketches[0].sketch.labels[1], 20U);
  EXPECT_FALSE(aggregate.TakeFinished(kMinute + 120'000).has_value()) << "nothing since";
}

TEST_F(AggregateTest, SketchesOfDifferentPackagesNeverMix) {
  auto other = Make(2, message::RecordKind::kSketch);
  other.header.package_hash = PackageHash(78);
  Add(Make(1, message::RecordKind::kSketch), kMinute);
  Add(other, kMinute);
  const auto rollup = aggregate.TakeFinished(kMinute + 60'000);
  ASSERT_TRUE(rollup.has_value());
  ASSERT_EQ(rollup->sketches.size(), 2U);
  EXPECT_EQ(rollup->sketches[0].sketch.windows, 100U);
}

TEST_F(AggregateTest, ARecordOfTheNextMinuteFinishesThis) {
  Add(Make(1, message::RecordKind::kEvent), kMinute);
  Add(Make(1, message::RecordKind::kEvent), kMinute + 60'000);
  const auto first = aggregate.TakeFinished(kMinute + 60'001);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->minute_ms, kMinute);
  EXPECT_EQ(first->totals.records, 1U);
  EXPECT_FALSE(aggregate.TakeFinished(kMinute + 60'001).has_value());
}

TEST_F(AggregateTest, AlarmsFollowTheLastEventAndFault) {
  Add(Make(1, message::RecordKind::kEvent), kMinute);
  Add(Make(1, message::RecordKind::kFault), kMinute);
  EXPECT_EQ(aggregate.metrics().nodes_in_event, 1U);
  EXPECT_EQ(aggregate.metrics().nodes_in_fault, 1U);
  auto cleared = Make(1, message::RecordKind::kEvent);
  cleared.event.state = message::EventState::kCleared;
  auto recovered = Make(1, message::RecordKind::kFault);
  recovered.fault.code = message::FaultCode::kSensorRecovered;
  Add(cleared, kMinute);
  Add(recovered, kMinute);
  EXPECT_EQ(aggregate.metrics().nodes_in_event, 0U);
  EXPECT_EQ(aggregate.metrics().nodes_in_fault, 0U);
  ASSERT_EQ(aggregate.nodes().size(), 1U);
  EXPECT_EQ(aggregate.nodes()[0].total.records, 4U);
}

TEST_F(AggregateTest, ASketchOfOtherFeaturesIsSkippedAndCounted) {
  auto other = Make(2, message::RecordKind::kSketch);
  other.sketch.histograms[0].feature = 4;
  Add(Make(1, message::RecordKind::kSketch), kMinute);
  Add(other, kMinute);
  EXPECT_EQ(aggregate.metrics().sketches_merged, 1U);
  EXPECT_EQ(aggregate.metrics().sketches_skipped, 1U);
  const auto rollup = aggregate.TakeFinished(kMinute + 60'000);
  ASSERT_TRUE(rollup.has_value());
  EXPECT_EQ(rollup->sketches[0].nodes, 1U);
}

TEST_F(AggregateTest, ForgetsNodesThatLeaveTheRoster) {
  Add(Make(1, message::RecordKind::kEvent), kMinute);
  Add(Make(2, message::RecordKind::kEvent), kMinute);
  aggregate.Keep({NodeId(2), NodeId(3)});
  ASSERT_EQ(aggregate.nodes().size(), 1U);
  EXPECT_EQ(aggregate.nodes()[0].node, NodeId(2));
  EXPECT_EQ(aggregate.metrics().nodes_in_event, 1U);
  EXPECT_EQ(aggregate.total().records, 2U);
}

}  // namespace
}  // namespace trib::gateway::aggregate
