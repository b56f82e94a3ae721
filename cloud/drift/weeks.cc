#include "weeks.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "peers.h"
#include "tally.h"

namespace trib::cloud::drift {
namespace {

constexpr std::size_t kLeastWeekBlocks = 2;
/// Of a reference: so many weeks make its part of the null at least.
constexpr std::size_t kReferenceWeeks = 4;
constexpr std::size_t kWeeksKept = 2;
// What a tail is taken for at least: that of a normal deviate.
constexpr float kLeastMean = 2.5F;
constexpr float kLeastTail = 0.1F;
constexpr float kLeastWeekScore = 1e-6F;

std::size_t UpperTailOf(std::size_t size) {
  return std::max<std::size_t>(1, std::min(std::max<std::size_t>(10, size / 100), size / 4));
}

/// Of one channel the sizes that are left beyond the others.
void TakePeersAway(std::span<float> scores) {
  const Peers peers({scores.begin(), scores.end()});
  for (float& score : scores) {
    score = std::abs(peers.Beyond(score));
  }
}

}  // namespace

Weeks::Weeks(const Options& options)
    : reference_blocks_(options.reference_blocks),
      week_ms_(static_cast<std::uint64_t>(options.week.count())) {
  const std::size_t blocks =
      std::min<std::size_t>(static_cast<std::size_t>(options.week / options.block),
                            options.reference_blocks / kReferenceWeeks);
  if (options.sum_part > 0 && blocks >= kLeastWeekBlocks) {
    blocks_ = blocks;
  }
}

void Weeks::Refresh(const Pool& pool) {
  tails_.clear();
  null_.clear();
  const std::size_t channels = pool.channels().size();
  const std::size_t members = pool.members().size();
  if (blocks_ == 0 || members == 0) {
    return;
  }
  const std::size_t weeks = reference_blocks_ / blocks_;
  const auto n = static_cast<double>(blocks_);
  const auto rest = static_cast<double>(reference_blocks_) - n;
  // From a week's mean, whose reference holds it, to its distance from the rest; in spreads.
  const double unit = (1 + n / rest) / std::sqrt(1 / n + 1 / rest);
  std::vector<std::vector<float>> scores(channels, std::vector<float>(weeks * members));
  std::size_t m = 0;
  for (const auto& [node, member] : pool.members()) {
    for (std::size_t c = 0; c < channels; ++c) {
      const auto mean = [&](std::size_t first, std::size_t count) {
        double sum = 0;
        for (std::size_t b = first; b < first + count; ++b) {
          sum += static_cast<double>(member.z[b * channels + c]);
        }
        return sum / static_cast<double>(count);
      };
      const double all = mean(0, reference_blocks_);
      for (std::size_t w = 0; w < weeks; ++w) {
        scores[c][w * members + m] = static_cast<float>((mean(w * blocks_, blocks_) - all) * unit);
      }
    }
    ++m;
  }
  null_.assign(weeks * members, -std::numeric_limits<float>::infinity());
  for (std::vector<float>& of : scores) {
    for (std::size_t w = 0; w < weeks; ++w) {
      TakePeersAway(std::span(of).subspan(w * members, members));
    }
    auto sorted = of;
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    const std::size_t above = UpperTailOf(sorted.size());
    Tail& tail = tails_.emplace_back();
    tail.q = std::max(sorted[above], kLeastMean);
    double sum = 0;
    for (std::size_t i = 0; i < above; ++i) {
      sum += static_cast<double>(std::log(std::max(sorted[i], tail.q) / tail.q));
    }
    tail.h = std::max(static_cast<float>(sum / static_cast<double>(above)), kLeastTail);
    for (std::size_t i = 0; i < of.size(); ++i) {
      null_[i] = std::max(null_[i], std::log(std::max(of[i], kLeastWeekScore) / tail.q) / tail.h);
    }
  }
  std::sort(null_.begin(), null_.end());
  null_above_ = UpperTailOf(null_.size());
  const auto first = null_.end() - static_cast<std::ptrdiff_t>(null_above_);
  null_q_ = static_cast<double>(*(first - 1));
  null_h_ = 0;
  for (auto at = first; at != null_.end(); ++at) {
    null_h_ += (static_cast<double>(*at) - null_q_) / static_cast<double>(null_above_);
  }
}

std::shared_ptr<Scored> Weeks::Add(NodeId node, const Scored& scored, Week& week) {
  std::shared_ptr<Scored> over;
  if (blocks_ == 0) {
    return over;
  }
  const std::uint64_t index = scored.block.begin_ms / week_ms_;
  if (week.blocks > 0 && week.index != index) {
    if (4 * week.blocks >= 3 * blocks_) {
      over = std::move(week.sum);
      const auto n = static_cast<double>(week.blocks);
      const double unit = 1 / n / std::sqrt(1 / n + 1 / static_cast<double>(reference_blocks_));
      for (float& z : over->z) {
        z *= static_cast<float>(unit);
      }
      over_[week.index][node] = over;
      while (over_.size() > kWeeksKept) {
        over_.erase(over_.begin());
      }
    }
    week = {};
  }
  if (week.blocks == 0) {
    week.sum = std::make_shared<Scored>();
    week.sum->block = scored.block;
    week.sum->z = scored.z;
  } else {
    AddBlock(week.sum->block, scored.block);
    week.sum->block.gateway = scored.block.gateway;
    week.sum->block.firmware_version = scored.block.firmware_version;
    std::transform(
        scored.z.begin(), scored.z.end(), week.sum->z.begin(), week.sum->z.begin(), std::plus<>());
  }
  week.index = index;
  ++week.blocks;
  return over;
}

void Weeks::Remove(NodeId node) {
  for (auto& [index, weeks] : over_) {
    weeks.erase(node);
  }
}

void Weeks::Rank(Scored& week) const {
  week.strength.assign(week.z.size(), 0);
  const auto slot = over_.find(week.block.begin_ms / week_ms_);
  for (std::size_t c = 0; c < week.z.size(); ++c) {
    std::vector<float> others;
    if (slot != over_.end()) {
      for (const auto& [node, other] : slot->second) {
        others.push_back(other->z[c]);
      }
    }
    const float score = std::abs(Peers(std::move(others)).Beyond(week.z[c]));
    week.strength[c] = std::log(std::max(score, kLeastWeekScore) / tails_[c].q) / tails_[c].h;
  }
  const auto largest = std::max_element(week.strength.begin(), week.strength.end());
  week.leading = static_cast<std::size_t>(largest - week.strength.begin());
  const auto larger = null_.end() - std::lower_bound(null_.begin(), null_.end(), *largest);
  week.p = (1 + static_cast<double>(larger)) * resolution();
  const auto statistic = static_cast<double>(*largest);
  if (statistic > null_q_ && null_h_ > 0) {
    week.p = std::max(week.p,
                      static_cast<double>(null_above_) * resolution() *
                          std::exp((null_q_ - statistic) / null_h_));
  }
}

}  // namespace trib::cloud::drift
