#include "trib/node/cascade/report_policy.h"

#include <gtest/gtest.h>

#include <vector>

namespace trib::node::cascade {
namespace {

using message::EventState;
using message::FaultCode;

LogicalTime Logical(std::int64_t ms) {
  return LogicalTime(Millis(ms));
}

ReportSettings Settings() {
  return {.status = Millis(1000),
          .reminder = Millis(5000),
          .block = Millis(2000),
          .audit_permille = 20};
}

TEST(ReportPolicy, DrawsTheSameAuditSampleForTheSameSeed) {
  const ReportPolicy a(Settings(), 42);
  const ReportPolicy b(Settings(), 42);
  const ReportPolicy other(Settings(), 43);
  int drawn = 0;
  int differ = 0;
  std::vector<std::uint64_t> first;
  for (std::uint64_t window = 0; window < 100'000; ++window) {
    EXPECT_EQ(a.Audited(window), b.Audited(window));
    drawn += a.Audited(window) ? 1 : 0;
    differ += a.Audited(window) != other.Audited(window) ? 1 : 0;
    if (a.Audited(window) && first.size() < 4) {
      first.push_back(window);
    }
  }
  EXPECT_NEAR(drawn, 2000, 200);  // 4.5 standard deviations of the binomial
  EXPECT_GT(differ, 3000);
  // Golden: the choice may not change between targets or releases.
  EXPECT_EQ(first, (std::vector<std::uint64_t>{80, 145, 171, 215}));
}

TEST(ReportPolicy, AuditsNothingOrEverythingAtTheEnds) {
  ReportSettings settings = Settings();
  settings.audit_permille = 0;
  const ReportPolicy none(settings, 1);
  settings.audit_permille = 1000;
  const ReportPolicy all(settings, 1);
  for (std::uint64_t window = 0; window < 10'000; ++window) {
    EXPECT_FALSE(none.Audited(window));
    EXPECT_TRUE(all.Audited(window));
  }
}

TEST(ReportPolicy, ReportsOnsetRemindersAndClearing) {
  ReportPolicy policy(Settings(), 1);
  EXPECT_FALSE(policy.ReportEvent(EventState::kUnspecified, Logical(0)));
  EXPECT_TRUE(policy.ReportEvent(EventState::kOnset, Logical(100)));
  EXPECT_FALSE(policy.ReportEvent(EventState::kContinuing, Logical(5099)));
  EXPECT_TRUE(policy.ReportEvent(EventState::kContinuing, Logical(5100)));
  EXPECT_FALSE(policy.ReportEvent(EventState::kContinuing, Logical(5200)));
  EXPECT_TRUE(policy.ReportEvent(EventState::kContinuing, Logical(10)));  // clock set back
  EXPECT_FALSE(policy.ReportEvent(EventState::kContinuing, Logical(20)));
  EXPECT_TRUE(policy.ReportEvent(EventState::kCleared, Logical(30)));
}

TEST(ReportPolicy, ReportsTheFirstBadWindowRemindersAndRecovery) {
  ReportPolicy policy(Settings(), 1);
  EXPECT_EQ(policy.ReportFault(FaultCode::kUnspecified, Logical(0)).code, FaultCode::kUnspecified);
  EXPECT_EQ(policy.ReportFault(FaultCode::kSensorStuck, Logical(0)).code, FaultCode::kSensorStuck);
  EXPECT_EQ(policy.ReportFault(FaultCode::kSensorStuck, Logical(4999)).code,
            FaultCode::kUnspecified);
  const auto reminder = policy.ReportFault(FaultCode::kSensorStuck, Logical(5000));
  EXPECT_EQ(reminder.code, FaultCode::kSensorStuck);
  EXPECT_EQ(reminder.windows, 3U);
  const auto other = policy.ReportFault(FaultCode::kSensorClipped, Logical(5001));
  EXPECT_EQ(other.code, FaultCode::kSensorClipped);
  EXPECT_EQ(other.windows, 4U);
  EXPECT_EQ(policy.fault(), FaultCode::kSensorClipped);
  const auto recovered = policy.ReportFault(FaultCode::kUnspecified, Logical(5002));
  EXPECT_EQ(recovered.code, FaultCode::kSensorRecovered);
  EXPECT_EQ(recovered.windows, 4U);
  EXPECT_EQ(policy.ReportFault(FaultCode::kUnspecified, Logical(5003)).code,
            FaultCode::kUnspecified);
  EXPECT_EQ(policy.ReportFault(FaultCode::kSensorStuck, Logical(5004)).windows, 1U);
}

TEST(ReportPolicy, SendsStatusAtOnceAndThenAtTheInterval) {
  ReportPolicy policy(Settings(), 1);
  EXPECT_EQ(policy.UntilStatus(Logical(0)), Millis(0));
  EXPECT_TRUE(policy.StatusDue(Logical(500)));
  EXPECT_FALSE(policy.StatusDue(Logical(1499)));
  EXPECT_EQ(policy.UntilStatus(Logical(1499)), Millis(1));
  EXPECT_TRUE(policy.StatusDue(Logical(1500)));
  EXPECT_TRUE(policy.StatusDue(Logical(0)));  // clock set back
}

TEST(ReportPolicy, TheHeartIsDueAtFirstAndThenAnIntervalAfterEachBeat) {
  ReportSettings settings = Settings();
  settings.heartbeat = Millis(3'000);
  ReportPolicy policy(settings, 1);
  EXPECT_TRUE(policy.HeartbeatDue(Logical(10)));
  EXPECT_TRUE(policy.HeartbeatDue(Logical(10))) << "asking is not beating";
  policy.NoteHeartbeat(Logical(10));
  EXPECT_FALSE(policy.HeartbeatDue(Logical(3'009)));
  policy.NoteHeartbeat(Logical(2'000));  // a window that was looked at for another reason
  EXPECT_FALSE(policy.HeartbeatDue(Logical(4'999)));
  EXPECT_TRUE(policy.HeartbeatDue(Logical(5'000)));
  EXPECT_TRUE(policy.HeartbeatDue(Logical(1'999))) << "the clock was set back";
}

TEST(ReportPolicy, NewsOfALastingEventWaitForNoReminder) {
  ReportPolicy policy(Settings(), 1);
  EXPECT_TRUE(policy.ReportEvent(EventState::kOnset, Logical(0)));
  EXPECT_FALSE(policy.ReportEvent(EventState::kContinuing, Logical(1)));
  EXPECT_TRUE(policy.ReportEvent(EventState::kContinuing, Logical(2), true));
  EXPECT_FALSE(policy.ReportEvent(EventState::kUnspecified, Logical(3), true)) << "news of nothing";
}

TEST(ReportPolicy, AlignsBlocks) {
  const ReportPolicy policy(Settings(), 1);
  EXPECT_EQ(policy.BlockAt(Logical(0)), (message::BlockInterval{0, 2000}));
  EXPECT_EQ(policy.BlockAt(Logical(1999)), (message::BlockInterval{0, 2000}));
  EXPECT_EQ(policy.BlockAt(Logical(2000)), (message::BlockInterval{2000, 2000}));
}

TEST(ReportSettings, ConfigurationStandsAboveThePackageWhereItSaysSomething) {
  package::ExitPolicy exit;
  exit.status_ms = 10;
  exit.reminder_ms = 20;
  exit.block_ms = 30;
  exit.audit_permille = 40;
  exit.heartbeat_ms = 50;
  const ReportSettings base = SettingsOf(exit);
  EXPECT_EQ(base.heartbeat, Millis(50));
  EXPECT_EQ(base.block, Millis(30));
  const ReportSettings changed = Override(base, {.version = 1, .status_interval_ms = 99});
  EXPECT_EQ(changed.status, Millis(99));
  EXPECT_EQ(changed.reminder, Millis(20));
  EXPECT_EQ(changed.audit_permille, 40U);
  const ReportSettings more =
      Override(base, {.version = 2, .audit_permille = 500, .reminder_ms = 7});
  EXPECT_EQ(more.status, Millis(10));
  EXPECT_EQ(more.reminder, Millis(7));
  EXPECT_EQ(more.audit_permille, 500U);
}

}  // namespace
}  // namespace trib::node::cascade
