#include "trib/gateway/drift/drift.h"

#include <gtest/gtest.h>

#include <new>

#include "trib/common/base/random.h"
#include "trib/common/host/message/codec.h"

namespace trib::gateway::drift {
namespace {

constexpr std::uint64_t kBlock_ms = 900'000;

class DriftTest : public ::testing::Test {
 protected:
  DriftTest() { drift.Keep({NodeId(1), NodeId(2)}); }

  /// 90 windows of a healthy machine that is over the threshold now and then, whose decisions are
  /// the trigger's but for two.
  message::Record Sketch(std::uint64_t node = 1) {
    message::Record record;
    record.header.key = {NodeId(node), EnrolmentEpoch(5), 1, ++sequence};
    record.header.package_hash = PackageHash(77);
    record.header.block = {sequence * kBlock_ms, static_cast<std::uint32_t>(kBlock_ms)};
    record.kind = message::RecordKind::kSketch;
    message::Sketch& sketch = *new (&record.sketch) message::Sketch{};
    sketch.windows = 90;
    sketch.triggered = Draw(4);
    sketch.exits = {0, 0, 86, 2 + Draw(2), Draw(2), 0};
    (void)sketch.labels.assign(std::array<std::uint32_t, 3>{88 + Draw(2), Draw(2), 0});
    message::Histogram confidence;
    confidence.feature = message::kConfidenceFeature;
    confidence.counts[13] = Draw(3);
    confidence.counts[15] = 4;
    (void)sketch.histograms.push_back(confidence);
    return record;
  }
  std::uint32_t Draw(std::uint64_t below) {
    return static_cast<std::uint32_t>(random.Next() % below);
  }
  void Add(const message::Record& record) {
    drift.Add(host::message::EncodeSealedRecord(host::message::EncodeRecord(record)));
  }
  void AddSketches(int count) {
    for (int i = 0; i < count; ++i) {
      Add(Sketch());
    }
  }
  /// Adds changed sketches until one raises a flag. @returns how many; 0 when none did.
  template <typename Change>
  int UntilFlag(Change change, std::uint64_t node = 1) {
    for (int i = 1; i <= 200; ++i) {
      message::Record record = Sketch(node);
      change(record.sketch);
      Add(record);
      flags = drift.TakeFlags();
      if (!flags.empty()) {
        return i;
      }
    }
    return 0;
  }

  Drift drift;
  std::vector<NodeFlag> flags;
  SplitMix64 random{17};
  std::uint32_t sequence = 0;
};

TEST_F(DriftTest, IsQuietAboutMonthsOfTheSame) {
  AddSketches(20'000);
  EXPECT_TRUE(drift.TakeFlags().empty());
  EXPECT_EQ(drift.metrics().sketches, 20'000U);
  EXPECT_EQ(drift.metrics().flags, 0U);
  EXPECT_EQ(drift.metrics().nodes, 1U);
}

TEST_F(DriftTest, FlagsATriggerRate) {
  AddSketches(500);
  const int after = UntilFlag([&](message::Sketch& sketch) { sketch.triggered = 12 + Draw(4); });
  EXPECT_GT(after, 0);
  EXPECT_LE(after, 64) << "16 hours of blocks of 15 minutes";
  ASSERT_EQ(flags.size(), 1U);
  EXPECT_EQ(flags[0].node, NodeId(1));
  EXPECT_EQ(flags[0].channel, Channel::kTriggered);
  EXPECT_EQ(flags[0].time_ms, sequence * kBlock_ms);
  EXPECT_EQ(flags[0].package_hash, PackageHash(77));
  EXPECT_NEAR(flags[0].before, 1.5 / 90, 0.01);
  EXPECT_GT(flags[0].after, flags[0].before);
  EXPECT_LT(flags[0].width, 500U) << "the oldest are given up";
  EXPECT_GE(flags[0].width, static_cast<std::uint32_t>(after));
}

TEST_F(DriftTest, FlagsExitsBeyondTheNode) {
  AddSketches(500);
  EXPECT_GT(UntilFlag([](message::Sketch& sketch) {
              sketch.exits[3] = 0;
              sketch.exits[4] = 2;
              sketch.exits[5] = 2;
            }),
            0);
  ASSERT_EQ(flags.size(), 1U);
  EXPECT_EQ(flags[0].channel, Channel::kExits);
  EXPECT_EQ(flags[0].index, 4U);
  EXPECT_LT(flags[0].before, flags[0].after);
}

TEST_F(DriftTest, FlagsTheShareOfTheNormalLabel) {
  AddSketches(500);
  EXPECT_GT(UntilFlag([](message::Sketch& sketch) {
              sketch.labels[0] = 70;
              sketch.labels[2] = 20;
            }),
            0);
  ASSERT_EQ(flags.size(), 1U);
  EXPECT_EQ(flags[0].channel, Channel::kLabel);
  EXPECT_EQ(flags[0].index, 0U);
  EXPECT_GT(flags[0].before, 0.98);
  EXPECT_LT(flags[0].after, flags[0].before);
}

TEST_F(DriftTest, FlagsTheConfidence) {
  AddSketches(500);
  EXPECT_GT(UntilFlag([](message::Sketch& sketch) {
              sketch.histograms[0].counts[15] = 0;
              sketch.histograms[0].counts[9] = 4;
            }),
            0);
  ASSERT_EQ(flags.size(), 1U);
  EXPECT_EQ(flags[0].channel, Channel::kConfidence);
  EXPECT_NEAR(flags[0].before, 14.6 / 15, 0.02);
  EXPECT_LT(flags[0].after, flags[0].before);
}

TEST_F(DriftTest, NamesTheNodeThatChangedAndNoOther) {
  for (int i = 0; i < 500; ++i) {
    Add(Sketch(1));
    Add(Sketch(2));
  }
  EXPECT_GT(UntilFlag(
                [&](message::Sketch& sketch) {
                  Add(Sketch(1));
                  sketch.triggered = 20;
                },
                2),
            0);
  ASSERT_EQ(flags.size(), 1U);
  EXPECT_EQ(flags[0].node, NodeId(2));
}

TEST_F(DriftTest, AnotherPackageBeginsAnew) {
  AddSketches(500);
  for (int i = 0; i < 200; ++i) {
    message::Record record = Sketch();
    record.header.package_hash = PackageHash(78);
    record.sketch.triggered = 45;
    Add(record);
  }
  EXPECT_TRUE(drift.TakeFlags().empty());
}

TEST_F(DriftTest, OldSketchesHaveNoLabelsAndManyPackagesNoConfidence) {
  for (int i = 0; i < 1'000; ++i) {
    message::Record record = Sketch();
    record.sketch.labels.clear();
    record.sketch.histograms.clear();
    record.sketch.exits = {};
    record.sketch.triggered = i < 500 ? 0 : 9;
    Add(record);
  }
  flags = drift.TakeFlags();
  ASSERT_EQ(flags.size(), 1U);
  EXPECT_EQ(flags[0].channel, Channel::kTriggered);
}

TEST_F(DriftTest, LeavesOutWhatRulesDecidedAndCountsIt) {
  AddSketches(500);
  for (int i = 0; i < 300; ++i) {
    message::Record record = Sketch();
    record.sketch.exits = {0, 60, 30, 0, 0, 0};
    record.sketch.triggered = 45;
    Add(record);
  }
  message::Record record = Sketch();
  record.header.package_hash = PackageHash();
  Add(record);
  record = Sketch();
  record.sketch.windows = 0;
  Add(record);
  EXPECT_TRUE(drift.TakeFlags().empty());
  EXPECT_EQ(drift.metrics().sketches, 500U);
  EXPECT_EQ(drift.metrics().sketches_left, 302U);
}

TEST_F(DriftTest, KnowsNodesOfTheRosterOnlyAndForgetsTheOthers) {
  AddSketches(500);
  Add(Sketch(3));
  drift.Add("no record");
  EXPECT_EQ(drift.metrics().sketches_strange, 2U);
  EXPECT_EQ(drift.metrics().nodes, 1U);
  drift.Keep({NodeId(2)});
  EXPECT_EQ(drift.metrics().nodes, 0U);
  drift.Keep({NodeId(1), NodeId(2)});
  for (int i = 0; i < 200; ++i) {
    message::Record record = Sketch();
    record.sketch.triggered = 45;
    Add(record);
  }
  EXPECT_TRUE(drift.TakeFlags().empty()) << "what it was before is forgotten";
}

TEST_F(DriftTest, NoMoreFlagsWaitThanAReportTakes) {
  std::set<NodeId> nodes;
  for (std::uint64_t node = 1; node <= message::kMaxSiteFlags + 5; ++node) {
    nodes.insert(NodeId(node));
  }
  drift.Keep(nodes);
  for (int i = 0; i < 160; ++i) {
    for (const NodeId node : nodes) {
      message::Record record = Sketch(node.value());
      record.sketch.triggered = i < 100 ? 0 : 45;
      Add(record);
    }
  }
  EXPECT_EQ(drift.metrics().flags, message::kMaxSiteFlags + 5);
  EXPECT_EQ(drift.metrics().flags_dropped, 5U);
  EXPECT_EQ(drift.TakeFlags().size(), message::kMaxSiteFlags);
  EXPECT_TRUE(drift.TakeFlags().empty());
}

}  // namespace
}  // namespace trib::gateway::drift
