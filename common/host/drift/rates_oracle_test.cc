// False alarms and delays, simulated anew, against independently simulated figures.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>

#include "oracle_files.h"
#include "test_values.h"
#include "trib/common/host/drift/adwin.h"
#include "trib/common/host/drift/charts.h"
#include "trib/common/host/drift/ddm.h"
#include "trib/common/host/drift/page_hinkley.h"
#include "trib/common/host/drift/statistics.h"
#include "trib/common/host/drift/windows.h"

namespace trib::host::drift {
namespace {

using trib::drift::Flag;
/// A value in, whether it fired out.
using Detector = std::function<bool(double)>;

template <typename D, typename Options>
std::function<Detector()> Of(Options options) {
  return [options] {
    auto detector = std::make_shared<D>(options);
    return [detector](double x) {
      if constexpr (std::is_same_v<decltype(detector->Push(x)), Flag>) {
        return detector->Push(x) != Flag::kNone;
      } else {
        return detector->Push(x);
      }
    };
  };
}

template <typename D>
std::function<Detector()> OfErrors() {
  return [] {
    auto detector = std::make_shared<D>();
    return [detector](double x) { return detector->Push(x != 0) == ErrorTrend::kDrift; };
  };
}

AdwinOptions AdwinWith(double delta, std::uint32_t clock) {
  AdwinOptions out;
  out.delta = delta;
  out.clock = clock;
  return out;
}

struct Subject {
  const char* name;
  std::function<Detector()> make;
  bool errors;  ///< zeros and ones, else normal values
};

std::vector<Subject> Subjects() {
  return {
      {"ADWIN d=.002 clk32", Of<Adwin>(AdwinWith(0.002, 32)), false},
      {"ADWIN d=.05 clk32", Of<Adwin>(AdwinWith(0.05, 32)), false},
      {"ADWIN d=.002 clk1", Of<Adwin>(AdwinWith(0.002, 1)), false},
      {"PH default d=.005 lam=50",
       Of<PageHinkley>(PageHinkleyOptions{30, 0.005, 50, 0.9999}),
       false},
      {"PH d=.25 lam=20", Of<PageHinkley>(PageHinkleyOptions{30, 0.25, 20, 0.9999}), false},
      {"PH d=.1 lam=50", Of<PageHinkley>(PageHinkleyOptions{30, 0.1, 50, 0.9999}), false},
      {"PH d=.1 lam=30", Of<PageHinkley>(PageHinkleyOptions{30, 0.1, 30, 0.9999}), false},
      {"CUSUM k=.5 h=5 warm30", Of<CusumChart>(CusumChart::Options{30, {0.5, 5}}), false},
      {"CUSUM k=.5 h=8 warm200", Of<CusumChart>(CusumChart::Options{200, {0.5, 8}}), false},
      {"CUSUM k=.25 h=15 warm500", Of<CusumChart>(CusumChart::Options{500, {0.25, 15}}), false},
      {"EWMA lam.1 L4 warm200", Of<EwmaChart>(EwmaChart::Options{200, {0.1, 4}}), false},
      {"EWMA lam.05 L4.5 warm500", Of<EwmaChart>(EwmaChart::Options{500, {0.05, 4.5}}), false},
      {"ADWIN .002 Bern", Of<Adwin>(AdwinWith(0.002, 32)), true},
      {"DDM Bern", OfErrors<Ddm>(), true},
      {"EDDM Bern", OfErrors<Eddm>(), true},
      {"PH default Bern", Of<PageHinkley>(PageHinkleyOptions{30, 0.005, 50, 0.9999}), true},
      {"PH d=.01 lam=15 Bern", Of<PageHinkley>(PageHinkleyOptions{30, 0.01, 15, 0.9999}), true},
  };
}

/// `level` is the mean of normal values, or the chance of a one.
double DrawFor(const Subject& subject, double level, SplitMix64& random) {
  return subject.errors ? (random.Uniform() < level ? 1.0 : 0.0) : level + NearlyNormal(random);
}

constexpr double kErrorRate = 0.1;

struct Delays {
  double mean = 0;
  double ninth_decile = 0;
  double deviation = 0;
  double missed = 0;  ///< share
};

/// 1,000 values in control, then up to 2,000 shifted: values until it fires, where it fires at all.
Delays DelaysOf(const Subject& subject, double shift, int rounds, SplitMix64& random) {
  Baseline delays;
  std::vector<double> all;
  int missed = 0;
  for (int round = 0; round < rounds; ++round) {
    const auto detector = subject.make();
    for (int i = 0; i < 1000; ++i) {
      detector(DrawFor(subject, subject.errors ? kErrorRate : 0, random));
    }
    int delay = 0;
    while (delay < 2000 && !detector(DrawFor(subject, shift, random))) {
      ++delay;
    }
    if (delay < 2000) {
      delays.Add(delay);
      all.push_back(delay);
    } else {
      ++missed;
    }
  }
  const auto deciles = QuantileEdges(all, 10);
  return {delays.mean(),
          deciles.empty() ? 0 : deciles.back(),
          delays.deviation(),
          static_cast<double>(missed) / rounds};
}

class Rates : public Oracle {};

TEST_F(Rates, FalseAlarmsInControl) {
  const auto results = Load("drift_fpr_delay.json").at("results");
  constexpr int kRuns = 40;
  constexpr int kValues = 10'000;
  // Theirs are multiples of 0.05 in 10,000: twenty runs of 10,000.
  constexpr double kTheirRuns = 20;
  for (const auto& subject : Subjects()) {
    SplitMix64 random(7);
    std::uint64_t alarms = 0;
    for (int run = 0; run < kRuns; ++run) {
      const auto detector = subject.make();
      for (int i = 0; i < kValues; ++i) {
        alarms += detector(DrawFor(subject, subject.errors ? kErrorRate : 0, random)) ? 1U : 0U;
      }
    }
    const double theirs = results.at(subject.name)[0].get<double>();
    const double ours = static_cast<double>(alarms) / kRuns;
    RecordProperty(std::string("false_alarms_per_10000 ") + subject.name, std::to_string(ours));
    // Both are counts: 20 %, or exact limits that do not meet with a chance of some 1 in 10^4.
    const auto their_count = static_cast<std::uint64_t>(std::llround(theirs * kTheirRuns));
    const double low = std::max(PoissonLower(alarms, 0.995) / kRuns,
                                PoissonLower(their_count, 0.995) / kTheirRuns);
    const double high = std::min(PoissonUpper(alarms, 0.995) / kRuns,
                                 PoissonUpper(their_count, 0.995) / kTheirRuns);
    EXPECT_TRUE(low <= high || std::abs(ours - theirs) <= 0.2 * theirs)
        << subject.name << ": " << ours << " here, " << theirs << " there";
  }
}

TEST_F(Rates, DelaysAfterAShift) {
  const auto results = Load("drift_fpr_delay.json").at("results");
  constexpr int kRounds = 200;
  constexpr double kTheirRounds = 100;
  for (const auto& subject : Subjects()) {
    const auto& rows = results.at(subject.name);
    ASSERT_EQ(rows.size(), 4U);
    SplitMix64 random(8);
    for (std::size_t k = 1; k < rows.size(); ++k) {
      const double shift = rows[k][0].get<double>();
      const auto delays = DelaysOf(subject, shift, kRounds, random);
      const double mean = rows[k][1].get<double>();
      const double missed = rows[k][3].get<double>();
      // 20 %, or four deviations of the difference of two means over what each side detected. Where
      // the mean exceeds the ninth decile, a few runs make it that fired just before the shift and
      // began anew within it: the decile is compared.
      const double ninth_decile = rows[k][2].get<double>();
      if (mean > ninth_decile) {
        EXPECT_NEAR(delays.ninth_decile, ninth_decile, 0.2 * ninth_decile) << subject.name << shift;
      } else {
        const double of_each =
            1 / (kTheirRounds * (1 - missed)) + 1 / (kRounds * (1 - delays.missed));
        const double slack = std::max(0.2 * mean, 4 * delays.deviation * std::sqrt(of_each));
        EXPECT_NEAR(delays.mean, mean, slack) << subject.name << " " << shift;
      }
      const double share =
          (missed * kTheirRounds + delays.missed * kRounds + 1) / (kTheirRounds + kRounds);
      EXPECT_NEAR(delays.missed,
                  missed,
                  4 * std::sqrt(share * (1 - share) * (1 / kTheirRounds + 1.0 / kRounds)))
          << subject.name << " " << shift;
      RecordProperty(std::string(subject.name) + " " + std::to_string(shift),
                     std::to_string(delays.mean) + " there " + std::to_string(mean) + " missed " +
                         std::to_string(delays.missed) + " there " + std::to_string(missed));
    }
  }
}

}  // namespace
}  // namespace trib::host::drift
