#include <array>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "build.h"
#include "trib/common/host/identity/identity.h"
#include "trib/common/host/package/package.h"
#include "trib/common/package/sections.h"

namespace trib::host::package {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<const char*, 5> kActuatorNames = {
    "unspecified", "normal", "warn", "reduce", "stop"};
constexpr std::array<const char*, 6> kSourceNames = {
    "unspecified", "any_fault", "rms", "peak", "crest", "fault"};

constexpr std::array<const char*, 5> kZoneNames = {"off", "A", "B", "C", "D"};

Json ToJson(const Manifest& value) {
  return {{"name", value.name.view()},
          {"version", value.version.view()},
          {"hardware_class", HardwareClassName(value.hardware_class)},
          {"abi_min", value.abi_min},
          {"abi_max", value.abi_max},
          {"operators", value.operators},
          {"arena_bytes", value.arena_bytes},
          {"security_counter", value.security_counter},
          {"parent", identity::ToHex(value.parent)}};
}

Json ToJson(const Normalisation& value) {
  Json out = Json::array();
  for (const auto& feature : value.features) {
    out.push_back({{"mean", feature.mean}, {"deviation", feature.deviation}});
  }
  return out;
}

Json MaskToJson(std::uint64_t mask) {
  Json features = Json::array();
  for (unsigned i = 0; i < kMaxFeatures; ++i) {
    if ((mask >> i & 1U) != 0) {
      features.push_back(i);
    }
  }
  return features;
}

Json ToJson(const TriggerSpec& value) {
  return {{"commissioning_windows", value.commissioning_windows},
          {"skip_windows", value.skip_windows},
          {"ewma_alpha", value.ewma_alpha},
          {"false_alarm_rate", value.false_alarm_rate},
          {"min_std", value.min_std},
          {"enter_m", value.enter_m},
          {"enter_n", value.enter_n},
          {"clear_n", value.clear_n},
          {"threshold_scale", value.threshold_scale},
          {"features", MaskToJson(value.feature_mask)}};
}

Json ToJson(const DistanceSpec& value) {
  Json out = {{"false_alarm_rate", value.false_alarm_rate},
              {"threshold_scale", value.threshold_scale},
              {"shrinkage", "automatic"},
              {"features", MaskToJson(value.feature_mask)}};
  if (value.shrinkage != DistanceSpec::kAutomatic) {
    out["shrinkage"] = value.shrinkage;
  }
  return out;
}

Json ToJson(const CommissioningSpec& value) {
  Json limits = Json::array();
  for (const auto& limit : value.limits) {
    limits.push_back({{"feature", limit.feature},
                      {limit.comparison == Comparison::kGreater ? "above" : "below", limit.value}});
  }
  return {{"max_attempts", value.max_attempts},
          {"then",
           value.after == AfterRefusals::kStayOnRules ? "stay_on_rules" : "accept_with_warning"},
          {"max_zone", kZoneNames[value.max_zone]},
          {"max_refused_permille", value.max_refused_permille},
          {"max_shift", value.max_shift},
          {"max_trend", value.max_trend},
          {"min_std", value.min_std},
          {"max_std", value.max_std},
          {"limits", std::move(limits)}};
}

Json ToJson(const SeveritySpec& value) {
  Json actuators = Json::array();
  for (const std::uint8_t actuator : value.actuator) {
    actuators.push_back(kActuatorNames[actuator]);
  }
  return {{"feature", value.feature},
          {"machine_group", value.machine_group.view()},
          {"boundaries_mm_s", value.boundaries},
          {"hysteresis", value.hysteresis},
          {"average_windows", value.average_windows},
          {"actuators", std::move(actuators)},
          {"labels", value.label}};
}

Json ToJson(const ConditionSpec& value) {
  Json out = Json::array();
  for (const auto& range : value.ranges) {
    out.push_back({{"low_hz", range.low_hz}, {"high_hz", range.high_hz}});
  }
  return out;
}

Json ToJson(const ClassifierSpec& value) {
  constexpr std::array<const char*, 4> kInputNames = {
      "unspecified", "window", "scaled_window", "features"};
  constexpr std::array<const char*, 3> kTierNames = {"node", "gateway", "cloud"};
  Json exits = Json::array();
  for (const auto& exit : value.exits) {
    exits.push_back({{"tier", kTierNames[exit.tier - 3U]},
                     {"output", exit.output},
                     {"operators", exit.operators},
                     {"temperature", 1 / exit.inverse_temperature},
                     {"accept", std::vector<float>(exit.accept.begin(), exit.accept.end())},
                     {"reject", std::vector<float>(exit.reject.begin(), exit.reject.end())}});
  }
  Json out = {{"input", kInputNames[static_cast<std::size_t>(value.input)]},
              {"verdict_wait_ms", value.verdict_wait_ms},
              {"labels", std::vector<unsigned>(value.labels.begin(), value.labels.end())},
              {"exits", std::move(exits)}};
  if (value.input == NetworkInput::kScaledWindow) {
    out["offset"] = value.offset;
    out["gain"] = value.gain;
  }
  return out;
}

Json ToJson(const SplitPoints& value) {
  // Records and gateways name a package by the first eight bytes of its digest.
  std::array<char, 17> hash{};
  std::snprintf(hash.data(), hash.size(), "%016" PRIx64, HashOf(value.tail_digest).value());
  return {{"tail_digest", identity::ToHex(value.tail_digest)},
          {"tail_hash", hash.data()},
          {"tail_bytes", value.tail_bytes},
          {"cut", value.cut},
          {"max_activation_bytes", value.max_activation_bytes}};
}

Json ToJson(const ExitPolicy& value) {
  Json thresholds = Json::array();
  for (const float threshold : value.thresholds) {
    thresholds.push_back(threshold);
  }
  return {{"heartbeat_ms", value.heartbeat_ms},
          {"reminder_ms", value.reminder_ms},
          {"block_ms", value.block_ms},
          {"status_ms", value.status_ms},
          {"audit_permille", value.audit_permille},
          {"thresholds", std::move(thresholds)}};
}

Json ToJson(const FallbackRules& value) {
  Json out = Json::array();
  for (const auto& rule : value.rules) {
    Json entry = {{"source", kSourceNames[static_cast<std::size_t>(rule.source)]},
                  {"actuator", kActuatorNames[rule.actuator]},
                  {"label", rule.label}};
    if (rule.channel != kAnyChannel) {
      entry["channel"] = rule.channel;
    }
    if (rule.source == RuleSource::kFaultCode) {
      entry["fault_code"] = rule.fault_code;
    } else if (rule.comparison != Comparison::kUnspecified) {
      entry["comparison"] = rule.comparison == Comparison::kGreater ? ">" : "<";
      entry["threshold"] = rule.threshold;
    }
    out.push_back(std::move(entry));
  }
  return out;
}

Json ToJson(const Guardrails& value) {
  Json out = Json::array();
  for (const auto& rail : value.channels) {
    out.push_back({{"min_raw", rail.min_raw},
                   {"max_raw", rail.max_raw},
                   {"clip_level_raw", rail.clip_level_raw},
                   {"max_clipped_permille", rail.max_clipped_permille},
                   {"max_stuck_run", rail.max_stuck_run},
                   {"min_peak_to_peak_raw", rail.min_peak_to_peak_raw},
                   {"max_missing_permille", rail.max_missing_permille},
                   {"scale_min", rail.scale_min},
                   {"scale_max", rail.scale_max}});
  }
  return out;
}

Json ToJson(const Labels& value) {
  Json out = Json::array();
  for (const auto& label : value.labels) {
    out.push_back({{"name", label.name.view()},
                   {"actuator", kActuatorNames[label.actuator]},
                   {"alarm", label.is_alarm}});
  }
  return out;
}

Json ToJson(const SketchEdges& value) {
  Json out = Json::array();
  for (const auto& histogram : value.histograms) {
    out.push_back({{"feature", histogram.feature}, {"edges", histogram.edges}});
  }
  return out;
}

Json ToJson(const DriftReference& value) {
  Json histograms = Json::array();
  for (const auto& histogram : value.histograms) {
    histograms.push_back({{"feature", histogram.feature}, {"counts", histogram.counts}});
  }
  return {{"windows", value.windows}, {"histograms", std::move(histograms)}};
}

Json RecipeToJson(std::span<const std::byte> bytes) {
  const auto recipe = dsp::DecodeRecipe(bytes);
  if (!recipe.ok()) {
    return nullptr;
  }
  return {{"id", RecipeIdOf(bytes).value()},
          {"channels", recipe->channels},
          {"sample_rate_hz", recipe->sample_rate_hz},
          {"window", recipe->window_frames},
          {"hop", recipe->hop_frames},
          {"log_floor", recipe->log_floor},
          {"features", FeatureNames(*recipe)}};
}

template <typename T>
Json DecodedToJson(std::span<const std::byte> bytes) {
  T value;
  return Decode(bytes, value).ok() ? ToJson(value) : Json(nullptr);
}

/// Null for a section that does not decode or has no layout here.
Json ContentToJson(const SectionInfo& section) {
  switch (section.type) {
    case SectionType::kManifest:
      return DecodedToJson<Manifest>(section.bytes);
    case SectionType::kRecipe:
      return RecipeToJson(section.bytes);
    case SectionType::kNormalisation:
      return DecodedToJson<Normalisation>(section.bytes);
    case SectionType::kTrigger:
      return DecodedToJson<TriggerSpec>(section.bytes);
    case SectionType::kExitPolicy:
      return DecodedToJson<ExitPolicy>(section.bytes);
    case SectionType::kFallbackRules:
      return DecodedToJson<FallbackRules>(section.bytes);
    case SectionType::kGuardrails:
      return DecodedToJson<Guardrails>(section.bytes);
    case SectionType::kLabels:
      return DecodedToJson<Labels>(section.bytes);
    case SectionType::kSketchEdges:
      return DecodedToJson<SketchEdges>(section.bytes);
    case SectionType::kDriftReference:
      return DecodedToJson<DriftReference>(section.bytes);
    case SectionType::kDistance:
      return DecodedToJson<DistanceSpec>(section.bytes);
    case SectionType::kCommissioning:
      return DecodedToJson<CommissioningSpec>(section.bytes);
    case SectionType::kSeverity:
      return DecodedToJson<SeveritySpec>(section.bytes);
    case SectionType::kConditions:
      return DecodedToJson<ConditionSpec>(section.bytes);
    case SectionType::kClassifier:
      return DecodedToJson<ClassifierSpec>(section.bytes);
    case SectionType::kSplitPoints:
      return DecodedToJson<SplitPoints>(section.bytes);
    default:
      return nullptr;
  }
}

Json SectionToJson(const SectionInfo& section) {
  return {{"type", static_cast<std::uint16_t>(section.type)},
          {"name", SectionName(section.type)},
          {"target", TargetName(section.target)},
          {"critical", section.critical},
          {"bytes", section.bytes.size()},
          {"content", ContentToJson(section)}};
}

/// What the stated rates are worth. Null without a trigger.
Json ClaimsOf(const PackageView& view) {
  TriggerSpec trigger;
  const auto recipe = dsp::DecodeRecipe(view.Find(SectionType::kRecipe));
  if (!recipe.ok() || view.Find(SectionType::kTrigger).empty() ||
      !Decode(view.Find(SectionType::kTrigger), trigger).ok()) {
    return nullptr;
  }
  auto rate = static_cast<double>(trigger.false_alarm_rate);
  DistanceSpec distance;
  if (!view.Find(SectionType::kDistance).empty() &&
      Decode(view.Find(SectionType::kDistance), distance).ok()) {
    rate += static_cast<double>(distance.false_alarm_rate);
  }
  constexpr double kSecondsPerDay = 86'400;
  constexpr double kRisk = 0.05;
  const double windows_per_day =
      kSecondsPerDay * recipe->sample_rate_hz / static_cast<double>(recipe->hop_frames);
  return {
      {"false_alarm_rate_at_most", rate},
      {"windows_per_day", windows_per_day},
      {"windows_over_threshold_per_day_at_most", rate * windows_per_day},
      {"clean_windows_that_confirm_it", std::ceil(std::log(kRisk) / std::log1p(-rate))},
      {"overlapping_windows", recipe->hop_frames < recipe->window_frames},
      {"holds_for",
       "single windows, before enter_m of enter_n; independent, of a Gaussian machine in the state "
       "in which its baseline was learned; averaged over baselines; threshold_scale is beyond it"}};
}

}  // namespace

Result<std::string> InspectPackage(std::span<const std::byte> file, std::string* error) {
  const auto view = PackageView::Open(file);
  if (!view.ok()) {
    if (error != nullptr) {
      *error = DescribeRefusal(view.status());
    }
    return view.status();
  }
  const Status contents = CheckContents(*view);
  Json signatures = Json::array();
  for (std::size_t i = 0; i < view->signature_count(); ++i) {
    signatures.push_back({{"key_id", identity::ToHex(view->signature(i).key.bytes)}});
  }
  Json sections = Json::array();
  for (std::size_t i = 0; i < view->section_count(); ++i) {
    sections.push_back(SectionToJson(view->section(i)));
  }
  // As records carry it, and as the cloud's answers write it.
  std::array<char, 17> hash{};
  std::snprintf(hash.data(), hash.size(), "%016" PRIx64, view->hash().value());
  const Json out = {{"digest", identity::ToHex(view->digest())},
                    {"hash", hash.data()},
                    {"bytes", file.size()},
                    {"refusal", contents.ok() ? Json(nullptr) : Json(DescribeRefusal(contents))},
                    {"claims", ClaimsOf(*view)},
                    {"signatures", std::move(signatures)},
                    {"sections", std::move(sections)}};
  return out.dump(2);
}

}  // namespace trib::host::package
