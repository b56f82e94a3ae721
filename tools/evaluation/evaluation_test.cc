// Packages of a small network on recordings made here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>

#include "trib/testing/split_packages.h"
#include "trib/tools/evaluation/report.h"

namespace trib::tools::evaluation {
namespace {

namespace fs = std::filesystem;
using host::recording::Manifest;
using host::recording::Recording;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Evaluation : public ::testing::Test {
 protected:
  Evaluation() {
    std::string pattern = (fs::temp_directory_path() / "trib_eval_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    for (unsigned kind = 0; kind < 3; ++kind) {
      for (unsigned part = 0; part < 2; ++part) {
        Write(kind, part);
      }
    }
  }
  ~Evaluation() override { fs::remove_all(folder_); }

  /// Eighty windows of one tone: louder for faults, so that the trigger has something to see.
  void Write(unsigned kind, unsigned part) {
    std::vector<std::int16_t> samples;
    for (std::uint32_t window = 0; window < 80; ++window) {
      for (const std::int16_t x : testing::ToneWindow({}, kind, 1000 * part + window)) {
        samples.push_back(static_cast<std::int16_t>(x * (kind == 0 ? 1 : 4)));
      }
    }
    const std::string name = "tone_" + std::to_string(kind) + "_" + std::to_string(part) + ".i16";
    std::ofstream(folder_ / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(samples.data()),
               static_cast<std::streamsize>(2 * samples.size()));
    Recording recording;
    recording.file = folder_ / name;
    recording.channels = {"x"};
    recording.fs_hz = 1000;
    recording.scale = 0.001;
    recording.label = kind == 0 ? "normal" : "fault_" + std::to_string(kind);
    recording.conditions["split_by_load"] = std::string(part == 0 ? "train" : "test");
    manifest_.recordings.push_back(recording);
  }
  std::unique_ptr<Subject> Open(const testing::SplitShape& shape = {}) {
    const auto made = testing::MakeSplitPackages(shape);
    auto subject = Subject::Open(made.head, made.tail, error_);
    EXPECT_TRUE(subject.ok()) << error_;
    return subject.ok() ? *std::move(subject) : nullptr;
  }
  Outcome Evaluated(const Subject& subject, const RunOptions& options = {}) {
    std::vector<std::string> errors;
    auto run = Evaluate(subject, manifest_, options, errors);
    EXPECT_TRUE(run.ok()) << (errors.empty() ? "" : errors[0]);
    return run.ok() ? *std::move(run) : Outcome();
  }
  std::string Refusal(const Subject& subject, const RunOptions& options = {}) {
    std::vector<std::string> errors;
    EXPECT_FALSE(Evaluate(subject, manifest_, options, errors).ok());
    EXPECT_FALSE(errors.empty());
    return errors.empty() ? "" : errors[0];
  }

  fs::path folder_;
  Manifest manifest_;
  std::string error_;
};

TEST_F(Evaluation, HeadWithTailSaysWhatTheWholeSays) {
  testing::SplitShape shape;
  const auto made = testing::MakeSplitPackages(shape);
  const auto split = Subject::Open(made.head, made.tail, error_);
  const auto whole = Subject::Open(made.tail, {}, error_);
  ASSERT_TRUE(split.ok() && whole.ok()) << error_;
  EXPECT_EQ((*whole)->exits(), 3U);
  EXPECT_EQ((*whole)->macs(2), (*split)->macs(2));
  const Outcome a = Evaluated(**split);
  const Outcome b = Evaluated(**whole);
  ASSERT_EQ(a.windows.size(), b.windows.size());
  // Of normal ones 60 % were learned from: 24 windows of 80 are none judged.
  EXPECT_EQ(a.windows.size(), 4U * 80 + 2 * 32);
  EXPECT_EQ(a.commissioning_windows, 24U);
  for (std::size_t i = 0; i < a.windows.size(); ++i) {
    ASSERT_EQ(a.windows[i].exits.size(), 3U);
    for (std::size_t exit = 0; exit < 3; ++exit) {
      ASSERT_EQ(a.windows[i].exits[exit].probabilities, b.windows[i].exits[exit].probabilities);
      ASSERT_EQ(a.windows[i].exits[exit].accepted, b.windows[i].exits[exit].accepted);
    }
    EXPECT_EQ(a.windows[i].activation_bytes, b.windows[i].activation_bytes);
    EXPECT_GT(a.windows[i].activation_bytes, 0U);
  }
}

TEST_F(Evaluation, HeadAloneHasOneExit) {
  const auto made = testing::MakeSplitPackages();
  const auto head = Subject::Open(made.head, {}, error_);
  ASSERT_TRUE(head.ok()) << error_;
  const Outcome run = Evaluated(**head);
  EXPECT_EQ(run.windows[0].exits.size(), 1U);
  const auto report = Report(**head, run, true);
  EXPECT_EQ(report.at("always").size(), 1U);
  EXPECT_DOUBLE_EQ(report.at("cascade").at("own_mix").at("exits").at("ends_on_node").get<double>(),
                   1);
}

TEST_F(Evaluation, TheTriggerSeesTheLouderOnes) {
  const auto subject = Open();
  const Outcome run = Evaluated(*subject);
  const auto report = Report(*subject, run, true);
  EXPECT_EQ(report.at("trigger").at("recall_recordings").at("hits"), 4);
  EXPECT_GT(report.at("trigger").at("recall_windows").at("share").get<double>(), 0.99);
  const auto& classes = report.at("trigger").at("recall_classes");
  ASSERT_EQ(classes.size(), 2U);
  EXPECT_EQ(classes[0].at("class"), "fault_1");
  EXPECT_EQ(classes[0].at("of"), 160);
  EXPECT_EQ(classes[0].at("hits").get<int>() + classes[1].at("hits").get<int>(),
            report.at("trigger").at("recall_windows").at("hits").get<int>());
  EXPECT_LT(report.at("trigger").at("over_threshold_healthy_windows").at("share").get<double>(),
            0.1);
  const auto& cascade = report.at("cascade");
  const auto& own = cascade.at("own_mix");
  const auto& healthy = cascade.at("healthy_99_percent");
  EXPECT_NEAR(own.at("healthy_share").get<double>(), 64.0 / 384, 1e-12);
  EXPECT_NEAR(healthy.at("healthy_share").get<double>(), 0.99, 1e-12);
  double sum = 0;
  for (const char* tier : {"quiet", "node", "gateway", "cloud"}) {
    sum += own.at("exits").at(tier).get<double>();
  }
  EXPECT_NEAR(sum, 1, 1e-12);
  EXPECT_LT(healthy.at("bytes_per_window").at("total").get<double>(),
            own.at("bytes_per_window").at("total").get<double>());
  EXPECT_EQ(own.at("bytes_per_window").at("raw"), 128.0);
  EXPECT_LT(healthy.at("energy_uj_per_window").at("classifier").get<double>(),
            own.at("energy_uj_per_window").at("classifier").get<double>());
}

TEST_F(Evaluation, EnergyIsCountsTimesTheTable) {
  const auto subject = Open();
  const Outcome run = Evaluated(*subject);
  const auto report = Report(*subject, run, true);
  double over = 0;
  for (const WindowResult& window : run.windows) {
    over += window.over ? 1 : 0;
  }
  over /= static_cast<double>(run.windows.size());
  const auto& energy = report.at("cascade").at("own_mix").at("energy_uj_per_window");
  // 0.65 nJ per MAC; a heartbeat of 10 s is each 156th window of 64 ms.
  const double head = 0.65e-3 * report.at("always")[0].at("macs").get<double>();
  EXPECT_NEAR(energy.at("classifier").get<double>(), head * (over + (1 - over) / 156), 1e-9);
  // 64 samples of 190 cycles, 120 cycles for one feature, 0.346 nJ each.
  EXPECT_NEAR(energy.at("features_and_guardrails").get<double>(), 64 * 190 * 0.346e-3, 1e-9);
  EXPECT_NEAR(energy.at("trigger").get<double>(), 120 * 0.346e-3, 1e-9);
  // 64 ms of 150 uA and of 1.4 uA at 1.8 V.
  EXPECT_NEAR(energy.at("sense_and_sleep").get<double>(), 64e-3 * 1.8 * (150 + 1.4), 1e-9);
}

TEST_F(Evaluation, AlwaysCountsEveryWindowOnce) {
  const auto subject = Open();
  const Outcome run = Evaluated(*subject);
  const auto report = Report(*subject, run, true);
  for (const auto& exit : report.at("always")) {
    double sum = 0;
    for (const auto& row : exit.at("confusion")) {
      for (const auto& cell : row) {
        sum += cell.get<double>();
      }
    }
    EXPECT_EQ(sum, static_cast<double>(run.windows.size()));
    double right = 0;
    for (const WindowResult& window : run.windows) {
      const auto number = exit.at("exit").get<std::size_t>() - 1;
      right += window.exits[number].class_index == window.truth ? 1 : 0;
    }
    EXPECT_DOUBLE_EQ(exit.at("accuracy").get<double>(),
                     right / static_cast<double>(run.windows.size()));
  }
}

// Two healthy recordings of other loudness, both longer than a baseline wants: it knows both.
TEST_F(Evaluation, LearnsFromEveryHealthyRecording) {
  std::vector<std::int16_t> samples;
  for (std::uint32_t window = 0; window < 80; ++window) {
    for (const std::int16_t x : testing::ToneWindow({}, 0, 5000 + window)) {
      samples.push_back(static_cast<std::int16_t>(x * 3));
    }
  }
  const fs::path file = manifest_.recordings[1].file;  // normal, of the other part
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(samples.data()),
             static_cast<std::streamsize>(2 * samples.size()));
  const auto subject = Open();
  const Outcome run = Evaluated(*subject);
  for (const WindowResult& window : run.windows) {
    EXPECT_FALSE(window.truth == 0 && window.over) << run.sources[window.source].file;
  }
}

TEST_F(Evaluation, JudgesThePartAlone) {
  const auto subject = Open();
  RunOptions options;
  options.split_key = SplitKey(manifest_, "by_load");
  EXPECT_EQ(options.split_key, "split_by_load");
  const Outcome run = Evaluated(*subject, options);
  EXPECT_EQ(run.windows.size(), 2U * 80 + 32);
  for (const Source& source : run.sources) {
    EXPECT_THAT(source.file, HasSubstr("_1.i16"));
  }
  options.part = "val";
  EXPECT_THAT(Refusal(*subject, options), HasSubstr("none has split_by_load = val"));
  EXPECT_EQ(SplitKey(manifest_, "by_moon"), "");
}

TEST_F(Evaluation, LabelsAreMappedByName) {
  const auto subject = Open();
  for (Recording& recording : manifest_.recordings) {
    recording.label = recording.label == "fault_2" ? "bang" : recording.label;
  }
  EXPECT_THAT(Refusal(*subject), HasSubstr("label \"bang\" is no class of the package (normal"));
  RunOptions options;
  options.map = *ParseLabelMap({"bang=fault_2"}, error_);
  EXPECT_EQ(Evaluated(*subject, options).windows.size(), 384U);
  options.map = *ParseLabelMap({"bang=-"}, error_);
  EXPECT_EQ(Evaluated(*subject, options).windows.size(), 224U);
  EXPECT_FALSE(ParseLabelMap({"bang"}, error_).ok());
  EXPECT_THAT(error_, HasSubstr("is not FROM=TO"));
  EXPECT_FALSE(ParseLabelMap({"a=b", "a=c"}, error_).ok());
}

TEST_F(Evaluation, NeedsHealthyWindowsForItsTrigger) {
  testing::SplitShape shape;
  shape.commissioning_windows = 200;
  const auto subject = Open(shape);
  EXPECT_THAT(Refusal(*subject), HasSubstr("are left for a baseline of 200"));
  RunOptions options;
  options.use_trigger = false;
  const Outcome run = Evaluated(*subject, options);
  EXPECT_EQ(run.windows.size(), 480U);
  EXPECT_TRUE(Report(*subject, run, false).at("trigger").is_null());
}

TEST_F(Evaluation, SaysSoWhenHealthyRecordingsHoldNoWindow) {
  const auto subject = Open();
  for (Recording& recording : manifest_.recordings) {
    recording.end_frame = recording.label == "normal" ? 63 : recording.end_frame;
  }
  EXPECT_THAT(Refusal(*subject), HasSubstr("0 windows of normal recordings are left"));
}

TEST_F(Evaluation, SaysSoWhenNoWindowIsLeftToJudge) {
  const auto subject = Open();
  RunOptions options;
  options.use_trigger = false;
  for (Recording& recording : manifest_.recordings) {
    recording.end_frame = 63;
  }
  EXPECT_THAT(Refusal(*subject, options), HasSubstr("no window is left to judge"));
  for (Recording& recording : manifest_.recordings) {
    recording.end_frame = 640;
    recording.scale = std::numeric_limits<double>::quiet_NaN();
  }
  EXPECT_THAT(Refusal(*subject, options), HasSubstr("the guardrails refused all 60"));
}

TEST_F(Evaluation, AConditionThatIsANumberIsComparedAsItIsWritten) {
  const auto subject = Open();
  for (Recording& recording : manifest_.recordings) {
    const bool first = ConditionText(recording, "split_by_load") == "train";
    recording.conditions["load"] = first ? 0.5 : 1.5;
  }
  RunOptions options;
  options.split_key = SplitKey(manifest_, "load");
  options.part = "1.5";
  EXPECT_EQ(Evaluated(*subject, options).sources.size(), 3U);
}

TEST_F(Evaluation, RefusesAnotherRateUnlessConverted) {
  const auto subject = Open();
  for (Recording& recording : manifest_.recordings) {
    recording.fs_hz = 1500;
  }
  EXPECT_THAT(Refusal(*subject), HasSubstr("--resample converts"));
  RunOptions options;
  options.resample = true;
  options.use_trigger = false;
  EXPECT_EQ(Evaluated(*subject, options).windows.size(), 6U * 53);
  options.limit = 10;
  EXPECT_EQ(Evaluated(*subject, options).windows.size(), 60U);
}

TEST_F(Evaluation, NoWindowCrossesABoundary) {
  Recording recording = manifest_.recordings[0];
  recording.record_frames = 100;
  std::vector<std::string> errors;
  std::size_t windows = 0;
  ASSERT_TRUE(ForEachWindow(
                  recording,
                  0,
                  1,
                  {.window_frames = 64, .hop_frames = 32, .sample_rate_hz = 1000},
                  [&](std::span<const std::int16_t>, std::uint32_t) {
                    ++windows;
                    return true;
                  },
                  errors)
                  .ok());
  // 5,120 frames: 51 records of 100 with two windows each, and 20 frames.
  EXPECT_EQ(windows, 102U);
}

// A node judges a window by its own frames, not by what else a recording holds.
TEST_F(Evaluation, AFrameThatIsNoNumberIsOneOfItsWindowsAlone) {
  std::vector<float> samples(64 * 4, 0.5F);
  samples[40] = std::numeric_limits<float>::quiet_NaN();
  samples[70] = std::numeric_limits<float>::infinity();
  Recording recording = manifest_.recordings[0];
  recording.file = folder_ / "float.f32";
  recording.encoding = host::recording::Encoding::kFloat32Le;
  std::ofstream(recording.file, std::ios::binary)
      .write(reinterpret_cast<const char*>(samples.data()),
             static_cast<std::streamsize>(4 * samples.size()));
  std::vector<std::uint32_t> counts;
  const auto count = [&](std::span<const std::int16_t>, std::uint32_t non_finite) {
    counts.push_back(non_finite);
    return true;
  };
  WindowCut cut{.window_frames = 64, .hop_frames = 32, .sample_rate_hz = 1000};
  std::vector<std::string> errors;
  ASSERT_TRUE(ForEachWindow(recording, 0, 1, cut, count, errors).ok());
  // Frames 0, 32, 64 .. 192 on.
  EXPECT_THAT(counts, ElementsAre(1U, 2U, 1U, 0U, 0U, 0U, 0U));
  // Half as many frames a second: frames 0, 64, 128 of the file on.
  counts.clear();
  cut = {.window_frames = 32, .hop_frames = 32, .sample_rate_hz = 500, .resample = true};
  ASSERT_TRUE(ForEachWindow(recording, 0, 1, cut, count, errors).ok());
  EXPECT_THAT(counts, ElementsAre(1U, 1U, 0U, 0U));
}

TEST_F(Evaluation, LoadsOurManifestFromAFolder) {
  std::ofstream(folder_ / "manifest.toml") << manifest_.ToToml();
  std::vector<std::string> errors;
  const auto loaded = LoadData(folder_, "", errors);
  ASSERT_TRUE(loaded.ok()) << (errors.empty() ? "" : errors[0]);
  EXPECT_EQ(loaded->recordings.size(), 6U);
  fs::remove(folder_ / "manifest.toml");
  EXPECT_FALSE(LoadData(folder_, "", errors).ok());
  EXPECT_THAT(errors[0], HasSubstr("holds neither"));
}

TEST(Resample, KeepsWhatIsBelowTheNewHalfRateAndNothingElse) {
  constexpr double kFrom = 48828;
  constexpr double kTo = 12000;
  for (const double hz : {500.0, 4000.0, 7000.0, 15000.0}) {
    std::vector<std::int16_t> samples(48828);
    for (std::size_t i = 0; i < samples.size(); ++i) {
      samples[i] = static_cast<std::int16_t>(std::lround(
          10'000 * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / kFrom)));
    }
    const auto out = Resample(samples, kFrom, kTo);
    ASSERT_EQ(out.size(), 12000U);
    double worst = 0;
    for (std::size_t i = 500; i + 500 < out.size(); ++i) {
      const double expected =
          hz < kTo / 2 ? 10'000 * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / kTo)
                       : 0;
      worst = std::max(worst, std::abs(out[i] - expected));
    }
    EXPECT_LT(worst, 12) << hz;
  }
}

}  // namespace
}  // namespace trib::tools::evaluation
