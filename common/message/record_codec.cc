#include <cstring>
#include <new>

#include "nanopb_io.h"
#include "trib/common/message/codec.h"
#include "trib/common/message/wire.h"
#include "tributary/v1/record.npb.h"

namespace trib::message {
namespace {

using internal::CopyFrom;
using internal::CopyTo;

// ---- encode ------------------------------------------------------------------------------------

bool WriteHistograms(pb_ostream_t* stream, const pb_field_t* field, void* const* arg) {
  for (const Histogram& histogram : static_cast<const Sketch*>(*arg)->histograms) {
    tributary_v1_Histogram out{};
    out.feature = histogram.feature;
    out.counts_count = CopyTo(out.counts, std::span<const std::uint32_t>(histogram.counts));
    if (!pb_encode_tag_for_field(stream, field) ||
        !pb_encode_submessage(stream, tributary_v1_Histogram_fields, &out)) {
      return false;
    }
  }
  return true;
}

void FillHeader(const RecordHeader& from, tributary_v1_Record& to) {
  to.has_key = true;
  to.key = {from.key.node.value(), from.key.epoch.value(), from.key.boot, from.key.sequence};
  to.time_ms = static_cast<std::uint64_t>(from.time.time_since_epoch().count());
  to.sample_index = from.sample_index;
  to.package_hash = from.package_hash.value();
  to.recipe_id = from.recipe_id.value();
  to.tier = static_cast<tributary_v1_Tier>(from.tier);
  to.cut_id = from.cut_id;
  to.audit = from.audit;
  to.has_block = !(from.block == BlockInterval{});
  to.block = {from.block.begin_ms, from.block.length_ms};
  to.flags = from.flags;
  to.energy_nj = from.energy_nj;
  to.firmware_version = from.firmware_version;
  to.reset_reason = static_cast<tributary_v1_ResetReason>(from.reset_reason);
  to.condition = from.condition;
}

void Fill(const Event& from, tributary_v1_Event& to) {
  to = {};
  to.state = static_cast<tributary_v1_EventState>(from.state);
  to.label = from.label;
  to.confidence = from.confidence;
  to.severity = from.severity;
  to.windows = from.windows;
  for (const FeatureScore& score : from.top) {
    to.top[to.top_count++] = {score.feature, score.z};
  }
  to.scores_count = CopyTo(to.scores, from.scores.span());
  to.actuator = from.actuator;
  to.velocity_mm_s = from.velocity_mm_s;
  to.zone = static_cast<tributary_v1_SeverityZone>(from.zone);
  to.distance = from.distance;
}

void Fill(const Sketch& from, tributary_v1_Sketch& to) {
  to = {};
  to.windows = from.windows;
  to.triggered = from.triggered;
  to.invalid = from.invalid;
  to.histograms.funcs.encode = &WriteHistograms;
  to.histograms.arg = const_cast<Sketch*>(&from);
  to.exits_count = CopyTo(to.exits, std::span<const std::uint32_t>(from.exits));
  to.labels_count = CopyTo(to.labels, from.labels.span());
}

void Fill(const FeatureFrame& from, tributary_v1_FeatureFrame& to) {
  to = {};
  to.values_count = CopyTo(to.values, from.values.span());
  to.score = from.score;
}

void Fill(const NodeStatus& from, tributary_v1_Status& to) {
  to = {};
  to.uptime_ms = from.uptime_ms;
  to.windows = from.windows;
  to.windows_invalid = from.windows_invalid;
  to.windows_triggered = from.windows_triggered;
  to.events = from.events;
  to.records = from.records;
  to.records_dropped_count =
      CopyTo(to.records_dropped, std::span<const std::uint64_t>(from.records_dropped));
  to.backlog_records = from.backlog_records;
  to.backlog_bytes = from.backlog_bytes;
  to.bytes_sent = from.bytes_sent;
  to.bytes_raw = from.bytes_raw;
  to.energy_nj = from.energy_nj;
  internal::CopyDigestTo(to.package_digest, from.package_digest);
  to.commissioning_permille = from.commissioning_permille;
  to.hardware_class = from.hardware_class;
  to.messages_refused = from.messages_refused;
  to.velocity_mm_s = from.velocity_mm_s;
  to.zone = static_cast<tributary_v1_SeverityZone>(from.zone);
  to.commissioning = static_cast<tributary_v1_CommissioningState>(from.commissioning);
  to.commissioning_refusals = from.commissioning_refusals;
  to.commissioning_reason =
      static_cast<tributary_v1_CommissioningReason>(from.commissioning_reason);
  to.baselines = from.baselines;
  to.drift_flags = from.drift_flags;
}

bool FillBody(const Record& from, tributary_v1_Record& to) {
  to.which_body = static_cast<pb_size_t>(from.kind);
  switch (from.kind) {
    case RecordKind::kEvent:
      Fill(from.event, to.body.event);
      return true;
    case RecordKind::kSketch:
      Fill(from.sketch, to.body.sketch);
      return true;
    case RecordKind::kFeatureFrame:
      Fill(from.feature_frame, to.body.feature_frame);
      return true;
    case RecordKind::kActivation:
      to.body.activation.payload = internal::Writing(from.activation.payload);
      return !from.activation.payload.empty() &&
             from.activation.payload.size() <= kMaxActivationBytes;
    case RecordKind::kFault:
      to.body.fault = {static_cast<tributary_v1_FaultCode>(from.fault.code),
                       from.fault.channel,
                       from.fault.detail,
                       from.fault.value,
                       from.fault.windows,
                       from.fault.actuator};
      return true;
    case RecordKind::kStatus:
      Fill(from.status, to.body.status);
      return true;
    case RecordKind::kNone:
      break;
  }
  return false;
}

// ---- decode ------------------------------------------------------------------------------------

bool ReadHistogram(pb_istream_t* stream, const pb_field_t* /*field*/, void** arg) {
  tributary_v1_Histogram in{};
  if (!pb_decode(stream, tributary_v1_Histogram_fields, &in) || in.counts_count != kHistogramBins) {
    return false;
  }
  Histogram histogram;
  histogram.feature = in.feature;
  std::copy_n(in.counts, kHistogramBins, histogram.counts.begin());
  return static_cast<Sketch*>(*arg)->histograms.push_back(histogram);
}

void ReadHistogramsInto(tributary_v1_Sketch& in, Sketch& out) {
  in.histograms.funcs.decode = &ReadHistogram;
  in.histograms.arg = &out;
}

// Runs when nanopb has seen which body comes and before it reads it.
bool PrepareBody(pb_istream_t* /*stream*/, const pb_field_t* field, void** arg) {
  auto& out = *static_cast<Record*>(*arg);
  if (field->tag == tributary_v1_Record_sketch_tag) {
    out.kind = RecordKind::kSketch;
    new (&out.sketch) Sketch{};
    ReadHistogramsInto(*static_cast<tributary_v1_Sketch*>(field->pData), out.sketch);
  } else if (field->tag == tributary_v1_Record_activation_tag) {
    out.kind = RecordKind::kActivation;
    new (&out.activation) Activation{};
    static_cast<tributary_v1_Activation*>(field->pData)->payload =
        internal::Borrowing(out.activation.payload);
  }
  return true;
}

void TakeHeader(const tributary_v1_Record& from, RecordHeader& to) {
  to.key = {
      NodeId(from.key.node), EnrolmentEpoch(from.key.epoch), from.key.boot, from.key.sequence};
  to.time = LogicalTime(Millis(static_cast<std::int64_t>(from.time_ms)));
  to.sample_index = from.sample_index;
  to.package_hash = PackageHash(from.package_hash);
  to.recipe_id = RecipeId(from.recipe_id);
  to.tier = static_cast<Tier>(from.tier);
  to.cut_id = from.cut_id;
  to.audit = from.audit;
  to.block = {from.block.begin_ms, from.block.length_ms};
  to.flags = from.flags;
  to.energy_nj = from.energy_nj;
  to.firmware_version = from.firmware_version;
  to.reset_reason = static_cast<ResetReason>(from.reset_reason);
  to.condition = from.condition;
}

void Take(const tributary_v1_Event& from, Event& to) {
  to = {};
  to.state = static_cast<EventState>(from.state);
  to.label = from.label;
  to.confidence = from.confidence;
  to.severity = from.severity;
  to.windows = from.windows;
  for (pb_size_t i = 0; i < from.top_count; ++i) {
    (void)to.top.push_back({from.top[i].feature, from.top[i].z});
  }
  CopyFrom(to.scores, from.scores, from.scores_count);
  to.actuator = from.actuator;
  to.velocity_mm_s = from.velocity_mm_s;
  to.zone = static_cast<SeverityZone>(from.zone);
  to.distance = from.distance;
}

// The histograms are in `to` already.
void TakeScalars(const tributary_v1_Sketch& from, Sketch& to) {
  to.windows = from.windows;
  to.triggered = from.triggered;
  to.invalid = from.invalid;
  std::copy_n(from.exits, kTierCount, to.exits.begin());
  CopyFrom(to.labels, from.labels, from.labels_count);
}

void Take(const tributary_v1_Status& from, NodeStatus& to) {
  to = {};
  to.uptime_ms = from.uptime_ms;
  to.windows = from.windows;
  to.windows_invalid = from.windows_invalid;
  to.windows_triggered = from.windows_triggered;
  to.events = from.events;
  to.records = from.records;
  std::copy_n(from.records_dropped, kDropCounters, to.records_dropped.begin());
  to.backlog_records = from.backlog_records;
  to.backlog_bytes = from.backlog_bytes;
  to.bytes_sent = from.bytes_sent;
  to.bytes_raw = from.bytes_raw;
  to.energy_nj = from.energy_nj;
  internal::CopyDigestFrom(to.package_digest, from.package_digest);
  to.commissioning_permille = from.commissioning_permille;
  to.hardware_class = from.hardware_class;
  to.messages_refused = from.messages_refused;
  to.velocity_mm_s = from.velocity_mm_s;
  to.zone = static_cast<SeverityZone>(from.zone);
  to.commissioning = static_cast<CommissioningState>(from.commissioning);
  to.commissioning_refusals = from.commissioning_refusals;
  to.commissioning_reason = static_cast<CommissioningReason>(from.commissioning_reason);
  to.baselines = from.baselines;
  to.drift_flags = from.drift_flags;
}

Status TakeBody(const tributary_v1_Record& from, Record& to) {
  const auto kind = static_cast<RecordKind>(from.which_body);
  switch (kind) {
    case RecordKind::kEvent:
      new (&to.event) Event{};
      Take(from.body.event, to.event);
      break;
    case RecordKind::kSketch:
      TakeScalars(from.body.sketch, to.sketch);
      break;
    case RecordKind::kFeatureFrame:
      new (&to.feature_frame) FeatureFrame{};
      CopyFrom(to.feature_frame.values,
               from.body.feature_frame.values,
               from.body.feature_frame.values_count);
      to.feature_frame.score = from.body.feature_frame.score;
      break;
    case RecordKind::kActivation:
      break;
    case RecordKind::kFault: {
      const tributary_v1_Fault& fault = from.body.fault;
      new (&to.fault) Fault{static_cast<FaultCode>(fault.code),
                            fault.channel,
                            fault.detail,
                            fault.value,
                            fault.windows,
                            fault.actuator};
      break;
    }
    case RecordKind::kStatus:
      new (&to.status) NodeStatus{};
      Take(from.body.status, to.status);
      break;
    default:
      return {Code::kDataLoss, Reason::kUnknownBody};
  }
  to.kind = kind;
  return {};
}

}  // namespace

Result<std::size_t> EncodeRecord(const Record& record, std::span<std::byte> out) {
  tributary_v1_Record message{};
  FillHeader(record.header, message);
  if (!FillBody(record, message)) {
    return Code::kInvalidArgument;
  }
  pb_ostream_t stream = internal::OutputTo(out);
  if (!pb_encode(&stream, tributary_v1_Record_fields, &message)) {
    return Code::kResourceExhausted;
  }
  TRIB_TRY(internal::Encoded(CheckRecord(out.first(stream.bytes_written))));
  return stream.bytes_written;
}

Status DecodeRecord(std::span<const std::byte> bytes, Record& out) {
  TRIB_TRY(CheckRecord(bytes));
  out.kind = RecordKind::kNone;
  tributary_v1_Record message{};
  message.cb_body.funcs.decode = &PrepareBody;
  message.cb_body.arg = &out;
  pb_istream_t stream = internal::InputFrom(bytes);
  if (!pb_decode_ex(&stream, tributary_v1_Record_fields, &message, PB_DECODE_NOINIT)) {
    return {Code::kDataLoss, Reason::kMalformed};
  }
  TakeHeader(message, out.header);
  return TakeBody(message, out);
}

Result<std::size_t> EncodeSketch(const Sketch& sketch, std::span<std::byte> out) {
  tributary_v1_Sketch message{};
  Fill(sketch, message);
  pb_ostream_t stream = internal::OutputTo(out);
  if (!pb_encode(&stream, tributary_v1_Sketch_fields, &message)) {
    return Code::kResourceExhausted;
  }
  return stream.bytes_written;
}

Status DecodeSketch(std::span<const std::byte> bytes, Sketch& out) {
  TRIB_TRY(CheckSketch(bytes));
  out = {};
  tributary_v1_Sketch message{};
  ReadHistogramsInto(message, out);
  pb_istream_t stream = internal::InputFrom(bytes);
  if (!pb_decode_ex(&stream, tributary_v1_Sketch_fields, &message, PB_DECODE_NOINIT)) {
    return {Code::kDataLoss, Reason::kMalformed};
  }
  TakeScalars(message, out);
  return {};
}

}  // namespace trib::message
