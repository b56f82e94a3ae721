#include "plan.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace trib::tools::sim {
namespace {

// What dice are for; part of what makes a seed repeatable, so never renumbered.
enum Stream : std::uint64_t {
  kBoot = 1,
  kMachine = 2,
  kClock = 3,
  kFirstChoice = 1000,
};

/// The nodes (indices) of a choice and when it begins on each.
struct Chosen {
  std::size_t node = 0;
  VirtualTime begin{0};
};

std::vector<Chosen> Choose(const Choice& choice, std::size_t nodes, const Dice& dice) {
  std::vector<std::size_t> picked;
  if (choice.nodes.empty()) {
    // The first so many of a shuffle: exactly the fraction, whatever the seed.
    std::vector<std::size_t> order(nodes);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return dice.Word(2 * a) < dice.Word(2 * b);
    });
    const auto count =
        static_cast<std::ptrdiff_t>(std::llround(choice.fraction * static_cast<double>(nodes)));
    picked.assign(order.begin(), order.begin() + count);
  } else {
    for (const std::uint32_t ordinal : choice.nodes) {
      picked.push_back(ordinal - 1);
    }
  }
  std::vector<Chosen> out;
  const auto spread = static_cast<double>((choice.to - choice.from).count());
  for (const std::size_t node : picked) {
    const double part = dice.Uniform(2 * node + 1);
    out.push_back({node, choice.from + Millis(static_cast<std::int64_t>(part * spread))});
  }
  return out;
}

/// The mix that machine number `dice` of a site is of.
std::size_t PickMachine(const Scenario& scenario, const SiteSpec& site, double part) {
  const auto admitted = [&](const MachineSpec& machine) {
    return site.machines.empty() ||
           std::find(site.machines.begin(), site.machines.end(), machine.name) !=
               site.machines.end();
  };
  double total = 0;
  for (const MachineSpec& machine : scenario.machines) {
    total += admitted(machine) ? machine.share : 0;
  }
  double left = part * total;
  std::size_t last = 0;
  for (std::size_t i = 0; i < scenario.machines.size(); ++i) {
    if (!admitted(scenario.machines[i])) {
      continue;
    }
    last = i;
    left -= scenario.machines[i].share;
    if (left < 0) {
      break;
    }
  }
  return last;
}

std::vector<DeadTime> DeadTimesOf(const Scenario& scenario, std::uint32_t site) {
  std::vector<DeadTime> out;
  for (const OutageSpec& outage : scenario.outages) {
    if (outage.what == OutageSpec::What::kNodes &&
        std::find(outage.sites.begin(), outage.sites.end(), site + 1) != outage.sites.end()) {
      out.push_back({outage.begin, outage.end});
    }
  }
  for (const KillSpec& kill : scenario.kills) {
    if (kill.gateway == site + 1) {
      out.push_back({kill.at, kill.at + kill.down});
    }
  }
  return out;
}

}  // namespace

std::vector<NodePlan> MakePlan(const Scenario& scenario) {
  std::vector<NodePlan> plans;
  const Dice boot(scenario.seed, Stream::kBoot);
  const Dice machines(scenario.seed, Stream::kMachine);
  const Dice clocks(scenario.seed, Stream::kClock);
  const auto day = Millis(86'400'000);
  std::uint32_t site_index = 0;
  for (const SiteSpec& site : scenario.sites) {
    for (std::uint32_t copy = 0; copy < site.count; ++copy, ++site_index) {
      const std::vector<DeadTime> dead = DeadTimesOf(scenario, site_index);
      for (std::uint32_t i = 0; i < site.nodes; ++i) {
        const std::uint64_t n = plans.size();
        NodePlan plan;
        plan.node = NodeId(kFirstNode + n);
        plan.index = plans.size();
        plan.site = site_index;
        plan.seed = SplitMix64::Mix(scenario.seed ^ SplitMix64::Mix(plan.node.value()));
        plan.boot = Millis(static_cast<std::int64_t>(
            boot.Uniform(n) * static_cast<double>(scenario.boot_spread.count())));
        plan.link = site.link;
        plan.dead = dead;
        plan.skew = Millis(static_cast<std::int64_t>(
            clocks.Signed(2 * n) * static_cast<double>(scenario.clock.skew.count())));
        plan.ppm = clocks.Signed(2 * n + 1) * scenario.clock.ppm;
        plan.machine = PickMachine(scenario, site, machines.Uniform(2 * n));
        const MachineSpec& spec = scenario.machines[plan.machine];
        plan.speed_hz = spec.speed_hz * (1 + machines.Signed(2 * n + 1) * spec.speed_spread);
        plan.level = spec.level;
        plan.time_of_day_s =
            static_cast<double>(((scenario.start.time_since_epoch() + plan.boot) % day).count()) /
            1000;
        plans.push_back(std::move(plan));
      }
    }
  }
  std::uint64_t stream = Stream::kFirstChoice;
  for (const FaultSpec& spec : scenario.faults) {
    for (const Chosen& chosen : Choose(spec.choice, plans.size(), {scenario.seed, stream})) {
      plans[chosen.node].faults.push_back({spec.kind, chosen.begin, spec.growth, spec.severity});
    }
    ++stream;
  }
  for (const SensorFaultSpec& spec : scenario.sensor_faults) {
    for (const Chosen& chosen : Choose(spec.choice, plans.size(), {scenario.seed, stream})) {
      plans[chosen.node].sensor_faults.push_back(
          {spec.kind, chosen.begin, chosen.begin + spec.duration});
    }
    ++stream;
  }
  for (const DriftSpec& spec : scenario.drifts) {
    for (const Chosen& chosen : Choose(spec.choice, plans.size(), {scenario.seed, stream})) {
      plans[chosen.node].drifts.push_back({chosen.begin, spec.gain_per_day, spec.offset_g_per_day});
    }
    ++stream;
  }
  return plans;
}

}  // namespace trib::tools::sim
