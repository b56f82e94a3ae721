// The learned normal on recordings without labels of windows: FEMTO run-to-failure lives beside a
// plain alarm on the RMS, and a ceiling fan with a cheap sensor, with a baseline for each speed and
// without. With -V the figures.
#include "normal_replay.h"

namespace trib::node::images::replay {
namespace {

// ---- FEMTO -------------------------------------------------------------------------------------

dsp::Recipe Recipe(std::uint32_t rate, std::uint32_t window, std::uint16_t channels) {
  dsp::Recipe recipe;
  recipe.channels = channels;
  recipe.sample_rate_hz = rate;
  recipe.window_frames = window;
  recipe.hop_frames = window;
  recipe.log_floor = 1e-9F;
  return recipe;
}

void Add(dsp::Recipe& recipe,
         dsp::Op op,
         std::uint8_t channel,
         std::vector<float> parameters = {}) {
  ASSERT_TRUE(recipe.operations.push_back(
      {.op = op,
       .transform = dsp::Transform::kLog,
       .channel = channel,
       .first_parameter = static_cast<std::uint8_t>(recipe.parameters.size()),
       .parameter_count = static_cast<std::uint8_t>(parameters.size())}));
  for (const float parameter : parameters) {
    ASSERT_TRUE(recipe.parameters.push_back(parameter));
  }
}

/// Index of the first window of the first run of five with three over; the number of windows when
/// there is none.
std::size_t FirstSustained(const std::vector<bool>& over, std::size_t from) {
  for (std::size_t i = from; i < over.size(); ++i) {
    std::size_t hits = 0;
    for (std::size_t k = i; k < std::min(i + 5, over.size()); ++k) {
      hits += over[k] ? 1 : 0;
    }
    if (over[i] && hits >= 3) {
      return i;
    }
  }
  return over.size();
}

// Baseline: snapshots 10 to 49 of 250, so 4 % to 20 % of the life; what comes before is run-in.
// Both alarms judge the same snapshots of the same channel with the same rule of 3 in 5.
TEST(NormalReplay, FemtoLivesBesideAPlainAlarmOnTheRms) {
  TRIB_SHARED_DIR_OR_SKIP(shared);
  Bearing bearing = LoadBearing();
  dsp::Recipe recipe = Recipe(25600, 2048, 2);
  Add(recipe, dsp::Op::kRms, 0);
  Add(recipe, dsp::Op::kPeakToPeak, 0);
  Add(recipe, dsp::Op::kCrest, 0);
  Add(recipe, dsp::Op::kShape, 0);
  Add(recipe, dsp::Op::kKurtosis, 0);
  Add(recipe,
      dsp::Op::kBandEnergy,
      0,
      {50, 150, 400, 800, 1500, 2500, 3500, 5000, 6500, 8000, 10000, 12500});
  bearing.trigger.feature_mask = (std::uint64_t{1} << dsp::OutputCount(recipe)) - 1;
  bearing.distance.feature_mask = bearing.trigger.feature_mask;
  constexpr std::size_t kFrom = 10;
  constexpr std::size_t kUntil = 50;
  constexpr float kScale = 50.0F / 32768.0F;
  int lives = 0;
  int earlier = 0;
  int seen = 0;
  for (const char* name : {"Bearing1_1",
                           "Bearing1_2",
                           "Bearing1_3",
                           "Bearing2_1",
                           "Bearing2_2",
                           "Bearing2_3",
                           "Bearing3_1",
                           "Bearing3_2"}) {
    const auto samples = ReadSamples(shared / "data/femto" / (std::string(name) + ".i16"));
    ASSERT_EQ(samples.size(), 250U * 2560 * 2);
    const Frames frames = Extract(recipe, samples, kScale, 2560);
    ASSERT_EQ(frames.size(), 250U);
    Frames train(frames.begin() + kFrom, frames.begin() + kUntil);
    Detector detector(bearing.trigger, bearing.distance, train);
    double sum = 0;
    double squares = 0;
    for (const auto& frame : train) {
      sum += std::exp(frame[0]);
      squares += std::exp(2 * frame[0]);
    }
    const auto n = static_cast<double>(train.size());
    const double limit = sum / n + 4 * std::sqrt((squares - sum * sum / n) / (n - 1));
    std::array<std::vector<bool>, 3> over;
    std::vector<bool> plain;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const auto answer = detector.Step(frames[i]);
      for (std::size_t version = 0; version < 3; ++version) {
        over[version].push_back(answer.over[version]);
      }
      plain.push_back(std::exp(frames[i][0]) > limit);
    }
    const auto life = [](std::size_t at) { return static_cast<double>(at) / 249.0; };
    const std::size_t ours = FirstSustained(over[Detector::kBoth], kUntil);
    const std::size_t theirs = FirstSustained(plain, kUntil);
    std::printf(
        "FEMTO %s: life at the first sustained alarm: bands %.3f, distance %.3f, both %.3f; RMS "
        "above 4 sigma %.3f; windows over before half of life: both %zu, RMS %zu of 75\n",
        name,
        life(FirstSustained(over[Detector::kBands], kUntil)),
        life(FirstSustained(over[Detector::kDistance], kUntil)),
        life(ours),
        life(theirs),
        static_cast<std::size_t>(std::count(
            over[Detector::kBoth].begin() + kUntil, over[Detector::kBoth].begin() + 125, true)),
        static_cast<std::size_t>(std::count(plain.begin() + kUntil, plain.begin() + 125, true)));
    ++lives;
    earlier += ours <= theirs ? 1 : 0;
    seen += ours < frames.size() ? 1 : 0;
  }
  std::printf("FEMTO: seen before the end %d of %d; not later than the plain alarm %d of %d\n",
              seen,
              lives,
              earlier,
              lives);
  EXPECT_EQ(seen, lives);
}

// ---- ceiling fan -------------------------------------------------------------------------------

// 200 Hz, three axes, records of a second; normal against a coin on a blade, at three speeds. Once
// with a baseline for each speed, which the speed signal would choose, once with one for all.
TEST(NormalReplay, CeilingFanByConditionAndWithout) {
  TRIB_SHARED_DIR_OR_SKIP(shared);
  Bearing bearing = LoadBearing();
  dsp::Recipe recipe = Recipe(200, 128, 3);
  for (std::uint8_t axis = 0; axis < 3; ++axis) {
    Add(recipe, dsp::Op::kStd, axis);
    Add(recipe, dsp::Op::kKurtosis, axis);
    Add(recipe, dsp::Op::kBandEnergy, axis, {1.5F, 4, 8, 16, 32, 64, 100});
  }
  const std::size_t features = dsp::OutputCount(recipe);
  bearing.trigger.feature_mask = (std::uint64_t{1} << features) - 1;
  bearing.distance.feature_mask = bearing.trigger.feature_mask;
  constexpr float kScale = 1.0F / 2048.0F;
  constexpr std::size_t kBaseline = 90;
  const auto load = [&](const std::string& speed, const char* weight, const char* split) {
    return Extract(recipe,
                   ReadSamples(shared / "data/ceiling_fan" /
                               ("fan_0_" + speed + "_" + weight + "_weight_" + split + ".i16")),
                   kScale,
                   200);
  };
  const std::array<std::string, 3> speeds = {"low", "med", "high"};
  std::array<Count, 3> healthy;
  std::array<Count, 3> faulty;
  std::array<Count, 3> pooled_healthy;
  std::array<Count, 3> pooled_faulty;
  Frames mixed;
  for (const auto& speed : speeds) {
    const Frames part = Spread(load(speed, "0", "train"), kBaseline / 3);
    mixed.insert(mixed.end(), part.begin(), part.end());
  }
  Detector pooled(bearing.trigger, bearing.distance, mixed);
  const auto judge = [](Detector& detector, const Frames& frames, std::array<Count, 3>& out) {
    detector.Rearm();
    for (const auto& frame : frames) {
      const auto answer = detector.Step(frame);
      for (std::size_t version = 0; version < 3; ++version) {
        out[version].Add(answer.over[version]);
      }
    }
  };
  for (const auto& speed : speeds) {
    Detector own(bearing.trigger, bearing.distance, Spread(load(speed, "0", "train"), kBaseline));
    judge(own, load(speed, "0", "test"), healthy);
    judge(own, load(speed, "1", "test"), faulty);
    judge(pooled, load(speed, "0", "test"), pooled_healthy);
    judge(pooled, load(speed, "1", "test"), pooled_faulty);
  }
  for (std::size_t version = 0; version < 3; ++version) {
    std::printf("fan, baseline per speed, %s: healthy over %s; unbalanced over %s\n",
                Detector::kNames[version],
                healthy[version].Text().c_str(),
                faulty[version].Text().c_str());
    std::printf("fan, one baseline, %s: healthy over %s; unbalanced over %s\n",
                Detector::kNames[version],
                pooled_healthy[version].Text().c_str(),
                pooled_faulty[version].Text().c_str());
  }
  EXPECT_GT(faulty[Detector::kBoth].share(), pooled_faulty[Detector::kBoth].share());
}

}  // namespace
}  // namespace trib::node::images::replay
