// Sketch edges and drift reference of a training.
#include <algorithm>
#include <cmath>
#include <map>

#include "trib/cloud/train/packages.h"
#include "trib/common/dsp/extractor.h"
#include "trib/common/package/package.h"

namespace trib::cloud::train {
namespace {

using package::PackageView;
using package::SectionType;
using Frame = std::vector<float>;

/// Standardised features of healthy windows, source by source.
class Frames {
 public:
  Frames(const dsp::Recipe& recipe, const Material& material, float min_std)
      : material_(material),
        scratch_(dsp::Extractor<float>::RequiredReals(recipe)),
        extractor_(recipe, scratch_),
        rate_(recipe.sample_rate_hz),
        min_std_(min_std) {}

  void Add(const std::vector<WindowRef>& windows) {
    std::vector<Frame> frames;
    for (const WindowRef& window : windows) {
      if (auto frame = Extract(window)) {
        frames.push_back(*std::move(frame));
      }
    }
    if (frames.size() < 2) {
      return;
    }
    for (std::size_t f = 0; f < frames[0].size(); ++f) {
      Standardise(frames, f);
    }
    frames_.insert(frames_.end(), frames.begin(), frames.end());
  }
  [[nodiscard]] const std::vector<Frame>& frames() const { return frames_; }

 private:
  std::optional<Frame> Extract(const WindowRef& window) {
    const Source& source = material_.sources[window.source];
    const std::size_t channels = material_.shape.channels;
    dsp::Window view;
    view.samples = std::span(source.samples)
                       .subspan(window.begin * channels, material_.shape.frames * channels);
    view.channels = static_cast<std::uint16_t>(channels);
    view.frames = static_cast<std::uint32_t>(material_.shape.frames);
    view.sample_rate_hz = rate_;
    view.scale = source.scale;
    dsp::FeatureVector<float> out;
    if (!extractor_.Extract(view, out).ok()) {
      return std::nullopt;
    }
    return Frame(out.begin(), out.end());
  }

  void Standardise(std::vector<Frame>& frames, std::size_t feature) const {
    double mean = 0;
    double square = 0;
    for (const Frame& frame : frames) {
      mean += frame[feature];
    }
    mean /= static_cast<double>(frames.size());
    for (const Frame& frame : frames) {
      square += (frame[feature] - mean) * (frame[feature] - mean);
    }
    const double deviation =
        std::max<double>(min_std_, std::sqrt(square / static_cast<double>(frames.size() - 1)));
    for (Frame& frame : frames) {
      frame[feature] = static_cast<float>((frame[feature] - mean) / deviation);
    }
  }

  const Material& material_;
  std::vector<float> scratch_;
  dsp::Extractor<float> extractor_;
  std::uint32_t rate_;
  float min_std_;
  std::vector<Frame> frames_;
};

float Quantile(const std::vector<float>& sorted, double part) {
  return sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
}

/// Keeps the edges rising where quantiles coincide.
void Rise(std::array<float, package::kEdges>& edges) {
  for (std::size_t i = 1; i < edges.size(); ++i) {
    edges[i] = std::max(edges[i], edges[i - 1] + 1e-3F);
  }
}

/// Eleven quantiles where healthy machines are, fixed edges beyond them where alarms are.
std::array<float, package::kEdges> FeatureEdges(std::vector<float> values) {
  std::sort(values.begin(), values.end());
  std::array<float, package::kEdges> edges{-8, -4};
  for (std::size_t i = 0; i < 11; ++i) {
    edges[i + 2] = std::clamp(Quantile(values, static_cast<double>(i + 1) / 12), -3.9F, 3.9F);
  }
  edges[13] = 4;
  edges[14] = 8;
  Rise(edges);
  return edges;
}

/// Nine quantiles, then steps up to far above every threshold.
std::array<float, package::kEdges> ScoreEdges(std::vector<float> values) {
  std::sort(values.begin(), values.end());
  std::array<float, package::kEdges> edges{};
  for (std::size_t i = 0; i < 9; ++i) {
    edges[i] = Quantile(values, static_cast<double>(i + 1) / 10);
  }
  constexpr std::array<float, 6> kBeyond = {4.5F, 6, 8, 12, 25, 60};
  std::copy(kBeyond.begin(), kBeyond.end(), edges.begin() + 9);
  Rise(edges);
  return edges;
}

float ScoreOf(const Frame& frame, std::uint64_t mask) {
  float score = 0;
  for (std::size_t f = 0; f < frame.size(); ++f) {
    score = (mask >> f & 1U) != 0 ? std::max(score, std::abs(frame[f])) : score;
  }
  return score;
}

}  // namespace

std::optional<Reference> MakeReference(const Base& base,
                                       const Material& material,
                                       const std::vector<WindowRef>& windows) {
  const auto view = PackageView::Open(base.file);
  package::SketchEdges stated;
  package::TriggerSpec trigger;
  trigger.feature_mask = ~std::uint64_t{0};
  trigger.min_std = 1e-6F;
  if (!view.ok() || !package::Decode(view->Find(SectionType::kSketchEdges), stated).ok()) {
    return std::nullopt;
  }
  // Of what the network will answer nothing is known here: the edges stay as the base states them.
  if (std::ranges::any_of(stated.histograms, [](const auto& histogram) {
        return histogram.feature == package::kConfidenceFeature;
      })) {
    return std::nullopt;
  }
  (void)package::Decode(view->Find(SectionType::kTrigger), trigger);
  const auto recipe = dsp::DecodeRecipe(view->Find(SectionType::kRecipe));
  if (!recipe.ok()) {
    return std::nullopt;
  }
  Frames frames(*recipe, material, trigger.min_std);
  std::map<std::uint32_t, std::vector<WindowRef>> healthy;
  for (const WindowRef& window : windows) {
    if (material.sources[window.source].label == 0) {
      healthy[window.source].push_back(window);
    }
  }
  for (const auto& [source, of] : healthy) {
    frames.Add(of);
  }
  if (frames.frames().empty()) {
    return std::nullopt;
  }
  Reference out;
  out.drift.windows = static_cast<std::uint32_t>(frames.frames().size());
  for (const auto& histogram : stated.histograms) {
    const bool is_score = histogram.feature == package::kTriggerScoreFeature;
    std::vector<float> values;
    for (const Frame& frame : frames.frames()) {
      values.push_back(is_score ? ScoreOf(frame, trigger.feature_mask) : frame[histogram.feature]);
    }
    const auto edges = is_score ? ScoreEdges(values) : FeatureEdges(values);
    (void)out.edges.histograms.push_back({.feature = histogram.feature, .edges = edges});
    package::DriftReference::Histogram counts{.feature = histogram.feature, .counts = {}};
    for (const float value : values) {
      const auto bin = std::upper_bound(edges.begin(), edges.end(), value) - edges.begin();
      ++counts.counts[static_cast<std::size_t>(bin)];
    }
    (void)out.drift.histograms.push_back(counts);
  }
  return out;
}

}  // namespace trib::cloud::train
