#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/base/fixed_vector.h"
#include "trib/common/base/ids.h"
#include "trib/common/base/time.h"
#include "trib/common/message/limits.h"

/// The vocabulary that stages share: what proto/tributary/v1 says on the wire, as plain data with
/// fixed room. The field comments there hold here too; units and ranges are stated once, there.
namespace trib::message {

struct RecordKey {
  NodeId node;
  EnrolmentEpoch epoch;
  std::uint32_t boot = 0;
  std::uint32_t sequence = 0;
  friend constexpr auto operator<=>(const RecordKey&, const RecordKey&) = default;
};

enum class Tier : std::uint8_t {
  kUnspecified = 0,
  kFallback = 1,
  kTrigger = 2,
  kClassifier = 3,
  kGateway = 4,
  kCloud = 5,
};

enum class ResetReason : std::uint8_t {
  kUnspecified = 0,
  kPowerOn = 1,
  kSoftware = 2,
  kWatchdog = 3,
  kFault = 4,
  kBrownOut = 5,
};

/// Bits of RecordHeader::flags. Values are persisted.
namespace record_flag {
inline constexpr std::uint32_t kCommissioning = 1U << 0U;  ///< baseline not complete yet
inline constexpr std::uint32_t kTimeUnsynced = 1U << 1U;   ///< no Time message since boot
inline constexpr std::uint32_t kFallbackRules = 1U << 2U;  ///< decided without a model
inline constexpr std::uint32_t kNoPackage = 1U << 3U;      ///< running on built-in rules
inline constexpr std::uint32_t kPeriodic = 1U << 4U;       ///< taken because of time, not content
inline constexpr std::uint32_t kAfterGap = 1U << 5U;       ///< samples were lost before this window
inline constexpr std::uint32_t kDrift = 1U << 6U;          ///< a sketch whose block raised a flag
}  // namespace record_flag

struct BlockInterval {
  std::uint64_t begin_ms = 0;
  std::uint32_t length_ms = 0;
  friend constexpr bool operator==(const BlockInterval&, const BlockInterval&) = default;
};

struct RecordHeader {
  RecordKey key;
  LogicalTime time{};
  std::uint64_t sample_index = 0;
  PackageHash package_hash;
  RecipeId recipe_id;
  Tier tier = Tier::kUnspecified;
  std::uint32_t cut_id = 0;
  bool audit = false;
  BlockInterval block;
  std::uint32_t flags = 0;
  std::uint64_t energy_nj = 0;
  std::uint32_t firmware_version = 0;
  ResetReason reset_reason = ResetReason::kUnspecified;
  std::uint32_t condition = 0;
  friend constexpr bool operator==(const RecordHeader&, const RecordHeader&) = default;
};

enum class EventState : std::uint8_t {
  kUnspecified = 0,
  kOnset = 1,
  kContinuing = 2,
  kCleared = 3
};

enum class SeverityZone : std::uint8_t { kUnspecified = 0, kA = 1, kB = 2, kC = 3, kD = 4 };

struct FeatureScore {
  std::uint32_t feature = 0;
  float z = 0;
  friend constexpr bool operator==(const FeatureScore&, const FeatureScore&) = default;
};

struct Event {
  EventState state = EventState::kUnspecified;
  std::uint32_t label = 0;
  float confidence = 0;
  float severity = 0;
  std::uint32_t windows = 0;
  FixedVector<FeatureScore, kMaxTopFeatures> top;
  FixedVector<float, kMaxLabels> scores;
  std::uint32_t actuator = 0;
  float velocity_mm_s = 0;
  SeverityZone zone = SeverityZone::kUnspecified;
  float distance = 0;
  friend constexpr bool operator==(const Event&, const Event&) = default;
};

/// Histogram::feature of the trigger score.
inline constexpr std::uint32_t kTriggerScoreFeature = 0xFFFF;
/// Of the confidence of the node's network.
inline constexpr std::uint32_t kConfidenceFeature = 0xFFFE;

struct Histogram {
  std::uint32_t feature = 0;
  std::array<std::uint32_t, kHistogramBins> counts{};
  friend constexpr bool operator==(const Histogram&, const Histogram&) = default;
};

struct Sketch {
  std::uint32_t windows = 0;
  std::uint32_t triggered = 0;
  std::uint32_t invalid = 0;
  FixedVector<Histogram, kMaxHistograms> histograms;
  std::array<std::uint32_t, kTierCount> exits{};
  FixedVector<std::uint32_t, kMaxLabels> labels;
  friend constexpr bool operator==(const Sketch&, const Sketch&) = default;
};

struct FeatureFrame {
  FixedVector<float, kMaxFeatures> values;
  float score = 0;
  friend constexpr bool operator==(const FeatureFrame&, const FeatureFrame&) = default;
};

/// Memory  Borrows the payload; the owner keeps it until the record is encoded.
struct Activation {
  std::span<const std::byte> payload;
};

enum class FaultCode : std::uint8_t {
  kUnspecified = 0,
  kSensorStuck = 1,
  kSensorClipped = 2,
  kSensorMissing = 3,
  kSensorOutOfRange = 4,
  kSensorNonFinite = 5,
  kPackageRefused = 6,
  kStateCorrupt = 7,
  kWatchdog = 8,
  kSensorRecovered = 9,
  kCommissioningRefused = 10,
  kCommissioningWarning = 11,
  kBaselineDiscarded = 12,
  kCrash = 13,  ///< channel: CrashKind; detail: program counter; windows: address accessed
};

/// What ended the boot before. Values are persisted and sent.
enum class CrashKind : std::uint8_t {
  kNone = 0,
  kHardFault = 1,
  kMemoryFault = 2,
  kBusFault = 3,
  kUsageFault = 4,
  kStackOverflow = 5,
  kHang = 6,
  kPanic = 7,
};

/// Whether `code` is what the guardrails say about a window.
constexpr bool IsSensorFault(FaultCode code) {
  return code >= FaultCode::kSensorStuck && code <= FaultCode::kSensorNonFinite;
}

enum class CommissioningReason : std::uint8_t {
  kUnspecified = 0,
  kTooFewWindows = 1,
  kTooManyRefused = 2,
  kHalvesDiffer = 3,
  kTrend = 4,
  kSpreadTooWide = 5,
  kSpreadTooNarrow = 6,
  kAlreadyFaulty = 7,
  kZoneTooHigh = 8,
};

enum class CommissioningState : std::uint8_t {
  kUnspecified = 0,
  kLearning = 1,
  kAccepted = 2,
  kAcceptedWithWarning = 3,
  kOnRules = 4,
};

struct Fault {
  FaultCode code = FaultCode::kUnspecified;
  std::uint32_t channel = 0;
  std::uint32_t detail = 0;
  float value = 0;
  std::uint32_t windows = 0;
  std::uint32_t actuator = 0;
  friend constexpr bool operator==(const Fault&, const Fault&) = default;
};

/// Order in which a full store gives records up: the highest number first. Index of
/// NodeStatus::records_dropped and of every drop counter.
enum class Priority : std::uint8_t { kEvent = 0, kFault = 1, kStatus = 2, kSketch = 3, kFrame = 4 };
inline constexpr std::size_t kPriorityCount = kDropCounters;

struct NodeStatus {
  std::uint64_t uptime_ms = 0;
  std::uint64_t windows = 0;
  std::uint64_t windows_invalid = 0;
  std::uint64_t windows_triggered = 0;
  std::uint64_t events = 0;
  std::uint64_t records = 0;
  std::array<std::uint64_t, kPriorityCount> records_dropped{};
  std::uint32_t backlog_records = 0;
  std::uint32_t backlog_bytes = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_raw = 0;
  std::uint64_t energy_nj = 0;
  std::array<std::byte, kDigestBytes> package_digest{};
  std::uint32_t commissioning_permille = 0;
  std::uint32_t hardware_class = 0;
  std::uint32_t messages_refused = 0;
  float velocity_mm_s = 0;
  SeverityZone zone = SeverityZone::kUnspecified;
  CommissioningState commissioning = CommissioningState::kUnspecified;
  std::uint32_t commissioning_refusals = 0;
  CommissioningReason commissioning_reason = CommissioningReason::kUnspecified;
  std::uint32_t baselines = 0;
  std::uint32_t drift_flags = 0;
  friend constexpr bool operator==(const NodeStatus&, const NodeStatus&) = default;
};

/// Bit of NodeStatus::drift_flags for the confidence, where no histogram of the package is of it.
inline constexpr std::uint32_t kDriftConfidenceBit = 31;

/// Values equal the field numbers of Record.body.
enum class RecordKind : std::uint8_t {
  kNone = 0,
  kEvent = 16,
  kSketch = 17,
  kFeatureFrame = 18,
  kActivation = 19,
  kFault = 20,
  kStatus = 21,
};

constexpr Priority PriorityOf(RecordKind kind) {
  switch (kind) {
    case RecordKind::kEvent:
      return Priority::kEvent;
    case RecordKind::kFault:
      return Priority::kFault;
    case RecordKind::kStatus:
      return Priority::kStatus;
    case RecordKind::kSketch:
      return Priority::kSketch;
    case RecordKind::kNone:
    case RecordKind::kFeatureFrame:
    case RecordKind::kActivation:  // a question that is not answered soon is of no use to its node
      break;
  }
  return Priority::kFrame;
}

/// One record: the header and the one body that `kind` names. The other bodies are unset.
struct Record {
  RecordHeader header;
  RecordKind kind = RecordKind::kNone;
  union {
    Event event;
    Sketch sketch;
    FeatureFrame feature_frame;
    Activation activation;
    Fault fault;
    NodeStatus status;
  };

  Record() : event{} {}
};

// ---- link ------------------------------------------------------------------------------------

struct Hello {
  EnrolmentEpoch epoch;
  std::uint32_t boot = 0;
  std::uint32_t firmware_version = 0;
  std::uint32_t hardware_class = 0;
  std::array<std::byte, kDigestBytes> package_digest{};
  std::uint32_t max_message_bytes = 0;
  std::uint32_t configuration_version = 0;
  friend constexpr bool operator==(const Hello&, const Hello&) = default;
};

/// Memory  Borrows both spans. `mac` is empty or kMacBytes long.
struct SealedRecord {
  std::span<const std::byte> record;
  std::span<const std::byte> mac;
};

/// Memory  Borrows `data`.
struct Chunk {
  std::uint32_t boot = 0;
  std::uint32_t transfer = 0;
  std::uint32_t total_bytes = 0;
  std::uint32_t offset = 0;
  std::span<const std::byte> data;
  std::uint32_t crc32c = 0;
};

enum class RefusalReason : std::uint8_t {
  kUnspecified = 0,
  kMalformed = 1,
  kTooLarge = 2,
  kKeyMismatch = 3,
  kBadMac = 4,
};

struct AckRange {
  std::uint32_t boot = 0;
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  RefusalReason refusal = RefusalReason::kUnspecified;
  friend constexpr bool operator==(const AckRange&, const AckRange&) = default;
};

struct Ack {
  EnrolmentEpoch epoch;
  FixedVector<AckRange, kMaxAckRanges> ranges;
  std::uint32_t credit = 0;
  friend constexpr bool operator==(const Ack&, const Ack&) = default;
};

struct Verdict {
  std::uint32_t boot = 0;
  std::uint32_t sequence = 0;
  PackageHash package_hash;
  Tier tier = Tier::kUnspecified;
  std::uint32_t label = 0;
  float confidence = 0;
  FixedVector<float, kMaxLabels> scores;
  friend constexpr bool operator==(const Verdict&, const Verdict&) = default;
};

struct Configuration {
  std::uint32_t version = 0;
  std::uint32_t status_interval_ms = 0;
  std::uint32_t audit_permille = 0;
  std::uint32_t reminder_ms = 0;
  friend constexpr bool operator==(const Configuration&, const Configuration&) = default;
};

/// Memory  Borrows `data` from the message it was decoded from.
struct UpdateChunk {
  std::array<std::byte, kDigestBytes> digest{};
  std::uint32_t total_bytes = 0;
  std::uint32_t offset = 0;
  std::span<const std::byte> data;
  std::uint32_t artifact = 0;
};

struct TimeSync {
  std::uint64_t unix_ms = 0;
  EnrolmentEpoch epoch;
  std::uint32_t boot = 0;
  std::uint32_t credit = 0;
  friend constexpr bool operator==(const TimeSync&, const TimeSync&) = default;
};

/// What a node takes from its link. Exactly the member that `kind` names is set.
struct Downlink {
  enum class Kind : std::uint8_t {
    kAck = 16,
    kVerdict = 17,
    kConfiguration = 18,
    kUpdateChunk = 19,
    kTime = 20,
  };
  NodeId node;
  Kind kind = Kind::kAck;
  union {
    Ack ack;
    Verdict verdict;
    Configuration configuration;
    UpdateChunk update_chunk;
    TimeSync time;
  };

  Downlink() : ack{} {}
};

}  // namespace trib::message
