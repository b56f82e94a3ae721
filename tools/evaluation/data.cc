#include "trib/tools/evaluation/data.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "trib/common/host/recording/player.h"
#include "trib/tools/adapters/adapters.h"

namespace trib::tools::evaluation {
namespace {

namespace fs = std::filesystem;
using host::recording::Manifest;
using host::recording::Recording;

/// The dialect whose columns the folder's manifest.csv has.
Result<Manifest> Detect(const fs::path& folder, std::vector<std::string>& errors) {
  std::error_code ignored_failure;
  const std::string named =
      fs::absolute(folder, ignored_failure).lexically_normal().filename().string();
  std::vector<std::string> dialects = adapters::DialectNames();
  // The folder's name first: some dialects have the columns of others, too.
  std::stable_partition(dialects.begin(), dialects.end(), [&](const std::string& dialect) {
    return named.find(dialect) != std::string::npos || dialect.find(named) != std::string::npos;
  });
  for (const std::string& dialect : dialects) {
    std::vector<std::string> ignored;
    auto manifest = adapters::Import(dialect, folder, ignored);
    if (manifest.ok()) {
      return manifest;
    }
  }
  errors.push_back(folder.string() + "/manifest.csv: is of no known dialect; name it by --dialect");
  return Code::kInvalidArgument;
}

/// Modified Bessel function of the first kind, order 0.
double BesselI0(double x) {
  double term = 1;
  double sum = 1;
  for (int k = 1; k < 40; ++k) {
    term *= x * x / (4.0 * k * k);
    sum += term;
  }
  return sum;
}

/// A stretch without boundary, as counts.
struct Stretch {
  std::vector<std::int16_t> samples;
  std::size_t block_frames = 1;
  std::vector<std::uint32_t> non_finite;  ///< frames of each block

  /// Of the blocks that frames [from, to) touch.
  [[nodiscard]] std::uint32_t NonFinite(double from, double to) const {
    const auto block = static_cast<double>(block_frames);
    const auto first = static_cast<std::size_t>(from / block);
    const auto end = std::min(non_finite.size(), static_cast<std::size_t>(std::ceil(to / block)));
    std::uint32_t sum = 0;
    for (std::size_t i = first; i < end; ++i) {
      sum += non_finite[i];
    }
    return sum;
  }
};

/// Such that a window is whole blocks. Counts have nothing that is not finite.
std::size_t BlockFrames(const Recording& recording, const WindowCut& cut) {
  return recording.encoding == host::recording::Encoding::kFloat32Le
             ? std::gcd(cut.window_frames, cut.hop_frames)
             : 4096;
}

bool CutStretch(Stretch& stretch, double rate_hz, const WindowCut& cut, const WindowSink& sink) {
  if (rate_hz != cut.sample_rate_hz) {
    std::vector<std::vector<std::int16_t>> channels(cut.channels);
    for (std::uint32_t c = 0; c < cut.channels; ++c) {
      std::vector<std::int16_t> one;
      for (std::size_t i = c; i < stretch.samples.size(); i += cut.channels) {
        one.push_back(stretch.samples[i]);
      }
      channels[c] = Resample(one, rate_hz, cut.sample_rate_hz);
    }
    stretch.samples.clear();
    for (std::size_t i = 0; i < channels[0].size(); ++i) {
      for (std::uint32_t c = 0; c < cut.channels; ++c) {
        stretch.samples.push_back(channels[c][i]);
      }
    }
  }
  const double step = rate_hz / cut.sample_rate_hz;
  const std::size_t frames = stretch.samples.size() / cut.channels;
  for (std::size_t begin = 0; begin + cut.window_frames <= frames; begin += cut.hop_frames) {
    const std::size_t end = begin + cut.window_frames;
    if (!sink(
            std::span(stretch.samples).subspan(begin * cut.channels, (end - begin) * cut.channels),
            stretch.NonFinite(static_cast<double>(begin) * step,
                              static_cast<double>(end) * step))) {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<Manifest> LoadData(const fs::path& path,
                          const std::string& dialect,
                          std::vector<std::string>& errors) {
  std::error_code ignored;
  if (!dialect.empty()) {
    return adapters::Import(dialect, path, errors);
  }
  if (fs::exists(path / "manifest.toml", ignored)) {
    return Manifest::Load(path / "manifest.toml", errors);
  }
  if (fs::exists(path / "manifest.csv", ignored)) {
    return Detect(path, errors);
  }
  if (fs::is_directory(path, ignored)) {
    errors.push_back(path.string() + ": holds neither manifest.toml nor manifest.csv");
    return Code::kNotFound;
  }
  return Manifest::Load(path, errors);
}

std::string ConditionText(const Recording& recording, const std::string& key) {
  const auto found = recording.conditions.find(key);
  return found == recording.conditions.end() ? "" : host::recording::ConditionText(found->second);
}

std::string SplitKey(const Manifest& manifest, const std::string& split) {
  for (const std::string& key : {"split_" + split, split}) {
    for (const Recording& recording : manifest.recordings) {
      if (recording.conditions.contains(key)) {
        return key;
      }
    }
  }
  return "";
}

Result<LabelMap> ParseLabelMap(const std::vector<std::string>& pairs, std::string& error) {
  LabelMap out;
  for (const std::string& pair : pairs) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == pair.size()) {
      error = "--map " + pair + ": is not FROM=TO, such as healthy=normal";
      return Code::kInvalidArgument;
    }
    if (!out.emplace(pair.substr(0, equals), pair.substr(equals + 1)).second) {
      error = "--map " + pair + ": " + pair.substr(0, equals) + " is mapped twice";
      return Code::kInvalidArgument;
    }
  }
  return out;
}

Status ForEachWindow(const Recording& recording,
                     double from,
                     double to,
                     const WindowCut& cut,
                     const WindowSink& sink,
                     std::vector<std::string>& errors) {
  const auto refuse = [&](const std::string& reason) -> Status {
    errors.push_back(recording.file.string() + ": " + reason);
    return Code::kInvalidArgument;
  };
  if (recording.channels.size() != cut.channels) {
    return refuse("has " + std::to_string(recording.channels.size()) +
                  " channels; the package's recipe wants " + std::to_string(cut.channels));
  }
  if (recording.fs_hz != cut.sample_rate_hz && !cut.resample) {
    return refuse("has " + std::to_string(recording.fs_hz) +
                  " frames a second; the package's recipe wants " +
                  std::to_string(cut.sample_rate_hz) + " (--resample converts)");
  }
  TRIB_TRY_ASSIGN(const host::recording::Extent extent, Measure(recording, errors));
  Recording part = recording;
  const auto frames = static_cast<double>(extent.frames());
  part.begin_frame = extent.begin + static_cast<std::uint64_t>(frames * from);
  part.end_frame = extent.begin + static_cast<std::uint64_t>(frames * to);
  if (part.begin_frame >= *part.end_frame) {
    return {};
  }
  Manifest manifest;
  manifest.recordings.push_back(std::move(part));
  TRIB_TRY_ASSIGN(host::recording::Player player,
                  host::recording::Player::Open(std::move(manifest), {}, errors));
  const std::size_t block_frames = BlockFrames(recording, cut);
  std::vector<std::int16_t> memory(block_frames * cut.channels);
  Stretch stretch{.samples = {}, .block_frames = block_frames, .non_finite = {}};
  while (true) {
    const auto block = player.Read(memory);
    if (block.status().code() == Code::kOutOfRange) {
      return {};
    }
    if (!block.ok()) {
      return refuse("cannot be read to its end");
    }
    const auto got = static_cast<std::ptrdiff_t>(block->frames * cut.channels);
    stretch.samples.insert(stretch.samples.end(), memory.begin(), memory.begin() + got);
    stretch.non_finite.push_back(block->non_finite_frames);
    if (block->boundary) {
      if (!CutStretch(stretch, recording.fs_hz, cut, sink)) {
        return {};
      }
      stretch.samples.clear();
      stretch.non_finite.clear();
    }
  }
}

std::vector<std::int16_t> Resample(std::span<const std::int16_t> samples,
                                   double from_hz,
                                   double to_hz) {
  constexpr double kBeta = 8;  // 80 dB
  constexpr double kZeroCrossings = 32;
  const double step = from_hz / to_hz;
  // Of the input's rate: a little below half of the slower rate.
  const double cutoff = 0.95 * std::min(1.0, 1 / step);
  const double reach = kZeroCrossings / cutoff;
  // By the distance from the centre over the reach.
  std::vector<double> window(4097);
  for (std::size_t i = 0; i < window.size(); ++i) {
    const double edge = static_cast<double>(i) / 4096;
    window[i] = BesselI0(kBeta * std::sqrt(1 - edge * edge)) / BesselI0(kBeta);
  }
  const auto count = static_cast<std::size_t>(static_cast<double>(samples.size()) / step);
  std::vector<std::int16_t> out;
  out.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double centre = static_cast<double>(i) * step;
    const auto first = static_cast<std::size_t>(std::max(0.0, std::ceil(centre - reach)));
    const auto last = std::min(samples.size() - 1, static_cast<std::size_t>(centre + reach));
    double sum = 0;
    for (std::size_t j = first; j <= last; ++j) {
      const double x = static_cast<double>(j) - centre;
      const auto edge =
          static_cast<std::size_t>(std::min(4096L, std::lround(std::abs(x) / reach * 4096)));
      const double phase = std::numbers::pi * cutoff * x;
      const double sinc = std::abs(phase) < 1e-9 ? 1 : std::sin(phase) / phase;
      sum += samples[j] * cutoff * sinc * window[edge];
    }
    out.push_back(static_cast<std::int16_t>(std::lround(std::clamp(sum, -32768.0, 32767.0))));
  }
  return out;
}

}  // namespace trib::tools::evaluation
