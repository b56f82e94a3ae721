#include "trib/common/host/sqlite/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <utility>

namespace trib::host::sqlite {
namespace {

Code CodeOf(int sqlite_code) {
  if (sqlite_code == SQLITE_CONSTRAINT_UNIQUE || sqlite_code == SQLITE_CONSTRAINT_PRIMARYKEY ||
      sqlite_code == SQLITE_CONSTRAINT_ROWID) {
    return Code::kAlreadyExists;
  }
  switch (sqlite_code & 0xFF) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
      return Code::kOk;
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return Code::kResourceExhausted;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
      return Code::kUnavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Code::kDataLoss;
    case SQLITE_CONSTRAINT:
    case SQLITE_SCHEMA:
      return Code::kFailedPrecondition;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return Code::kPermissionDenied;
    case SQLITE_ERROR:
    case SQLITE_RANGE:
    case SQLITE_MISMATCH:
      return Code::kInvalidArgument;
    case SQLITE_INTERRUPT:
    case SQLITE_ABORT:
      return Code::kCancelled;
    default:
      return Code::kInternal;
  }
}

std::string ErrorText(sqlite3* handle, int sqlite_code) {
  return std::string(handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(sqlite_code)) +
         " (" + std::to_string(sqlite_code) + ")";
}

/// Makes the file for its owner alone; SQLite gives -wal and -shm the mode of the file. What fails
/// here fails again, with a better text, when SQLite opens the path.
void CreateForOwner(const std::string& path) {
  if (path == ":memory:") {
    return;
  }
  // O_EXCL: closing a second descriptor of a file that is in use would drop SQLite's locks on it.
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file >= 0) {
    ::close(file);
  }
}

}  // namespace

Result<Database> Database::Open(const std::string& path,
                                const OpenOptions& options,
                                std::string* error) {
  Database database;
  const int flags = SQLITE_OPEN_NOMUTEX |
                    (options.mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY
                                                     : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  if (options.mode == Mode::kReadWrite) {
    CreateForOwner(path);
  }
  Status status = database.Fail(sqlite3_open_v2(path.c_str(), &database.handle_, flags, nullptr));
  if (status.ok()) {
    sqlite3_extended_result_codes(database.handle_, 1);
    sqlite3_busy_timeout(database.handle_, static_cast<int>(options.busy_timeout_ms));
    // Reading the header here makes a file that is no database fail now, not at the first query.
    status = database.UserVersion().status();
  }
  bool blank = false;
  if (status.ok()) {
    // Before anything is written: a file of another kind is left as it is.
    const Result<bool> checked = database.CheckKind(options.kind);
    status = checked.status();
    blank = checked.value_or(false);
  }
  if (status.ok() && options.mode == Mode::kReadWrite) {
    status = database.Execute("PRAGMA journal_mode=WAL");
    if (status.ok()) {
      status = database.Execute("PRAGMA wal_autocheckpoint=" +
                                std::to_string(options.wal_autocheckpoint_pages));
    }
    if (status.ok() && blank) {
      status = database.Execute("PRAGMA application_id=" + std::to_string(options.kind.id));
    }
  }
  if (status.ok()) {
    status = database.Execute(std::string("PRAGMA synchronous=") +
                              (options.synchronous == Synchronous::kFull ? "FULL" : "NORMAL") +
                              ";PRAGMA foreign_keys=ON;PRAGMA cache_size=-" +
                              std::to_string(options.cache_kib));
  }
  if (!status.ok()) {
    if (error != nullptr) {
      *error = path + ": " + database.last_error();
    }
    return status;
  }
  return database;
}

Result<bool> Database::CheckKind(const FileKind& kind) {
  if (kind.id == 0) {
    return false;
  }
  TRIB_TRY_ASSIGN(const std::int64_t found, QueryInt("PRAGMA application_id"));
  if (found == kind.id) {
    return false;
  }
  TRIB_TRY_ASSIGN(const std::int64_t version, UserVersion());
  TRIB_TRY_ASSIGN(const std::int64_t objects, QueryInt("SELECT count(*) FROM sqlite_schema"));
  if (found == 0 && version == 0 && objects == 0) {
    return true;
  }
  error_ = std::string("not a ") + kind.name + " but a database of another kind (application id " +
           std::to_string(found) + ")";
  return Status(Code::kFailedPrecondition, Reason::kOtherKind);
}

Database::Database(Database&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), error_(std::move(other.error_)) {}

Database& Database::operator=(Database&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(error_, other.error_);
  return *this;
}

Database::~Database() {
  // close_v2: a statement that outlives its connection is a mistake, not undefined behaviour.
  sqlite3_close_v2(handle_);
}

Status Database::Fail(int sqlite_code) {
  const Code code = CodeOf(sqlite_code);
  if (code == Code::kOk) {
    return {};
  }
  error_ = ErrorText(handle_, sqlite_code);
  return code;
}

std::string Database::last_error() const {
  const int code = sqlite3_extended_errcode(handle_);
  return CodeOf(code) == Code::kOk ? error_ : ErrorText(handle_, code);
}

Status Database::Migrate(std::span<const std::string_view> migrations) {
  TRIB_TRY_ASSIGN(const std::int64_t found, UserVersion());
  const auto known = static_cast<std::int64_t>(migrations.size());
  if (found < 0 || found > known) {
    error_ = "the database has schema version " + std::to_string(found) +
             ", this program knows up to " + std::to_string(known) + ": use a newer program";
    return Status(Code::kFailedPrecondition, Reason::kNewerSchema);
  }
  for (std::int64_t version = found; version < known; ++version) {
    TRIB_TRY_ASSIGN(Transaction transaction, Transaction::Begin(*this));
    // Another process may have migrated between the first look and the lock.
    TRIB_TRY_ASSIGN(const std::int64_t locked, UserVersion());
    if (locked > version) {
      continue;
    }
    TRIB_TRY(Execute(migrations[static_cast<std::size_t>(version)]));
    TRIB_TRY(Execute("PRAGMA user_version=" + std::to_string(version + 1)));
    TRIB_TRY(transaction.Commit());
  }
  return {};
}

Result<std::int64_t> Database::UserVersion() {
  return QueryInt("PRAGMA user_version");
}

Status Database::Execute(std::string_view sql) {
  // sqlite3_exec() wants a terminated string; SQL from a string_view may not be one.
  const std::string text(sql);
  return Fail(sqlite3_exec(handle_, text.c_str(), nullptr, nullptr, nullptr));
}

Result<Statement> Database::Prepare(std::string_view sql) {
  Statement statement;
  TRIB_TRY(Fail(sqlite3_prepare_v3(handle_,
                                   sql.data(),
                                   static_cast<int>(sql.size()),
                                   SQLITE_PREPARE_PERSISTENT,
                                   &statement.handle_,
                                   nullptr)));
  if (statement.handle_ == nullptr) {
    error_ = "empty statement";
    return Code::kInvalidArgument;
  }
  return statement;
}

Result<std::int64_t> Database::QueryInt(std::string_view sql) {
  TRIB_TRY_ASSIGN(Statement statement, Prepare(sql));
  const Result<bool> row = statement.Step();
  if (!row.ok()) {
    return Fail(sqlite3_extended_errcode(handle_));
  }
  if (!*row) {
    return Code::kNotFound;
  }
  return statement.Int(0);
}

std::int64_t Database::changes() const {
  return sqlite3_changes64(handle_);
}
std::int64_t Database::last_insert_rowid() const {
  return sqlite3_last_insert_rowid(handle_);
}
bool Database::in_transaction() const {
  return sqlite3_get_autocommit(handle_) == 0;
}

Status Database::SetMaxPages(std::uint32_t pages) {
  return Execute("PRAGMA max_page_count=" + std::to_string(pages));
}
Result<std::int64_t> Database::PageCount() {
  return QueryInt("PRAGMA page_count");
}
Result<std::int64_t> Database::FreePageCount() {
  return QueryInt("PRAGMA freelist_count");
}
Result<std::int64_t> Database::PageSize() {
  return QueryInt("PRAGMA page_size");
}

Status Database::QuickCheck() {
  TRIB_TRY_ASSIGN(Statement statement, Prepare("PRAGMA quick_check(1)"));
  const Result<bool> row = statement.Step();
  if (!row.ok()) {
    return Fail(sqlite3_extended_errcode(handle_));
  }
  if (*row && statement.Text(0) != "ok") {
    error_ = statement.Text(0);
    return Code::kDataLoss;
  }
  return {};
}

Status Database::Checkpoint() {
  const int code =
      sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  TRIB_TRY(Fail(code));
  // Truncating needs the moment when nobody reads; without it the WAL is reused from its start.
  (void)sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  return {};
}

void Database::Interrupt() {
  sqlite3_interrupt(handle_);
}

Statement::Statement(Statement&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), bind_error_(other.bind_error_) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(bind_error_, other.bind_error_);
  return *this;
}

Statement::~Statement() {
  sqlite3_finalize(handle_);
}

Statement& Statement::Bound(int sqlite_code) {
  if (sqlite_code != SQLITE_OK && bind_error_ == SQLITE_OK) {
    bind_error_ = sqlite_code;
  }
  return *this;
}

Statement& Statement::BindInt(int index, std::int64_t value) {
  return Bound(sqlite3_bind_int64(handle_, index, value));
}
Statement& Statement::Bind(int index, double value) {
  return Bound(sqlite3_bind_double(handle_, index, value));
}
Statement& Statement::Bind(int index, std::string_view text) {
  // A null pointer would bind NULL; an empty text is a text.
  return Bound(sqlite3_bind_text64(
      handle_, index, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8));
}
Statement& Statement::BindBlob(int index, std::span<const std::byte> bytes) {
  if (bytes.empty()) {
    return Bound(sqlite3_bind_zeroblob(handle_, index, 0));
  }
  return Bound(sqlite3_bind_blob64(handle_, index, bytes.data(), bytes.size(), SQLITE_STATIC));
}
Statement& Statement::BindBlob(int index, std::string_view bytes) {
  return BindBlob(index, std::as_bytes(std::span(bytes)));
}
Statement& Statement::BindNull(int index) {
  return Bound(sqlite3_bind_null(handle_, index));
}

Result<bool> Statement::Step() {
  if (bind_error_ != SQLITE_OK) {
    return CodeOf(bind_error_);
  }
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) {
    return true;
  }
  if (code == SQLITE_DONE) {
    return false;
  }
  return CodeOf(code);
}

Status Statement::Run() {
  Status status;
  while (true) {
    const Result<bool> row = Step();
    if (!row.ok()) {
      status = row.status();
      break;
    }
    if (!*row) {
      break;
    }
  }
  Reset();
  return status;
}

void Statement::Reset() {
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
  bind_error_ = SQLITE_OK;
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}
std::int64_t Statement::Int(int column) const {
  return sqlite3_column_int64(handle_, column);
}
double Statement::Real(int column) const {
  return sqlite3_column_double(handle_, column);
}
std::string_view Statement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}
std::string_view Statement::Blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(handle_, column));
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

Result<Transaction> Transaction::Begin(Database& database) {
  TRIB_TRY(database.Execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Status Transaction::Commit() {
  if (database_ == nullptr) {
    return Code::kFailedPrecondition;
  }
  // SQLite ends a transaction by itself after some errors (a full disk is one); a COMMIT after that
  // fails too, so nothing half done can pass for committed.
  const Status status = database_->Execute("COMMIT");
  if (status.ok()) {
    database_ = nullptr;
    return {};
  }
  Rollback();
  return status;
}

void Transaction::Rollback() {
  if (database_ != nullptr && database_->in_transaction()) {
    database_->error_ = database_->last_error();  // ROLLBACK succeeds and would hide it
    (void)database_->Execute("ROLLBACK");
  }
  database_ = nullptr;
}

}  // namespace trib::host::sqlite
