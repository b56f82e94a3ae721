// How rarely a node's drift watch speaks on the healthy CWRU recordings, and from which change of
// the sensor on it does: the node's own code with a baseline as workloads/bearing makes it, five
// folds of two channels. With -V the figures.
#include "normal_replay.h"
#include "trib/node/cascade/drift_watch.h"

namespace trib::node::images::replay {
namespace {

constexpr float kScale = 16.0F / 32768.0F;
constexpr std::size_t kFolds = 5;
constexpr std::size_t kBaseline = 60;
/// What a fold has of one load is played again and again: 15 minutes of it.
constexpr std::size_t kWindows = 10'000;

using Samples = std::vector<std::int16_t>;

/// What happened to the sensor.
struct Change {
  const char* name;
  float gain = 1;
  float offset_g = 0;
};

Frames FramesOf(const Bearing& bearing, const Samples& samples, const Change& change) {
  Samples changed = samples;
  for (std::int16_t& sample : changed) {
    sample = static_cast<std::int16_t>(
        std::lround(static_cast<float>(sample) * change.gain + change.offset_g / kScale));
  }
  return Extract(bearing.recipe, changed, kScale, bearing.recipe.hop_frames);
}

struct Outcome {
  Count runs;                       // of one load each, with a flag
  Count alarms;                     // with an alarm of the trigger
  Count noticed;                    // with either
  std::uint64_t flags = 0;          // features and windows
  std::vector<std::size_t> delays;  // windows, of the runs with a flag
};

package::SketchEdges EdgesOf(std::size_t features) {
  package::SketchEdges edges;
  for (std::size_t i = 0; i < features; ++i) {
    package::SketchEdges::Histogram histogram;
    histogram.feature = static_cast<std::uint16_t>(i);
    EXPECT_TRUE(edges.histograms.push_back(histogram));
  }
  return edges;
}

/// Plays a stretch of a machine for kWindows windows. As in the node, the watch rests while the
/// trigger alarms.
void Play(Detector& detector, const Frames& frames, Outcome& out) {
  detector.Rearm();
  cascade::DriftWatch watch(EdgesOf(frames[0].size()));
  std::vector<float> standard(frames[0].size());
  bool seen = false;
  bool alarmed = false;
  for (std::size_t i = 0; i < kWindows; ++i) {
    const std::vector<float>& frame = frames[i % frames.size()];
    if (detector.Step(frame).active) {
      alarmed = true;
      continue;
    }
    for (std::size_t f = 0; f < frame.size(); ++f) {
      standard[f] = detector.baseline().Standardise(f, frame[f]);
    }
    const std::uint32_t flags = watch.Step(standard, std::nanf(""));
    out.flags += static_cast<std::uint64_t>(std::popcount(flags));
    if (flags != 0 && !seen) {
      seen = true;
      out.delays.push_back(i + 1);
    }
  }
  out.runs.Add(seen);
  out.alarms.Add(alarmed);
  out.noticed.Add(seen || alarmed);
}

TEST(DriftReplay, CwruHealthyIsQuietAndAChangedSensorIsNot) {
  TRIB_SHARED_DIR_OR_SKIP(shared);
  const Bearing bearing = LoadBearing();
  const std::vector<Change> changes = {{"nothing"},
                                       {"gain +5 %", 1.05F},
                                       {"gain +10 %", 1.1F},
                                       {"gain +20 %", 1.2F},
                                       {"gain +30 %", 1.3F},
                                       {"gain +50 %", 1.5F},
                                       {"gain -20 %", 0.8F},
                                       {"offset 0.1 g", 1, 0.1F}};
  std::map<std::string, Outcome> outcomes;
  for (const std::string channel : {"DE", "FE"}) {
    std::vector<Samples> loads;
    for (const char* load : {"load0", "load2"}) {
      loads.push_back(ReadSamples(shared / "data/cwru" /
                                  ("normal_000_" + std::string(load) + "_" + channel + ".i16")));
      ASSERT_FALSE(loads.back().empty());
    }
    for (std::size_t fold = 0; fold < kFolds; ++fold) {
      Frames train;
      for (const Samples& samples : loads) {
        const Frames all = FramesOf(bearing, samples, changes[0]);
        for (std::size_t i = 0; i < all.size(); ++i) {
          // Less those that overlap the fold.
          if (i + 1 < fold * all.size() / kFolds || i > (fold + 1) * all.size() / kFolds) {
            train.push_back(all[i]);
          }
        }
      }
      Detector detector(bearing.trigger, bearing.distance, Spread(train, kBaseline));
      for (const Change& change : changes) {
        for (const Samples& samples : loads) {
          const Frames all = FramesOf(bearing, samples, change);
          const auto begin = all.begin() + static_cast<long>(fold * all.size() / kFolds);
          const auto end = all.begin() + static_cast<long>((fold + 1) * all.size() / kFolds);
          Play(detector, Frames(begin, end), outcomes[change.name]);
        }
      }
    }
  }
  for (const Change& change : changes) {
    Outcome& out = outcomes[change.name];
    std::sort(out.delays.begin(), out.delays.end());
    std::printf(
        "CWRU drift, %s: runs of one load with a flag %s, with an alarm %zu, with either %zu;"
        " flags %zu in %zu windows",
        change.name,
        out.runs.Text().c_str(),
        static_cast<std::size_t>(out.alarms.hits),
        static_cast<std::size_t>(out.noticed.hits),
        static_cast<std::size_t>(out.flags),
        static_cast<std::size_t>(out.runs.total * kWindows));
    if (!out.delays.empty()) {
      std::printf("; first after %zu windows (median)", out.delays[out.delays.size() / 2]);
    }
    std::printf("\n");
  }
  // What lies between the healthy machine and the trigger's alarm is little: a gain of 5 to 20 %.
  EXPECT_EQ(outcomes["nothing"].flags, 0U);
  EXPECT_EQ(outcomes["nothing"].alarms.hits, 0U);
  EXPECT_GT(outcomes["gain +5 %"].runs.hits, 0U);
  EXPECT_GT(outcomes["gain +10 %"].noticed.hits, outcomes["gain +5 %"].noticed.hits);
  EXPECT_GE(outcomes["gain +20 %"].noticed.hits, 15U);
  EXPECT_EQ(outcomes["gain +30 %"].noticed.hits, outcomes["gain +30 %"].noticed.total);
  EXPECT_EQ(outcomes["offset 0.1 g"].noticed.hits, outcomes["offset 0.1 g"].noticed.total);
}

}  // namespace
}  // namespace trib::node::images::replay
