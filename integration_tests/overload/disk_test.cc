// Disks that are full and databases that somebody else has locked, for the gateway and for the
// cloud. Nothing is lost or doubled, nodes are paused instead of sending in vain, and when there is
// room again everything goes on by itself.
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>

#include "crowds.h"
#include "trib/common/host/sqlite/database.h"

namespace trib::integration {
namespace {

using tools::launcher::WaitUntil;
namespace fs = std::filesystem;

class Disk : public Crowds {
 protected:
  void TearDown() override {
    Crowds::TearDown();
    if (!small_.empty()) {
      EXPECT_EQ(::umount2(small_.c_str(), MNT_DETACH), 0) << std::strerror(errno);
      fs::remove(small_);
    }
  }
  /// A file system of `bytes` in memory. @returns false, loudly, where it may not be mounted.
  bool MountSmallDisk(std::size_t bytes) {
    std::string pattern = (fs::temp_directory_path() / "trib_small_XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    const std::string size = "size=" + std::to_string(bytes);
    if (::mount("tmpfs", pattern.c_str(), "tmpfs", 0, size.c_str()) != 0) {
      std::cout << "NOT TESTED: a full disk, as mounting a small one needs root: "
                << std::strerror(errno) << "\n";
      fs::remove(pattern);
      return false;
    }
    small_ = pattern;
    return true;
  }
  /// Fills what is free on the small disk, but for `left` bytes.
  void Fill(std::size_t left) {
    const auto space = fs::space(small_);
    ASSERT_GT(space.available, left);
    std::ofstream out(small_ / "ballast", std::ios::binary);
    out << std::string(space.available - left, 'x');
  }
  static std::string SpoolName() { return "gateway-" + std::to_string(kGateway) + ".spool"; }
  bool Blocked() { return GatewayStats(kGateway)["spool"].value("blocked", false); }

  fs::path small_;
};

TEST_F(Disk, AFullDiskPausesTheGatewaysNodesAndGoesOnWhenTheCloudTakesTheRecords) {
  constexpr std::uint32_t kRecords = 300;
  if (!MountSmallDisk(std::size_t{640} * 1024)) {
    GTEST_SKIP() << "needs root to mount";
  }
  fs::create_symlink(small_ / "spool", fleet().File(SpoolName()));
  ASSERT_NO_FATAL_FAILURE(StartGateway(kGateway));
  ASSERT_NO_FATAL_FAILURE(AdmitCrowd(1, 20));
  fleet().cloud()->Kill();
  Crowd& crowd = StartCrowd(1, 20, "honest", kRecords, 20);
  ASSERT_TRUE(WaitUntil([&] { return Blocked(); }, kLong)) << GatewayStats(kGateway);
  ASSERT_TRUE(WaitUntil(
      [&] {
        return GatewayCount({"link", "credit", "waiting"}) >= 20;
      },
      kLong))
      << GatewayStats(kGateway)["link"];
  EXPECT_EQ(GatewayCount({"link", "credit", "room"}), 0U);
  const auto full = GatewayStats(kGateway);
  EXPECT_FALSE(fleet().CallGateway(kGateway, "doctor", nlohmann::json::object()).value("ok", true));
  ASSERT_NO_FATAL_FAILURE(RestartCloud());
  EXPECT_TRUE(AwaitDelivered(crowd, kLong)) << Look(crowd) << GatewayStats(kGateway);
  ExpectExactly(crowd, kRecords);
  EXPECT_TRUE(WaitUntil([&] { return !Blocked(); }, kLong));
  EXPECT_TRUE(WaitUntil([&] { return GatewayCount({"link", "credit", "grants"}) >= 20U; }, kLong));
  const auto after = GatewayStats(kGateway);
  std::cout << "disk of 640 KiB full with " << full["spool"]["records"] << " records, "
            << after["spool"]["failures"] << " transactions refused, " << after["link"]["credit"]
            << "; all " << 20 * kRecords << " records stored exactly\n";
}

TEST_F(Disk, AFullDiskOfTheCloudPausesGatewaysAndNothingIsLost) {
  constexpr std::uint32_t kRecords = 300;
  if (!MountSmallDisk(std::size_t{8} << 20U)) {
    GTEST_SKIP() << "needs root to mount";
  }
  ASSERT_NO_FATAL_FAILURE(StartGateway(kGateway));
  ASSERT_NO_FATAL_FAILURE(AdmitCrowd(1, 20));
  fleet().cloud()->Kill();
  for (const char* end : {"", "-wal", "-shm"}) {
    const auto file = fleet().File("cloud.db" + std::string(end));
    if (fs::exists(file)) {
      fs::copy_file(file, small_ / ("cloud.db" + std::string(end)));
      fs::remove(file);
    }
  }
  fs::create_symlink(small_ / "cloud.db", fleet().File("cloud.db"));
  ASSERT_NO_FATAL_FAILURE(RestartCloud());
  ASSERT_TRUE(WaitUntil([&] { return CloudCount({"gateways_connected"}) == 1; }, kLong));
  Fill(std::size_t{256} * 1024);
  Crowd& crowd = StartCrowd(1, 20, "honest", kRecords, 20);
  ASSERT_TRUE(WaitUntil([&] { return CloudStats().value("blocked", false); }, kLong))
      << CloudStats();
  ASSERT_TRUE(WaitUntil(
      [&] {
        return GatewayCount({"forward", "pauses"}) >= 1;
      },
      kLong))
      << GatewayStats(kGateway)["forward"];
  // The gateway takes everything meanwhile.
  EXPECT_TRUE(AwaitDelivered(crowd, kLong)) << Look(crowd);
  const auto full = CloudStats();
  fs::remove(small_ / "ballast");
  ExpectExactly(crowd, kRecords);
  EXPECT_TRUE(WaitUntil([&] { return !CloudStats().value("blocked", true); }, kLong));
  std::cout << "full with " << full["records_stored"] << " of " << 20 * kRecords << " records, "
            << CloudStats()["commit_failures"] << " commits refused, flow " << CloudStats()["flow"]
            << "; with room all stored exactly\n";
}

TEST_F(Disk, LockedDatabasesAreWaitedFor) {
  constexpr std::uint32_t kRecords = 60;
  ASSERT_NO_FATAL_FAILURE(StartGateway(kGateway));
  ASSERT_NO_FATAL_FAILURE(AdmitCrowd(1, 10));
  auto spool = host::sqlite::Database::Open(fleet().File(SpoolName()).string());
  auto store = host::sqlite::Database::Open(fleet().File("cloud.db").string());
  ASSERT_TRUE(spool.ok() && store.ok());
  Crowd& crowd = StartCrowd(1, 10, "honest", kRecords, 50);
  {
    auto lock = host::sqlite::Transaction::Begin(*store);
    ASSERT_TRUE(lock.ok());
    ASSERT_TRUE(WaitUntil([&] { return CloudStats().value("blocked", false); }, kLong));
  }
  {
    auto lock = host::sqlite::Transaction::Begin(*spool);
    ASSERT_TRUE(lock.ok());
    ASSERT_TRUE(WaitUntil([&] { return Blocked(); }, kLong)) << GatewayStats(kGateway)["spool"];
  }
  EXPECT_TRUE(AwaitDelivered(crowd, kLong)) << Look(crowd) << GatewayStats(kGateway);
  ExpectExactly(crowd, kRecords);
  EXPECT_TRUE(WaitUntil([&] { return !Blocked() && !CloudStats().value("blocked", true); }, kLong));
}

class FullSpool : public Disk {
 protected:
  FullSpool() { options_.gateway_spool = "max_records = 200\n"; }
  /// Keeps the spool full; lets the cloud take a little of it `cycles` times.
  void Cycles(int cycles, std::uint32_t records) {
    ASSERT_NO_FATAL_FAILURE(StartGateway(kGateway));
    ASSERT_NO_FATAL_FAILURE(AdmitCrowd(1, 20));
    Crowd& crowd = StartCrowd(1, 20, "honest", records, 20);
    std::uint64_t most = 0;
    std::uint64_t memory = 0;
    for (int i = 0; i < cycles; ++i) {
      fleet().cloud()->Kill();
      EXPECT_TRUE(WaitUntil(
          [&] {
            return GatewayCount({"link", "credit", "room"}) == 0 || Look(crowd, "waiting") == 0;
          },
          kLong))
          << GatewayStats(kGateway);
      most = std::max(most, Spooled(kGateway));
      memory = std::max(memory, Memory(fleet().gateway(kGateway)->pid()));
      const std::uint64_t before = GatewayCount({"spool", "deleted"});
      ASSERT_NO_FATAL_FAILURE(RestartCloud());
      EXPECT_TRUE(WaitUntil(
          [&] {
            return GatewayCount({"spool", "deleted"}) > before || Look(crowd, "waiting") == 0;
          },
          kLong));
    }
    EXPECT_LE(most, 200U);
    EXPECT_TRUE(AwaitDelivered(crowd, kLong * 3)) << Look(crowd) << GatewayStats(kGateway);
    ExpectExactly(crowd, records);
    const auto stats = GatewayStats(kGateway);
    EXPECT_GE(Count(stats, {"link", "credit", "pauses"}), 1U);
    std::cout << cycles << " cycles of a full spool of 200: " << 20 * records
              << " records stored exactly; " << stats["spool"]["refused"]
              << " refused by the spool, " << stats["link"]["over_credit"] << " over credit, "
              << stats["link"]["credit"] << ", gateway " << memory / 1024 / 1024 << " MiB\n";
  }
};

TEST_F(FullSpool, NodesArePausedAndGrantedAnew) {
  Cycles(2, 40);
}

TEST_F(FullSpool, SlowThroughManyCycles) {
  Cycles(40, 600);
}

}  // namespace
}  // namespace trib::integration
