#include "trib/common/package/sections.h"

#include <bit>

#include "section_io.h"

namespace trib::package {
namespace {

using namespace internal;  // NOLINT(google-build-using-namespace): this module's own

constexpr std::uint32_t kMaxIntervalMs = 7U * 24 * 3600 * 1000;
constexpr std::uint8_t kLabelIsAlarm = 1;
constexpr std::uint16_t kMaxPermille = 1000;

bool IsNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}
bool IsVersionChar(char c) {
  return IsNameChar(c) || (c >= 'A' && c <= 'Z') || c == '+';
}

/// Lead bytes of UTF-8 with the length of their sequence and what the second byte may be: Unicode
/// table 3-7, less the control characters.
struct Utf8Lead {
  std::uint8_t first, last;
  std::uint8_t length;
  std::uint8_t second_min, second_max;
};
constexpr std::array<Utf8Lead, 10> kUtf8Leads = {{
    {0x20, 0x7E, 1, 0, 0},
    {0xC2, 0xC2, 2, 0xA0, 0xBF},  // U+0080..U+009F are controls
    {0xC3, 0xDF, 2, 0x80, 0xBF},
    {0xE0, 0xE0, 3, 0xA0, 0xBF},
    {0xE1, 0xEC, 3, 0x80, 0xBF},
    {0xED, 0xED, 3, 0x80, 0x9F},
    {0xEE, 0xEF, 3, 0x80, 0xBF},
    {0xF0, 0xF0, 4, 0x90, 0xBF},
    {0xF1, 0xF3, 4, 0x80, 0xBF},
    {0xF4, 0xF4, 4, 0x80, 0x8F},
}};

/// Length of the sequence that `text` starts with; 0 when it is not well-formed or a control.
std::size_t Utf8Length(std::string_view text) {
  const auto at = [&](std::size_t i) {
    return i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0};
  };
  for (const Utf8Lead& lead : kUtf8Leads) {
    if (at(0) < lead.first || at(0) > lead.last) {
      continue;
    }
    bool good = lead.length == 1 || (at(1) >= lead.second_min && at(1) <= lead.second_max);
    for (std::size_t i = 2; i < lead.length; ++i) {
      good = good && (at(i) & 0xC0U) == 0x80U;
    }
    return good ? lead.length : 0;
  }
  return 0;
}

/// Reads a histogram's feature number, which has to rise from `previous` (-1 at first).
bool ReadFeature(ByteReader& in, std::int32_t& previous, std::uint16_t& feature) {
  feature = in.U16();
  const bool reserved_is_zero = in.U16() == 0;
  const bool known =
      feature < kMaxFeatures || feature == kTriggerScoreFeature || feature == kConfidenceFeature;
  const bool rises = static_cast<std::int32_t>(feature) > previous;
  previous = feature;
  return in.ok() && reserved_is_zero && known && rises;
}

bool ReadRule(ByteReader& in, FallbackRule& rule) {
  rule.source = static_cast<RuleSource>(in.U8());
  rule.comparison = static_cast<Comparison>(in.U8());
  rule.actuator = in.U8();
  rule.label = in.U8();
  rule.fault_code = in.U16();
  rule.channel = in.U8();
  const bool reserved_is_zero = in.U8() == 0;
  rule.threshold = in.F32();
  if (!in.ok() || !reserved_is_zero || !IsActuator(rule.actuator) || rule.label >= kMaxLabels ||
      (rule.channel >= kMaxChannels && rule.channel != kAnyChannel)) {
    return false;
  }
  switch (rule.source) {
    case RuleSource::kAnyFault:
    case RuleSource::kFaultCode: {
      const bool has_code = rule.source == RuleSource::kFaultCode;
      return rule.comparison == Comparison::kUnspecified && (rule.fault_code != 0) == has_code &&
             std::bit_cast<std::uint32_t>(rule.threshold) == 0;
    }
    case RuleSource::kRms:
    case RuleSource::kPeak:
    case RuleSource::kCrest:
      return (rule.comparison == Comparison::kGreater || rule.comparison == Comparison::kLess) &&
             rule.fault_code == 0 && IsFinite(rule.threshold);
    case RuleSource::kUnspecified:
      break;
  }
  return false;
}

bool ReadGuardrail(ByteReader& in, ChannelGuardrail& rail) {
  rail.min_raw = static_cast<std::int16_t>(in.U16());
  rail.max_raw = static_cast<std::int16_t>(in.U16());
  rail.clip_level_raw = static_cast<std::int16_t>(in.U16());
  rail.max_clipped_permille = in.U16();
  rail.max_stuck_run = in.U16();
  rail.min_peak_to_peak_raw = in.U16();
  rail.max_missing_permille = in.U16();
  const bool reserved_is_zero = in.U16() == 0;
  rail.scale_min = in.F32();
  rail.scale_max = in.F32();
  return in.ok() && reserved_is_zero && rail.min_raw < rail.max_raw && rail.clip_level_raw >= 1 &&
         rail.max_clipped_permille <= kMaxPermille && rail.max_stuck_run != 1 &&
         rail.max_missing_permille <= kMaxPermille && IsPositive(rail.scale_min) &&
         IsPositive(rail.scale_max) && rail.scale_min <= rail.scale_max;
}

Status WalkSketchEdges(std::span<const std::byte> section, SketchEdges* out) {
  constexpr std::size_t kEntryBytes = 4 + 4 * kEdges;
  ByteReader in(section);
  std::size_t count = 0;
  TRIB_TRY(Require(ReadCount(in, kMaxHistograms, kEntryBytes, count), Reason::kBadSketchEdges));
  std::int32_t previous_feature = -1;
  for (std::size_t i = 0; i < count; ++i) {
    SketchEdges::Histogram histogram;
    bool good = ReadFeature(in, previous_feature, histogram.feature);
    for (std::size_t e = 0; e < kEdges; ++e) {
      histogram.edges[e] = in.F32();
      good = good && IsFinite(histogram.edges[e]) &&
             (e == 0 || histogram.edges[e - 1] < histogram.edges[e]);
    }
    TRIB_TRY(Require(good, Reason::kBadSketchEdges));
    if (out != nullptr) {
      out->histograms.push_back(histogram);
    }
  }
  return {};
}

Status WalkDriftReference(std::span<const std::byte> section, DriftReference* out) {
  constexpr std::size_t kEntryBytes = 4 + 4 * kBins;
  ByteReader in(section);
  const std::uint32_t windows = in.U32();
  std::size_t count = 0;
  TRIB_TRY(Require(ReadCount(in, kMaxHistograms, kEntryBytes, count) && windows != 0,
                   Reason::kBadDriftReference));
  std::int32_t previous_feature = -1;
  for (std::size_t i = 0; i < count; ++i) {
    DriftReference::Histogram histogram;
    bool good = ReadFeature(in, previous_feature, histogram.feature);
    std::uint64_t sum = 0;
    for (auto& bin : histogram.counts) {
      bin = in.U32();
      sum += bin;
    }
    TRIB_TRY(Require(good && sum == windows, Reason::kBadDriftReference));
    if (out != nullptr) {
      out->histograms.push_back(histogram);
    }
  }
  if (out != nullptr) {
    out->windows = windows;
  }
  return {};
}

}  // namespace

bool internal::IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = Utf8Length(text);
    if (length == 0) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

Status Decode(std::span<const std::byte> section, Manifest& out) {
  out = {};
  ByteReader in(section);
  out.hardware_class = static_cast<HardwareClass>(in.U32());
  out.abi_min = in.U16();
  out.abi_max = in.U16();
  out.operators = in.U64();
  out.arena_bytes = in.U32();
  out.security_counter = in.U32();
  for (auto& b : out.parent) {
    b = static_cast<std::byte>(in.U8());
  }
  const std::size_t name_size = in.U8();
  const std::size_t version_size = in.U8();
  bool good = in.U16() == 0;
  good = good && ReadText(in, name_size, out.name) && ReadText(in, version_size, out.version);
  for (const char c : out.name.view()) {
    good = good && IsNameChar(c);
  }
  for (const char c : out.version.view()) {
    good = good && IsVersionChar(c);
  }
  good = good && in.ok() && in.remaining() == 0 && out.abi_min >= 1 && out.abi_min <= out.abi_max;
  // An arena without operators, or the reverse, is a slip of whoever built the package.
  good = good && (out.operators != 0) == (out.arena_bytes != 0);
  return Require(good, Reason::kBadManifest);
}

Status Decode(std::span<const std::byte> section, Normalisation& out) {
  out = {};
  ByteReader in(section);
  std::size_t count = 0;
  TRIB_TRY(Require(ReadCount(in, kMaxFeatures, 8, count), Reason::kBadNormalisation));
  for (std::size_t i = 0; i < count; ++i) {
    const Normalisation::Feature feature{.mean = in.F32(), .deviation = in.F32()};
    TRIB_TRY(Require(IsFinite(feature.mean) && IsPositive(feature.deviation),
                     Reason::kBadNormalisation));
    out.features.push_back(feature);
  }
  return {};
}

Status Decode(std::span<const std::byte> section, TriggerSpec& out) {
  ByteReader in(section);
  out.commissioning_windows = in.U32();
  out.skip_windows = in.U32();
  out.ewma_alpha = in.F32();
  out.false_alarm_rate = in.F32();
  out.min_std = in.F32();
  out.enter_m = in.U8();
  out.enter_n = in.U8();
  out.clear_n = in.U8();
  const bool reserved_is_zero = in.U8() == 0;
  out.feature_mask = in.U64();
  out.threshold_scale = in.F32();
  return Require(in.ok() && in.remaining() == 0 && reserved_is_zero &&
                     out.commissioning_windows >= 2 && IsPositive(out.ewma_alpha) &&
                     out.ewma_alpha <= 1.0F && IsPositive(out.false_alarm_rate) &&
                     out.false_alarm_rate <= 0.5F && IsPositive(out.min_std) && out.enter_m >= 1 &&
                     out.enter_m <= out.enter_n && out.enter_n <= 32 && out.clear_n >= 1 &&
                     out.feature_mask != 0 && IsPositive(out.threshold_scale) &&
                     out.threshold_scale <= 1000.0F,
                 Reason::kBadTrigger);
}

Status Decode(std::span<const std::byte> section, ExitPolicy& out) {
  out = {};
  ByteReader in(section);
  out.heartbeat_ms = in.U32();
  out.reminder_ms = in.U32();
  out.block_ms = in.U32();
  out.status_ms = in.U32();
  out.audit_permille = in.U16();
  const std::size_t count = in.U16();
  bool good = in.ok() && count <= kMaxLabels && in.remaining() == 4 * count &&
              out.audit_permille <= kMaxPermille;
  for (const std::uint32_t interval :
       {out.heartbeat_ms, out.reminder_ms, out.block_ms, out.status_ms}) {
    good = good && interval >= 1 && interval <= kMaxIntervalMs;
  }
  for (std::size_t i = 0; good && i < count; ++i) {
    const float threshold = in.F32();
    good = IsWithin(threshold, 0.0F, 1.0F) && out.thresholds.push_back(threshold);
  }
  return Require(good, Reason::kBadExitPolicy);
}

Status Decode(std::span<const std::byte> section, FallbackRules& out) {
  out = {};
  ByteReader in(section);
  std::size_t count = 0;
  TRIB_TRY(Require(ReadCount(in, kMaxRules, 12, count), Reason::kBadFallbackRules));
  for (std::size_t i = 0; i < count; ++i) {
    FallbackRule rule;
    TRIB_TRY(Require(ReadRule(in, rule), Reason::kBadFallbackRules));
    out.rules.push_back(rule);
  }
  return {};
}

Status Decode(std::span<const std::byte> section, Guardrails& out) {
  out = {};
  ByteReader in(section);
  std::size_t count = 0;
  TRIB_TRY(Require(ReadCount(in, kMaxChannels, 24, count), Reason::kBadGuardrails));
  for (std::size_t i = 0; i < count; ++i) {
    ChannelGuardrail rail;
    TRIB_TRY(Require(ReadGuardrail(in, rail), Reason::kBadGuardrails));
    out.channels.push_back(rail);
  }
  return {};
}

Status Decode(std::span<const std::byte> section, Labels& out) {
  out = {};
  ByteReader in(section);
  const std::size_t count = in.U16();
  bool good = in.U16() == 0 && count >= 1 && count <= kMaxLabels;
  for (std::size_t i = 0; good && i < count; ++i) {
    Label label;
    label.actuator = in.U8();
    const std::uint8_t flags = in.U8();
    label.is_alarm = (flags & kLabelIsAlarm) != 0;
    good = (flags & ~kLabelIsAlarm) == 0 && IsActuator(label.actuator) &&
           ReadText(in, in.U8(), label.name) && IsUtf8(label.name.view());
    for (const Label& other : out.labels) {
      good = good && !(other.name == label.name);
    }
    good = good && out.labels.push_back(label);
  }
  good = good && in.ok() && in.remaining() == 0 && !out.labels[0].is_alarm;
  return Require(good, Reason::kBadLabels);
}

Status Decode(std::span<const std::byte> section, SketchEdges& out) {
  out.histograms.clear();
  return WalkSketchEdges(section, &out);
}

Status Decode(std::span<const std::byte> section, DriftReference& out) {
  out.histograms.clear();
  return WalkDriftReference(section, &out);
}

Status CheckSketchEdges(std::span<const std::byte> section) {
  return WalkSketchEdges(section, nullptr);
}

Status CheckDriftReference(std::span<const std::byte> section) {
  return WalkDriftReference(section, nullptr);
}

Result<std::size_t> Encode(const Manifest& value, std::span<std::byte> out) {
  ByteWriter to(out);
  to.U32(static_cast<std::uint32_t>(value.hardware_class));
  to.U16(value.abi_min);
  to.U16(value.abi_max);
  to.U64(value.operators);
  to.U32(value.arena_bytes);
  to.U32(value.security_counter);
  to.Bytes(value.parent);
  to.U8(value.name.size);
  to.U8(value.version.size);
  to.U16(0);
  WriteText(to, value.name);
  WriteText(to, value.version);
  return FinishByDecoding<Manifest>(to);
}

Result<std::size_t> Encode(const Normalisation& value, std::span<std::byte> out) {
  ByteWriter to(out);
  WriteCount(to, value.features.size());
  for (const auto& feature : value.features) {
    to.F32(feature.mean);
    to.F32(feature.deviation);
  }
  return FinishByDecoding<Normalisation>(to);
}

Result<std::size_t> Encode(const TriggerSpec& value, std::span<std::byte> out) {
  ByteWriter to(out);
  to.U32(value.commissioning_windows);
  to.U32(value.skip_windows);
  to.F32(value.ewma_alpha);
  to.F32(value.false_alarm_rate);
  to.F32(value.min_std);
  to.U8(value.enter_m);
  to.U8(value.enter_n);
  to.U8(value.clear_n);
  to.U8(0);
  to.U64(value.feature_mask);
  to.F32(value.threshold_scale);
  return FinishByDecoding<TriggerSpec>(to);
}

Result<std::size_t> Encode(const ExitPolicy& value, std::span<std::byte> out) {
  ByteWriter to(out);
  to.U32(value.heartbeat_ms);
  to.U32(value.reminder_ms);
  to.U32(value.block_ms);
  to.U32(value.status_ms);
  to.U16(value.audit_permille);
  to.U16(static_cast<std::uint16_t>(value.thresholds.size()));
  for (const float threshold : value.thresholds) {
    to.F32(threshold);
  }
  return FinishByDecoding<ExitPolicy>(to);
}

Result<std::size_t> Encode(const FallbackRules& value, std::span<std::byte> out) {
  ByteWriter to(out);
  WriteCount(to, value.rules.size());
  for (const auto& rule : value.rules) {
    to.U8(static_cast<std::uint8_t>(rule.source));
    to.U8(static_cast<std::uint8_t>(rule.comparison));
    to.U8(rule.actuator);
    to.U8(rule.label);
    to.U16(rule.fault_code);
    to.U8(rule.channel);
    to.U8(0);
    to.F32(rule.threshold);
  }
  return FinishByDecoding<FallbackRules>(to);
}

Result<std::size_t> Encode(const Guardrails& value, std::span<std::byte> out) {
  ByteWriter to(out);
  WriteCount(to, value.channels.size());
  for (const auto& rail : value.channels) {
    to.U16(static_cast<std::uint16_t>(rail.min_raw));
    to.U16(static_cast<std::uint16_t>(rail.max_raw));
    to.U16(static_cast<std::uint16_t>(rail.clip_level_raw));
    to.U16(rail.max_clipped_permille);
    to.U16(rail.max_stuck_run);
    to.U16(rail.min_peak_to_peak_raw);
    to.U16(rail.max_missing_permille);
    to.U16(0);
    to.F32(rail.scale_min);
    to.F32(rail.scale_max);
  }
  return FinishByDecoding<Guardrails>(to);
}

Result<std::size_t> Encode(const Labels& value, std::span<std::byte> out) {
  ByteWriter to(out);
  WriteCount(to, value.labels.size());
  for (const auto& label : value.labels) {
    to.U8(label.actuator);
    to.U8(label.is_alarm ? kLabelIsAlarm : 0);
    to.U8(label.name.size);
    WriteText(to, label.name);
  }
  return FinishByDecoding<Labels>(to);
}

Result<std::size_t> Encode(const SketchEdges& value, std::span<std::byte> out) {
  ByteWriter to(out);
  WriteCount(to, value.histograms.size());
  for (const auto& histogram : value.histograms) {
    to.U16(histogram.feature);
    to.U16(0);
    for (const float edge : histogram.edges) {
      to.F32(edge);
    }
  }
  return Finish(to, CheckSketchEdges);
}

Result<std::size_t> Encode(const DriftReference& value, std::span<std::byte> out) {
  ByteWriter to(out);
  to.U32(value.windows);
  WriteCount(to, value.histograms.size());
  for (const auto& histogram : value.histograms) {
    to.U16(histogram.feature);
    to.U16(0);
    for (const std::uint32_t count : histogram.counts) {
      to.U32(count);
    }
  }
  return Finish(to, CheckDriftReference);
}

}  // namespace trib::package
