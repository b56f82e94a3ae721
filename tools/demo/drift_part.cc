#include "drift_part.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>

namespace trib::tools::demo {
namespace {

using nlohmann::json;

constexpr std::uint64_t kFirstPump = 201;
constexpr std::size_t kPumps = 8;
/// So little that the pump's own trigger does not notice.
constexpr const char* kGain = "1.05";
/// Of a pump's time. A block is as long as a sketch of the package covers.
constexpr double kBlockSeconds = 60;
constexpr double kReferenceBlocks = 20;
/// Which pumps' sensors drift, and how many blocks after their first.
constexpr std::array<std::pair<std::size_t, double>, 2> kDrifting = {
    {{2, kReferenceBlocks + 3}, {5, kReferenceBlocks + 6}}};
/// Of the demo's time: when the last of them begins, and when the pumps have played all.
constexpr double kLastDriftAt = 0.5;
constexpr double kPlayed = 0.75;

std::int64_t WallMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

double Seconds(std::int64_t from_ms, std::int64_t to_ms) {
  return static_cast<double>(to_ms - from_ms) / 1000;
}

/// That `alarm` names the node.
void NoteAlarm(const json& alarm,
               const std::string& id,
               Snapshot& snapshot,
               std::vector<std::string>& news) {
  const auto found = snapshot.nodes.find(std::stoull(id));
  if (found == snapshot.nodes.end() || !found->second.drift_ms) {
    if (snapshot.drift.others.insert(id).second) {
      news.push_back("drift alarm: node " + id + ", whose sensor does not drift");
    }
    return;
  }
  Snapshot::Node& node = found->second;
  if (node.delay_s) {
    return;
  }
  std::array<char, 64> text{};
  node.delay_s = Seconds(*node.drift_ms, alarm.value("raised_ms", std::int64_t{0}));
  std::snprintf(text.data(), text.size(), ", p %.2g", alarm.value("p", 1.0));
  node.cause = alarm.value("cause", "unknown") + text.data();
  std::snprintf(text.data(), text.size(), " after %.1f s, cause ", *node.delay_s);
  news.push_back("drift alarm: node " + id + text.data() + node.cause);
}

}  // namespace

DriftPart::DriftPart(launcher::Fleet& fleet, double seconds, std::uint64_t seed)
    : fleet_(fleet),
      play_seconds_(kPlayed * seconds),
      pace_(kDrifting.back().second * kBlockSeconds / (kLastDriftAt * seconds)),
      seed_(seed) {
  for (std::size_t i = 0; i < kPumps; ++i) {
    pumps_.push_back({.node = kFirstPump + i, .drift_second = 0});
  }
  for (const auto& [index, block] : kDrifting) {
    pumps_[index].drift_second = block * kBlockSeconds;
  }
}

std::string DriftPart::CloudLines() {
  // A week of so many blocks: with fewer reference blocks than twice that, no pump alone could be
  // an alarm. Two windows a second make a block of 120, and noise moves the stability index of so
  // few by 0.15, up to 0.5; the drift moves it by more than 2 for its pump, and by less than 1 for
  // all pumps together, so that it is the pump's alarm and nobody else's.
  return "block = \"60s\"\nlook = \"250ms\"\ngrace = \"1d\"\nweek = \"10m\"\n"
         "reference_blocks = 20\nmin_windows = 100\nmin_psi = 1.5\npackages = \"packages\"\n";
}

bool DriftPart::Start(std::uint64_t gateway, Snapshot& snapshot) {
  std::ofstream(fleet_.File("pump.toml"))
      << "spread = 0.1\n[sampling]\nburst_frames = 3072\nperiod = \"1s\"\n";
  const auto package =
      fleet_.SignedPackage(std::filesystem::current_path() / "workloads/bearing/package.toml");
  if (!package) {
    return false;
  }
  std::error_code failed;
  std::filesystem::create_directories(fleet_.File("packages"), failed);
  std::filesystem::copy_file(*package, fleet_.File("packages/pump.trib"), failed);
  snapshot.drift.pace = pace_;
  snapshot.drift.block_s = kBlockSeconds / pace_;
  snapshot.drift.gain = kGain;
  return std::ranges::all_of(pumps_, [&](const Pump& pump) {
    auto& node = snapshot.nodes[pump.node];
    node.gateway = gateway;
    node.pump = true;
    return fleet_.AdmitNode(pump.node, gateway) &&
           fleet_.StartNode(pump.node,
                            {.arguments = Arguments(pump), .package = package->string()});
  });
}

std::vector<std::string> DriftPart::Arguments(const Pump& pump) const {
  std::vector<std::string> out = {"--generate",
                                  std::to_string(seed_ * 1000 + pump.node),
                                  "--machine",
                                  fleet_.File("pump.toml").string(),
                                  "--phases",
                                  "normal:" + std::to_string(pace_ * play_seconds_),
                                  "--time-scale",
                                  std::to_string(pace_),
                                  "--seed",
                                  std::to_string(seed_ + pump.node),
                                  "--exit-when-done",
                                  "--report",
                                  "0.1"};
  if (pump.drift_second > 0) {
    out.insert(
        out.end(),
        {"--inject",
         std::string("gain:") + kGain + "@" + std::to_string(pump.drift_second) + "..1000000"});
  }
  return out;
}

std::vector<std::string> DriftPart::Collect(Snapshot& snapshot) {
  std::vector<std::string> news;
  for (const Pump& pump : pumps_) {
    auto& node = snapshot.nodes[pump.node];
    // Two windows a second, from its start on.
    const double second = node.report.value("windows", 0.0) / 2;
    if (pump.drift_second > 0 && !node.drift_ms && second >= pump.drift_second) {
      // The report tells how long ago it was.
      node.drift_ms =
          WallMs() - static_cast<std::int64_t>(1000 * (second - pump.drift_second) / pace_);
      news.push_back("the sensor of node " + std::to_string(pump.node) + " begins to read " +
                     kGain + " times as much");
    }
  }
  ReadAlarms(snapshot, news);
  return news;
}

void DriftPart::ReadAlarms(Snapshot& snapshot, std::vector<std::string>& news) {
  auto status = fleet_.CallCloud("drift.status", json::object());
  if (status.is_object()) {
    snapshot.drift.status = std::move(status);
  }
  auto history = fleet_.CallCloud("drift.history", {{"limit", 100}});
  if (history.is_object()) {
    snapshot.drift.alarms = history.value("alarms", json::array());
  }
  for (const json& alarm : snapshot.drift.alarms) {
    for (const json& id : alarm.value("nodes", json::array())) {
      NoteAlarm(alarm, id.get<std::string>(), snapshot, news);
    }
  }
}

}  // namespace trib::tools::demo
