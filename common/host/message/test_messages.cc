#include "test_messages.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <new>

#include "convert.h"

namespace trib::host::message::test {
namespace {

using internal::AsBytes;

template <typename Encode>
std::string Encoded(Encode encode) {
  std::string out(kMaxTransferBytes, '\0');
  const Result<std::size_t> size = encode(std::as_writable_bytes(std::span(out)));
  out.resize(size.value_or(0U));
  return out;
}

bool SameBytes(std::span<const std::byte> a, std::span<const std::byte> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

bool Same(const Record& a, const Record& b) {
  if (a.kind != b.kind || !(a.header == b.header)) {
    return false;
  }
  switch (a.kind) {
    case RecordKind::kEvent:
      return a.event == b.event;
    case RecordKind::kSketch:
      return a.sketch == b.sketch;
    case RecordKind::kFeatureFrame:
      return a.feature_frame == b.feature_frame;
    case RecordKind::kActivation:
      return SameBytes(a.activation.payload, b.activation.payload);
    case RecordKind::kFault:
      return a.fault == b.fault;
    case RecordKind::kStatus:
      return a.status == b.status;
    case RecordKind::kNone:
      break;
  }
  return true;
}

bool Same(const Downlink& a, const Downlink& b) {
  if (a.kind != b.kind || a.node != b.node) {
    return false;
  }
  switch (a.kind) {
    case Downlink::Kind::kAck:
      return a.ack == b.ack;
    case Downlink::Kind::kVerdict:
      return a.verdict == b.verdict;
    case Downlink::Kind::kConfiguration:
      return a.configuration == b.configuration;
    case Downlink::Kind::kUpdateChunk:
      return a.update_chunk.digest == b.update_chunk.digest &&
             a.update_chunk.total_bytes == b.update_chunk.total_bytes &&
             a.update_chunk.offset == b.update_chunk.offset &&
             a.update_chunk.artifact == b.update_chunk.artifact &&
             SameBytes(a.update_chunk.data, b.update_chunk.data);
    case Downlink::Kind::kTime:
      return a.time == b.time;
  }
  return false;
}

std::string NodeEncode(const Record& record) {
  return Encoded([&](auto out) { return trib::message::EncodeRecord(record, out); });
}
std::string NodeEncode(NodeId node, const Hello& hello) {
  return Encoded([&](auto out) { return trib::message::EncodeHello(node, hello, out); });
}
std::string NodeEncode(NodeId node, const Chunk& chunk) {
  return Encoded([&](auto out) { return trib::message::EncodeChunk(node, chunk, out); });
}
std::string NodeEncode(NodeId node, const std::vector<SealedRecord>& records) {
  return Encoded([&](auto out) { return trib::message::EncodeRecords(node, records, out); });
}

std::uint64_t Generator::U64() {
  switch (Below(4)) {
    case 0:
      return Below(3);
    case 1:
      return UINT64_MAX;
    default:
      return random_.Next() >> Below(64);
  }
}

std::uint64_t Generator::NonZero64() {
  return std::max<std::uint64_t>(1, U64());
}
std::uint32_t Generator::NonZero32() {
  return std::max<std::uint32_t>(1, U32());
}

float Generator::Finite() {
  switch (Below(4)) {
    case 0:
      return 0.0F;
    case 1:
      return -0.0F;
    default: {
      const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random_.Next()));
      return std::isfinite(value) ? value : 1.0F;
    }
  }
}

std::string Generator::Bytes(std::size_t size) {
  std::string bytes(size, '\0');
  std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<char>(random_.Next()); });
  return bytes;
}

RecordHeader Generator::NextHeader() {
  RecordHeader header;
  header.key = {NodeId(NonZero64()), EnrolmentEpoch(NonZero64()), U32(), NonZero32()};
  header.time = LogicalTime(Millis(static_cast<std::int64_t>(U64() >> 1U)));
  header.sample_index = U64();
  header.package_hash = PackageHash(U64());
  header.recipe_id = RecipeId(U32());
  header.tier = static_cast<Tier>(Below(6));
  header.cut_id = U32();
  header.audit = Below(2) != 0;
  header.block = {U64(), U32()};
  header.flags = U32();
  header.energy_nj = U64();
  header.firmware_version = U32();
  header.reset_reason = static_cast<ResetReason>(Below(6));
  header.condition = static_cast<std::uint32_t>(Below(kMaxConditions));
  return header;
}

Record Generator::NextRecord() {
  return NextRecord(static_cast<RecordKind>(16 + Below(6)));
}

void Generator::Fill(Event& event) {
  event.state = static_cast<EventState>(Below(4));
  event.label = U32();
  event.confidence = Finite();
  event.severity = Finite();
  event.windows = U32();
  for (std::uint64_t i = Below(kMaxTopFeatures + 1); i > 0; --i) {
    (void)event.top.push_back({U32() & 0xFFFFU, Finite()});
  }
  for (std::uint64_t i = Below(kMaxLabels + 1); i > 0; --i) {
    (void)event.scores.push_back(Finite());
  }
  event.actuator = U32();
  event.velocity_mm_s = Finite();
  event.zone = static_cast<SeverityZone>(Below(5));
  event.distance = Finite();
}

void Generator::Fill(Sketch& sketch) {
  sketch.windows = U32();
  sketch.triggered = U32();
  sketch.invalid = U32();
  for (std::uint64_t i = Below(kMaxHistograms + 1); i > 0; --i) {
    Histogram histogram;
    histogram.feature = U32() & 0xFFFFU;
    for (auto& count : histogram.counts) {
      count = U32();
    }
    (void)sketch.histograms.push_back(histogram);
  }
  for (auto& exits : sketch.exits) {
    exits = U32();
  }
  for (std::uint64_t i = Below(kMaxLabels + 1); i > 0; --i) {
    (void)sketch.labels.push_back(U32());
  }
}

Record Generator::NextRecord(RecordKind kind) {
  Record record;
  record.header = NextHeader();
  record.kind = kind;
  switch (kind) {
    case RecordKind::kEvent:
      Fill(record.event);
      break;
    case RecordKind::kSketch:
      Fill(*new (&record.sketch) Sketch{});
      break;
    case RecordKind::kFeatureFrame: {
      FeatureFrame& frame = *new (&record.feature_frame) FeatureFrame{};
      for (std::uint64_t i = Below(kMaxFeatures + 1); i > 0; --i) {
        (void)frame.values.push_back(Finite());
      }
      frame.score = Finite();
      break;
    }
    case RecordKind::kActivation:
      payload_ = Bytes(Below(8) == 0 ? kMaxActivationBytes : 1 + Below(3000));
      new (&record.activation) Activation{AsBytes(payload_)};
      break;
    case RecordKind::kFault:
      new (&record.fault)
          Fault{static_cast<FaultCode>(Below(14)), U32(), U32(), Finite(), U32(), U32()};
      break;
    default: {
      record.kind = RecordKind::kStatus;
      NodeStatus& status = *new (&record.status) NodeStatus{};
      for (auto* counter : {&status.uptime_ms,
                            &status.windows,
                            &status.windows_invalid,
                            &status.windows_triggered,
                            &status.events,
                            &status.records,
                            &status.bytes_sent,
                            &status.bytes_raw,
                            &status.energy_nj}) {
        *counter = U64();
      }
      for (auto& dropped : status.records_dropped) {
        dropped = U64();
      }
      status.backlog_records = U32();
      status.backlog_bytes = U32();
      if (Below(2) != 0) {
        status.package_digest = internal::DigestFromText(Bytes(kDigestBytes));
      }
      status.commissioning_permille = U32();
      status.hardware_class = U32();
      status.messages_refused = U32();
      status.velocity_mm_s = Finite();
      status.zone = static_cast<SeverityZone>(Below(5));
      status.commissioning = static_cast<CommissioningState>(Below(5));
      status.commissioning_refusals = U32();
      status.commissioning_reason = static_cast<CommissioningReason>(Below(9));
      status.baselines = U32();
      status.drift_flags = U32();
    }
  }
  return record;
}

Hello Generator::NextHello() {
  Hello hello;
  hello.epoch = EnrolmentEpoch(NonZero64());
  hello.boot = U32();
  hello.firmware_version = U32();
  hello.hardware_class = U32();
  if (Below(2) != 0) {
    hello.package_digest = internal::DigestFromText(Bytes(kDigestBytes));
  }
  hello.max_message_bytes = U32();
  hello.configuration_version = U32();
  return hello;
}

Downlink Generator::NextDownlink() {
  Downlink out;
  out.node = NodeId(NonZero64());
  out.kind = static_cast<Downlink::Kind>(16 + Below(5));
  switch (out.kind) {
    case Downlink::Kind::kAck:
      out.ack.epoch = EnrolmentEpoch(NonZero64());
      for (std::uint64_t i = Below(kMaxAckRanges + 1); i > 0; --i) {
        const std::uint32_t first = NonZero32();
        (void)out.ack.ranges.push_back(
            {U32(), first, std::max(first, U32()), static_cast<RefusalReason>(Below(5))});
      }
      out.ack.credit = U32();
      break;
    case Downlink::Kind::kVerdict: {
      Verdict& verdict = *new (&out.verdict) Verdict{};
      verdict.boot = U32();
      verdict.sequence = NonZero32();
      verdict.package_hash = PackageHash(U64());
      verdict.tier = static_cast<Tier>(Below(6));
      verdict.label = U32();
      verdict.confidence = Finite();
      for (std::uint64_t i = Below(kMaxLabels + 1); i > 0; --i) {
        (void)verdict.scores.push_back(Finite());
      }
      break;
    }
    case Downlink::Kind::kConfiguration:
      new (&out.configuration)
          Configuration{NonZero32(), U32(), static_cast<std::uint32_t>(Below(1001)), U32()};
      break;
    case Downlink::Kind::kUpdateChunk: {
      UpdateChunk& chunk = *new (&out.update_chunk) UpdateChunk{};
      payload_ = Bytes(1 + Below(kMaxChunkDataBytes));
      chunk.digest = internal::DigestFromText(Bytes(kDigestBytes));
      chunk.offset = U32() >> 1U;
      chunk.total_bytes = chunk.offset + static_cast<std::uint32_t>(payload_.size() + Below(9));
      chunk.data = AsBytes(payload_);
      chunk.artifact = static_cast<std::uint32_t>(1 + Below(2));
      break;
    }
    case Downlink::Kind::kTime:
      new (&out.time) TimeSync{U64() >> 1U, EnrolmentEpoch(NonZero64()), U32(), U32()};
      break;
  }
  return out;
}

Uplink::ChunkData Generator::NextChunk() {
  Uplink::ChunkData chunk;
  chunk.boot = U32();
  chunk.transfer = NonZero32();
  chunk.data = Bytes(1 + Below(kMaxChunkDataBytes));
  chunk.offset = static_cast<std::uint32_t>(Below(kMaxTransferBytes - chunk.data.size() + 1));
  chunk.total_bytes = static_cast<std::uint32_t>(chunk.offset + chunk.data.size());
  chunk.crc32c = U32();
  return chunk;
}

std::string Generator::NextSealed() {
  const std::string mac = Below(2) != 0 ? Bytes(kMacBytes) : std::string();
  return EncodeSealedRecord(NodeEncode(NextRecord(RecordKind::kEvent)), mac);
}

std::string Generator::Mutate(std::string bytes, const std::string& other) {
  for (std::uint64_t edits = 1 + Below(3); edits > 0 && !bytes.empty(); --edits) {
    const std::size_t at = Below(bytes.size());
    const std::size_t length = std::min<std::size_t>(1 + Below(12), bytes.size() - at);
    switch (Below(8)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << Below(8)));
        break;
      case 1:
        bytes[at] = static_cast<char>(random_.Next());
        break;
      case 2:
        bytes.resize(at);
        break;
      case 3:
        bytes.erase(at, length);
        break;
      case 4:
        bytes.insert(at, bytes.substr(at, length));
        break;
      case 5:
        bytes.insert(at, Bytes(length));
        break;
      case 6:
        bytes += other.substr(std::min(at, other.size()));
        break;
      default:
        bytes += std::string("\xFA\x01\x01", 3) + Bytes(1);  // field 31, unknown everywhere
    }
  }
  return bytes;
}

}  // namespace trib::host::message::test
