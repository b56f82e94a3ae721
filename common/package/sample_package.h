#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "trib/common/package/package.h"
#include "trib/common/package/sections.h"

/// A small sound package for tests, section by section, to be broken at will.
namespace trib::package::testing {

struct SampleSection {
  SectionType type;
  Target target = Target::kPortable;
  std::vector<std::byte> bytes;
  bool critical = true;
};

template <typename T>
std::vector<std::byte> Encoded(const T& value) {
  std::vector<std::byte> out(kMaxTypedSectionBytes);
  const auto size = Encode(value, out);
  out.resize(size.ok() ? *size : 0);
  return out;
}

inline Manifest SampleManifest() {
  Manifest out;
  out.name = ShortText("sample");
  out.version = ShortText("1.2.3");
  out.hardware_class = HardwareClass::kLinux;
  out.abi_min = 1;
  out.abi_max = kFirmwareAbi;
  out.security_counter = 5;
  return out;
}

inline TriggerSpec SampleTrigger() {
  return {.commissioning_windows = 24,
          .skip_windows = 2,
          .ewma_alpha = 0.25F,
          .false_alarm_rate = 0.001F,
          .min_std = 0.01F,
          .enter_m = 3,
          .enter_n = 5,
          .clear_n = 8,
          .feature_mask = 0xFF,
          .threshold_scale = 1.5F};
}

inline ExitPolicy SamplePolicy() {
  ExitPolicy out;
  out.heartbeat_ms = 60'000;
  out.reminder_ms = 600'000;
  out.block_ms = 60'000;
  out.status_ms = 300'000;
  out.audit_permille = 10;
  out.thresholds.push_back(0.9F);
  out.thresholds.push_back(0.5F);
  return out;
}

inline FallbackRules SampleRules() {
  FallbackRules out;
  out.rules.push_back({.source = RuleSource::kAnyFault, .actuator = 2, .label = 1});
  out.rules.push_back({.source = RuleSource::kRms,
                       .comparison = Comparison::kGreater,
                       .actuator = 4,
                       .label = 1,
                       .channel = 1,
                       .threshold = 3.5F});
  out.rules.push_back(
      {.source = RuleSource::kFaultCode, .actuator = 3, .label = 1, .fault_code = 2});
  return out;
}

inline Guardrails SampleGuardrails() {
  Guardrails out;
  for (int i = 0; i < 2; ++i) {
    out.channels.push_back({.min_raw = -32768,
                            .max_raw = 32767,
                            .clip_level_raw = 32700,
                            .max_clipped_permille = 5,
                            .max_stuck_run = 64,
                            .min_peak_to_peak_raw = 4,
                            .max_missing_permille = 10,
                            .scale_min = 0.0001F,
                            .scale_max = 0.01F});
  }
  return out;
}

inline Labels SampleLabels() {
  Labels out;
  out.labels.push_back({.name = ShortText("normal"), .actuator = 1});
  out.labels.push_back({.name = ShortText("défaut"), .actuator = 2, .is_alarm = true});
  return out;
}

inline SketchEdges SampleEdges() {
  SketchEdges out;
  for (const std::uint16_t feature : {std::uint16_t{0}, std::uint16_t{3}, kTriggerScoreFeature}) {
    SketchEdges::Histogram histogram{.feature = feature};
    for (std::size_t i = 0; i < kEdges; ++i) {
      histogram.edges[i] = static_cast<float>(i) - 7.0F;
    }
    out.histograms.push_back(histogram);
  }
  return out;
}

inline DriftReference SampleReference() {
  DriftReference out;
  out.windows = 32;
  for (const std::uint16_t feature : {std::uint16_t{0}, std::uint16_t{3}, kTriggerScoreFeature}) {
    DriftReference::Histogram histogram{.feature = feature};
    histogram.counts.fill(2);
    out.histograms.push_back(histogram);
  }
  return out;
}

inline Normalisation SampleNormalisation() {
  Normalisation out;
  out.features.push_back({.mean = -1.5F, .deviation = 0.25F});
  out.features.push_back({.mean = 0.0F, .deviation = 2.0F});
  return out;
}

inline DistanceSpec SampleDistance() {
  return {.false_alarm_rate = 0.001F, .threshold_scale = 1.25F, .feature_mask = 0x7F};
}

inline CommissioningSpec SampleCommissioning() {
  CommissioningSpec out;
  out.max_attempts = 3;
  out.after = AfterRefusals::kStayOnRules;
  out.max_zone = 2;
  out.max_refused_permille = 100;
  out.max_shift = 3;
  out.max_trend = 4;
  out.min_std = 0.0001F;
  out.max_std = 1;
  out.limits.push_back({.feature = 4, .comparison = Comparison::kGreater, .value = 1.5F});
  out.limits.push_back({.feature = 0, .comparison = Comparison::kLess, .value = -9});
  return out;
}

inline SeveritySpec SampleSeverity() {
  SeveritySpec out;
  out.feature = 7;
  out.average_windows = 60;
  out.boundaries = {1.5F, 3, 4.5F};
  out.hysteresis = 0.125F;
  out.actuator = {1, 1, 2, 3};
  out.label = {0, 0, 1, 1};
  out.machine_group = ShortText("example group");
  return out;
}

inline ConditionSpec SampleConditions() {
  ConditionSpec out;
  out.ranges.push_back({.low_hz = 0, .high_hz = 12.5F});
  out.ranges.push_back({.low_hz = 12.5F, .high_hz = 25});
  out.ranges.push_back({.low_hz = 30, .high_hz = 40});
  return out;
}

inline ClassifierSpec SampleClassifier() {
  ClassifierSpec out;
  out.input = NetworkInput::kScaledWindow;
  out.offset = -0.5F;
  out.gain = 2;
  out.verdict_wait_ms = 5'000;
  out.labels.push_back(0);
  out.labels.push_back(1);
  const auto exit = [](std::uint8_t number, std::uint16_t operators) {
    ExitSpec spec;
    spec.tier = static_cast<std::uint8_t>(3 + number);
    spec.output = number;
    spec.operators = operators;
    spec.inverse_temperature = 0.75F;
    spec.accept.push_back(0.9F);
    spec.accept.push_back(0.5F);
    spec.reject.push_back(1);
    spec.reject.push_back(0.02F);
    return spec;
  };
  out.exits.push_back(exit(0, 6));
  out.exits.push_back(exit(1, 12));
  out.exits.push_back(exit(2, 20));
  return out;
}

inline SplitPoints SampleSplit() {
  SplitPoints out{.tail_bytes = 60'000, .cut = 6, .max_activation_bytes = 700};
  out.tail_digest.fill(std::byte{0x3C});
  return out;
}

/// The sections of firmware ABI 2, which follow those of SampleSections().
inline std::vector<SampleSection> LearningSections() {
  return {{.type = SectionType::kDistance, .bytes = Encoded(SampleDistance())},
          {.type = SectionType::kCommissioning, .bytes = Encoded(SampleCommissioning())},
          {.type = SectionType::kSeverity, .bytes = Encoded(SampleSeverity())},
          {.type = SectionType::kConditions, .bytes = Encoded(SampleConditions())}};
}

inline std::vector<SampleSection> SampleSections();

/// The sample as a head package, which has a network, a classifier and split points. Plan and
/// weights are bytes without meaning.
inline std::vector<SampleSection> HeadSections() {
  Manifest manifest = SampleManifest();
  manifest.operators = 1;
  manifest.arena_bytes = 64;
  ExitPolicy policy = SamplePolicy();
  policy.thresholds.clear();
  std::vector<SampleSection> out = SampleSections();
  for (SampleSection& section : out) {
    if (section.type == SectionType::kManifest) {
      section.bytes = Encoded(manifest);
    } else if (section.type == SectionType::kExitPolicy) {
      section.bytes = Encoded(policy);
    }
  }
  for (const SectionType type : {SectionType::kPlan, SectionType::kWeights}) {
    out.push_back({.type = type, .bytes = std::vector<std::byte>(3, std::byte{1})});
  }
  out.push_back({.type = SectionType::kSplitPoints, .bytes = Encoded(SampleSplit())});
  out.push_back({.type = SectionType::kClassifier, .bytes = Encoded(SampleClassifier())});
  std::sort(out.begin(), out.end(), [](const SampleSection& a, const SampleSection& b) {
    return a.type < b.type;
  });
  return out;
}

inline std::vector<SampleSection> SampleSections() {
  return {{.type = SectionType::kManifest, .bytes = Encoded(SampleManifest())},
          {.type = SectionType::kRecipe, .bytes = std::vector<std::byte>(21, std::byte{7})},
          {.type = SectionType::kNormalisation, .bytes = Encoded(SampleNormalisation())},
          {.type = SectionType::kTrigger, .bytes = Encoded(SampleTrigger())},
          {.type = SectionType::kExitPolicy, .bytes = Encoded(SamplePolicy())},
          {.type = SectionType::kFallbackRules, .bytes = Encoded(SampleRules())},
          {.type = SectionType::kGuardrails, .bytes = Encoded(SampleGuardrails())},
          {.type = SectionType::kLabels, .bytes = Encoded(SampleLabels())},
          {.type = SectionType::kSketchEdges, .bytes = Encoded(SampleEdges())},
          {.type = SectionType::kDriftReference, .bytes = Encoded(SampleReference())}};
}

inline std::vector<SectionInput> Inputs(const std::vector<SampleSection>& sections) {
  std::vector<SectionInput> out;
  for (const auto& section : sections) {
    out.push_back({section.type, section.target, section.bytes, section.critical});
  }
  return out;
}

/// Empty when the sections make no package.
inline std::vector<std::byte> Write(const std::vector<SampleSection>& sections) {
  const auto inputs = Inputs(sections);
  std::vector<std::byte> out(PackageBytes(inputs));
  return WritePackage(inputs, out).ok() ? out : std::vector<std::byte>();
}

inline crypto::SecretSeed SampleSeed(unsigned number) {
  crypto::SecretSeed seed;
  seed.bytes.fill(static_cast<std::byte>(number));
  return seed;
}

}  // namespace trib::package::testing
