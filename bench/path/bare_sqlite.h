#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trib/cloud/ports/types.h"
#include "trib/gateway/spool/types.h"

struct sqlite3;
struct sqlite3_stmt;

/// The raw side of store and spool: SQLite's C API and prepared statements, nothing else. The files
/// were made by the modules themselves, so schema, indexes and page size are the same.
namespace trib::bench::path {

class BareDatabase {
 public:
  /// Opens an existing file with WAL and `synchronous=FULL`.
  BareDatabase(const std::string& path, int cache_kib, int wal_pages);
  ~BareDatabase();
  BareDatabase(const BareDatabase&) = delete;
  BareDatabase& operator=(const BareDatabase&) = delete;

  void Execute(const char* sql);
  sqlite3_stmt* Prepare(const char* sql);
  /// First column of the first row; 0 without one.
  std::int64_t Ask(sqlite3_stmt* statement);
  sqlite3* handle() { return handle_; }

 private:
  sqlite3* handle_ = nullptr;
  std::vector<sqlite3_stmt*> statements_;
};

/// Inserts record rows with all their columns. No rollups, totals, latest, duplicates or drops.
class BareStore {
 public:
  explicit BareStore(const std::string& path);
  void Commit(std::span<const cloud::Batch> batches);

 private:
  BareDatabase database_;
  sqlite3_stmt* insert_;
};

/// Inserts, reads and deletes queue rows. No counters, limits or duplicates.
class BareSpool {
 public:
  explicit BareSpool(const std::string& path);
  void Append(std::span<const gateway::spool::Item> items);
  /// Reads up to `max` rows after `after`, copying their bytes. @returns their ids.
  std::vector<std::int64_t> Read(std::int64_t after, std::size_t max);
  void Delete(std::span<const std::int64_t> ids);

 private:
  BareDatabase database_;
  sqlite3_stmt* insert_;
  sqlite3_stmt* read_;
  sqlite3_stmt* delete_;
};

}  // namespace trib::bench::path
