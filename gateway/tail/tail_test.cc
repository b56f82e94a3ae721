#include "trib/gateway/tail/tail.h"

#include <gtest/gtest.h>

#include <map>

#include "trib/common/host/message/codec.h"
#include "tributary/v1/site.pb.h"

namespace trib::gateway::tail {
namespace {

constexpr PackageHash kPackage(0xABCD);

MonotonicTime At(std::int64_t ms) {
  return MonotonicTime(Millis(ms));
}

class TailTest : public ::testing::Test {
 protected:
  /// An activation's header, which is all that the stage itself looks at; `first` is what the
  /// network below decides by.
  static std::string Payload(PackageHash package, std::uint8_t first) {
    std::string bytes(12, '\0');
    bytes[0] = 1;  // version
    bytes[1] = 1;  // tensors
    bytes[2] = 4;  // cut
    for (unsigned i = 0; i < 8; ++i) {
      bytes[4 + i] = static_cast<char>(package.value() >> 8 * i & 0xFFU);
    }
    return bytes + static_cast<char>(first);
  }
  static Deferred Made(std::int64_t id,
                       std::uint8_t first,
                       bool audit = false,
                       PackageHash package = kPackage,
                       PackageHash named = kPackage) {
    const std::string payload = Payload(named, first);
    message::Record record;
    record.header.key = {NodeId(17), EnrolmentEpoch(5), 3, static_cast<std::uint32_t>(id)};
    record.header.package_hash = package;
    record.header.audit = audit;
    record.kind = message::RecordKind::kActivation;
    record.activation = {std::as_bytes(std::span(payload))};
    return {id, 1000, host::message::EncodeSealedRecord(host::message::EncodeRecord(record))};
  }
  /// A network that accepts odd activations, with their first byte as label; knows kPackage alone.
  static Result<Finished> Network(PackageHash package, std::span<const std::byte> activation) {
    if (package != kPackage) {
      return Code::kNotFound;
    }
    const auto first = std::to_integer<std::uint8_t>(activation[12]);
    if (first == 0xFF) {
      return Code::kDataLoss;
    }
    if (first == 0xFE) {
      return Code::kFailedPrecondition;
    }
    Finished out;
    out.decision.label = first;
    out.decision.confidence = 0.5F;
    (void)out.scores.push_back(0.5F);
    (void)out.scores.push_back(0.25F);
    out.decision.accepted = first % 2 == 1;
    out.final = out.decision.accepted;
    return out;
  }
  void Offer(std::vector<Deferred> records, std::int64_t at = 0) {
    ASSERT_TRUE(tail.Want().has_value());
    tail.Offer(std::move(records), At(at));
  }
  Output Run(std::int64_t at = 0, std::uint64_t unix_ms = 1007) {
    Output out;
    tail.Run({At(at), unix_ms}, out);
    return out;
  }
  static tributary::v1::TierVerdict Read(const Outcome& outcome) {
    tributary::v1::TierVerdict verdict;
    EXPECT_FALSE(outcome.verdict.empty());
    EXPECT_TRUE(verdict.ParseFromString(outcome.verdict));
    return verdict;
  }

  Options options{.batch = 4, .deadline = Millis(20), .max_records = 8};
  Tail tail{options, &Network};
};

TEST_F(TailTest, AnAcceptedWindowGetsAVerdictAndTheNodeHearsOfIt) {
  Offer({Made(9, 3)});
  const Output out = Run();
  ASSERT_EQ(out.outcomes.size(), 1U);
  EXPECT_EQ(out.outcomes[0].id, 9);
  const auto verdict = Read(out.outcomes[0]);
  EXPECT_EQ(verdict.tier(), 4U);
  EXPECT_EQ(verdict.package_hash(), kPackage.value());
  EXPECT_EQ(verdict.label(), 3U);
  EXPECT_EQ(verdict.confidence(), 0.5F);
  ASSERT_EQ(verdict.scores_size(), 2);
  EXPECT_EQ(verdict.scores(1), 0.25F);
  EXPECT_TRUE(verdict.accepted() && verdict.final());
  EXPECT_EQ(verdict.decided_ms(), 1007U);
  ASSERT_EQ(out.answers.size(), 1U);
  EXPECT_EQ(out.answers[0].node, NodeId(17));
  EXPECT_EQ(out.answers[0].epoch, EnrolmentEpoch(5));
  EXPECT_EQ(out.answers[0].verdict.boot, 3U);
  EXPECT_EQ(out.answers[0].verdict.sequence, 9U);
  EXPECT_EQ(out.answers[0].verdict.label, 3U);
  EXPECT_EQ(tail.metrics().decided, 1U);
  EXPECT_EQ(tail.metrics().latency.count(), 0U) << "nobody was answered yet";
  tail.Answered(1030);
  tail.Answered(1099);  // says nothing new
  EXPECT_EQ(tail.metrics().latency.count(), 1U);
  EXPECT_EQ(tail.metrics().latency.Quantile(500), 30U) << "the batch's own time counts";
}

TEST_F(TailTest, WhatCannotBeDecidedHereGoesOnByItsReason) {
  Offer({Made(1, 2),
         Made(2, 1, false, PackageHash(77), PackageHash(77)),
         Made(3, 0xFF),
         Made(4, 0xFE),
         Made(5, 1, false, kPackage, PackageHash(77)),
         {6, 1000, "no record"}});
  Output out = Run();
  Output rest = Run();
  out.outcomes.insert(out.outcomes.end(), rest.outcomes.begin(), rest.outcomes.end());
  ASSERT_EQ(out.outcomes.size(), 6U);
  for (const Outcome& outcome : out.outcomes) {
    EXPECT_TRUE(outcome.verdict.empty()) << outcome.id;
  }
  EXPECT_TRUE(out.answers.empty());
  const Metrics& m = tail.metrics();
  EXPECT_EQ(m.unsure, 1U);
  EXPECT_EQ(m.unknown_package, 1U);
  EXPECT_EQ(m.unknown.at(PackageHash(77)), 1U);
  EXPECT_EQ(m.damaged, 3U);
  EXPECT_EQ(m.no_exit, 1U);
  EXPECT_EQ(m.passed_on() + m.decided, m.records);
  EXPECT_EQ(m.batches, 2U);
}

TEST_F(TailTest, AnAuditedWindowGetsThisExitsVerdictInAnyCase) {
  Offer({Made(1, 2, true), Made(2, 3, true)});
  const Output out = Run();
  ASSERT_EQ(out.outcomes.size(), 2U);
  EXPECT_FALSE(Read(out.outcomes[0]).accepted());
  EXPECT_FALSE(Read(out.outcomes[0]).final());
  EXPECT_TRUE(Read(out.outcomes[1]).final());
  EXPECT_EQ(out.answers.size(), 1U);
  EXPECT_EQ(tail.metrics().audited, 2U);
  EXPECT_EQ(tail.metrics().unsure, 1U);
  EXPECT_EQ(tail.metrics().decided, 1U);
}

TEST_F(TailTest, ABatchStartsWhenItIsFullOrItsFirstHasWaited) {
  EXPECT_FALSE(tail.due().has_value());
  Offer({Made(1, 1), Made(2, 1)}, 100);
  EXPECT_EQ(tail.due(), At(120));
  Offer({Made(3, 1)}, 110);
  EXPECT_EQ(tail.due(), At(120)) << "the first one's wait counts";
  Offer({Made(4, 1), Made(5, 1)}, 112);
  EXPECT_LE(tail.due(), At(112));
  EXPECT_EQ(Run(112).outcomes.size(), 4U);
  EXPECT_EQ(tail.due(), At(132));
  EXPECT_EQ(tail.queued(), 1U);
}

TEST_F(TailTest, ReadsOnInOrderAndNoMoreThanItMayHold) {
  auto wanted = tail.Want();
  ASSERT_TRUE(wanted);
  EXPECT_EQ(wanted->after, 0);
  EXPECT_EQ(wanted->max, 8U);
  EXPECT_FALSE(tail.Want()) << "one question at a time";
  tail.Offer({Made(3, 1), Made(4, 1), Made(7, 1), Made(8, 1), Made(9, 1)}, At(0));
  EXPECT_EQ(Run().outcomes.size(), 4U);
  EXPECT_EQ(tail.uncommitted(), 4U);
  wanted = tail.Want();
  ASSERT_TRUE(wanted);
  EXPECT_EQ(wanted->after, 9);
  EXPECT_EQ(wanted->max, 3U) << "outcomes that are not on disk yet count";
  tail.Offer({Made(10, 1), Made(11, 1), Made(12, 1)}, At(0));
  EXPECT_FALSE(tail.Want()) << "full: the spool holds the rest";
  tail.Committed(4);
  EXPECT_EQ(tail.uncommitted(), 0U);
  ASSERT_TRUE(tail.Want());
}

TEST_F(TailTest, BytesBoundTheQueueToo) {
  options.max_bytes = 100;
  Tail small(options, &Network);
  ASSERT_EQ(small.Want()->max_bytes, 100U);
  const Deferred one = Made(1, 1);
  small.Offer({one}, At(0));
  const auto wanted = small.Want();
  if (one.sealed.size() < 100) {
    ASSERT_TRUE(wanted);
    EXPECT_EQ(wanted->max_bytes, 100 - one.sealed.size());
    small.Offer({Made(2, 1)}, At(0));
  }
  EXPECT_FALSE(small.Want());
}

TEST_F(TailTest, WhatWaitedTooLongGoesOn) {
  options.patience = Millis(50);
  Tail hasty(options, &Network);
  (void)hasty.Want();
  hasty.Offer({Made(1, 1), Made(2, 1)}, At(0));
  Output out;
  hasty.Run({At(0), 1051}, out);
  ASSERT_EQ(out.outcomes.size(), 2U);
  EXPECT_TRUE(out.outcomes[0].verdict.empty());
  EXPECT_EQ(hasty.metrics().overdue, 2U);
  // A clock that was set back makes nothing overdue.
  (void)hasty.Want();
  hasty.Offer({Made(3, 1)}, At(0));
  hasty.Run({At(0), 10}, out);
  EXPECT_EQ(hasty.metrics().decided, 1U);
}

TEST_F(TailTest, TheSameBytesGiveTheSameOutcome) {
  Offer({Made(1, 1), Made(2, 2)});
  const Output first = Run();
  Tail again(options, &Network);
  (void)again.Want();
  again.Offer({Made(1, 1), Made(2, 2)}, At(5));
  Output second;
  again.Run({At(9), 1007}, second);
  ASSERT_EQ(second.outcomes.size(), 2U);
  EXPECT_EQ(first.outcomes[0].verdict, second.outcomes[0].verdict);
  EXPECT_EQ(first.outcomes[1].verdict, second.outcomes[1].verdict);
}

}  // namespace
}  // namespace trib::gateway::tail
