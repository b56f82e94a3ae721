#include "trib/cloud/tail/tail.h"

#include <gtest/gtest.h>

#include "trib/common/host/message/codec.h"

namespace trib::cloud::tail {
namespace {

constexpr PackageHash kPackage(0xABCD);

class TailTest : public ::testing::Test {
 protected:
  static Undecided Made(std::int64_t record,
                        std::uint8_t first,
                        bool audit = false,
                        bool answered = false,
                        PackageHash package = kPackage,
                        PackageHash named = kPackage) {
    std::string payload(12, '\0');
    payload[0] = 1;  // version
    payload[1] = 1;  // tensors
    payload[2] = 4;  // cut
    for (unsigned i = 0; i < 8; ++i) {
      payload[4 + i] = static_cast<char>(named.value() >> 8 * i & 0xFFU);
    }
    payload += static_cast<char>(first);
    message::Record out;
    out.header.key = {NodeId(17), EnrolmentEpoch(5), 3, static_cast<std::uint32_t>(record)};
    out.header.package_hash = package;
    out.header.audit = audit;
    out.kind = message::RecordKind::kActivation;
    out.activation = {std::as_bytes(std::span(payload))};
    return {record,
            1000,
            host::message::EncodeSealedRecord(host::message::EncodeRecord(out)),
            answered};
  }
  /// Accepts odd activations, with their first byte as label; knows kPackage alone.
  static Result<Finished> Network(PackageHash package, std::span<const std::byte> activation) {
    if (package != kPackage) {
      return Code::kNotFound;
    }
    Finished out;
    out.decision.label = std::to_integer<std::uint8_t>(activation[12]);
    if (out.decision.label == 0xFF) {
      return Code::kDataLoss;
    }
    out.decision.confidence = 0.5F;
    (void)out.scores.push_back(0.5F);
    out.decision.accepted = out.decision.label % 2 == 1;
    out.own_label = 7;
    return out;
  }
  Tail tail{{.batch = 4, .batch_bytes = 1 << 20, .deadline = Millis(20)}, &Network};
};

TEST_F(TailTest, TheLastExitsAnswerStandsWhetherItIsSureOrNot) {
  const Undecided batch[] = {Made(1, 3), Made(2, 2)};
  const Output out = tail.Run(batch, 1007);
  ASSERT_EQ(out.decided.size(), 2U);
  ASSERT_EQ(out.answers.size(), 2U);
  for (const std::size_t i : {0U, 1U}) {
    EXPECT_EQ(out.decided[i].record, static_cast<std::int64_t>(i) + 1);
    EXPECT_EQ(out.decided[i].key.node, NodeId(17));
    EXPECT_FALSE(out.decided[i].own_label.has_value()) << "not of the audit";
    const Verdict& verdict = out.decided[i].verdict.value();
    EXPECT_EQ(verdict.tier, message::Tier::kCloud);
    EXPECT_EQ(verdict.package_hash, kPackage);
    EXPECT_EQ(verdict.label, i == 0 ? 3U : 2U);
    EXPECT_EQ(verdict.accepted, i == 0);
    EXPECT_TRUE(verdict.final);
    EXPECT_EQ(verdict.decided_ms, 1007U);
    EXPECT_EQ(out.answers[i].verdict.sequence, i + 1);
    EXPECT_EQ(out.answers[i].verdict.boot, 3U);
    EXPECT_EQ(out.answers[i].verdict.tier, message::Tier::kCloud);
    EXPECT_EQ(out.answers[i].epoch, EnrolmentEpoch(5));
  }
  EXPECT_EQ(tail.metrics().decided, 1U);
  EXPECT_EQ(tail.metrics().unsure, 1U);
  EXPECT_EQ(tail.metrics().latency.count(), 0U) << "nothing is stored yet";
  tail.Stored(1030);
  tail.Stored(1099);  // says nothing new
  EXPECT_EQ(tail.metrics().latency.count(), 2U);
  EXPECT_EQ(tail.metrics().latency.Quantile(990), 30U) << "the batch's own time counts";
}

TEST_F(TailTest, AnAuditedWindowThatTheGatewayAnsweredIsNotAnsweredAgain) {
  const Undecided batch[] = {Made(1, 3, true, true), Made(2, 3, true, false)};
  const Output out = tail.Run(batch, 1000);
  ASSERT_EQ(out.decided.size(), 2U);
  EXPECT_EQ(out.decided[0].own_label, 7U) << "the audit compares the node's answer";
  ASSERT_EQ(out.answers.size(), 1U);
  EXPECT_EQ(out.answers[0].verdict.sequence, 2U);
  EXPECT_EQ(tail.metrics().audited, 2U);
}

TEST_F(TailTest, WhatIsDamagedIsClosedAndWhatIsUnknownWaits) {
  const Undecided batch[] = {Made(1, 0xFF),
                             Made(2, 1, false, false, PackageHash(7), PackageHash(7)),
                             Made(3, 1, false, false, kPackage, PackageHash(7)),
                             {4, 1000, "no record", false}};
  const Output out = tail.Run(batch, 1000);
  ASSERT_EQ(out.decided.size(), 2U);
  EXPECT_EQ(out.decided[0].record, 1);
  EXPECT_FALSE(out.decided[0].verdict.has_value());
  EXPECT_EQ(out.decided[1].record, 3);
  EXPECT_FALSE(out.decided[1].verdict.has_value());
  EXPECT_TRUE(out.answers.empty());
  EXPECT_EQ(tail.metrics().damaged, 3U);
  EXPECT_EQ(tail.metrics().left, 1U);
}

TEST_F(TailTest, ABatchWaitsForMoreUntilItsDeadline) {
  EXPECT_EQ(tail.Rest(1, 1000, 1000), Millis(20));
  EXPECT_EQ(tail.Rest(3, 1000, 1015), Millis(5));
  EXPECT_EQ(tail.Rest(3, 1000, 1020), Millis(0));
  EXPECT_EQ(tail.Rest(3, 1000, 5000), Millis(0));
  EXPECT_EQ(tail.Rest(4, 1000, 1000), Millis(0)) << "full";
  EXPECT_EQ(tail.Rest(1, 1000, 10), Millis(20))
      << "a clock set back delays by the deadline at most";
}

}  // namespace
}  // namespace trib::cloud::tail
