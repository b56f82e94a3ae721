// Sliding windows and the maximum mean discrepancy against independently computed figures.
#include <gtest/gtest.h>

#include <cmath>

#include "oracle_files.h"
#include "test_values.h"
#include "trib/common/host/drift/mmd.h"
#include "trib/common/host/drift/statistics.h"
#include "trib/common/host/drift/windows.h"

namespace trib::host::drift {
namespace {

class Windows : public Oracle {};

TEST_F(Windows, QuantilesOfTheExample) {
  const auto example = Load("psi.json").at("quantile_example");
  SplitMix64 random(21);
  std::vector<double> reference(1000);
  std::vector<double> current(500);
  for (auto& x : reference) {
    x = NearlyNormal(random);
  }
  for (auto& x : current) {
    x = 0.3 + NearlyNormal(random);
  }
  const auto edges = QuantileEdges(reference, 10);
  const auto expected = example.at("edges_linear_quantile").get<std::vector<double>>();
  ASSERT_EQ(edges.size(), expected.size());
  for (std::size_t i = 0; i < edges.size(); ++i) {
    EXPECT_NEAR(edges[i], expected[i], 1e-12);
  }
  EXPECT_EQ(CountInBins(reference, edges),
            example.at("counts_ref").get<std::vector<std::uint64_t>>());
  EXPECT_EQ(CountInBins(current, edges),
            example.at("counts_cur").get<std::vector<std::uint64_t>>());
}

TEST_F(Windows, EveryRow) {
  const auto oracle = Load("windowed_ks_psi.json");
  ASSERT_EQ(oracle.at("cases").size(), 5U);
  for (const auto& test : oracle.at("cases")) {
    const auto name = test.at("series").get<std::string>();
    ASSERT_EQ(test.at("ref"), "first 500");
    const std::span<const double> series = Series(name);
    WindowTest::Options options;
    options.window = test.at("window").get<std::size_t>();
    options.step = test.at("step").get<std::size_t>();
    options.floor = 1e-4;
    WindowTest windows(series.first(500), options);
    const double critical = PsiCritical(0.01, 10, 500, static_cast<double>(options.window));
    EXPECT_NEAR(critical, test.at("psi_crit99").get<double>(), 1e-12) << name;

    std::size_t row = 0;
    std::size_t unlikely = 0;
    std::size_t above_critical = 0;
    std::size_t above_tenth = 0;
    std::size_t above_quarter = 0;
    nlohmann::json first_unlikely;
    nlohmann::json first_quarter;
    const auto& rows = test.at("rows_end_D_pStephens_psi");
    for (std::size_t i = 500; i < series.size(); ++i) {
      const auto difference = windows.Push(series[i]);
      if (!difference) {
        continue;
      }
      ASSERT_LT(row, rows.size()) << name;
      const auto& expected = rows[row++];
      ASSERT_EQ(expected[0].get<std::size_t>(), i) << name;
      EXPECT_NEAR(difference->distance, expected[1].get<double>(), 1e-12) << name << " " << i;
      EXPECT_NEAR(difference->p_value, expected[2].get<double>(), 1e-12) << name << " " << i;
      EXPECT_NEAR(difference->stability, expected[3].get<double>(), 1e-12) << name << " " << i;
      if (difference->p_value < 0.001 && unlikely++ == 0) {
        first_unlikely = i;
      }
      above_critical += difference->stability > critical ? 1 : 0;
      above_tenth += difference->stability > 0.1 ? 1 : 0;
      if (difference->stability > 0.25 && above_quarter++ == 0) {
        first_quarter = i;
      }
    }
    EXPECT_EQ(row, test.at("n_windows").get<std::size_t>()) << name;
    EXPECT_EQ(first_unlikely, test.at("first_ks_p_lt_0_001")) << name;
    EXPECT_EQ(unlikely, test.at("n_ks_p_lt_0_001").get<std::size_t>()) << name;
    EXPECT_EQ(first_quarter, test.at("first_psi_gt_0_25")) << name;
    EXPECT_EQ(above_tenth, test.at("n_psi_gt_0_1").get<std::size_t>()) << name;
    EXPECT_EQ(above_quarter, test.at("n_psi_gt_0_25").get<std::size_t>()) << name;
    EXPECT_EQ(above_critical, test.at("n_psi_gt_crit99").get<std::size_t>()) << name;
  }
}

class MmdOracle : public Oracle {};

TEST_F(MmdOracle, ValuesAndPermutations) {
  const auto oracle = Load("mmd.json");
  ASSERT_EQ(oracle.at("cases").size(), 6U);
  SplitMix64 random(31);
  std::vector<double> x(40 * 4);
  std::vector<double> y(30 * 4);
  for (auto* values : {&x, &y}) {
    for (auto& value : *values) {
      value = NearlyNormal(random);
    }
  }
  for (const auto& test : oracle.at("cases")) {
    const auto name = test.at("case").get<std::string>();
    auto changed = y;
    for (auto& value : changed) {
      value = name == "shift0.5" ? value + 0.5 : name == "scale2" ? value * 2 : value;
    }
    const Rows of_x{x, 4};
    const Rows of_y{changed, 4};
    const double bandwidth = test.at("sigma").get<double>();
    EXPECT_NEAR(MedianPairwise(of_x, of_y), test.at("median_pairwise").get<double>(), 1e-12);
    const Mmd mmd(of_x, of_y, bandwidth);
    EXPECT_NEAR(mmd.Biased(), test.at("mmd2_biased").get<double>(), 1e-12) << name;
    EXPECT_NEAR(mmd.Unbiased(), test.at("mmd2_unbiased").get<double>(), 1e-12) << name;
    SplitMix64 shuffles(99);
    EXPECT_NEAR(mmd.PermutationP(200, shuffles), test.at("perm_p").get<double>(), 1e-12)
        << name << " " << bandwidth;
  }
}

}  // namespace
}  // namespace trib::host::drift
