#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/base/fixed_vector.h"
#include "trib/common/package/types.h"
#include "trib/common/status/result.h"

/// Typed contents of a package's sections. What Decode() accepts keeps every range stated here, so
/// users do not check again.
///
/// Memory   No pointers into the bytes; SketchEdges and DriftReference are 2 kB: keep them out of
///          small stacks.
/// Errors   Decode: kDataLoss with the section's Reason, `out` then unusable. Encode:
///          kResourceExhausted/kNoRoom, or kInvalidArgument with the section's Reason when a value
///          is outside its range. Encode gives exactly the bytes that Decode accepts.
namespace trib::package {

struct Manifest {
  ShortText name;     ///< [a-z0-9._-]+
  ShortText version;  ///< [A-Za-z0-9.+_-]+
  HardwareClass hardware_class = HardwareClass::kAny;
  std::uint16_t abi_min = kFirmwareAbi;  ///< firmware ABI range, inclusive
  std::uint16_t abi_max = kFirmwareAbi;
  std::uint64_t operators = 0;  ///< one bit per network operator; 0 without a plan
  std::uint32_t arena_bytes = 0;
  std::uint32_t security_counter = 0;
  std::array<std::byte, 32> parent{};  ///< digest of the package this one comes from; 0 = none
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

/// Mean and standard deviation of each feature in the recipe's frame, where the package brings them
/// instead of a baseline learned on the node.
struct Normalisation {
  struct Feature {
    float mean = 0;
    float deviation = 1;  ///< > 0
    friend bool operator==(const Feature&, const Feature&) = default;
  };
  FixedVector<Feature, kMaxFeatures> features;  ///< at least one
  friend bool operator==(const Normalisation&, const Normalisation&) = default;
};

/// Baseline and anomaly trigger.
struct TriggerSpec {
  std::uint32_t commissioning_windows = 0;  ///< 2.. valid windows that make the baseline
  std::uint32_t skip_windows = 0;           ///< valid windows ignored before that
  float ewma_alpha = 1;                     ///< (0, 1]; 1 = no smoothing
  float false_alarm_rate = 0;               ///< (0, 0.5] per window
  float min_std = 0;                        ///< > 0: floor of a feature's standard deviation
  std::uint8_t enter_m = 1;                 ///< alarm when m of the last n windows exceed
  std::uint8_t enter_n = 1;                 ///< 1 <= m <= n <= 32
  std::uint8_t clear_n = 1;                 ///< >= 1 quiet windows in a row end the alarm
  std::uint64_t feature_mask = 0;           ///< bit i = feature i takes part; not 0
  float threshold_scale = 1;                ///< (0, 1000]: safety factor on the threshold
  friend bool operator==(const TriggerSpec&, const TriggerSpec&) = default;
};

/// Persisted.
enum class Comparison : std::uint8_t { kUnspecified = 0, kGreater = 1, kLess = 2 };

/// Distance of a window from the baseline in all features together (Mahalanobis), beside the
/// trigger's look at each feature alone.
struct DistanceSpec {
  float false_alarm_rate = 0;  ///< (0, 0.5] per window
  float threshold_scale = 1;   ///< (0, 1000]: safety factor on the threshold, a distance
  /// Share of the diagonal in the covariance, 0..1; kAutomatic: as the baseline's size asks.
  float shrinkage = kAutomatic;
  std::uint64_t feature_mask = 0;  ///< 1..kMaxDistanceFeatures bits
  static constexpr float kAutomatic = -1;
  friend bool operator==(const DistanceSpec&, const DistanceSpec&) = default;
};

/// What a node does when the package allows no further attempt at a baseline. Persisted.
enum class AfterRefusals : std::uint8_t {
  kUnspecified = 0,
  kAcceptWithWarning = 1,  ///< the last baseline is used, and every record of it says so
  kStayOnRules = 2,        ///< rules decide until the next start
};

/// A baseline is refused when the mean of `feature` is beyond `value`: the machine shows the sign
/// of a fault before anything was learned.
struct BaselineLimit {
  std::uint16_t feature = 0;
  Comparison comparison = Comparison::kGreater;
  float value = 0;  ///< finite
  friend bool operator==(const BaselineLimit&, const BaselineLimit&) = default;
};

/// What a baseline has to meet. Zero switches a check off where it says so.
struct CommissioningSpec {
  std::uint16_t max_attempts = 1;  ///< >= 1 baselines learned and judged
  AfterRefusals after = AfterRefusals::kAcceptWithWarning;
  std::uint8_t max_zone = 0;               ///< 0 = off, else SeverityZone 1..4
  std::uint16_t max_refused_permille = 0;  ///< 0..1000 of the windows, by the guardrails
  /// Most deviations (of the windows within a half) between the means of first and second half;
  /// 0 = off.
  float max_shift = 0;
  float max_trend = 0;  ///< most deviations that a fitted line rises or falls over all; 0 = off
  float min_std = 0;    ///< least deviation of a feature that counts as alive; 0 = off
  float max_std = 0;    ///< greatest plausible one; 0 = off
  FixedVector<BaselineLimit, kMaxBaselineLimits> limits;
  friend bool operator==(const CommissioningSpec&, const CommissioningSpec&) = default;
};

/// Severity in the manner of ISO 20816: zones of the velocity's RMS.
struct SeveritySpec {
  std::uint16_t feature = 0;          ///< a velocity_rms output of the recipe, logarithm or not
  std::uint16_t average_windows = 1;  ///< >= 1: mean square over about so many windows
  std::array<float, 3> boundaries{};  ///< A/B, B/C, C/D in mm/s; positive, strictly rising
  float hysteresis = 0;               ///< 0..0.9: a zone is left downwards this share below it
  std::array<std::uint8_t, kZones> actuator{};  ///< node::ActuatorState 1..4 for zones A..D
  std::array<std::uint8_t, kZones> label{};     ///< index in Labels; reported unless it is 0
  ShortText machine_group;                      ///< whose boundaries these are; for people
  friend bool operator==(const SeveritySpec&, const SeveritySpec&) = default;
};

/// Operating conditions by shaft speed: condition k = 1, 2, 3 holds while low <= speed < high.
/// Outside all of them, or without a speed, it is 0.
struct ConditionSpec {
  struct Range {
    float low_hz = 0;   ///< >= 0
    float high_hz = 0;  ///< > low; at most the next one's low
    friend bool operator==(const Range&, const Range&) = default;
  };
  FixedVector<Range, kMaxNamedConditions> ranges;  ///< at least one
  friend bool operator==(const ConditionSpec&, const ConditionSpec&) = default;
};

/// When something leaves the node. Intervals are 1 ms .. 7 days of logical time.
struct ExitPolicy {
  std::uint32_t heartbeat_ms = 0;    ///< a window is decided on in full at least this often
  std::uint32_t reminder_ms = 0;     ///< a continuing event is repeated this often
  std::uint32_t block_ms = 0;        ///< one sketch covers this
  std::uint32_t status_ms = 0;       ///< a status record this often
  std::uint16_t audit_permille = 0;  ///< 0..1000 of valid windows give a feature frame, at random
  /// Confidence from which a class exits here: empty, or one per label; each 0..1.
  FixedVector<float, kMaxLabels> thresholds;
  friend bool operator==(const ExitPolicy&, const ExitPolicy&) = default;
};

/// What a fallback rule looks at. Persisted.
enum class RuleSource : std::uint8_t {
  kUnspecified = 0,
  kAnyFault = 1,   ///< the guardrails found something
  kRms = 2,        ///< of the raw window, mean removed, physical units
  kPeak = 3,       ///< largest |x| of it
  kCrest = 4,      ///< peak / rms
  kFaultCode = 5,  ///< the guardrails found this message::FaultCode
};

/// FallbackRule::channel: true when any channel makes it true.
inline constexpr std::uint8_t kAnyChannel = 0xFF;

struct FallbackRule {
  RuleSource source = RuleSource::kUnspecified;
  Comparison comparison = Comparison::kUnspecified;  ///< set for kRms, kPeak, kCrest only
  std::uint8_t actuator = 0;                         ///< node::ActuatorState, 1..4
  std::uint8_t label = 0;                            ///< index in Labels
  std::uint16_t fault_code = 0;                      ///< 1..65535 for kFaultCode, else 0
  std::uint8_t channel = kAnyChannel;                ///< 0..3 or kAnyChannel
  float threshold = 0;                               ///< finite; 0 for fault sources
  friend bool operator==(const FallbackRule&, const FallbackRule&) = default;
};

/// Looked at in order without stopping; the worst actuator state of the matching rules stands, the
/// first of equals names the label. No match: actuator kNormal, label 0.
struct FallbackRules {
  FixedVector<FallbackRule, kMaxRules> rules;  ///< at least one
  friend bool operator==(const FallbackRules&, const FallbackRules&) = default;
};

/// What a channel of a window must keep to be trusted. Raw values are converter counts.
struct ChannelGuardrail {
  std::int16_t min_raw = 0;                ///< below: out of range
  std::int16_t max_raw = 0;                ///< above: out of range; min_raw < max_raw
  std::int16_t clip_level_raw = 0;         ///< 1..32767: |x| at or above counts as clipped
  std::uint16_t max_clipped_permille = 0;  ///< 0..1000 of the window
  std::uint16_t max_stuck_run = 0;         ///< identical samples in a row; 0 = off, else >= 2
  std::uint16_t min_peak_to_peak_raw = 0;  ///< 0 = off
  std::uint16_t max_missing_permille = 0;  ///< 0..1000 of the window
  float scale_min = 0;                     ///< physical units per count, 0 < min <= max
  float scale_max = 0;
  friend bool operator==(const ChannelGuardrail&, const ChannelGuardrail&) = default;
};

struct Guardrails {
  FixedVector<ChannelGuardrail, kMaxChannels> channels;  ///< one per sensor channel, at least one
  friend bool operator==(const Guardrails&, const Guardrails&) = default;
};

struct Label {
  ShortText name;             ///< 1..31 bytes of UTF-8 without control characters; unique
  std::uint8_t actuator = 0;  ///< node::ActuatorState, 1..4
  bool is_alarm = false;
  friend bool operator==(const Label&, const Label&) = default;
};

/// Label 0 is the normal state: no alarm. Label 1 is what the trigger alone reports, if there is
/// one.
struct Labels {
  FixedVector<Label, kMaxLabels> labels;  ///< at least one
  friend bool operator==(const Labels&, const Labels&) = default;
};

/// Bin edges of the sketches, in standard deviations from the baseline (of the value itself for
/// kTriggerScoreFeature and kConfidenceFeature). Bin i holds edge[i-1] <= x < edge[i]; the outer
/// bins are open.
struct SketchEdges {
  struct Histogram {
    std::uint16_t feature = 0;          ///< 0..63 or one of those two; rising, none twice
    std::array<float, kEdges> edges{};  ///< finite, strictly rising
    friend bool operator==(const Histogram&, const Histogram&) = default;
  };
  FixedVector<Histogram, kMaxHistograms> histograms;  ///< at least one
  friend bool operator==(const SketchEdges&, const SketchEdges&) = default;
};

/// What the sketches looked like in training.
struct DriftReference {
  struct Histogram {
    std::uint16_t feature = 0;                  ///< as in SketchEdges
    std::array<std::uint32_t, kBins> counts{};  ///< their sum is `windows`
    friend bool operator==(const Histogram&, const Histogram&) = default;
  };
  std::uint32_t windows = 0;                          ///< not 0
  FixedVector<Histogram, kMaxHistograms> histograms;  ///< at least one
  friend bool operator==(const DriftReference&, const DriftReference&) = default;
};

/// What a plan's input is made of. Persisted.
enum class NetworkInput : std::uint8_t {
  kUnspecified = 0,
  kWindow = 1,        ///< samples, each channel less its mean over its deviation in the window
  kScaledWindow = 2,  ///< samples in physical units, (x - offset) x gain
  kFeatures = 3,      ///< the recipe's frame, standardised by the normalisation section
};

/// Where and when a network's answer is enough.
struct ExitSpec {
  std::uint8_t tier = 0;                  ///< message::Tier 3..5
  std::uint8_t output = 0;                ///< of the plan: its logits
  std::uint16_t operators = 0;            ///< that have run when it is reached
  float inverse_temperature = 1;          ///< > 0, of the logits in real units
  FixedVector<float, kMaxLabels> accept;  ///< per class, 0..1: confidence from which it is accepted
  FixedVector<float, kMaxLabels>
      reject;  ///< per class, 0..1: above it no *other* class is accepted
  friend bool operator==(const ExitSpec&, const ExitSpec&) = default;
};

/// What the plan's input and outputs mean.
struct ClassifierSpec {
  NetworkInput input = NetworkInput::kUnspecified;
  float offset = 0;                              ///< physical units; kScaledWindow only
  float gain = 1;                                ///< > 0, per physical unit; kScaledWindow only
  std::uint32_t verdict_wait_ms = 0;             ///< 1..600,000
  FixedVector<std::uint8_t, kMaxLabels> labels;  ///< of each class; the first is label 0
  FixedVector<ExitSpec, kMaxExits> exits;        ///< in the order of the operators; at least one
  friend bool operator==(const ClassifierSpec&, const ClassifierSpec&) = default;
};

/// Of a head package: where it stops, and what goes on there.
struct SplitPoints {
  std::array<std::byte, 32> tail_digest{};  ///< not zero
  std::uint32_t tail_bytes = 0;             ///< size of the tail package
  std::uint16_t cut = 0;                    ///< all operators of the head's plan
  std::uint32_t max_activation_bytes = 0;   ///< there; 1..message::kMaxActivationBytes
  friend bool operator==(const SplitPoints&, const SplitPoints&) = default;
};

Status Decode(std::span<const std::byte> section, Manifest& out);
Status Decode(std::span<const std::byte> section, ClassifierSpec& out);
Status Decode(std::span<const std::byte> section, SplitPoints& out);
Status Decode(std::span<const std::byte> section, Normalisation& out);
Status Decode(std::span<const std::byte> section, TriggerSpec& out);
Status Decode(std::span<const std::byte> section, ExitPolicy& out);
Status Decode(std::span<const std::byte> section, FallbackRules& out);
Status Decode(std::span<const std::byte> section, Guardrails& out);
Status Decode(std::span<const std::byte> section, Labels& out);
Status Decode(std::span<const std::byte> section, SketchEdges& out);
Status Decode(std::span<const std::byte> section, DriftReference& out);
Status Decode(std::span<const std::byte> section, DistanceSpec& out);
Status Decode(std::span<const std::byte> section, CommissioningSpec& out);
Status Decode(std::span<const std::byte> section, SeveritySpec& out);
Status Decode(std::span<const std::byte> section, ConditionSpec& out);

/// As Decode() without keeping anything: needs no room for the result.
Status CheckSketchEdges(std::span<const std::byte> section);
Status CheckDriftReference(std::span<const std::byte> section);

/// @returns bytes written.
Result<std::size_t> Encode(const Manifest& value, std::span<std::byte> out);
Result<std::size_t> Encode(const Normalisation& value, std::span<std::byte> out);
Result<std::size_t> Encode(const TriggerSpec& value, std::span<std::byte> out);
Result<std::size_t> Encode(const ExitPolicy& value, std::span<std::byte> out);
Result<std::size_t> Encode(const FallbackRules& value, std::span<std::byte> out);
Result<std::size_t> Encode(const Guardrails& value, std::span<std::byte> out);
Result<std::size_t> Encode(const Labels& value, std::span<std::byte> out);
Result<std::size_t> Encode(const SketchEdges& value, std::span<std::byte> out);
Result<std::size_t> Encode(const DriftReference& value, std::span<std::byte> out);
Result<std::size_t> Encode(const DistanceSpec& value, std::span<std::byte> out);
Result<std::size_t> Encode(const CommissioningSpec& value, std::span<std::byte> out);
Result<std::size_t> Encode(const SeveritySpec& value, std::span<std::byte> out);
Result<std::size_t> Encode(const ConditionSpec& value, std::span<std::byte> out);
Result<std::size_t> Encode(const ClassifierSpec& value, std::span<std::byte> out);
Result<std::size_t> Encode(const SplitPoints& value, std::span<std::byte> out);

/// No typed section is longer.
inline constexpr std::size_t kMaxTypedSectionBytes = 2304;

}  // namespace trib::package
