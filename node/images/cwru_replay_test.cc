// One node replays the CWRU recordings through the real package: commissioning on the first 64 % of
// the healthy ones, the two loads in turns, then the rest of them, then every fault.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "../app/test_bench.h"
#include "trib/common/host/package/package.h"
#include "trib/common/host/recording/player.h"
#include "trib/node/sim/paced_sensor.h"
#include "trib/node/sim/sample_source.h"
#include "trib/node/sim/sim_clock.h"
#include "trib/testing/shared_data.h"
#include "trib/tools/adapters/adapters.h"

namespace trib::node::images {
namespace {

using app::testing::KeyOf;
using app::testing::kNode;
using app::testing::Seed;
using app::testing::TestGateway;
using host::recording::Manifest;
using host::recording::Recording;

constexpr double kCommissioningShare = 0.64;
constexpr int kTurns = 3;
constexpr double kRestFrom = 0.66;

struct Outcome {
  std::uint64_t healthy_windows = 0;
  std::uint64_t healthy_over = 0;    // over the threshold
  std::uint64_t healthy_onsets = 0;  // false alarms
  std::uint64_t faulty_windows = 0;
  std::uint64_t faulty_alarmed = 0;  // windows inside an episode
  std::uint64_t recordings = 0;
  std::uint64_t recordings_seen = 0;  // faults with at least one alarmed window
  std::uint64_t records = 0;
  std::uint64_t records_arrived = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_raw = 0;
};

Recording Part(Recording recording, double from, double to) {
  std::vector<std::string> errors;
  const auto extent = host::recording::Measure(recording, errors);
  EXPECT_TRUE(extent.ok());
  const auto frames = static_cast<double>(extent->frames());
  recording.begin_frame = extent->begin + static_cast<std::uint64_t>(frames * from);
  recording.end_frame = extent->begin + static_cast<std::uint64_t>(frames * to);
  return recording;
}

class Replay {
 public:
  Replay(const Manifest& manifest, const std::vector<std::byte>& package) {
    std::vector<std::string> errors;
    auto player = host::recording::Player::Open(manifest, {}, errors);
    EXPECT_TRUE(player.ok()) << (errors.empty() ? "" : errors.front());
    sensor_ = std::make_unique<sim::PacedSensor>(
        std::make_unique<sim::RecordingSource>(*std::move(player)),
        clock_,
        sim::PacedSensor::Options{.pace = 0});
    app::NodeConfig config;
    config.node = kNode;
    config.state_region = {.first = SectorIndex(0), .sectors = 2};
    config.backlog_region = {.first = SectorIndex(2), .sectors = 32};
    config.sensor_silence = Millis(86'400'000);
    loop_ = std::make_unique<app::NodeLoop>(
        app::NodePorts{clock_, *sensor_, link_.a(), flash_, watchdog_, actuator_, entropy_, power_},
        config,
        storage_->memory());
    const crypto::PublicKey key = KeyOf(1);
    EXPECT_TRUE(loop_->Start(package, std::span(&key, 1)).ok());
    EXPECT_TRUE(loop_->package_status().ok()) << "reason " << loop_->package_status().reason();
  }

  Outcome Run() {
    Outcome out;
    bool seen = false;
    std::uint64_t boundaries = 0;
    while (!loop_->source_ended()) {
      const app::NodeMetrics before = loop_->metrics();
      const bool learning = loop_->commissioning_permille() < 1000;
      (void)loop_->Step();
      gateway_.Step();
      const app::NodeMetrics& after = loop_->metrics();
      const bool faulty = sensor_->label() != "normal";
      if (after.windows > before.windows && !learning) {
        const bool alarmed = loop_->state() == app::NodeState::kAlarm;
        (faulty ? out.faulty_windows : out.healthy_windows) += 1;
        out.faulty_alarmed += faulty && alarmed ? 1 : 0;
        out.healthy_over += faulty ? 0 : after.windows_triggered - before.windows_triggered;
        out.healthy_onsets += faulty ? 0 : after.episodes - before.episodes;
        seen = seen || (faulty && alarmed);
      }
      if (loop_->window_metrics().boundaries != boundaries) {
        boundaries = loop_->window_metrics().boundaries;
        out.recordings += faulty ? 1 : 0;
        out.recordings_seen += faulty && seen ? 1 : 0;
        seen = false;
      }
    }
    // The uplink waits in real time before it says Hello.
    const MonotonicTime deadline = clock_.Monotonic() + Millis(60'000);
    while (!loop_->finished() && clock_.Monotonic() < deadline) {
      (void)loop_->Step();
      gateway_.Step();
    }
    EXPECT_EQ(loop_->metrics().windows_invalid, 0U);
    EXPECT_EQ(loop_->learner().state(0), message::CommissioningState::kAccepted)
        << static_cast<int>(loop_->learner().reason());
    EXPECT_EQ(loop_->learner().refusals(), 0U);
    EXPECT_GT(loop_->trigger().distance_threshold(), 0);
    out.records = loop_->metrics().records;
    out.records_arrived = gateway_.records.size();
    out.bytes_sent = loop_->uplink_metrics().bytes_sent;
    out.bytes_raw = loop_->metrics().bytes_raw;
    return out;
  }

 private:
  using Storage = app::NodeLoopStorage<4096, 32, 8192>;
  sim::SimClock clock_{
      {.start = LogicalTime(Millis(1'700'000'000'000)), .synchronised = true, .pace = 0}};
  std::unique_ptr<sim::PacedSensor> sensor_;
  trib::testing::FakeFlash flash_{
      {.sector_bytes = 8192, .sector_count = 34, .program_unit_bytes = 8}};
  trib::testing::LossyLink link_{message::kMaxEnvelopeBytes, {}};
  trib::testing::FakeActuator actuator_;
  trib::testing::FakeWatchdog watchdog_;
  trib::testing::FakeEntropy entropy_{9};
  trib::testing::FakePower power_;
  TestGateway gateway_{link_.b()};
  std::unique_ptr<Storage> storage_ = std::make_unique<Storage>();
  std::unique_ptr<app::NodeLoop> loop_;
};

std::vector<std::byte> BearingPackage() {
  std::string error;
  const char* root = std::getenv("TRIB_SOURCE_DIR");
  const std::filesystem::path spec =
      std::filesystem::path(root != nullptr ? root : ".") / "workloads/bearing/package.toml";
  const auto built = host::package::BuildPackage(spec, &error);
  EXPECT_TRUE(built.ok()) << error;
  const auto package = host::package::SignPackage(*built, Seed(1), &error);
  EXPECT_TRUE(package.ok()) << error;
  return *package;
}

TEST(CwruReplay, RaisesNoAlarmOnTheHealthyMachineAndOneOnEveryFault) {
  TRIB_SHARED_DIR_OR_SKIP(shared);
  std::vector<std::string> errors;
  const auto data = tools::adapters::Import("cwru", shared / "data" / "cwru", errors);
  ASSERT_TRUE(data.ok()) << (errors.empty() ? "" : errors.front());
  const std::vector<std::byte> package = BearingPackage();
  for (const std::string channel : {"DE", "FE"}) {
    std::vector<Recording> healthy;
    std::vector<Recording> faulty;
    for (const Recording& recording : data->recordings) {
      if (recording.file.stem().string().ends_with(channel)) {
        (recording.label == "normal" ? healthy : faulty).push_back(recording);
      }
    }
    ASSERT_FALSE(healthy.empty());
    ASSERT_FALSE(faulty.empty());
    Manifest manifest;
    for (int turn = 0; turn < kTurns; ++turn) {
      for (const Recording& recording : healthy) {
        manifest.recordings.push_back(Part(recording,
                                           kCommissioningShare * turn / kTurns,
                                           kCommissioningShare * (turn + 1) / kTurns));
      }
    }
    for (const Recording& recording : healthy) {
      manifest.recordings.push_back(Part(recording, kRestFrom, 1.0));
    }
    manifest.recordings.insert(manifest.recordings.end(), faulty.begin(), faulty.end());

    Replay replay(manifest, package);
    const Outcome out = replay.Run();
    const double recall =
        static_cast<double>(out.faulty_alarmed) / static_cast<double>(out.faulty_windows);
    std::printf(
        "%s: healthy windows %zu, over %zu, false alarms %zu; faulty windows %zu, recall %.3f; "
        "recordings %zu of %zu; records %zu; raw/sent %zu/%zu\n",
        channel.c_str(),
        out.healthy_windows,
        out.healthy_over,
        out.healthy_onsets,
        out.faulty_windows,
        recall,
        out.recordings_seen,
        out.recordings,
        out.records,
        out.bytes_raw,
        out.bytes_sent);
    EXPECT_EQ(out.records_arrived, out.records);
    EXPECT_EQ(out.recordings, faulty.size());
    // Measured: no healthy window of either channel over the threshold, recall 0.999.
    EXPECT_GE(out.healthy_windows, 35U);
    EXPECT_EQ(out.healthy_onsets, 0U);
    EXPECT_LE(out.healthy_over, 2U);
    EXPECT_EQ(out.recordings_seen, out.recordings);
    EXPECT_GT(recall, 0.99);
    EXPECT_GT(out.bytes_raw, 100 * out.bytes_sent);
  }
}

}  // namespace
}  // namespace trib::node::images
