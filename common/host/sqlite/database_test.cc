#include "trib/common/host/sqlite/database.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace trib::host::sqlite {
namespace {

constexpr std::string_view kTable = "CREATE TABLE t(k INTEGER PRIMARY KEY, v BLOB) STRICT";

class DatabaseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "trib_sqlite_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = (folder_ / "test.db").string();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Database OpenWritable() {
    std::string error;
    Result<Database> database = Database::Open(path_, {}, &error);
    EXPECT_TRUE(database.ok()) << error;
    return *std::move(database);
  }
  static Status Put(Database& database, std::int64_t key, std::size_t bytes) {
    TRIB_TRY_ASSIGN(Statement insert, database.Prepare("INSERT INTO t VALUES(?,?)"));
    const std::string value(bytes, 'x');
    return insert.Bind(1, key).BindBlob(2, value).Run();
  }
  static std::int64_t Count(Database& database) {
    return database.QueryInt("SELECT count(*) FROM t").value_or(-1);
  }

  std::filesystem::path folder_;
  std::string path_;
};

TEST_F(DatabaseTest, KeepsEveryKindOfValue) {
  Database database = OpenWritable();
  ASSERT_TRUE(
      database.Execute("CREATE TABLE v(i INTEGER, u INTEGER UNIQUE, r REAL, t TEXT, b BLOB) STRICT")
          .ok());
  Result<Statement> insert = database.Prepare("INSERT INTO v VALUES(?,?,?,?,?)");
  ASSERT_TRUE(insert.ok());
  const std::uint64_t large = 0xFEDCBA9876543210U;
  const std::array<std::byte, 3> blob{std::byte{0}, std::byte{255}, std::byte{0}};
  EXPECT_TRUE(
      insert->Bind(1, -5).Bind(2, large).Bind(3, 0.5).Bind(4, "").BindBlob(5, blob).Run().ok());
  EXPECT_EQ(database.changes(), 1);
  // The same 64 bits are the same key.
  EXPECT_EQ(insert->Bind(1, 1).Bind(2, large).Run().code(), Code::kAlreadyExists);
  EXPECT_TRUE(
      insert->Bind(1, std::optional<int>{}).Bind(2, 7).BindBlob(5, std::string_view{}).Run().ok());

  Result<Statement> query = database.Prepare("SELECT i,u,r,t,b FROM v ORDER BY rowid");
  ASSERT_TRUE(query.ok());
  ASSERT_TRUE(query->Step().value_or(false));
  EXPECT_EQ(query->Int(0), -5);
  EXPECT_EQ(query->Uint(1), large);
  EXPECT_EQ(query->Real(2), 0.5);
  EXPECT_FALSE(query->IsNull(3));
  EXPECT_EQ(query->Text(3), "");
  EXPECT_EQ(query->Blob(4), std::string_view("\0\xFF\0", 3));
  ASSERT_TRUE(query->Step().value_or(false));
  EXPECT_TRUE(query->IsNull(0));
  EXPECT_TRUE(query->IsNull(2));
  EXPECT_FALSE(query->IsNull(4));
  EXPECT_EQ(query->Blob(4), "");
  EXPECT_FALSE(query->Step().value_or(true));
}

TEST_F(DatabaseTest, RefusesAParameterThatDoesNotExist) {
  Database database = OpenWritable();
  ASSERT_TRUE(database.Execute(kTable).ok());
  Result<Statement> insert = database.Prepare("INSERT INTO t VALUES(?,?)");
  ASSERT_TRUE(insert.ok());
  EXPECT_EQ(insert->BindAll(1, 2, 3).Run().code(), Code::kInvalidArgument);
  EXPECT_EQ(Count(database), 0);
  EXPECT_EQ(database.Prepare("SELEC 1").status().code(), Code::kInvalidArgument);
  EXPECT_NE(database.last_error().find("syntax"), std::string::npos);
}

TEST_F(DatabaseTest, IsWalAndFullySynchronousByDefault) {
  Database database = OpenWritable();
  Result<Statement> mode = database.Prepare("PRAGMA journal_mode");
  ASSERT_TRUE(mode.ok() && mode->Step().value_or(false));
  EXPECT_EQ(mode->Text(0), "wal");
  EXPECT_EQ(database.QueryInt("PRAGMA synchronous").value_or(-1), 2);
}

TEST_F(DatabaseTest, TransactionRollsBackAtScopeExit) {
  Database database = OpenWritable();
  ASSERT_TRUE(database.Execute(kTable).ok());
  {
    Result<Transaction> transaction = Transaction::Begin(database);
    ASSERT_TRUE(transaction.ok());
    ASSERT_TRUE(Put(database, 1, 10).ok());
  }
  EXPECT_FALSE(database.in_transaction());
  EXPECT_EQ(Count(database), 0);
  {
    Result<Transaction> transaction = Transaction::Begin(database);
    ASSERT_TRUE(transaction.ok());
    ASSERT_TRUE(Put(database, 1, 10).ok());
    ASSERT_TRUE(transaction->Commit().ok());
    EXPECT_EQ(transaction->Commit().code(), Code::kFailedPrecondition);
  }
  EXPECT_EQ(Count(database), 1);
}

TEST_F(DatabaseTest, FullDiskFailsTheTransactionWholeAndLaterRoomCuresIt) {
  Database database = OpenWritable();
  ASSERT_TRUE(database.Execute(kTable).ok());
  ASSERT_TRUE(Put(database, 1, 100).ok());
  ASSERT_TRUE(database.SetMaxPages(static_cast<std::uint32_t>(*database.PageCount()) + 4).ok());
  {
    Result<Transaction> transaction = Transaction::Begin(database);
    ASSERT_TRUE(transaction.ok());
    Status status;
    for (std::int64_t key = 2; status.ok() && key < 100; ++key) {
      status = Put(database, key, 4000);
    }
    EXPECT_EQ(status.code(), Code::kResourceExhausted);
    EXPECT_NE(database.last_error().find("full"), std::string::npos) << database.last_error();
    transaction->Rollback();
    EXPECT_NE(database.last_error().find("full"), std::string::npos) << database.last_error();
    EXPECT_FALSE(transaction->Commit().ok());
  }
  EXPECT_EQ(Count(database), 1);
  ASSERT_TRUE(database.SetMaxPages(100000).ok());
  EXPECT_TRUE(Put(database, 2, 4000).ok());
  EXPECT_EQ(Count(database), 2);
}

TEST_F(DatabaseTest, SecondWriterIsUnavailableWhileReadersGoOn) {
  Database first = OpenWritable();
  ASSERT_TRUE(first.Execute(kTable).ok());
  Result<Database> second = Database::Open(path_, {.busy_timeout_ms = 0});
  Result<Database> reader = Database::Open(path_, {.mode = Mode::kReadOnly});
  ASSERT_TRUE(second.ok() && reader.ok());
  Result<Transaction> transaction = Transaction::Begin(first);
  ASSERT_TRUE(transaction.ok());
  ASSERT_TRUE(Put(first, 1, 10).ok());
  EXPECT_EQ(Transaction::Begin(*second).status().code(), Code::kUnavailable);
  EXPECT_EQ(Count(*reader), 0);
  ASSERT_TRUE(transaction->Commit().ok());
  EXPECT_EQ(Count(*reader), 1);
  EXPECT_EQ(Put(*reader, 2, 10).code(), Code::kPermissionDenied);
}

TEST_F(DatabaseTest, WhatItCreatesIsForItsOwnerOnly) {
  const mode_t before = ::umask(0);
  Database database = OpenWritable();
  ASSERT_TRUE(database.Execute(kTable).ok());
  ASSERT_TRUE(Put(database, 1, 10).ok());
  ::umask(before);
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat info {};
    ASSERT_EQ(::stat((path_ + suffix).c_str(), &info), 0) << suffix;
    EXPECT_EQ(info.st_mode & 0777U, 0600U) << "test.db" << suffix;
  }
}

TEST_F(DatabaseTest, AFileOfAnotherKindIsRefusedAndLeftAlone) {
  const OpenOptions ours{.kind = {.id = 0x11, .name = "gateway spool"}};
  const OpenOptions theirs{.kind = {.id = 0x22, .name = "cloud store"}};
  ASSERT_TRUE(Database::Open(path_, ours).ok()) << "a blank file takes the kind";
  ASSERT_TRUE(Database::Open(path_, ours).ok());
  std::string error;
  const Status refused = Database::Open(path_, theirs, &error).status();
  EXPECT_EQ(refused, Status(Code::kFailedPrecondition, Reason::kOtherKind));
  EXPECT_EQ(error,
            path_ + ": not a cloud store but a database of another kind (application id 17)");
  EXPECT_FALSE(Database::Open(path_, {.mode = Mode::kReadOnly, .kind = theirs.kind}, &error).ok());
  Database any = OpenWritable();
  EXPECT_EQ(any.QueryInt("PRAGMA application_id").value_or(0), 0x11);
}

TEST_F(DatabaseTest, ADatabaseWithContentAndNoKindIsNotBlank) {
  ASSERT_TRUE(OpenWritable().Execute(kTable).ok());
  EXPECT_FALSE(Database::Open(path_, {.kind = {.id = 0x11, .name = "cloud store"}}).ok());
  Database any = OpenWritable();
  EXPECT_EQ(any.QueryInt("PRAGMA application_id").value_or(1), 0);
}

TEST_F(DatabaseTest, DamagedFileIsDataLoss) {
  std::ofstream(path_) << std::string(8192, 'z');
  std::string error;
  EXPECT_EQ(Database::Open(path_, {}, &error).status().code(), Code::kDataLoss);
  EXPECT_NE(error.find(path_), std::string::npos);
  EXPECT_EQ(Database::Open((folder_ / "no" / "such.db").string(), {}, &error).status().code(),
            Code::kUnavailable);
  EXPECT_NE(error.find("unable to open"), std::string::npos) << error;
}

TEST_F(DatabaseTest, QuickCheckFindsAnOverwrittenPage) {
  {
    Database database = OpenWritable();
    ASSERT_TRUE(database.Execute(kTable).ok());
    for (std::int64_t key = 0; key < 200; ++key) {
      ASSERT_TRUE(Put(database, key, 500).ok());
    }
    EXPECT_TRUE(database.QuickCheck().ok());
    ASSERT_TRUE(database.Checkpoint().ok());
  }
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(std::streamoff{3} * 4096);
  file << std::string(4096, 'z');
  file.close();
  Database database = OpenWritable();
  EXPECT_EQ(database.QuickCheck().code(), Code::kDataLoss);
  EXPECT_FALSE(database.last_error().empty());
}

TEST_F(DatabaseTest, MigratesStepByStepAndRefusesANewerSchema) {
  const std::array<std::string_view, 3> migrations{
      kTable, "ALTER TABLE t ADD COLUMN w INTEGER", "CREATE INDEX tw ON t(w)"};
  {
    Database database = OpenWritable();
    ASSERT_TRUE(database.Migrate(std::span(migrations).first(1)).ok());
    EXPECT_EQ(*database.UserVersion(), 1);
    ASSERT_TRUE(Put(database, 1, 10).ok());
  }
  {
    Database database = OpenWritable();
    ASSERT_TRUE(database.Migrate(migrations).ok());
    ASSERT_TRUE(database.Migrate(migrations).ok());
    EXPECT_EQ(*database.UserVersion(), 3);
    EXPECT_EQ(database.QueryInt("SELECT count(*) FROM t WHERE w IS NULL").value_or(-1), 1);
  }
  Database database = OpenWritable();
  const Status status = database.Migrate(std::span(migrations).first(2));
  EXPECT_EQ(status, Status(Code::kFailedPrecondition, Reason::kNewerSchema));
  EXPECT_NE(database.last_error().find("schema version 3"), std::string::npos);
  EXPECT_EQ(*database.UserVersion(), 3);
}

TEST_F(DatabaseTest, FailedMigrationLeavesTheVersionBefore) {
  const std::array<std::string_view, 2> broken{
      kTable, "CREATE TABLE u(x INTEGER) STRICT; CREATE TABLE t(k INTEGER) STRICT"};
  Database database = OpenWritable();
  EXPECT_FALSE(database.Migrate(broken).ok());
  EXPECT_NE(database.last_error().find("already exists"), std::string::npos);
  EXPECT_EQ(*database.UserVersion(), 1);
  EXPECT_EQ(database.QueryInt("SELECT count(*) FROM sqlite_schema WHERE name='u'").value_or(-1), 0);
}

TEST_F(DatabaseTest, ReaderInAnotherThreadSeesOnlyWholeTransactions) {
  Database writer = OpenWritable();
  ASSERT_TRUE(writer.Execute(kTable).ok());
  std::atomic<bool> done{false};
  std::atomic<int> torn{0};
  std::thread reader([&] {
    Result<Database> database = Database::Open(path_, {.mode = Mode::kReadOnly});
    if (!database.ok()) {
      torn = -1;
      return;
    }
    do {
      torn += Count(*database) % 10 != 0 ? 1 : 0;
    } while (!done);
  });
  for (std::int64_t batch = 0; batch < 20; ++batch) {
    Result<Transaction> transaction = Transaction::Begin(writer);
    ASSERT_TRUE(transaction.ok());
    for (std::int64_t i = 0; i < 10; ++i) {
      ASSERT_TRUE(Put(writer, batch * 10 + i, 10).ok());
    }
    ASSERT_TRUE(transaction->Commit().ok());
  }
  done = true;
  reader.join();
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(Count(writer), 200);
}

}  // namespace
}  // namespace trib::host::sqlite
