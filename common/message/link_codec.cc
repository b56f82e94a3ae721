#include <new>

#include "nanopb_io.h"
#include "trib/common/message/codec.h"
#include "trib/common/message/wire.h"
#include "tributary/v1/link.npb.h"

namespace trib::message {
namespace {

using internal::Encoded;

void Fill(const SealedRecord& from, tributary_v1_SealedRecord& to) {
  to.record = internal::Writing(from.record);
  to.mac.size = static_cast<pb_size_t>(std::min(from.mac.size(), kMacBytes));
  std::copy_n(reinterpret_cast<const pb_byte_t*>(from.mac.data()), to.mac.size, to.mac.bytes);
}

bool Lawful(const SealedRecord& record) {
  return (record.mac.empty() || record.mac.size() == kMacBytes) && !record.record.empty() &&
         record.record.size() <= kMaxActivationRecordBytes;
}

bool WriteRecords(pb_ostream_t* stream, const pb_field_t* field, void* const* arg) {
  for (const SealedRecord& record : *static_cast<const std::span<const SealedRecord>*>(*arg)) {
    tributary_v1_SealedRecord sealed{};
    Fill(record, sealed);
    if (!pb_encode_tag_for_field(stream, field) ||
        !pb_encode_submessage(stream, tributary_v1_SealedRecord_fields, &sealed)) {
      return false;
    }
  }
  return true;
}

Result<std::size_t> EncodeEnvelope(NodeId node,
                                   tributary_v1_Envelope& message,
                                   std::span<std::byte> out) {
  message.protocol = kProtocolVersion;
  message.node = node.value();
  pb_ostream_t stream = internal::OutputTo(out);
  if (!pb_encode(&stream, tributary_v1_Envelope_fields, &message)) {
    return Code::kResourceExhausted;
  }
  TRIB_TRY(Encoded(CheckEnvelope(out.first(stream.bytes_written)).status()));
  return stream.bytes_written;
}

// Runs when nanopb has seen which body comes and before it reads it.
bool PrepareBody(pb_istream_t* /*stream*/, const pb_field_t* field, void** arg) {
  if (field->tag == tributary_v1_Envelope_update_chunk_tag) {
    auto& out = *static_cast<Downlink*>(*arg);
    new (&out.update_chunk) UpdateChunk{};
    static_cast<tributary_v1_UpdateChunk*>(field->pData)->data =
        internal::Borrowing(out.update_chunk.data);
  }
  return true;
}

void Take(const tributary_v1_Ack& from, Ack& to) {
  to.epoch = EnrolmentEpoch(from.epoch);
  for (pb_size_t i = 0; i < from.ranges_count; ++i) {
    const tributary_v1_AckRange& range = from.ranges[i];
    (void)to.ranges.push_back(
        {range.boot, range.first, range.last, static_cast<RefusalReason>(range.refusal)});
  }
  to.credit = from.credit;
}

void Take(const tributary_v1_Verdict& from, Verdict& to) {
  to.boot = from.boot;
  to.sequence = from.sequence;
  to.package_hash = PackageHash(from.package_hash);
  to.tier = static_cast<Tier>(from.tier);
  to.label = from.label;
  to.confidence = from.confidence;
  internal::CopyFrom(to.scores, from.scores, from.scores_count);
}

// UpdateChunk::data is in `to` already.
void TakeScalars(const tributary_v1_UpdateChunk& from, UpdateChunk& to) {
  internal::CopyDigestFrom(to.digest, from.digest);
  to.total_bytes = from.total_bytes;
  to.offset = from.offset;
  to.artifact = from.artifact;
}

Status TakeBody(const tributary_v1_Envelope& from, Downlink& to) {
  switch (from.which_body) {
    case tributary_v1_Envelope_ack_tag:
      new (&to.ack) Ack{};
      Take(from.body.ack, to.ack);
      break;
    case tributary_v1_Envelope_verdict_tag:
      new (&to.verdict) Verdict{};
      Take(from.body.verdict, to.verdict);
      break;
    case tributary_v1_Envelope_configuration_tag: {
      const tributary_v1_Configuration& body = from.body.configuration;
      new (&to.configuration) Configuration{
          body.version, body.status_interval_ms, body.audit_permille, body.reminder_ms};
      break;
    }
    case tributary_v1_Envelope_update_chunk_tag:
      TakeScalars(from.body.update_chunk, to.update_chunk);
      break;
    case tributary_v1_Envelope_time_tag: {
      const tributary_v1_Time& body = from.body.time;
      new (&to.time) TimeSync{body.unix_ms, EnrolmentEpoch(body.epoch), body.boot, body.credit};
      break;
    }
    default:
      return {Code::kDataLoss, Reason::kUnknownBody};
  }
  to.kind = static_cast<Downlink::Kind>(from.which_body);
  return {};
}

}  // namespace

Result<std::size_t> EncodeHello(NodeId node, const Hello& hello, std::span<std::byte> out) {
  tributary_v1_Envelope message{};
  message.which_body = tributary_v1_Envelope_hello_tag;
  tributary_v1_Hello& body = message.body.hello;
  body.epoch = hello.epoch.value();
  body.boot = hello.boot;
  body.firmware_version = hello.firmware_version;
  body.hardware_class = hello.hardware_class;
  internal::CopyDigestTo(body.package_digest, hello.package_digest);
  body.max_message_bytes = hello.max_message_bytes;
  body.configuration_version = hello.configuration_version;
  return EncodeEnvelope(node, message, out);
}

Result<std::size_t> EncodeRecords(NodeId node,
                                  std::span<const SealedRecord> records,
                                  std::span<std::byte> out) {
  if (!std::all_of(records.begin(), records.end(), Lawful)) {
    return Code::kInvalidArgument;
  }
  tributary_v1_Envelope message{};
  message.which_body = tributary_v1_Envelope_records_tag;
  message.body.records.records.funcs.encode = &WriteRecords;
  message.body.records.records.arg = &records;
  return EncodeEnvelope(node, message, out.first(std::min(out.size(), kMaxEnvelopeBytes)));
}

std::size_t EnvelopedBytes(const SealedRecord& record) {
  // Tag and length: of the sealed record, of the record, of the seal. Three bytes of length cover
  // kMaxTransferBytes.
  return 4 + 4 + record.record.size() + (record.mac.empty() ? 0 : 2 + kMacBytes);
}

Result<std::size_t> EncodeChunk(NodeId node, const Chunk& chunk, std::span<std::byte> out) {
  tributary_v1_Envelope message{};
  message.which_body = tributary_v1_Envelope_chunk_tag;
  tributary_v1_Chunk& body = message.body.chunk;
  body.boot = chunk.boot;
  body.transfer = chunk.transfer;
  body.total_bytes = chunk.total_bytes;
  body.offset = chunk.offset;
  body.data = internal::Writing(chunk.data);
  body.crc32c = chunk.crc32c;
  return EncodeEnvelope(node, message, out);
}

Result<std::size_t> EncodeSealedRecord(const SealedRecord& record, std::span<std::byte> out) {
  if (!Lawful(record)) {
    return Code::kInvalidArgument;
  }
  tributary_v1_SealedRecord message{};
  Fill(record, message);
  pb_ostream_t stream = internal::OutputTo(out);
  if (!pb_encode(&stream, tributary_v1_SealedRecord_fields, &message)) {
    return Code::kResourceExhausted;
  }
  return stream.bytes_written;
}

Status DecodeDownlink(std::span<const std::byte> bytes, Downlink& out) {
  TRIB_TRY(CheckEnvelope(bytes).status());
  tributary_v1_Envelope message{};
  message.cb_body.funcs.decode = &PrepareBody;
  message.cb_body.arg = &out;
  pb_istream_t stream = internal::InputFrom(bytes);
  if (!pb_decode_ex(&stream, tributary_v1_Envelope_fields, &message, PB_DECODE_NOINIT)) {
    return {Code::kDataLoss, Reason::kMalformed};
  }
  out.node = NodeId(message.node);
  return TakeBody(message, out);
}

}  // namespace trib::message
