// [distance], [commissioning], [severity] and [[condition]].
#include <algorithm>
#include <array>

#include "build.h"
#include "trib/common/dsp/recipe.h"

namespace trib::host::package {
namespace {

constexpr std::array<std::string_view, 2> kAfter = {"accept_with_warning", "stay_on_rules"};
constexpr std::array<std::string_view, 5> kMaxZones = {"off", "A", "B", "C", "D"};

float FloatOr(Section& section, std::string_view key, double otherwise, double min, double max) {
  return static_cast<float>(section.Double(key, otherwise, config::Range<double>{min, max}));
}

void ReadLimits(ConfigFile& spec,
                const std::vector<std::string>& features,
                CommissioningSpec& out) {
  for (auto& table : spec.Tables("commissioning.limit")) {
    BaselineLimit limit;
    limit.feature = FeatureOf(table, "feature", table.String("feature"), features).value_or(0);
    const bool above = table.Has("above");
    if (above == table.Has("below")) {
      table.Fail("feature", "needs either \"above\" or \"below\"");
      continue;
    }
    limit.comparison = above ? Comparison::kGreater : Comparison::kLess;
    limit.value = static_cast<float>(table.Double(above ? "above" : "below", {-1e30, 1e30}));
    if (!out.limits.push_back(limit)) {
      table.Fail("feature", "is of a limit too many: at most 16");
    }
  }
}

/// One word per zone A..D.
std::vector<std::string> PerZone(ConfigFile& spec, std::string_view key) {
  auto words = spec.Strings(key);
  if (words.size() != kZones) {
    spec.Fail(key, "must have four words, for the zones A, B, C and D");
    words.resize(kZones);
  }
  return words;
}

}  // namespace

std::optional<std::uint16_t> FeatureOf(Section& section,
                                       std::string_view key,
                                       const std::string& name,
                                       const std::vector<std::string>& features) {
  const auto found = std::find(features.begin(), features.end(), name);
  if (found == features.end()) {
    section.Fail(key,
                 WithNearest("names \"" + name + "\", no output of the recipe", name, features));
    return std::nullopt;
  }
  return static_cast<std::uint16_t>(found - features.begin());
}

std::uint64_t ReadMask(ConfigFile& spec,
                       std::string_view key,
                       const std::vector<std::string>& features,
                       std::uint64_t otherwise) {
  std::uint64_t mask = 0;
  const auto names = spec.Strings(key);
  for (const std::string& name : names) {
    if (const auto feature = FeatureOf(spec, key, name, features)) {
      mask |= std::uint64_t{1} << *feature;
    }
  }
  return names.empty() ? otherwise : mask;
}

std::uint64_t UsualFeatures(ConfigFile& spec, const std::vector<std::string>& features) {
  const std::string severity = spec.Has("severity") ? spec.String("severity.feature", "") : "";
  std::uint64_t mask = 0;
  for (std::size_t i = 0; i < features.size(); ++i) {
    mask |= features[i] == severity ? 0 : std::uint64_t{1} << i;
  }
  return mask;
}

DistanceSpec ReadDistance(ConfigFile& spec,
                          const std::vector<std::string>& features,
                          std::uint64_t trigger_mask) {
  DistanceSpec out;
  out.false_alarm_rate = static_cast<float>(spec.Double("distance.false_alarm_rate", {1e-12, 0.5}));
  out.threshold_scale = FloatOr(spec, "distance.threshold_scale", 1, 1e-3, 1000);
  if (spec.Has("distance.shrinkage")) {
    out.shrinkage = static_cast<float>(spec.Double("distance.shrinkage", {0, 1}));
  }
  out.feature_mask = ReadMask(spec, "distance.features", features, trigger_mask);
  if (static_cast<std::size_t>(std::popcount(out.feature_mask)) > kMaxDistanceFeatures) {
    spec.Fail("distance", "has too many features: at most 32; name them in \"features\"");
  }
  return out;
}

CommissioningSpec ReadCommissioning(ConfigFile& spec, const std::vector<std::string>& features) {
  CommissioningSpec out;
  out.max_attempts = static_cast<std::uint16_t>(spec.Int("commissioning.max_attempts", {1, 65535}));
  out.after =
      static_cast<AfterRefusals>(1 + IndexOf(kAfter, spec.Enum("commissioning.then", kAfter)));
  out.max_zone = static_cast<std::uint8_t>(
      IndexOf(kMaxZones, spec.Enum("commissioning.max_zone", "off", kMaxZones)));
  out.max_refused_permille =
      static_cast<std::uint16_t>(spec.Int("commissioning.max_refused_permille", {0, 1000}));
  out.max_shift = FloatOr(spec, "commissioning.max_shift", 0, 0, 1e6);
  out.max_trend = FloatOr(spec, "commissioning.max_trend", 0, 0, 1e6);
  out.min_std = FloatOr(spec, "commissioning.min_std", 0, 0, 1e30);
  out.max_std = FloatOr(spec, "commissioning.max_std", 0, 0, 1e30);
  ReadLimits(spec, features, out);
  return out;
}

SeveritySpec ReadSeverity(ConfigFile& spec,
                          const dsp::Recipe& recipe,
                          const std::vector<std::string>& features,
                          const std::vector<std::string>& labels) {
  SeveritySpec out;
  const std::string feature = spec.String("severity.feature");
  if (const auto index = FeatureOf(spec, "severity.feature", feature, features)) {
    out.feature = *index;
    const dsp::Operation* operation = dsp::OperationOf(recipe, *index);
    if (operation == nullptr || operation->op != dsp::Op::kVelocityRms) {
      spec.Fail("severity.feature", "is no velocity: name an output of velocity_rms");
    }
  }
  out.average_windows =
      static_cast<std::uint16_t>(spec.Int("severity.average_windows", {1, 65535}));
  const auto boundaries = spec.Doubles("severity.boundaries_mm_s", {1e-6, 1e6});
  if (boundaries.size() != out.boundaries.size()) {
    spec.Fail("severity.boundaries_mm_s", "must have three rising numbers: A/B, B/C, C/D");
  } else {
    std::transform(boundaries.begin(), boundaries.end(), out.boundaries.begin(), [](double value) {
      return static_cast<float>(value);
    });
  }
  out.hysteresis = FloatOr(spec, "severity.hysteresis", 0, 0, 0.9);
  const auto actuators = PerZone(spec, "severity.actuators");
  const auto zone_labels = PerZone(spec, "severity.labels");
  for (std::size_t zone = 0; zone < kZones; ++zone) {
    const auto actuator = std::find(kActuators.begin(), kActuators.end(), actuators[zone]);
    const auto label = std::find(labels.begin(), labels.end(), zone_labels[zone]);
    if (actuator == kActuators.end()) {
      spec.Fail("severity.actuators", "is \"" + actuators[zone] + "\", no actuator state");
      continue;
    }
    if (label == labels.end()) {
      spec.Fail(
          "severity.labels",
          WithNearest("is \"" + zone_labels[zone] + "\", no [[label]]", zone_labels[zone], labels));
      continue;
    }
    out.actuator[zone] = static_cast<std::uint8_t>(1 + (actuator - kActuators.begin()));
    out.label[zone] = static_cast<std::uint8_t>(label - labels.begin());
  }
  const std::string group = spec.String("severity.machine_group");
  if (group.size() > ShortText::kMaxBytes) {
    spec.Fail("severity.machine_group", "is longer than 31 bytes");
  }
  out.machine_group = ShortText(group);
  return out;
}

ConditionSpec ReadConditions(ConfigFile& spec) {
  ConditionSpec out;
  for (auto& table : spec.Tables("condition")) {
    const auto range = table.Doubles("speed_hz", {0, 1e6});
    if (range.size() != 2) {
      table.Fail("speed_hz", "must have two numbers: from and below");
      continue;
    }
    if (!out.ranges.push_back(
            {.low_hz = static_cast<float>(range[0]), .high_hz = static_cast<float>(range[1])})) {
      table.Fail("speed_hz", "is of a condition too many: at most 3");
    }
  }
  return out;
}

}  // namespace trib::host::package
