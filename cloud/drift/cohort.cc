#include "cohort.h"

#include <algorithm>
#include <cmath>

#include "trib/common/host/drift/statistics.h"

namespace trib::cloud::drift {
namespace {

/// Beyond it one node is not more of a sign for all.
constexpr double kWinsor = 3;
/// Of the spread that independent nodes would give: reference slots that agree better than this do
/// so by chance, or because nothing was counted.
constexpr double kLeastSpread = 0.5;
constexpr double kMostCorrelation = 0.8;

double Winsorised(float z) {
  return std::clamp(static_cast<double>(z), -kWinsor, kWinsor);
}

/// What the members' blocks of one time add up to.
struct Slot {
  std::uint64_t begin_ms = 0;
  std::size_t members = 0;
  std::vector<double> sums;  // of winsorised z, by channel
  std::uint64_t judged = 0;
  std::uint64_t errors = 0;

  void Add(std::span<const float> z) {
    ++members;
    for (std::size_t c = 0; c < sums.size(); ++c) {
      sums[c] += Winsorised(z[c]);
    }
  }
  [[nodiscard]] double Mean(std::size_t c) const { return sums[c] / static_cast<double>(members); }
  [[nodiscard]] double ErrorRoot() const {
    return ArcsineRoot(static_cast<double>(errors), static_cast<double>(judged));
  }
};

Slot& SlotAt(std::vector<Slot>& slots, std::uint64_t begin_ms, std::size_t channels) {
  const auto at = std::lower_bound(
      slots.begin(), slots.end(), begin_ms, [](const Slot& slot, std::uint64_t begin) {
        return slot.begin_ms < begin;
      });
  if (at != slots.end() && at->begin_ms == begin_ms) {
    return *at;
  }
  Slot slot;
  slot.begin_ms = begin_ms;
  slot.sums.assign(channels, 0);
  return *slots.insert(at, std::move(slot));
}

std::vector<Slot> ReferenceSlots(std::size_t channels, std::span<const Member> members) {
  std::vector<Slot> slots;
  for (const Member& member : members) {
    const auto past = member.past->reference->past();
    for (std::size_t b = 0; b < past.size(); ++b) {
      Slot& slot = SlotAt(slots, past[b].begin_ms, channels);
      slot.Add({member.past->z.data() + b * channels, channels});
      slot.judged += past[b].judged;
      slot.errors += past[b].errors;
    }
  }
  std::erase_if(slots, [&](const Slot& slot) { return 2 * slot.members < members.size(); });
  return slots;
}

/// The reference slots' values of one channel, and the one that is judged.
struct Series {
  std::vector<double> then;
  double now = 0;
  double least_spread = 0;
  double mean = 0;
  double square_sum = 0;
  double lag_sum = 0;  // of products with the slot before

  void Describe() {
    mean = 0;
    for (const double x : then) {
      mean += x / static_cast<double>(then.size());
    }
    square_sum = 0;
    lag_sum = 0;
    for (std::size_t i = 0; i < then.size(); ++i) {
      square_sum += (then[i] - mean) * (then[i] - mean);
      lag_sum += i > 0 ? (then[i] - mean) * (then[i - 1] - mean) : 0;
    }
  }
};

/// How much a channel's slots follow from the one before: of one channel alone too few to tell, so
/// half of it is what the channels of its sort have in common. The estimate's bias, about
/// -(1 + 4 r) / n, is taken out.
class Correlation {
 public:
  void Add(const Channel& channel, const Series& series) {
    if (series.square_sum > 0) {
      Sum& sum = Of(channel);
      sum.total += series.lag_sum / series.square_sum;
      ++sum.count;
    }
  }
  [[nodiscard]] double operator()(const Channel& channel, const Series& series) {
    const Sum& sum = Of(channel);
    if (!(series.square_sum > 0)) {
      return 0;
    }
    const double r = (series.lag_sum / series.square_sum + sum.total / sum.count) / 2;
    const auto n = static_cast<double>(series.then.size());
    return std::clamp((n * r + 1) / (n - 4), 0.0, kMostCorrelation);
  }

 private:
  struct Sum {
    double total = 0;
    double count = 0;
  };
  Sum& Of(const Channel& channel) {
    return channel.kind == Channel::Kind::kFeature ? features_ : others_;
  }
  Sum features_;
  Sum others_;
};

void TestSeries(const Series& series, double factor, ChannelTest& test) {
  const auto n = static_cast<double>(series.then.size());
  const double dof = std::max(1.0, n / factor - 1);
  // Slots that follow each other scatter less about their own mean than about the true one.
  const double kept = std::max(0.2, 1 - (factor - 1) / (n - 1));
  const double spread =
      std::max(std::sqrt(series.square_sum / (n - 1) / kept), series.least_spread);
  test.effective_slots = n / factor;
  test.t = (series.now - series.mean) / (spread * std::sqrt(1 + factor / n));
  test.p = std::min(1.0, 2 * host::drift::StudentTUpper(std::abs(test.t), dof));
}

bool ErrorSeries(std::span<const Slot> slots, const Slot& now, Series& out) {
  double judged = 0;
  for (const Slot& slot : slots) {
    if (slot.judged == 0) {
      return false;
    }
    out.then.push_back(slot.ErrorRoot());
    judged += static_cast<double>(slot.judged);
  }
  if (now.judged == 0) {
    return false;
  }
  out.now = now.ErrorRoot();
  const double size =
      std::min(judged / static_cast<double>(slots.size()), static_cast<double>(now.judged));
  // What binomial counts alone give.
  out.least_spread = 1 / std::sqrt(4 * size);
  return true;
}

bool AnyCounted(std::size_t channel, std::span<const Member> members) {
  return std::any_of(members.begin(), members.end(), [&](const Member& member) {
    return member.past->reference->tally().Counted(channel) ||
           member.now->values[channel * kMeasures + kLocation] != 0;
  });
}

}  // namespace

CohortTest TestCohort(std::span<const Channel> channels, std::span<const Member> members) {
  CohortTest out;
  if (members.size() < kLeastMembers) {
    return out;
  }
  const auto slots = ReferenceSlots(channels.size(), members);
  out.reference_slots = slots.size();
  if (slots.size() < kLeastReferenceSlots) {
    return out;
  }
  Slot now;
  now.sums.assign(channels.size(), 0);
  for (const Member& member : members) {
    now.Add(member.now->z);
    now.judged += member.now->block.judged;
    now.errors += member.now->block.errors;
  }
  std::vector<Series> all;
  for (std::size_t c = 0; c < channels.size(); ++c) {
    if (!AnyCounted(c, members)) {
      continue;
    }
    Series series;
    for (const Slot& slot : slots) {
      series.then.push_back(slot.Mean(c));
    }
    series.now = now.Mean(c);
    series.least_spread = kLeastSpread / std::sqrt(static_cast<double>(members.size()));
    all.push_back(std::move(series));
    out.channels.push_back({.channel = channels[c], .index = c, .mean = now.Mean(c)});
  }
  if (Series errors; ErrorSeries(slots, now, errors)) {
    all.push_back(std::move(errors));
    out.channels.push_back({.channel = {Channel::Kind::kErrorRate, 0}, .index = channels.size()});
  }
  Correlation correlation;
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].Describe();
    correlation.Add(out.channels[i].channel, all[i]);
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    ChannelTest& test = out.channels[i];
    const double r = correlation(test.channel, all[i]);
    TestSeries(all[i], (1 + r) / (1 - r), test);
  }
  return out;
}

CohortCounts CountCohort(std::span<const Channel> channels, std::span<const Member> members) {
  CohortCounts out;
  bool first = true;
  for (const Member& member : members) {
    const Reference& reference = *member.past->reference;
    const Tally now(member.now->block, channels);
    if (first) {
      out.reference = reference.tally();
      out.now = now;
      first = false;
    } else {
      out.reference.Add(reference.tally());
      out.now.Add(now);
    }
    out.reference_judged += reference.sum().judged;
    out.reference_errors += reference.sum().errors;
    out.judged += member.now->block.judged;
    out.errors += member.now->block.errors;
  }
  return out;
}

}  // namespace trib::cloud::drift
