#include "trib/cloud/ingest/site_codec.h"

#include <tributary/v1/site.pb.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "trib/common/host/message/codec.h"

namespace trib::cloud::ingest {
namespace {

namespace pb = tributary::v1;

constexpr int kMaxDropCounters = 64;
constexpr std::size_t kMaxReasonChars = 48;

const char* NameOf(Status status) {
  switch (static_cast<message::Reason>(status.reason())) {
    case message::Reason::kOutOfBounds:
      return "out_of_bounds";
    case message::Reason::kUnknownBody:
      return "unknown_body";
    case message::Reason::kInvalidValue:
      return "invalid_value";
    default:
      return "malformed";
  }
}

/// nullptr when the gateway may deliver for the node.
const char* RefusalOf(Binding binding) {
  switch (binding) {
    case Binding::kBound:
    case Binding::kFormer:
      return nullptr;
    case Binding::kNeverAccepted:
      return "never_accepted";
    case Binding::kOtherGateway:
      return "other_gateway";
    case Binding::kUnknownNode:
      break;
  }
  return "unknown_node";
}

void SetBody(const message::Record& record, RecordRow& row) {
  switch (record.kind) {
    case message::RecordKind::kEvent:
      row.body = record.event;
      break;
    case message::RecordKind::kSketch:
      row.body =
          SketchSummary{record.sketch.windows, record.sketch.triggered, record.sketch.invalid};
      break;
    case message::RecordKind::kFeatureFrame:
      row.body = FrameSummary{record.feature_frame.score};
      break;
    case message::RecordKind::kFault:
      row.body = record.fault;
      break;
    case message::RecordKind::kStatus:
      row.body = record.status;
      break;
    case message::RecordKind::kActivation:
    case message::RecordKind::kNone:
      break;
  }
}

/// @returns nullptr with `row` filled, or the reason of the refusal.
const char* Admit(std::string_view sealed,
                  GatewayId gateway,
                  const Bindings& bindings,
                  RecordRow& row) {
  if (sealed.size() > message::kMaxTransferBytes) {
    return "too_large";
  }
  const Result<host::message::OpenedRecord> opened = host::message::OpenSealedRecord(sealed);
  if (!opened.ok()) {
    return NameOf(opened.status());
  }
  message::Record record;
  if (const Status status = host::message::DecodeRecord(opened->record, record); !status.ok()) {
    return NameOf(status);
  }
  const message::RecordKey& key = record.header.key;
  const Binding binding = bindings.Of(key.node, gateway);
  if (const char* refusal = RefusalOf(binding)) {
    return refusal;
  }
  row.header = record.header;
  row.kind = record.kind;
  row.former = binding == Binding::kFormer;
  SetBody(record, row);
  return nullptr;
}

/// nullopt when it is not what a gateway's exit can say about `row`.
std::optional<Verdict> ReadVerdict(const pb::TierVerdict& message, const RecordRow& row) {
  const auto is_probability = [](float value) { return value >= 0 && value <= 1; };  // no NaN
  if (row.kind != message::RecordKind::kActivation ||
      message.tier() != static_cast<std::uint32_t>(message::Tier::kGateway) ||
      message.package_hash() != row.header.package_hash.value() ||
      message.label() >= message::kMaxLabels || !is_probability(message.confidence()) ||
      message.scores_size() > static_cast<int>(message::kMaxLabels) ||
      message.decided_ms() > std::numeric_limits<std::int64_t>::max() ||
      !std::all_of(message.scores().begin(), message.scores().end(), is_probability)) {
    return std::nullopt;
  }
  Verdict verdict;
  verdict.tier = message::Tier::kGateway;
  verdict.package_hash = row.header.package_hash;
  verdict.label = message.label();
  verdict.confidence = message.confidence();
  for (const float score : message.scores()) {
    (void)verdict.scores.push_back(score);
  }
  verdict.accepted = message.accepted();
  verdict.final = message.final();
  verdict.decided_ms = message.decided_ms();
  return verdict;
}

bool IsReason(std::string_view text) {
  return !text.empty() && text.size() <= kMaxReasonChars &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
         });
}

Envelope ReadBatch(pb::Batch& message, GatewayId gateway, const Bindings& bindings) {
  if (message.records_size() > static_cast<int>(message::kMaxBatchRecords) ||
      message.drops_size() > kMaxDropCounters) {
    return RefusedEnvelope{"envelope_bounds"};
  }
  Batch batch;
  batch.gateway = gateway;
  batch.batch_id = message.batch_id();
  batch.records.reserve(static_cast<std::size_t>(message.records_size()));
  std::uint32_t index = 0;
  for (pb::Forwarded& forwarded : *message.mutable_records()) {
    RecordRow row;
    row.index = index++;
    if (const char* reason = Admit(forwarded.sealed_record(), gateway, bindings, row)) {
      batch.rejected.push_back({row.index, reason});
      continue;
    }
    row.received_ms = forwarded.received_ms();
    if (forwarded.has_verdict()) {
      row.verdict = ReadVerdict(forwarded.verdict(), row);
      batch.verdicts_refused += row.verdict ? 0U : 1U;
    }
    row.sealed = std::move(*forwarded.mutable_sealed_record());
    batch.records.push_back(std::move(row));
  }
  for (const pb::DropCount& drop : message.drops()) {
    // A drop must be counted even when its label is not one we would print.
    batch.drops.push_back({std::min<std::uint32_t>(drop.priority(), message::kPriorityCount - 1),
                           IsReason(drop.reason()) ? drop.reason() : "other",
                           drop.total()});
  }
  return batch;
}

bool IsShare(float value) {
  return value >= 0 && value <= 1;
}

/// One more than the largest index of a channel; 0 for channels that nobody sends.
std::uint32_t IndicesOf(pb::DriftChannel channel) {
  switch (channel) {
    case pb::DRIFT_CHANNEL_FEATURE:
      return message::kTriggerScoreFeature + 1;
    case pb::DRIFT_CHANNEL_CONFIDENCE:
    case pb::DRIFT_CHANNEL_TRIGGERED:
      return 1;
    case pb::DRIFT_CHANNEL_EXITS:
      return message::kTierCount;
    case pb::DRIFT_CHANNEL_LABEL:
      return message::kMaxLabels;
    default:
      return 0;
  }
}

bool IsLawful(const pb::NodeFlag& flag) {
  return flag.node() != 0 && flag.index() < IndicesOf(flag.channel()) && IsShare(flag.before()) &&
         IsShare(flag.after());
}

/// A gateway has nothing to say about nodes that are not, or were not, its own.
void ReadFlags(const pb::SiteReport& message, const Bindings& bindings, SiteReportRow& row) {
  row.flags.reserve(static_cast<std::size_t>(message.flags_size()));
  for (const pb::NodeFlag& flag : message.flags()) {
    if (RefusalOf(bindings.Of(NodeId(flag.node()), row.gateway)) != nullptr) {
      ++row.flags_refused;
      continue;
    }
    row.flags.push_back({NodeId(flag.node()),
                         static_cast<std::uint32_t>(flag.channel()),
                         flag.index(),
                         flag.time_ms(),
                         PackageHash(flag.package_hash()),
                         flag.before(),
                         flag.after(),
                         flag.width()});
  }
}

Envelope ReadReport(const pb::SiteReport& message, GatewayId gateway, const Bindings& bindings) {
  if (message.gateway() != gateway.value()) {
    return RefusedEnvelope{"envelope_gateway"};
  }
  if (message.flags_size() > static_cast<int>(message::kMaxSiteFlags) ||
      !std::all_of(message.flags().begin(), message.flags().end(), IsLawful)) {
    return RefusedEnvelope{"envelope_flags"};
  }
  SiteReportRow row;
  row.gateway = gateway;
  row.minute_ms = message.minute_ms();
  row.records = message.records();
  row.events = message.events();
  row.faults = message.faults();
  row.windows = message.windows();
  row.nodes_seen = message.nodes_seen();
  row.spool_depth = message.spool_depth();
  row.encoded = message.SerializeAsString();
  ReadFlags(message, bindings, row);
  return row;
}

}  // namespace

Envelope Decode(std::string_view bytes, GatewayId gateway, const Bindings& bindings) {
  if (bytes.size() > message::kMaxSiteEnvelopeBytes) {
    return RefusedEnvelope{"envelope_too_large"};
  }
  pb::SiteEnvelope envelope;
  if (!envelope.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return RefusedEnvelope{"envelope_malformed"};
  }
  if (envelope.protocol() != message::kProtocolVersion) {
    return RefusedEnvelope{"envelope_protocol"};
  }
  switch (envelope.body_case()) {
    case pb::SiteEnvelope::kHello:
      if (envelope.hello().gateway() != gateway.value()) {
        return RefusedEnvelope{"envelope_gateway"};
      }
      return Hello{envelope.hello().roster_version(),
                   envelope.hello().software_version().substr(0, kMaxReasonChars)};
    case pb::SiteEnvelope::kBatch:
      return ReadBatch(*envelope.mutable_batch(), gateway, bindings);
    case pb::SiteEnvelope::kReport:
      return ReadReport(envelope.report(), gateway, bindings);
    default:
      return RefusedEnvelope{"envelope_body"};
  }
}

std::string EncodeBatchAck(std::uint64_t batch_id,
                           const BatchOutcome& outcome,
                           std::uint32_t credit) {
  pb::SiteEnvelope envelope;
  envelope.set_protocol(message::kProtocolVersion);
  pb::BatchAck& ack = *envelope.mutable_batch_ack();
  ack.set_batch_id(batch_id);
  ack.set_stored(outcome.stored);
  ack.set_duplicates(outcome.duplicates);
  for (const Rejection& rejection : outcome.rejected) {
    pb::Rejected& rejected = *ack.add_rejected();
    rejected.set_index(rejection.index);
    rejected.set_reason(rejection.reason);
  }
  ack.set_credit(credit);
  return envelope.SerializeAsString();
}

std::string EncodeRoster(const Roster& roster) {
  pb::SiteEnvelope envelope;
  envelope.set_protocol(message::kProtocolVersion);
  pb::Roster& out = *envelope.mutable_roster();
  out.set_version(roster.version);
  for (const RosterMember& member : roster.members) {
    pb::Member& added = *out.add_members();
    added.set_node(member.node.value());
    added.set_public_key(member.public_key.data(), member.public_key.size());
  }
  return envelope.SerializeAsString();
}

std::string EncodeDownlink(NodeId node, EnrolmentEpoch epoch, std::string envelope) {
  pb::SiteEnvelope site;
  site.set_protocol(message::kProtocolVersion);
  pb::Downlink& downlink = *site.mutable_downlink();
  downlink.set_node(node.value());
  downlink.set_envelope(std::move(envelope));
  downlink.set_epoch(epoch.value());
  return site.SerializeAsString();
}

}  // namespace trib::cloud::ingest
