#pragma once

#include <array>
#include <string>
#include <vector>

#include "store_fixture.h"
#include "trib/cloud/store/drift_reader.h"
#include "trib/common/host/message/codec.h"

namespace trib::cloud::store {

/// A store in which nodes' sketches arrive, and looks are kept.
class DriftFixture : public StoreFixture {
 protected:
  static constexpr Millis kDay{86'400'000};
  static constexpr Millis kHour{3'600'000};
  static constexpr std::uint64_t kBegin = 19'660ULL * 86'400'000;  // a day's begin
  static constexpr PackageHash kPackage{0xFEDC'BA98'7654'3210};
  /// What Commit() takes for the present.
  static constexpr std::uint64_t kNow = 1'700'000'600'000;

  /// One of `node`, of the hour `hour` after kBegin; windows in two bins of feature 3.
  RecordRow Sketch(std::uint64_t node,
                   std::uint64_t hour,
                   std::uint32_t low,
                   std::uint32_t high,
                   PackageHash package = kPackage) {
    message::Record record;
    record.header.key = {NodeId(node), EnrolmentEpoch(77), 1, ++sequence_};
    const std::uint64_t begin = kBegin + hour * 3'600'000;
    record.header.time = LogicalTime(Millis(static_cast<std::int64_t>(begin + 3'600'000)));
    record.header.block = {begin, 3'600'000};
    record.header.package_hash = package;
    record.header.recipe_id = RecipeId(6);
    record.header.firmware_version = 0x010000 + static_cast<std::uint32_t>(hour);
    record.kind = message::RecordKind::kSketch;
    record.sketch = {};
    record.sketch.windows = low + high;
    record.sketch.triggered = high;
    record.sketch.exits[2] = low;
    record.sketch.exits[3] = high;
    (void)record.sketch.labels.assign(std::array{low, high});
    message::Histogram histogram;
    histogram.feature = 3;
    histogram.counts[0] = low;
    histogram.counts[15] = high;
    (void)record.sketch.histograms.push_back(histogram);
    return Sealed(record);
  }
  static RecordRow Sealed(const message::Record& record) {
    RecordRow row;
    row.header = record.header;
    row.kind = record.kind;
    if (record.kind == message::RecordKind::kSketch) {
      row.body = SketchSummary{record.sketch.windows, record.sketch.triggered, 0};
    }
    row.received_ms = kNow;
    row.sealed = host::message::EncodeSealedRecord(host::message::EncodeRecord(record));
    return row;
  }
  std::unique_ptr<DriftReader> OpenDrift() {
    std::string error;
    auto opened = DriftReader::Open(path_, &error);
    EXPECT_TRUE(opened.ok()) << error;
    return *std::move(opened);
  }
  std::vector<StoredBlock> Complete(std::uint64_t now_ms = kNow, Millis grace = Millis(7'200'000)) {
    const auto blocks = OpenDrift()->ReadComplete(kDay, grace, now_ms, 1000);
    EXPECT_TRUE(blocks.ok());
    return blocks.ok() ? *blocks : std::vector<StoredBlock>();
  }
  static DriftLookPut LookAt(const std::vector<StoredBlock>& blocks,
                             BlockRole role = BlockRole::kCompared) {
    DriftLookPut put;
    put.look = {0, kNow, blocks.size(), 0, 0, 0, "[]"};
    for (const StoredBlock& block : blocks) {
      put.blocks.push_back({block, role});
    }
    return put;
  }
  std::int64_t Put(const DriftLookPut& put) {
    const auto look = writer_->PutLook(put);
    EXPECT_TRUE(look.ok()) << writer_->last_error();
    return look.value_or(0);
  }
  std::uint64_t Total(const std::string& name) {
    const auto totals = OpenDrift()->ReadTotals();
    EXPECT_TRUE(totals.ok());
    for (const auto& [key, value] : *totals) {
      if (key == name) {
        return value;
      }
    }
    return 0;
  }

  std::uint32_t sequence_ = 0;
};

}  // namespace trib::cloud::store
