// Temperature, calibration error, entropy and risk against independently computed figures.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "trib/common/host/calibration/calibration.h"
#include "trib/testing/shared_data.h"

namespace trib::host::calibration {
namespace {

class CalibrationOracle : public ::testing::Test {
 protected:
  void SetUp() override {
    TRIB_SHARED_DIR_OR_SKIP(shared);
    std::ifstream in(shared / "oracles/calibration.json");
    ASSERT_TRUE(in.is_open());
    oracle_ = nlohmann::json::parse(in);
    std::ifstream csv(shared / "oracles/calib_logits.csv");
    ASSERT_TRUE(csv.is_open());
    std::string line;
    ASSERT_TRUE(std::getline(csv, line));
    set_.classes = 4;
    while (std::getline(csv, line)) {
      std::stringstream cells(line);
      std::string cell;
      std::getline(cells, cell, ',');
      for (std::size_t c = 0; c < set_.classes; ++c) {
        std::getline(cells, cell, ',');
        set_.logits.push_back(std::stod(cell));
      }
      std::getline(cells, cell, ',');
      set_.labels.push_back(std::stoul(cell));
    }
    ASSERT_EQ(set_.size(), 400U);
  }
  double Expected(const char* key) const { return oracle_.at(key).get<double>(); }
  /// The answers, with another measure of how sure they are.
  template <typename Measure>
  double AreaBy(Measure measure) const {
    const double t = Expected("T_opt");
    auto answers = Answers(set_, t);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      answers[i].confidence = measure(Softmax(set_.row(i), t));
    }
    return RiskCoverageArea(answers);
  }

  nlohmann::json oracle_;
  LogitSet set_;
};

TEST_F(CalibrationOracle, Temperature) {
  const double t = FitTemperature(set_);
  EXPECT_NEAR(t, Expected("T_opt"), 1e-6);
  EXPECT_NEAR(NegativeLogLikelihood(set_, 1), Expected("nll_T1"), 1e-12);
  EXPECT_NEAR(NegativeLogLikelihood(set_, t), Expected("nll_Topt"), 1e-12);
}

TEST_F(CalibrationOracle, ErrorBeforeAndAfter) {
  EXPECT_NEAR(CalibrationError(Answers(set_, 1)), Expected("ece_T1"), 1e-12);
  EXPECT_NEAR(CalibrationError(Answers(set_, Expected("T_opt"))), Expected("ece_Topt"), 1e-12);
  EXPECT_DOUBLE_EQ(Accuracy(Answers(set_, 1)), Expected("accuracy"));
}

TEST_F(CalibrationOracle, ProbabilitiesAndEntropy) {
  const auto& first = oracle_.at("first5_T1");
  for (std::size_t i = 0; i < 5; ++i) {
    const auto p = Softmax(set_.row(i), 1);
    for (std::size_t c = 0; c < 4; ++c) {
      EXPECT_NEAR(p[c], first.at("p")[i][c].get<double>(), 1e-12);
    }
    EXPECT_NEAR(NormalisedEntropy(p), first.at("norm_entropy")[i].get<double>(), 1e-12);
  }
}

TEST_F(CalibrationOracle, CoverageAtThresholds) {
  const auto answers = Answers(set_, 1);
  const auto tempered = Answers(set_, Expected("T_opt"));
  for (const auto& entry : oracle_.at("coverage_at_threshold")) {
    const double threshold = entry.at("maxprob_threshold").get<double>();
    const double coverage = entry.at("coverage").get<double>();
    const auto at = CoverageAt(tempered, threshold);
    EXPECT_DOUBLE_EQ(at.coverage, coverage) << threshold;
    EXPECT_DOUBLE_EQ(at.accuracy, entry.at("accuracy_on_exited").get<double>()) << threshold;
  }
  EXPECT_GT(CoverageAt(answers, 0.9).coverage, CoverageAt(tempered, 0.9).coverage);
}

TEST_F(CalibrationOracle, RiskOverCoverageByThreeMeasures) {
  EXPECT_NEAR(RiskCoverageArea(Answers(set_, Expected("T_opt"))), Expected("aurc_maxprob"), 1e-12);
  EXPECT_NEAR(AreaBy([](const auto& p) { return 1 - NormalisedEntropy(p); }),
              Expected("aurc_entropy"),
              1e-12);
  EXPECT_NEAR(AreaBy([](const auto& p) { return Margin(p); }), Expected("aurc_margin"), 1e-12);
}

}  // namespace
}  // namespace trib::host::calibration
