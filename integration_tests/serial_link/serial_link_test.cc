// Nodes on wires beside those on the network: good wires, bad ones and devices; what arrives, what
// is refused, and what a kill of the gateway costs.
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <fstream>
#include <iostream>
#include <iterator>
#include <thread>

#include "river.h"
#include "run.h"
#include "trib/tools/launcher/link_sim.h"

namespace trib::integration {
namespace {

using nlohmann::json;
using tools::launcher::LinkSim;
using tools::launcher::WaitUntil;

constexpr std::uint64_t kNodes = 4;
constexpr std::uint64_t kFirst = 101;
constexpr std::uint64_t kStranger = 190;

class SerialLink : public River {
 protected:
  void SetUp() override {
    if (options_.gateway_serial.empty()) {
      options_.gateway_serial = {"tcp://127.0.0.1:*"};
    }
    for (std::uint64_t node = kFirst; node < kFirst + kNodes; ++node) {
      options_.serial_nodes.push_back(node);
    }
    River::SetUp();
  }
  void TearDown() override {
    air_.reset();
    River::TearDown();
  }

  void StartAir(std::vector<std::string> arguments) {
    std::string error;
    air_ = LinkSim::Start({.program = fleet().Program("trib-linksim"),
                           .connect = fleet().gateway_serial(1),
                           .arguments = std::move(arguments),
                           .log = fleet().File("linksim.log")},
                          error);
    ASSERT_TRUE(air_) << error;
  }
  /// A fifth lost, some doubled, swapped and changed.
  void StartBadAir(const char* seed) {
    StartAir({"--seed",
              seed,
              "--loss",
              "20",
              "--duplicates",
              "2",
              "--reorder",
              "5",
              "--bit-errors",
              "1e-4"});
  }
  /// Its counters.
  json StopAir() {
    const json air = air_->Stop(kLong);
    EXPECT_TRUE(air.is_object());
    std::cout << StoredRecords() << " records; on air " << air << "\n";
    return air;
  }
  static std::vector<std::string> Playing(std::uint64_t node, double seconds) {
    auto arguments = Generated(node, seconds);
    arguments.insert(arguments.end(), {"--time-scale", "40"});
    return arguments;
  }
  void StartNodes(double seconds, const std::vector<std::string>& more = {}) {
    for (std::uint64_t node = kFirst; node < kFirst + kNodes; ++node) {
      Admit(node, 1);
      auto arguments = Playing(node, seconds);
      arguments.insert(arguments.end(), more.begin(), more.end());
      StartNode(node, arguments, "", air_->endpoint());
    }
  }
  void ExpectAllExactlyOnce(std::uint64_t nodes) {
    std::uint64_t made = 0;
    for (std::uint64_t node = kFirst; node < kFirst + nodes; ++node) {
      const auto report = AwaitNode(node);
      EXPECT_EQ(report.value("records_dropped", 1U), 0U);
      made += report["records"].get<std::uint64_t>();
    }
    AwaitStored(made);
    for (std::uint64_t node = kFirst; node < kFirst + nodes; ++node) {
      ExpectExactlyOnce(node, Report(node)["records"].get<std::uint64_t>());
    }
    EXPECT_EQ(StoredRecords(), made);
    EXPECT_EQ(Query("SELECT count(*) FROM gateway_drop WHERE total > 0"), 0);
    EXPECT_EQ(Query("SELECT coalesce(sum(total), 0) FROM ingest_rejected"), 0);
  }
  std::string Log(const std::string& name) {
    std::ifstream in(fleet().File(name + ".log"));
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// How the gateway says that a node is connected: "zmq", "serial", or nothing.
  std::string Over(std::uint64_t node) {
    const auto list = fleet().CallGateway(1, "nodes.list", json::object());
    for (const auto& row : list.value("nodes", json::array())) {
      if (row.value("node", "") == std::to_string(node) && row["session"].is_object()) {
        return row["session"].value("over", "");
      }
    }
    return "";
  }

  std::optional<LinkSim> air_;
};

TEST_F(SerialLink, NodesOnWiresAndOnTheNetworkLookTheSame) {
  StartGateway(1);
  Admit(kFirst, 1);
  Admit(kFirst + 1, 1);
  StartNode(kFirst, Playing(kFirst, 60), "", fleet().gateway_serial(1));
  StartNode(kFirst + 1, Playing(kFirst + 1, 60));
  ExpectAllExactlyOnce(2);
  EXPECT_TRUE(WaitUntil([&] { return Over(kFirst) == "serial"; }, kLong));
  EXPECT_TRUE(WaitUntil([&] { return Over(kFirst + 1) == "zmq"; }, kLong));
  const auto serial = GatewayStats(1).at("serial");
  EXPECT_EQ(serial.at("accepted"), 1);
  EXPECT_EQ(serial.at("stations_refused"), 0);
  EXPECT_GT(serial.at("messages_received"), 0);
}

TEST_F(SerialLink, ABadWireCostsTimeAndNothingElse) {
  StartGateway(1);
  StartBadAir("5");
  StartNodes(60);
  ExpectAllExactlyOnce(kNodes);
  const auto serial = GatewayStats(1).at("serial");
  EXPECT_GT(serial.at("retransmissions"), 0);
  EXPECT_GT(serial.at("malformed"), 0) << "bits were flipped";
  const json air = StopAir();
  for (const char* what : {"dropped", "doubled", "reordered", "changed"}) {
    EXPECT_GT(air.at("up").at(what).get<int>() + air.at("down").at(what).get<int>(), 0) << what;
  }
  for (const char* way : {"up", "down"}) {
    const json& m = air.at(way);
    // A fifth, within five deviations.
    const auto frames = m.at("frames").get<double>();
    EXPECT_NEAR(m.at("dropped").get<double>(), frames / 5, 5 * std::sqrt(frames * 0.16)) << way;
  }
}

TEST_F(SerialLink, ANarrowBadWireToo) {
  StartGateway(1);
  StartBadAir("6");
  StartNodes(30, {"--serial-mtu", "51"});
  ExpectAllExactlyOnce(kNodes);
  const json air = StopAir();
  // An opening zero comes on top.
  EXPECT_LE(air.at("up").at("bytes"), air.at("up").at("frames").get<double>() * 52);
}

TEST_F(SerialLink, AGatewayThatIsKilledMidwayLosesNothing) {
  StartGateway(1);
  StartBadAir("7");
  StartNodes(150);
  const std::string wire = fleet().gateway_serial(1);
  for (std::uint64_t round = 1; round <= 3; ++round) {
    AwaitRecords(kFirst, 25 * round);
    KillGateway(1);
    RestartGateway(1);
    EXPECT_EQ(fleet().gateway_serial(1), wire);
  }
  ExpectAllExactlyOnce(kNodes);
  (void)StopAir();
}

TEST_F(SerialLink, WhoIsNotNamedIsRefusedThoughEnrolled) {
  StartGateway(1);
  Admit(kStranger, 1);
  Admit(kFirst, 1);
  StartNode(kStranger, Playing(kStranger, 30), "", fleet().gateway_serial(1));
  ASSERT_TRUE(WaitUntil(
      [&] {
        const json report = Report(kStranger);
        return report.is_object() && report.value("link", "") == "refused";
      },
      kLong))
      << Report(kStranger);
  EXPECT_TRUE(
      WaitUntil([&] { return GatewayStats(1).at("serial").at("stations_refused") >= 1; }, kLong));
  EXPECT_EQ(Over(kStranger), "");
  // It disturbs nobody, and nothing of it was taken.
  StartNode(kFirst, Playing(kFirst, 30), "", fleet().gateway_serial(1));
  ExpectAllExactlyOnce(1);
  EXPECT_TRUE(fleet().node(kStranger)->Stop(kLong).clean());
  EXPECT_NE(Log("node-190").find("until [serial] nodes of its configuration name node 190"),
            std::string::npos)
      << Log("node-190");
  EXPECT_NE(Log("gateway-1").find("station 190 may not speak over a wire"), std::string::npos)
      << Log("gateway-1");
  EXPECT_NE(Log("gateway-1").find("wires are neither encrypted nor authenticated"),
            std::string::npos)
      << Log("gateway-1");
}

TEST_F(SerialLink, OtherMachinesCannotBeNamed) {
  StartGateway(1);
  const std::string config = fleet().File("gateway-1.toml").string();
  const Ran gateway = RunProgram({fleet().Program("trib-gateway"),
                                  "--config",
                                  config,
                                  "--check-config",
                                  "--serial",
                                  "tcp://10.0.0.5:7500"},
                                 fleet().folder());
  EXPECT_EQ(gateway.code, 2);
  EXPECT_EQ(LineCount(gateway.err), 1U) << gateway.err;
  EXPECT_NE(gateway.err.find("--serial: \"tcp://10.0.0.5:7500\" is refused"), std::string::npos)
      << gateway.err;
  EXPECT_NE(gateway.err.find("not encrypted yet"), std::string::npos) << gateway.err;
  const Ran node = RunProgram({fleet().Program("trib-node"),
                               "--id",
                               "7",
                               "--state",
                               fleet().File("x.state").string(),
                               "--generate",
                               "1",
                               "--serial",
                               "tcp://gateway.example:7500"},
                              fleet().folder());
  EXPECT_EQ(node.code, 2);
  EXPECT_EQ(LineCount(node.err), 1U) << node.err;
  EXPECT_NE(node.err.find("not encrypted yet"), std::string::npos) << node.err;
}

/// Two terminal pairs whose near ends are joined by a thread: a cable between two devices.
class Cable {
 public:
  Cable() : stop_(::eventfd(0, EFD_CLOEXEC)) {
    for (auto& end : ends_) {
      std::array<char, 64> path{};
      int far = -1;
      EXPECT_EQ(::openpty(&end.near, &far, path.data(), nullptr, nullptr), 0);
      end.device = path.data();
      // Held open, so that the near end does not hang up while nobody has opened the device.
      end.far = far;
      (void)::fcntl(end.near, F_SETFD, FD_CLOEXEC);
      (void)::fcntl(end.far, F_SETFD, FD_CLOEXEC);
    }
    thread_ = std::thread([this] { Carry(); });
  }
  ~Cable() {
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(stop_, &one, sizeof one), static_cast<ssize_t>(sizeof one));
    thread_.join();
    ::close(stop_);
    for (const auto& end : ends_) {
      ::close(end.near);
      ::close(end.far);
    }
  }
  Cable(const Cable&) = delete;
  Cable& operator=(const Cable&) = delete;
  [[nodiscard]] const std::string& device(std::size_t end) const { return ends_[end].device; }

 private:
  struct End {
    int near = -1;
    int far = -1;
    std::string device;
  };
  void Carry() const {
    std::array<char, 4096> bytes{};
    while (true) {
      std::array<pollfd, 3> watched = {
          {{stop_, POLLIN, 0}, {ends_[0].near, POLLIN, 0}, {ends_[1].near, POLLIN, 0}}};
      (void)::poll(watched.data(), watched.size(), -1);
      if (watched[0].revents != 0) {
        return;
      }
      for (std::size_t from = 0; from < 2; ++from) {
        if (watched[from + 1].revents == 0) {
          continue;
        }
        const ssize_t got = ::read(ends_[from].near, bytes.data(), bytes.size());
        if (got > 0 && ::write(ends_[1 - from].near, bytes.data(), static_cast<size_t>(got)) < 0) {
          return;
        }
      }
    }
  }

  const int stop_;
  std::array<End, 2> ends_;
  std::thread thread_;
};

class SerialDevice : public SerialLink {
 protected:
  void SetUp() override {
    options_.gateway_serial = {cable_.device(0) + "?baud=921600"};
    SerialLink::SetUp();
  }
  Cable cable_;
};

TEST_F(SerialDevice, ANodeAndItsGatewayTalkOverACable) {
  StartGateway(1);
  Admit(kFirst, 1);
  StartNode(kFirst, Playing(kFirst, 60), "", cable_.device(1) + "?baud=921600");
  AwaitRecords(kFirst, 10);
  KillGateway(1);
  RestartGateway(1);
  ExpectAllExactlyOnce(1);
  EXPECT_TRUE(WaitUntil([&] { return Over(kFirst) == "serial"; }, kLong));
}

}  // namespace
}  // namespace trib::integration
