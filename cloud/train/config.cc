#include "trib/cloud/train/config.h"

#include <algorithm>
#include <array>
#include <set>

#include "trib/common/host/config/config_file.h"

namespace trib::cloud::train {
namespace {

using host::config::ConfigFile;
using host::config::Range;
using host::config::Section;

constexpr std::array<std::string_view, 3> kParts = {"node", "gateway", "cloud"};
constexpr std::array<std::string_view, 3> kSizes = {"0.007", "0.014", "0.021"};

std::size_t Count(Section& section,
                  std::string_view key,
                  std::size_t otherwise,
                  std::int64_t min,
                  std::int64_t max) {
  return static_cast<std::size_t>(
      section.Int(key, static_cast<std::int64_t>(otherwise), Range<std::int64_t>{min, max}));
}

Interval ReadInterval(Section& section,
                      std::string_view key,
                      Interval otherwise,
                      Range<double> range) {
  if (!section.Has(key)) {
    return otherwise;
  }
  const auto values = section.Doubles(key, range);
  if (values.size() != 2 || values[0] > values[1]) {
    section.Fail(key, "must be two numbers, the lower one first");
    return otherwise;
  }
  return {values[0], values[1]};
}

DataSource ReadData(Section& section) {
  DataSource out;
  out.dialect = section.String("dialect", "");
  out.folder = section.String("folder");
  out.group = section.String("group", "");
  out.outside = section.Bool("outside", false);
  if (section.Has("labels")) {
    for (const auto& [from, to] : section.Values("labels")) {
      const auto* text = std::get_if<std::string>(&to);
      if (text == nullptr) {
        section.Fail("labels", "must name a class for each label of a recording");
        continue;
      }
      out.labels.emplace(from, *text);
    }
  }
  return out;
}

Split ReadSplit(Section& section) {
  Split out;
  out.name = section.String("name");
  out.by = section.String("by");
  out.train = section.Strings("train");
  out.test = section.Strings("test");
  out.test_share = section.Double("test_share", out.test_share, {0.05, 0.95});
  out.ship = section.Bool("ship", false);
  if (out.by != "random" && (out.train.empty() || out.test.empty())) {
    section.Fail("by", "needs values in train and in test");
  }
  for (const std::string& value : out.train) {
    if (std::find(out.test.begin(), out.test.end(), value) != out.test.end()) {
      section.Fail("train", "has \"" + value + "\", which is in test, too");
    }
  }
  return out;
}

Simulator ReadSimulator(ConfigFile& file) {
  Simulator out;
  if (!file.Has("simulator")) {
    return out;
  }
  out.share = file.Double("simulator.share", {0, 0.9});
  out.machines = Count(file, "simulator.machines", 30, 1, 10'000);
  out.seconds = file.Double("simulator.seconds", out.seconds, {0.1, 600});
  out.speed_hz = ReadInterval(file, "simulator.speed_hz", out.speed_hz, {1, 500});
  out.load = ReadInterval(file, "simulator.load", out.load, {0, 10});
  out.strike = ReadInterval(file, "simulator.strike", out.strike, {0, 100});
  out.roughness = ReadInterval(file, "simulator.roughness", out.roughness, {0, 100});
  out.spread = file.Double("simulator.spread", out.spread, {0, 0.5});
  out.sizes = file.Strings("simulator.sizes");
  if (out.sizes.empty()) {
    out.sizes.assign(kSizes.begin(), kSizes.end());
  }
  for (const std::string& size : out.sizes) {
    if (std::find(kSizes.begin(), kSizes.end(), size) == kSizes.end()) {
      file.Fail("simulator.sizes", "has \"" + size + "\"; one of 0.007, 0.014, 0.021");
    }
  }
  for (auto& section : file.Tables("simulator.bearing")) {
    Simulator::Bearing bearing;
    bearing.balls = static_cast<std::uint32_t>(Count(section, "balls", 9, 3, 64));
    bearing.ball_mm = section.Double("ball_mm", {0.01, 1e4});
    bearing.pitch_mm = section.Double("pitch_mm", {0.01, 1e5});
    if (bearing.ball_mm >= bearing.pitch_mm) {
      section.Fail("ball_mm", "must be less than pitch_mm");
    }
    out.bearings.push_back(bearing);
  }
  return out;
}

Augment ReadAugment(ConfigFile& file) {
  Augment out;
  out.gain = ReadInterval(file, "augment.gain", out.gain, {0.01, 100});
  out.noise_share = file.Double("augment.noise_share", out.noise_share, {0, 1});
  out.snr_db = ReadInterval(file, "augment.snr_db", out.snr_db, {-20, 100});
  out.speed = file.Double("augment.speed", out.speed, {0, 0.3});
  out.filter = file.Double("augment.filter", out.filter, {0, 0.9});
  out.shift = file.Bool("augment.shift", out.shift);
  return out;
}

NetworkConfig ReadNetwork(ConfigFile& file) {
  NetworkConfig out;
  out.stem_kernel = Count(file, "network.stem.kernel", 16, 1, 255);
  out.stem_stride = Count(file, "network.stem.stride", 1, 1, 255);
  out.stem_channels = Count(file, "network.stem.channels", 8, 1, 256);
  std::size_t last = 0;
  for (auto& section : file.Tables("network.block")) {
    Block block;
    const std::string part = section.Enum("part", kParts);
    block.part =
        static_cast<std::size_t>(std::find(kParts.begin(), kParts.end(), part) - kParts.begin()) %
        kParts.size();
    block.kernel = Count(section, "kernel", 3, 1, 255);
    block.stride = Count(section, "stride", 1, 1, 255);
    block.channels = Count(section, "channels", 16, 1, 512);
    if (block.part < last || block.part > last + 1 || (out.blocks.empty() && block.part != 0)) {
      section.Fail("part",
                   "is out of order: node, then gateway, then cloud, none left out between");
    }
    last = block.part;
    out.blocks.push_back(block);
  }
  if (out.blocks.empty()) {
    file.Fail("network.block", "is missing: a network needs at least one [[network.block]]");
  }
  return out;
}

FitConfig ReadFit(ConfigFile& file, std::size_t exits) {
  FitConfig out;
  out.epochs = Count(file, "fit.epochs", 20, 1, 10'000);
  out.batches = Count(file, "fit.batches", 50, 1, 100'000);
  out.batch = Count(file, "fit.batch", 64, 2, 4096);
  out.learning_rate = file.Double("fit.learning_rate", out.learning_rate, {1e-6, 1});
  out.weight_decay = file.Double("fit.weight_decay", out.weight_decay, {0, 1});
  out.label_smoothing = file.Double("fit.label_smoothing", out.label_smoothing, {0, 0.5});
  out.loss_weights = file.Doubles("fit.loss_weights", {0, 100});
  if (out.loss_weights.empty()) {
    out.loss_weights.assign(exits, 1.0);
  }
  if (out.loss_weights.size() != exits) {
    file.Fail("fit.loss_weights",
              "must have one number per exit: the network has " + std::to_string(exits));
  }
  return out;
}

QuantiseConfig ReadQuantise(ConfigFile& file) {
  QuantiseConfig out;
  out.input_percentile = file.Double("quantise.input_percentile", out.input_percentile, {90, 100});
  out.percentiles = file.Doubles("quantise.percentiles", {90, 100});
  if (out.percentiles.empty()) {
    out.percentiles = {99.9, 99.99, 100};
  }
  return out;
}

ExitConfig ReadExits(ConfigFile& file) {
  ExitConfig out;
  out.tail = file.Double("exits.tail", out.tail, {0.02, 0.5});
  out.gap_windows = Count(file, "exits.gap_windows", out.gap_windows, 1, 1000);
  constexpr std::array<std::string_view, 2> kMethods = {"costs", "risk"};
  out.method = file.Enum("exits.method", "costs", kMethods) == "risk" ? ExitConfig::Method::kRisk
                                                                      : ExitConfig::Method::kCosts;
  out.ask = file.Double("exits.ask", out.ask, {0, 1e6});
  out.wrong = file.Double("exits.wrong", out.wrong, {1e-6, 1e6});
  out.missed = file.Double("exits.missed", out.missed, {1e-6, 1e6});
  out.risk = file.Double("exits.risk", out.risk, {1e-6, 0.5});
  out.healthy_risk = file.Double("exits.healthy_risk", out.healthy_risk, {1e-6, 0.5});
  out.delta = file.Double("exits.delta", out.delta, {1e-6, 0.5});
  return out;
}

void ReadSplits(ConfigFile& file, TrainConfig& out) {
  std::size_t shipped = 0;
  for (auto& section : file.Tables("split")) {
    out.splits.push_back(ReadSplit(section));
    shipped += out.splits.back().ship ? 1 : 0;
  }
  if (shipped != 1) {
    file.Fail("split", "needs exactly one [[split]] with ship = true: the package is made of it");
  }
}

Result<TrainConfig> Read(ConfigFile file, std::vector<std::string>& errors) {
  TrainConfig out;
  out.base = file.Path("base");
  out.version = file.String("version");
  out.seed = static_cast<std::uint64_t>(file.Int("seed", 1, {0, INT64_MAX}));
  out.verdict_wait_ms = static_cast<std::uint32_t>(
      file.Duration("verdict_wait", Millis(5000), {Millis(1), Millis(600'000)}).count());
  out.classes = file.Strings("classes");
  if (out.classes.size() < 2 || out.classes.size() > 16) {
    file.Fail("classes", "must name 2 to 16 classes, the normal one first");
  }
  if (std::set<std::string>(out.classes.begin(), out.classes.end()).size() != out.classes.size()) {
    file.Fail("classes", "names a class twice");
  }
  for (auto& section : file.Tables("data")) {
    out.data.push_back(ReadData(section));
  }
  if (out.data.empty()) {
    file.Fail("data", "is missing: at least one [[data]]");
  }
  ReadSplits(file, out);
  out.simulator = ReadSimulator(file);
  out.augment = ReadAugment(file);
  out.network = ReadNetwork(file);
  const std::size_t exits = out.network.blocks.empty() ? 1 : out.network.blocks.back().part + 1;
  out.fit = ReadFit(file, exits);
  out.quantise = ReadQuantise(file);
  out.exits = ReadExits(file);
  if (const Status status = file.Finish(); !status.ok()) {
    errors = file.errors();
    return status;
  }
  return out;
}

}  // namespace

Result<TrainConfig> LoadConfig(const std::filesystem::path& path,
                               std::vector<std::string>& errors) {
  return Read(ConfigFile::Load(path), errors);
}

Result<TrainConfig> ParseConfig(std::string_view text,
                                std::string_view name,
                                std::vector<std::string>& errors) {
  return Read(ConfigFile::Parse(text, name), errors);
}

}  // namespace trib::cloud::train
