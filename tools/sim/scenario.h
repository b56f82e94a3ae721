#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "trib/common/base/time.h"

/// What a scenario file says (docs/formats/scenario.md). Times are virtual and count from the
/// start of the scenario unless said otherwise.
namespace trib::tools::sim {

/// What the way between a node and its gateway does to messages, each direction on its own.
struct LinkModel {
  double loss = 0;       ///< probability
  double duplicate = 0;  ///< probability of a second copy
  double reorder = 0;    ///< probability of an additional delay of 1 to 4 x latency
  Millis latency{50};
  Millis spread{50};  ///< latency is uniform in [latency, latency + spread]
};

/// `count` sites alike.
struct SiteSpec {
  std::uint32_t count = 1;
  std::uint32_t nodes = 1;
  LinkModel link;
  std::vector<std::string> machines;  ///< names of mixes; empty: all
};

/// Machines of one kind. Shares are relative to each other.
struct MachineSpec {
  std::string name;
  double share = 1;
  double speed_hz = 29.95;
  double speed_spread = 0.02;  ///< relative, uniform, of each machine from this one
  double level = 1;            ///< of the healthy vibration, relative
};

/// Which nodes something happens to, and when it begins on each: uniform in [from, to].
struct Choice {
  double fraction = 0;               ///< of all nodes, chosen by the seed
  std::vector<std::uint32_t> nodes;  ///< or these, counted from 1
  Millis from{0};
  Millis to{0};
};

enum class MachineFault : std::uint8_t { kOuterRace, kInnerRace, kBall, kCage };

struct FaultSpec {
  Choice choice;
  MachineFault kind = MachineFault::kOuterRace;
  double severity = 1;  ///< final
  Millis growth{0};     ///< from nothing to final
};

enum class SensorFault : std::uint8_t {
  kStuck,
  kClipped,
  kMissing,
  kNonFinite,
  kBadScale,
  kRange,
  kGap,
};

struct SensorFaultSpec {
  Choice choice;
  SensorFault kind = SensorFault::kStuck;
  Millis duration{0};
};

/// A sensor that ages, from the beginning of its choice on.
struct DriftSpec {
  Choice choice;
  double gain_per_day = 0;      ///< relative
  double offset_g_per_day = 0;  ///< g
};

struct OutageSpec {
  enum class What : std::uint8_t {
    kNodes,  ///< the nodes of a site do not reach their gateway
    kCloud,  ///< the gateway does not reach the cloud
  };
  What what = What::kNodes;
  std::vector<std::uint32_t> sites;  ///< counted from 1
  Millis begin{0};
  Millis end{0};
};

/// kill -9, and the start of the same program `down` later.
struct KillSpec {
  std::optional<std::uint32_t> gateway;  ///< counted from 1; none: the cloud
  Millis at{0};
  Millis down{0};
};

struct ClockSpec {
  Millis skew{0};  ///< of the clock at start, uniform in [-skew, skew]
  double ppm = 0;  ///< uniform in [-ppm, ppm], for ever
};

struct Scenario {
  std::string name;
  std::uint64_t seed = 1;
  LogicalTime start{};
  Millis duration{0};
  Millis slice{60'000};
  std::filesystem::path package;  ///< a package specification; relative to the scenario
  Millis boot_spread{10'000};     ///< nodes start within this time
  Millis drain{3'600'000};        ///< longest virtual time for what waits at the end
  std::vector<SiteSpec> sites;
  std::vector<MachineSpec> machines;
  std::vector<FaultSpec> faults;
  std::vector<SensorFaultSpec> sensor_faults;
  std::vector<DriftSpec> drifts;
  std::vector<OutageSpec> outages;
  std::vector<KillSpec> kills;
  ClockSpec clock;

  [[nodiscard]] std::uint32_t site_count() const;
  [[nodiscard]] std::uint32_t node_count() const;
};

/// Reads a file strictly. @returns nullopt with one line per mistake in `errors`.
std::optional<Scenario> LoadScenario(const std::filesystem::path& path,
                                     std::vector<std::string>& errors);
/// The same of a text; `name` stands for the file.
std::optional<Scenario> ParseScenario(std::string_view text,
                                      std::string_view name,
                                      std::vector<std::string>& errors);

/// Gives it another duration ("30m"); outages and kills that would not have ended by then are left
/// out. @returns false, and changes nothing, when the text is no duration.
bool Shorten(Scenario& scenario, std::string_view duration);

/// "2026-03-02T00:00:00Z". @returns nullopt for anything else.
std::optional<LogicalTime> ParseUtc(std::string_view text);

}  // namespace trib::tools::sim
