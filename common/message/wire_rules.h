#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/message/limits.h"

// What the schema says about each field, plus the bounds of limits.h and record.options, as tables.
// wire_rules_test compares them with the descriptors that protoc made from the schema.
namespace trib::message::internal {

enum class FieldType : std::uint8_t {
  kU32,
  kU64,
  kTimeMs,  // uint64 that must fit int64
  kBool,
  kEnum,
  kFixed32,
  kFixed64,
  kFloat,
  kBytes,
  kMessage,
};

struct MessageRule;

struct FieldRule {
  std::uint8_t number = 0;
  FieldType type = FieldType::kU32;
  bool repeated = false;
  bool required = false;
  bool body = false;  // member of the oneof
  // Repeated: number of elements. Bytes and messages: length. Enums and integers: value; 0 as an
  // integer's max is "whatever fits".
  std::uint32_t min = 0;
  std::uint32_t max = 0;
  const MessageRule* message = nullptr;
};

struct MessageRule {
  std::span<const FieldRule> fields;
};

constexpr FieldRule Scalar(std::uint8_t number, FieldType type, std::uint32_t max = 0) {
  FieldRule rule;
  rule.number = number;
  rule.type = type;
  rule.max = max;
  return rule;
}
constexpr FieldRule Required(FieldRule rule) {
  rule.required = true;
  return rule;
}
constexpr FieldRule Repeated(std::uint8_t number,
                             FieldType type,
                             std::uint32_t min_count,
                             std::uint32_t max_count) {
  FieldRule rule = Scalar(number, type, max_count);
  rule.repeated = true;
  rule.min = min_count;
  rule.required = min_count > 0;
  return rule;
}
constexpr FieldRule Messages(std::uint8_t number,
                             const MessageRule& message,
                             std::uint32_t max_count) {
  FieldRule rule = Repeated(number, FieldType::kMessage, 0, max_count);
  rule.message = &message;
  return rule;
}
constexpr FieldRule Bytes(std::uint8_t number, std::uint32_t min, std::uint32_t max) {
  FieldRule rule = Scalar(number, FieldType::kBytes, max);
  rule.min = min;
  return rule;
}
constexpr FieldRule Message(std::uint8_t number, const MessageRule& message) {
  FieldRule rule = Scalar(number, FieldType::kMessage, UINT32_MAX);
  rule.message = &message;
  return rule;
}
constexpr FieldRule Body(std::uint8_t number, const MessageRule& message) {
  FieldRule rule = Message(number, message);
  rule.body = true;
  return rule;
}

using enum FieldType;

inline constexpr std::uint32_t kMaxFeatureIndex = 0xFFFF;

// ---- record.proto ------------------------------------------------------------------------------

// Required and never zero: a key that names nothing cannot be deduplicated.
inline constexpr FieldRule kRecordKeyFields[] = {
    Required(Scalar(1, kFixed64)),
    Required(Scalar(2, kFixed64)),
    Scalar(3, kU32),
    Required(Scalar(4, kU32)),
};
inline constexpr MessageRule kRecordKey{kRecordKeyFields};

inline constexpr FieldRule kBlockFields[] = {Scalar(1, kU64), Scalar(2, kU32)};
inline constexpr MessageRule kBlock{kBlockFields};

inline constexpr FieldRule kFeatureScoreFields[] = {
    Scalar(1, kU32, kMaxFeatureIndex),
    Scalar(2, kFloat),
};
inline constexpr MessageRule kFeatureScore{kFeatureScoreFields};

inline constexpr FieldRule kEventFields[] = {
    Scalar(1, kEnum, 3),
    Scalar(2, kU32),
    Scalar(3, kFloat),
    Scalar(4, kFloat),
    Scalar(5, kU32),
    Messages(6, kFeatureScore, kMaxTopFeatures),
    Repeated(7, kFloat, 0, kMaxLabels),
    Scalar(8, kU32),
    Scalar(9, kFloat),
    Scalar(10, kEnum, 4),
    Scalar(11, kFloat),
};
inline constexpr MessageRule kEvent{kEventFields};

inline constexpr FieldRule kHistogramFields[] = {
    Scalar(1, kU32, kMaxFeatureIndex),
    Repeated(2, kU32, kHistogramBins, kHistogramBins),
};
inline constexpr MessageRule kHistogram{kHistogramFields};

inline constexpr FieldRule kSketchFields[] = {
    Scalar(1, kU32),
    Scalar(2, kU32),
    Scalar(3, kU32),
    Messages(4, kHistogram, kMaxHistograms),
    Repeated(5, kU32, kTierCount, kTierCount),
    Repeated(6, kU32, 0, kMaxLabels),
};
inline constexpr MessageRule kSketch{kSketchFields};

inline constexpr FieldRule kFeatureFrameFields[] = {
    Repeated(1, kFloat, 0, kMaxFeatures),
    Scalar(2, kFloat),
};
inline constexpr MessageRule kFeatureFrame{kFeatureFrameFields};

inline constexpr FieldRule kActivationFields[] = {Required(Bytes(1, 1, kMaxActivationBytes))};
inline constexpr MessageRule kActivation{kActivationFields};

inline constexpr FieldRule kFaultFields[] = {
    Scalar(1, kEnum, 13),
    Scalar(2, kU32),
    Scalar(3, kU32),
    Scalar(4, kFloat),
    Scalar(5, kU32),
    Scalar(6, kU32),
};
inline constexpr MessageRule kFault{kFaultFields};

inline constexpr FieldRule kStatusFields[] = {
    Scalar(1, kU64),
    Scalar(2, kU64),
    Scalar(3, kU64),
    Scalar(4, kU64),
    Scalar(5, kU64),
    Scalar(6, kU64),
    Repeated(7, kU64, kDropCounters, kDropCounters),
    Scalar(8, kU32),
    Scalar(9, kU32),
    Scalar(10, kU64),
    Scalar(11, kU64),
    Scalar(12, kU64),
    Bytes(13, kDigestBytes, kDigestBytes),
    Scalar(14, kU32),
    Scalar(15, kU32),
    Scalar(16, kU32),
    Scalar(17, kFloat),
    Scalar(18, kEnum, 4),
    Scalar(19, kEnum, 4),
    Scalar(20, kU32),
    Scalar(21, kEnum, 8),
    Scalar(22, kU32),
    Scalar(23, kU32),
};
inline constexpr MessageRule kStatus{kStatusFields};

constexpr FieldRule NotEmpty(FieldRule rule) {
  rule.min = 1;
  return rule;
}

inline constexpr FieldRule kRecordFields[] = {
    Required(Message(1, kRecordKey)),
    Scalar(2, kTimeMs),
    Scalar(3, kU64),
    Scalar(4, kFixed64),
    Scalar(5, kFixed32),
    Scalar(6, kEnum, 5),
    Scalar(7, kU32),
    Scalar(8, kBool),
    NotEmpty(Message(9, kBlock)),
    Scalar(10, kU32),
    Scalar(11, kU64),
    Scalar(12, kU32),
    Scalar(13, kEnum, 5),
    Scalar(14, kU32, kMaxConditions - 1),
    Body(16, kEvent),
    Body(17, kSketch),
    Body(18, kFeatureFrame),
    Body(19, kActivation),
    Body(20, kFault),
    Body(21, kStatus),
};
inline constexpr MessageRule kRecord{kRecordFields};
inline constexpr std::uint32_t kActivationBody = 19;

// ---- link.proto --------------------------------------------------------------------------------

inline constexpr FieldRule kHelloFields[] = {
    Required(Scalar(1, kFixed64)),
    Scalar(2, kU32),
    Scalar(3, kU32),
    Scalar(4, kU32),
    Bytes(5, kDigestBytes, kDigestBytes),
    Scalar(6, kU32),
    Scalar(7, kU32),
};
inline constexpr MessageRule kHello{kHelloFields};

inline constexpr FieldRule kSealedRecordFields[] = {
    Required(Bytes(1, 1, kMaxActivationRecordBytes)),
    Bytes(2, kMacBytes, kMacBytes),
};
inline constexpr MessageRule kSealedRecord{kSealedRecordFields};

// As many as fit the envelope.
inline constexpr FieldRule kRecordBatchFields[] = {
    Messages(1, kSealedRecord, kMaxEnvelopeBytes),
};
inline constexpr MessageRule kRecordBatch{kRecordBatchFields};

inline constexpr FieldRule kChunkFields[] = {
    Scalar(1, kU32),
    Required(Scalar(2, kU32)),
    Required(Scalar(3, kU32, kMaxTransferBytes)),
    Scalar(4, kU32, kMaxTransferBytes),
    Required(Bytes(5, 1, kMaxChunkDataBytes)),
    Scalar(6, kFixed32),
};
inline constexpr MessageRule kChunk{kChunkFields};

inline constexpr FieldRule kAckRangeFields[] = {
    Scalar(1, kU32),
    Required(Scalar(2, kU32)),
    Required(Scalar(3, kU32)),
    Scalar(4, kEnum, 4),
};
inline constexpr MessageRule kAckRange{kAckRangeFields};

inline constexpr FieldRule kAckFields[] = {
    Required(Scalar(1, kFixed64)),
    Messages(2, kAckRange, kMaxAckRanges),
    Scalar(3, kU32),
};
inline constexpr MessageRule kAck{kAckFields};

inline constexpr FieldRule kVerdictFields[] = {
    Scalar(1, kU32),
    Required(Scalar(2, kU32)),
    Scalar(3, kFixed64),
    Scalar(4, kEnum, 5),
    Scalar(5, kU32),
    Scalar(6, kFloat),
    Repeated(7, kFloat, 0, kMaxLabels),
};
inline constexpr MessageRule kVerdict{kVerdictFields};

inline constexpr FieldRule kConfigurationFields[] = {
    Required(Scalar(1, kU32)),
    Scalar(2, kU32),
    Scalar(3, kU32, 1000),
    Scalar(4, kU32),
};
inline constexpr MessageRule kConfiguration{kConfigurationFields};

inline constexpr FieldRule kUpdateChunkFields[] = {
    Required(Bytes(1, kDigestBytes, kDigestBytes)),
    Required(Scalar(2, kU32)),
    Scalar(3, kU32),
    Required(Bytes(4, 1, kMaxChunkDataBytes)),
    Required(Scalar(5, kEnum, 2)),
};
inline constexpr MessageRule kUpdateChunk{kUpdateChunkFields};

inline constexpr FieldRule kTimeFields[] = {
    Scalar(1, kTimeMs),
    Required(Scalar(2, kFixed64)),
    Scalar(3, kU32),
    Scalar(4, kU32),
};
inline constexpr MessageRule kTime{kTimeFields};

inline constexpr FieldRule kEnvelopeFields[] = {
    Required(Scalar(1, kU32)),
    Required(Scalar(2, kFixed64)),
    Body(8, kHello),
    Body(9, kRecordBatch),
    Body(10, kChunk),
    Body(16, kAck),
    Body(17, kVerdict),
    Body(18, kConfiguration),
    Body(19, kUpdateChunk),
    Body(20, kTime),
};
inline constexpr MessageRule kEnvelope{kEnvelopeFields};

}  // namespace trib::message::internal
