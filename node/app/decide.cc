// What NodeLoop does with one window, and the records that come of it.
#include <algorithm>
#include <limits>

#include "trib/common/energy/model.h"
#include "trib/node/app/firmware.h"
#include "trib/node/app/node_loop.h"

namespace trib::node::app {
namespace {

using energy::Category;
using energy::ToNanojoules;
using message::CommissioningState;
using message::EventState;
using message::FaultCode;
using message::RecordKind;
using message::Tier;

// Cycles of the awake core, per sample or per window: a model of the M4F build, not a measurement.
constexpr std::uint32_t kGuardrailCyclesPerSample = 30;
constexpr std::uint32_t kFeatureCyclesPerSample = 160;
constexpr std::uint32_t kTriggerCyclesPerFeature = 120;

constexpr const energy::EnergyTable<float>& kBoard = energy::kStm32L4R5<float>;

}  // namespace

void NodeLoop::Decide(const sensing::CutWindow& window) {
  ++metrics_.windows;
  Context context;
  context.first_frame = window.first_frame;
  context.condition = window.condition;
  condition_ = window.condition;
  context.flags = window.after_gap ? message::record_flag::kAfterGap : 0;
  const sensing::GuardrailVerdict verdict = sensing::Judge(window, package_.guardrails);
  const cascade::WindowStatistics statistics =
      cascade::Measure(window.samples, window.channels, window.scale);
  frame_ = {};
  if (!verdict.ok()) {
    SpendOnWindow(false);
    DecideBad(verdict, statistics, context);
    return;
  }
  if (package_.present) {
    dsp::Window input;
    input.samples = window.samples;
    input.channels = window.channels;
    input.frames = package_.recipe.window_frames;
    input.scale = window.scale;
    input.sample_rate_hz = package_.recipe.sample_rate_hz;
    input.first_frame = window.first_frame;
    input.flags = window.after_gap ? dsp::window_flag::kAfterGap : 0;
    if (!features_.Extract(input, frame_).ok()) {
      SpendOnWindow(true);
      DecideBad({.code = FaultCode::kSensorNonFinite}, statistics, context);
      return;
    }
  }
  SpendOnWindow(package_.present);
  DecideGood(statistics, context);
}

void NodeLoop::SetActuator(ActuatorState state, Context& context) {
  context.actuator = state;
  ports_.actuator.Set(state);
}

void NodeLoop::DecideBad(const sensing::GuardrailVerdict& verdict,
                         const cascade::WindowStatistics& statistics,
                         Context& context) {
  // An alarm that stands is not called off by a window that says nothing about the machine.
  const ActuatorState standing =
      trigger_.active() ? package_.alarm_state() : ActuatorState::kNormal;
  const cascade::RuleOutcome outcome = cascade::Evaluate(package_.rules, statistics, verdict.code);
  SetActuator(cascade::Worse(standing, outcome.state), context);
  context.tier = Tier::kFallback;
  context.flags |= message::record_flag::kFallbackRules;
  ++metrics_.windows_invalid;
  if (package_.present) {
    learner_.CountRefused(context.condition);
  }
  KeepTime(ports_.clock.Now());
  block_ = policy_.BlockAt(ports_.clock.Now());
  block_open_ = true;
  sketch_.AddInvalid(Tier::kFallback);
  const auto report = policy_.ReportFault(verdict.code, ports_.clock.Now());
  if (report.code != FaultCode::kUnspecified) {
    RecordFault(report.code, 0, verdict.channel, verdict.value, report.windows, context);
  }
}

/// The worse of the rules' outcome and what the zone asks for.
cascade::RuleOutcome NodeLoop::JudgeSeverity(cascade::RuleOutcome outcome) {
  if (!severity_.present()) {
    return outcome;
  }
  severity_.Add(frame_.values[severity_.spec().feature]);
  const cascade::RuleOutcome zone = severity_.outcome();
  return zone.state > outcome.state ? zone : outcome;
}

void NodeLoop::DecideGood(const cascade::WindowStatistics& statistics, Context& context) {
  const cascade::RuleOutcome outcome =
      JudgeSeverity(cascade::Evaluate(package_.rules, statistics, FaultCode::kUnspecified));
  cascade::TriggerResult result;
  // Out of every bin unless the trigger ran.
  result.score = std::numeric_limits<float>::quiet_NaN();
  ActuatorState state = outcome.state;
  const bool decides = armed();
  if (decides) {
    result = trigger_.Step(frame_.values.span(), baseline(), condition_);
    context.tier = Tier::kTrigger;
    metrics_.windows_triggered += result.over ? 1U : 0U;
    if (result.active && result.state != EventState::kCleared) {
      state = cascade::Worse(state, package_.alarm_state());
    }
  } else {
    context.tier = Tier::kFallback;
    context.flags |= message::record_flag::kFallbackRules;
    if (trigger_.active()) {
      // An alarm that stands is not called off where nothing is known yet.
      state = cascade::Worse(state, package_.alarm_state());
    }
  }
  SetActuator(state, context);
  KeepTime(ports_.clock.Now());
  CountInSketch(result, context);
  ReportRecovery(context);
  ReportTrigger(result, context);
  ReportRules(outcome, context);
  if (package_.present && policy_.Audited(metrics_.windows - 1)) {
    RecordAudit(decides ? result.score : 0.0F, context);
  }
  if (package_.present && !decides) {
    Learn(context);
  }
}

void NodeLoop::Learn(const Context& context) {
  const Learner::Report report = learner_.Learn(condition_, frame_.values.span());
  if (report.code != FaultCode::kUnspecified) {
    RecordLearning(report, context);
  }
}

void NodeLoop::RecordLearning(const Learner::Report& report, Context context) {
  context.condition = report.condition;
  RecordFault(report.code, report.detail, report.feature, report.value, report.windows, context);
}

void NodeLoop::CountInSketch(const cascade::TriggerResult& result, const Context& context) {
  block_ = policy_.BlockAt(ports_.clock.Now());
  block_open_ = true;
  std::array<float, message::kMaxFeatures> standard{};
  const std::size_t count = armed() ? frame_.values.size() : 0;
  for (std::size_t i = 0; i < count; ++i) {
    standard[i] = baseline().Standardise(i, frame_.values[i]);
  }
  sketch_.AddWindow(context.tier, result.over, std::span(standard).first(count), result.score);
}

void NodeLoop::ReportRecovery(const Context& context) {
  const auto report = policy_.ReportFault(FaultCode::kUnspecified, ports_.clock.Now());
  if (report.code != FaultCode::kUnspecified) {
    RecordFault(report.code, 0, 0, 0, report.windows, context);
  }
}

void NodeLoop::ReportTrigger(const cascade::TriggerResult& result, const Context& context) {
  metrics_.episodes += result.state == EventState::kOnset ? 1U : 0U;
  if (!policy_.ReportEvent(result.state, ports_.clock.Now())) {
    return;
  }
  BeginRecord(RecordKind::kEvent, context);
  record_.event.state = result.state;
  record_.event.label = package_.alarm_label();
  // Of the trigger alone: how far beyond the threshold, 0.5 at it.
  record_.event.confidence = result.score / (result.score + trigger_.threshold(condition_));
  record_.event.severity = result.severity;
  record_.event.windows = result.windows;
  record_.event.top = result.top;
  record_.event.distance = result.distance;
  record_.event.actuator = static_cast<std::uint32_t>(context.actuator);
  ++metrics_.events;
  EndRecord();
}

void NodeLoop::ReportRules(const cascade::RuleOutcome& outcome, const Context& context) {
  if (trigger_.active()) {
    rule_windows_ = 0;  // the trigger's episode speaks, and carries the actuator's state
    return;
  }
  EventState state = EventState::kUnspecified;
  if (outcome.state > ActuatorState::kNormal) {
    state = rule_windows_ == 0 ? EventState::kOnset : EventState::kContinuing;
    ++rule_windows_;
  } else if (rule_windows_ > 0) {
    state = EventState::kCleared;
  }
  if (policy_.ReportEvent(state, ports_.clock.Now())) {
    Context by_rules = context;
    by_rules.tier = Tier::kFallback;
    by_rules.flags |= message::record_flag::kFallbackRules;
    BeginRecord(RecordKind::kEvent, by_rules);
    record_.event.state = state;
    record_.event.label = outcome.label;
    record_.event.confidence = 1;
    record_.event.windows = rule_windows_;
    record_.event.actuator = static_cast<std::uint32_t>(context.actuator);
    ++metrics_.events;
    EndRecord();
  }
  if (state == EventState::kCleared) {
    rule_windows_ = 0;
  }
}

void NodeLoop::SpendOnWindow(bool features) {
  const dsp::Recipe& recipe = package_.recipe;
  const auto rate = static_cast<float>(recipe.sample_rate_hz);
  const float seconds = static_cast<float>(recipe.hop_frames) / rate;
  // In the pause of a hop beyond the window the sensor is off.
  const float sensing =
      static_cast<float>(std::min(recipe.hop_frames, recipe.window_frames)) / rate;
  const std::uint32_t samples = recipe.window_frames * recipe.channels;
  energy_.Add(Category::kSense, ToNanojoules(energy::SenseEnergy(kBoard, sensing)));
  energy_.Add(Category::kSleep, ToNanojoules(energy::SleepEnergy(kBoard, seconds)));
  std::uint32_t trigger_cycles = samples * kGuardrailCyclesPerSample;
  if (features) {
    energy_.Add(Category::kFeatures,
                ToNanojoules(energy::CycleEnergy(kBoard, samples * kFeatureCyclesPerSample)));
    trigger_cycles += static_cast<std::uint32_t>(frame_.values.size()) * kTriggerCyclesPerFeature;
  }
  energy_.Add(Category::kTrigger, ToNanojoules(energy::CycleEnergy(kBoard, trigger_cycles)));
}

void NodeLoop::BeginRecord(RecordKind kind, const Context& context) {
  const LogicalTime now = ports_.clock.Now();
  message::RecordHeader& header = record_.header;
  header = {};
  header.key = {config_.node, identity_.epoch, identity_.boot, ++sequence_};
  header.time = now;
  header.sample_index = context.first_frame;
  header.package_hash = package_.hash;
  header.recipe_id = package_.recipe_id;
  header.tier = context.tier;
  header.block = policy_.BlockAt(now);
  header.flags = context.flags;
  header.flags |= package_.present ? 0 : message::record_flag::kNoPackage;
  header.flags |= ports_.clock.synchronised() ? 0 : message::record_flag::kTimeUnsynced;
  header.flags |=
      package_.present && learner_.state(context.condition) == CommissioningState::kLearning
          ? message::record_flag::kCommissioning
          : 0;
  header.condition = context.condition;
  header.energy_nj = energy_.TakeSinceLast();
  header.firmware_version = kFirmwareVersion;
  header.reset_reason = static_cast<message::ResetReason>(ports_.power.reset_cause());
  record_.kind = kind;
  switch (kind) {
    case RecordKind::kEvent:
      record_.event = {};
      record_.event.velocity_mm_s = severity_.velocity_mm_s();
      record_.event.zone = severity_.zone();
      break;
    case RecordKind::kSketch:
      record_.sketch = {};
      break;
    case RecordKind::kFeatureFrame:
      record_.feature_frame = {};
      break;
    case RecordKind::kFault:
      record_.fault = {};
      break;
    case RecordKind::kStatus:
      record_.status = {};
      break;
    case RecordKind::kNone:
    case RecordKind::kActivation:
      break;
  }
}

void NodeLoop::EndRecord() {
  if (uplink_.Append(record_).ok()) {
    ++metrics_.records;
  } else {
    ++metrics_.records_failed;
  }
}

void NodeLoop::RecordFault(FaultCode code,
                           std::uint32_t detail,
                           std::uint32_t channel,
                           float value,
                           std::uint32_t windows,
                           const Context& context) {
  BeginRecord(RecordKind::kFault, context);
  record_.fault.code = code;
  record_.fault.channel = channel;
  record_.fault.detail = detail;
  record_.fault.value = value;
  record_.fault.windows = windows;
  record_.fault.actuator = static_cast<std::uint32_t>(context.actuator);
  ++metrics_.faults;
  EndRecord();
}

void NodeLoop::RecordAudit(float score, const Context& context) {
  BeginRecord(RecordKind::kFeatureFrame, context);
  record_.header.audit = true;
  record_.feature_frame = frame_;
  record_.feature_frame.score = score;
  EndRecord();
}

void NodeLoop::CloseBlock() {
  if (!block_open_) {
    return;
  }
  block_open_ = false;
  Context context;
  context.tier = armed() ? Tier::kTrigger : Tier::kFallback;
  context.flags = message::record_flag::kPeriodic;
  BeginRecord(RecordKind::kSketch, context);
  record_.header.block = block_;
  record_.sketch = sketch_.sketch();
  sketch_.Reset();
  EndRecord();
}

void NodeLoop::RecordStatus() {
  Context context;
  context.tier = armed() ? Tier::kTrigger : Tier::kFallback;
  context.flags = message::record_flag::kPeriodic;
  BeginRecord(RecordKind::kStatus, context);
  message::NodeStatus& status = record_.status;
  const uplink::BacklogMetrics& backlog = backlog_.metrics();
  const uplink::UplinkMetrics& uplink = uplink_.metrics();
  status.uptime_ms = static_cast<std::uint64_t>((ports_.clock.Monotonic() - started_).count());
  status.windows = metrics_.windows;
  status.windows_invalid = metrics_.windows_invalid;
  status.windows_triggered = metrics_.windows_triggered;
  status.events = metrics_.events;
  status.records = metrics_.records + 1;  // this one included
  for (std::size_t i = 0; i < message::kPriorityCount; ++i) {
    status.records_dropped[i] = backlog.dropped[i];
  }
  status.backlog_records = backlog.records;
  status.backlog_bytes = backlog.record_bytes;
  status.bytes_sent = uplink.bytes_sent;
  status.bytes_raw = metrics_.bytes_raw;
  status.energy_nj = energy_.total_nj();
  status.package_digest = package_.digest;
  status.commissioning_permille = baseline().permille();
  status.velocity_mm_s = severity_.velocity_mm_s();
  status.zone = severity_.zone();
  status.commissioning = learner_.state(condition_);
  status.commissioning_refusals = learner_.refusals();
  status.commissioning_reason = learner_.reason();
  status.baselines = learner_.baselines();
  status.hardware_class = static_cast<std::uint32_t>(config_.hardware_class);
  status.messages_refused = uplink.malformed + uplink.misaddressed + uplink.stale +
                            uplink.oversized + metrics_.downlink_refused;
  EndRecord();
}

}  // namespace trib::node::app
