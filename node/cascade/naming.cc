#include "trib/node/cascade/naming.h"

namespace trib::node::cascade {

Answer AnswerOf(const classify::Decision& decision,
                const package::ClassifierSpec& spec,
                const package::Labels& labels) {
  Answer out;
  out.label = decision.label;
  out.confidence = decision.confidence;
  (void)out.scores.resize(labels.labels.size());
  for (std::size_t i = 0; i < spec.labels.size(); ++i) {
    out.scores[spec.labels[i]] = decision.probabilities[i];
  }
  const package::Label& label = labels.labels[decision.label];
  out.alarm = label.is_alarm;
  out.actuator =
      label.is_alarm ? static_cast<ActuatorState>(label.actuator) : ActuatorState::kNormal;
  return out;
}

void Naming::Take(const Answer& answer) {
  if (answer.alarm) {
    windows_ = present_ ? windows_ + 1 : 1;
    present_ = true;
    answer_ = answer;
    quiet_ = 0;
    return;
  }
  if (!present_) {
    return;
  }
  ++windows_;
  ++quiet_;
  present_ = quiet_ < clear_n_;
}

}  // namespace trib::node::cascade
