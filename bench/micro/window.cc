// Question   What does one window cost on this machine: features in float (the node's type), the
//            same in double, and the signature check of the package that holds the recipe?
// Baseline   Reading every sample of the window once (a sum), in the same run.
// Input      2,048 samples of seeded noise with impulses, full scale a tenth; the bearing recipe.
// Command    ./dev bench --benchmark_filter=Window
#include <benchmark/benchmark.h>

#include <cstdint>
#include <stdexcept>
#include <vector>

#include "trib/common/base/random.h"
#include "trib/common/dsp/extractor.h"
#include "trib/common/host/package/package.h"
#include "trib/common/package/package.h"

namespace trib::bench {
namespace {

const std::vector<std::byte>& PackageBytes() {
  static const std::vector<std::byte> bytes = [] {
    std::string error;
    auto built = host::package::BuildPackage("workloads/bearing/package.toml", &error);
    if (!built.ok()) {
      throw std::runtime_error("run from the repository: " + error);
    }
    return *built;
  }();
  return bytes;
}

dsp::Recipe BearingRecipe() {
  const auto view = package::PackageView::Open(PackageBytes());
  return *dsp::DecodeRecipe(view->Find(package::SectionType::kRecipe));
}

std::vector<std::int16_t> Noise(std::size_t count) {
  SplitMix64 random(7);
  std::vector<std::int16_t> samples(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto noise = static_cast<std::int16_t>(random.Next() % 3277);
    samples[i] = static_cast<std::int16_t>(i % 111 == 0 ? 10 * noise / 3 : noise - 1638);
  }
  return samples;
}

void WindowReadOnce(benchmark::State& state) {
  const auto samples = Noise(BearingRecipe().window_frames);
  for (auto _ : state) {
    std::int64_t sum = 0;
    for (const auto sample : samples) {
      sum += sample;
      benchmark::DoNotOptimize(sum);
    }
  }
}
BENCHMARK(WindowReadOnce);

template <typename Real>
void WindowFeatures(benchmark::State& state) {
  const dsp::Recipe recipe = BearingRecipe();
  const auto samples = Noise(recipe.window_frames);
  std::vector<Real> scratch(dsp::Extractor<Real>::RequiredReals(recipe));
  dsp::Extractor<Real> extractor(recipe, scratch);
  dsp::Window window;
  window.samples = samples;
  window.channels = 1;
  window.frames = recipe.window_frames;
  window.scale = 0.0005F;
  window.sample_rate_hz = recipe.sample_rate_hz;
  dsp::FeatureVector<Real> features;
  for (auto _ : state) {
    const Status status = extractor.Extract(window, features);
    benchmark::DoNotOptimize(status);
    benchmark::DoNotOptimize(features);
  }
}
BENCHMARK(WindowFeatures<float>);
BENCHMARK(WindowFeatures<double>);

void WindowPackageOpen(benchmark::State& state) {
  for (auto _ : state) {
    auto view = package::PackageView::Open(PackageBytes());
    benchmark::DoNotOptimize(view);
  }
}
BENCHMARK(WindowPackageOpen);

}  // namespace
}  // namespace trib::bench
