// What looks for drift leave behind: all of a look or nothing, and what it judged stays as it was.
#include <gtest/gtest.h>

#include "drift_fixture.h"

namespace trib::cloud::store {
namespace {

class DriftLooksTest : public DriftFixture {
 protected:
  void SetUp() override {
    DriftFixture::SetUp();
    Commit(BatchOf(
        {Sketch(1, 0, 90, 10), Sketch(2, 0, 80, 20), Sketch(1, 24, 1, 1), Sketch(2, 24, 1, 1)}));
  }
  static DriftAlarmRow AlarmOf(std::uint64_t node) {
    DriftAlarmRow alarm;
    alarm.subject_kind = 1;
    alarm.subject = node;
    alarm.family = 1;
    alarm.cause = 2;
    alarm.package = kPackage;
    alarm.begin_ms = kBegin;
    alarm.raised_ms = kNow;
    alarm.p = 0.001;
    alarm.threshold = 0.01;
    alarm.tests = 2;
    alarm.reasoning = "levels moved";
    alarm.nodes = "[\"1\"]";
    alarm.evidence = "[]";
    return alarm;
  }
  Result<bool> Change(std::int64_t alarm,
                      AlarmChange::Action action,
                      std::optional<std::string> note = std::nullopt,
                      std::uint64_t until_ms = 0,
                      bool relearn = true) {
    return writer_->ChangeAlarm({alarm, action, std::move(note), until_ms, relearn, kNow, "op"});
  }
  DriftAlarmRow Alarm(std::int64_t id) {
    const auto alarm = OpenDrift()->ReadAlarm(id);
    EXPECT_TRUE(alarm.ok());
    return alarm.ok() ? *alarm : DriftAlarmRow();
  }
  using Action = AlarmChange::Action;
};

TEST_F(DriftLooksTest, ALookIsKeptWithItsBlocksAndAlarms) {
  const auto blocks = Complete();
  ASSERT_EQ(blocks.size(), 2U);
  DriftLookPut put = LookAt(blocks);
  put.alarms = {AlarmOf(1)};
  const std::int64_t look = Put(put);
  EXPECT_TRUE(Complete().empty());
  auto reader = OpenDrift();
  const auto again = reader->ReadLooked(look, kDay);
  ASSERT_TRUE(again.ok());
  ASSERT_EQ(again->size(), 2U);
  EXPECT_EQ((*again)[0].block, blocks[0].block);
  EXPECT_EQ((*again)[1].block, blocks[1].block);
  const auto open = reader->ReadUnresolved();
  ASSERT_TRUE(open.ok());
  ASSERT_EQ(open->size(), 1U);
  EXPECT_EQ((*open)[0].look, look);
  EXPECT_EQ((*open)[0].subject, 1U);
  EXPECT_EQ((*open)[0].p, 0.001);
  EXPECT_EQ((*open)[0].reasoning, "levels moved");
  EXPECT_EQ((*open)[0].state, AlarmState::kOpen);
  EXPECT_EQ(reader->ReadLooks(0, 5)->front().blocks, 2U);
  EXPECT_EQ(reader->ReadAlarmsOf(look)->size(), 1U);
  EXPECT_EQ(reader->CountOpen(kDay).value_or(0), 2U) << "the second day's";
}

TEST_F(DriftLooksTest, WhatComesForALookedBlockIsLate) {
  Put(LookAt(Complete()));
  Commit(BatchOf({Sketch(1, 3, 50, 50)}));
  EXPECT_EQ(Query("SELECT windows * 10 + late FROM drift_block WHERE node = 1 AND look NOT NULL"),
            1001);
  EXPECT_EQ(Total("late"), 1U);
  // Nor does a block begin before one that was looked at.
  RecordRow old = Sketch(1, 0, 5, 5);
  old.header.block.begin_ms -= 86'400'000;
  Commit(BatchOf({old}));
  EXPECT_EQ(Total("late"), 2U);
  EXPECT_EQ(Query("SELECT count(*) FROM drift_block"), 4);
}

TEST_F(DriftLooksTest, WhatCameSinceTheBlockWasReadIsLateAndTheBlockStaysAsItWasJudged) {
  const auto blocks = Complete();
  Commit(BatchOf({Sketch(1, 5, 500, 500)}));
  RecordRow before = Sketch(2, 0, 7, 7);
  before.header.block.begin_ms -= 86'400'000;
  Commit(BatchOf({before}));
  const std::int64_t look = Put(LookAt(blocks));
  const auto again = OpenDrift()->ReadLooked(look, kDay);
  ASSERT_TRUE(again.ok());
  ASSERT_EQ(again->size(), 2U) << "without the one that was passed over";
  EXPECT_EQ((*again)[0].block, blocks[0].block);
  EXPECT_EQ((*again)[1].block, blocks[1].block);
  EXPECT_EQ(Query("SELECT late FROM drift_block WHERE node = 1 AND look NOT NULL"), 1);
  EXPECT_EQ(Query("SELECT role FROM drift_block WHERE node = 2 AND windows = 14"), 3);
  EXPECT_EQ(Total("passed_blocks"), 1U);
}

TEST_F(DriftLooksTest, AFailedLookLeavesNothing) {
  const auto blocks = Complete();
  DriftLookPut put = LookAt(blocks);
  for (int i = 0; i < 200; ++i) {
    put.alarms.push_back(AlarmOf(1));
    put.alarms.back().evidence.assign(4000, ' ');
  }
  ASSERT_TRUE(writer_->SetMaxBytes(1).ok());
  EXPECT_EQ(writer_->PutLook(put).status().code(), Code::kResourceExhausted);
  EXPECT_EQ(Query("SELECT count(*) FROM drift_look"), 0);
  EXPECT_EQ(Query("SELECT count(*) FROM drift_alarm"), 0);
  EXPECT_EQ(Complete().size(), 2U);
  ASSERT_TRUE(writer_->SetMaxBytes(1U << 30U).ok());
  Put(put);
  EXPECT_EQ(Query("SELECT count(*) FROM drift_alarm"), 200);
}

TEST_F(DriftLooksTest, AStandingAlarmTellsMoreNodesAndAResolvedOneNoMore) {
  DriftLookPut put = LookAt(Complete());
  put.alarms = {AlarmOf(1), AlarmOf(2)};
  Put(put);
  const std::string before = Alarm(2).nodes;
  ASSERT_TRUE(Change(2, Action::kResolve).ok());
  put = {};
  put.told = {{1, "[\"1\",\"7\"]"}, {2, "[\"8\"]"}};
  Put(put);
  EXPECT_EQ(Alarm(1).nodes, "[\"1\",\"7\"]");
  EXPECT_EQ(Alarm(2).nodes, before);
}

TEST_F(DriftLooksTest, AnAlarmGoesThroughItsStatesAndTheLogSaysWhoDidIt) {
  DriftLookPut put = LookAt(Complete());
  put.alarms = {AlarmOf(1)};
  Put(put);
  EXPECT_EQ(Change(77, Action::kAcknowledge).status().code(), Code::kNotFound);
  EXPECT_TRUE(Change(1, Action::kAcknowledge, "seen").value_or(false));
  EXPECT_FALSE(Change(1, Action::kAcknowledge).value_or(true)) << "it is already";
  EXPECT_EQ(Alarm(1).state, AlarmState::kAcknowledged);
  EXPECT_EQ(Alarm(1).note, "seen");
  EXPECT_EQ(Alarm(1).acknowledged_ms, kNow);
  EXPECT_TRUE(Change(1, Action::kSilence, std::nullopt, kNow + 500).value_or(false));
  EXPECT_EQ(Alarm(1).state, AlarmState::kSilenced);
  EXPECT_EQ(Alarm(1).silenced_until_ms, kNow + 500);
  EXPECT_EQ(Alarm(1).note, "seen") << "the former stays";
  EXPECT_TRUE(Change(1, Action::kResolve, "cable").value_or(false));
  EXPECT_EQ(Alarm(1).state, AlarmState::kResolved);
  EXPECT_EQ(Alarm(1).resolved_ms, kNow);
  EXPECT_EQ(Change(1, Action::kSilence).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(Query("SELECT count(*) FROM audit_log WHERE operator = 'op' AND device = 1"), 3);
  EXPECT_EQ(Query("SELECT count(*) FROM audit_log WHERE action = 'drift.resolve' AND detail ="
                  " 'alarm 1, to be learned anew: cable'"),
            1);
  EXPECT_TRUE(OpenDrift()->ReadUnresolved()->empty());
}

TEST_F(DriftLooksTest, TheStepsTellWhenSubjectsWereLearnedAnew) {
  DriftLookPut put = LookAt(Complete(), BlockRole::kReference);
  put.alarms = {AlarmOf(1), AlarmOf(2)};
  const std::int64_t first = Put(put);
  ASSERT_TRUE(Change(1, Action::kResolve).ok());
  ASSERT_TRUE(Change(2, Action::kResolve, std::nullopt, 0, false).ok());
  {
    const auto steps = OpenDrift()->ReadSteps();
    ASSERT_TRUE(steps.ok());
    ASSERT_EQ(steps->size(), 2U);
    EXPECT_EQ((*steps)[0].look, first);
    EXPECT_TRUE((*steps)[0].relearned.empty());
    EXPECT_EQ((*steps)[1].look, 0);
    ASSERT_EQ((*steps)[1].relearned.size(), 1U) << "only the one that asked for it";
  }
  Commit(BatchOf({Sketch(1, 50, 1, 1), Sketch(2, 50, 1, 1)}));
  put = LookAt(Complete());
  put.relearned = {1};
  const std::int64_t second = Put(put);
  const auto steps = OpenDrift()->ReadSteps();
  ASSERT_EQ(steps->size(), 3U);
  EXPECT_EQ((*steps)[1].look, second);
  ASSERT_EQ((*steps)[1].relearned.size(), 1U);
  EXPECT_EQ((*steps)[1].relearned[0].id, 1);
  EXPECT_TRUE((*steps)[2].relearned.empty());
}

TEST_F(DriftLooksTest, ASilenceThatIsOverEndsTheAlarm) {
  DriftLookPut put = LookAt(Complete());
  put.alarms = {AlarmOf(1), AlarmOf(2)};
  Put(put);
  ASSERT_TRUE(Change(1, Action::kSilence, std::nullopt, kNow - 1).ok());
  ASSERT_TRUE(Change(2, Action::kSilence, std::nullopt, kNow + 1).ok());
  put = LookAt({});
  put.unsilenced = {1, 2};  // an operator prolonged the second meanwhile
  Put(put);
  EXPECT_EQ(Alarm(1).state, AlarmState::kResolved);
  EXPECT_EQ(Alarm(2).state, AlarmState::kSilenced);
}

TEST_F(DriftLooksTest, TheReferencesSpanIsThatOfTheNewestReferenceBlocks) {
  Put(LookAt(Complete(), BlockRole::kReference));
  Commit(BatchOf({Sketch(1, 50, 1, 1)}));
  Put(LookAt(Complete(), BlockRole::kReference));
  auto reader = OpenDrift();
  auto span = reader->ReadReferenceSpan(NodeId(1), kPackage, kDay, UINT32_MAX * 1000ULL, 5);
  ASSERT_TRUE(span.ok() && span->has_value());
  EXPECT_EQ((*span)->begin_ms, kBegin);
  EXPECT_EQ((*span)->end_ms, kBegin + 2 * 86'400'000ULL);
  span = reader->ReadReferenceSpan(NodeId(1), kPackage, kDay, UINT32_MAX * 1000ULL, 1);
  EXPECT_EQ((*span)->begin_ms, kBegin + 86'400'000ULL);
  span = reader->ReadReferenceSpan(NodeId(1), kPackage, kDay, kBegin + 1, 5);
  EXPECT_EQ((*span)->end_ms, kBegin + 86'400'000ULL);
  EXPECT_FALSE(reader->ReadReferenceSpan(NodeId(3), kPackage, kDay, kNow * 2, 5)->has_value());
}

TEST_F(DriftLooksTest, AuditedFramesAreFoundByNodePackageAndTime) {
  std::vector<RecordRow> rows;
  for (std::uint32_t i = 1; i <= 5; ++i) {
    RecordRow row = Row(1, 100 + i);
    row.header.audit = i != 2;
    row.header.package_hash = i == 3 ? PackageHash(9) : kPackage;
    rows.push_back(row);
  }
  Commit(BatchOf(rows));
  const auto read = [&](std::uint64_t begin, std::uint64_t end, std::size_t limit) {
    std::string all;
    EXPECT_TRUE(OpenDrift()
                    ->ReadFrames(NodeId(1),
                                 kPackage,
                                 {begin, end},
                                 limit,
                                 [&](std::string_view s) { all += s.back(); })
                    .ok());
    return all;
  };
  EXPECT_EQ(read(0, kNow, 9), "541");
  EXPECT_EQ(read(0, kNow, 2), "54");
  EXPECT_EQ(read(1'700'000'104'000, 1'700'000'105'000, 9), "4");
}

TEST_F(DriftLooksTest, RetentionKeepsReferencesOpenBlocksAndWhereEachNodeStands) {
  Put(LookAt(Complete(), BlockRole::kReference));
  for (std::uint64_t day = 2; day <= 12; ++day) {
    Commit(BatchOf({Sketch(1, 24 * day, 1, 1), Sketch(2, 24 * day, 1, 1)}));
    Put(LookAt(Complete()));
  }
  ASSERT_EQ(Query("SELECT count(*) FROM drift_block"), 26);
  RetentionPolicy policy;
  policy.drift = kDay;
  ASSERT_TRUE(writer_->Retain(policy, kNow + 86'400'001).ok());
  // Of each node: the reference, the newest eight of eleven that were compared, the open one.
  EXPECT_EQ(Query("SELECT count(*) FROM drift_block"), 20);
  EXPECT_EQ(Query("SELECT count(*) FROM drift_block WHERE role = 1"), 2);
  EXPECT_EQ(Query("SELECT count(*) FROM drift_block WHERE look IS NULL"), 2);
  EXPECT_EQ(Query("SELECT count(*) FROM drift_look"), 9);
  EXPECT_EQ(Query("SELECT value FROM retention WHERE name = 'drift_blocks'"), 6);
}

}  // namespace
}  // namespace trib::cloud::store
