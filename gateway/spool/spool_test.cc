#include "trib/gateway/spool/spool.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace trib::gateway::spool {
namespace {

using message::Priority;

class SpoolTest : public ::testing::Test {
 protected:
  SpoolTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "trib_spool_XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
    options.path = folder / "spool.db";
  }
  ~SpoolTest() override {
    spool.reset();
    std::filesystem::remove_all(folder);
  }

  void Open() {
    spool.reset();
    auto opened = Spool::Open(options, error);
    ASSERT_TRUE(opened.ok()) << error;
    spool = *std::move(opened);
  }
  static Item Record(std::uint32_t sequence,
                     Priority priority = Priority::kSketch,
                     std::size_t bytes = 100) {
    return {{NodeId(17), EnrolmentEpoch(0xF000000000000001U), 1, sequence},
            priority,
            1000 + sequence,
            std::string(bytes, static_cast<char>('a' + sequence % 26))};
  }
  std::vector<Outcome> Append(const std::vector<Item>& items) {
    auto outcomes = spool->Append(items);
    EXPECT_TRUE(outcomes.ok()) << spool->last_error();
    return outcomes.value_or(std::vector<Outcome>());
  }
  std::vector<Stored> All() {
    auto records = spool->Peek(0, 100'000, std::size_t{1} << 30U);
    EXPECT_TRUE(records.ok());
    return records.value_or(std::vector<Stored>());
  }

  std::filesystem::path folder;
  Options options;
  std::unique_ptr<Spool> spool;
  std::string error;
};

TEST_F(SpoolTest, KeepsRecordsInOrderOverReopening) {
  Open();
  EXPECT_EQ(Append({Record(1), Record(2), Record(3)}), std::vector(3, Outcome::kStored));
  Open();
  const auto records = All();
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[1].sealed, Record(2).sealed);
  EXPECT_EQ(records[1].received_ms, 1002U);
  EXPECT_LT(records[0].id, records[1].id);
  EXPECT_EQ(spool->depth().records, 3U);
  EXPECT_EQ(spool->run(), 2U);
}

TEST_F(SpoolTest, AResentKeyIsOneRecord) {
  Open();
  Append({Record(1)});
  EXPECT_EQ(Append({Record(1), Record(2), Record(2)}),
            (std::vector{Outcome::kDuplicate, Outcome::kStored, Outcome::kDuplicate}));
  EXPECT_EQ(All().size(), 2U);
  EXPECT_EQ(spool->depth().records, 2U);
}

TEST_F(SpoolTest, DeletesWhatIsNamedAndNothingElse) {
  Open();
  Append({Record(1), Record(2), Record(3)});
  const auto records = All();
  const std::int64_t ids[] = {records[0].id, records[2].id, 999};
  ASSERT_TRUE(spool->Delete(ids).ok());
  ASSERT_TRUE(spool->Delete(ids).ok()) << "again is harmless";
  Open();
  ASSERT_EQ(All().size(), 1U);
  EXPECT_EQ(All()[0].id, records[1].id);
  EXPECT_EQ(spool->depth().records, 1U);
  EXPECT_EQ(spool->depth().bytes, 100U + 96U);
}

TEST_F(SpoolTest, AnIdIsNeverUsedTwice) {
  Open();
  Append({Record(1)});
  const std::int64_t id = All()[0].id;
  ASSERT_TRUE(spool->Delete(std::span(&id, 1)).ok());
  Open();
  Append({Record(2)});
  EXPECT_GT(All()[0].id, id);
}

TEST_F(SpoolTest, PeekIsBoundedAndContinues) {
  Open();
  Append({Record(1), Record(2), Record(3), Record(4)});
  const auto two = spool->Peek(0, 2, 10'000);
  ASSERT_TRUE(two.ok());
  ASSERT_EQ(two->size(), 2U);
  const auto rest = spool->Peek((*two)[1].id, 10, 150);
  ASSERT_TRUE(rest.ok());
  EXPECT_EQ(rest->size(), 1U) << "two would exceed the bytes";
}

TEST_F(SpoolTest, RejectRefusesAndKeepsAll) {
  options.max_records = 2;
  Open();
  EXPECT_EQ(
      Append({Record(1), Record(2), Record(3, Priority::kEvent), Record(1)}),
      (std::vector{Outcome::kStored, Outcome::kStored, Outcome::kRefused, Outcome::kDuplicate}));
  EXPECT_EQ(spool->metrics().refused, 1U);
  EXPECT_EQ(spool->drops().full[0], 0U);
}

TEST_F(SpoolTest, DropGivesUpTheLeastImportantOldestFirstAndCountsDurably) {
  options.max_records = 3;
  options.policy = FullPolicy::kDropLowPriority;
  Open();
  Append({Record(1, Priority::kEvent), Record(2, Priority::kFrame), Record(3, Priority::kFrame)});
  EXPECT_EQ(Append({Record(4, Priority::kEvent), Record(5, Priority::kFrame)}),
            (std::vector{Outcome::kStored, Outcome::kStored}));
  // 2 went for 4, 3 for 5. Now an event takes 5's place; then a frame has nothing below it.
  EXPECT_EQ(Append({Record(6, Priority::kEvent), Record(7, Priority::kFrame)}),
            (std::vector{Outcome::kStored, Outcome::kDropped}));
  Open();
  std::string kept;
  for (const auto& record : All()) {
    kept += record.sealed[0];
  }
  EXPECT_EQ(kept, "beg");  // sequences 1, 4, 6
  EXPECT_EQ(spool->drops().full,
            (std::array<std::uint64_t, message::kPriorityCount>{0, 0, 0, 0, 4}));
}

TEST_F(SpoolTest, WhatIsOnItsWayIsNotDropped) {
  options.max_records = 2;
  options.policy = FullPolicy::kDropLowPriority;
  Open();
  Append({Record(1, Priority::kFrame), Record(2, Priority::kFrame)});
  ASSERT_EQ(spool->Peek(0, 1, 1000)->size(), 1U);
  EXPECT_EQ(Append({Record(3, Priority::kEvent)}), std::vector{Outcome::kStored});
  const auto records = All();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].received_ms, 1001U) << "1 is lent, so 2 went";
}

TEST_F(SpoolTest, DiscardCountsByPriority) {
  Open();
  Append({Record(1, Priority::kEvent), Record(2, Priority::kSketch)});
  const std::int64_t id = All()[1].id;
  ASSERT_TRUE(spool->Discard(std::span(&id, 1)).ok());
  Open();
  EXPECT_EQ(spool->drops().rejected[static_cast<std::size_t>(Priority::kSketch)], 1U);
  EXPECT_EQ(spool->depth().records, 1U);
}

TEST_F(SpoolTest, AFullDiskRefusesTheGroupWholeAndLosesNothing) {
  Open();
  Append({Record(1)});
  ASSERT_TRUE(spool->SetMaxPages(1).ok());  // the present size
  std::vector<Item> large;
  for (std::uint32_t i = 2; i < 40; ++i) {
    large.push_back(Record(i, Priority::kEvent, 3000));
  }
  EXPECT_EQ(spool->Append(large).status().code(), Code::kResourceExhausted);
  EXPECT_EQ(spool->depth().records, 1U);
  EXPECT_EQ(All().size(), 1U);
  ASSERT_TRUE(spool->SetMaxPages(1'000'000).ok());
  EXPECT_EQ(Append(large).size(), large.size());
  EXPECT_EQ(All().size(), 39U);
}

TEST_F(SpoolTest, ALockedFileIsUnavailableAndLosesNothing) {
  Open();
  auto other = host::sqlite::Database::Open(options.path.string());
  ASSERT_TRUE(other.ok());
  {
    auto hold = host::sqlite::Transaction::Begin(*other);
    ASSERT_TRUE(hold.ok());
    const Item item = Record(1);
    EXPECT_EQ(spool->Append(std::span(&item, 1)).status().code(), Code::kUnavailable);
  }
  EXPECT_EQ(Append({Record(1)}), std::vector{Outcome::kStored});
}

TEST_F(SpoolTest, TheRosterIsReplacedWholeAndKept) {
  Open();
  EXPECT_EQ(spool->LoadRoster()->version, 0U);
  Roster roster{7, {{NodeId(17), {std::byte{1}}}, {NodeId(0xFFFFFFFFFFFFFFFFU), {std::byte{2}}}}};
  ASSERT_TRUE(spool->StoreRoster(roster).ok());
  roster = {8, {{NodeId(18), {std::byte{3}}}}};
  ASSERT_TRUE(spool->StoreRoster(roster).ok());
  Open();
  const auto kept = spool->LoadRoster();
  ASSERT_TRUE(kept.ok());
  EXPECT_EQ(kept->version, 8U);
  EXPECT_EQ(kept->members, roster.members);
}

TEST_F(SpoolTest, ADatabaseOfAnotherKindIsRefusedInOneLine) {
  {
    auto other = host::sqlite::Database::Open(options.path.string(),
                                              {.kind = {.id = 0x54726243, .name = "cloud store"}});
    ASSERT_TRUE(other.ok());
  }
  EXPECT_EQ(Spool::Open(options, error).status().code(), Code::kFailedPrecondition);
  EXPECT_NE(error.find("spool.db: not a gateway spool"), std::string::npos) << error;
  EXPECT_EQ(error.find('\n'), std::string::npos);
}

TEST_F(SpoolTest, ABrokenFileSaysSo) {
  FILE* file = std::fopen(options.path.c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fputs("this is not a database, and long enough to be looked at: ............", file);
  for (int i = 0; i < 1000; ++i) {
    std::fputs("nonsense", file);
  }
  std::fclose(file);
  const auto opened = Spool::Open(options, error);
  EXPECT_EQ(opened.status().code(), Code::kDataLoss);
  EXPECT_NE(error.find("spool.db"), std::string::npos) << error;
}

TEST_F(SpoolTest, ASecondGatewayOnTheSameFileIsRefused) {
  Open();
  const auto second = Spool::Open(options, error);
  EXPECT_EQ(second.status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(error, options.path.string() + ": in use by another process");
  EXPECT_EQ(Append({Record(1)}), std::vector{Outcome::kStored}) << "the first works on";
}

TEST_F(SpoolTest, WhatAppendConfirmedSurvivesAKill) {
  int report[2];
  ASSERT_EQ(::pipe(report), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::close(report[0]);
    std::string why;
    auto opened = Spool::Open(options, why);
    for (std::uint32_t i = 1; opened.ok(); ++i) {
      const Item items[] = {Record(2 * i), Record(2 * i + 1)};
      if (!(*opened)->Append(items).ok() || ::write(report[1], &i, sizeof i) != sizeof i) {
        break;
      }
    }
    ::_exit(1);
  }
  ::close(report[1]);
  std::uint32_t confirmed = 0;
  std::uint32_t group = 0;
  while (confirmed < 20 && ::read(report[0], &group, sizeof group) == sizeof group) {
    confirmed = group;
  }
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ::waitpid(child, nullptr, 0);
  while (::read(report[0], &group, sizeof group) == sizeof group) {
    confirmed = group;  // confirmed before the kill, read after it
  }
  ::close(report[0]);
  ASSERT_GE(confirmed, 20U);
  Open();
  const auto records = All();
  EXPECT_GE(records.size(), 2U * confirmed);
  EXPECT_EQ(records.size() % 2, 0U) << "a group is whole or absent";
  EXPECT_EQ(spool->depth().records, records.size());
}

}  // namespace
}  // namespace trib::gateway::spool
