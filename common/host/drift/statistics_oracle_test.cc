// KS, PSI and its critical value against independently computed figures and a simulated null.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "oracle_files.h"
#include "trib/common/base/random.h"
#include "trib/common/host/drift/statistics.h"

namespace trib::host::drift {
namespace {

using Bins = std::vector<std::uint64_t>;

class Ks : public Oracle {};

TEST_F(Ks, TwoSamples) {
  const auto oracle = Load("ks_2samp.json");
  ASSERT_EQ(oracle.at("cases").size(), 8U);
  for (const auto& test : oracle.at("cases")) {
    const auto name = test.at("name").get<std::string>();
    const auto a = test.at("a").get<std::vector<double>>();
    const auto b = test.at("b").get<std::vector<double>>();
    const double d = KsStatistic(a, b);
    EXPECT_NEAR(d, test.at("D").get<double>(), 1e-15) << name;
    const auto n = static_cast<double>(a.size());
    const auto m = static_cast<double>(b.size());
    EXPECT_NEAR(KsPValue(d, n, m), test.at("p_stephens").get<double>(), 1e-9) << name;
    const double exact = test.at("p_exact").get<double>();
    EXPECT_NEAR(KsPValueExact(d, a.size(), b.size()) / exact, 1, 1e-9) << name;
  }
}

class Psi : public Oracle {};

TEST_F(Psi, IndicesAndCriticalValues) {
  const auto oracle = Load("psi.json");
  ASSERT_EQ(oracle.at("cases").size(), 6U);
  for (const auto& test : oracle.at("cases")) {
    const auto expected = test.at("expected").get<Bins>();
    const auto actual = test.at("actual").get<Bins>();
    const auto figure = [&](const char* key) { return test.at(key).get<double>(); };
    EXPECT_NEAR(PsiFloored(expected, actual, 1e-4), figure("psi_floor_1e_4"), 1e-12);
    EXPECT_NEAR(PsiFloored(expected, actual, 1e-6), figure("psi_floor_1e_6"), 1e-12);
    EXPECT_NEAR(PsiJeffreys(expected, actual), figure("psi_jeffreys_half"), 1e-12);
    const auto total = [](const Bins& bins) {
      double sum = 0;
      for (const auto count : bins) {
        sum += static_cast<double>(count);
      }
      return sum;
    };
    const double n = total(expected);
    const double m = total(actual);
    EXPECT_NEAR(PsiCritical(0.05, expected.size(), n, m), figure("chi2_crit_95"), 1e-12);
    EXPECT_NEAR(PsiCritical(0.01, expected.size(), n, m), figure("chi2_crit_99"), 1e-12);
  }
  const auto& example = oracle.at("quantile_example");
  const auto reference = example.at("counts_ref").get<Bins>();
  const auto current = example.at("counts_cur").get<Bins>();
  EXPECT_NEAR(
      PsiFloored(reference, current, 1e-4), example.at("psi_floor_1e_4").get<double>(), 1e-12);
  EXPECT_NEAR(
      PsiJeffreys(reference, current), example.at("psi_jeffreys_half").get<double>(), 1e-12);
  EXPECT_NEAR(PsiCritical(0.05, 10, 1000, 500), example.at("chi2_crit_95").get<double>(), 1e-12);
}

class PsiNull : public Oracle {};

/// Our own draws: the index of n values in ten equally likely bins against the exact shares.
std::vector<double> IndicesUnderTheNull(std::size_t n, std::size_t draws) {
  SplitMix64 random(20 + n);
  const Bins reference(10, 1'000'000);
  std::vector<double> out;
  for (std::size_t i = 0; i < draws; ++i) {
    Bins current(10);
    for (std::size_t k = 0; k < n; ++k) {
      ++current[static_cast<std::size_t>(random.Uniform() * 10)];
    }
    out.push_back(PsiFloored(reference, current, 1e-4));
  }
  std::sort(out.begin(), out.end());
  return out;
}

TEST_F(PsiNull, TheCriticalValueHoldsWhereBinsAreFilled) {
  const auto oracle = Load("psi_null.json");
  ASSERT_EQ(oracle.size(), 6U);
  for (const auto& row : oracle) {
    const auto n = row.at("n_current").get<std::size_t>();
    const double critical =
        PsiCritical(0.05, 10, std::numeric_limits<double>::infinity(), static_cast<double>(n));
    EXPECT_NEAR(critical, row.at("crit95_chi2").get<double>(), 1e-12) << n;
    const double simulated = row.at("crit95_sim").get<double>();
    EXPECT_GT(simulated, critical) << "errs low, the less the fuller the bins: " << n;
    if (n >= 200) {
      EXPECT_NEAR(simulated / critical, 1, 0.05) << n;
    }
    const auto indices = IndicesUnderTheNull(n, 2000);
    const auto above = [&](double limit) {
      const auto first = std::upper_bound(indices.begin(), indices.end(), limit);
      return static_cast<double>(indices.end() - first) / static_cast<double>(indices.size());
    };
    // Theirs and ours are counts: five standard deviations of the difference, a thousand draws or
    // more on their side.
    for (const auto& [key, limit] : {std::pair("P_psi_gt_0_1", 0.1), {"P_psi_gt_0_25", 0.25}}) {
      const double theirs = row.at(key).get<double>();
      const double slack =
          5 * std::sqrt((theirs * (1 - theirs) + 1e-3) * (1.0 / 1000 + 1.0 / 2000));
      EXPECT_NEAR(above(limit), theirs, slack) << n << " " << key;
    }
    // By chance, not by quantile: at n = 50 a bin is empty in 5 % of all draws, and the index
    // jumps.
    EXPECT_NEAR(above(simulated), 0.05, 5 * std::sqrt(0.05 * 0.95 * (1.0 / 1000 + 1.0 / 2000)))
        << n;
    RecordProperty("chance_above_critical_" + std::to_string(n), std::to_string(above(critical)));
  }
}

}  // namespace
}  // namespace trib::host::drift
