#include "bare_sqlite.h"

#include <sqlite3.h>

#include <variant>

#include "measure.h"

namespace trib::bench::path {
namespace {

void Int(sqlite3_stmt* statement, int at, std::uint64_t value) {
  sqlite3_bind_int64(statement, at, static_cast<sqlite3_int64>(value));
}
template <typename T>
void Enum(sqlite3_stmt* statement, int at, T value) {
  sqlite3_bind_int64(statement, at, static_cast<sqlite3_int64>(value));
}
void Real(sqlite3_stmt* statement, int at, double value) {
  sqlite3_bind_double(statement, at, value);
}
void Blob(sqlite3_stmt* statement, int at, const std::string& bytes) {
  sqlite3_bind_blob(statement, at, bytes.data(), static_cast<int>(bytes.size()), SQLITE_STATIC);
}
void Step(sqlite3_stmt* statement) {
  if (sqlite3_step(statement) != SQLITE_DONE) {
    Fail(std::string("bare SQLite: ") + sqlite3_errmsg(sqlite3_db_handle(statement)));
  }
  sqlite3_reset(statement);
}

void BindHeader(sqlite3_stmt* s, const cloud::RecordRow& row) {
  const message::RecordHeader& header = row.header;
  Int(s, 1, header.key.node.value());
  Int(s, 2, header.key.epoch.value());
  Int(s, 3, header.key.boot);
  Int(s, 4, header.key.sequence);
  Enum(s, 5, row.kind);
  Enum(s, 6, header.time.time_since_epoch().count());
  Int(s, 7, header.sample_index);
  Int(s, 8, header.package_hash.value());
  Int(s, 9, header.recipe_id.value());
  Enum(s, 10, header.tier);
  Int(s, 11, header.cut_id);
  Int(s, 12, header.audit ? 1 : 0);
  Int(s, 13, header.block.begin_ms);
  Int(s, 14, header.block.length_ms);
  Int(s, 15, header.flags);
  Int(s, 16, header.energy_nj);
  Int(s, 17, header.firmware_version);
  Enum(s, 18, header.reset_reason);
}

void BindBody(sqlite3_stmt* s, const cloud::RecordRow& row) {
  for (int column = 19; column <= 29; ++column) {
    sqlite3_bind_null(s, column);
  }
  for (int column = 35; column <= 37; ++column) {
    sqlite3_bind_null(s, column);
  }
  if (const auto* event = std::get_if<message::Event>(&row.body)) {
    Enum(s, 19, event->state);
    Int(s, 20, event->label);
    Real(s, 21, static_cast<double>(event->confidence));
    Real(s, 22, static_cast<double>(event->severity));
    Int(s, 27, event->windows);
    Int(s, 28, event->actuator);
    Real(s, 35, static_cast<double>(event->velocity_mm_s));
    Enum(s, 36, event->zone);
    Real(s, 37, static_cast<double>(event->distance));
  } else if (const auto* sketch = std::get_if<cloud::SketchSummary>(&row.body)) {
    Int(s, 27, sketch->windows);
  } else if (const auto* frame = std::get_if<cloud::FrameSummary>(&row.body)) {
    Real(s, 29, static_cast<double>(frame->score));
  } else if (const auto* status = std::get_if<message::NodeStatus>(&row.body)) {
    Real(s, 35, static_cast<double>(status->velocity_mm_s));
    Enum(s, 36, status->zone);
  }
}

}  // namespace

BareDatabase::BareDatabase(const std::string& path, int cache_kib, int wal_pages) {
  if (sqlite3_open_v2(
          path.c_str(), &handle_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr) !=
      SQLITE_OK) {
    Fail(path + ": " + sqlite3_errmsg(handle_));
  }
  Execute("PRAGMA journal_mode=WAL");
  Execute("PRAGMA synchronous=FULL");
  Execute(("PRAGMA cache_size=-" + std::to_string(cache_kib)).c_str());
  Execute(("PRAGMA wal_autocheckpoint=" + std::to_string(wal_pages)).c_str());
}

BareDatabase::~BareDatabase() {
  for (sqlite3_stmt* statement : statements_) {
    sqlite3_finalize(statement);
  }
  sqlite3_close(handle_);
}

void BareDatabase::Execute(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    Fail(std::string(sql) + ": " + sqlite3_errmsg(handle_));
  }
}

sqlite3_stmt* BareDatabase::Prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) !=
      SQLITE_OK) {
    Fail(std::string(sql) + ": " + sqlite3_errmsg(handle_));
  }
  statements_.push_back(statement);
  return statement;
}

std::int64_t BareDatabase::Ask(sqlite3_stmt* statement) {
  const bool row = sqlite3_step(statement) == SQLITE_ROW;
  const std::int64_t value = row ? sqlite3_column_int64(statement, 0) : 0;
  sqlite3_reset(statement);
  return value;
}

BareStore::BareStore(const std::string& path)
    : database_(path, 65536, 10000),
      insert_(database_.Prepare(
          "INSERT INTO record(node, epoch, boot, sequence, kind, time_ms, sample_index,"
          " package_hash, recipe_id, tier, cut_id, audit, block_begin_ms, block_length_ms, flags,"
          " energy_nj, firmware_version, reset_reason, event_state, label, confidence, severity,"
          " fault_code, fault_channel, fault_detail, fault_value, windows, actuator, score,"
          " gateway, received_ms, stored_ms, sealed, condition, velocity_mm_s, zone, distance)"
          " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,"
          "?23,?24,?25,?26,?27,?28,?29,?30,?31,?32,?33,?34,?35,?36,?37)")) {}

void BareStore::Commit(std::span<const cloud::Batch> batches) {
  database_.Execute("BEGIN IMMEDIATE");
  for (const cloud::Batch& batch : batches) {
    for (const cloud::RecordRow& row : batch.records) {
      BindHeader(insert_, row);
      BindBody(insert_, row);
      Int(insert_, 30, batch.gateway.value());
      Int(insert_, 31, row.received_ms);
      Int(insert_, 32, row.received_ms + 1);
      Blob(insert_, 33, row.sealed);
      Int(insert_, 34, row.header.condition);
      Step(insert_);
    }
  }
  database_.Execute("COMMIT");
}

BareSpool::BareSpool(const std::string& path)
    : database_(path, 16384, 4000),
      insert_(database_.Prepare("INSERT INTO queue (node, epoch, boot, sequence, priority,"
                                " received_ms, sealed) VALUES (?, ?, ?, ?, ?, ?, ?)")),
      read_(database_.Prepare(
          "SELECT id, received_ms, sealed FROM queue WHERE id > ? ORDER BY id LIMIT ?")),
      delete_(database_.Prepare("DELETE FROM queue WHERE id = ?")) {}

void BareSpool::Append(std::span<const gateway::spool::Item> items) {
  database_.Execute("BEGIN IMMEDIATE");
  for (const gateway::spool::Item& item : items) {
    Int(insert_, 1, item.key.node.value());
    Int(insert_, 2, item.key.epoch.value());
    Int(insert_, 3, item.key.boot);
    Int(insert_, 4, item.key.sequence);
    Enum(insert_, 5, item.priority);
    Int(insert_, 6, item.received_ms);
    Blob(insert_, 7, item.sealed);
    Step(insert_);
  }
  database_.Execute("COMMIT");
}

std::vector<std::int64_t> BareSpool::Read(std::int64_t after, std::size_t max) {
  std::vector<std::int64_t> ids;
  std::vector<std::string> records;
  sqlite3_bind_int64(read_, 1, after);
  Int(read_, 2, max);
  while (sqlite3_step(read_) == SQLITE_ROW) {
    ids.push_back(sqlite3_column_int64(read_, 0));
    records.emplace_back(static_cast<const char*>(sqlite3_column_blob(read_, 2)),
                         static_cast<std::size_t>(sqlite3_column_bytes(read_, 2)));
  }
  sqlite3_reset(read_);
  return ids;
}

void BareSpool::Delete(std::span<const std::int64_t> ids) {
  database_.Execute("BEGIN IMMEDIATE");
  for (const std::int64_t id : ids) {
    sqlite3_bind_int64(delete_, 1, id);
    Step(delete_);
  }
  database_.Execute("COMMIT");
}

}  // namespace trib::bench::path
