#include "trib/cloud/train/dataset.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "trib/common/host/recording/manifest.h"
#include "trib/common/host/recording/player.h"
#include "trib/tools/adapters/adapters.h"

namespace trib::cloud::train {
namespace {

using host::recording::Manifest;
using host::recording::Recording;

/// Below one of the folders, or as it stands when there are none.
std::filesystem::path Find(const std::filesystem::path& folder,
                           const std::vector<std::filesystem::path>& folders) {
  std::error_code failure;
  for (const auto& root : folders) {
    if (std::filesystem::is_directory(root / folder, failure)) {
      return root / folder;
    }
  }
  return folders.empty() && std::filesystem::is_directory(folder, failure)
             ? folder
             : std::filesystem::path();
}

Result<Manifest> LoadManifest(const DataSource& data,
                              const std::vector<std::filesystem::path>& folders,
                              std::vector<std::string>& errors) {
  const auto folder = Find(data.folder, folders);
  if (folder.empty()) {
    std::string text = data.folder.string() + ": no such folder";
    for (std::size_t i = 0; i < folders.size(); ++i) {
      text += (i == 0 ? " below --data " : " or ") + folders[i].string();
    }
    errors.push_back(folders.empty() ? text + "; --data says below which to look" : text);
    return Code::kNotFound;
  }
  if (data.dialect.empty()) {
    return Manifest::Load(folder / "manifest.toml", errors);
  }
  return tools::adapters::Import(data.dialect, folder, errors);
}

std::int16_t Count(float value) {
  return static_cast<std::int16_t>(std::clamp(std::round(value), -32768.0F, 32767.0F));
}

/// The samples of one recording, cut at its record boundaries.
Status ReadSamples(const Recording& recording, Source& out, std::vector<std::string>& errors) {
  Manifest one;
  one.recordings.push_back(recording);
  TRIB_TRY_ASSIGN(auto player, host::recording::Player::Open(std::move(one), {}, errors));
  const std::size_t channels = player.channels();
  std::vector<std::int16_t> block(4096 * channels);
  std::size_t begin = 0;
  std::size_t frames = 0;
  for (;;) {
    const auto read = player.Read(block);
    if (!read.ok()) {
      if (read.status().code() == Code::kOutOfRange) {
        break;
      }
      errors.push_back(recording.file.string() + ": cannot be read");
      return read.status();
    }
    out.samples.insert(out.samples.end(),
                       block.begin(),
                       block.begin() + static_cast<std::ptrdiff_t>(read->frames * channels));
    frames += read->frames;
    if (read->boundary) {
      out.segments.push_back({begin, frames});
      begin = frames;
    }
  }
  if (begin < frames) {
    out.segments.push_back({begin, frames});
  }
  return {};
}

/// To the workload's rate; record boundaries are kept where they fall.
void ChangeRate(Source& source, std::size_t channels, double step) {
  Source out = source;
  out.samples.clear();
  out.segments.clear();
  for (const Span& segment : source.segments) {
    const auto frames =
        static_cast<std::size_t>(static_cast<double>(segment.end - segment.begin) / step);
    std::vector<float> values(frames * channels);
    Resample(source, channels, segment, static_cast<double>(segment.begin), step, values);
    const std::size_t begin = out.samples.size() / channels;
    for (const float value : values) {
      out.samples.push_back(Count(value));
    }
    out.segments.push_back({begin, begin + frames});
  }
  source = std::move(out);
}

double Sinc(double x) {
  const double angle = std::numbers::pi * x;
  return std::abs(x) < 1e-9 ? 1.0 : std::sin(angle) / angle;
}

/// Weights of the frames around a position, with a cosine window. `cutoff` in parts of Nyquist.
struct Kernel {
  static constexpr int kLobes = 8;
  double cutoff;
  int half;
  explicit Kernel(double step)
      : cutoff(std::min(1.0, 1.0 / step)), half(static_cast<int>(std::ceil(kLobes / cutoff))) {}
  [[nodiscard]] double At(double distance) const {
    const double part = distance / half;
    if (std::abs(part) >= 1) {
      return 0;
    }
    const double window = 0.5 + 0.5 * std::cos(std::numbers::pi * part);
    return cutoff * Sinc(distance * cutoff) * window;
  }
};

void AddNoise(SplitMix64& random, double snr_db, std::span<float> samples) {
  double power = 0;
  double mean = 0;
  for (const float sample : samples) {
    mean += sample;
  }
  mean /= static_cast<double>(samples.size());
  for (const float sample : samples) {
    power += (sample - mean) * (sample - mean);
  }
  const double deviation =
      std::sqrt(power / static_cast<double>(samples.size())) * std::pow(10.0, -snr_db / 20);
  for (float& sample : samples) {
    // Box and Muller.
    const double radius = std::sqrt(-2 * std::log(1 - random.Uniform()));
    const double angle = 2 * std::numbers::pi * random.Uniform();
    sample += static_cast<float>(deviation * radius * std::cos(angle));
  }
}

/// y[n] = x[n] + a x[n-1] + b x[n-2] of every channel, with a and b at random.
void Filter(SplitMix64& random, double most, std::size_t channels, std::vector<float>& samples) {
  const auto a = static_cast<float>(most * (2 * random.Uniform() - 1));
  const auto b = static_cast<float>(most * (2 * random.Uniform() - 1));
  for (std::size_t i = samples.size(); i-- > 2 * channels;) {
    samples[i] += a * samples[i - channels] + b * samples[i - 2 * channels];
  }
}

bool Holds(const std::vector<std::string>& list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

void Append(std::vector<WindowRef>& to, const std::vector<WindowRef>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

Result<std::vector<Source>> LoadSources(const TrainConfig& config,
                                        const WindowShape& shape,
                                        const std::vector<std::filesystem::path>& folders,
                                        std::vector<std::string>& errors) {
  std::vector<Source> sources;
  for (std::size_t set = 0; set < config.data.size(); ++set) {
    const DataSource& data = config.data[set];
    TRIB_TRY_ASSIGN(const Manifest manifest, LoadManifest(data, folders, errors));
    for (const Recording& recording : manifest.recordings) {
      const auto mapped = data.labels.find(recording.label);
      const std::string& label = mapped == data.labels.end() ? recording.label : mapped->second;
      const auto found = std::find(config.classes.begin(), config.classes.end(), label);
      if (found == config.classes.end()) {
        continue;
      }
      if (recording.channels.size() != shape.channels) {
        errors.push_back(recording.file.string() + ": has " +
                         std::to_string(recording.channels.size()) + " channels; the recipe has " +
                         std::to_string(shape.channels));
        return Code::kInvalidArgument;
      }
      Source source;
      source.name = recording.file.filename().string();
      source.label = static_cast<std::size_t>(found - config.classes.begin());
      source.set = set;
      source.scale = static_cast<float>(recording.scale);
      for (const auto& [key, value] : recording.conditions) {
        source.conditions.emplace(key, host::recording::ConditionText(value));
      }
      const auto group = source.conditions.find(data.group);
      source.group = label + (group == source.conditions.end() ? "" : " " + group->second);
      TRIB_TRY(ReadSamples(recording, source, errors));
      if (std::abs(recording.fs_hz / shape.rate_hz - 1) > 1e-9) {
        ChangeRate(source, shape.channels, recording.fs_hz / shape.rate_hz);
      }
      sources.push_back(std::move(source));
    }
  }
  if (sources.empty()) {
    errors.emplace_back("no recording has a label that is a class");
    return Code::kInvalidArgument;
  }
  return sources;
}

std::vector<WindowRef> WindowsOf(const Source& source,
                                 std::size_t index,
                                 const WindowShape& shape,
                                 Span within) {
  std::vector<WindowRef> windows;
  for (const Span& segment : source.segments) {
    const std::size_t low = std::max(segment.begin, within.begin);
    const std::size_t high = std::min(segment.end, within.end);
    for (std::size_t begin = low; begin + shape.frames <= high; begin += shape.hop) {
      windows.push_back({static_cast<std::uint32_t>(index),
                         static_cast<std::uint32_t>(begin),
                         static_cast<std::uint32_t>(low),
                         static_cast<std::uint32_t>(high)});
    }
  }
  return windows;
}

Tail CutTail(std::size_t frames, const ExitConfig& config, const WindowShape& shape) {
  const auto tail = static_cast<std::size_t>(static_cast<double>(frames) * (1 - config.tail));
  const std::size_t gap = config.gap_windows * shape.frames;
  return {{0, tail > gap ? tail - gap : 0}, {tail, frames}};
}

Parts Divide(const std::vector<Source>& sources,
             const TrainConfig& config,
             const Split& split,
             const WindowShape& shape,
             std::uint64_t seed) {
  Parts parts;
  SplitMix64 random(seed);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const Source& source = sources[i];
    if (source.set >= config.data.size() || config.data[source.set].outside) {
      continue;
    }
    const std::size_t frames = source.samples.size() / shape.channels;
    if (split.by == "random") {
      for (WindowRef window : WindowsOf(source, i, shape, {0, frames})) {
        window.low = window.begin;
        window.high = window.begin + static_cast<std::uint32_t>(shape.frames);
        const double draw = random.Uniform();
        const double rest = (draw - split.test_share) / (1 - split.test_share);
        (draw < split.test_share    ? parts.test
         : rest < config.exits.tail ? parts.calibrate
                                    : parts.fit)
            .push_back(window);
      }
      continue;
    }
    const auto value = source.conditions.find(split.by);
    if (value == source.conditions.end()) {
      continue;
    }
    if (Holds(split.test, value->second)) {
      Append(parts.test, WindowsOf(source, i, shape, {0, frames}));
    } else if (Holds(split.train, value->second)) {
      const Tail tail = CutTail(frames, config.exits, shape);
      Append(parts.fit, WindowsOf(source, i, shape, tail.fit));
      Append(parts.calibrate, WindowsOf(source, i, shape, tail.calibrate));
    }
  }
  return parts;
}

void Resample(const Source& source,
              std::size_t channels,
              Span within,
              double begin,
              double step,
              std::span<float> out) {
  const Kernel kernel(step);
  const auto first = static_cast<std::ptrdiff_t>(within.begin);
  const auto last = static_cast<std::ptrdiff_t>(within.end) - 1;
  const std::size_t frames = out.size() / channels;
  for (std::size_t n = 0; n < frames; ++n) {
    const double position = begin + static_cast<double>(n) * step;
    const auto centre = static_cast<std::ptrdiff_t>(std::floor(position));
    double weights = 0;
    double sums[8] = {};
    for (std::ptrdiff_t k = centre - kernel.half + 1; k <= centre + kernel.half; ++k) {
      const double weight = kernel.At(position - static_cast<double>(k));
      const auto frame = static_cast<std::size_t>(std::clamp(k, first, last));
      weights += weight;
      for (std::size_t c = 0; c < channels; ++c) {
        sums[c] += weight * source.samples[frame * channels + c];
      }
    }
    for (std::size_t c = 0; c < channels; ++c) {
      out[n * channels + c] = static_cast<float>(sums[c] / weights);
    }
  }
}

void CutWindow(const Source& source,
               const WindowRef& ref,
               const WindowShape& shape,
               const Augment* augment,
               SplitMix64& random,
               std::span<std::int16_t> out) {
  if (augment == nullptr) {
    std::copy_n(source.samples.begin() + static_cast<std::ptrdiff_t>(ref.begin * shape.channels),
                out.size(),
                out.begin());
    return;
  }
  std::vector<float> samples(out.size());
  const double room = ref.high - ref.low;
  const double most = room / static_cast<double>(shape.frames);
  const double wanted = 1 + augment->speed * (2 * random.Uniform() - 1);
  const double step = std::min(wanted, most);
  const double used = step * static_cast<double>(shape.frames);
  // Where room / frames x frames rounds above the room, nothing is left to move in.
  const double latest = std::max<double>(ref.low, ref.high - used);
  double begin = std::min<double>(ref.begin, latest);
  if (augment->shift) {
    begin += (random.Uniform() - 0.5) * static_cast<double>(shape.hop);
    begin = std::clamp<double>(begin, ref.low, latest);
  }
  if (augment->speed == 0) {
    begin = std::floor(begin);
    std::copy_n(source.samples.begin() + static_cast<std::ptrdiff_t>(begin) *
                                             static_cast<std::ptrdiff_t>(shape.channels),
                out.size(),
                samples.begin());
  } else {
    Resample(source, shape.channels, {ref.low, ref.high}, begin, step, samples);
  }
  if (augment->filter > 0) {
    Filter(random, augment->filter, shape.channels, samples);
  }
  if (random.Uniform() < augment->noise_share) {
    const double span = augment->snr_db.high - augment->snr_db.low;
    AddNoise(random, augment->snr_db.low + span * random.Uniform(), samples);
  }
  const double gain =
      augment->gain.low + (augment->gain.high - augment->gain.low) * random.Uniform();
  std::transform(samples.begin(), samples.end(), out.begin(), [&](float sample) {
    return Count(sample * static_cast<float>(gain));
  });
}

}  // namespace trib::cloud::train
