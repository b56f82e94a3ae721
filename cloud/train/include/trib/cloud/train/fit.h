#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "trib/cloud/train/config.h"
#include "trib/cloud/train/network.h"

/// The one door to libtorch: nothing of it is in this header.
namespace trib::cloud::train {

/// Fills a batch: inputs [window][channel][frame] in real units, and the class of each window.
using FillBatch = std::function<void(std::span<float> inputs, std::span<std::int64_t> labels)>;

struct Progress {
  std::size_t epoch = 0;  ///< 1 .. epochs
  std::size_t epochs = 0;
  std::size_t batch = 0;  ///< 1 .. batches
  std::size_t batches = 0;
  double loss = 0;  ///< mean of the epoch so far
};
using OnProgress = std::function<void(const Progress&)>;

/// Fits all exits jointly: the weighted sum of their cross entropies, AdamW, a cosine schedule.
/// One thread; equal arguments give equal weights on one machine and one libtorch.
///
/// @returns the network with batch normalisation folded into its weights.
FloatNetwork Fit(const FloatNetwork& design,
                 const FitConfig& config,
                 std::uint64_t seed,
                 const FillBatch& fill,
                 const OnProgress& progress);

}  // namespace trib::cloud::train
