#include "decision.h"

#include <filesystem>
#include <memory>
#include <span>

#include "measure.h"
#include "trib/common/host/package/package.h"
#include "trib/node/app/node_loop.h"
#include "trib/node/sim/file_flash.h"
#include "trib/node/sim/host_ports.h"
#include "trib/node/sim/machine_source.h"
#include "trib/node/sim/paced_sensor.h"
#include "trib/node/sim/sim_clock.h"

namespace trib::bench::path {
namespace {

using namespace trib::node;  // NOLINT(google-build-using-namespace): a node is built here

constexpr std::uint32_t kSectorBytes = 8192;
constexpr std::uint32_t kStateSectors = 4;
constexpr std::uint32_t kBacklogSectors = 64;
using Storage = app::NodeLoopStorage<4096, kBacklogSectors, kSectorBytes>;

/// Notes when samples were handed over.
class TimedSensor final : public Sensor {
 public:
  explicit TimedSensor(Sensor& inner) : inner_(inner) {}
  Result<SampleBlock> Read(std::span<std::int16_t> memory) override {
    auto block = inner_.Read(memory);
    if (block.ok()) {
      read_ = Stopwatch();
    }
    return block;
  }
  [[nodiscard]] std::uint32_t sample_rate_hz() const override { return inner_.sample_rate_hz(); }
  [[nodiscard]] std::uint32_t channels() const override { return inner_.channels(); }
  [[nodiscard]] double since_read_ms() const { return read_.seconds() * 1e3; }

 private:
  Sensor& inner_;
  Stopwatch read_;
};

class TimedActuator final : public Actuator {
 public:
  explicit TimedActuator(const TimedSensor& sensor) : sensor_(sensor) {}
  void Set(ActuatorState /*state*/) override { times_ms.push_back(sensor_.since_read_ms()); }
  std::vector<double> times_ms;

 private:
  const TimedSensor& sensor_;
};

/// The decision waits for no link, so there is none.
class NoLink final : public Link {
 public:
  Status Send(std::span<const std::byte> /*message*/) override { return Code::kUnavailable; }
  Result<std::size_t> Receive(std::span<std::byte> /*memory*/) override {
    return Code::kUnavailable;
  }
  [[nodiscard]] std::size_t max_message_bytes() const override {
    return message::kMaxEnvelopeBytes;
  }
};

}  // namespace

std::vector<double> DecisionTimes(const std::filesystem::path& state_file, std::size_t windows) {
  std::filesystem::remove(state_file);
  std::string error;
  const auto built = host::package::BuildPackage(
      std::filesystem::path(TRIB_SOURCE_DIR) / "workloads/bearing/package.toml", &error);
  crypto::SecretSeed seed;
  seed.bytes.fill(std::byte{7});
  const auto package = built.ok() ? host::package::SignPackage(*built, seed, &error)
                                  : Result<std::vector<std::byte>>(built.status());
  if (!package.ok()) {
    Fail("the reference package: " + error);
  }
  sim::SimClock clock(
      {.start = LogicalTime(Millis(1'760'000'000'000)), .synchronised = true, .pace = 0});
  sim::PacedSensor machine(
      std::make_unique<sim::MachineSource>(sim::MachineSource::Options{}), clock, {.pace = 0});
  TimedSensor sensor(machine);
  TimedActuator actuator(sensor);
  NoLink link;
  const auto flash =
      sim::FileFlash::Open(state_file,
                           {.geometry = {.sector_bytes = kSectorBytes,
                                         .sector_count = kStateSectors + kBacklogSectors,
                                         .program_unit_bytes = 8},
                            .sync = false},
                           error);
  if (!flash.ok()) {
    Fail(error);
  }
  sim::SimWatchdog watchdog;
  sim::SystemEntropy entropy;
  sim::SimPower power(ResetCause::kPowerOn, [](Millis) {});
  const auto storage = std::make_unique<Storage>();
  app::NodeConfig config;
  config.node = NodeId(1);
  config.state_region = {.first = SectorIndex(0), .sectors = kStateSectors};
  config.backlog_region = {.first = SectorIndex(kStateSectors), .sectors = kBacklogSectors};
  config.sensor_silence = Millis(86'400'000);
  const auto loop = std::make_unique<app::NodeLoop>(
      app::NodePorts{clock, sensor, link, **flash, watchdog, actuator, entropy, power},
      config,
      storage->memory());
  const crypto::PublicKey key = crypto::Ed25519KeyPairFromSeed(seed).public_key;
  if (!loop->Start(*package, std::span(&key, 1)).ok() || !loop->package_status().ok()) {
    Fail("the node does not start with the reference package");
  }
  // The trigger decides only with a baseline.
  while (loop->commissioning_permille() < 1000) {
    (void)loop->Step();
    if (loop->metrics().windows > 2000) {
      Fail("the node does not finish commissioning");
    }
  }
  actuator.times_ms.clear();
  const std::uint64_t before = loop->metrics().windows;
  while (loop->metrics().windows - before < windows) {
    (void)loop->Step();
  }
  actuator.times_ms.resize(std::min(windows, actuator.times_ms.size()));
  if (actuator.times_ms.empty()) {
    Fail("the node set its Actuator for no window");
  }
  return actuator.times_ms;
}

}  // namespace trib::bench::path
