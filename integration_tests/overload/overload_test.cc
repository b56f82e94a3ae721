// Nodes that send a hundred times too much, noise, or read no answers, among honest ones; and a
// whole site that reconnects at one moment. Memory stays within what the headers state, the honest
// are served to the last record, and the counters tell who did what.
#include <csignal>
#include <iostream>

#include "crowds.h"

namespace trib::integration {
namespace {

using tools::launcher::WaitUntil;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;
constexpr std::uint64_t kMemory = 16 * kMiB;  // south.memory of these gateways

/// What gateway/link, common/host/zmq and gateway/app state, for `peers` of which `hostile` fill
/// their queues.
std::uint64_t Bound(std::uint64_t base, std::uint64_t peers, std::uint64_t hostile) {
  constexpr std::uint64_t kConnection = std::uint64_t{48} * 1024;  // libzmq's own
  constexpr std::uint64_t kSession = 1024 + std::uint64_t{64} * 80;
  constexpr std::uint64_t kListed =
      std::uint64_t{3} * 512;  // in the published lists and an operator's answer
  constexpr std::uint64_t kQueues = std::uint64_t{16} * 4200 + std::uint64_t{64} * 512;
  // Records that wait stand in link, on their way to the spool and in the group being committed.
  return base + 3 * kMemory + peers * (kConnection + kSession + kListed) + hostile * kQueues;
}

void ExpectWithin(std::uint64_t memory, std::uint64_t bound) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  std::cout << "NOT TESTED: the bound of memory: a sanitizer keeps freed memory and shadows ("
            << memory / kMiB << " MiB, bound " << bound / kMiB << " MiB)\n";
#else
  EXPECT_LE(memory, bound);
#endif
}

class Overload : public Crowds {
 protected:
  Overload() { options_.gateway_south = "memory = \"16MiB\"\n"; }
  std::uint64_t GatewayMemory() { return Memory(fleet().gateway(kGateway)->pid()); }

  void HostileAmongHonest(std::uint64_t honest, std::uint32_t records, bool recover) {
    ASSERT_NO_FATAL_FAILURE(StartGateway(kGateway));
    ASSERT_NO_FATAL_FAILURE(AdmitCrowd(1, honest + 4));
    const std::uint64_t base = GatewayMemory();
    Crowd& greedy = StartCrowd(honest + 1, 2, "greedy", 0, 100);
    Crowd& garbage = StartCrowd(honest + 3, 1, "garbage", 0, 100);
    Crowd& deaf = StartCrowd(honest + 4, 1, "deaf", 0, 20);
    Crowd& crowd = StartCrowd(1, honest, "honest", records, 100);
    std::uint64_t peak = 0;
    EXPECT_TRUE(WaitUntil(
        [&] {
          peak = std::max(peak, GatewayMemory());
          (void)Look(greedy);
          (void)Look(garbage);
          (void)Look(deaf);
          return AwaitDelivered(crowd, std::chrono::milliseconds(100)) &&
                 GatewayCount({"link", "closed", "over_credit"}) >= 2 &&
                 GatewayCount({"link", "closed", "malformed"}) >= 1;
        },
        kLong * 3))
        << Look(crowd) << GatewayStats(kGateway)["link"];
    peak = std::max(peak, GatewayMemory());
    ExpectExactly(crowd, records);
    const std::uint64_t bound = Bound(base, honest + 4, 4);
    ExpectWithin(peak, bound);
    const auto link = GatewayStats(kGateway)["link"];
    EXPECT_GE(Count(link, {"over_credit"}), 512U) << link;
    EXPECT_GE(Count(link, {"dropped", "malformed"}), 16U) << link;
    EXPECT_GE(Count(link, {"dropped", "penalised"}), 1U) << link;
    std::cout << honest << " honest nodes: " << records * honest << " records stored exactly; "
              << Look(greedy, "made") << " greedy, " << Look(garbage, "made") << " garbage and "
              << Look(deaf, "made") << " deaf messages: over credit " << link["over_credit"]
              << " records, penalised " << link["dropped"]["penalised"] << ", closed "
              << link["closed"] << "; memory " << base / kMiB << " -> " << peak / kMiB
              << " MiB, bound " << bound / kMiB << " MiB\n";
    if (!recover) {
      return;
    }
    // Who closed itself out by its manners is served again when it has learned some.
    (void)greedy.process.Stop(kLong);
    (void)garbage.process.Stop(kLong);
    (void)deaf.process.Stop(kLong);
    Crowd& reformed = StartCrowd(honest + 3, 2, "honest", 5, 100);
    EXPECT_TRUE(AwaitDelivered(reformed, kLong * 2)) << Look(reformed);
  }

  /// All connect, deliver, lose their gateway to kill -9, and come back at one moment.
  void Storm(std::uint64_t nodes, std::uint64_t processes) {
    constexpr std::uint32_t kRecords = 2;
    ASSERT_NO_FATAL_FAILURE(StartGateway(kGateway));
    ASSERT_NO_FATAL_FAILURE(AdmitCrowd(1, nodes));
    const std::uint64_t base = GatewayMemory();
    const auto began = std::chrono::steady_clock::now();
    const auto seconds = [&](auto since) {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
    };
    const std::uint64_t each = nodes / processes;
    std::vector<Crowd*> crowds;
    for (std::uint64_t i = 0; i < processes; ++i) {
      crowds.push_back(&StartCrowd(1 + i * each, each, "honest", kRecords, 10));
    }
    const auto all_delivered = [&](std::uint64_t acknowledged) {
      return WaitUntil(
          [&] {
            std::uint64_t sum = 0;
            for (Crowd* crowd : crowds) {
              (void)AwaitDelivered(*crowd, std::chrono::milliseconds(0));
              sum += Look(*crowd, "acknowledged");
            }
            return sum >= acknowledged;
          },
          kLong * 10);
    };
    ASSERT_TRUE(all_delivered(nodes * kRecords)) << GatewayStats(kGateway)["link"];
    const double first = seconds(began);
    const std::uint64_t first_memory = GatewayMemory();

    KillGateway(kGateway);
    for (Crowd* crowd : crowds) {
      crowd->process.Signal(SIGUSR1);
    }
    const auto back = std::chrono::steady_clock::now();
    RestartGateway(kGateway);
    ASSERT_TRUE(all_delivered(2 * nodes * kRecords)) << GatewayStats(kGateway)["link"];
    const double again = seconds(back);
    const std::uint64_t memory = GatewayMemory();
    const std::uint64_t bound = Bound(base, nodes, 0);
    ExpectWithin(first_memory, bound);
    ExpectWithin(memory, bound);
    for (Crowd* crowd : crowds) {
      ExpectExactly(*crowd, std::uint64_t{2} * kRecords);
    }
    const auto stats = GatewayStats(kGateway);
    EXPECT_GE(Count(stats, {"connections", "handshakes"}), nodes);
    EXPECT_GE(Count(stats, {"link", "hellos"}), nodes);
    EXPECT_EQ(Count(stats, {"connections", "accept_failures"}), 0U);
    EXPECT_EQ(Count(stats, {"link", "sessions_closed"}), 0U) << stats["link"];
    std::cout << nodes << " nodes: first delivery after " << first
              << " s; after kill -9 all back and " << nodes * kRecords
              << " records more delivered after " << again << " s; memory " << base / kMiB << " -> "
              << first_memory / kMiB << ", after the storm " << memory / kMiB << " MiB ("
              << (memory - std::min(memory, base)) / nodes / 1024 << " KiB each), bound "
              << bound / kMiB << " MiB; credit " << stats["link"]["credit"] << ", "
              << stats["connections"] << "\n";
  }
};

TEST_F(Overload, GreedyGarbageAndDeafPeersAreBoundedAndTheHonestServed) {
  HostileAmongHonest(20, 20, false);
}

TEST_F(Overload, AReconnectStormIsServedToTheLastRecord) {
  Storm(500, 1);
}

TEST_F(Overload, SlowGreedyGarbageAndDeafPeersForMinutesAndTheirReturn) {
  HostileAmongHonest(100, 600, true);
}

TEST_F(Overload, SlowTenThousandNodesReconnectAtOnce) {
  Storm(10'000, 5);
}

}  // namespace
}  // namespace trib::integration
