// Question  Which window and hop serve a bearing best: how many windows a short commissioning time
//           gives, how often a healthy machine is called ill, and how much of each fault is seen.
// Input     The CWRU recordings at loads 0 and 2, each channel with its own baseline: the first
//           60 % of its normal recording. False alarms are counted on the rest of it, recall on
//           every recording of a fault at the same load.
// Command   ./dev bench recipe
//
// Detector  z of every feature against the baseline's mean and deviation (with the spread floored
//           at kSpreadFloor). Two scores: the root mean square of z, and the greatest |z|, which
//           the node's trigger takes. Alarm above each of the score's thresholds.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "trib/common/dsp/extractor.h"
#include "trib/testing/feature_fixtures.h"
#include "trib/testing/shared_data.h"

namespace {

using namespace trib::dsp;

constexpr double kSpreadFloor = 0.05;
enum class ScoreKind : unsigned char { kRootMeanSquare, kGreatest };
using Thresholds = std::array<double, 3>;
constexpr Thresholds kRmsThresholds = {2.0, 2.5, 3.0};
constexpr Thresholds kGreatestThresholds = {5.0, 7.0, 9.0};
constexpr double kShaftHz = 29.95;

std::vector<std::int16_t> Load(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  std::vector<std::int16_t> samples(bytes.size() / 2);
  std::copy_n(bytes.data(), samples.size() * 2, reinterpret_cast<char*>(samples.data()));
  return samples;
}

using Frame = FeatureVector<float>;

std::vector<Frame> Extract(const Recipe& recipe, std::span<const std::int16_t> samples) {
  std::vector<float> scratch(Extractor<float>::RequiredReals(recipe));
  Extractor<float> extractor(recipe, scratch);
  std::vector<Frame> out;
  for (std::size_t begin = 0; begin + recipe.window_frames <= samples.size();
       begin += recipe.hop_frames) {
    Frame frame;
    if (!extractor
             .Extract({.samples = samples.subspan(begin, recipe.window_frames),
                       .channels = 1,
                       .frames = recipe.window_frames,
                       .scale = 0.00048828125F,
                       .sample_rate_hz = recipe.sample_rate_hz},
                      frame)
             .ok()) {
      std::fprintf(stderr, "window refused\n");
      std::exit(1);
    }
    out.push_back(frame);
  }
  return out;
}

struct Baseline {
  std::vector<double> mean;
  std::vector<double> deviation;

  explicit Baseline(const std::vector<Frame>& frames)
      : mean(frames[0].size()), deviation(frames[0].size()) {
    for (std::size_t i = 0; i < mean.size(); ++i) {
      for (const Frame& frame : frames) {
        mean[i] += frame[i] / static_cast<double>(frames.size());
      }
      double sum = 0;
      for (const Frame& frame : frames) {
        sum += (frame[i] - mean[i]) * (frame[i] - mean[i]);
      }
      deviation[i] =
          std::max(kSpreadFloor, std::sqrt(sum / (static_cast<double>(frames.size()) - 1)));
    }
  }
  [[nodiscard]] double Score(const Frame& frame, ScoreKind kind) const {
    double sum = 0;
    double greatest = 0;
    for (std::size_t i = 0; i < mean.size(); ++i) {
      const double z = (frame[i] - mean[i]) / deviation[i];
      sum += z * z;
      greatest = std::max(greatest, std::fabs(z));
    }
    return kind == ScoreKind::kGreatest ? greatest
                                        : std::sqrt(sum / static_cast<double>(mean.size()));
  }
};

struct Tally {
  std::size_t windows = 0;
  std::array<std::size_t, std::tuple_size_v<Thresholds>> alarms{};

  void Count(double score, const Thresholds& thresholds) {
    ++windows;
    for (std::size_t t = 0; t < thresholds.size(); ++t) {
      alarms[t] += score > thresholds[t] ? 1U : 0U;
    }
  }
  [[nodiscard]] double Share(std::size_t t) const {
    return windows == 0 ? 0 : 100.0 * static_cast<double>(alarms[t]) / static_cast<double>(windows);
  }
};

/// The alternative: fewer and wider bands, the deviation instead of rms, and zero crossings.
Recipe WideBands(std::uint32_t window, std::uint32_t hop) {
  Recipe recipe = trib::testing::BearingRecipe(window, hop);
  recipe.operations.clear();
  recipe.parameters.clear();
  for (const Op op : {Op::kStd, Op::kCrest, Op::kKurtosis, Op::kZeroCrossingRate}) {
    trib::testing::AddOperation(recipe, op, Transform::kLog);
  }
  trib::testing::AddOperation(
      recipe,
      Op::kBandEnergy,
      Transform::kLog,
      {60, 180, 360, 720, 1000, 1440, 2000, 2500, 3000, 3500, 4000, 4500, 5000});
  return recipe;
}

void Measure(const std::filesystem::path& folder, const Recipe& recipe, ScoreKind kind) {
  const std::uint32_t window = recipe.window_frames;
  const Thresholds& thresholds =
      kind == ScoreKind::kGreatest ? kGreatestThresholds : kRmsThresholds;
  std::map<std::string, Tally> recall;
  std::map<std::string, double> least;  // of the median score of a recording, by class
  Tally healthy;
  double healthy_worst = 0;
  std::size_t baseline_windows = 0;
  for (const std::string load : {"load0", "load2"}) {
    for (const std::string channel : {"DE", "FE"}) {
      const std::string tail = "_" + load + "_" + channel + ".i16";
      const auto normal = Load(folder / ("normal_000" + tail));
      const std::size_t cut = normal.size() * 6 / 10;
      const std::span<const std::int16_t> all(normal);
      const auto training = Extract(recipe, all.first(cut));
      const Baseline baseline(training);
      baseline_windows = training.size();
      for (const Frame& frame : Extract(recipe, all.subspan(cut))) {
        healthy.Count(baseline.Score(frame, kind), thresholds);
        healthy_worst = std::max(healthy_worst, baseline.Score(frame, kind));
      }
      for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const std::string name = entry.path().filename().string();
        if (!name.ends_with(tail) || name.starts_with("normal")) {
          continue;
        }
        const std::string fault = name.substr(0, name.find("_0"));
        std::vector<double> scores;
        for (const Frame& frame : Extract(recipe, Load(entry.path()))) {
          scores.push_back(baseline.Score(frame, kind));
          recall[fault].Count(scores.back(), thresholds);
        }
        std::nth_element(scores.begin(), scores.begin() + scores.size() / 2, scores.end());
        const double median = scores[scores.size() / 2];
        const auto [at, fresh] = least.try_emplace(fault, median);
        at->second = std::min(at->second, median);
      }
    }
  }
  std::printf("%5u %5u  %4zu  %5.1f  %6.3f  %4zu |",
              window,
              recipe.hop_frames,
              baseline_windows,
              kShaftHz * window / 12000,
              window / 12000.0,
              healthy.windows);
  for (std::size_t t = 0; t < thresholds.size(); ++t) {
    std::printf(" %3.1f: %5.2f %%", thresholds[t], healthy.Share(t));
  }
  std::printf(" max %4.2f |", healthy_worst);
  for (const auto& [fault, tally] : recall) {
    std::printf(" %s", fault.c_str());
    for (std::size_t t = 0; t < thresholds.size(); ++t) {
      std::printf(" %.2f", tally.Share(t));
    }
    std::printf(" (%.1f)", least[fault]);
  }
  std::printf("\n");
}

}  // namespace

int main() {
  const auto shared = trib::testing::SharedDir();
  if (!shared || !std::filesystem::exists(*shared / "data/cwru")) {
    std::fprintf(stderr, "bench_recipe_window: no recordings; set TRIB_SHARED\n");
    return 2;
  }
  std::printf(
      "window hop | baseline windows | shaft turns | seconds | healthy windows | false "
      "alarms at each threshold, greatest score | recall %% at each threshold (least median "
      "score of a recording)\n");
  for (const ScoreKind kind : {ScoreKind::kRootMeanSquare, ScoreKind::kGreatest}) {
    for (const auto recipe : {trib::testing::BearingRecipe, WideBands}) {
      std::printf("\n%s, score: %s\n",
                  recipe == WideBands ? "wide bands" : "bearing recipe",
                  kind == ScoreKind::kGreatest ? "greatest |z|" : "root mean square of z");
      for (const std::uint32_t window : {1024U, 2048U, 4096U}) {
        for (const std::uint32_t part : {1U, 2U, 4U}) {
          Measure(*shared / "data/cwru", recipe(window, window / part), kind);
        }
      }
    }
  }
  return 0;
}
