// Records that wait for the tail, and files of the schema before there were any.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <set>

#include "trib/gateway/spool/spool.h"

namespace trib::gateway::spool {
namespace {

using message::Priority;

class DeferredTest : public ::testing::Test {
 protected:
  DeferredTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "trib_defer_XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
    options.path = folder / "spool.db";
  }
  ~DeferredTest() override {
    spool.reset();
    std::filesystem::remove_all(folder);
  }
  void Open() {
    spool.reset();
    std::string error;
    auto opened = Spool::Open(options, error);
    ASSERT_TRUE(opened.ok()) << error;
    spool = *std::move(opened);
  }
  static Item Record(std::uint32_t sequence, bool deferred, std::size_t bytes = 100) {
    return {{NodeId(17), EnrolmentEpoch(0xF000000000000001U), 1, sequence},
            deferred ? Priority::kEvent : Priority::kSketch,
            1000 + sequence,
            std::string(bytes, static_cast<char>('a' + sequence % 26)),
            deferred};
  }
  std::vector<Outcome> Append(const std::vector<Item>& items,
                              const std::vector<Decided>& decided = {}) {
    auto outcomes = spool->Append(items, decided);
    EXPECT_TRUE(outcomes.ok()) << spool->last_error();
    return outcomes.value_or(std::vector<Outcome>());
  }
  std::vector<Stored> Peek(std::int64_t after, std::size_t max = 100, std::size_t bytes = 1 << 20) {
    auto records = spool->Peek(after, max, bytes);
    EXPECT_TRUE(records.ok());
    return records.value_or(std::vector<Stored>());
  }
  std::vector<std::int64_t> Ids(const std::vector<Stored>& records) {
    std::vector<std::int64_t> ids;
    for (const Stored& record : records) {
      ids.push_back(record.id);
    }
    return ids;
  }
  std::vector<std::int64_t> Waiting(std::int64_t after = 0, std::size_t max = 100) {
    auto records = spool->PeekDeferred(after, max, 1 << 20);
    EXPECT_TRUE(records.ok());
    return Ids(records.value_or(std::vector<Stored>()));
  }
  std::int64_t Query(const std::string& sql) {
    auto database = host::sqlite::Database::Open(options.path.string(),
                                                 {.mode = host::sqlite::Mode::kReadOnly});
    EXPECT_TRUE(database.ok());
    return database->QueryInt(sql).value_or(-1);
  }

  using IdList = std::vector<std::int64_t>;
  std::filesystem::path folder;
  Options options;
  std::unique_ptr<Spool> spool;
};

TEST_F(DeferredTest, WaitForTheirOutcomeAndNothingWaitsForThem) {
  Open();
  Append({Record(1, true), Record(2, false), Record(3, true), Record(4, false)});
  EXPECT_EQ(Ids(Peek(0)), (IdList{2, 4}));
  EXPECT_EQ(Waiting(), (IdList{1, 3}));
  EXPECT_EQ(Waiting(1), IdList{3});
  EXPECT_EQ(Waiting(0, 1), IdList{1});
  // Outcomes are written with the next group; what was passed over comes once, and first.
  EXPECT_EQ(Append({Record(5, false)}, {{3, "verdict"}}).size(), 1U);
  auto records = Peek(4);
  ASSERT_EQ(Ids(records), IdList{3});
  EXPECT_EQ(records[0].verdict, "verdict");
  EXPECT_EQ(Ids(Peek(4)), IdList{5});
  EXPECT_EQ(Waiting(), IdList{1});
  // Passed on: no verdict.
  Append({}, {{1, ""}});
  records = Peek(5);
  ASSERT_EQ(Ids(records), IdList{1});
  EXPECT_EQ(records[0].verdict, "");
  EXPECT_TRUE(Peek(5).empty());
  EXPECT_TRUE(Waiting().empty());
  EXPECT_EQ(spool->metrics().decided, 2U);
}

TEST_F(DeferredTest, WhatIsDecidedBeforeItIsReachedComesInOrder) {
  Open();
  Append({Record(1, true), Record(2, false), Record(3, true)});
  Append({}, {{1, "a"}, {3, "b"}});
  EXPECT_EQ(Ids(Peek(0)), (IdList{1, 2, 3}));
  EXPECT_TRUE(Peek(3).empty());
}

TEST_F(DeferredTest, LateOnesAreBoundedLikeOthers) {
  Open();
  std::vector<Item> items;
  std::vector<Decided> decided;
  for (std::uint32_t i = 1; i <= 5; ++i) {
    items.push_back(Record(i, true));
    decided.push_back({i, "v"});
  }
  items.push_back(Record(6, false));
  Append(items);
  EXPECT_EQ(Ids(Peek(0)), IdList{6});
  Append({}, decided);
  EXPECT_EQ(Ids(Peek(6, 2)), (IdList{1, 2}));
  EXPECT_EQ(Ids(Peek(6, 9, 150)), IdList{3}) << "two would exceed the bytes";
  EXPECT_EQ(Ids(Peek(6, 9, 10)), IdList{4}) << "at least one";
  EXPECT_EQ(Ids(Peek(6)), IdList{5});
  // What was given can be deleted, in runs and alone, with what was said about it.
  const IdList all{1, 2, 3, 4, 5, 6};
  ASSERT_TRUE(spool->Delete(all).ok());
  EXPECT_EQ(spool->depth().records, 0U);
  EXPECT_EQ(spool->depth().bytes, 0U);
  EXPECT_EQ(Query("SELECT count(*) FROM deferred"), 0);
}

TEST_F(DeferredTest, ReopeningKeepsWhoWaitsAndWhatWasSaid) {
  Open();
  Append({Record(1, true), Record(2, true), Record(3, false)});
  Append({}, {{2, "said"}});
  Open();
  EXPECT_EQ(Waiting(), IdList{1});
  const auto records = Peek(0);
  ASSERT_EQ(Ids(records), (IdList{2, 3}));
  EXPECT_EQ(records[0].verdict, "said");
  Append({}, {{1, ""}});
  EXPECT_EQ(Ids(Peek(3)), IdList{1});
}

TEST_F(DeferredTest, AnOutcomeCountsOnceAndOnlyForWhoWaits) {
  Open();
  Append({Record(1, true), Record(2, false)});
  EXPECT_EQ(Ids(Peek(0)), IdList{2});
  Append({}, {{1, "first"}, {2, "not deferred"}, {99, "nobody"}});
  Append({}, {{1, "second"}, {1, ""}});
  const auto records = Peek(2);
  ASSERT_EQ(Ids(records), IdList{1});
  EXPECT_EQ(records[0].verdict, "first");
  EXPECT_TRUE(Peek(2).empty());
  EXPECT_EQ(spool->metrics().decided, 1U);
}

TEST_F(DeferredTest, AResentRecordIsADuplicateWhateverBecameOfIt) {
  Open();
  Append({Record(1, true)});
  EXPECT_EQ(Append({Record(1, true)}), std::vector{Outcome::kDuplicate});
  Append({}, {{1, "said"}});
  EXPECT_EQ(Append({Record(1, true)}), std::vector{Outcome::kDuplicate});
  EXPECT_TRUE(Waiting().empty());
}

TEST_F(DeferredTest, PolicyMayGiveUpWhoWaits) {
  options.max_records = 2;
  options.policy = FullPolicy::kDropLowPriority;
  Open();
  Append({Record(1, true), Record(2, true)});
  EXPECT_EQ(Waiting(), (IdList{1, 2})) << "the tail has them";
  EXPECT_EQ(Append({Record(3, true)}), std::vector{Outcome::kStored});
  EXPECT_EQ(Waiting(), (IdList{2, 3}));
  Append({}, {{1, "too late"}, {2, "in time"}});
  EXPECT_EQ(Ids(Peek(0)), IdList{2});
  EXPECT_EQ(spool->drops().full[0], 1U);
  EXPECT_EQ(Query("SELECT count(*) FROM deferred"), 2);
}

TEST_F(DeferredTest, ReleaseLetsThemGoUndecided) {
  Open();
  Append({Record(1, true), Record(2, true), Record(3, false)});
  Append({}, {{2, "said"}});
  Open();
  EXPECT_EQ(spool->ReleaseDeferred().value_or(0), 1U);
  const auto records = Peek(0);
  ASSERT_EQ(Ids(records), (IdList{1, 2, 3}));
  EXPECT_EQ(records[0].verdict, "");
  EXPECT_EQ(records[1].verdict, "said");
}

TEST_F(DeferredTest, OutcomesFitWhereRecordsDoNotAnyMore) {
  Open();
  Append({Record(1, true), Record(2, true)});
  EXPECT_TRUE(Peek(0).empty());
  ASSERT_TRUE(spool->SetMaxPages(1).ok());  // as large as it is, and not a page more
  std::vector<Item> many;
  for (std::uint32_t i = 0; i < 100; ++i) {
    many.push_back(Record(10 + i, false, 2000));
  }
  const std::vector<Decided> decided{{1, std::string(100, 'v')}, {2, ""}};
  EXPECT_FALSE(spool->Append(many, decided).ok());
  EXPECT_EQ(Waiting(), (IdList{1, 2})) << "the group is one transaction";
  Append({}, decided);
  EXPECT_EQ(Ids(Peek(0)), (IdList{1, 2}));
}

TEST_F(DeferredTest, AFileOfVersionOneIsMigratedAndKeepsItsRecords) {
  {
    auto database = host::sqlite::Database::Open(
        options.path.string(), {.kind = {.id = 0x54726253, .name = "gateway spool"}});
    ASSERT_TRUE(database.ok());
    // As version 1 made it.
    const std::string_view version1[] = {
        "CREATE TABLE queue (id INTEGER PRIMARY KEY AUTOINCREMENT, node INTEGER NOT NULL,"
        " epoch INTEGER NOT NULL, boot INTEGER NOT NULL, sequence INTEGER NOT NULL,"
        " priority INTEGER NOT NULL, received_ms INTEGER NOT NULL, sealed BLOB NOT NULL,"
        " UNIQUE (node, epoch, boot, sequence)) STRICT;"
        "CREATE INDEX queue_by_priority ON queue (priority DESC, id);"
        "CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT"
        " ROWID;"
        "INSERT INTO counter VALUES ('records', 2), ('bytes', 196), ('run', 4),"
        " ('roster_version', 0);"
        "CREATE TABLE dropped (reason TEXT NOT NULL, priority INTEGER NOT NULL,"
        " total INTEGER NOT NULL, PRIMARY KEY (reason, priority)) STRICT, WITHOUT ROWID;"
        "INSERT INTO dropped VALUES ('spool_full', 4, 7);"
        "CREATE TABLE roster (node INTEGER PRIMARY KEY, public_key BLOB NOT NULL) STRICT;"
        "INSERT INTO queue VALUES (5, 17, 1, 1, 1, 0, 900, x'0102'),"
        " (6, 17, 1, 1, 2, 3, 901, x'0304');"};
    ASSERT_TRUE(database->Migrate(version1).ok()) << database->last_error();
  }
  Open();
  EXPECT_EQ(Query("PRAGMA user_version"), 2);
  EXPECT_EQ(spool->run(), 5U);
  EXPECT_EQ(spool->depth().records, 2U);
  EXPECT_EQ(spool->drops().full[4], 7U);
  EXPECT_TRUE(Waiting().empty());
  EXPECT_EQ(Ids(Peek(0)), (IdList{5, 6})) << "what came before goes on as it is";
  Append({Record(9, true)});
  EXPECT_EQ(Waiting(), IdList{7});
  Open();
  EXPECT_EQ(Query("PRAGMA user_version"), 2);
  EXPECT_EQ(Waiting(), IdList{7});
}

TEST_F(DeferredTest, WhoWaitsIsPassedOverOnce) {
  Open();
  Append({Record(1, true), Record(2, true), Record(3, true)});
  EXPECT_TRUE(Peek(0).empty());
  // The reader is past all of them now, although it was given none: 3 is looked up, 1 and 2 are not
  // stepped over again to find it, and what came later is not reached in the same go.
  Append({Record(4, false)}, {{3, "said"}});
  EXPECT_EQ(Ids(Peek(0)), IdList{3});
  EXPECT_EQ(Ids(Peek(3)), IdList{4});
  Append({}, {{1, ""}, {2, "late"}});
  EXPECT_EQ(Ids(Peek(0)), (IdList{1, 2, 3, 4})) << "who goes back is read to from there";
  EXPECT_TRUE(Peek(4).empty());
}

TEST_F(DeferredTest, ADroppedOneThatWasPassedOverIsNotMissed) {
  options.max_records = 2;
  options.policy = FullPolicy::kDropLowPriority;
  Open();
  Append({Record(1, true), Record(2, true)});
  EXPECT_TRUE(Peek(0).empty());
  Append({}, {{1, "said"}, {2, "said"}});
  EXPECT_EQ(Append({Record(3, true)}), std::vector{Outcome::kStored});
  EXPECT_EQ(Ids(Peek(0)), IdList{2});
  Append({}, {{3, "said"}});
  EXPECT_EQ(Ids(Peek(2)), IdList{3});
}

/// Records and outcomes in any order, and a reader that forgets some of what it was given.
class AnyOrder : public DeferredTest {
 protected:
  std::size_t Below(std::size_t end) { return random() % end; }
  std::vector<Item> Make() {
    std::vector<Item> items;
    for (std::size_t i = Below(4); i > 0 && made < 60; --i) {
      items.push_back(Record(++made, Below(3) != 0));
    }
    return items;
  }
  /// Of what waits, and was stored before.
  std::vector<Decided> Decide() {
    std::vector<Decided> decided;
    for (std::size_t i = Below(4); i > 0 && !waiting.empty(); --i) {
      const auto at = waiting.begin() + static_cast<std::ptrdiff_t>(Below(waiting.size()));
      decided.push_back({*at, Below(2) != 0 ? "said" : ""});
      waiting.erase(at);
    }
    return decided;
  }
  void Read() {
    const auto records = Ids(Peek(after, 1 + Below(5)));
    for (const std::int64_t id : records) {
      EXPECT_TRUE(given.insert(id).second) << id;
      EXPECT_EQ(std::count(waiting.begin(), waiting.end(), id), 0) << id;
      after = std::max(after, id);
    }
    if (Below(2) != 0) {
      ASSERT_TRUE(spool->Delete(records).ok());
    }
  }

  std::mt19937 random{1};
  std::uint32_t made = 0;
  std::vector<std::int64_t> waiting;
  std::set<std::int64_t> given;
  std::int64_t after = 0;
};

TEST_F(AnyOrder, EveryRecordIsGivenOnce) {
  Open();
  for (int turn = 0; turn < 1000 && (made < 60 || given.size() < made); ++turn) {
    const auto items = Make();
    Append(items, Decide());
    for (const Item& item : items) {
      if (item.deferred) {
        waiting.push_back(item.key.sequence);  // its id, too
      }
    }
    Read();
  }
  EXPECT_EQ(given.size(), 60U);
  EXPECT_TRUE(waiting.empty());
  EXPECT_TRUE(Peek(after).empty());
}

}  // namespace
}  // namespace trib::gateway::spool
