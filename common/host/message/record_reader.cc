#include "record_reader.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#include "trib/common/message/wire.h"
#include "tributary/v1/record.pb.h"

namespace trib::host::message::internal {
namespace {

using namespace trib::message;  // NOLINT(google-build-using-namespace): this is its codec
namespace pb = tributary::v1;
using Bytes = std::span<const std::byte>;

template <typename Take>
void EachField(Bytes bytes, Take take) {
  WireReader reader(bytes);
  WireField field;
  while (reader.Next(field)) {
    take(field);
  }
}

std::uint32_t U32(const WireField& field) {
  return static_cast<std::uint32_t>(field.value);
}
float Float(const WireField& field) {
  return std::bit_cast<float>(U32(field));
}
template <typename Enum>
Enum As(const WireField& field) {
  return static_cast<Enum>(field.value);
}

template <std::size_t N>
void ReadPacked(Bytes bytes, FixedVector<float, N>& out) {
  // IEEE bits, lowest byte first, as on every host that this is built for.
  static_assert(std::endian::native == std::endian::little);
  if (out.resize(bytes.size() / sizeof(float)) && !out.empty()) {
    std::memcpy(out.data(), bytes.data(), out.size() * sizeof(float));
  }
}

template <std::size_t N>
void ReadPacked(Bytes bytes, FixedVector<std::uint32_t, N>& out) {
  WireReader reader(bytes);
  std::uint64_t value = 0;
  while (reader.Varint(value)) {
    (void)out.push_back(static_cast<std::uint32_t>(value));
  }
}

template <typename T, std::size_t N>
void ReadPacked(Bytes bytes, std::array<T, N>& out) {
  if (bytes.size() == N) {  // one byte each, as most counts of a sketch
    std::transform(bytes.begin(), bytes.end(), out.begin(), [](std::byte byte) {
      return static_cast<T>(byte);
    });
    return;
  }
  WireReader reader(bytes);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < N && reader.Varint(value); ++i) {
    out[i] = static_cast<T>(value);
  }
}

void ReadKey(Bytes bytes, RecordKey& out) {
  EachField(bytes, [&](const WireField& field) {
    switch (field.number) {
      case pb::RecordKey::kNodeFieldNumber:
        out.node = NodeId(field.value);
        break;
      case pb::RecordKey::kEpochFieldNumber:
        out.epoch = EnrolmentEpoch(field.value);
        break;
      case pb::RecordKey::kBootFieldNumber:
        out.boot = U32(field);
        break;
      case pb::RecordKey::kSequenceFieldNumber:
        out.sequence = U32(field);
        break;
      default:
        break;
    }
  });
}

void ReadBlock(Bytes bytes, BlockInterval& out) {
  EachField(bytes, [&](const WireField& field) {
    if (field.number == pb::BlockInterval::kBeginMsFieldNumber) {
      out.begin_ms = field.value;
    } else if (field.number == pb::BlockInterval::kLengthMsFieldNumber) {
      out.length_ms = U32(field);
    }
  });
}

void ReadScore(Bytes bytes, FeatureScore& out) {
  EachField(bytes, [&](const WireField& field) {
    if (field.number == pb::FeatureScore::kFeatureFieldNumber) {
      out.feature = U32(field);
    } else if (field.number == pb::FeatureScore::kZFieldNumber) {
      out.z = Float(field);
    }
  });
}

void ReadEvent(Bytes bytes, Event& out) {
  EachField(bytes, [&](const WireField& field) {
    switch (field.number) {
      case pb::Event::kStateFieldNumber:
        out.state = As<EventState>(field);
        break;
      case pb::Event::kLabelFieldNumber:
        out.label = U32(field);
        break;
      case pb::Event::kConfidenceFieldNumber:
        out.confidence = Float(field);
        break;
      case pb::Event::kSeverityFieldNumber:
        out.severity = Float(field);
        break;
      case pb::Event::kWindowsFieldNumber:
        out.windows = U32(field);
        break;
      case pb::Event::kTopFieldNumber: {
        FeatureScore score;
        ReadScore(field.bytes, score);
        (void)out.top.push_back(score);
        break;
      }
      case pb::Event::kScoresFieldNumber:
        ReadPacked(field.bytes, out.scores);
        break;
      case pb::Event::kActuatorFieldNumber:
        out.actuator = U32(field);
        break;
      case pb::Event::kVelocityMmSFieldNumber:
        out.velocity_mm_s = Float(field);
        break;
      case pb::Event::kZoneFieldNumber:
        out.zone = As<SeverityZone>(field);
        break;
      case pb::Event::kDistanceFieldNumber:
        out.distance = Float(field);
        break;
      default:
        break;
    }
  });
}

void ReadHistogram(Bytes bytes, Histogram& out) {
  EachField(bytes, [&](const WireField& field) {
    if (field.number == pb::Histogram::kFeatureFieldNumber) {
      out.feature = U32(field);
    } else if (field.number == pb::Histogram::kCountsFieldNumber) {
      ReadPacked(field.bytes, out.counts);
    }
  });
}

void ReadFrame(Bytes bytes, FeatureFrame& out) {
  EachField(bytes, [&](const WireField& field) {
    if (field.number == pb::FeatureFrame::kValuesFieldNumber) {
      ReadPacked(field.bytes, out.values);
    } else if (field.number == pb::FeatureFrame::kScoreFieldNumber) {
      out.score = Float(field);
    }
  });
}

void ReadFault(Bytes bytes, Fault& out) {
  EachField(bytes, [&](const WireField& field) {
    switch (field.number) {
      case pb::Fault::kCodeFieldNumber:
        out.code = As<FaultCode>(field);
        break;
      case pb::Fault::kChannelFieldNumber:
        out.channel = U32(field);
        break;
      case pb::Fault::kDetailFieldNumber:
        out.detail = U32(field);
        break;
      case pb::Fault::kValueFieldNumber:
        out.value = Float(field);
        break;
      case pb::Fault::kWindowsFieldNumber:
        out.windows = U32(field);
        break;
      case pb::Fault::kActuatorFieldNumber:
        out.actuator = U32(field);
        break;
      default:
        break;
    }
  });
}

void ReadHealth(const WireField& field, NodeStatus& out) {
  switch (field.number) {
    case pb::Status::kPackageDigestFieldNumber:
      std::copy_n(field.bytes.begin(),
                  std::min(field.bytes.size(), out.package_digest.size()),
                  out.package_digest.begin());
      break;
    case pb::Status::kCommissioningPermilleFieldNumber:
      out.commissioning_permille = U32(field);
      break;
    case pb::Status::kHardwareClassFieldNumber:
      out.hardware_class = U32(field);
      break;
    case pb::Status::kMessagesRefusedFieldNumber:
      out.messages_refused = U32(field);
      break;
    case pb::Status::kVelocityMmSFieldNumber:
      out.velocity_mm_s = Float(field);
      break;
    case pb::Status::kZoneFieldNumber:
      out.zone = As<SeverityZone>(field);
      break;
    case pb::Status::kCommissioningFieldNumber:
      out.commissioning = As<CommissioningState>(field);
      break;
    case pb::Status::kCommissioningRefusalsFieldNumber:
      out.commissioning_refusals = U32(field);
      break;
    case pb::Status::kCommissioningReasonFieldNumber:
      out.commissioning_reason = As<CommissioningReason>(field);
      break;
    case pb::Status::kBaselinesFieldNumber:
      out.baselines = U32(field);
      break;
    case pb::Status::kDriftFlagsFieldNumber:
      out.drift_flags = U32(field);
      break;
    default:
      break;
  }
}

void ReadStatus(Bytes bytes, NodeStatus& out) {
  EachField(bytes, [&](const WireField& field) {
    switch (field.number) {
      case pb::Status::kUptimeMsFieldNumber:
        out.uptime_ms = field.value;
        break;
      case pb::Status::kWindowsFieldNumber:
        out.windows = field.value;
        break;
      case pb::Status::kWindowsInvalidFieldNumber:
        out.windows_invalid = field.value;
        break;
      case pb::Status::kWindowsTriggeredFieldNumber:
        out.windows_triggered = field.value;
        break;
      case pb::Status::kEventsFieldNumber:
        out.events = field.value;
        break;
      case pb::Status::kRecordsFieldNumber:
        out.records = field.value;
        break;
      case pb::Status::kRecordsDroppedFieldNumber:
        ReadPacked(field.bytes, out.records_dropped);
        break;
      case pb::Status::kBacklogRecordsFieldNumber:
        out.backlog_records = U32(field);
        break;
      case pb::Status::kBacklogBytesFieldNumber:
        out.backlog_bytes = U32(field);
        break;
      case pb::Status::kBytesSentFieldNumber:
        out.bytes_sent = field.value;
        break;
      case pb::Status::kBytesRawFieldNumber:
        out.bytes_raw = field.value;
        break;
      case pb::Status::kEnergyNjFieldNumber:
        out.energy_nj = field.value;
        break;
      default:
        ReadHealth(field, out);
        break;
    }
  });
}

/// The one member of the oneof, into the union's fresh member.
void ReadBody(const WireField& field, Record& out) {
  out.kind = static_cast<RecordKind>(field.number);
  switch (field.number) {
    case pb::Record::kEventFieldNumber:
      ReadEvent(field.bytes, *new (&out.event) Event{});
      break;
    case pb::Record::kSketchFieldNumber:
      ReadSketch(field.bytes, *new (&out.sketch) Sketch{});
      break;
    case pb::Record::kFeatureFrameFieldNumber:
      ReadFrame(field.bytes, *new (&out.feature_frame) FeatureFrame{});
      break;
    case pb::Record::kActivationFieldNumber:
      new (&out.activation) Activation{FindBytes(field.bytes, pb::Activation::kPayloadFieldNumber)};
      break;
    case pb::Record::kFaultFieldNumber:
      ReadFault(field.bytes, *new (&out.fault) Fault{});
      break;
    default:
      ReadStatus(field.bytes, *new (&out.status) NodeStatus{});
      break;
  }
}

void ReadHeader(const WireField& field, RecordHeader& out) {
  switch (field.number) {
    case pb::Record::kKeyFieldNumber:
      ReadKey(field.bytes, out.key);
      break;
    case pb::Record::kTimeMsFieldNumber:
      out.time = LogicalTime(Millis(static_cast<std::int64_t>(field.value)));
      break;
    case pb::Record::kSampleIndexFieldNumber:
      out.sample_index = field.value;
      break;
    case pb::Record::kPackageHashFieldNumber:
      out.package_hash = PackageHash(field.value);
      break;
    case pb::Record::kRecipeIdFieldNumber:
      out.recipe_id = RecipeId(U32(field));
      break;
    case pb::Record::kTierFieldNumber:
      out.tier = As<Tier>(field);
      break;
    case pb::Record::kCutIdFieldNumber:
      out.cut_id = U32(field);
      break;
    case pb::Record::kAuditFieldNumber:
      out.audit = field.value != 0;
      break;
    case pb::Record::kBlockFieldNumber:
      ReadBlock(field.bytes, out.block);
      break;
    case pb::Record::kFlagsFieldNumber:
      out.flags = U32(field);
      break;
    case pb::Record::kEnergyNjFieldNumber:
      out.energy_nj = field.value;
      break;
    case pb::Record::kFirmwareVersionFieldNumber:
      out.firmware_version = U32(field);
      break;
    case pb::Record::kResetReasonFieldNumber:
      out.reset_reason = As<ResetReason>(field);
      break;
    case pb::Record::kConditionFieldNumber:
      out.condition = U32(field);
      break;
    default:
      break;
  }
}

}  // namespace

void ReadSketch(Bytes bytes, Sketch& out) {
  EachField(bytes, [&](const WireField& field) {
    switch (field.number) {
      case pb::Sketch::kWindowsFieldNumber:
        out.windows = U32(field);
        break;
      case pb::Sketch::kTriggeredFieldNumber:
        out.triggered = U32(field);
        break;
      case pb::Sketch::kInvalidFieldNumber:
        out.invalid = U32(field);
        break;
      case pb::Sketch::kHistogramsFieldNumber:
        if (out.histograms.resize(out.histograms.size() + 1)) {
          ReadHistogram(field.bytes, out.histograms[out.histograms.size() - 1]);
        }
        break;
      case pb::Sketch::kExitsFieldNumber:
        ReadPacked(field.bytes, out.exits);
        break;
      case pb::Sketch::kLabelsFieldNumber:
        ReadPacked(field.bytes, out.labels);
        break;
      default:
        break;
    }
  });
}

void ReadRecord(Bytes bytes, Record& out) {
  out.header = {};
  out.kind = RecordKind::kNone;
  EachField(bytes, [&](const WireField& field) {
    if (field.number >= pb::Record::kEventFieldNumber &&
        field.number <= pb::Record::kStatusFieldNumber) {
      ReadBody(field, out);
    } else {
      ReadHeader(field, out.header);
    }
  });
}

}  // namespace trib::host::message::internal
