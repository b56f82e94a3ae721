#include "evaluate.h"

#include <algorithm>
#include <ctime>
#include <span>
#include <vector>

#include "trib/common/base/random.h"
#include "trib/common/host/drift/statistics.h"

namespace trib::bench::drift {
namespace {

using Values = std::span<const double>;

std::vector<std::size_t> Alarms(const Setting& setting, Values reference, Values coming) {
  const auto detector = setting.make(reference, coming.size());
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < coming.size(); ++i) {
    if (detector->Push(coming[i])) {
      out.push_back(i);
    }
  }
  return out;
}

void CountFalseAlarms(const Series& series, const Setting& setting, int shuffles, Outcome& out) {
  std::vector<double> shuffled(
      series.values.begin(), series.values.begin() + static_cast<std::ptrdiff_t>(series.reference));
  const std::size_t half = shuffled.size() / 2;
  SplitMix64 random(1);
  for (int round = 0; round < shuffles; ++round) {
    for (std::size_t i = shuffled.size(); i > 1; --i) {
      std::swap(shuffled[i - 1], shuffled[random.Next() % i]);
    }
    const Values all = shuffled;
    out.false_alarms += Alarms(setting, all.first(half), all.subspan(half)).size();
    out.calm_values += all.size() - half;
  }
}

/// The least of several runs: neighbours on the machine only ever add.
double NanosecondsPerValue(const Setting& setting, Values reference, Values coming) {
  constexpr int kRuns = 5;
  constexpr std::size_t kLeastValues = 20'000;
  double least = 0;
  for (int run = 0; run < kRuns; ++run) {
    double spent = 0;
    std::size_t values = 0;
    while (values < kLeastValues) {
      const auto detector = setting.make(reference, coming.size());
      const double begin = NowNanoseconds();
      std::size_t fired = 0;
      for (const double value : coming) {
        fired += detector->Push(value) ? 1U : 0U;
      }
      spent += NowNanoseconds() - begin;
      // So that nothing of the loop can be left out.
      values += coming.size() + (fired > coming.size() ? 1 : 0);
    }
    const double each = spent / static_cast<double>(values);
    least = run == 0 ? each : std::min(least, each);
  }
  return least;
}

}  // namespace

double NowNanoseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e9 * static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec);
}

Outcome Evaluate(const Series& series, const Setting& setting, int shuffles) {
  const Values all = series.values;
  const Values reference = all.first(series.reference);
  const Values coming = all.subspan(series.reference);
  Outcome out;
  const auto alarms = Alarms(setting, reference, coming);
  out.times = alarms.size();
  if (!alarms.empty()) {
    out.first = series.reference + alarms.front();
  }
  CountFalseAlarms(series, setting, shuffles, out);
  out.per_value_ns = NanosecondsPerValue(setting, reference, coming);
  return out;
}

Rate PerTenThousand(std::uint64_t events, std::uint64_t values) {
  if (values == 0) {
    return {};
  }
  const double unit = 1e4 / static_cast<double>(values);
  return {static_cast<double>(events) * unit,
          host::drift::PoissonLower(events, 0.975) * unit,
          host::drift::PoissonUpper(events, 0.975) * unit};
}

}  // namespace trib::bench::drift
