// The templates in double against an independent implementation, and in float against themselves
// in double over real recordings.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "trib/common/dsp/bearing.h"
#include "trib/common/dsp/extractor.h"
#include "trib/testing/feature_fixtures.h"
#include "trib/testing/shared_data.h"

namespace trib::dsp {
namespace {

constexpr double kRate = 12000;

class BearingOracle : public ::testing::Test {
 protected:
  void SetUp() override {
    TRIB_SHARED_DIR_OR_SKIP(shared);
    std::ifstream json(shared / "oracles/bearing_features.json");
    ASSERT_TRUE(json) << "bearing_features.json";
    want_ = nlohmann::json::parse(json);
    std::ifstream csv(shared / "oracles/bearing_signal.csv");
    std::string line;
    std::getline(csv, line);
    while (std::getline(csv, line)) {
      x_.push_back(std::stod(line.substr(line.find(',') + 1)));
    }
    ASSERT_EQ(x_.size(), 4096U);
  }

  [[nodiscard]] ChannelView<double> view() const {
    return ChannelView<double>(std::span<const double>(x_));
  }
  static std::size_t LineAbove(double hz) {
    return static_cast<std::size_t>(std::ceil(hz * 4096 / kRate));
  }
  /// Samples of the envelope in 2-4 kHz.
  [[nodiscard]] std::vector<double> EnvelopeSignal() const {
    std::vector<double> work = x_;
    work.resize(2 * x_.size());
    Envelope<double>(
        work,
        {static_cast<std::uint32_t>(LineAbove(2000)), static_cast<std::uint32_t>(LineAbove(4000))});
    work.resize(x_.size());
    return work;
  }

  nlohmann::json want_;
  std::vector<double> x_;
};

TEST_F(BearingOracle, TimeStatistics) {
  const auto& want = want_["features"];
  const auto sums = Accumulate(view());
  const auto time = Describe<double>(view(), sums);
  const auto shape = DescribeShape(view(), time);
  const auto expect = [&want](const char* name, double got) {
    const double value = want[name].get<double>();
    EXPECT_NEAR(got, value, 1e-9 * std::max(1.0, std::fabs(value))) << name;
  };
  expect("mean", time.mean);
  expect("rms", time.rms);
  expect("std_pop", time.deviation);
  expect("skew", shape.skewness);
  expect("kurtosis_pearson", shape.kurtosis);
  expect("crest", time.crest);
  expect("shape", time.shape);
  expect("impulse", time.impulse);
  expect("margin", MarginFactor(view(), time));
  expect("p2p", time.maximum - time.minimum);
  EXPECT_EQ(ZeroCrossings(view(), sums), want["zcr"].get<std::uint32_t>());
}

TEST_F(BearingOracle, HannBandEnergyFractions) {
  const double mean = Describe<double>(view(), Accumulate(view())).mean;
  std::vector<double> spectrum(x_.size());
  LoadHann(view(), mean, std::span<double>(spectrum));
  RealFft<double>(spectrum);
  const double all = BandPower<double>(spectrum, {0, 2049});
  const auto& edges = want_["band_edges"];
  const auto& fractions = want_["band_energy_fraction_hann_periodic"];
  ASSERT_EQ(edges.size(), fractions.size());
  for (std::size_t i = 0; i < edges.size(); ++i) {
    const auto begin = static_cast<std::uint32_t>(LineAbove(edges[i][0].get<double>()));
    const auto end = static_cast<std::uint32_t>(LineAbove(edges[i][1].get<double>()));
    EXPECT_NEAR(BandPower<double>(spectrum, {begin, end}) / all, fractions[i].get<double>(), 1e-9);
  }
}

TEST_F(BearingOracle, EnvelopeAndItsLines) {
  const auto& want = want_["envelope"];
  auto envelope = EnvelopeSignal();
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_NEAR(envelope[i], want["env_first8"][i].get<double>(), 1e-7);
  }
  SubtractMean<double>(envelope);
  const auto signal = envelope;
  RealFft<double>(envelope);
  EXPECT_EQ((StrongestLine<double>(envelope, {1, 2049})), want["peak_bin"].get<std::size_t>());
  for (const char* name : {"bpfo", "bpfo2", "bpfi"}) {
    const double target = want[name]["target_hz"].get<double>();
    const auto begin = static_cast<std::uint32_t>(LineAbove(target - 7.5));
    const auto end = static_cast<std::uint32_t>(LineAbove(target + 7.5));
    const std::size_t line = StrongestLine<double>(envelope, {begin, end});
    EXPECT_EQ(line, want[name]["bin"].get<std::size_t>()) << name;
    EXPECT_NEAR(LineAmplitude<double>(envelope, line), want[name]["amp"].get<double>(), 1e-7);
  }
  const auto& check = want_["goertzel_check"];
  EXPECT_NEAR(GoertzelAmplitude<double>(signal, check["bin"].get<std::size_t>()),
              check["amp"].get<double>(),
              1e-7);
}

TEST_F(BearingOracle, GeometryMultiples) {
  for (const auto& [name, bearing] : want_["geometry"].items()) {
    const auto got = MultiplesOf<double>(
        bearing["n"].get<int>(), bearing["d_in"].get<double>(), bearing["D_in"].get<double>());
    const auto& want = bearing["mult"];
    EXPECT_NEAR(got.ftf, want["FTF"].get<double>(), 1e-12) << name;
    EXPECT_NEAR(got.bpfo, want["BPFO"].get<double>(), 1e-12) << name;
    EXPECT_NEAR(got.bpfi, want["BPFI"].get<double>(), 1e-12) << name;
    EXPECT_NEAR(got.bsf, want["BSF"].get<double>(), 1e-12) << name;
    EXPECT_NEAR(2 * got.bsf, want["BSF_x2"].get<double>(), 1e-12) << name;
  }
}

TEST(FloatAgainstDouble, StaysWithinTheStatedBoundOverAllRecordings) {
  TRIB_SHARED_DIR_OR_SKIP(shared);
  const Recipe recipe = testing::BearingRecipe(2048, 1024);
  std::vector<float> narrow_scratch(Extractor<float>::RequiredReals(recipe));
  std::vector<double> wide_scratch(narrow_scratch.size());
  Extractor<float> narrow(recipe, narrow_scratch);
  Extractor<double> wide(recipe, wide_scratch);
  std::size_t windows = 0;
  double worst = 0;
  for (const auto& entry : std::filesystem::directory_iterator(shared / "data/cwru")) {
    if (entry.path().extension() != ".i16") {
      continue;
    }
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    std::vector<std::int16_t> samples(bytes.size() / 2);
    std::copy_n(bytes.data(), samples.size() * 2, reinterpret_cast<char*>(samples.data()));
    for (std::size_t begin = 0; begin + recipe.window_frames <= samples.size();
         begin += recipe.hop_frames) {
      const Window window{
          .samples = std::span<const std::int16_t>(samples).subspan(begin, recipe.window_frames),
          .channels = 1,
          .frames = recipe.window_frames,
          .scale = 0.00048828125F,
          .sample_rate_hz = recipe.sample_rate_hz};
      FeatureVector<float> a;
      FeatureVector<double> b;
      ASSERT_TRUE(narrow.Extract(window, a).ok());
      ASSERT_TRUE(wide.Extract(window, b).ok());
      for (std::size_t i = 0; i < b.size(); ++i) {
        const double error = std::fabs(a[i] - b[i]) / std::max(1.0, std::fabs(b[i]));
        worst = std::max(worst, error);
      }
      ++windows;
    }
  }
  RecordProperty("windows", static_cast<int>(windows));
  RecordProperty("worst", std::to_string(worst * 1e9) + "e-9");
  EXPECT_GT(windows, 5000U);
  EXPECT_LE(worst, Extractor<float>::kFloatBound);
  std::printf("float against double: worst %.3g over %zu windows\n", worst, windows);
}

}  // namespace
}  // namespace trib::dsp
