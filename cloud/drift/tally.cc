#include "tally.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "trib/common/base/check.h"
#include "trib/common/host/drift/statistics.h"

namespace trib::cloud::drift {
namespace {

Channel OfHistogram(std::uint32_t feature) {
  return feature == message::kConfidenceFeature ? Channel{Channel::Kind::kConfidence, 0}
                                                : Channel{Channel::Kind::kFeature, feature};
}

const Block::Histogram* FindHistogram(const Block& block, const Channel& channel) {
  const auto found = std::find_if(
      block.histograms.begin(), block.histograms.end(), [&](const Block::Histogram& histogram) {
        return OfHistogram(histogram.feature) == channel;
      });
  return found == block.histograms.end() ? nullptr : &*found;
}

template <typename Counts>
std::uint64_t Sum(const Counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

}  // namespace

std::vector<Channel> ChannelsOf(const Block& block) {
  std::vector<Channel> out;
  for (const auto& histogram : block.histograms) {
    out.push_back(OfHistogram(histogram.feature));
  }
  out.push_back({Channel::Kind::kTriggerRate, 0});
  // Index 0 is no tier.
  for (std::uint32_t tier = 1; tier < message::kTierCount; ++tier) {
    out.push_back({Channel::Kind::kExitRate, tier});
  }
  for (std::uint32_t label = 0; label < message::kMaxLabels; ++label) {
    out.push_back({Channel::Kind::kLabelRate, label});
  }
  std::sort(out.begin(), out.end());
  return out;
}

Tally::Tally(const Block& block, std::span<const Channel> channels) {
  const std::uint64_t exits = Sum(block.exits);
  const std::uint64_t labels = Sum(block.labels);
  for (const Channel& channel : channels) {
    switch (channel.kind) {
      case Channel::Kind::kFeature:
      case Channel::Kind::kConfidence: {
        const Block::Histogram* histogram = FindHistogram(block, channel);
        TRIB_CHECK(histogram != nullptr);
        bins_.insert(bins_.end(), histogram->counts.begin(), histogram->counts.end());
        break;
      }
      case Channel::Kind::kTriggerRate:
        rates_.push_back({block.triggered, block.windows});
        break;
      case Channel::Kind::kExitRate:
        rates_.push_back({block.exits[channel.index], exits});
        break;
      case Channel::Kind::kLabelRate:
        rates_.push_back({block.labels[channel.index], labels});
        break;
      case Channel::Kind::kErrorRate:
        TRIB_CHECK(false);
    }
  }
}

void Tally::Add(const Tally& other) {
  TRIB_CHECK(other.channels() == channels());
  for (std::size_t i = 0; i < bins_.size(); ++i) {
    bins_[i] += other.bins_[i];
  }
  for (std::size_t i = 0; i < rates_.size(); ++i) {
    rates_[i].hits += other.rates_[i].hits;
    rates_[i].of += other.rates_[i].of;
  }
}

void Tally::Subtract(const Tally& other) {
  TRIB_CHECK(other.channels() == channels());
  for (std::size_t i = 0; i < bins_.size(); ++i) {
    bins_[i] -= other.bins_[i];
  }
  for (std::size_t i = 0; i < rates_.size(); ++i) {
    rates_[i].hits -= other.rates_[i].hits;
    rates_[i].of -= other.rates_[i].of;
  }
}

double Tally::SizeOf(std::size_t channel) const {
  return static_cast<double>(channel < histograms() ? Sum(HistogramOf(channel))
                                                    : rates_[channel - histograms()].of);
}

double Tally::RateOf(std::size_t channel) const {
  const Rate& rate = rates_[channel - histograms()];
  return rate.of == 0 ? 0 : static_cast<double>(rate.hits) / static_cast<double>(rate.of);
}

bool Tally::Counted(std::size_t channel) const {
  return channel < histograms() ? Sum(HistogramOf(channel)) > 0
                                : rates_[channel - histograms()].hits > 0;
}

double ShiftOf(double ridit, double windows) {
  constexpr double kDeviationsPerLogit = 0.83;
  const double least = 0.5 / std::max(windows, 1.0);
  const double r = std::clamp(ridit, least, 1 - least);
  return kDeviationsPerLogit * std::log(r / (1 - r));
}

double ArcsineRoot(double hits, double of) {
  return std::asin(std::sqrt((hits + 0.375) / (of + 0.75)));
}

void Compare(const Tally& reference, const Tally& current, std::span<float> out) {
  const std::size_t histograms = reference.histograms();
  TRIB_CHECK(out.size() == kMeasures * reference.channels());
  for (std::size_t c = 0; c < histograms; ++c) {
    const auto then = reference.HistogramOf(c);
    const auto now = current.HistogramOf(c);
    float* of = out.data() + c * kMeasures;
    of[kLocation] = static_cast<float>(ShiftOf(host::drift::Ridit(then, now), current.SizeOf(c)));
    of[kKs] = static_cast<float>(host::drift::BinnedKs(then, now));
    of[kPsi] = static_cast<float>(std::sqrt(host::drift::PsiJeffreys(then, now)));
  }
  for (std::size_t i = 0; i < reference.rates_.size(); ++i) {
    const Tally::Rate& then = reference.rates_[i];
    const Tally::Rate& now = current.rates_[i];
    float* of = out.data() + (histograms + i) * kMeasures;
    std::fill(of, of + kMeasures, 0.0F);
    // Where no window was ever counted so, it may stay so without being looked at.
    if (then.of > 0 && now.of > 0 && then.hits + now.hits > 0) {
      of[kLocation] = static_cast<float>(
          ArcsineRoot(static_cast<double>(now.hits), static_cast<double>(now.of)) -
          ArcsineRoot(static_cast<double>(then.hits), static_cast<double>(then.of)));
    }
  }
}

double LeastMoment(const Channel& channel, std::size_t measure, double size) {
  const double n = std::max(size, 1.0);
  if (!IsHistogram(channel)) {
    return 1 / (4 * n);
  }
  switch (measure) {
    case kLocation:
      return 1 / n;
    case kKs:
      return 1 / (4 * n);
    default:
      return 1 / n;
  }
}

void AddBlock(Block& into, const Block& from) {
  into.sketches += from.sketches;
  into.windows += from.windows;
  into.triggered += from.triggered;
  into.invalid += from.invalid;
  for (std::size_t i = 0; i < from.exits.size(); ++i) {
    into.exits[i] += from.exits[i];
  }
  for (std::size_t i = 0; i < from.labels.size(); ++i) {
    into.labels[i] += from.labels[i];
  }
  into.judged += from.judged;
  into.errors += from.errors;
  for (auto& histogram : into.histograms) {
    const auto other = std::find_if(
        from.histograms.begin(), from.histograms.end(), [&](const Block::Histogram& candidate) {
          return candidate.feature == histogram.feature;
        });
    for (std::size_t i = 0; other != from.histograms.end() && i < histogram.counts.size(); ++i) {
      histogram.counts[i] += other->counts[i];
    }
  }
}

}  // namespace trib::cloud::drift
