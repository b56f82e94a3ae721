#include "trib/node/cascade/naming.h"

#include <gtest/gtest.h>

namespace trib::node::cascade {
namespace {

using message::EventState;

Answer Alarm(std::uint8_t label) {
  return {.label = label, .confidence = 0.75F, .scores = {}, .alarm = true};
}
Answer Quiet() {
  return {.label = 0, .confidence = 0.75F, .scores = {}};
}

package::Labels Labels() {
  package::Labels labels;
  (void)labels.labels.push_back({.name = package::ShortText("normal"), .actuator = 1});
  (void)labels.labels.push_back(
      {.name = package::ShortText("any"), .actuator = 2, .is_alarm = true});
  (void)labels.labels.push_back({.name = package::ShortText("off"), .actuator = 3});
  (void)labels.labels.push_back(
      {.name = package::ShortText("outer"), .actuator = 4, .is_alarm = true});
  return labels;
}

TEST(AnswerOf, MapsClassesToLabels) {
  package::ClassifierSpec spec;
  for (const std::uint32_t label : {0U, 3U, 2U}) {
    (void)spec.labels.push_back(static_cast<std::uint8_t>(label));
  }
  classify::Decision decision;
  for (const float p : {0.125F, 0.625F, 0.25F}) {
    (void)decision.probabilities.push_back(p);
  }
  decision.class_index = 1;
  decision.label = 3;
  decision.confidence = 0.625F;
  Answer answer = AnswerOf(decision, spec, Labels());
  EXPECT_EQ(answer.tier, message::Tier::kClassifier);
  ASSERT_EQ(answer.scores.size(), 4U);
  EXPECT_EQ(answer.scores[0], 0.125F);
  EXPECT_EQ(answer.scores[1], 0.0F);
  EXPECT_EQ(answer.scores[2], 0.25F);
  EXPECT_EQ(answer.scores[3], 0.625F);
  EXPECT_TRUE(answer.alarm);
  EXPECT_EQ(answer.actuator, ActuatorState::kStop);

  // A label that is no alarm asks for nothing, whatever its actuator.
  decision.label = 2;
  answer = AnswerOf(decision, spec, Labels());
  EXPECT_FALSE(answer.alarm);
  EXPECT_EQ(answer.actuator, ActuatorState::kNormal);
}

TEST(Naming, LastsUntilSoManyAnswersInARowAreNoAlarm) {
  Naming naming(3);
  naming.Take(Quiet());
  EXPECT_FALSE(naming.present());
  naming.Take(Alarm(2));
  EXPECT_TRUE(naming.present());
  EXPECT_EQ(naming.windows(), 1U);
  naming.Take(Quiet());
  naming.Take(Quiet());
  naming.Take(Alarm(3));
  EXPECT_EQ(naming.answer().label, 3);
  naming.Take(Quiet());
  naming.Take(Quiet());
  EXPECT_TRUE(naming.present());
  naming.Take(Quiet());
  EXPECT_FALSE(naming.present());
  EXPECT_EQ(naming.windows(), 7U);
  EXPECT_EQ(naming.answer().label, 3) << "what has ended";
  naming.Take(Alarm(2));
  EXPECT_EQ(naming.windows(), 1U);
}

TEST(StateOf, IsAChangeOrItsAbsence) {
  EXPECT_EQ(StateOf(false, true), EventState::kOnset);
  EXPECT_EQ(StateOf(true, true), EventState::kContinuing);
  EXPECT_EQ(StateOf(true, false), EventState::kCleared);
  EXPECT_EQ(StateOf(false, false), EventState::kUnspecified);
}

}  // namespace
}  // namespace trib::node::cascade
