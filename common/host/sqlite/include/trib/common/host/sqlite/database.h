#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "trib/common/status/result.h"

struct sqlite3;
struct sqlite3_stmt;

/// A thin owner of SQLite's C API. Nothing here throws; a failed call gives a Status, and the text
/// SQLite has for it is in Database::last_error().
///
///   kResourceExhausted  the disk, or the limit set by SetMaxPages(), is full; also out of memory
///   kUnavailable        busy, locked, an I/O error, or the file cannot be opened: may pass
///   kDataLoss           the file is damaged or is no database
///   kAlreadyExists      a UNIQUE or PRIMARY KEY constraint refused the row
///   kFailedPrecondition another constraint refused the row; a newer schema than Migrate() knows;
///                       a file of another kind
///   kPermissionDenied   write on a read-only connection or file
///   kInvalidArgument    SQL that does not parse; a parameter that does not exist
namespace trib::host::sqlite {

enum class Reason : std::uint16_t {
  kNone = 0,
  kNewerSchema = 1,  ///< user_version is above the number of migrations given
  kOtherKind = 2,    ///< application_id is not the one asked for
};

enum class Mode { kReadOnly, kReadWrite };
/// kFull: a commit is durable when it returns. kNormal: a power cut may lose the last commits, in
/// order, but never damages the file.
enum class Synchronous { kNormal, kFull };

/// What a file is for, as `PRAGMA application_id` tells: no program mistakes another's file for its
/// own.
struct FileKind {
  std::int32_t id = 0;    ///< 0: any file will do
  const char* name = "";  ///< for messages, e.g. "gateway spool"
};

struct OpenOptions {
  Mode mode = Mode::kReadWrite;  ///< kReadWrite creates the file and turns WAL on
  Synchronous synchronous = Synchronous::kFull;
  std::uint32_t busy_timeout_ms = 5000;
  std::uint32_t wal_autocheckpoint_pages = 1000;
  std::uint32_t cache_kib = 16384;
  FileKind kind{};  ///< written to a blank file; another in the file is kOtherKind
};

class Statement;

/// One connection.
///
/// Threads  One caller at a time, and the caller is one thread for life, with everything prepared
///          on it. Several connections to one file may live in several threads; with WAL one writes
///          while the others read.
/// Memory   Movable. Statements must be gone before their Database.
class Database {
 public:
  /// Opens or creates `path` (":memory:" gives a private database without WAL). What it creates is
  /// readable and writable by its owner only.
  /// On failure `error`, when given, says why in one line, path included.
  static Result<Database> Open(const std::string& path,
                               const OpenOptions& options = {},
                               std::string* error = nullptr);

  Database() = default;
  Database(Database&& other) noexcept;
  Database& operator=(Database&& other) noexcept;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  [[nodiscard]] bool is_open() const { return handle_ != nullptr; }

  /// Brings the schema from user_version v to migrations.size() by running migrations[v..], each in
  /// its own transaction together with the new user_version: a cut in between leaves a version.
  ///
  /// @returns kFailedPrecondition/kNewerSchema, and changes nothing, when the file is newer.
  Status Migrate(std::span<const std::string_view> migrations);
  Result<std::int64_t> UserVersion();

  /// Runs all statements of `sql`; rows are discarded.
  Status Execute(std::string_view sql);
  Result<Statement> Prepare(std::string_view sql);
  /// First column of the first row; kNotFound without a row.
  Result<std::int64_t> QueryInt(std::string_view sql);

  /// Rows changed by the last INSERT, UPDATE or DELETE; 0 when ON CONFLICT DO NOTHING ignored it.
  [[nodiscard]] std::int64_t changes() const;
  [[nodiscard]] std::int64_t last_insert_rowid() const;
  [[nodiscard]] bool in_transaction() const;
  /// Text of the last failure on this connection, its statements included, e.g. "database or disk
  /// is full (13)". Kept over the rollback that follows the failure.
  [[nodiscard]] std::string last_error() const;

  /// Bounds the file at `pages` pages (not below its present size): a full disk on demand.
  Status SetMaxPages(std::uint32_t pages);
  Result<std::int64_t> PageCount();
  /// Pages of the file that hold nothing and will be reused before it grows.
  Result<std::int64_t> FreePageCount();
  Result<std::int64_t> PageSize();
  /// Checks the file's structure, without its indices. kDataLoss with last_error() when damaged.
  /// Blocks  For a time proportional to the file.
  Status QuickCheck();
  /// Moves the WAL's content into the file as far as readers allow, and truncates it if it can.
  Status Checkpoint();
  /// Makes a running call of another thread on this connection fail with kCancelled.
  /// Threads  Any, while the Database lives.
  void Interrupt();

 private:
  friend class Transaction;
  Status Fail(int sqlite_code);
  /// @returns whether the file is blank and wants the kind written.
  Result<bool> CheckKind(const FileKind& kind);

  sqlite3* handle_ = nullptr;
  std::string error_;
};

/// A prepared statement. Parameters are numbered from 1, columns from 0. Binding keeps what it is
/// given by reference until Reset() or the next Run(): text and blobs must live that long.
///
/// Units  uint64 is stored as the int64 of the same bits, so that equality and uniqueness hold;
///        order above 2^63 does not. NaN is stored as NULL by SQLite: bind only finite doubles.
class Statement {
 public:
  Statement() = default;
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  /// A failed bind is remembered and returned by the next Step() or Run().
  template <typename T>
  requires(std::is_integral_v<T> || std::is_enum_v<T>) Statement& Bind(int index, T value) {
    return BindInt(index, static_cast<std::int64_t>(value));
  }
  Statement& Bind(int index, double value);
  Statement& Bind(int index, std::string_view text);
  Statement& Bind(int index, const char* text) { return Bind(index, std::string_view(text)); }
  Statement& BindBlob(int index, std::span<const std::byte> bytes);
  Statement& BindBlob(int index, std::string_view bytes);
  Statement& BindNull(int index);
  template <typename T>
  Statement& Bind(int index, const std::optional<T>& value) {
    return value.has_value() ? Bind(index, *value) : BindNull(index);
  }
  /// Parameters 1, 2, ... in order.
  template <typename... Args>
  Statement& BindAll(const Args&... args) {
    int index = 0;
    (Bind(++index, args), ...);
    return *this;
  }

  /// @returns true with a row to read, false after the last.
  Result<bool> Step();
  /// Steps to the end, discarding rows, then resets: for statements that only write.
  Status Run();
  /// Ready for new parameters; old ones are forgotten.
  void Reset();

  [[nodiscard]] bool IsNull(int column) const;
  [[nodiscard]] std::int64_t Int(int column) const;
  [[nodiscard]] std::uint64_t Uint(int column) const {
    return static_cast<std::uint64_t>(Int(column));
  }
  [[nodiscard]] double Real(int column) const;
  /// Valid until the next Step(), Reset() or Run().
  [[nodiscard]] std::string_view Text(int column) const;
  [[nodiscard]] std::string_view Blob(int column) const;

 private:
  friend class Database;
  Statement& BindInt(int index, std::int64_t value);
  Statement& Bound(int sqlite_code);

  // The connection is reached through the C handle, because a Database may move.
  sqlite3_stmt* handle_ = nullptr;
  int bind_error_ = 0;
};

/// BEGIN IMMEDIATE ... COMMIT; rolls back at scope exit unless committed.
///
/// Durable  After Commit() returned ok, with Synchronous::kFull, the rows survive power loss. After
///          any failure nothing of the transaction is in the file.
class Transaction {
 public:
  static Result<Transaction> Begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(other.database_) {
    other.database_ = nullptr;
  }
  Transaction& operator=(Transaction&&) = delete;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() { Rollback(); }

  Status Commit();
  void Rollback();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace trib::host::sqlite
