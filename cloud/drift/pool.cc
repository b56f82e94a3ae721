#include "pool.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "trib/common/base/check.h"

namespace trib::cloud::drift {
namespace {

// What a tail is taken for at least: that of a normal deviate, and of distances of samples.
constexpr float kLeastLocation = 2.5F;
constexpr float kLeastLocationTail = 0.1F;
constexpr float kLeastDistance = 1.0F;
constexpr float kLeastDistanceTail = 0.03F;
constexpr float kLeastScore = 1e-6F;

float Shrunk(double moment, std::size_t blocks, double prior) {
  const auto n = static_cast<double>(blocks);
  return static_cast<float>((n * moment + Pool::kPriorBlocks * prior) / (n + Pool::kPriorBlocks));
}

/// By how much taking the peers away made scores smaller, in the root mean square.
float PartLeft(std::span<const float> before, std::span<const float> after) {
  double square_before = 0;
  double square_after = 0;
  for (std::size_t b = 0; b < before.size(); ++b) {
    square_before += static_cast<double>(before[b]) * static_cast<double>(before[b]);
    square_after += static_cast<double>(after[b]) * static_cast<double>(after[b]);
  }
  return square_after > 0 ? static_cast<float>(std::sqrt(square_after / square_before)) : 1.0F;
}

/// How many of a pool's blocks make the upper tail of a measure.
std::size_t TailBlocks(std::size_t blocks) {
  return std::max<std::size_t>(1, std::min(std::max<std::size_t>(10, blocks / 100), blocks / 4));
}

}  // namespace

std::vector<Peers> PeersOf(std::span<const Scored* const> slot) {
  std::vector<Peers> out;
  for (std::size_t i = 0; !slot.empty() && i < slot.front()->scores.size(); ++i) {
    std::vector<float> scores;
    for (const Scored* scored : slot) {
      scores.push_back(scored->scores[i]);
    }
    out.emplace_back(std::move(scores));
  }
  return out;
}

void Pool::Insert(NodeId node, const Reference& reference) {
  TRIB_CHECK(reference.complete());
  members_[node] = {&reference, {}};
  changed_ = true;
}

void Pool::Remove(NodeId node) {
  changed_ = members_.erase(node) > 0 || changed_;
}

bool Pool::Unused(std::size_t measure) const {
  return measure % kMeasures != kLocation && !IsHistogram(channels_[measure / kMeasures]);
}

bool Pool::Refresh() {
  if (!changed_) {
    return false;
  }
  changed_ = false;
  const std::size_t width = channels_.size() * kMeasures;
  tails_.assign(width, {});
  null_.clear();
  RefreshPrior();
  for (auto& [node, member] : members_) {
    RefreshMember(member);
  }
  const Slots slots = ReferenceSlots();
  for (std::size_t i = 0; i < width && !members_.empty(); ++i) {
    if (!Unused(i)) {
      RefreshTail(i, slots);
    }
  }
  RefreshNull();
  return true;
}

void Pool::RefreshTail(std::size_t i, const Slots& slots) {
  const auto scores = ScoresBeyondPeers(i, slots);
  auto sorted = scores;
  const std::size_t above = TailBlocks(sorted.size());
  std::nth_element(sorted.begin(),
                   sorted.begin() + static_cast<std::ptrdiff_t>(above),
                   sorted.end(),
                   std::greater<>());
  const bool location = i % kMeasures == kLocation;
  Tail& tail = tails_[i];
  const float left = PartLeft(ScoresOf(i), scores);
  tail.q = std::max(sorted[above], left * (location ? kLeastLocation : kLeastDistance));
  double sum = 0;
  // In the order of the blocks, so that equal pools give equal sums.
  for (const float score : scores) {
    sum += score > tail.q ? std::log(score / tail.q) : 0.0F;
  }
  tail.h = std::max(static_cast<float>(sum / static_cast<double>(above)),
                    location ? kLeastLocationTail : kLeastDistanceTail);
  null_.resize(scores.size(), -std::numeric_limits<float>::infinity());
  for (std::size_t b = 0; b < scores.size(); ++b) {
    const float strength = std::log(std::max(scores[b], kLeastScore) / tail.q) / tail.h;
    null_[b] = std::max(null_[b], strength);
  }
}

void Pool::RefreshNull() {
  std::sort(null_.begin(), null_.end());
  if (null_.empty()) {
    return;
  }
  null_above_ = TailBlocks(null_.size());
  const auto first = null_.end() - static_cast<std::ptrdiff_t>(null_above_);
  null_q_ = *(first - 1);
  null_h_ = 0;
  for (auto at = first; at != null_.end(); ++at) {
    null_h_ += (*at - null_q_) / static_cast<double>(null_above_);
  }
}

void Pool::RefreshPrior() {
  log_moments_.assign(channels_.size() * kMeasures, 0);
  for (const auto& [node, member] : members_) {
    const auto moments = member.reference->moments();
    for (std::size_t i = 0; i < log_moments_.size(); ++i) {
      log_moments_[i] += std::log(static_cast<double>(moments[i]));
    }
  }
}

float Pool::PriorWithout(const Reference& reference, std::size_t b, std::size_t i) const {
  const double sum = log_moments_[i] - std::log(static_cast<double>(reference.moments()[i])) +
                     std::log(static_cast<double>(reference.MomentsWithout(b)[i]));
  return static_cast<float>(std::exp(sum / static_cast<double>(members_.size())));
}

float Pool::NullScore(const Reference& reference, std::size_t b, std::size_t i) const {
  const float variance =
      Shrunk(reference.MomentsWithout(b)[i], reference.OthersOf(b), PriorWithout(reference, b, i));
  return reference.LeftOut(b)[i] / std::sqrt(variance);
}

void Pool::RefreshMember(Member& member) const {
  const Reference& reference = *member.reference;
  member.z.clear();
  for (std::size_t b = 0; b < reference.blocks(); ++b) {
    for (std::size_t c = 0; c < channels_.size(); ++c) {
      member.z.push_back(NullScore(reference, b, c * kMeasures + kLocation));
    }
  }
}

std::vector<float> Pool::ScoresOf(std::size_t i) const {
  std::vector<float> out;
  const std::size_t c = i / kMeasures;
  for (const auto& [node, member] : members_) {
    for (std::size_t b = 0; b < member.reference->blocks(); ++b) {
      out.push_back(i % kMeasures == kLocation ? member.z[b * channels_.size() + c]
                                               : NullScore(*member.reference, b, i));
    }
  }
  return out;
}

Pool::Slots Pool::ReferenceSlots() const {
  std::map<std::uint64_t, std::vector<std::size_t>> by_begin;
  std::size_t place = 0;
  for (const auto& [node, member] : members_) {
    for (const Reference::Past& past : member.reference->past()) {
      by_begin[past.begin_ms].push_back(place++);
    }
  }
  Slots out;
  for (auto& [begin, places] : by_begin) {
    out.push_back(std::move(places));
  }
  return out;
}

/// Of locations the size, as it counts for the statistic.
std::vector<float> Pool::ScoresBeyondPeers(std::size_t i, const Slots& slots) const {
  std::vector<float> out = ScoresOf(i);
  for (const auto& places : slots) {
    std::vector<float> scores;
    for (const std::size_t place : places) {
      scores.push_back(out[place]);
    }
    const Peers peers(std::move(scores));
    for (const std::size_t place : places) {
      out[place] = std::abs(peers.Beyond(out[place]));
    }
  }
  return out;
}

void Pool::Score(NodeId node, Scored& scored) const {
  const auto found = members_.find(node);
  TRIB_CHECK(found != members_.end() && !changed_);
  const Reference& reference = *found->second.reference;
  scored.scores.assign(channels_.size() * kMeasures, 0);
  scored.z.assign(channels_.size(), 0);
  for (std::size_t i = 0; i < channels_.size() * kMeasures; ++i) {
    if (Unused(i)) {
      continue;
    }
    const double prior = std::exp(log_moments_[i] / static_cast<double>(members_.size()));
    scored.scores[i] =
        scored.values[i] / std::sqrt(Shrunk(reference.moments()[i], reference.blocks(), prior));
    if (i % kMeasures == kLocation) {
      scored.z[i / kMeasures] = scored.scores[i];
    }
  }
}

void Pool::Rank(std::span<const Peers> peers, Scored& scored) const {
  scored.strength.assign(channels_.size(), -std::numeric_limits<float>::infinity());
  for (std::size_t i = 0; i < scored.scores.size(); ++i) {
    if (Unused(i)) {
      continue;
    }
    const float score = std::abs(peers[i].Beyond(scored.scores[i]));
    const float strength = std::log(std::max(score, kLeastScore) / tails_[i].q) / tails_[i].h;
    float& strongest = scored.strength[i / kMeasures];
    strongest = std::max(strongest, strength);
  }
  const auto largest = std::max_element(scored.strength.begin(), scored.strength.end());
  scored.leading = static_cast<std::size_t>(largest - scored.strength.begin());
  scored.p = PValue(*largest);
}

double Pool::PValue(float statistic) const {
  const auto larger = null_.end() - std::lower_bound(null_.begin(), null_.end(), statistic);
  const double rank = (1 + static_cast<double>(larger)) * resolution();
  if (!(statistic > null_q_) || !(null_h_ > 0)) {
    return rank;
  }
  const double smooth = static_cast<double>(null_above_) * resolution() *
                        std::exp((null_q_ - static_cast<double>(statistic)) / null_h_);
  return std::max(rank, smooth);
}

}  // namespace trib::cloud::drift
