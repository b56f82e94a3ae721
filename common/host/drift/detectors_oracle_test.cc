// ADWIN, Page-Hinkley, CUSUM, EWMA, DDM and EDDM against recorded runs of other implementations:
// detections to the index, states at checkpoints.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "oracle_files.h"
#include "trib/common/host/drift/adwin.h"
#include "trib/common/host/drift/charts.h"
#include "trib/common/host/drift/ddm.h"
#include "trib/common/host/drift/page_hinkley.h"

namespace trib::host::drift {
namespace {

using Indices = std::vector<std::size_t>;
using trib::drift::Flag;

class AdwinOracle : public Oracle {};

AdwinOptions AdwinOptionsOf(const nlohmann::json& params) {
  AdwinOptions out;
  out.delta = params.at("delta").get<double>();
  out.clock = params.at("clock").get<std::uint32_t>();
  out.max_buckets = params.at("max_buckets").get<std::size_t>();
  out.min_length = params.at("min_window_length").get<std::size_t>();
  out.grace_period = params.at("grace_period").get<std::size_t>();
  out.restart = params.at("reset_on_drift").get<bool>();
  return out;
}

void ExpectAdwinState(const Adwin& adwin, const nlohmann::json& row) {
  EXPECT_EQ(adwin.width(), row[1].get<double>());
  ExpectClose(adwin.total(), row[2].get<double>(), 1e-9);
  ExpectClose(adwin.squares(), row[3].get<double>(), 1e-9);
}

TEST_F(AdwinOracle, TheCurrentVariant) {
  const auto oracle = Load("adwin.json");
  std::size_t cases = 0;
  for (const auto& [name, tests] : oracle.at("current").items()) {
    for (const auto& test : tests) {
      SCOPED_TRACE(name + " " + test.at("params").dump());
      Adwin adwin(AdwinOptionsOf(test.at("params")));
      const auto& checkpoints = test.at("checkpoints_i_width_total_m2");
      const auto& at_detection = test.at("at_detection_width_total_variance");
      std::size_t checkpoint = 0;
      Indices detections;
      const auto& series = Series(name);
      for (std::size_t i = 0; i < series.size(); ++i) {
        if (adwin.Push(series[i])) {
          if (detections.size() < at_detection.size()) {
            ExpectAdwinState(adwin, at_detection[detections.size()]);
          }
          detections.push_back(i);
        }
        if (checkpoint < checkpoints.size() && checkpoints[checkpoint][0].get<std::size_t>() == i) {
          ExpectAdwinState(adwin, checkpoints[checkpoint++]);
        }
      }
      EXPECT_EQ(checkpoint, checkpoints.size());
      EXPECT_EQ(detections, test.at("detections").get<Indices>());
      ++cases;
    }
  }
  EXPECT_EQ(cases, 70U);
}

class PageHinkleyOracle : public Oracle {};

PageHinkleyOptions PageHinkleyOptionsOf(const nlohmann::json& params) {
  PageHinkleyOptions out;
  out.min_values = params.at("min_instances").get<std::uint64_t>();
  out.delta = params.at("delta").get<double>();
  out.threshold = params.at("threshold").get<double>();
  out.forget = params.at("alpha").get<double>();
  return out;
}

TEST_F(PageHinkleyOracle, BothDirections) {
  const auto oracle = Load("page_hinkley.json");
  ASSERT_EQ(oracle.at("cases").size(), 28U);
  for (const auto& test : oracle.at("cases")) {
    SCOPED_TRACE(test.at("series").dump() + test.at("params").dump());
    PageHinkley detector(PageHinkleyOptionsOf(test.at("params")));
    const auto& expected = test.at("river_current");
    const auto& checkpoints = expected.at("ckpt_i_mean_inc_dec_testinc_testdec");
    std::size_t checkpoint = 0;
    Indices detections;
    const auto& series = Series(test.at("series").get<std::string>());
    for (std::size_t i = 0; i < series.size(); ++i) {
      if (detector.Push(series[i])) {
        detections.push_back(i);
      }
      if (checkpoint < checkpoints.size() && checkpoints[checkpoint][0].get<std::size_t>() == i) {
        const auto& row = checkpoints[checkpoint++];
        ExpectClose(detector.mean(), row[1].get<double>(), 1e-9);
        ExpectClose(detector.rising(), row[2].get<double>(), 1e-9);
        ExpectClose(detector.falling(), row[3].get<double>(), 1e-9);
        ExpectClose(detector.rise(), row[4].get<double>(), 1e-9);
        ExpectClose(detector.fall(), row[5].get<double>(), 1e-9);
      }
    }
    EXPECT_EQ(checkpoint, checkpoints.size());
    EXPECT_EQ(detections, expected.at("detections").get<Indices>());
  }
}

class ChartOracle : public Oracle {
 protected:
  Indices Run(const std::string& name, CusumChart& chart, const nlohmann::json& checkpoints) {
    Indices detections;
    std::size_t checkpoint = 0;
    const auto& series = Series(name);
    for (std::size_t i = 0; i < series.size(); ++i) {
      if (chart.Push(series[i]) != Flag::kNone) {
        detections.push_back(i);
      }
      if (checkpoint < checkpoints.size() && checkpoints[checkpoint][0].get<std::size_t>() == i) {
        ExpectSums(chart, checkpoints[checkpoint++], detections, i);
      }
    }
    EXPECT_EQ(checkpoint, checkpoints.size());
    return detections;
  }

  /// The oracle's sums are in the values' units, and stand at what they were when it flagged.
  static void ExpectSums(const CusumChart& chart,
                         const nlohmann::json& row,
                         const Indices& detections,
                         std::size_t i) {
    if (!detections.empty() && detections.back() == i) {
      return;
    }
    const double unit = chart.baseline().deviation();
    ExpectClose(chart.sums().up() * unit, row[2].get<double>(), 1e-9);
    ExpectClose(chart.sums().down() * unit, row[3].get<double>(), 1e-9);
  }

  Indices Run(const std::string& name, EwmaChart& chart) {
    Indices detections;
    const auto& series = Series(name);
    for (std::size_t i = 0; i < series.size(); ++i) {
      if (chart.Push(series[i]) != Flag::kNone) {
        detections.push_back(i);
      }
    }
    return detections;
  }
};

TEST_F(ChartOracle, CusumAndEwma) {
  const auto oracle = Load("cusum_ewma.json");
  ASSERT_EQ(oracle.at("cases").size(), 35U);
  std::size_t sums = 0;
  for (const auto& test : oracle.at("cases")) {
    const auto name = test.at("series").get<std::string>();
    const auto& params = test.at("params");
    SCOPED_TRACE(name + " " + test.at("algo").dump() + params.dump());
    Indices detections;
    if (test.at("algo") == "cusum") {
      CusumChart chart({params.at("min_instances").get<std::uint64_t>(),
                        {params.at("slack").get<double>(), params.at("threshold").get<double>()}});
      detections = Run(name, chart, test.at("ckpt_i_mean_up_dn"));
      ++sums;
    } else {
      EwmaChart chart({params.at("warm").get<std::uint64_t>(),
                       {params.at("lam").get<double>(), params.at("L").get<double>()}});
      detections = Run(name, chart);
    }
    EXPECT_EQ(detections, test.at("detections").get<Indices>());
  }
  EXPECT_EQ(sums, 21U);
}

class ErrorOracle : public Oracle {};

TEST_F(ErrorOracle, DdmAndEddm) {
  const auto oracle = Load("ddm_eddm.json");
  ASSERT_EQ(oracle.at("cases").size(), 3U);
  for (const auto& test : oracle.at("cases")) {
    const auto name = test.at("series").get<std::string>();
    SCOPED_TRACE(name);
    Ddm ddm;
    Eddm eddm;
    Indices detections;
    Indices early;
    Indices warnings;
    const auto& series = Series(name);
    for (std::size_t i = 0; i < series.size(); ++i) {
      const auto trend = ddm.Push(series[i] != 0);
      if (trend == ErrorTrend::kDrift) {
        detections.push_back(i);
      } else if (trend == ErrorTrend::kWarning) {
        warnings.push_back(i);
      }
      if (eddm.Push(series[i] != 0) == ErrorTrend::kDrift) {
        early.push_back(i);
      }
    }
    EXPECT_EQ(detections, test.at("ddm").at("detections").get<Indices>());
    EXPECT_EQ(warnings.size(), test.at("ddm").at("n_warn").get<std::size_t>());
    const auto first = test.at("ddm").at("first_warnings").get<Indices>();
    ASSERT_GE(warnings.size(), first.size());
    warnings.resize(first.size());
    EXPECT_EQ(warnings, first);
    EXPECT_EQ(early, test.at("eddm").at("detections").get<Indices>());
  }
}

}  // namespace
}  // namespace trib::host::drift
