#include "trib/common/message/wire.h"

#include "trib/common/message/codec.h"
#include "wire_rules.h"

namespace trib::message {
namespace {

using internal::FieldRule;
using internal::FieldType;
using internal::MessageRule;

Status Loss(Reason reason) {
  return {Code::kDataLoss, reason};
}

bool FiniteBits(std::uint64_t bits) {
  return (bits & 0x7F800000U) != 0x7F800000U;
}

Status CheckMessage(const MessageRule& rule, std::span<const std::byte> bytes, std::uint32_t* body);

std::uint8_t WireTypeOf(const FieldRule& rule) {
  if (rule.repeated) {
    return kWireBytes;  // packed scalars, or messages
  }
  switch (rule.type) {
    case FieldType::kFixed32:
    case FieldType::kFloat:
      return kWireFixed32;
    case FieldType::kFixed64:
      return kWireFixed64;
    case FieldType::kBytes:
    case FieldType::kMessage:
      return kWireBytes;
    default:
      return kWireVarint;
  }
}

Status CheckInteger(const FieldRule& rule, std::uint64_t value) {
  // For a repeated field min and max bound the number of elements, not their values.
  const std::uint64_t limit = rule.repeated ? 0 : rule.max;
  switch (rule.type) {
    case FieldType::kU32:
      return value > UINT32_MAX || (limit != 0 && value > limit) ? Loss(Reason::kInvalidValue)
                                                                 : Status();
    case FieldType::kTimeMs:
      return value > INT64_MAX ? Loss(Reason::kInvalidValue) : Status();
    case FieldType::kBool:
      return value > 1 ? Loss(Reason::kInvalidValue) : Status();
    case FieldType::kEnum:
      return value > limit ? Loss(Reason::kInvalidValue) : Status();
    case FieldType::kFloat:
      return FiniteBits(value) ? Status() : Loss(Reason::kInvalidValue);
    default:
      return {};
  }
}

Status CheckPacked(const FieldRule& rule, std::span<const std::byte> bytes) {
  std::size_t count = 0;
  if (rule.type == FieldType::kFloat) {
    if (bytes.size() % 4 != 0) {
      return Loss(Reason::kMalformed);
    }
    count = bytes.size() / 4;
    for (std::size_t i = 0; i < bytes.size(); i += 4) {
      const auto high = std::to_integer<std::uint32_t>(bytes[i + 3]);
      const auto low = std::to_integer<std::uint32_t>(bytes[i + 2]);
      if (!FiniteBits((high << 24U) | (low << 16U))) {
        return Loss(Reason::kInvalidValue);
      }
    }
  } else {
    if (rule.type == FieldType::kU32 || rule.type == FieldType::kU64) {
      // One byte each, as most counts of a sketch: nothing to judge.
      while (count < bytes.size() && bytes[count] < std::byte{0x80}) {
        ++count;
      }
    }
    WireReader reader(bytes.subspan(count));
    std::uint64_t value = 0;
    for (; reader.Varint(value); ++count) {
      TRIB_TRY(CheckInteger(rule, value));
    }
    if (!reader.ok()) {
      return Loss(Reason::kMalformed);
    }
  }
  if (count == 0) {
    return Loss(Reason::kMalformed);  // an empty list is written by leaving the field out
  }
  return count < rule.min || count > rule.max ? Loss(Reason::kOutOfBounds) : Status();
}

Status CheckField(const FieldRule& rule, const WireField& field) {
  if (field.wire_type != WireTypeOf(rule)) {
    return Loss(Reason::kMalformed);
  }
  if (rule.type == FieldType::kMessage) {
    if (!rule.repeated && field.bytes.size() < rule.min) {
      return Loss(Reason::kMalformed);
    }
    return CheckMessage(*rule.message, field.bytes, nullptr);
  }
  if (rule.repeated) {
    return CheckPacked(rule, field.bytes);
  }
  if (rule.type == FieldType::kBytes) {
    return field.bytes.size() < rule.min || field.bytes.size() > rule.max
               ? Loss(Reason::kOutOfBounds)
               : Status();
  }
  if (field.value == 0) {
    return Loss(Reason::kMalformed);  // zero is written by leaving the field out
  }
  return CheckInteger(rule, field.value);
}

// Where the walk over one message stands.
struct Progress {
  std::uint32_t last_number = 0;
  std::uint32_t repeats = 0;
  std::uint32_t body = 0;
  std::uint32_t seen = 0;  // bit per rule
};

Status CheckPlace(const FieldRule* rule, std::uint32_t number, Progress& progress) {
  const bool again = number == progress.last_number;
  const bool may_repeat = rule == nullptr || (rule->repeated && rule->type == FieldType::kMessage);
  if (number < progress.last_number || (again && !may_repeat)) {
    return Loss(Reason::kMalformed);
  }
  progress.repeats = again ? progress.repeats + 1 : 1;
  progress.last_number = number;
  if (rule == nullptr) {
    return {};
  }
  if (may_repeat && progress.repeats > rule->max) {
    return Loss(Reason::kOutOfBounds);
  }
  if (rule->body) {
    if (progress.body != 0) {
      return Loss(Reason::kMalformed);
    }
    progress.body = number;
  }
  return {};
}

Status CheckMessage(const MessageRule& rule,
                    std::span<const std::byte> bytes,
                    std::uint32_t* body) {
  WireReader reader(bytes);
  WireField field;
  Progress progress;
  // Fields come in the order of their numbers, as the rules do: what is behind does not return.
  std::size_t at = 0;
  while (reader.Next(field)) {
    while (at < rule.fields.size() && rule.fields[at].number < field.number) {
      ++at;
    }
    const FieldRule* found = nullptr;
    if (at < rule.fields.size() && rule.fields[at].number == field.number) {
      found = &rule.fields[at];
      progress.seen |= 1U << at;
    }
    TRIB_TRY(CheckPlace(found, field.number, progress));
    if (found != nullptr) {
      TRIB_TRY(CheckField(*found, field));
    }
  }
  if (!reader.ok()) {
    return Loss(Reason::kMalformed);
  }
  for (std::size_t i = 0; i < rule.fields.size(); ++i) {
    if (rule.fields[i].required && (progress.seen & (1U << i)) == 0) {
      return Loss(Reason::kMalformed);
    }
  }
  if (body != nullptr) {
    *body = progress.body;
    return progress.body == 0 ? Loss(Reason::kUnknownBody) : Status();
  }
  return {};
}

std::uint64_t ValueOf(std::span<const std::byte> message, std::uint32_t number) {
  WireReader reader(message);
  WireField field;
  while (reader.Next(field)) {
    if (field.number == number) {
      return field.value;
    }
  }
  return 0;
}

// Laws that span two fields of one message.
Status CheckAckRanges(std::span<const std::byte> ack) {
  WireReader reader(ack);
  WireField field;
  while (reader.Next(field)) {
    if (field.number == 2 && ValueOf(field.bytes, 2) > ValueOf(field.bytes, 3)) {
      return Loss(Reason::kInvalidValue);
    }
  }
  return {};
}

Status CheckExtent(std::uint64_t total, std::uint64_t offset, std::size_t length) {
  return offset + length > total ? Loss(Reason::kInvalidValue) : Status();
}

}  // namespace

bool WireReader::Fail() {
  ok_ = false;
  rest_ = {};
  return false;
}

bool WireReader::LongVarint(std::uint64_t& out) {
  if (rest_.empty()) {
    return false;
  }
  std::uint64_t value = 0;
  const std::size_t limit = rest_.size() < 10 ? rest_.size() : 10;
  for (std::size_t i = 0; i < limit; ++i) {
    const auto byte = std::to_integer<std::uint64_t>(rest_[i]);
    if (i == 9 && byte > 1) {
      return Fail();
    }
    value |= (byte & 0x7FU) << (7U * i);
    if ((byte & 0x80U) == 0) {
      if (byte == 0 && i > 0) {
        return Fail();  // longer than needed
      }
      rest_ = rest_.subspan(i + 1);
      out = value;
      return true;
    }
  }
  return Fail();
}

bool WireReader::Fixed(std::size_t count, std::uint64_t& out) {
  if (rest_.size() < count) {
    return Fail();
  }
  out = 0;
  for (std::size_t i = 0; i < count; ++i) {
    out |= std::to_integer<std::uint64_t>(rest_[i]) << (8U * i);
  }
  rest_ = rest_.subspan(count);
  return true;
}

bool WireReader::Next(WireField& out) {
  std::uint64_t tag = 0;
  if (!Varint(tag)) {
    return false;
  }
  if (tag > UINT32_MAX || tag < 8) {
    return Fail();
  }
  out = {};
  out.number = static_cast<std::uint32_t>(tag >> 3U);
  out.wire_type = static_cast<std::uint8_t>(tag & 7U);
  switch (out.wire_type) {
    case kWireVarint:
      return Varint(out.value) || Fail();
    case kWireFixed64:
      return Fixed(8, out.value);
    case kWireFixed32:
      return Fixed(4, out.value);
    case kWireBytes: {
      std::uint64_t length = 0;
      if (!Varint(length) || length > rest_.size()) {
        return Fail();
      }
      out.bytes = rest_.first(static_cast<std::size_t>(length));
      rest_ = rest_.subspan(static_cast<std::size_t>(length));
      return true;
    }
    default:
      return Fail();
  }
}

std::span<const std::byte> FindBytes(std::span<const std::byte> message, std::uint32_t number) {
  WireReader reader(message);
  WireField field;
  while (reader.Next(field)) {
    if (field.number == number && field.wire_type == kWireBytes) {
      return field.bytes;
    }
  }
  return {};
}

Status CheckRecord(std::span<const std::byte> bytes) {
  if (bytes.size() > kMaxActivationRecordBytes) {
    return Loss(Reason::kOutOfBounds);
  }
  std::uint32_t body = 0;
  TRIB_TRY(CheckMessage(internal::kRecord, bytes, &body));
  if (bytes.size() > kMaxRecordBytes && body != internal::kActivationBody) {
    return Loss(Reason::kOutOfBounds);
  }
  return {};
}

Status CheckSketch(std::span<const std::byte> bytes) {
  if (bytes.size() > kMaxRecordBytes) {
    return Loss(Reason::kOutOfBounds);
  }
  return CheckMessage(internal::kSketch, bytes, nullptr);
}

Status CheckSealedRecord(std::span<const std::byte> bytes) {
  if (bytes.size() > kMaxTransferBytes) {
    return Loss(Reason::kOutOfBounds);
  }
  return CheckMessage(internal::kSealedRecord, bytes, nullptr);
}

Result<std::uint32_t> CheckEnvelope(std::span<const std::byte> bytes) {
  if (bytes.size() > kMaxEnvelopeBytes) {
    return Loss(Reason::kOutOfBounds);
  }
  // Before anything else: another protocol may have another law.
  WireReader reader(bytes);
  WireField field;
  if (!reader.Next(field)) {
    return Loss(Reason::kMalformed);
  }
  if (field.number != 1 || field.wire_type != kWireVarint || field.value != kProtocolVersion) {
    return Loss(Reason::kWrongProtocol);
  }
  std::uint32_t body = 0;
  TRIB_TRY(CheckMessage(internal::kEnvelope, bytes, &body));
  const auto content = FindBytes(bytes, body);
  if (body == 10) {
    TRIB_TRY(CheckExtent(ValueOf(content, 3), ValueOf(content, 4), FindBytes(content, 5).size()));
  } else if (body == 16) {
    TRIB_TRY(CheckAckRanges(content));
  } else if (body == 19) {
    TRIB_TRY(CheckExtent(ValueOf(content, 2), ValueOf(content, 3), FindBytes(content, 4).size()));
  }
  return body;
}

}  // namespace trib::message
