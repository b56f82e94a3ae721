#include "trib/node/cascade/report_policy.h"

#include <algorithm>

#include "trib/common/base/random.h"

namespace trib::node::cascade {
namespace {

using message::EventState;
using message::FaultCode;

bool Passed(LogicalTime since, Millis interval, LogicalTime now) {
  return now < since || now - since >= interval;
}

}  // namespace

ReportSettings SettingsOf(const package::ExitPolicy& policy) {
  ReportSettings settings;
  settings.status = Millis(policy.status_ms);
  settings.reminder = Millis(policy.reminder_ms);
  settings.block = Millis(policy.block_ms);
  settings.heartbeat = Millis(policy.heartbeat_ms);
  settings.audit_permille = policy.audit_permille;
  return settings;
}

ReportSettings Override(ReportSettings settings, const message::Configuration& configuration) {
  if (configuration.status_interval_ms != 0) {
    settings.status = Millis(configuration.status_interval_ms);
  }
  if (configuration.reminder_ms != 0) {
    settings.reminder = Millis(configuration.reminder_ms);
  }
  if (configuration.audit_permille != 0) {
    settings.audit_permille = configuration.audit_permille;
  }
  return settings;
}

bool ReportPolicy::Audited(std::uint64_t window_index) const {
  constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15U;
  const std::uint64_t hash = SplitMix64::Mix(seed_ + kGolden * (window_index + 1));
  // The upper half times 1000, rounded down, is uniform over 0 .. 999.
  return (hash >> 32U) * 1000 >> 32U < settings_.audit_permille;
}

bool ReportPolicy::ReportEvent(EventState state, LogicalTime now, bool news) {
  const bool due =
      state == EventState::kOnset || state == EventState::kCleared ||
      (state == EventState::kContinuing && (news || Passed(last_event_, settings_.reminder, now)));
  if (due) {
    last_event_ = now;
  }
  return due;
}

bool ReportPolicy::HeartbeatDue(LogicalTime now) const {
  return !heart_has_beaten_ || Passed(last_heartbeat_, settings_.heartbeat, now);
}

void ReportPolicy::NoteHeartbeat(LogicalTime now) {
  heart_has_beaten_ = true;
  last_heartbeat_ = now;
}

ReportPolicy::FaultReport ReportPolicy::ReportFault(FaultCode verdict, LogicalTime now) {
  if (verdict == FaultCode::kUnspecified) {
    if (fault_ == FaultCode::kUnspecified) {
      return {};
    }
    const FaultReport report{FaultCode::kSensorRecovered, fault_windows_};
    fault_ = FaultCode::kUnspecified;
    fault_windows_ = 0;
    return report;
  }
  const bool due = verdict != fault_ || Passed(last_fault_, settings_.reminder, now);
  fault_ = verdict;
  ++fault_windows_;
  if (!due) {
    return {};
  }
  last_fault_ = now;
  return {verdict, fault_windows_};
}

bool ReportPolicy::StatusDue(LogicalTime now) {
  if (status_sent_ && !Passed(last_status_, settings_.status, now)) {
    return false;
  }
  status_sent_ = true;
  last_status_ = now;
  return true;
}

Millis ReportPolicy::UntilStatus(LogicalTime now) const {
  if (!status_sent_ || now < last_status_) {
    return Millis(0);
  }
  return std::max(Millis(0), settings_.status - (now - last_status_));
}

message::BlockInterval ReportPolicy::BlockAt(LogicalTime now) const {
  const auto length = std::max<std::int64_t>(1, settings_.block.count());
  const std::int64_t at = std::max<std::int64_t>(0, now.time_since_epoch().count());
  message::BlockInterval block;
  block.begin_ms = static_cast<std::uint64_t>(at - at % length);
  block.length_ms = static_cast<std::uint32_t>(length);
  return block;
}

}  // namespace trib::node::cascade
