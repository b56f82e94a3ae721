#include <algorithm>
#include <new>

#include "convert.h"
#include "trib/common/host/message/codec.h"
#include "trib/common/message/wire.h"
#include "tributary/v1/link.pb.h"

namespace trib::host::message {
namespace {

namespace pb = tributary::v1;
using internal::AsBytes;
using internal::AsText;

Status Malformed() {
  return {Code::kDataLoss, Reason::kMalformed};
}

pb::Envelope MakeEnvelope(NodeId node) {
  pb::Envelope envelope;
  envelope.set_protocol(kProtocolVersion);
  envelope.set_node(node.value());
  return envelope;
}

std::string SerialiseLawful(const pb::Envelope& envelope) {
  std::string out = internal::Serialise(envelope);
  TRIB_CHECK(CheckEnvelope(AsBytes(out)).ok());
  return out;
}

// ---- up ----------------------------------------------------------------------------------------

void Take(const pb::Hello& from, Hello& to) {
  to.epoch = EnrolmentEpoch(from.epoch());
  to.boot = from.boot();
  to.firmware_version = from.firmware_version();
  to.hardware_class = from.hardware_class();
  to.package_digest = internal::DigestFromText(from.package_digest());
  to.max_message_bytes = from.max_message_bytes();
  to.configuration_version = from.configuration_version();
}

std::uint64_t FindFixed64(std::span<const std::byte> message, std::uint32_t number) {
  WireReader reader(message);
  WireField field;
  while (reader.Next(field)) {
    if (field.number == number) {
      return field.value;
    }
  }
  return 0;
}

// From the wire and not from libprotobuf's objects, so that fields this version does not know stay
// in the bytes that are forwarded.
void TakeRecords(std::string_view envelope, std::vector<Uplink::ReceivedRecord>& to) {
  to.reserve(16);
  WireReader batch(FindBytes(AsBytes(envelope), pb::Envelope::kRecordsFieldNumber));
  WireField field;
  while (batch.Next(field)) {
    if (field.number == pb::RecordBatch::kRecordsFieldNumber) {
      to.push_back({std::string(AsText(field.bytes))});
    }
  }
}

void Take(const pb::Chunk& from, Uplink::ChunkData& to) {
  to.boot = from.boot();
  to.transfer = from.transfer();
  to.total_bytes = from.total_bytes();
  to.offset = from.offset();
  to.crc32c = from.crc32c();
  to.data = from.data();
}

// ---- down --------------------------------------------------------------------------------------

void Fill(const Ack& from, pb::Ack& to) {
  to.set_epoch(from.epoch.value());
  for (const AckRange& range : from.ranges) {
    pb::AckRange& out = *to.add_ranges();
    out.set_boot(range.boot);
    out.set_first(range.first);
    out.set_last(range.last);
    out.set_refusal(static_cast<std::uint32_t>(range.refusal));
  }
  to.set_credit(from.credit);
}

void Fill(const Verdict& from, pb::Verdict& to) {
  to.set_boot(from.boot);
  to.set_sequence(from.sequence);
  to.set_package_hash(from.package_hash.value());
  to.set_tier(static_cast<std::uint32_t>(from.tier));
  to.set_label(from.label);
  to.set_confidence(from.confidence);
  to.mutable_scores()->Add(from.scores.begin(), from.scores.end());
}

void Fill(const Configuration& from, pb::Configuration& to) {
  to.set_version(from.version);
  to.set_status_interval_ms(from.status_interval_ms);
  to.set_audit_permille(from.audit_permille);
  to.set_reminder_ms(from.reminder_ms);
}

void Fill(const UpdateChunk& from, pb::UpdateChunk& to) {
  to.set_digest(std::string(AsText(from.digest)));
  to.set_total_bytes(from.total_bytes);
  to.set_offset(from.offset);
  to.set_data(std::string(AsText(from.data)));
  to.set_artifact(from.artifact);
}

void Fill(const TimeSync& from, pb::Time& to) {
  to.set_unix_ms(from.unix_ms);
  to.set_epoch(from.epoch.value());
  to.set_boot(from.boot);
  to.set_credit(from.credit);
}

void Take(const pb::Ack& from, Ack& to) {
  to.epoch = EnrolmentEpoch(from.epoch());
  for (const pb::AckRange& range : from.ranges()) {
    (void)to.ranges.push_back(
        {range.boot(), range.first(), range.last(), static_cast<RefusalReason>(range.refusal())});
  }
  to.credit = from.credit();
}

void Take(const pb::Verdict& from, Verdict& to) {
  to.boot = from.boot();
  to.sequence = from.sequence();
  to.package_hash = PackageHash(from.package_hash());
  to.tier = static_cast<Tier>(from.tier());
  to.label = from.label();
  to.confidence = from.confidence();
  (void)to.scores.assign({from.scores().data(), static_cast<std::size_t>(from.scores_size())});
}

Status TakeBody(const pb::Envelope& from, std::string_view bytes, Downlink& to) {
  switch (from.body_case()) {
    case pb::Envelope::kAck:
      Take(from.ack(), *new (&to.ack) Ack{});
      break;
    case pb::Envelope::kVerdict:
      Take(from.verdict(), *new (&to.verdict) Verdict{});
      break;
    case pb::Envelope::kConfiguration: {
      const pb::Configuration& body = from.configuration();
      new (&to.configuration) Configuration{
          body.version(), body.status_interval_ms(), body.audit_permille(), body.reminder_ms()};
      break;
    }
    case pb::Envelope::kUpdateChunk: {
      const pb::UpdateChunk& body = from.update_chunk();
      const auto content = FindBytes(AsBytes(bytes), pb::Envelope::kUpdateChunkFieldNumber);
      new (&to.update_chunk) UpdateChunk{internal::DigestFromText(body.digest()),
                                         body.total_bytes(),
                                         body.offset(),
                                         FindBytes(content, pb::UpdateChunk::kDataFieldNumber),
                                         body.artifact()};
      break;
    }
    case pb::Envelope::kTime: {
      const pb::Time& body = from.time();
      new (&to.time)
          TimeSync{body.unix_ms(), EnrolmentEpoch(body.epoch()), body.boot(), body.credit()};
      break;
    }
    default:
      return {Code::kDataLoss, Reason::kUnknownBody};
  }
  to.kind = static_cast<Downlink::Kind>(from.body_case());
  return {};
}

}  // namespace

Result<Uplink> DecodeUplink(std::string_view bytes) {
  TRIB_TRY_ASSIGN(const std::uint32_t body, CheckEnvelope(AsBytes(bytes)));
  Uplink out;
  if (body == pb::Envelope::kRecordsFieldNumber) {
    // Nearly all messages. Lawful bytes need no object of libprotobuf in between.
    out.node = NodeId(FindFixed64(AsBytes(bytes), pb::Envelope::kNodeFieldNumber));
    out.kind = Uplink::Kind::kRecords;
    TakeRecords(bytes, out.records);
    return out;
  }
  pb::Envelope message;
  if (!internal::Parse(bytes, message)) {
    return Malformed();
  }
  out.node = NodeId(message.node());
  switch (message.body_case()) {
    case pb::Envelope::kHello:
      Take(message.hello(), out.hello);
      break;
    case pb::Envelope::kChunk:
      Take(message.chunk(), out.chunk);
      break;
    default:
      return Status(Code::kDataLoss, Reason::kUnknownBody);
  }
  out.kind = static_cast<Uplink::Kind>(message.body_case());
  return out;
}

Result<OpenedRecord> OpenSealedRecord(std::string_view sealed) {
  const auto bytes = AsBytes(sealed);
  TRIB_TRY(CheckSealedRecord(bytes));
  return OpenedRecord{AsText(FindBytes(bytes, pb::SealedRecord::kRecordFieldNumber)),
                      AsText(FindBytes(bytes, pb::SealedRecord::kMacFieldNumber))};
}

std::string EncodeSealedRecord(std::string_view record, std::string_view mac) {
  pb::SealedRecord message;
  message.set_record(std::string(record));
  message.set_mac(std::string(mac));
  std::string out = internal::Serialise(message);
  TRIB_CHECK(CheckSealedRecord(AsBytes(out)).ok());
  return out;
}

std::string EncodeDownlink(const Downlink& downlink) {
  pb::Envelope envelope = MakeEnvelope(downlink.node);
  switch (downlink.kind) {
    case Downlink::Kind::kAck:
      Fill(downlink.ack, *envelope.mutable_ack());
      break;
    case Downlink::Kind::kVerdict:
      Fill(downlink.verdict, *envelope.mutable_verdict());
      break;
    case Downlink::Kind::kConfiguration:
      Fill(downlink.configuration, *envelope.mutable_configuration());
      break;
    case Downlink::Kind::kUpdateChunk:
      Fill(downlink.update_chunk, *envelope.mutable_update_chunk());
      break;
    case Downlink::Kind::kTime:
      Fill(downlink.time, *envelope.mutable_time());
      break;
  }
  return SerialiseLawful(envelope);
}

Status DecodeDownlink(std::string_view bytes, Downlink& out) {
  TRIB_TRY(CheckEnvelope(AsBytes(bytes)).status());
  pb::Envelope message;
  if (!internal::Parse(bytes, message)) {
    return Malformed();
  }
  out.node = NodeId(message.node());
  return TakeBody(message, bytes, out);
}

std::string EncodeHello(NodeId node, const Hello& hello) {
  pb::Envelope envelope = MakeEnvelope(node);
  pb::Hello& body = *envelope.mutable_hello();
  body.set_epoch(hello.epoch.value());
  body.set_boot(hello.boot);
  body.set_firmware_version(hello.firmware_version);
  body.set_hardware_class(hello.hardware_class);
  body.set_package_digest(internal::DigestToText(hello.package_digest));
  body.set_max_message_bytes(hello.max_message_bytes);
  body.set_configuration_version(hello.configuration_version);
  return SerialiseLawful(envelope);
}

std::string EncodeRecords(NodeId node, std::span<const std::string> sealed) {
  pb::Envelope envelope = MakeEnvelope(node);
  pb::RecordBatch& batch = *envelope.mutable_records();
  for (const std::string& record : sealed) {
    TRIB_CHECK(internal::Parse(record, *batch.add_records()));
  }
  return SerialiseLawful(envelope);
}

std::string EncodeChunk(NodeId node, const Uplink::ChunkData& chunk) {
  pb::Envelope envelope = MakeEnvelope(node);
  pb::Chunk& body = *envelope.mutable_chunk();
  body.set_boot(chunk.boot);
  body.set_transfer(chunk.transfer);
  body.set_total_bytes(chunk.total_bytes);
  body.set_offset(chunk.offset);
  body.set_data(chunk.data);
  body.set_crc32c(chunk.crc32c);
  return SerialiseLawful(envelope);
}

}  // namespace trib::host::message
