#include "reference.h"

#include <algorithm>
#include <cmath>

namespace trib::cloud::drift {

bool Reference::Add(const Block& block) {
  const auto channels = ChannelsOf(block);
  if (past_.empty()) {
    channels_ = channels;
    sum_ = block;
    tally_ = Tally(block, channels_);
  } else if (channels != channels_) {
    return false;
  } else {
    AddBlock(sum_, block);
    sum_.gateway = block.gateway;
    sum_.firmware_version = block.firmware_version;
    tally_.Add(Tally(block, channels_));
  }
  past_.push_back({block.begin_ms, block.judged, block.errors});
  tallies_.emplace_back(block, channels_);
  windows_.push_back(block.windows);
  if (complete()) {
    Complete();
  }
  return true;
}

float Reference::TrustIn(std::uint64_t windows) const {
  return static_cast<float>(std::sqrt(std::min(1.0, static_cast<double>(windows) / mean_windows_)));
}

void Reference::Complete() {
  const std::size_t width = channels_.size() * kMeasures;
  mean_windows_ = static_cast<double>(sum_.windows) / static_cast<double>(wanted_);
  left_out_.assign(wanted_ * width, 0);
  moments_without_.assign(wanted_ * width, 0);
  moments_.assign(width, 0);
  for (std::size_t b = 0; b < wanted_; ++b) {
    Tally others = tally_;
    for (std::size_t j = 0; j < wanted_; ++j) {
      if (Near(j, b)) {
        others.Subtract(tallies_[j]);
      }
    }
    const std::span<float> row(left_out_.data() + b * width, width);
    Compare(others, tallies_[b], row);
    const float trust = TrustIn(windows_[b]);
    for (std::size_t i = 0; i < width; ++i) {
      row[i] *= trust;
    }
    if (wanted_ <= kExactBlocks) {
      LearnMoments(b, others);
    }
  }
  LearnOwnMoments();
  if (wanted_ > kExactBlocks) {
    ApproximateMoments();
  }
  for (std::size_t i = 0; i < width; ++i) {
    const std::size_t c = i / kMeasures;
    const auto least = static_cast<float>(
        LeastMoment(channels_[c], i % kMeasures, tally_.SizeOf(c) / static_cast<double>(wanted_)));
    moments_[i] = std::max(moments_[i], least);
    for (std::size_t b = 0; b < wanted_; ++b) {
      float& moment = moments_without_[b * width + i];
      moment = std::max(moment, least);
    }
  }
  tallies_ = {};
  windows_ = {};
}

std::size_t Reference::OthersOf(std::size_t b) const {
  const std::size_t first = b - std::min(b, gap_);
  const std::size_t last = std::min(b + gap_, wanted_ - 1);
  return wanted_ - (last - first + 1);
}

void Reference::LearnOwnMoments() {
  const std::size_t width = channels_.size() * kMeasures;
  Measures row(width);
  for (std::size_t j = 0; j < wanted_; ++j) {
    Tally rest = tally_;
    rest.Subtract(tallies_[j]);
    Compare(rest, tallies_[j], row);
    const float trust = TrustIn(windows_[j]);
    for (std::size_t i = 0; i < width; ++i) {
      moments_[i] += trust * row[i] * trust * row[i] / static_cast<float>(wanted_);
    }
  }
}

void Reference::LearnMoments(std::size_t b, const Tally& others) {
  const std::size_t width = channels_.size() * kMeasures;
  Measures row(width);
  float* moments = moments_without_.data() + b * width;
  const auto count = static_cast<float>(OthersOf(b));
  for (std::size_t j = 0; j < wanted_; ++j) {
    if (Near(j, b)) {
      continue;
    }
    Tally rest = others;
    rest.Subtract(tallies_[j]);
    Compare(rest, tallies_[j], row);
    const float trust = TrustIn(windows_[j]);
    for (std::size_t i = 0; i < width; ++i) {
      moments[i] += trust * row[i] * trust * row[i] / count;
    }
  }
}

void Reference::ApproximateMoments() {
  const std::size_t width = channels_.size() * kMeasures;
  const auto n = static_cast<float>(wanted_);
  for (std::size_t b = 0; b < wanted_; ++b) {
    for (std::size_t i = 0; i < width; ++i) {
      const float own = left_out_[b * width + i];
      moments_without_[b * width + i] = std::max(0.0F, (moments_[i] * n - own * own) / (n - 1));
    }
  }
}

bool Reference::Score(const Block& block, Measures& out) const {
  if (ChannelsOf(block) != channels_) {
    return false;
  }
  out.resize(channels_.size() * kMeasures);
  Compare(tally_, Tally(block, channels_), out);
  const float trust = TrustIn(block.windows);
  for (float& value : out) {
    value *= trust;
  }
  return true;
}

}  // namespace trib::cloud::drift
