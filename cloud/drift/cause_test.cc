#include "cause.h"

#include <gtest/gtest.h>

namespace trib::cloud::drift {
namespace {

constexpr FeatureKind kL = FeatureKind::kLevel;
constexpr FeatureKind kS = FeatureKind::kShape;
constexpr FeatureKind kO = FeatureKind::kOffset;

/// Six levels, two shapes, the mean.
const std::vector<FeatureKind> kKinds = {kL, kL, kL, kL, kL, kL, kS, kS, kO};

class CauseTest : public ::testing::Test {
 protected:
  /// Feature `index` at `ridit`, `z` spreads from its reference.
  void Feature(std::uint32_t index, double ridit, double z) {
    findings.evidence.push_back(
        {.channel = {Channel::Kind::kFeature, index}, .reference = 0.5, .now = ridit, .z = z});
  }
  void Answer(Channel::Kind kind, double z) {
    findings.evidence.push_back({.channel = {kind, 0}, .z = z});
  }
  Named Name() const { return NameCause(findings); }

  Findings findings{.kinds = kKinds, .moved_kept = 1, .still_kept = 99};
};

TEST_F(CauseTest, AllLevelsAlikeAndShapeStillIsTheSensorsGain) {
  for (std::uint32_t i = 0; i < 6; ++i) {
    Feature(i, 0.7 + 0.03 * i, 5);
  }
  Feature(6, 0.51, 0.3);
  Feature(7, 0.47, -1.2);
  Feature(8, 0.5, 0);
  const Named named = Name();
  EXPECT_EQ(named.cause, Cause::kSensor);
  EXPECT_NE(named.reasoning.find("gain: 6 of 6 levels up"), std::string::npos) << named.reasoning;
  EXPECT_NE(named.reasoning.find("-1.2"), std::string::npos) << named.reasoning;
}

TEST_F(CauseTest, TheMeanAloneIsTheSensorsOffset) {
  for (std::uint32_t i = 0; i < 8; ++i) {
    Feature(i, 0.5, 0.5);
  }
  Feature(8, 0.95, 8);
  EXPECT_EQ(Name().cause, Cause::kSensor);
  EXPECT_NE(Name().reasoning.find("offset"), std::string::npos);
}

TEST_F(CauseTest, WeakBandsUpAndNothingMoreImpulsiveIsTheNoiseFloor) {
  Feature(0, 0.5, 0.2);
  Feature(1, 0.52, 0.4);
  for (std::uint32_t i = 2; i < 6; ++i) {
    Feature(i, 0.95, 9);
  }
  Feature(6, 0.2, -4);
  Feature(7, 0.45, -1);
  EXPECT_EQ(Name().cause, Cause::kSensor);
  EXPECT_NE(Name().reasoning.find("noise floor"), std::string::npos) << Name().reasoning;
}

TEST_F(CauseTest, MoreImpulsiveIsTheMachine) {
  for (std::uint32_t i = 0; i < 6; ++i) {
    Feature(i, 0.8, 5);
  }
  Feature(6, 0.9, 6);
  EXPECT_EQ(Name().cause, Cause::kMachine);
}

TEST_F(CauseTest, SomeLevelsOnlyAreTheMachine) {
  Feature(0, 0.95, 9);
  for (std::uint32_t i = 1; i < 6; ++i) {
    Feature(i, 0.5, 0.1);
  }
  Feature(6, 0.5, 0);
  EXPECT_EQ(Name().cause, Cause::kMachine);
}

TEST_F(CauseTest, AnswersWithoutFeaturesAreTheModel) {
  Feature(0, 0.5, 0.4);
  Answer(Channel::Kind::kConfidence, -6);
  Answer(Channel::Kind::kLabelRate, 4);
  EXPECT_EQ(Name().cause, Cause::kModel);
  EXPECT_NE(Name().reasoning.find("2 of 2"), std::string::npos) << Name().reasoning;
}

TEST_F(CauseTest, ManyNodesAreTheEnvironment) {
  findings.subject = SubjectKind::kSite;
  findings.moved_kept = 40;
  findings.still_kept = 60;
  Feature(0, 0.8, 5);
  EXPECT_EQ(Name().cause, Cause::kEnvironment);
  EXPECT_NE(Name().reasoning.find("40 of 100"), std::string::npos) << Name().reasoning;
}

TEST_F(CauseTest, WhereFirmwareChangedAndOnlyThereItIsTheFirmware) {
  findings.subject = SubjectKind::kFirmware;
  findings.moved_changed = 19;
  findings.still_changed = 1;
  findings.moved_kept = 2;
  findings.still_kept = 78;
  findings.firmware_before = 3;
  findings.firmware_now = 4;
  Feature(0, 0.8, 5);
  EXPECT_EQ(Name().cause, Cause::kFirmware);
  EXPECT_NE(Name().reasoning.find("19 of 20"), std::string::npos) << Name().reasoning;
}

TEST_F(CauseTest, AnUpdateThatMovedNobodyElseIsNotTheReason) {
  // All nodes were updated long ago; one moves now.
  findings.moved_kept = 0;
  findings.moved_changed = 1;
  findings.still_changed = 99;
  findings.still_kept = 0;
  for (std::uint32_t i = 0; i < 6; ++i) {
    Feature(i, 0.75, 5);
  }
  EXPECT_EQ(Name().cause, Cause::kSensor);
}

TEST_F(CauseTest, WithoutKindsItSaysWhatItCan) {
  findings.kinds = {};
  Feature(0, 0.8, 5);
  Feature(1, 0.5, 0);
  EXPECT_EQ(Name().cause, Cause::kUnknown);
  EXPECT_NE(Name().reasoning.find("1 of 2 features up"), std::string::npos) << Name().reasoning;
}

TEST_F(CauseTest, TheTriggersScoreIsNoFeature) {
  Feature(message::kTriggerScoreFeature, 0.9, 7);
  EXPECT_EQ(Name().cause, Cause::kUnknown);
}

TEST_F(CauseTest, ReasoningIsOneLine) {
  Feature(0, 0.8, 5);
  EXPECT_EQ(Name().reasoning.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace trib::cloud::drift
