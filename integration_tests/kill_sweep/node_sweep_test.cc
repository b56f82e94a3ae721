// kill -9 of the real node at the steps that it makes on its flash file.
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "kill_switch.h"
#include "river.h"
#include "trib/testing/disk/memory_folder.h"

namespace trib::integration {
namespace {

using testing::disk::Manner;

class NodeSweep : public River {
 protected:
  static constexpr std::uint64_t kNode = 101;

  void SetUp() override {
    ::setenv("TEST_TMPDIR", testing::disk::MemoryFolderOr(::testing::TempDir()).c_str(), 1);
    River::SetUp();
    ASSERT_FALSE(HasFatalFailure());
    StartGateway(1);
    Admit(kNode, 1);
    switch_ = std::make_unique<KillSwitch>(fleet().folder());
    fleet().SetEnvironment("node-101", switch_->Environment());
  }
  /// A node's life, until it has told everything or is dead.
  void Live() {
    auto arguments = Generated(7, 120);
    arguments.insert(arguments.end(), {"--time-scale", "max"});
    StartNode(kNode, arguments);
    // Its reports are read meanwhile, or it would wait for room in the pipe.
    ASSERT_TRUE(tools::launcher::WaitUntil(
        [&] {
          fleet().node(kNode)->ReadLines();
          return fleet().node(kNode)->Poll().has_value();
        },
        kLong))
        << "neither done nor dead";
  }

  void KillAt(std::uint64_t step, Manner manner) {
    switch_->Arm(step, manner);
    Live();
    const auto exit = fleet().node(kNode)->Poll();
    ASSERT_TRUE(exit);
    if (switch_->Disarm()) {
      ASSERT_EQ(exit->signal, SIGKILL) << exit->Describe();
      ++kills_;
    } else {
      ASSERT_TRUE(exit->clean()) << exit->Describe() << fleet().node(kNode)->LastLogLine();
    }
  }

  void SweepLives(std::uint64_t kills) {
    const std::uint64_t begin = switch_->steps();
    Live();
    const std::uint64_t steps = switch_->steps() - begin;
    ASSERT_GT(steps, 0U);
    for (std::uint64_t i = 0; i < kills && !HasFailure(); ++i) {
      // Each life starts on what the kill before left.
      KillAt(1 + (2 * i + 1) * steps / (2 * kills), static_cast<Manner>(i % 3));
    }
    ASSERT_FALSE(HasFailure());
    Live();
    EXPECT_TRUE(tools::launcher::WaitUntil([&] { return Spooled(1) == 0U; }, kLong));
    // Within a boot, numbers rise by one with every record that was made durable: a gap is a record
    // lost, and a number stored twice is refused by the store.
    std::uint64_t records = 0;
    for (const auto& boot : BootsOf(kNode)) {
      EXPECT_EQ(boot.first, 1U) << "boot " << boot.boot;
      EXPECT_EQ(boot.records, boot.last) << "boot " << boot.boot;
      records += boot.records;
    }
    EXPECT_EQ(records, StoredRecords());
    EXPECT_EQ(Query("SELECT coalesce(sum(total), 0) FROM ingest_rejected"), 0);
    EXPECT_EQ(Query("SELECT sum(records) FROM node_total"), static_cast<std::int64_t>(records));
    EXPECT_EQ(Query("SELECT count(DISTINCT epoch) FROM record"), 1) << "its state was lost";
    std::printf(
        "node: %llu kills -9 over %llu steps of its flash file; %llu records in %zu boots, no "
        "gap, no double\n",
        static_cast<unsigned long long>(kills_),
        static_cast<unsigned long long>(steps),
        static_cast<unsigned long long>(records),
        BootsOf(kNode).size());
  }

 private:
  std::unique_ptr<KillSwitch> switch_;
  std::uint64_t kills_ = 0;
};

TEST_F(NodeSweep, EvenlySpread) {
  SweepLives(6);
}

TEST_F(NodeSweep, SlowEvenlySpread) {
  SweepLives(90);
}

}  // namespace
}  // namespace trib::integration
