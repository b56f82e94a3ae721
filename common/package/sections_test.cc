#include "trib/common/package/sections.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "sample_package.h"

namespace trib::package {
namespace {

using testing::Encoded;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

template <typename T>
void RoundTrips(const T& value) {
  const auto bytes = Encoded(value);
  ASSERT_FALSE(bytes.empty());
  T again;
  ASSERT_TRUE(Decode(bytes, again).ok());
  EXPECT_EQ(again, value);
}

/// Every prefix and every extension of a sound section is refused.
template <typename T>
void RefusesOtherLengths(const T& value, Reason reason) {
  auto bytes = Encoded(value);
  T out;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto status = Decode(std::span(bytes).first(size), out);
    EXPECT_EQ(status, Status(Code::kDataLoss, reason)) << size;
  }
  bytes.push_back(std::byte{0});
  EXPECT_EQ(Decode(bytes, out), Status(Code::kDataLoss, reason));
}

/// One change makes the value unencodable; the decoder's opinion, as Encode() asks it.
template <typename T>
void Refuses(T value, Reason reason, const std::function<void(T&)>& change) {
  std::array<std::byte, kMaxTypedSectionBytes> memory;
  ASSERT_TRUE(Encode(value, memory).ok());
  change(value);
  const auto result = Encode(value, memory);
  EXPECT_EQ(result.status(), Status(Code::kInvalidArgument, reason));
}

TEST(Sections, EachRoundTrips) {
  RoundTrips(testing::SampleManifest());
  RoundTrips(testing::SampleNormalisation());
  RoundTrips(testing::SampleTrigger());
  RoundTrips(testing::SamplePolicy());
  RoundTrips(testing::SampleRules());
  RoundTrips(testing::SampleGuardrails());
  RoundTrips(testing::SampleLabels());
  RoundTrips(testing::SampleEdges());
  auto with_confidence = testing::SampleEdges();
  with_confidence.histograms[1].feature = kConfidenceFeature;
  RoundTrips(with_confidence);
  RoundTrips(testing::SampleReference());
  RoundTrips(testing::SampleDistance());
  RoundTrips(testing::SampleCommissioning());
  RoundTrips(testing::SampleSeverity());
  RoundTrips(testing::SampleConditions());
  RoundTrips(testing::SampleClassifier());
  RoundTrips(testing::SampleSplit());
}

TEST(Sections, EachRefusesOtherLengths) {
  RefusesOtherLengths(testing::SampleManifest(), Reason::kBadManifest);
  RefusesOtherLengths(testing::SampleNormalisation(), Reason::kBadNormalisation);
  RefusesOtherLengths(testing::SampleTrigger(), Reason::kBadTrigger);
  RefusesOtherLengths(testing::SamplePolicy(), Reason::kBadExitPolicy);
  RefusesOtherLengths(testing::SampleRules(), Reason::kBadFallbackRules);
  RefusesOtherLengths(testing::SampleGuardrails(), Reason::kBadGuardrails);
  RefusesOtherLengths(testing::SampleLabels(), Reason::kBadLabels);
  RefusesOtherLengths(testing::SampleEdges(), Reason::kBadSketchEdges);
  RefusesOtherLengths(testing::SampleReference(), Reason::kBadDriftReference);
  RefusesOtherLengths(testing::SampleDistance(), Reason::kBadDistance);
  RefusesOtherLengths(testing::SampleCommissioning(), Reason::kBadCommissioning);
  RefusesOtherLengths(testing::SampleSeverity(), Reason::kBadSeverity);
  RefusesOtherLengths(testing::SampleConditions(), Reason::kBadConditions);
  RefusesOtherLengths(testing::SampleClassifier(), Reason::kBadClassifier);
  RefusesOtherLengths(testing::SampleSplit(), Reason::kBadSplitPoints);
}

TEST(Sections, LargestFitTheStatedRoom) {
  SketchEdges edges;
  DriftReference reference;
  reference.windows = 1;
  for (std::uint16_t i = 0; i < kMaxHistograms; ++i) {
    auto histogram = testing::SampleEdges().histograms[0];
    histogram.feature = i;
    edges.histograms.push_back(histogram);
    DriftReference::Histogram counts{.feature = i};
    counts.counts[3] = 1;
    reference.histograms.push_back(counts);
  }
  RoundTrips(edges);
  RoundTrips(reference);
}

TEST(Sections, EncodeSaysWhenThereIsNoRoom) {
  std::array<std::byte, 16> small;
  EXPECT_EQ(Encode(testing::SampleManifest(), small).status(),
            Status(Code::kResourceExhausted, Reason::kNoRoom));
}

TEST(Distance, RoundTripsEveryWayToShrink) {
  auto distance = testing::SampleDistance();
  for (const float share : {DistanceSpec::kAutomatic, 0.0F, 0.25F, 1.0F}) {
    distance.shrinkage = share;
    RoundTrips(distance);
  }
}

TEST(Distance, RefusesValuesOutsideTheirRange) {
  const std::function<void(DistanceSpec&)> changes[] = {
      [](DistanceSpec& d) { d.false_alarm_rate = 0; },
      [](DistanceSpec& d) { d.false_alarm_rate = 0.75F; },
      [](DistanceSpec& d) { d.false_alarm_rate = kNan; },
      [](DistanceSpec& d) { d.threshold_scale = 0; },
      [](DistanceSpec& d) { d.threshold_scale = kInf; },
      [](DistanceSpec& d) { d.shrinkage = 1.25F; },
      [](DistanceSpec& d) { d.shrinkage = -0.5F; },
      [](DistanceSpec& d) { d.shrinkage = -0.0F; },
      [](DistanceSpec& d) { d.shrinkage = kNan; },
      [](DistanceSpec& d) { d.feature_mask = 0; },
      [](DistanceSpec& d) { d.feature_mask = 0x1FFFFFFFF; },
  };
  for (const auto& change : changes) {
    Refuses<DistanceSpec>(testing::SampleDistance(), Reason::kBadDistance, change);
  }
}

TEST(Commissioning, RefusesValuesOutsideTheirRange) {
  const std::function<void(CommissioningSpec&)> changes[] = {
      [](CommissioningSpec& c) { c.max_attempts = 0; },
      [](CommissioningSpec& c) { c.after = AfterRefusals::kUnspecified; },
      [](CommissioningSpec& c) { c.after = static_cast<AfterRefusals>(3); },
      [](CommissioningSpec& c) { c.max_zone = 5; },
      [](CommissioningSpec& c) { c.max_refused_permille = 1001; },
      [](CommissioningSpec& c) { c.max_shift = -1; },
      [](CommissioningSpec& c) { c.max_shift = -0.0F; },
      [](CommissioningSpec& c) { c.max_trend = kNan; },
      [](CommissioningSpec& c) { c.min_std = 2; },
      [](CommissioningSpec& c) { c.limits[0].feature = 64; },
      [](CommissioningSpec& c) { c.limits[0].comparison = Comparison::kUnspecified; },
      [](CommissioningSpec& c) { c.limits[1].value = kInf; },
  };
  for (const auto& change : changes) {
    Refuses<CommissioningSpec>(testing::SampleCommissioning(), Reason::kBadCommissioning, change);
  }
}

TEST(Severity, RefusesValuesOutsideTheirRange) {
  const std::function<void(SeveritySpec&)> changes[] = {
      [](SeveritySpec& s) { s.feature = 64; },
      [](SeveritySpec& s) { s.average_windows = 0; },
      [](SeveritySpec& s) { s.boundaries[0] = 0; },
      [](SeveritySpec& s) { s.boundaries[1] = s.boundaries[0]; },
      [](SeveritySpec& s) { s.boundaries[2] = kNan; },
      [](SeveritySpec& s) { s.hysteresis = 0.95F; },
      [](SeveritySpec& s) { s.hysteresis = -0.0F; },
      [](SeveritySpec& s) { s.actuator[0] = 0; },
      [](SeveritySpec& s) { s.actuator[3] = 5; },
      [](SeveritySpec& s) { s.label[2] = 16; },
      [](SeveritySpec& s) { s.machine_group = ShortText(""); },
      [](SeveritySpec& s) { s.machine_group = ShortText("\x01"); },
  };
  for (const auto& change : changes) {
    Refuses<SeveritySpec>(testing::SampleSeverity(), Reason::kBadSeverity, change);
  }
}

TEST(Conditions, RefuseValuesOutsideTheirRange) {
  const std::function<void(ConditionSpec&)> changes[] = {
      [](ConditionSpec& c) { c.ranges.clear(); },
      [](ConditionSpec& c) { c.ranges[0].low_hz = -1; },
      [](ConditionSpec& c) { c.ranges[0].low_hz = -0.0F; },
      [](ConditionSpec& c) { c.ranges[0].high_hz = 13; },
      [](ConditionSpec& c) { c.ranges[1].high_hz = 12.5F; },
      [](ConditionSpec& c) { c.ranges[2].high_hz = kInf; },
      [](ConditionSpec& c) { c.ranges[2].low_hz = kNan; },
  };
  for (const auto& change : changes) {
    Refuses<ConditionSpec>(testing::SampleConditions(), Reason::kBadConditions, change);
  }
}

TEST(Classifier, RoundTripsFromTwoToSixteenClassesAndOneToThreeExits) {
  for (std::uint8_t classes = 2; classes <= kMaxLabels; ++classes) {
    for (std::size_t exits = 1; exits <= kMaxExits; ++exits) {
      auto spec = testing::SampleClassifier();
      spec.labels.clear();
      spec.exits.resize(exits);
      for (std::uint8_t i = 0; i < classes; ++i) {
        spec.labels.push_back(i == 0 ? i : static_cast<std::uint8_t>(classes - i));
      }
      for (auto& exit : spec.exits) {
        exit.accept.resize(classes);
        exit.reject.resize(classes);
      }
      RoundTrips(spec);
    }
  }
}

TEST(Classifier, RoundTripsEveryKindOfInput) {
  auto spec = testing::SampleClassifier();
  spec.offset = 0;
  spec.gain = 1;
  for (const auto input :
       {NetworkInput::kWindow, NetworkInput::kScaledWindow, NetworkInput::kFeatures}) {
    spec.input = input;
    RoundTrips(spec);
  }
}

TEST(Classifier, RefusesValuesOutsideTheirRange) {
  const std::function<void(ClassifierSpec&)> changes[] = {
      [](ClassifierSpec& c) { c.input = NetworkInput::kUnspecified; },
      [](ClassifierSpec& c) { c.input = static_cast<NetworkInput>(4); },
      [](ClassifierSpec& c) { c.input = NetworkInput::kWindow; },  // with an offset
      [](ClassifierSpec& c) {
        c.input = NetworkInput::kFeatures;
        c.offset = -0.0F;
        c.gain = 1;
      },
      [](ClassifierSpec& c) { c.offset = kInf; },
      [](ClassifierSpec& c) { c.gain = 0; },
      [](ClassifierSpec& c) { c.gain = kNan; },
      [](ClassifierSpec& c) { c.verdict_wait_ms = 0; },
      [](ClassifierSpec& c) { c.verdict_wait_ms = 600'001; },
      [](ClassifierSpec& c) { c.labels[0] = 2; },
      [](ClassifierSpec& c) { c.labels[1] = 0; },
      [](ClassifierSpec& c) { c.labels[1] = 16; },
      [](ClassifierSpec& c) { c.labels.resize(1); },
      [](ClassifierSpec& c) { c.labels.push_back(2); },  // without thresholds
      [](ClassifierSpec& c) { c.exits.clear(); },
      [](ClassifierSpec& c) { c.exits[0].tier = 4; },
      [](ClassifierSpec& c) { c.exits[1].tier = 3; },
      [](ClassifierSpec& c) { c.exits[2].tier = 6; },
      [](ClassifierSpec& c) { c.exits[0].output = 1; },
      [](ClassifierSpec& c) { c.exits[1].output = 2; },
      [](ClassifierSpec& c) { c.exits[0].operators = 0; },
      [](ClassifierSpec& c) { c.exits[1].operators = 6; },
      [](ClassifierSpec& c) { c.exits[2].operators = 7; },
      [](ClassifierSpec& c) { c.exits[0].inverse_temperature = 0; },
      [](ClassifierSpec& c) { c.exits[1].inverse_temperature = kInf; },
      [](ClassifierSpec& c) { c.exits[1].accept[0] = 1.25F; },
      [](ClassifierSpec& c) { c.exits[2].accept[1] = kNan; },
      [](ClassifierSpec& c) { c.exits[0].reject[1] = -0.25F; },
      [](ClassifierSpec& c) { c.exits[0].reject.resize(1); },
  };
  for (const auto& change : changes) {
    Refuses<ClassifierSpec>(testing::SampleClassifier(), Reason::kBadClassifier, change);
  }
}

TEST(Classifier, RefusesPaddingThatIsNotZero) {
  auto bytes = Encoded(testing::SampleClassifier());
  bytes[18] = std::byte{1};  // behind two labels
  ClassifierSpec out;
  EXPECT_EQ(Decode(bytes, out), Status(Code::kDataLoss, Reason::kBadClassifier));
}

TEST(SplitPoints, RefusesValuesOutsideTheirRange) {
  const std::function<void(SplitPoints&)> changes[] = {
      [](SplitPoints& s) { s.tail_digest.fill(std::byte{0}); },
      [](SplitPoints& s) { s.tail_bytes = 0; },
      [](SplitPoints& s) { s.tail_bytes = kMaxPackageBytes + 1; },
      [](SplitPoints& s) { s.cut = 0; },
      [](SplitPoints& s) { s.max_activation_bytes = 0; },
      [](SplitPoints& s) { s.max_activation_bytes = 16'385; },
  };
  for (const auto& change : changes) {
    Refuses<SplitPoints>(testing::SampleSplit(), Reason::kBadSplitPoints, change);
  }
  auto bytes = Encoded(testing::SampleSplit());
  bytes[38] = std::byte{1};  // reserved
  SplitPoints out;
  EXPECT_EQ(Decode(bytes, out), Status(Code::kDataLoss, Reason::kBadSplitPoints));
}

TEST(Manifest, RefusesValuesOutsideTheirRange) {
  const std::function<void(Manifest&)> changes[] = {
      [](Manifest& m) { m.name = ShortText(""); },
      [](Manifest& m) { m.name = ShortText("Upper"); },
      [](Manifest& m) { m.name = ShortText("a b"); },
      [](Manifest& m) { m.version = ShortText(""); },
      [](Manifest& m) { m.version = ShortText("1\n"); },
      [](Manifest& m) { m.abi_min = 0; },
      [](Manifest& m) { m.abi_min = kFirmwareAbi + 1; },
      [](Manifest& m) { m.operators = 1; },
      [](Manifest& m) { m.arena_bytes = 1; },
  };
  for (const auto& change : changes) {
    Refuses<Manifest>(testing::SampleManifest(), Reason::kBadManifest, change);
  }
}

TEST(Trigger, RefusesValuesOutsideTheirRange) {
  const std::function<void(TriggerSpec&)> changes[] = {
      [](TriggerSpec& t) { t.commissioning_windows = 1; },
      [](TriggerSpec& t) { t.ewma_alpha = 0; },
      [](TriggerSpec& t) { t.ewma_alpha = 1.01F; },
      [](TriggerSpec& t) { t.ewma_alpha = kNan; },
      [](TriggerSpec& t) { t.false_alarm_rate = 0; },
      [](TriggerSpec& t) { t.false_alarm_rate = 0.6F; },
      [](TriggerSpec& t) { t.false_alarm_rate = kNan; },
      [](TriggerSpec& t) { t.min_std = 0; },
      [](TriggerSpec& t) { t.min_std = kInf; },
      [](TriggerSpec& t) { t.enter_m = 0; },
      [](TriggerSpec& t) { t.enter_m = 6; },
      [](TriggerSpec& t) { t.enter_n = 33; },
      [](TriggerSpec& t) { t.clear_n = 0; },
      [](TriggerSpec& t) { t.feature_mask = 0; },
      [](TriggerSpec& t) { t.threshold_scale = -1; },
      [](TriggerSpec& t) { t.threshold_scale = 1001; },
      [](TriggerSpec& t) { t.threshold_scale = kNan; },
  };
  for (const auto& change : changes) {
    Refuses<TriggerSpec>(testing::SampleTrigger(), Reason::kBadTrigger, change);
  }
}

TEST(ExitPolicy, RefusesValuesOutsideTheirRange) {
  const std::function<void(ExitPolicy&)> changes[] = {
      [](ExitPolicy& p) { p.heartbeat_ms = 0; },
      [](ExitPolicy& p) { p.reminder_ms = 0; },
      [](ExitPolicy& p) { p.block_ms = 0; },
      [](ExitPolicy& p) { p.status_ms = 604'800'001; },
      [](ExitPolicy& p) { p.audit_permille = 1001; },
      [](ExitPolicy& p) { p.thresholds[0] = -0.1F; },
      [](ExitPolicy& p) { p.thresholds[1] = 1.1F; },
      [](ExitPolicy& p) { p.thresholds[1] = kNan; },
  };
  for (const auto& change : changes) {
    Refuses<ExitPolicy>(testing::SamplePolicy(), Reason::kBadExitPolicy, change);
  }
}

TEST(FallbackRules, RefusesValuesOutsideTheirRange) {
  const std::function<void(FallbackRules&)> changes[] = {
      [](FallbackRules& r) { r.rules.clear(); },
      [](FallbackRules& r) { r.rules[0].source = RuleSource::kUnspecified; },
      [](FallbackRules& r) { r.rules[0].source = static_cast<RuleSource>(6); },
      [](FallbackRules& r) { r.rules[0].comparison = Comparison::kLess; },
      [](FallbackRules& r) { r.rules[0].fault_code = 1; },
      [](FallbackRules& r) { r.rules[0].threshold = 1; },
      [](FallbackRules& r) { r.rules[0].actuator = 0; },
      [](FallbackRules& r) { r.rules[0].actuator = 5; },
      [](FallbackRules& r) { r.rules[0].label = 16; },
      [](FallbackRules& r) { r.rules[0].channel = 4; },
      [](FallbackRules& r) { r.rules[1].comparison = Comparison::kUnspecified; },
      [](FallbackRules& r) { r.rules[1].comparison = static_cast<Comparison>(3); },
      [](FallbackRules& r) { r.rules[1].threshold = kNan; },
      [](FallbackRules& r) { r.rules[1].threshold = kInf; },
      [](FallbackRules& r) { r.rules[1].fault_code = 1; },
      [](FallbackRules& r) { r.rules[2].fault_code = 0; },
  };
  for (const auto& change : changes) {
    Refuses<FallbackRules>(testing::SampleRules(), Reason::kBadFallbackRules, change);
  }
}

TEST(Guardrails, RefusesValuesOutsideTheirRange) {
  const std::function<void(Guardrails&)> changes[] = {
      [](Guardrails& g) { g.channels.clear(); },
      [](Guardrails& g) { g.channels[0].min_raw = g.channels[0].max_raw; },
      [](Guardrails& g) { g.channels[0].clip_level_raw = 0; },
      [](Guardrails& g) { g.channels[0].max_clipped_permille = 1001; },
      [](Guardrails& g) { g.channels[0].max_stuck_run = 1; },
      [](Guardrails& g) { g.channels[1].max_missing_permille = 1001; },
      [](Guardrails& g) { g.channels[1].scale_min = 0; },
      [](Guardrails& g) { g.channels[1].scale_min = 0.02F; },
      [](Guardrails& g) { g.channels[1].scale_max = kInf; },
      [](Guardrails& g) { g.channels[1].scale_min = kNan; },
  };
  for (const auto& change : changes) {
    Refuses<Guardrails>(testing::SampleGuardrails(), Reason::kBadGuardrails, change);
  }
}

TEST(Labels, RefusesValuesOutsideTheirRange) {
  const std::function<void(Labels&)> changes[] = {
      [](Labels& l) { l.labels.clear(); },
      [](Labels& l) { l.labels[0].is_alarm = true; },
      [](Labels& l) { l.labels[0].actuator = 0; },
      [](Labels& l) { l.labels[1].actuator = 5; },
      [](Labels& l) { l.labels[1].name = ShortText(""); },
      [](Labels& l) { l.labels[1].name = ShortText("normal"); },
      [](Labels& l) { l.labels[1].name = ShortText("a\tb"); },
  };
  for (const auto& change : changes) {
    Refuses<Labels>(testing::SampleLabels(), Reason::kBadLabels, change);
  }
}

TEST(Labels, TakesOnlyWellFormedUtf8) {
  const char* good[] = {"a",
                        "\xC2\xA0",
                        "\xDF\xBF",
                        "\xE0\xA0\x80",
                        "\xED\x9F\xBF",
                        "\xEE\x80\x80",
                        "\xF0\x90\x80\x80",
                        "\xF4\x8F\xBF\xBF",
                        "Lager \xE2\x86\x91"};
  const char* bad[] = {"\x80",
                       "\xC2",
                       "\xC0\xAF",
                       "\xC1\xBF",
                       "\xC2\x80",
                       "\xC2\x9F",
                       "\xE0\x9F\xBF",
                       "\xED\xA0\x80",
                       "\xE2\x82",
                       "\xF0\x8F\xBF\xBF",
                       "\xF4\x90\x80\x80",
                       "\xF5\x80\x80\x80",
                       "\xFF",
                       "a\x7F",
                       "ok\xC3(",
                       "\x1F"};
  std::array<std::byte, 256> memory;
  for (const char* text : good) {
    auto labels = testing::SampleLabels();
    labels.labels[1].name = ShortText(text);
    EXPECT_TRUE(Encode(labels, memory).ok()) << text;
  }
  for (const char* text : bad) {
    auto labels = testing::SampleLabels();
    labels.labels[1].name = ShortText(text);
    EXPECT_FALSE(Encode(labels, memory).ok()) << ::testing::PrintToString(std::string(text));
  }
}

TEST(SketchEdges, RefusesValuesOutsideTheirRange) {
  const std::function<void(SketchEdges&)> changes[] = {
      [](SketchEdges& s) { s.histograms.clear(); },
      [](SketchEdges& s) { s.histograms[1].feature = 0; },
      [](SketchEdges& s) { s.histograms[1].feature = 64; },
      [](SketchEdges& s) { s.histograms[1].feature = kConfidenceFeature - 1; },
      [](SketchEdges& s) { s.histograms[0].edges[4] = s.histograms[0].edges[3]; },
      [](SketchEdges& s) { s.histograms[0].edges[14] = kInf; },
      [](SketchEdges& s) { s.histograms[0].edges[0] = kNan; },
  };
  for (const auto& change : changes) {
    Refuses<SketchEdges>(testing::SampleEdges(), Reason::kBadSketchEdges, change);
  }
}

TEST(DriftReference, RefusesValuesOutsideTheirRange) {
  const std::function<void(DriftReference&)> changes[] = {
      [](DriftReference& d) { d.histograms.clear(); },
      [](DriftReference& d) { d.windows = 0; },
      [](DriftReference& d) { d.windows = 33; },
      [](DriftReference& d) { d.histograms[2].counts[0] += 1; },
      [](DriftReference& d) { d.histograms[2].feature = 3; },
  };
  for (const auto& change : changes) {
    Refuses<DriftReference>(testing::SampleReference(), Reason::kBadDriftReference, change);
  }
}

TEST(Normalisation, RefusesValuesOutsideTheirRange) {
  const std::function<void(Normalisation&)> changes[] = {
      [](Normalisation& n) { n.features.clear(); },
      [](Normalisation& n) { n.features[0].mean = kInf; },
      [](Normalisation& n) { n.features[1].deviation = 0; },
      [](Normalisation& n) { n.features[1].deviation = kNan; },
  };
  for (const auto& change : changes) {
    Refuses<Normalisation>(testing::SampleNormalisation(), Reason::kBadNormalisation, change);
  }
}

}  // namespace
}  // namespace trib::package
