// One ruler on simulated and recorded bearings: envelope lines, RMS and kurtosis. What it shows of
// the recordings, and where the machine differs from them, is in README.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "trib/common/dsp/bearing.h"
#include "trib/common/dsp/spectrum.h"
#include "trib/common/simulation/machine.h"
#include "trib/testing/shared_data.h"
#include "trib/tools/adapters/csv.h"

namespace trib::simulation {
namespace {

constexpr double kRate = 12'000;
constexpr std::size_t kWindow = 4'096;
constexpr double kLineHz = kRate / kWindow;
constexpr double kScale = 16.0 / 32'768.0;
/// A line is there when it stands this many times above the median of its surroundings...
constexpr double kStandsOut = 2;
/// ... and where the formula puts it, to this part of its frequency.
constexpr double kPlace = 0.01;

constexpr dsp::BearingMultiples<double> kMultiples = dsp::MultiplesOf<double>(9, 0.3126, 1.537);

struct Sample {
  FaultKind kind = FaultKind::kUnspecified;
  std::string size;  // of the spot
  double shaft_hz = 0;
  std::vector<double> signal_g;
};

/// Amplitudes of the envelope's lines in 2 to 5 kHz, root mean square over all windows.
std::vector<double> EnvelopeSpectrum(const std::vector<double>& x) {
  std::vector<double> power(kWindow / 2 + 1);
  std::vector<double> work(2 * kWindow);
  std::vector<double> spectrum(kWindow);
  std::size_t windows = 0;
  for (std::size_t begin = 0; begin + kWindow <= x.size(); begin += kWindow / 2, ++windows) {
    std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(begin), kWindow, work.begin());
    const std::span<double> window = std::span(work).first(kWindow);
    dsp::SubtractMean<double>(window);
    dsp::Envelope<double>(
        work,
        {static_cast<std::uint32_t>(2'000 / kLineHz), static_cast<std::uint32_t>(5'000 / kLineHz)});
    dsp::SubtractMean<double>(window);
    dsp::LoadHann(dsp::ChannelView<double>(std::span<const double>(window)),
                  0.0,
                  std::span<double>(spectrum));
    dsp::RealFft<double>(spectrum);
    for (std::size_t k = 0; k < power.size(); ++k) {
      power[k] += dsp::LinePower<double>(spectrum, k);
    }
  }
  for (double& value : power) {
    value = std::sqrt(value / static_cast<double>(windows));
  }
  return power;
}

struct Line {
  double off = 0;    // relative, from where it should be
  double above = 0;  // times the median within 60 Hz
  [[nodiscard]] bool there() const { return above >= kStandsOut && std::fabs(off) <= kPlace; }
};

/// The strongest line within 6 % of a frequency, its place between the lines of the transform by a
/// parabola.
Line FindLine(const std::vector<double>& spectrum, double hz) {
  const auto at = [](double f) { return static_cast<std::size_t>(std::lround(f / kLineHz)); };
  std::size_t best = at(hz * 0.94);
  for (std::size_t k = best; k <= at(hz * 1.06); ++k) {
    best = spectrum[k] > spectrum[best] ? k : best;
  }
  std::vector<double> around(
      spectrum.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(2, at(hz - 60))),
      spectrum.begin() + static_cast<std::ptrdiff_t>(at(hz + 60)));
  const auto middle = around.begin() + static_cast<std::ptrdiff_t>(around.size() / 2);
  std::nth_element(around.begin(), middle, around.end());
  const double left = spectrum[best - 1];
  const double top = spectrum[best];
  const double right = spectrum[best + 1];
  const double bend = left - 2 * top + right;
  const double shift = bend < 0 ? std::clamp(0.5 * (left - right) / bend, -0.5, 0.5) : 0;
  return {.off = (static_cast<double>(best) + shift) * kLineHz / hz - 1, .above = top / *middle};
}

double Strikes(FaultKind kind) {
  return kind == FaultKind::kOuterRace   ? kMultiples.bpfo
         : kind == FaultKind::kInnerRace ? kMultiples.bpfi
                                         : 2 * kMultiples.bsf;
}

struct Levels {
  double rms_g = 0;
  double kurtosis = 0;  // median over windows of 2,048
};

Levels LevelsOf(const std::vector<double>& x) {
  constexpr std::size_t kFrames = 2'048;
  std::vector<double> kurtoses;
  double squares = 0;
  for (std::size_t begin = 0; begin + kFrames <= x.size(); begin += kFrames) {
    const std::vector<double> part(x.begin() + static_cast<std::ptrdiff_t>(begin),
                                   x.begin() + static_cast<std::ptrdiff_t>(begin + kFrames));
    double mean = 0;
    for (const double value : part) {
      mean += value / static_cast<double>(kFrames);
    }
    double second = 0;
    double fourth = 0;
    for (const double value : part) {
      const double square = (value - mean) * (value - mean);
      second += square / static_cast<double>(kFrames);
      fourth += square * square / static_cast<double>(kFrames);
    }
    squares += second;
    kurtoses.push_back(fourth / (second * second));
  }
  const auto middle = kurtoses.begin() + static_cast<std::ptrdiff_t>(kurtoses.size() / 2);
  std::nth_element(kurtoses.begin(), middle, kurtoses.end());
  return {.rms_g = std::sqrt(squares / static_cast<double>(kurtoses.size())), .kurtosis = *middle};
}

/// Ten seconds of a warm machine at the speed of a load from 0 to 2 hp.
Sample Simulated(FaultKind kind, std::string_view size, int load) {
  constexpr std::array<double, 3> kRpm = {1'796, 1'772, 1'750};
  Sample out{.kind = kind,
             .size = std::string(size),
             .shaft_hz = kRpm[static_cast<std::size_t>(load)] / 60,
             .signal_g = {}};
  MachineConfig config = DefaultMachine();
  config.drive.regimes[0].speed_hz = static_cast<float>(out.shaft_hz);
  if (kind != FaultKind::kUnspecified) {
    const SpotSize spot = size == "0.007"   ? SpotSize::k007Inch
                          : size == "0.014" ? SpotSize::k014Inch
                                            : SpotSize::k021Inch;
    (void)config.faults.push_back(FaultOf(kind, spot));
  }
  Machine machine(config, 40 + static_cast<std::uint64_t>(load));
  machine.Seek(std::uint64_t{3'600} * 12'000);
  std::vector<std::int16_t> counts(120'000);
  machine.Read(counts);
  for (const std::int16_t count : counts) {
    out.signal_g.push_back(count * kScale);
  }
  return out;
}

std::vector<Sample> AllSimulated() {
  std::vector<Sample> out;
  for (int load = 0; load < 3; ++load) {
    out.push_back(Simulated(FaultKind::kUnspecified, "", load));
    for (const FaultKind kind : {FaultKind::kOuterRace, FaultKind::kInnerRace, FaultKind::kBall}) {
      for (const char* size : {"0.007", "0.014", "0.021"}) {
        out.push_back(Simulated(kind, size, load));
      }
    }
  }
  return out;
}

/// The drive-end recordings.
std::vector<Sample> AllRecorded(const std::filesystem::path& folder) {
  std::ifstream in(folder / "manifest.csv");
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  std::vector<std::string> errors;
  const auto manifest = tools::adapters::Csv::Parse(text, "manifest.csv", errors);
  std::vector<Sample> out;
  for (std::size_t row = 0; manifest.ok() && row < manifest->rows(); ++row) {
    if (manifest->Text(row, "channel") != "DE") {
      continue;
    }
    const std::string& label = manifest->Text(row, "label");
    Sample sample;
    sample.kind = label == "outer_race"   ? FaultKind::kOuterRace
                  : label == "inner_race" ? FaultKind::kInnerRace
                  : label == "ball"       ? FaultKind::kBall
                                          : FaultKind::kUnspecified;
    sample.size = manifest->Text(row, "fault_diameter_in");
    sample.shaft_hz = std::stod(manifest->Text(row, "rpm")) / 60;
    std::ifstream file(folder / manifest->Text(row, "file"), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
      const auto low = static_cast<std::uint8_t>(bytes[i]);
      const auto high = static_cast<std::uint8_t>(bytes[i + 1]);
      sample.signal_g.push_back(static_cast<std::int16_t>(low | high << 8U) * kScale);
    }
    out.push_back(std::move(sample));
  }
  return out;
}

struct Found {
  int samples = 0;
  int lines = 0;      // at the fault's own frequency
  int sidebands = 0;  // of the inner race, one turn beside it
  double above = 1e9;
  double off = 0;  // largest, of the lines that are there
};
using FoundOf = std::map<std::pair<FaultKind, std::string>, Found>;

void Print(const FoundOf& all, const char* title) {
  for (const auto& [key, found] : all) {
    constexpr std::array<const char*, 4> kNames = {"normal", "outer race", "inner race", "ball"};
    std::printf("%s %-10s %-6s lines %d of %d, shaft sidebands %d, weakest %.1f times, %+.2f %%\n",
                title,
                kNames[static_cast<std::size_t>(key.first)],
                key.second.c_str(),
                found.lines,
                found.samples,
                found.sidebands,
                found.samples > 0 && found.above < 1e9 ? found.above : 0.0,
                100 * found.off);
  }
}

FoundOf Measure(const std::vector<Sample>& samples, const char* title) {
  FoundOf out;
  for (const Sample& sample : samples) {
    const auto spectrum = EnvelopeSpectrum(sample.signal_g);
    Found& found = out[{sample.kind, sample.size}];
    ++found.samples;
    if (sample.kind == FaultKind::kUnspecified) {
      for (const FaultKind kind :
           {FaultKind::kOuterRace, FaultKind::kInnerRace, FaultKind::kBall}) {
        found.lines += FindLine(spectrum, sample.shaft_hz * Strikes(kind)).there() ? 1 : 0;
      }
      continue;
    }
    const double strikes = Strikes(sample.kind);
    const Line line = FindLine(spectrum, sample.shaft_hz * strikes);
    found.lines += line.there() ? 1 : 0;
    found.above = std::min(found.above, line.above);
    if (line.there() && std::fabs(line.off) > std::fabs(found.off)) {
      found.off = line.off;
    }
    const bool beside = FindLine(spectrum, sample.shaft_hz * (strikes - 1)).there() ||
                        FindLine(spectrum, sample.shaft_hz * (strikes + 1)).there();
    found.sidebands += sample.kind == FaultKind::kInnerRace && beside ? 1 : 0;
  }
  Print(out, title);
  return out;
}

TEST(EnvelopeLines, OfTheMachineStandWhereTheFormulaePutThem) {
  FoundOf found = Measure(AllSimulated(), "simulated");
  EXPECT_EQ((found[{FaultKind::kUnspecified, ""}].lines), 0);
  for (const char* size : {"0.007", "0.021"}) {
    EXPECT_EQ((found[{FaultKind::kOuterRace, size}].lines), 3) << size;
  }
  for (const char* size : {"0.007", "0.014", "0.021"}) {
    EXPECT_EQ((found[{FaultKind::kInnerRace, size}].lines), 3) << size;
    EXPECT_EQ((found[{FaultKind::kInnerRace, size}].sidebands), 3) << size;
  }
  EXPECT_EQ((found[{FaultKind::kBall, "0.014"}].lines), 3);
  // As quiet as recorded, and so as hard to see.
  EXPECT_EQ((found[{FaultKind::kOuterRace, "0.014"}].lines), 0);
  EXPECT_EQ((found[{FaultKind::kBall, "0.007"}].lines), 0);
}

TEST(EnvelopeLines, OfTheRecordingsStandThereToo) {
  TRIB_SHARED_DIR_OR_SKIP(shared);
  const auto samples = AllRecorded(shared / "data/cwru");
  ASSERT_EQ(samples.size(), 29U);
  FoundOf found = Measure(samples, "recorded ");
  EXPECT_EQ((found[{FaultKind::kUnspecified, ""}].lines), 0);
  for (const char* size : {"0.007", "0.021"}) {
    EXPECT_EQ((found[{FaultKind::kOuterRace, size}].lines), 3) << size;
  }
  int sidebands = 0;
  for (const char* size : {"0.007", "0.014", "0.021"}) {
    EXPECT_EQ((found[{FaultKind::kInnerRace, size}].lines), 3) << size;
    sidebands += found[{FaultKind::kInnerRace, size}].sidebands;
  }
  EXPECT_GE(sidebands, 5);
  // Not to be seen in these recordings, by this ruler.
  EXPECT_EQ((found[{FaultKind::kOuterRace, "0.014"}].lines), 0);
  EXPECT_EQ((found[{FaultKind::kBall, "0.007"}].lines), 0);
}

TEST(Levels, OfTheMachineLieInTheRangeOfTheRecordings) {
  TRIB_SHARED_DIR_OR_SKIP(shared);
  std::map<std::pair<FaultKind, std::string>, std::vector<Levels>> recorded;
  for (const Sample& sample : AllRecorded(shared / "data/cwru")) {
    recorded[{sample.kind, sample.size}].push_back(LevelsOf(sample.signal_g));
  }
  for (const Sample& sample : AllSimulated()) {
    const auto& there = recorded[{sample.kind, sample.size}];
    ASSERT_GE(there.size(), 2U);
    const Levels got = LevelsOf(sample.signal_g);
    const auto [quiet, loud] =
        std::minmax_element(there.begin(), there.end(), [](const Levels& a, const Levels& b) {
          return a.rms_g < b.rms_g;
        });
    const auto [flat, peaky] =
        std::minmax_element(there.begin(), there.end(), [](const Levels& a, const Levels& b) {
          return a.kurtosis < b.kurtosis;
        });
    std::printf("kind %d %-6s RMS %.3f g (recorded %.3f..%.3f), kurtosis %.1f (%.1f..%.1f)\n",
                static_cast<int>(sample.kind),
                sample.size.c_str(),
                got.rms_g,
                quiet->rms_g,
                loud->rms_g,
                got.kurtosis,
                flat->kurtosis,
                peaky->kurtosis);
    EXPECT_GE(got.rms_g, 0.9 * quiet->rms_g);
    EXPECT_LE(got.rms_g, 1.1 * loud->rms_g);
    EXPECT_GE(got.kurtosis, 0.85 * flat->kurtosis);
    EXPECT_LE(got.kurtosis, 1.15 * peaky->kurtosis);
  }
}

}  // namespace
}  // namespace trib::simulation
