// Whether the budget of false alarms is kept: fleets in which nothing changes, judged as they would
// be in the field, with the alarms counted.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "simulated_fleet.h"
#include "trib/cloud/drift/monitor.h"
#include "trib/common/host/drift/statistics.h"

namespace trib::cloud::drift {
namespace {

struct Count {
  std::uint32_t weeks = 0;
  std::uint64_t alarms = 0;
};

Count Watch(const FleetModel& model, std::uint32_t weeks) {
  Options options;
  SimulatedFleet fleet(model);
  Monitor monitor(options, {});
  Count out{weeks, 0};
  for (std::uint32_t day = 0; day < options.reference_blocks + 7 * weeks; ++day) {
    const auto blocks = fleet.Day(day);
    const Look look = monitor.Judge(blocks, {}, 0);
    out.alarms += look.alarms.size();
    for (const Alarm& alarm : look.alarms) {
      std::printf("day %u: subject %d/%llu, p %.2g <= %.2g, %zu nodes, %s\n",
                  day,
                  static_cast<int>(alarm.subject.kind),
                  static_cast<unsigned long long>(alarm.subject.id),
                  alarm.p,
                  alarm.threshold,
                  alarm.nodes.size(),
                  alarm.reasoning.c_str());
    }
  }
  return out;
}

void ExpectWithinBudget(const Count& count) {
  const double weeks = count.weeks;
  const double low = host::drift::PoissonLower(count.alarms, 0.975) / weeks;
  const double high = host::drift::PoissonUpper(count.alarms, 0.975) / weeks;
  std::printf("%llu alarms in %u fleet-weeks: %.2f a week [%.2f-%.2f]\n",
              static_cast<unsigned long long>(count.alarms),
              count.weeks,
              static_cast<double>(count.alarms) / weeks,
              low,
              high);
  EXPECT_LE(low, 1.0);
}

TEST(FleetWeeks, TwentyQuietWeeksStayWithinTheBudget) {
  ExpectWithinBudget(Watch(FleetModel(), 20));
}

// Several fleets, as the least p-values hang on the largest blocks of one pool.
TEST(FleetWeeks, SlowHundredWeeksOfFiveFleetsStayWithinTheBudget) {
  Count all;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Count one = Watch({.seed = seed}, 20);
    all.weeks += one.weeks;
    all.alarms += one.alarms;
  }
  ExpectWithinBudget(all);
}

TEST(FleetWeeks, SlowWindowsThatHardlyChangeStayWithinTheBudget) {
  ExpectWithinBudget(Watch({.seed = 2, .window_correlation = 0.95F}, 20));
}

}  // namespace
}  // namespace trib::cloud::drift
