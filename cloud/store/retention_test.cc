#include "trib/cloud/store/retention.h"

#include <gtest/gtest.h>

#include "store_fixture.h"

namespace trib::cloud::store {
namespace {

constexpr std::uint64_t kDay = 86'400'000;
constexpr std::uint64_t kNow = 1'700'000'600'000;

MonotonicTime At(std::uint64_t ms) {
  return MonotonicTime(Millis(static_cast<std::int64_t>(ms)));
}

class RetentionTest : public StoreFixture {
 protected:
  void CommitAt(const Batch& batch, std::uint64_t now_ms) {
    const auto outcomes = writer_->Commit(std::span(&batch, 1), now_ms);
    ASSERT_TRUE(outcomes.ok()) << writer_->last_error();
    last_ = (*outcomes)[0];
  }
  /// Steps until nothing more is to be deleted. @returns rows deleted.
  std::uint64_t Retain(const RetentionPolicy& policy, std::uint64_t now_ms) {
    std::uint64_t deleted = 0;
    bool more = true;
    for (int i = 0; i < 1000 && more; ++i) {
      const auto step = writer_->Retain(policy, now_ms);
      EXPECT_TRUE(step.ok()) << writer_->last_error();
      more = step.ok() && step->more;
      deleted += step.ok() ? step->deleted : 0;
    }
    EXPECT_FALSE(more);
    return deleted;
  }
  BatchOutcome last_;
};

TEST_F(RetentionTest, NothingIsDeletedUnlessAsked) {
  CommitAt(BatchOf({Row(1, 1), Row(1, 2)}), 1000);
  EXPECT_EQ(Retain({}, kNow + 10'000 * kDay), 0U);
  EXPECT_EQ(Query("SELECT count(*) FROM record"), 2);
}

TEST_F(RetentionTest, OldRecordsGoAndTheirKeysStayKnown) {
  std::vector<RecordRow> rows;
  for (std::uint32_t sequence = 1; sequence <= 2500; ++sequence) {
    if (sequence != 700 && sequence != 701) {
      rows.push_back(Row(1, sequence));
    }
  }
  CommitAt(BatchOf(rows), kNow);
  CommitAt(BatchOf({Row(1, 3000), EventRow(2, 5)}), kNow + 10 * kDay);
  RetentionPolicy policy;
  policy.records = Millis(5 * kDay);
  EXPECT_EQ(Retain(policy, kNow + 5 * kDay), 0U) << "just as old as that";
  EXPECT_EQ(Retain(policy, kNow + 5 * kDay + 1), rows.size());
  EXPECT_EQ(Query("SELECT count(*) FROM record"), 2);
  // Two runs, with the gap between them.
  EXPECT_EQ(Query("SELECT count(*) FROM forgotten"), 2);
  EXPECT_EQ(Query("SELECT sum(last - first + 1) FROM forgotten"), 2498);
  OpenWriter();
  CommitAt(BatchOf({Row(1, 1), Row(1, 699), Row(1, 700), Row(1, 2500), Row(1, 2501)}), kNow);
  EXPECT_EQ(last_.duplicates, 3U);
  EXPECT_EQ(last_.stored, 2U) << "700 never came before, 2501 is new";
  EXPECT_TRUE(last_.rejected.empty());
  // Totals are of all time; what is held and what was deleted make them up.
  EXPECT_EQ(Query("SELECT sum(stored) FROM gateway_total"),
            Query("SELECT (SELECT count(*) FROM record) +"
                  " (SELECT value FROM retention WHERE name = 'records')"));
  EXPECT_EQ(Query("SELECT sum(records) FROM rollup_minute"),
            Query("SELECT sum(stored) FROM gateway_total"));
  const Result<Stats> stats = OpenReader()->ReadStats();
  ASSERT_TRUE(stats.ok());
  EXPECT_EQ(stats->retention[0], std::pair(std::string("records"), std::uint64_t{2498}));
}

TEST_F(RetentionTest, RangesGrowTogetherAcrossSteps) {
  RetentionPolicy policy;
  policy.max_records = 1;
  for (const std::uint32_t sequence : {5U, 1U, 3U, 2U, 4U, 9U}) {
    CommitAt(BatchOf({Row(1, sequence)}), kNow);
    Retain(policy, kNow);
  }
  EXPECT_EQ(Query("SELECT count(*) FROM record"), 1);
  EXPECT_EQ(Query("SELECT count(*) FROM forgotten WHERE first = 1 AND last = 5"), 1);
  EXPECT_EQ(Query("SELECT count(*) FROM forgotten"), 1);
  for (std::uint32_t sequence = 1; sequence <= 5; ++sequence) {
    CommitAt(BatchOf({Row(1, sequence)}), kNow);
    EXPECT_EQ(last_.duplicates, 1U) << sequence;
  }
  CommitAt(BatchOf({Row(1, 6)}), kNow);
  EXPECT_EQ(last_.stored, 1U);
}

TEST_F(RetentionTest, NumberAndSizeAreLimits) {
  std::vector<RecordRow> rows;
  for (std::uint32_t sequence = 1; sequence <= 5000; ++sequence) {
    rows.push_back(Row(1, sequence));
    rows.back().sealed += std::string(400, 'x');
  }
  CommitAt(BatchOf(rows), kNow);
  RetentionPolicy policy;
  policy.max_records = 4500;
  EXPECT_EQ(Retain(policy, kNow), 500U);
  EXPECT_EQ(Query("SELECT min(sequence) FROM record"), 501);
  policy = {};
  policy.max_bytes = 1'000'000;
  EXPECT_GT(Retain(policy, kNow), 1000U);
  EXPECT_LE(Query("SELECT (SELECT page_count FROM pragma_page_count) -"
                  " (SELECT freelist_count FROM pragma_freelist_count)") *
                4096,
            1'000'000);
  const auto held = Query("SELECT count(*) FROM record");
  EXPECT_GT(held, 0);
  // Room that was freed is used again.
  const auto pages = Query("SELECT page_count FROM pragma_page_count");
  for (auto& row : rows) {
    row.header.key.boot = 2;
  }
  rows.resize(1500);
  CommitAt(BatchOf(rows), kNow);
  EXPECT_EQ(Query("SELECT page_count FROM pragma_page_count"), pages);
}

TEST_F(RetentionTest, MinutesReportsAndAuditHaveAgesOfTheirOwn) {
  PutDevice(9, DeviceKind::kGateway, DeviceState::kAccepted, 0);
  for (std::uint64_t node = 1; node <= 250; ++node) {
    CommitAt(BatchOf({Row(node, 1), Row(node, 200)}), kNow);
  }
  ASSERT_EQ(Query("SELECT count(*) FROM rollup_minute"), 500);
  for (std::uint64_t minute = 0; minute < 5; ++minute) {
    ASSERT_TRUE(
        writer_
            ->PutSiteReport(
                {.gateway = GatewayId(9), .minute_ms = kNow + minute * 60'000, .encoded = "x"},
                kNow)
            .ok());
  }
  RetentionPolicy policy;
  policy.rollups = Millis(kDay);
  policy.reports = Millis(2 * kDay);
  policy.audit = Millis(3 * kDay);
  Retain(policy, kNow + kDay - 500'000);
  EXPECT_EQ(Query("SELECT count(*) FROM rollup_minute"), 250) << "one minute of two is too old";
  EXPECT_EQ(Query("SELECT count(*) FROM site_report"), 5);
  Retain(policy, kNow + 2 * kDay + 61'000);
  EXPECT_EQ(Query("SELECT count(*) FROM rollup_minute"), 0);
  EXPECT_EQ(Query("SELECT count(*) FROM site_report"), 3);
  EXPECT_EQ(Query("SELECT count(*) FROM audit_log"), 0) << "the fixture's is of 1970";
  EXPECT_EQ(Query("SELECT count(*) FROM record"), 500);
}

TEST_F(RetentionTest, ANodesClockCannotFillTheTableOfMinutes) {
  std::vector<RecordRow> rows;
  for (std::uint32_t sequence = 1; sequence <= 2000; ++sequence) {
    rows.push_back(Row(1, sequence));
    rows.back().header.time = LogicalTime(
        Millis(static_cast<std::int64_t>(sequence) * 4'000'000'000'000 % 9'000'000'000'000'000));
  }
  CommitAt(BatchOf(rows), kNow);
  EXPECT_LE(Query("SELECT count(*) FROM rollup_minute"), 40) << "the minutes of receipt";
  EXPECT_EQ(Query("SELECT sum(records) FROM rollup_minute"), 2000);
  EXPECT_EQ(Query("SELECT value FROM retention WHERE name = 'times_moved'"), 2000);
}

TEST(RollupMinute, BelievesTheNodeThenTheGatewayThenNobody) {
  constexpr Millis kWindow{std::int64_t{30} * 86'400'000};
  const auto now = static_cast<std::int64_t>(kNow / 60'000 * 60'000);
  EXPECT_EQ(RollupMinute(now - 59'999, kNow, kNow, kWindow), now - 60'000);
  EXPECT_EQ(RollupMinute(now + 86'400'000, kNow, kNow, kWindow), now + 86'400'000);
  EXPECT_EQ(RollupMinute(now + 3 * std::int64_t{86'400'000}, kNow - 120'000, kNow, kWindow),
            now - 120'000);
  EXPECT_EQ(RollupMinute(-5, 5, kNow, kWindow), now);
  EXPECT_EQ(RollupMinute(now - 31 * std::int64_t{86'400'000}, ~0ULL, kNow, kWindow), now);
}

TEST(RetentionClock, FollowsAClockThatIsRight) {
  RetentionClock clock(std::nullopt);
  for (std::uint64_t second = 0; second < 100; ++second) {
    EXPECT_EQ(clock.Advance(kNow + second * 1000, At(second * 1000)), kNow + second * 1000);
  }
  EXPECT_EQ(clock.jumps(), 0U);
}

TEST(RetentionClock, AJumpAheadDeletesNothingAtOnce) {
  RetentionClock clock(std::nullopt);
  (void)clock.Advance(kNow, At(0));
  const std::uint64_t jumped = kNow + 3650 * kDay;
  EXPECT_EQ(clock.Advance(jumped, At(1000)), kNow + 100'000);
  EXPECT_EQ(clock.jumps(), 1U);
  EXPECT_GT(clock.behind_ms(), 3649 * kDay);
  // Set right again, it waits for the time that it ran ahead.
  EXPECT_EQ(clock.Advance(kNow + 2000, At(2000)), kNow + 2000);
  EXPECT_EQ(clock.jumps(), 2U);
  EXPECT_EQ(clock.now_ms(), kNow + 100'000);
}

TEST(RetentionClock, AfterDaysAwayItCatchesUp) {
  RetentionClock clock(kNow);
  const std::uint64_t back = kNow + 10 * kDay;
  EXPECT_EQ(clock.Advance(back, At(0)), kNow);
  EXPECT_LT(clock.Advance(back + kDay / 20, At(kDay / 20)), back + kDay / 20);
  EXPECT_EQ(clock.Advance(back + kDay / 9, At(kDay / 9)), back + kDay / 9);
  EXPECT_EQ(clock.jumps(), 0U);
}

TEST(RetentionClock, AClockSetBackMakesNothingOlder) {
  RetentionClock clock(std::nullopt);
  (void)clock.Advance(kNow, At(0));
  EXPECT_EQ(clock.Advance(kNow - 100 * kDay, At(1000)), kNow - 100 * kDay);
  EXPECT_EQ(clock.now_ms(), kNow);
}

}  // namespace
}  // namespace trib::cloud::store
