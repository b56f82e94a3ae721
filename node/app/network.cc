// The network's part of NodeLoop: which windows it looks at, who is asked about its doubts, and
// what becomes of the answers.
#include <algorithm>
#include <limits>
#include <numeric>

#include "trib/common/energy/model.h"
#include "trib/node/app/node_loop.h"

namespace trib::node::app {

using message::RecordKind;
using message::Tier;

namespace {

bool IsClass(const package::ClassifierSpec& spec, std::uint32_t label) {
  return std::ranges::find(spec.labels, label) != spec.labels.end();
}

cascade::Answer AnswerOf(const message::Verdict& verdict, const package::Labels& labels) {
  const package::Label& label = labels.labels[verdict.label];
  cascade::Answer out;
  out.tier = verdict.tier;
  out.label = static_cast<std::uint8_t>(verdict.label);
  out.confidence = std::clamp(verdict.confidence, 0.0F, 1.0F);
  if (verdict.scores.size() == labels.labels.size()) {
    out.scores = verdict.scores;
  }
  out.alarm = label.is_alarm;
  out.actuator =
      label.is_alarm ? static_cast<ActuatorState>(label.actuator) : ActuatorState::kNormal;
  return out;
}

}  // namespace

ActuatorState NodeLoop::StandingState() const {
  const ActuatorState anomaly = trigger_.active() ? package_.alarm_state() : ActuatorState::kNormal;
  return naming_.present() ? cascade::Worse(anomaly, naming_.answer().actuator) : anomaly;
}

Tier NodeLoop::TierAtRest() const {
  if (armed()) {
    return Tier::kTrigger;
  }
  return package_.network && !package_.trigger ? Tier::kClassifier : Tier::kFallback;
}

std::uint32_t NodeLoop::LabelOf(const cascade::Answer& answer, bool anomaly) const {
  return anomaly && !answer.alarm ? package_.alarm_label() : answer.label;
}

NodeLoop::Look NodeLoop::LookAt(const sensing::CutWindow& window, bool over) {
  const LogicalTime now = ports_.clock.Now();
  if (package_.trigger && !over && !standing() && !Drawn() && !policy_.HeartbeatDue(now)) {
    return {};
  }
  policy_.NoteHeartbeat(now);
  ++metrics_.cascade.classified;
  const classify::Decision decision = classifier_->Step(
      {.samples = window.samples, .channels = window.channels, .scale = window.scale},
      frame_.values.span());
  energy_.Add(
      energy::Category::kClassifier,
      energy::ToNanojoules(energy::MacEnergy(energy::kStm32L4R5<float>, classifier_->macs())));
  answer_ = cascade::AnswerOf(decision, package_.network->classifier, package_.labels);
  return {.answer = &answer_, .sure = decision.accepted};
}

bool NodeLoop::MayAsk() const {
  return package_.network->split && uplink_.in_session() && !questions_.full();
}

bool NodeLoop::Ask(const cascade::Answer& own, bool audit, const Context& context) {
  const std::span<std::byte> memory = uplink_.payload_memory();
  const auto size = classifier_->EncodeActivation(
      package_.hash, memory.first(std::min(memory.size(), memory_.activation_bytes)));
  if (!size.ok()) {
    return false;
  }
  Context by = context;
  by.tier = Tier::kClassifier;
  BeginRecord(RecordKind::kActivation, by);
  record_.header.cut_id = classifier_->cut();
  record_.header.audit = context.drawn;
  record_.activation.payload = memory.first(*size);
  if (!EndRecord()) {
    return false;
  }
  questions_.Ask({.sequence = sequence_,
                  .asked = ports_.clock.Monotonic(),
                  .first_frame = context.first_frame,
                  .condition = context.condition,
                  .flags = context.flags,
                  .own = own,
                  .anomaly = trigger_.active(),
                  .audit = audit});
  return true;
}

bool NodeLoop::PutOff(const Look& look, const Context& context) {
  if (Ask(*look.answer, false, context)) {
    ++metrics_.cascade.deferred;
    return true;
  }
  ++metrics_.cascade.not_asked;
  Stand({.first_frame = context.first_frame,
         .condition = context.condition,
         .flags = context.flags,
         .own = *look.answer,
         .anomaly = trigger_.active()},
        *look.answer);
  return false;
}

void NodeLoop::SettleNow(const Look& look,
                         const cascade::RuleOutcome& outcome,
                         const Context& context) {
  const bool anomaly = trigger_.active();
  SettledDecision decision{.first_frame = context.first_frame, .tier = context.tier};
  if (look.answer) {
    decision.label = LabelOf(*look.answer, anomaly);
    decision.confidence = look.answer->confidence;
    metrics_.cascade.not_asked += !look.sure && package_.network->split ? 1U : 0U;
  } else {
    const std::uint32_t quiet = context.tier == Tier::kFallback ? outcome.label : 0U;
    decision.label = anomaly ? package_.alarm_label() : quiet;
  }
  Settle(decision);
}

void NodeLoop::Audit(const Look& look, bool asked, float score, const Context& context) {
  if (!look.answer || !package_.network->split) {
    BeginRecord(RecordKind::kFeatureFrame, context);
    record_.header.audit = true;
    record_.feature_frame = frame_;
    record_.feature_frame.score = score;
    (void)EndRecord();
    return;
  }
  if (asked) {
    return;  // that record says it was drawn: the tiers audit it, its verdict stands here
  }
  const bool audit = look.sure && MayAsk() && Ask(*look.answer, true, context);
  ++(audit ? metrics_.cascade.audits : metrics_.cascade.audits_not_asked);
}

void NodeLoop::Settle(const SettledDecision& decision) {
  CountDecision(decision.tier, decision.label);
  if (ports_.observer != nullptr) {
    ports_.observer->OnDecision(decision);
  }
}

void NodeLoop::CountDecision(Tier tier, std::uint32_t label) {
  ++metrics_.cascade.exits[static_cast<std::size_t>(tier)];
  sketch_.AddDecision(tier, label);
}

void NodeLoop::ExpireQuestions(MonotonicTime now) {
  for (auto question = questions_.TakeExpired(now, VerdictWait()); question;
       question = questions_.TakeExpired(now, VerdictWait())) {
    if (question->audit) {
      ++metrics_.cascade.audit_timeouts;
    } else {
      ++metrics_.cascade.timeouts;
      Stand(*question, question->own);
    }
  }
}

void NodeLoop::Stand(const cascade::Question& question, const cascade::Answer& answer) {
  const bool before = standing();
  naming_.Take(answer);
  Context context;
  context.first_frame = question.first_frame;
  context.tier = answer.tier;
  context.flags = question.flags;
  context.condition = question.condition;
  SetActuator(cascade::Worse(StandingState(), rules_state_), context);
  OpenBlock();
  Settle({.first_frame = question.first_frame,
          .tier = answer.tier,
          .label = LabelOf(answer, question.anomaly),
          .confidence = answer.confidence,
          .deferred = question.sequence != 0});
  cascade::TriggerResult unknown;
  unknown.score = std::numeric_limits<float>::quiet_NaN();
  ReportEpisode(before, unknown, context);
}

std::optional<VerdictRefusal> NodeLoop::Refuse(const message::Verdict& verdict) const {
  if (verdict.boot != identity_.boot || verdict.sequence > sequence_) {
    return VerdictRefusal::kUnknown;
  }
  if (questions_.Find(verdict.sequence) == nullptr) {
    return VerdictRefusal::kLate;
  }
  if (verdict.package_hash != package_.hash) {
    return VerdictRefusal::kPackage;
  }
  if (!IsVerdict(verdict.tier)) {
    return VerdictRefusal::kTier;
  }
  return IsClass(package_.network->classifier, verdict.label)
             ? std::nullopt
             : std::optional(VerdictRefusal::kLabel);
}

std::uint32_t NodeLoop::RefusedVerdicts() const {
  const auto& refused = metrics_.cascade.refused;
  // A late one is no fault of anybody's.
  return std::accumulate(refused.begin(), refused.end(), 0U) -
         refused[static_cast<std::size_t>(VerdictRefusal::kLate)];
}

void NodeLoop::OnVerdict(const message::Verdict& verdict) {
  CascadeMetrics& metrics = metrics_.cascade;
  ++metrics_.verdicts;
  if (const auto refusal = Refuse(verdict)) {
    ++metrics.refused[static_cast<std::size_t>(*refusal)];
    return;
  }
  const cascade::Question question = *questions_.Take(verdict.sequence);
  ++metrics.verdicts[static_cast<std::size_t>(verdict.tier)];
  metrics.latency.Add(
      static_cast<std::uint64_t>((ports_.clock.Monotonic() - question.asked).count()));
  if (question.audit) {
    ++(verdict.label == question.own.label ? metrics.audits_agreed : metrics.audits_disagreed);
    return;
  }
  Stand(question, AnswerOf(verdict, package_.labels));
}

}  // namespace trib::node::app
