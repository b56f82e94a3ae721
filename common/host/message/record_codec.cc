#include <algorithm>
#include <new>

#include "convert.h"
#include "record_reader.h"
#include "trib/common/host/message/codec.h"
#include "trib/common/message/wire.h"
#include "tributary/v1/record.pb.h"

namespace trib::host::message {
namespace {

namespace pb = tributary::v1;

// ---- encode ------------------------------------------------------------------------------------

void FillHeader(const RecordHeader& from, pb::Record& to) {
  to.mutable_key()->set_node(from.key.node.value());
  to.mutable_key()->set_epoch(from.key.epoch.value());
  to.mutable_key()->set_boot(from.key.boot);
  to.mutable_key()->set_sequence(from.key.sequence);
  to.set_time_ms(static_cast<std::uint64_t>(from.time.time_since_epoch().count()));
  to.set_sample_index(from.sample_index);
  to.set_package_hash(from.package_hash.value());
  to.set_recipe_id(from.recipe_id.value());
  to.set_tier(static_cast<pb::Tier>(from.tier));
  to.set_cut_id(from.cut_id);
  to.set_audit(from.audit);
  if (!(from.block == BlockInterval{})) {
    to.mutable_block()->set_begin_ms(from.block.begin_ms);
    to.mutable_block()->set_length_ms(from.block.length_ms);
  }
  to.set_flags(from.flags);
  to.set_energy_nj(from.energy_nj);
  to.set_firmware_version(from.firmware_version);
  to.set_reset_reason(static_cast<pb::ResetReason>(from.reset_reason));
  to.set_condition(from.condition);
}

void Fill(const Event& from, pb::Event& to) {
  to.set_state(static_cast<pb::EventState>(from.state));
  to.set_label(from.label);
  to.set_confidence(from.confidence);
  to.set_severity(from.severity);
  to.set_windows(from.windows);
  for (const FeatureScore& score : from.top) {
    pb::FeatureScore& out = *to.add_top();
    out.set_feature(score.feature);
    out.set_z(score.z);
  }
  to.mutable_scores()->Add(from.scores.begin(), from.scores.end());
  to.set_actuator(from.actuator);
  to.set_velocity_mm_s(from.velocity_mm_s);
  to.set_zone(static_cast<pb::SeverityZone>(from.zone));
  to.set_distance(from.distance);
}

void Fill(const Sketch& from, pb::Sketch& to) {
  to.set_windows(from.windows);
  to.set_triggered(from.triggered);
  to.set_invalid(from.invalid);
  for (const Histogram& histogram : from.histograms) {
    pb::Histogram& out = *to.add_histograms();
    out.set_feature(histogram.feature);
    out.mutable_counts()->Add(histogram.counts.begin(), histogram.counts.end());
  }
  to.mutable_exits()->Add(from.exits.begin(), from.exits.end());
  to.mutable_labels()->Add(from.labels.begin(), from.labels.end());
}

void Fill(const Fault& from, pb::Fault& to) {
  to.set_code(static_cast<pb::FaultCode>(from.code));
  to.set_channel(from.channel);
  to.set_detail(from.detail);
  to.set_value(from.value);
  to.set_windows(from.windows);
  to.set_actuator(from.actuator);
}

void Fill(const NodeStatus& from, pb::Status& to) {
  to.set_uptime_ms(from.uptime_ms);
  to.set_windows(from.windows);
  to.set_windows_invalid(from.windows_invalid);
  to.set_windows_triggered(from.windows_triggered);
  to.set_events(from.events);
  to.set_records(from.records);
  to.mutable_records_dropped()->Add(from.records_dropped.begin(), from.records_dropped.end());
  to.set_backlog_records(from.backlog_records);
  to.set_backlog_bytes(from.backlog_bytes);
  to.set_bytes_sent(from.bytes_sent);
  to.set_bytes_raw(from.bytes_raw);
  to.set_energy_nj(from.energy_nj);
  to.set_package_digest(internal::DigestToText(from.package_digest));
  to.set_commissioning_permille(from.commissioning_permille);
  to.set_hardware_class(from.hardware_class);
  to.set_messages_refused(from.messages_refused);
  to.set_velocity_mm_s(from.velocity_mm_s);
  to.set_zone(static_cast<pb::SeverityZone>(from.zone));
  to.set_commissioning(static_cast<pb::CommissioningState>(from.commissioning));
  to.set_commissioning_refusals(from.commissioning_refusals);
  to.set_commissioning_reason(static_cast<pb::CommissioningReason>(from.commissioning_reason));
  to.set_baselines(from.baselines);
  to.set_drift_flags(from.drift_flags);
}

void FillBody(const Record& from, pb::Record& to) {
  switch (from.kind) {
    case RecordKind::kEvent:
      Fill(from.event, *to.mutable_event());
      break;
    case RecordKind::kSketch:
      Fill(from.sketch, *to.mutable_sketch());
      break;
    case RecordKind::kFeatureFrame:
      to.mutable_feature_frame()->mutable_values()->Add(from.feature_frame.values.begin(),
                                                        from.feature_frame.values.end());
      to.mutable_feature_frame()->set_score(from.feature_frame.score);
      break;
    case RecordKind::kActivation:
      to.mutable_activation()->set_payload(std::string(internal::AsText(from.activation.payload)));
      break;
    case RecordKind::kFault:
      Fill(from.fault, *to.mutable_fault());
      break;
    case RecordKind::kStatus:
      Fill(from.status, *to.mutable_status());
      break;
    case RecordKind::kNone:
      break;
  }
}

}  // namespace

Status DecodeRecord(std::string_view bytes, Record& out) {
  TRIB_TRY(CheckRecord(internal::AsBytes(bytes)));
  internal::ReadRecord(internal::AsBytes(bytes), out);
  return {};
}

void ReadCheckedRecord(std::string_view bytes, Record& out) {
  internal::ReadRecord(internal::AsBytes(bytes), out);
}

std::string EncodeRecord(const Record& record) {
  pb::Record message;
  FillHeader(record.header, message);
  FillBody(record, message);
  std::string out = internal::Serialise(message);
  TRIB_CHECK(CheckRecord(internal::AsBytes(out)).ok());
  return out;
}

std::string EncodeSketch(const Sketch& sketch) {
  pb::Sketch message;
  Fill(sketch, message);
  return internal::Serialise(message);
}

Status DecodeSketch(std::string_view bytes, Sketch& out) {
  TRIB_TRY(CheckSketch(internal::AsBytes(bytes)));
  out = {};
  internal::ReadSketch(internal::AsBytes(bytes), out);
  return {};
}

}  // namespace trib::host::message
