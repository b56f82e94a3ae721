#include "sweep.h"

#include <poll.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "trib/common/host/sqlite/database.h"
#include "trib/testing/disk/memory_folder.h"

namespace trib::integration {
namespace {

using host::sqlite::Database;
using testing::disk::Manner;
using testing::disk::Step;

// Of any kinds that a sweep sends, these fit an envelope.
constexpr std::size_t kPerMessage = 12;

/// As tools::launcher::WaitUntil, but looks every millisecond: a sweep waits often and briefly.
bool Await(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kLong;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) {
      return condition();
    }
    ::poll(nullptr, 0, 1);
  }
  return true;
}

std::optional<std::string> First(const std::filesystem::path& file, const std::string& sql) {
  if (!std::filesystem::exists(file)) {
    return std::nullopt;
  }
  std::string error;
  auto db = Database::Open(file.string(), {.mode = host::sqlite::Mode::kReadOnly}, &error);
  if (!db.ok()) {
    return std::nullopt;
  }
  auto row = db->Prepare(sql);
  if (!row.ok()) {
    return std::nullopt;
  }
  const auto found = row->Step();
  return found.ok() && *found ? std::optional(std::string(row->Text(0))) : std::nullopt;
}

const char* NameOfManner(std::size_t manner) {
  static constexpr std::array kNames = {"before", "torn", "after"};
  return kNames[manner];
}

}  // namespace

void Sweep::SetUp() {
  // A kill leaves the page cache as it is, so no disk is needed.
  ::setenv("TEST_TMPDIR", testing::disk::MemoryFolderOr(::testing::TempDir()).c_str(), 1);
  const char* given = std::getenv("TRIB_SWEEP_SEED");
  seed_ = given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device()();
  random_.seed(seed_);
  River::SetUp();
  ASSERT_FALSE(HasFatalFailure());
  switch_ = std::make_unique<KillSwitch>(fleet().folder());
}

void Sweep::TearDown() {
  PrintTable();
  River::TearDown();
}

void Sweep::Choose(const std::string& victim) {
  victim_ = victim;
  fleet().SetEnvironment(victim, switch_->Environment());
}

void Sweep::StartRiver(const std::string& victim) {
  Choose(victim);
  if (victim == "cloud") {
    fleet().cloud()->Kill();
    RestartCloud();
  }
  StartGateway(kGateway);
  Admit(kNode, kGateway);
  node_ = std::make_unique<StandInNode>(fleet(), kNode, "node-101", kGateway, kEpoch);
  ASSERT_TRUE(node_->Greet(kBoot));
  SendNew(kPerMessage);
  Drain();
  ExpectExactlyOnce();
  ASSERT_GT(switch_->steps(), 0U) << "the victim's steps are not seen";
}

tools::launcher::Process* Sweep::Victim() {
  return victim_ == "cloud" ? fleet().cloud() : fleet().gateway(kGateway);
}

void Sweep::KillVictim() {
  Victim()->Kill();
}

void Sweep::StartVictim() {
  if (node_) {
    node_->Forget();
  }
  const bool started = victim_ == "cloud" ? fleet().StartCloud() : fleet().StartGateway(kGateway);
  if (!started) {
    const auto exit = Victim() != nullptr ? Victim()->Poll() : std::nullopt;
    ASSERT_TRUE(exit && exit->signal == SIGKILL && switch_->Hit())
        << victim_ << " does not start: " << fleet().error();
  }
}

void Sweep::AwaitOrDeath(const std::function<bool()>& condition) {
  ASSERT_TRUE(Await([&] { return VictimDied() || condition(); })) << "neither done nor dead";
}

bool Sweep::Greeted() {
  return node_->Hail(kBoot, std::chrono::milliseconds(100));
}

std::string Sweep::Sealed(std::uint32_t sequence) const {
  return sequence % 2 == 0 ? SealedDeferred(kNode, node_->epoch(), kBoot, sequence)
                           : SealedOther(sequence);
}

std::string Sweep::SealedOther(std::uint32_t sequence) const {
  return node_->Sealed(kBoot, sequence);
}

void Sweep::SendNew(std::uint32_t count) {
  std::vector<std::string> message;
  for (std::uint32_t i = 0; i < count; ++i) {
    message.push_back(Sealed(++sent_));
    if (message.size() == kPerMessage || i + 1 == count) {
      AwaitOrDeath([&] { return node_->TrySendRecords(message); });
      message.clear();
    }
  }
}

std::vector<std::uint32_t> Sweep::Unacknowledged() {
  node_->Listen();
  std::vector<std::uint32_t> open;
  if (node_->durable().size() < sent_) {
    for (std::uint32_t sequence = 1; sequence <= sent_; ++sequence) {
      if (!node_->durable().contains({kEpoch, kBoot, sequence})) {
        open.push_back(sequence);
      }
    }
  }
  return open;
}

bool Sweep::Drained() {
  return Unacknowledged().empty() && SpoolQuery("SELECT count(*) FROM queue") == 0;
}

bool Sweep::DrainOrDeath() {
  auto resend_at = std::chrono::steady_clock::now();
  const bool decided = Await([&] {
    if (VictimDied() || !Greeted()) {
      return VictimDied();
    }
    const auto open = Unacknowledged();
    if (!open.empty() && std::chrono::steady_clock::now() >= resend_at) {
      std::vector<std::string> message;
      for (const std::uint32_t sequence : open) {
        message.push_back(Sealed(sequence));
        if (message.size() == kPerMessage || sequence == open.back()) {
          node_->TrySendRecords(message);
          message.clear();
        }
      }
      resend_at = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
    }
    return open.empty() && SpoolQuery("SELECT count(*) FROM queue") == 0;
  });
  return decided && !VictimDied();
}

void Sweep::Drain() {
  ASSERT_TRUE(DrainOrDeath()) << (VictimDied() ? "it died, " : "it lives, ")
                              << Unacknowledged().size() << " of " << sent_
                              << " records are not acknowledged, "
                              << SpoolQuery("SELECT count(*) FROM queue").value_or(-1)
                              << " in the spool";
}

void Sweep::ExpectExactlyOnce() {
  EXPECT_TRUE(node_->refused().empty());
  EXPECT_EQ(node_->durable().size(), sent_);
  const auto sent = std::to_string(sent_);
  // Everything that was acknowledged lies in the store, under its own key ...
  EXPECT_EQ(StoreText("SELECT count(*) || ' ' || min(sequence) || ' ' || max(sequence) || ' ' || "
                      "count(DISTINCT epoch || '/' || boot || '/' || sequence) FROM record "
                      "WHERE node = 101"),
            sent + " 1 " + sent + " " + sent);
  // ... nothing was dropped or refused, and every sum has counted each record once.
  EXPECT_EQ(StoreText("SELECT coalesce(sum(total), 0) FROM gateway_drop"), "0");
  EXPECT_EQ(StoreText("SELECT coalesce(sum(total), 0) FROM ingest_rejected"), "0");
  EXPECT_EQ(StoreText("SELECT records FROM node_total WHERE node = 101"), sent);
  EXPECT_EQ(StoreText("SELECT sum(records) FROM rollup_minute WHERE node = 101"), sent);
  EXPECT_EQ(StoreText("SELECT sum(stored) FROM gateway_total"), sent);
  EXPECT_EQ(SpoolText("SELECT group_concat(name || ' ' || value) FROM (SELECT name, value FROM "
                      "counter WHERE name IN ('records', 'bytes') ORDER BY name)"),
            "bytes 0,records 0");
  EXPECT_EQ(SpoolText("SELECT coalesce(sum(total), 0) FROM dropped"), "0");
  // Deferred windows, of which nobody here knows the network, wait where they have come to.
  EXPECT_EQ(SpoolText("SELECT count(*) FROM deferred"), "0");
  if (all_noted_) {
    EXPECT_EQ(StoreText("SELECT count(*) FROM undecided u JOIN record r ON r.id = u.record"),
              std::to_string(sent_ / 2));
  }
}

std::optional<std::int64_t> Sweep::SpoolQuery(const std::string& sql) {
  const auto text = First(fleet().File("gateway-1.spool"), sql);
  return text ? std::optional<std::int64_t>(std::strtoll(text->c_str(), nullptr, 10))
              : std::nullopt;
}
std::string Sweep::SpoolText(const std::string& sql) {
  return First(fleet().File("gateway-1.spool"), sql).value_or("no answer");
}
std::string Sweep::StoreText(const std::string& sql) {
  return First(fleet().File("cloud.db"), sql).value_or("no answer");
}

void Sweep::Recover(const Phase& phase) {
  if (switch_->Disarm()) {
    ASSERT_TRUE(Victim()->Wait(kLong)) << "it was told to die and lives";
  }
  if (VictimDied()) {
    const auto exit = Victim()->Poll();
    EXPECT_TRUE(exit->clean() || exit->signal == SIGKILL) << exit->Describe();
    StartVictim();
    ASSERT_FALSE(HasFatalFailure());
  }
  Verify();
  ASSERT_FALSE(HasFatalFailure());
  phase.check();
}

void Sweep::SweepPhase(const Phase& phase, std::size_t kills) {
  if (HasFailure()) {
    return;  // one failure is a story; the rest of the sweep would only follow from it
  }
  const auto run = [&] {
    phase.prepare();
    ASSERT_FALSE(HasFatalFailure());
  };
  // Without a kill, to learn the steps; twice for a long sweep, since what came before the phase
  // may have left more to do than each kill will.
  const int rehearsals = kills < 20 ? 1 : 2;
  std::uint64_t begin = 0;
  std::uint64_t steps = 0;
  for (int i = 1; i <= rehearsals; ++i) {
    run();
    begin = switch_->steps();
    phase.provoke();
    steps = switch_->steps() - begin;
    if (i < rehearsals) {
      Recover(phase);
    }
    ASSERT_FALSE(HasFatalFailure());
  }
  ASSERT_GT(steps, 0U) << phase.name;
  std::vector<std::pair<std::uint64_t, Manner>> plan;
  for (std::uint64_t n = 1; n <= steps; ++n) {
    plan.emplace_back(n, Manner::kBefore);
    if (switch_->note(begin + n).step == Step::kWrite) {
      plan.emplace_back(n, Manner::kTorn);
    }
    plan.emplace_back(n, Manner::kAfter);
  }
  Recover(phase);
  if (plan.size() > kills) {
    std::vector<std::pair<std::uint64_t, Manner>> spread;
    for (std::size_t i = 0; i < kills; ++i) {
      spread.push_back(plan[(2 * i + 1) * plan.size() / (2 * kills)]);
    }
    plan = spread;
  }
  for (const auto& [n, manner] : plan) {
    ASSERT_FALSE(HasFatalFailure());
    const bool before = HasFailure();
    run();
    switch_->Arm(n, manner);
    phase.provoke();
    Recover(phase);
    Count(phase.name, manner, HasFailure() != before);
    ASSERT_FALSE(HasFailure()) << phase.name << ": killed " << NameOfManner(std::size_t(manner))
                               << " step " << n << " of " << steps;
  }
}

void Sweep::SweepRecovery(const Phase& phase, std::size_t rounds) {
  if (HasFailure()) {
    return;
  }
  std::uint64_t steps = 40;
  for (std::size_t round = 0; round < rounds; ++round) {
    phase.prepare();
    ASSERT_FALSE(HasFatalFailure());
    const std::uint64_t begin = switch_->steps();
    const auto first = static_cast<Manner>(random_() % 3);
    switch_->Arm(1 + random_() % steps, first);
    phase.provoke();
    if (!switch_->Disarm()) {
      steps = std::max<std::uint64_t>(switch_->steps() - begin, 1);  // fewer than was thought
      Recover(phase);
      continue;
    }
    Count(phase.name, first, false);
    ASSERT_TRUE(Victim()->Wait(kLong)) << "it was told to die and lives";
    const std::uint64_t step = 1 + random_() % 24;
    const auto second = static_cast<Manner>(random_() % 3);
    switch_->Arm(step, second);
    StartVictim();
    ASSERT_FALSE(HasFatalFailure());
    if (!VictimDied()) {
      DrainOrDeath();
    }
    Recover(phase);
    Count(phase.name + ", then its restart", second, HasFailure());
    ASSERT_FALSE(HasFailure()) << phase.name << ": second kill "
                               << NameOfManner(std::size_t(second)) << " step " << step << ", seed "
                               << seed_;
  }
}

void Sweep::Count(const std::string& phase, Manner manner, bool failed) {
  const auto hit = switch_->Hit();
  if (!hit) {
    ++not_reached_[phase];
    return;
  }
  std::string step = NameOf(hit->step);
  if (hit->step != Step::kSyncFolder) {
    step += " ";
    step += hit->name.data();
  }
  step.resize(step.find_last_not_of("0123456789") + 1);  // a draft's name ends in a process number
  Tally& tally = table_[{phase, step}][static_cast<std::size_t>(manner)];
  ++tally.kills;
  tally.failed += failed ? 1U : 0U;
  ++kills_;
}

void Sweep::PrintTable() {
  if (table_.empty()) {
    return;
  }
  std::printf(
      "%-48s %-30s %7s %7s %7s  %s\n", "phase", "killed at", "before", "torn", "after", "result");
  std::uint64_t failed = 0;
  for (const auto& [where, tallies] : table_) {
    std::uint64_t bad = 0;
    for (const Tally& tally : tallies) {
      bad += tally.failed;
    }
    failed += bad;
    std::printf("%-48s %-30s %7llu %7llu %7llu  %s\n",
                where.first.c_str(),
                where.second.c_str(),
                static_cast<unsigned long long>(tallies[0].kills),
                static_cast<unsigned long long>(tallies[1].kills),
                static_cast<unsigned long long>(tallies[2].kills),
                bad == 0 ? "exactly once" : "FAILED");
  }
  for (const auto& [phase, count] : not_reached_) {
    std::printf("%-48s %llu planned kills came after the last step\n",
                phase.c_str(),
                static_cast<unsigned long long>(count));
  }
  std::printf(
      "%s: %llu kills -9, %llu failed; %u records sent, all acknowledged = stored, drops 0, "
      "doubles 0%s; seed %llu\n",
      victim_.c_str(),
      static_cast<unsigned long long>(kills_),
      static_cast<unsigned long long>(failed),
      sent_,
      HasFailure() ? ": NOT SHOWN" : "",
      static_cast<unsigned long long>(seed_));
  (void)std::fflush(stdout);
}

}  // namespace trib::integration
