#include "scenario.h"

#include <charconv>
#include <chrono>
#include <limits>
#include <numeric>
#include <utility>

#include "trib/common/host/config/config_file.h"

namespace trib::tools::sim {
namespace {

using host::config::ConfigFile;
using host::config::Range;
using host::config::Section;

constexpr Range<double> kProbability{0, 1};
constexpr Millis kLongest{std::int64_t{400} * 86'400'000};
constexpr std::uint32_t kMostSites = 1'000;
constexpr std::uint32_t kMostNodes = 20'000;
constexpr std::string_view kMachineFaults[] = {"outer_race", "inner_race", "ball", "cage"};
constexpr std::string_view kSensorFaults[] = {
    "stuck", "clipped", "missing", "nonfinite", "scale", "range", "gap"};
constexpr std::string_view kOutages[] = {"nodes", "cloud"};

template <typename Enum, std::size_t kCount>
Enum Pick(Section& section, const char* key, const std::string_view (&names)[kCount]) {
  const std::string name = section.Enum(key, names);
  for (std::size_t i = 0; i < kCount; ++i) {
    if (name == names[i]) {
      return static_cast<Enum>(i);
    }
  }
  return Enum{};
}

std::uint32_t Count(Section& section, const char* key, std::int64_t fallback, std::int64_t most) {
  return static_cast<std::uint32_t>(section.Int(key, fallback, {1, most}));
}

/// Numbers that count sites or nodes from 1.
std::vector<std::uint32_t> Ordinals(Section& section, const char* key, std::uint32_t most) {
  std::vector<std::uint32_t> out;
  for (const std::int64_t number : section.Ints(key, {1, most})) {
    out.push_back(static_cast<std::uint32_t>(number));
  }
  return out;
}

LinkModel ReadLink(Section& site) {
  LinkModel link;
  link.loss = site.Double("link.loss", link.loss, {0, 0.9});
  link.duplicate = site.Double("link.duplicate", link.duplicate, kProbability);
  link.reorder = site.Double("link.reorder", link.reorder, kProbability);
  // At least a millisecond: an answer never comes at the moment of the question.
  link.latency = site.Duration("link.latency", link.latency, {Millis(1), Millis(60'000)});
  link.spread = site.Duration("link.spread", link.spread, {Millis(0), Millis(60'000)});
  return link;
}

std::vector<SiteSpec> ReadSites(ConfigFile& file) {
  std::vector<SiteSpec> out;
  for (Section& site : file.Tables("site")) {
    SiteSpec spec;
    spec.count = Count(site, "count", 1, kMostSites);
    spec.nodes = Count(site, "nodes", 1, kMostNodes);
    spec.link = ReadLink(site);
    spec.machines = site.Strings("machines");
    out.push_back(std::move(spec));
  }
  if (out.empty()) {
    file.Fail("site", "is missing; give at least one [[site]] with its \"nodes\"");
  }
  return out;
}

std::vector<MachineSpec> ReadMachines(ConfigFile& file) {
  std::vector<MachineSpec> out;
  for (Section& machine : file.Tables("machine")) {
    MachineSpec spec;
    spec.name = machine.String("name");
    spec.share = machine.Double("share", spec.share, {1e-6, 1e6});
    spec.speed_hz = machine.Double("speed_hz", spec.speed_hz, {1, 400});
    spec.speed_spread = machine.Double("speed_spread", spec.speed_spread, {0, 0.5});
    spec.level = machine.Double("level", spec.level, {0.01, 100});
    out.push_back(std::move(spec));
  }
  if (out.empty()) {
    out.push_back({.name = "machine"});
  }
  return out;
}

Choice ReadChoice(Section& section, const Scenario& scenario) {
  Choice choice;
  const bool listed = section.Has("nodes");
  if (listed && section.Has("fraction")) {
    section.Fail("nodes", "and \"fraction\" exclude each other");
  }
  if (listed) {
    choice.nodes = Ordinals(section, "nodes", scenario.node_count());
    (void)section.Double("fraction", 0, kProbability);
  } else {
    choice.fraction = section.Double("fraction", kProbability);
  }
  choice.from = section.Duration("from", {Millis(0), scenario.duration});
  choice.to = section.Duration("to", choice.from, {Millis(0), scenario.duration});
  if (choice.to < choice.from) {
    section.Fail("to", "lies before \"from\"");
  }
  return choice;
}

void ReadWhatHappens(ConfigFile& file, Scenario& out) {
  for (Section& fault : file.Tables("fault")) {
    FaultSpec spec;
    spec.choice = ReadChoice(fault, out);
    spec.kind = Pick<MachineFault>(fault, "kind", kMachineFaults);
    spec.severity = fault.Double("severity", spec.severity, {0.001, 100});
    spec.growth = fault.Duration("growth", spec.growth, {Millis(0), kLongest});
    out.faults.push_back(std::move(spec));
  }
  for (Section& fault : file.Tables("sensor_fault")) {
    SensorFaultSpec spec;
    spec.choice = ReadChoice(fault, out);
    spec.kind = Pick<SensorFault>(fault, "kind", kSensorFaults);
    spec.duration = fault.Duration("duration", {Millis(1), kLongest});
    out.sensor_faults.push_back(std::move(spec));
  }
  for (Section& drift : file.Tables("drift")) {
    DriftSpec spec;
    spec.choice = ReadChoice(drift, out);
    spec.gain_per_day = drift.Double("gain_per_day", 0, {-1, 10});
    spec.offset_g_per_day = drift.Double("offset_g_per_day", 0, {-100, 100});
    out.drifts.push_back(std::move(spec));
  }
  for (Section& outage : file.Tables("outage")) {
    OutageSpec spec;
    spec.what = Pick<OutageSpec::What>(outage, "between_site_and", kOutages);
    spec.sites = Ordinals(outage, "sites", out.site_count());
    spec.begin = outage.Duration("from", {Millis(0), out.duration});
    spec.end = outage.Duration("to", {Millis(0), out.duration});
    if (spec.end <= spec.begin) {
      outage.Fail("to", "must lie after \"from\"");
    }
    if (spec.sites.empty()) {
      outage.Fail("sites", "must name at least one site, counted from 1");
    }
    out.outages.push_back(std::move(spec));
  }
  for (Section& kill : file.Tables("kill")) {
    KillSpec spec;
    const bool cloud = kill.Bool("cloud", false);
    if (cloud == kill.Has("gateway")) {
      kill.Fail("gateway", "(of which site, counted from 1) or cloud = true: give one of the two");
    }
    if (kill.Has("gateway")) {
      spec.gateway = Count(kill, "gateway", 1, out.site_count());
    }
    spec.at = kill.Duration("at", {Millis(0), out.duration});
    spec.down = kill.Duration("down", Millis(0), {Millis(0), out.duration});
    out.kills.push_back(spec);
  }
}

std::optional<Scenario> Read(ConfigFile& file, std::vector<std::string>& errors) {
  Scenario out;
  out.name = file.String("name");
  out.seed = static_cast<std::uint64_t>(
      file.Int("seed", 1, {0, std::numeric_limits<std::int64_t>::max()}));
  const std::string start = file.String("start", "2026-03-02T00:00:00Z");
  if (const auto time = ParseUtc(start)) {
    out.start = *time;
  } else {
    file.Fail("start", "must be a time such as \"2026-03-02T00:00:00Z\"");
  }
  out.duration = file.Duration("duration", {Millis(1'000), kLongest});
  out.slice = file.Duration("slice", out.slice, {Millis(100), Millis(3'600'000)});
  out.package = file.Path("package");
  out.boot_spread = file.Duration("boot_spread", out.boot_spread, {Millis(0), out.duration});
  out.drain = file.Duration("drain", out.drain, {Millis(1'000), kLongest});
  out.sites = ReadSites(file);
  out.machines = ReadMachines(file);
  if (out.node_count() > kMostNodes || out.site_count() > kMostSites) {
    file.Fail("site",
              "tables together have " + std::to_string(out.node_count()) + " nodes at " +
                  std::to_string(out.site_count()) + " sites; at most " +
                  std::to_string(kMostNodes) + " at " + std::to_string(kMostSites) + " fit");
  }
  for (const SiteSpec& site : out.sites) {
    for (const std::string& name : site.machines) {
      bool known = false;
      for (const MachineSpec& machine : out.machines) {
        known = known || machine.name == name;
      }
      if (!known) {
        file.Fail("site", "names a machine that is not there: \"" + name + "\"");
      }
    }
  }
  ReadWhatHappens(file, out);
  out.clock.skew = file.Duration("clock.skew", out.clock.skew, {Millis(0), kLongest});
  out.clock.ppm = file.Double("clock.ppm", out.clock.ppm, {0, 10'000});
  if (!file.Finish().ok()) {
    errors = file.errors();
    return std::nullopt;
  }
  return out;
}

}  // namespace

std::uint32_t Scenario::site_count() const {
  return std::accumulate(
      sites.begin(), sites.end(), 0U, [](std::uint32_t sum, const SiteSpec& site) {
        return sum + site.count;
      });
}

std::uint32_t Scenario::node_count() const {
  return std::accumulate(
      sites.begin(), sites.end(), 0U, [](std::uint32_t sum, const SiteSpec& site) {
        return sum + site.count * site.nodes;
      });
}

std::optional<Scenario> LoadScenario(const std::filesystem::path& path,
                                     std::vector<std::string>& errors) {
  ConfigFile file = ConfigFile::Load(path);
  return Read(file, errors);
}

std::optional<Scenario> ParseScenario(std::string_view text,
                                      std::string_view name,
                                      std::vector<std::string>& errors) {
  ConfigFile file = ConfigFile::Parse(text, name);
  return Read(file, errors);
}

bool Shorten(Scenario& scenario, std::string_view duration) {
  const auto parsed = host::config::ParseDuration(duration);
  if (!parsed || *parsed < Millis(1'000) || *parsed > kLongest) {
    return false;
  }
  scenario.duration = *parsed;
  std::erase_if(scenario.outages, [&](const OutageSpec& outage) { return outage.end > *parsed; });
  std::erase_if(scenario.kills,
                [&](const KillSpec& kill) { return kill.at + kill.down > *parsed; });
  return true;
}

std::optional<LogicalTime> ParseUtc(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00Z";
  if (text.size() != kForm.size()) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == '0' ? !digit : text[i] != kForm[i]) {
      return std::nullopt;
    }
  }
  const auto number = [&](std::size_t at, std::size_t count) {
    int value = 0;
    std::from_chars(text.data() + at, text.data() + at + count, value);
    return value;
  };
  const std::chrono::year_month_day date{std::chrono::year(number(0, 4)),
                                         std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                         std::chrono::day(static_cast<unsigned>(number(8, 2)))};
  if (!date.ok() || number(11, 2) > 23 || number(14, 2) > 59 || number(17, 2) > 59) {
    return std::nullopt;
  }
  const auto seconds = std::chrono::sys_days(date).time_since_epoch() +
                       std::chrono::hours(number(11, 2)) + std::chrono::minutes(number(14, 2)) +
                       std::chrono::seconds(number(17, 2));
  return LogicalTime(std::chrono::duration_cast<Millis>(seconds));
}

}  // namespace trib::tools::sim
