// The bytes in proto/tributary/v1/golden/ are what is in the field: both runtimes must make them
// and take them. With TRIB_WRITE_GOLDEN=1 the test writes them (and the fuzz seeds) instead; see
// the README there.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <new>
#include <sstream>
#include <string>

#include "convert.h"
#include "test_messages.h"
#include "trib/common/bytes/crc32c.h"
#include "trib/common/host/message/codec.h"

namespace trib::host::message {
namespace {

using internal::AsBytes;
using test::NodeEncode;

std::filesystem::path SourceDir() {
  const char* dir = std::getenv("TRIB_SOURCE_DIR");
  return dir == nullptr ? std::filesystem::path() : std::filesystem::path(dir);
}

bool Writing() {
  return std::getenv("TRIB_WRITE_GOLDEN") != nullptr;
}

// 32 bytes a line.
std::string ToHex(const std::string& bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
    if (i % 32 == 31 || i + 1 == bytes.size()) {
      text += '\n';
    }
  }
  return text;
}

void Write(const std::filesystem::path& path, const std::string& content) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

std::string Read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.is_open()) << path;
  std::stringstream content;
  content << in.rdbuf();
  return content.str();
}

// Compares with the golden file, or writes it and the seed of `fuzz_target`.
void Golden(const std::string& name, const std::string& bytes, const std::string& fuzz_target) {
  ASSERT_FALSE(SourceDir().empty()) << "TRIB_SOURCE_DIR is not set; run through ctest";
  const auto path = SourceDir() / "proto/tributary/v1/golden" / (name + ".hex");
  if (Writing()) {
    Write(path, ToHex(bytes));
    Write(SourceDir() / "common/host/message/corpus" / fuzz_target / name, bytes);
    return;
  }
  EXPECT_EQ(Read(path), ToHex(bytes)) << name;
}

Record Sample(RecordKind kind) {
  Record record;
  RecordHeader& header = record.header;
  header.key = {NodeId(0x1122334455667788), EnrolmentEpoch(0xA1A2A3A4A5A6A7A8), 3, 300};
  header.time = LogicalTime(Millis(1'700'000'000'000));
  header.sample_index = 1'228'800;
  header.package_hash = PackageHash(0x0102030405060708);
  header.recipe_id = RecipeId(0xCAFEF00D);
  header.tier = Tier::kTrigger;
  header.cut_id = 2;
  header.audit = kind == RecordKind::kFeatureFrame;
  header.block = {1'699'999'200'000, 900'000};
  header.flags = record_flag::kTimeUnsynced;
  header.energy_nj = 123'456'789;
  header.firmware_version = 0x00010203;
  header.reset_reason = ResetReason::kPowerOn;
  record.kind = kind;
  return record;
}

const std::string& Payload() {
  static const std::string payload = [] {
    std::string bytes;
    for (int i = 0; i < 64; ++i) {
      bytes += static_cast<char>(i * 7);
    }
    return bytes;
  }();
  return payload;
}

internal::Digest SampleDigest();

std::map<std::string, Record> Records() {
  std::map<std::string, Record> all;
  Record event = Sample(RecordKind::kEvent);
  event.event = {EventState::kOnset, 1, 0.75F, 6.5F, 4, {}, {}, 2};
  (void)event.event.top.push_back({12, 6.5F});
  (void)event.event.top.push_back({0, -0.0F});
  (void)event.event.scores.push_back(0.25F);
  (void)event.event.scores.push_back(0.75F);
  all.emplace("record_event", event);

  Record sketch = Sample(RecordKind::kSketch);
  new (&sketch.sketch) Sketch{};
  sketch.sketch.windows = 700;
  sketch.sketch.triggered = 9;
  sketch.sketch.invalid = 1;
  for (const std::uint32_t feature : {0U, 5U, kTriggerScoreFeature}) {
    Histogram histogram;
    histogram.feature = feature;
    for (std::uint32_t bin = 0; bin < kHistogramBins; ++bin) {
      histogram.counts[bin] = bin * bin * 2;
    }
    (void)sketch.sketch.histograms.push_back(histogram);
  }
  sketch.sketch.exits = {0, 1, 699, 0, 0, 0};
  all.emplace("record_sketch", sketch);

  Record frame = Sample(RecordKind::kFeatureFrame);
  new (&frame.feature_frame) FeatureFrame{};
  for (const float value : {1.0F, -0.0F, 0.0F, -2.5F, 1e-40F, 3.4e38F}) {
    (void)frame.feature_frame.values.push_back(value);
  }
  frame.feature_frame.score = -0.0F;
  all.emplace("record_feature_frame", frame);

  Record activation = Sample(RecordKind::kActivation);
  new (&activation.activation) Activation{AsBytes(Payload())};
  all.emplace("record_activation", activation);

  Record fault = Sample(RecordKind::kFault);
  new (&fault.fault) Fault{FaultCode::kSensorOutOfRange, 1, 17, 9.81F, 5, 1};
  all.emplace("record_fault", fault);

  Record status = Sample(RecordKind::kStatus);
  NodeStatus& body = *new (&status.status) NodeStatus{};
  body.uptime_ms = 86'400'000;
  body.windows = 1'000'000;
  body.windows_invalid = 3;
  body.windows_triggered = 77;
  body.events = 5;
  body.records = 1'500;
  body.records_dropped = {0, 0, 0, 2, 9};
  body.backlog_records = 12;
  body.backlog_bytes = 3'456;
  body.bytes_sent = 98'765;
  body.bytes_raw = 4'294'967'296;
  body.energy_nj = 9'876'543'210;
  body.package_digest = SampleDigest();
  body.commissioning_permille = 1'000;
  body.hardware_class = 4;
  body.messages_refused = 1;
  all.emplace("record_status", status);

  Record severe = event;
  severe.header.condition = 2;
  severe.event.velocity_mm_s = 4.75F;
  severe.event.zone = SeverityZone::kC;
  severe.event.distance = 11.5F;
  all.emplace("record_event_severity", severe);

  Record refused = fault;
  refused.fault = Fault{FaultCode::kCommissioningRefused,
                        4,
                        static_cast<std::uint32_t>(CommissioningReason::kAlreadyFaulty),
                        2.5F,
                        60,
                        1};
  all.emplace("record_fault_commissioning", refused);

  Record crashed = fault;
  crashed.header.reset_reason = ResetReason::kFault;
  crashed.fault = Fault{FaultCode::kCrash,
                        static_cast<std::uint32_t>(CrashKind::kMemoryFault),
                        0x0000'4321,
                        0,
                        0x2100'0010,
                        0};
  all.emplace("record_fault_crash", crashed);

  Record commissioned = status;
  commissioned.header.condition = 1;
  NodeStatus& more = commissioned.status;
  more.velocity_mm_s = 1.25F;
  more.zone = SeverityZone::kA;
  more.commissioning = CommissioningState::kAcceptedWithWarning;
  more.commissioning_refusals = 2;
  more.commissioning_reason = CommissioningReason::kHalvesDiffer;
  more.baselines = 0b10;
  all.emplace("record_status_commissioning", commissioned);

  Record labelled = sketch;
  labelled.header.flags = record_flag::kDrift;
  (void)labelled.sketch.labels.assign(std::array<std::uint32_t, 3>{691, 8, 1});
  all.emplace("record_sketch_labels", labelled);

  Record drifting = commissioned;
  drifting.status.drift_flags = 0x8000'0101;
  all.emplace("record_status_drift", drifting);
  return all;
}

internal::Digest SampleDigest() {
  internal::Digest digest{};
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<std::byte>(0x20 + i);
  }
  return digest;
}

TEST(Golden, RecordsOfEveryBody) {
  for (const auto& [name, record] : Records()) {
    SCOPED_TRACE(name);
    const std::string bytes = EncodeRecord(record);
    EXPECT_EQ(NodeEncode(record), bytes);
    Golden(name, bytes, "record_fuzz");
    Record by_node;
    Record by_host;
    ASSERT_TRUE(trib::message::DecodeRecord(AsBytes(bytes), by_node).ok());
    ASSERT_TRUE(DecodeRecord(bytes, by_host).ok());
    EXPECT_TRUE(test::Same(by_node, record));
    EXPECT_TRUE(test::Same(by_host, record));
  }
}

TEST(Golden, UplinksOfEveryBody) {
  const NodeId node(0x1122334455667788);
  Hello hello;
  hello.epoch = EnrolmentEpoch(0xA1A2A3A4A5A6A7A8);
  hello.boot = 3;
  hello.firmware_version = 0x00010203;
  hello.hardware_class = 4;
  hello.package_digest = SampleDigest();
  hello.max_message_bytes = 4096;
  hello.configuration_version = 2;
  EXPECT_EQ(NodeEncode(node, hello), EncodeHello(node, hello));
  Golden("envelope_hello", EncodeHello(node, hello), "uplink_fuzz");

  const std::string record = EncodeRecord(Records().at("record_fault"));
  const std::string mac = Payload().substr(0, kMacBytes);
  const std::vector<std::string> sealed{EncodeSealedRecord(record, mac),
                                        EncodeSealedRecord(record)};
  const std::vector<SealedRecord> parts{{AsBytes(record), AsBytes(mac)}, {AsBytes(record), {}}};
  EXPECT_EQ(NodeEncode(node, parts), EncodeRecords(node, sealed));
  Golden("sealed_record", sealed[0], "record_fuzz");
  Golden("envelope_records", EncodeRecords(node, sealed), "uplink_fuzz");

  Uplink::ChunkData data{3, 300, static_cast<std::uint32_t>(sealed[0].size()), 9, 0, {}};
  data.data = sealed[0].substr(9, 11);
  data.crc32c = Crc32c(AsBytes(sealed[0]));
  const Chunk chunk{
      data.boot, data.transfer, data.total_bytes, data.offset, AsBytes(data.data), data.crc32c};
  EXPECT_EQ(NodeEncode(node, chunk), EncodeChunk(node, data));
  Golden("envelope_chunk", EncodeChunk(node, data), "uplink_fuzz");
}

TEST(Golden, DownlinksOfEveryBody) {
  std::map<std::string, Downlink> all;
  Downlink ack;
  ack.ack.epoch = EnrolmentEpoch(0xA1A2A3A4A5A6A7A8);
  (void)ack.ack.ranges.push_back({3, 298, 300, RefusalReason::kUnspecified});
  (void)ack.ack.ranges.push_back({2, 7, 7, RefusalReason::kBadMac});
  ack.ack.credit = 65'536;
  all.emplace("envelope_ack", ack);
  Downlink verdict;
  verdict.kind = Downlink::Kind::kVerdict;
  Verdict& answer = *new (&verdict.verdict) Verdict{};
  answer.boot = 3;
  answer.sequence = 300;
  answer.package_hash = PackageHash(0x0102030405060708);
  answer.tier = Tier::kGateway;
  answer.label = 1;
  answer.confidence = 0.96875F;
  (void)answer.scores.push_back(0.03125F);
  (void)answer.scores.push_back(0.96875F);
  all.emplace("envelope_verdict", verdict);
  Downlink configuration;
  configuration.kind = Downlink::Kind::kConfiguration;
  new (&configuration.configuration) Configuration{2, 900'000, 15, 3'600'000};
  all.emplace("envelope_configuration", configuration);
  Downlink update;
  update.kind = Downlink::Kind::kUpdateChunk;
  new (&update.update_chunk) UpdateChunk{SampleDigest(), 36'000, 1024, AsBytes(Payload()), 1};
  all.emplace("envelope_update_chunk", update);
  Downlink time;
  time.kind = Downlink::Kind::kTime;
  new (&time.time) TimeSync{1'700'000'000'000, EnrolmentEpoch(0xA1A2A3A4A5A6A7A8), 3, 65'536};
  all.emplace("envelope_time", time);

  for (auto& [name, downlink] : all) {
    SCOPED_TRACE(name);
    downlink.node = NodeId(0x1122334455667788);
    const std::string bytes = EncodeDownlink(downlink);
    Golden(name, bytes, "downlink_fuzz");
    Downlink by_node;
    ASSERT_TRUE(trib::message::DecodeDownlink(AsBytes(bytes), by_node).ok());
    EXPECT_TRUE(test::Same(by_node, downlink));
  }
}

}  // namespace
}  // namespace trib::host::message
