// The records of NodeLoop: what is told of its windows, when, and what was spent on them.
#include <algorithm>
#include <array>
#include <bit>
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

constexpr const energy::EnergyTable<float>& kBoard = energy::kStm32L4R5<float>;
constexpr energy::WindowCycles kCycles = energy::kCortexM4Cycles;

}  // namespace

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

void NodeLoop::OpenBlock() {
  KeepTime(ports_.clock.Now());
  block_ = policy_.BlockAt(ports_.clock.Now());
  block_open_ = true;
}

void NodeLoop::CountInSketch(const cascade::TriggerResult& result, const Look& look) {
  std::array<float, message::kMaxFeatures> standard{};
  const std::size_t count = armed() ? frame_.values.size() : 0;
  for (std::size_t i = 0; i < count; ++i) {
    standard[i] = baseline().Standardise(i, frame_.values[i]);
  }
  const sketch::SketchBuilder::Values values{
      .frame = std::span(standard).first(count),
      .trigger_score = result.score,
      .confidence =
          look.answer ? look.answer->confidence : std::numeric_limits<float>::quiet_NaN()};
  sketch_.AddWindow(result.over, values);
  WatchDrift(values.frame, values.confidence);
}

/// What an episode does to features and confidence is no drift, and without the baseline that the
/// package asks for nobody knows what is healthy.
void NodeLoop::WatchDrift(std::span<const float> standardised, float confidence) {
  if (standing() || (package_.trigger && !armed())) {
    return;
  }
  const std::uint32_t flags = drift_.Step(standardised, confidence);
  drift_flags_ |= flags;
  drift_in_block_ = drift_in_block_ || flags != 0;
  metrics_.drift_flags += static_cast<std::uint64_t>(std::popcount(flags));
}

void NodeLoop::ReportRecovery(const Context& context) {
  const auto report = policy_.ReportFault(FaultCode::kUnspecified, ports_.clock.Now());
  if (report.code != FaultCode::kUnspecified) {
    RecordFault(report.code, 0, 0, 0, report.windows, context);
  }
}

void NodeLoop::ReportEpisode(bool before,
                             const cascade::TriggerResult& result,
                             const Context& context) {
  const EventState state = cascade::StateOf(before, standing());
  metrics_.episodes += state == EventState::kOnset ? 1U : 0U;
  const bool named = naming_.present();
  // Where the trigger did not judge, for want of a baseline or because this is about an earlier
  // window, it has nothing new to say about its episode.
  const bool speaks = named || state == EventState::kCleared || result.score >= 0;
  const bool news = named && naming_.answer().label != event_label_ &&
                    (event_label_ == package_.alarm_label() || IsVerdict(context.tier));
  if (!speaks || !policy_.ReportEvent(state, ports_.clock.Now(), news)) {
    return;
  }
  Context by = context;
  by.tier = named ? naming_.answer().tier : context.tier;
  if (!named && state != EventState::kCleared) {
    by.tier = Tier::kTrigger;  // a network that calls it normal does not call it off
    event_label_ = package_.alarm_label();
  } else if (named) {
    event_label_ = naming_.answer().label;
  }
  BeginRecord(RecordKind::kEvent, by);
  record_.event.state = state;
  record_.event.label = event_label_;
  record_.event.confidence = EventConfidence(result);
  if (named) {
    record_.event.scores = naming_.answer().scores;
  }
  record_.event.severity = result.severity;
  record_.event.windows = std::max(result.windows, named ? naming_.windows() : 0);
  if (result.score >= 0) {
    record_.event.top = trigger_.Top(frame_.values.span(), baseline());
  }
  record_.event.distance = result.distance;
  record_.event.actuator = static_cast<std::uint32_t>(context.actuator);
  ++metrics_.events;
  EndRecord();
}

float NodeLoop::EventConfidence(const cascade::TriggerResult& result) const {
  if (naming_.present() || !armed() || !(result.score >= 0)) {
    return naming_.answer().confidence;
  }
  // Of the trigger alone: how far beyond the threshold, 0.5 at it.
  return result.score / (result.score + trigger_.threshold(condition_));
}

void NodeLoop::ReportRules(const cascade::RuleOutcome& outcome, const Context& context) {
  if (standing()) {
    rule_windows_ = 0;  // the episode speaks, and carries the actuator's state
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

void NodeLoop::SpendOnWindow(const Context& context) {
  if (!context.cut) {
    return;
  }
  const dsp::Recipe& recipe = package_.recipe;
  const auto rate = static_cast<float>(recipe.sample_rate_hz);
  const float seconds = static_cast<float>(recipe.hop_frames) / rate;
  // In the pause of a hop beyond the window the sensor is off.
  const float sensing =
      static_cast<float>(std::min(recipe.hop_frames, recipe.window_frames)) / rate;
  const std::uint32_t samples = recipe.window_frames * recipe.channels;
  energy_.Add(Category::kSense, ToNanojoules(energy::SenseEnergy(kBoard, sensing)));
  energy_.Add(Category::kSleep, ToNanojoules(energy::SleepEnergy(kBoard, seconds)));
  const Peripherals peripherals = ports_.power.peripherals();
  energy_.Add(Category::kPeripherals,
              ToNanojoules(energy::PeripheralEnergy(kBoard, peripherals.on, seconds)));
  energy_.AddSaved(ToNanojoules(energy::PeripheralEnergy(kBoard, peripherals.off, seconds)));
  energy_.AddTime(std::uint64_t{recipe.hop_frames} * 1'000'000 / recipe.sample_rate_hz);
  std::uint32_t trigger_cycles = samples * kCycles.guardrail_per_sample;
  if (context.extracted) {
    energy_.Add(Category::kFeatures,
                ToNanojoules(energy::CycleEnergy(kBoard, samples * kCycles.feature_per_sample)));
    trigger_cycles +=
        static_cast<std::uint32_t>(frame_.values.size()) * kCycles.trigger_per_feature;
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
    case RecordKind::kActivation:
      record_.activation = {};
      break;
    case RecordKind::kNone:
      break;
  }
}

bool NodeLoop::EndRecord() {
  const bool stored = uplink_.Append(record_).ok();
  ++(stored ? metrics_.records : metrics_.records_failed);
  return stored;
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

void NodeLoop::CloseBlock() {
  if (!block_open_) {
    return;
  }
  block_open_ = false;
  Context context;
  context.tier = TierAtRest();
  context.flags = message::record_flag::kPeriodic;
  context.flags |= drift_in_block_ ? message::record_flag::kDrift : 0;
  drift_in_block_ = false;
  BeginRecord(RecordKind::kSketch, context);
  record_.header.block = block_;
  record_.sketch = sketch_.sketch();
  sketch_.Reset();
  EndRecord();
}

void NodeLoop::RecordStatus() {
  Context context;
  context.tier = TierAtRest();
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
  status.commissioning_permille = commissioning_permille();
  status.velocity_mm_s = severity_.velocity_mm_s();
  status.zone = severity_.zone();
  status.commissioning = learner_.state(condition_);
  status.commissioning_refusals = learner_.refusals();
  status.commissioning_reason = learner_.reason();
  status.baselines = learner_.baselines();
  status.hardware_class = static_cast<std::uint32_t>(config_.hardware_class);
  status.messages_refused = uplink.malformed + uplink.misaddressed + uplink.stale +
                            uplink.oversized + metrics_.downlink_refused + RefusedVerdicts();
  status.drift_flags = drift_flags_;
  drift_flags_ = EndRecord() ? 0 : drift_flags_;
}

}  // namespace trib::node::app
