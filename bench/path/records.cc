#include "records.h"

#include "measure.h"
#include "trib/common/base/random.h"
#include "trib/common/host/message/codec.h"

namespace trib::bench::path {
namespace {

using message::RecordKind;

constexpr std::uint64_t kBegin_ms = 1'760'000'000'000;  // six bytes on the wire
constexpr std::size_t kFeatures = 21;
constexpr std::size_t kHistograms = 22;

constexpr RecordKind kMix[kRecordsPerEnvelope] = {RecordKind::kFeatureFrame,
                                                  RecordKind::kFeatureFrame,
                                                  RecordKind::kSketch,
                                                  RecordKind::kFeatureFrame,
                                                  RecordKind::kFeatureFrame,
                                                  RecordKind::kEvent,
                                                  RecordKind::kFeatureFrame,
                                                  RecordKind::kSketch,
                                                  RecordKind::kFeatureFrame,
                                                  RecordKind::kFeatureFrame,
                                                  RecordKind::kStatus,
                                                  RecordKind::kFeatureFrame,
                                                  RecordKind::kFeatureFrame,
                                                  RecordKind::kSketch,
                                                  RecordKind::kFeatureFrame,
                                                  RecordKind::kEvent};

std::uint64_t TimeOf(std::uint32_t sequence) {
  return kBegin_ms + 100ULL * (sequence - kFirstSequence);
}

void FillSketch(SplitMix64& random, message::Sketch& sketch) {
  sketch.windows = 703;
  sketch.triggered = 2;
  sketch.exits[1] = 703;
  for (std::size_t h = 0; h < kHistograms; ++h) {
    message::Histogram histogram;
    histogram.feature =
        h + 1 < kHistograms ? static_cast<std::uint32_t>(h) : message::kTriggerScoreFeature;
    // Sixty seconds of a healthy machine fall into the bins near the baseline.
    std::uint32_t left = sketch.windows;
    for (std::size_t bin = 6; bin < 10; ++bin) {
      const auto part = static_cast<std::uint32_t>(random.Next() % (left / 2 + 1));
      histogram.counts[bin] = part;
      left -= part;
    }
    histogram.counts[7] += left;
    (void)sketch.histograms.push_back(histogram);
  }
}

void FillStatus(SplitMix64& random, message::NodeStatus& status) {
  status.uptime_ms = 86'400'000 + random.Next() % 1'000'000;
  status.windows = 1'000'000;
  status.windows_triggered = 1'234;
  status.events = 17;
  status.records = 6'543;
  status.backlog_records = 3;
  status.backlog_bytes = 612;
  status.bytes_sent = 1'234'567;
  status.bytes_raw = 2'073'600'000;
  status.energy_nj = 123'456'789'012;
  status.package_digest.fill(std::byte{0x5A});
  status.commissioning_permille = 1000;
  status.hardware_class = 1;
  status.velocity_mm_s = 1.25F;
  status.zone = message::SeverityZone::kA;
}

/// Where two encodings of the same message differ: the bytes of a number that was changed.
std::size_t FirstDifference(const std::string& a, const std::string& b) {
  std::size_t at = 0;
  while (at < a.size() && at < b.size() && a[at] == b[at]) {
    ++at;
  }
  if (a.size() != b.size() || at == a.size()) {
    Fail("a record changed its length with its number");
  }
  return at;
}

template <std::size_t kBytes>
void PutVarint(std::uint64_t value, char* at) {
  for (std::size_t i = 0; i + 1 < kBytes; ++i) {
    at[i] = static_cast<char>(((value >> (7 * i)) & 0x7FU) | 0x80U);
  }
  at[kBytes - 1] = static_cast<char>((value >> (7 * (kBytes - 1))) & 0x7FU);
}

}  // namespace

message::Record RecordOfMix(std::uint64_t node, std::uint32_t sequence, std::size_t i) {
  SplitMix64 random(node * kRecordsPerEnvelope + i % kRecordsPerEnvelope);
  message::Record record;
  record.header.key = {NodeId(node), EnrolmentEpoch(0x1234'5678'9ABC'0000 + node), 3, sequence};
  record.header.time = LogicalTime(Millis(static_cast<std::int64_t>(TimeOf(sequence))));
  record.header.sample_index = 1'234'567'890;
  record.header.package_hash = PackageHash(0xFEDC'BA09'8765'4321);
  record.header.recipe_id = RecipeId(0x1234'5678);
  record.header.tier = message::Tier::kTrigger;
  record.header.energy_nj = 98'765;
  record.header.firmware_version = 0x000100;
  record.header.condition = 1;
  record.kind = kMix[i % kRecordsPerEnvelope];
  switch (record.kind) {
    case RecordKind::kEvent:
      record.event = {};
      record.event.state = message::EventState::kOnset;
      record.event.label = 1;
      record.event.severity = 17.25F;
      record.event.windows = 3;
      record.event.actuator = 2;
      record.event.velocity_mm_s = 4.75F;
      record.event.zone = message::SeverityZone::kC;
      record.event.distance = 12.5F;
      for (std::uint32_t top = 0; top < message::kMaxTopFeatures; ++top) {
        (void)record.event.top.push_back({.feature = top * 5, .z = 9.5F});
      }
      break;
    case RecordKind::kSketch:
      new (&record.sketch) message::Sketch{};
      record.header.block = {kBegin_ms, 60'000};
      FillSketch(random, record.sketch);
      break;
    case RecordKind::kStatus:
      new (&record.status) message::NodeStatus{};
      FillStatus(random, record.status);
      break;
    default:
      new (&record.feature_frame) message::FeatureFrame{};
      record.header.audit = true;
      for (std::size_t f = 0; f < kFeatures; ++f) {
        (void)record.feature_frame.values.push_back(
            static_cast<float>(random.Next() % 1'000'000) / 1e5F - 5.0F);
      }
      record.feature_frame.score = 1.5F;
      break;
  }
  return record;
}

std::vector<std::string> SealedMix(std::uint64_t node,
                                   std::uint32_t sequence,
                                   std::size_t records) {
  std::vector<std::string> sealed;
  sealed.reserve(records);
  for (std::size_t i = 0; i < records; ++i) {
    const auto number = static_cast<std::uint32_t>(sequence + i);
    sealed.push_back(host::message::EncodeSealedRecord(
        host::message::EncodeRecord(RecordOfMix(node, number, i))));
  }
  return sealed;
}

EnvelopeTemplate::EnvelopeTemplate(std::uint64_t node, std::size_t records, std::size_t first) {
  // Every byte of the two numbers differs between these, as does every byte of the two times.
  constexpr std::uint32_t kOther = kFirstSequence + (1U << 20U) + (1U << 13U) + (1U << 6U) + 1U;
  std::vector<std::string> sealed;
  for (std::size_t i = 0; i < records; ++i) {
    const auto encode = [&](std::uint32_t sequence, std::uint64_t time) {
      message::Record record = RecordOfMix(node, sequence, first + i);
      record.header.time = LogicalTime(Millis(static_cast<std::int64_t>(time)));
      return host::message::EncodeSealedRecord(host::message::EncodeRecord(record));
    };
    const std::string base = encode(kFirstSequence, kBegin_ms);
    places_.push_back({FirstDifference(base, encode(kOther, kBegin_ms)),
                       FirstDifference(base, encode(kFirstSequence, kBegin_ms + 1))});
    sealed.push_back(base);
  }
  bytes_ = host::message::EncodeRecords(NodeId(node), sealed);
  std::size_t from = 0;
  for (std::size_t i = 0; i < records; ++i) {
    const std::size_t at = bytes_.find(sealed[i], from);
    if (at == std::string::npos) {
      Fail("an envelope does not carry its records as they were sealed");
    }
    places_[i].sequence += at;
    places_[i].time += at;
    from = at + sealed[i].size();
  }
}

const std::string& EnvelopeTemplate::Numbered(std::uint32_t sequence) {
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const auto number = static_cast<std::uint32_t>(sequence + i);
    PutVarint<4>(number, bytes_.data() + places_[i].sequence);
    PutVarint<6>(TimeOf(number), bytes_.data() + places_[i].time);
  }
  return bytes_;
}

}  // namespace trib::bench::path
