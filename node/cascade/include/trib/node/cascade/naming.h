#pragma once

#include <cstdint>

#include "trib/common/base/fixed_vector.h"
#include "trib/common/classify/classify.h"
#include "trib/common/message/types.h"
#include "trib/common/package/sections.h"
#include "trib/node/ports/actuator.h"

namespace trib::node::cascade {

/// What a network, here or further up, says about one window.
struct Answer {
  message::Tier tier = message::Tier::kClassifier;
  std::uint8_t label = 0;
  float confidence = 0;                             ///< 0..1
  FixedVector<float, message::kMaxLabels> scores;   ///< per label; 0 for those without a class
  bool alarm = false;                               ///< of the label
  ActuatorState actuator = ActuatorState::kNormal;  ///< of the label, when it is an alarm
  friend bool operator==(const Answer&, const Answer&) = default;
};

/// The node's own answer: classes become labels.
///
/// Requires  the labels of `spec` are among `labels`.
Answer AnswerOf(const classify::Decision& decision,
                const package::ClassifierSpec& spec,
                const package::Labels& labels);

/// The alarm that networks name, and for how long: from the first answer that is one until so many
/// answers in a row are none.
///
/// Memory   Inside. Threads  One caller at a time.
class Naming {
 public:
  Naming() = default;
  /// Requires  clear_n >= 1.
  explicit Naming(std::uint32_t clear_n) : clear_n_(clear_n) {}

  /// Takes an answer that stands.
  void Take(const Answer& answer);

  [[nodiscard]] bool present() const { return present_; }
  /// The newest alarm; that of the last episode when not present().
  [[nodiscard]] const Answer& answer() const { return answer_; }
  /// Answers since the first alarm of this episode, itself included.
  [[nodiscard]] std::uint32_t windows() const { return windows_; }

 private:
  Answer answer_;
  std::uint32_t clear_n_ = 1;
  std::uint32_t quiet_ = 0;
  std::uint32_t windows_ = 0;
  bool present_ = false;
};

/// Of an episode that stood before a window or not, and stands after it or not.
constexpr message::EventState StateOf(bool before, bool after) {
  if (after) {
    return before ? message::EventState::kContinuing : message::EventState::kOnset;
  }
  return before ? message::EventState::kCleared : message::EventState::kUnspecified;
}

}  // namespace trib::node::cascade
