#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "trib/common/status/result.h"

namespace trib::cloud::train {

/// Recordings: a data set in a known dialect, or a manifest of our own format.
struct DataSource {
  std::string dialect;                        ///< empty: `folder` holds manifest.toml
  std::filesystem::path folder;               ///< below a folder given with --data
  std::map<std::string, std::string> labels;  ///< of a recording to a class; others are themselves
  std::string group;     ///< condition that tells one physical part from another
  bool outside = false;  ///< never trained on: tells how far the network carries
};

/// Which recordings train and which test.
struct Split {
  std::string name;
  std::string by;                  ///< a condition of the recordings; "random": windows at random
  std::vector<std::string> train;  ///< its values
  std::vector<std::string> test;   ///< its values
  double test_share = 0.3;         ///< with "random"
  bool ship = false;               ///< the package is made of this one
};

struct Interval {
  double low = 0;
  double high = 0;
};

/// Simulated machines beside the recordings (common/simulation).
struct Simulator {
  double share = 0;          ///< of the windows trained on; 0: none
  std::size_t machines = 0;  ///< per class, for training; a third as many more for tests
  double seconds = 2;        ///< of each
  Interval speed_hz{25, 32};
  Interval load{0.5, 1.5};
  Interval strike{0.5, 1.5};  ///< factor on the spot's strikes
  /// Factor on the spot's roughness, drawn apart; 0: that of its strikes. A worn spot may hiss
  /// rather than knock.
  Interval roughness{0, 0};
  double spread = 0.3;
  std::vector<std::string> sizes;  ///< spots: "0.007" ...
  struct Bearing {
    std::uint32_t balls = 9;
    double ball_mm = 0;
    double pitch_mm = 0;
  };
  std::vector<Bearing> bearings;  ///< empty: the default one
};

struct Augment {
  Interval gain{1, 1};
  double noise_share = 0;  ///< of the windows that get noise
  Interval snr_db{10, 40};
  double speed = 0;  ///< resampled by up to this part
  /// Greatest second and third tap of a filter at random: as if the way to the sensor were another.
  double filter = 0;
  bool shift = true;
};

/// A depthwise convolution of `kernel` frames and a pointwise one to `channels`.
struct Block {
  std::size_t part = 0;  ///< 0 node, 1 gateway, 2 cloud
  std::size_t kernel = 0;
  std::size_t stride = 1;
  std::size_t channels = 0;
};

struct NetworkConfig {
  std::size_t stem_kernel = 0;
  std::size_t stem_stride = 1;
  std::size_t stem_channels = 0;
  std::vector<Block> blocks;  ///< in order; parts rise
};

struct FitConfig {
  std::size_t epochs = 1;
  std::size_t batches = 1;  ///< of an epoch
  std::size_t batch = 64;
  double learning_rate = 0.003;
  double weight_decay = 0.01;
  double label_smoothing = 0;
  std::vector<double> loss_weights;  ///< one per exit
};

struct QuantiseConfig {
  double input_percentile = 99.9;   ///< of |input|, in percent
  std::vector<double> percentiles;  ///< candidates for activations; the engine decides
};

/// From which confidence an exit is enough.
struct ExitConfig {
  enum class Method : std::uint8_t { kCosts, kRisk };
  double tail = 0.15;           ///< end of every training recording, kept for calibration
  std::size_t gap_windows = 1;  ///< left out before it
  Method method = Method::kCosts;
  // Costs, in any unit.
  double ask = 0.05;   ///< asking the next tier
  double wrong = 0.5;  ///< a false alarm, or a fault taken for another
  double missed = 1;   ///< a fault called normal
  // Promises.
  double risk = 0.05;          ///< most errors among what is accepted
  double healthy_risk = 0.02;  ///< the same for the first class
  double delta = 0.05;         ///< how often the promise may fail
};

struct TrainConfig {
  std::filesystem::path base;  ///< specification of all but the network
  std::string version;         ///< of the packages made
  std::uint64_t seed = 1;
  std::uint32_t verdict_wait_ms = 5000;
  std::vector<std::string> classes;  ///< labels of the base; the first is the normal one
  std::vector<DataSource> data;
  std::vector<Split> splits;
  Simulator simulator;
  Augment augment;
  NetworkConfig network;
  FitConfig fit;
  QuantiseConfig quantise;
  ExitConfig exits;
};

/// Reads a training configuration: docs/formats/train.md.
///
/// @returns kNotFound or kInvalidArgument; `errors` then has one line for each mistake.
Result<TrainConfig> LoadConfig(const std::filesystem::path& path, std::vector<std::string>& errors);
Result<TrainConfig> ParseConfig(std::string_view text,
                                std::string_view name,
                                std::vector<std::string>& errors);

}  // namespace trib::cloud::train
