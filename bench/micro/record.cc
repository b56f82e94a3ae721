// Question   What do our strict codecs cost beside the bare libraries?
// Baseline   libprotobuf alone, serialising and parsing the same message, in the same run.
// Input      An event record of typical size (about 120 bytes).
// Command    ./dev bench --benchmark_filter=Record
#include <benchmark/benchmark.h>

#include <array>

#include "trib/common/host/message/codec.h"
#include "trib/common/message/codec.h"
#include "tributary/v1/record.pb.h"

namespace trib::bench {
namespace {

message::Record EventRecord() {
  message::Record record;
  record.header.key = {
      .node = NodeId(101), .epoch = EnrolmentEpoch(0x1234567890ABCDEF), .boot = 3, .sequence = 777};
  record.header.time = LogicalTime(Millis(1'760'000'000'000));
  record.header.sample_index = 123'456'789;
  record.header.package_hash = PackageHash(0xFEDCBA0987654321);
  record.header.recipe_id = RecipeId(0x12345678);
  record.header.tier = message::Tier::kTrigger;
  record.header.energy_nj = 98'765;
  record.header.firmware_version = 0x000100;
  record.header.reset_reason = message::ResetReason::kPowerOn;
  record.kind = message::RecordKind::kEvent;
  record.event.state = message::EventState::kOnset;
  record.event.label = 1;
  record.event.severity = 17.25F;
  record.event.windows = 3;
  for (std::uint32_t i = 0; i < message::kMaxTopFeatures; ++i) {
    record.event.top.push_back({.feature = i * 5, .z = 9.5F});
  }
  return record;
}

void RecordEncodeNode(benchmark::State& state) {
  const auto record = EventRecord();
  std::array<std::byte, message::kMaxRecordBytes> out{};
  for (auto _ : state) {
    auto size = message::EncodeRecord(record, out);
    benchmark::DoNotOptimize(size);
  }
}
BENCHMARK(RecordEncodeNode);

void RecordDecodeHost(benchmark::State& state) {
  const std::string bytes = host::message::EncodeRecord(EventRecord());
  message::Record record;
  for (auto _ : state) {
    const Status status = host::message::DecodeRecord(bytes, record);
    benchmark::DoNotOptimize(status);
  }
  state.counters["bytes"] = static_cast<double>(bytes.size());
}
BENCHMARK(RecordDecodeHost);

void RecordEncodeBare(benchmark::State& state) {
  tributary::v1::Record record;
  record.ParseFromString(host::message::EncodeRecord(EventRecord()));
  std::string out;
  for (auto _ : state) {
    record.SerializeToString(&out);
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(RecordEncodeBare);

void RecordDecodeBare(benchmark::State& state) {
  const std::string bytes = host::message::EncodeRecord(EventRecord());
  tributary::v1::Record record;
  for (auto _ : state) {
    benchmark::DoNotOptimize(record.ParseFromString(bytes));
  }
}
BENCHMARK(RecordDecodeBare);

}  // namespace
}  // namespace trib::bench
