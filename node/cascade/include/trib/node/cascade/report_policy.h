#pragma once

#include <cstdint>

#include "trib/common/base/time.h"
#include "trib/common/message/types.h"
#include "trib/common/package/sections.h"

namespace trib::node::cascade {

struct ReportSettings {
  Millis status{60'000};     ///< between NodeStatus records
  Millis reminder{600'000};  ///< between repeats while an event or a fault lasts
  Millis block{60'000};      ///< length of a sketch block
  Millis heartbeat{60'000};  ///< between windows that the network looks at, whatever is in them
  std::uint32_t audit_permille = 0;
};

ReportSettings SettingsOf(const package::ExitPolicy& policy);
/// What the operator asked for stands above the package; fields that are zero change nothing.
ReportSettings Override(ReportSettings settings, const message::Configuration& configuration);

/// Says which records leave the node. All times are logical; a clock set backwards counts as an
/// interval passed, so that a correction of the time never silences a node.
///
/// Memory   Inside. Threads  One caller at a time.
class ReportPolicy {
 public:
  ReportPolicy() = default;
  /// `seed` makes the audit choice of this node; equal seeds choose equal windows on every target.
  ReportPolicy(const ReportSettings& settings, std::uint64_t seed)
      : settings_(settings), seed_(seed) {}

  void Change(const ReportSettings& settings) { settings_ = settings; }
  [[nodiscard]] const ReportSettings& settings() const { return settings_; }

  /// True for about audit_permille of a thousand windows, whatever is in them.
  [[nodiscard]] bool Audited(std::uint64_t window_index) const;

  /// Whether this state of the trigger becomes an Event now: onset and clearing always, a
  /// continuing episode at each reminder, and at once when there is `news` about it.
  bool ReportEvent(message::EventState state, LogicalTime now, bool news = false);

  /// Whether no window has been decided on in full for a heartbeat, or ever.
  [[nodiscard]] bool HeartbeatDue(LogicalTime now) const;
  /// The network has looked at a window.
  void NoteHeartbeat(LogicalTime now);

  struct FaultReport {
    /// kUnspecified: nothing to report. kSensorRecovered after the last bad window.
    message::FaultCode code = message::FaultCode::kUnspecified;
    /// Bad windows of the episode so far.
    std::uint32_t windows = 0;
  };
  /// Takes the guardrails' verdict on each window, good ones as kUnspecified. Reports the first bad
  /// window, a change of code, each reminder, and the recovery.
  FaultReport ReportFault(message::FaultCode verdict, LogicalTime now);
  [[nodiscard]] message::FaultCode fault() const { return fault_; }

  /// True at the first call and then once per status interval.
  bool StatusDue(LogicalTime now);
  /// How long StatusDue() stays false; for sleeping.
  [[nodiscard]] Millis UntilStatus(LogicalTime now) const;

  /// The block that `now` lies in: aligned to multiples of the block length.
  [[nodiscard]] message::BlockInterval BlockAt(LogicalTime now) const;

 private:
  ReportSettings settings_;
  std::uint64_t seed_ = 0;
  LogicalTime last_event_{};
  LogicalTime last_fault_{};
  LogicalTime last_status_{};
  LogicalTime last_heartbeat_{};
  message::FaultCode fault_ = message::FaultCode::kUnspecified;
  std::uint32_t fault_windows_ = 0;
  bool status_sent_ = false;
  bool heart_has_beaten_ = false;
};

}  // namespace trib::node::cascade
