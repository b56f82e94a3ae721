// What NodeLoop does with one window, up to the actuator and behind it. The records that come of it
// are made in records.cc.
#include <limits>

#include "trib/node/app/node_loop.h"

namespace trib::node::app {
namespace {

using message::FaultCode;
using message::Tier;

/// Out of every bin.
cascade::TriggerResult NotJudged() {
  cascade::TriggerResult result;
  result.score = std::numeric_limits<float>::quiet_NaN();
  return result;
}

}  // namespace

void NodeLoop::Decide(const sensing::CutWindow& window) {
  ++metrics_.windows;
  Context context;
  context.first_frame = window.first_frame;
  context.condition = window.condition;
  context.cut = true;
  condition_ = window.condition;
  context.flags = window.after_gap ? message::record_flag::kAfterGap : 0;
  const sensing::GuardrailVerdict verdict = sensing::Judge(window, package_.guardrails);
  const cascade::Measurable measurable = Describe(window);
  frame_.values.clear();
  if (!verdict.ok()) {
    DecideBad(verdict, measurable, context);
    return;
  }
  if (package_.present) {
    dsp::Window input;
    input.samples = window.samples;
    input.summaries = window.summaries;
    input.statistics = statistics_.span();
    input.channels = window.channels;
    input.frames = package_.recipe.window_frames;
    input.scale = window.scale;
    input.sample_rate_hz = package_.recipe.sample_rate_hz;
    input.first_frame = window.first_frame;
    input.flags = window.after_gap ? dsp::window_flag::kAfterGap : 0;
    context.extracted = true;
    if (!features_.Extract(input, frame_).ok()) {
      DecideBad({.code = FaultCode::kSensorNonFinite}, measurable, context);
      return;
    }
  }
  DecideGood(window, measurable, context);
}

/// For features and rules alike.
cascade::Measurable NodeLoop::Describe(const sensing::CutWindow& window) {
  statistics_.clear();
  for (const dsp::Summary& channel : window.summaries) {
    (void)statistics_.push_back(dsp::Describe<float>(dsp::SumsOf(channel)));
  }
  return {statistics_.span(), window.scale};
}

void NodeLoop::SetActuator(ActuatorState state, Context& context) {
  context.actuator = state;
  ports_.actuator.Set(state);
}

void NodeLoop::DecideBad(const sensing::GuardrailVerdict& verdict,
                         const cascade::Measurable& measurable,
                         Context& context) {
  const cascade::RuleOutcome outcome = cascade::Evaluate(package_.rules, measurable, verdict.code);
  rules_state_ = outcome.state;
  // An alarm that stands is not called off by a window that says nothing about the machine.
  SetActuator(cascade::Worse(StandingState(), outcome.state), context);
  SpendOnWindow(context);
  context.tier = Tier::kFallback;
  context.flags |= message::record_flag::kFallbackRules;
  ++metrics_.windows_invalid;
  if (package_.present) {
    learner_.CountRefused(context.condition);
  }
  OpenBlock();
  sketch_.AddInvalid();
  if (context.cut) {
    Settle({.first_frame = context.first_frame, .tier = context.tier, .label = outcome.label});
  } else {
    CountDecision(context.tier, outcome.label);
  }
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

void NodeLoop::DecideGood(const sensing::CutWindow& window,
                          const cascade::Measurable& measurable,
                          Context& context) {
  const cascade::RuleOutcome outcome =
      JudgeSeverity(cascade::Evaluate(package_.rules, measurable, FaultCode::kUnspecified));
  const bool before = standing();
  const bool decides = armed();
  const cascade::TriggerResult result =
      decides ? trigger_.Step(frame_.values.span(), baseline(), condition_) : NotJudged();
  metrics_.windows_triggered += result.over ? 1U : 0U;
  const Look look = classifier_ ? LookAt(window, result.over) : Look();
  const bool put_off = look.answer && !look.sure && MayAsk();
  if (look.answer && !put_off) {
    context.tier = Tier::kClassifier;
    naming_.Take(*look.answer);
  } else {
    context.tier = decides ? Tier::kTrigger : Tier::kFallback;
  }
  context.flags |= decides || look.answer ? 0 : message::record_flag::kFallbackRules;
  rules_state_ = outcome.state;
  SetActuator(cascade::Worse(StandingState(), outcome.state), context);
  context.drawn = Drawn();
  SpendOnWindow(context);
  OpenBlock();
  CountInSketch(result, look);
  ReportRecovery(context);
  ReportEpisode(before, result, context);
  ReportRules(outcome, context);
  const bool asked = put_off && PutOff(look, context);
  if (!put_off) {
    SettleNow(look, outcome, context);
  }
  if (context.drawn) {
    Audit(look, asked, decides ? result.score : 0.0F, context);
  }
  if (package_.trigger && !decides) {
    Learn(context);
  }
}

}  // namespace trib::node::app
