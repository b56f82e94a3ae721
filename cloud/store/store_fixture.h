#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>

#include "trib/cloud/store/reader.h"
#include "trib/cloud/store/writer.h"
#include "trib/common/host/sqlite/database.h"

namespace trib::cloud::store {

/// A database in a folder of its own, and records to put in.
class StoreFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "trib_store_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = (folder_ / "cloud.db").string();
    OpenWriter();
  }
  void TearDown() override {
    writer_.reset();
    std::filesystem::remove_all(folder_);
  }
  void OpenWriter() {
    writer_.reset();
    std::string error;
    Result<std::unique_ptr<Writer>> opened = Writer::Open(path_, {}, &error);
    ASSERT_TRUE(opened.ok()) << error;
    writer_ = *std::move(opened);
  }
  std::unique_ptr<Reader> OpenReader() {
    std::string error;
    Result<std::unique_ptr<Reader>> opened = Reader::Open(path_, &error);
    EXPECT_TRUE(opened.ok()) << error;
    return *std::move(opened);
  }
  std::int64_t Query(std::string_view sql) {
    Result<host::sqlite::Database> database =
        host::sqlite::Database::Open(path_, {.mode = host::sqlite::Mode::kReadOnly});
    EXPECT_TRUE(database.ok());
    const Result<std::int64_t> value = database->QueryInt(sql);
    EXPECT_TRUE(value.ok()) << sql << ": " << database->last_error();
    return value.value_or(-1);
  }

  static RecordRow Row(std::uint64_t node, std::uint32_t sequence, std::uint64_t epoch = 77) {
    RecordRow row;
    row.header.key = {NodeId(node), EnrolmentEpoch(epoch), 1, sequence};
    row.header.time = LogicalTime(Millis(1'700'000'000'000 + sequence * 1000));
    row.header.energy_nj = 10;
    row.kind = message::RecordKind::kFeatureFrame;
    row.body = FrameSummary{0.5F};
    row.sealed = "sealed " + std::to_string(node) + "/" + std::to_string(epoch) + "/" +
                 std::to_string(sequence);
    row.received_ms = 1'700'000'000'500 + sequence * 1000;
    return row;
  }
  static RecordRow EventRow(std::uint64_t node, std::uint32_t sequence) {
    RecordRow row = Row(node, sequence);
    row.kind = message::RecordKind::kEvent;
    message::Event event;
    event.state = message::EventState::kOnset;
    event.label = 3;
    event.confidence = 0.75F;
    event.severity = 9;
    event.windows = 2;
    event.actuator = 1;
    row.body = event;
    return row;
  }
  static RecordRow FaultRow(std::uint64_t node, std::uint32_t sequence) {
    RecordRow row = Row(node, sequence);
    row.kind = message::RecordKind::kFault;
    message::Fault fault;
    fault.code = message::FaultCode::kSensorClipped;
    fault.channel = 1;
    fault.value = 32767;
    row.body = fault;
    return row;
  }
  static RecordRow SketchRow(std::uint64_t node, std::uint32_t sequence, std::uint32_t windows) {
    RecordRow row = Row(node, sequence);
    row.kind = message::RecordKind::kSketch;
    row.body = SketchSummary{windows, 1, 0};
    return row;
  }
  static RecordRow StatusRow(std::uint64_t node, std::uint32_t sequence, std::uint64_t epoch = 77) {
    RecordRow row = Row(node, sequence, epoch);
    row.kind = message::RecordKind::kStatus;
    message::NodeStatus status;
    status.windows = sequence * 100;
    status.records_dropped = {1, 2, 3, 4, 5};
    status.messages_refused = 6;
    row.body = status;
    return row;
  }
  static Batch BatchOf(std::vector<RecordRow> rows, std::uint64_t gateway = 9) {
    Batch batch;
    batch.gateway = GatewayId(gateway);
    batch.records = std::move(rows);
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
      batch.records[i].index = static_cast<std::uint32_t>(i);
    }
    return batch;
  }
  BatchOutcome Commit(const Batch& batch) {
    Result<std::vector<BatchOutcome>> outcomes =
        writer_->Commit(std::span(&batch, 1), 1'700'000'600'000);
    EXPECT_TRUE(outcomes.ok()) << writer_->last_error();
    return outcomes.ok() ? (*outcomes)[0] : BatchOutcome{};
  }
  void PutDevice(std::uint64_t id, DeviceKind kind, DeviceState state, std::uint64_t gateway) {
    Device device;
    device.id = id;
    device.kind = kind;
    device.state = state;
    device.name = "device " + std::to_string(id);
    device.public_key[0] = static_cast<std::byte>(id);
    device.gateway = GatewayId(gateway);
    RegistryChange change;
    change.device = device;
    ASSERT_TRUE(writer_->ApplyRegistryChange(change).ok()) << writer_->last_error();
  }

  std::filesystem::path folder_;
  std::string path_;
  std::unique_ptr<Writer> writer_;
};

}  // namespace trib::cloud::store
