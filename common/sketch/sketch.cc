#include "trib/common/sketch/sketch.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace trib::sketch {
namespace {

constexpr std::uint32_t kMax = std::numeric_limits<std::uint32_t>::max();

bool IsFinite(float value) {
  return (std::bit_cast<std::uint32_t>(value) & 0x7F800000U) != 0x7F800000U;
}

// @returns false when the sum stopped at the maximum.
bool Add(std::uint32_t& into, std::uint32_t value) {
  const bool fits = value <= kMax - into;
  into = fits ? into + value : kMax;
  return fits;
}

bool Rising(Edges edges) {
  for (std::size_t i = 0; i < kEdges; ++i) {
    if (!IsFinite(edges[i]) || (i > 0 && edges[i] < edges[i - 1])) {
      return false;
    }
  }
  return true;
}

const message::Histogram* Find(const message::Sketch& sketch, std::uint32_t feature) {
  for (const message::Histogram& histogram : sketch.histograms) {
    if (histogram.feature == feature) {
      return &histogram;
    }
  }
  return nullptr;
}

// Equal counts plus each one found, with no duplicate inside `a`, means equal sets.
bool SameFeatures(const message::Sketch& a, const message::Sketch& b) {
  if (a.histograms.size() != b.histograms.size()) {
    return false;
  }
  for (const message::Histogram& histogram : a.histograms) {
    if (Find(a, histogram.feature) != &histogram || Find(b, histogram.feature) == nullptr) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::optional<std::size_t> BinOf(float value, Edges edges) {
  if (value != value) {
    return std::nullopt;
  }
  // 15 edges: four halvings, always.
  std::size_t bin = 0;
  for (std::size_t step = message::kHistogramBins / 2; step > 0; step /= 2) {
    if (value >= edges[bin + step - 1]) {
      bin += step;
    }
  }
  return bin;
}

Status SketchBuilder::Configure(std::span<const HistogramSpec> specs, std::size_t labels) {
  sketch_ = {};
  ignored_values_ = 0;
  if (specs.size() > message::kMaxHistograms) {
    return {Code::kInvalidArgument, Reason::kTooManyHistograms};
  }
  if (!sketch_.labels.resize(labels)) {
    return {Code::kInvalidArgument, Reason::kTooManyLabels};
  }
  for (const HistogramSpec& spec : specs) {
    Reason reason = Reason::kNone;
    if (!Rising(spec.edges)) {
      reason = Reason::kBadEdges;
    } else if (Find(sketch_, spec.feature) != nullptr) {
      reason = Reason::kDuplicateFeature;
    }
    if (reason != Reason::kNone) {
      sketch_ = {};
      return {Code::kInvalidArgument, reason};
    }
    edges_[sketch_.histograms.size()] = spec.edges.data();
    message::Histogram histogram;
    histogram.feature = spec.feature;
    (void)sketch_.histograms.push_back(histogram);
  }
  return {};
}

void SketchBuilder::AddWindow(bool triggered, const Values& values) {
  (void)Add(sketch_.windows, 1);
  (void)Add(sketch_.triggered, triggered ? 1 : 0);
  for (std::size_t i = 0; i < sketch_.histograms.size(); ++i) {
    message::Histogram& histogram = sketch_.histograms[i];
    float value = std::numeric_limits<float>::quiet_NaN();
    if (histogram.feature == message::kTriggerScoreFeature) {
      value = values.trigger_score;
    } else if (histogram.feature == message::kConfidenceFeature) {
      value = values.confidence;
    } else if (histogram.feature < values.frame.size()) {
      value = values.frame[histogram.feature];
    }
    const std::optional<std::size_t> bin = BinOf(value, Edges(edges_[i], kEdges));
    (void)Add(bin.has_value() ? histogram.counts[*bin] : ignored_values_, 1);
  }
}

void SketchBuilder::AddInvalid() {
  (void)Add(sketch_.windows, 1);
  (void)Add(sketch_.invalid, 1);
}

void SketchBuilder::AddDecision(message::Tier tier, std::uint32_t label) {
  const auto index = static_cast<std::size_t>(tier);
  (void)Add(sketch_.exits[index < message::kTierCount ? index : 0], 1);
  if (label < sketch_.labels.size()) {
    (void)Add(sketch_.labels[label], 1);
  }
}

void SketchBuilder::Reset() {
  sketch_.windows = 0;
  sketch_.triggered = 0;
  sketch_.invalid = 0;
  sketch_.exits = {};
  for (std::uint32_t& decisions : sketch_.labels) {
    decisions = 0;
  }
  for (message::Histogram& histogram : sketch_.histograms) {
    histogram.counts = {};
  }
  ignored_values_ = 0;
}

Status Merge(message::Sketch& into, const message::Sketch& from) {
  if (!SameFeatures(into, from)) {
    return {Code::kInvalidArgument, Reason::kDifferentFeatures};
  }
  bool exact = Add(into.windows, from.windows);
  exact = Add(into.triggered, from.triggered) && exact;
  exact = Add(into.invalid, from.invalid) && exact;
  for (std::size_t i = 0; i < message::kTierCount; ++i) {
    exact = Add(into.exits[i], from.exits[i]) && exact;
  }
  // Both have the same capacity.
  (void)into.labels.resize(std::max(into.labels.size(), from.labels.size()));
  for (std::size_t i = 0; i < from.labels.size(); ++i) {
    exact = Add(into.labels[i], from.labels[i]) && exact;
  }
  for (message::Histogram& histogram : into.histograms) {
    const message::Histogram& other = *Find(from, histogram.feature);
    for (std::size_t bin = 0; bin < message::kHistogramBins; ++bin) {
      exact = Add(histogram.counts[bin], other.counts[bin]) && exact;
    }
  }
  return exact ? Status() : Status(Code::kOutOfRange);
}

}  // namespace trib::sketch
