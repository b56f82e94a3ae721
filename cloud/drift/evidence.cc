#include "evidence.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "trib/common/host/drift/statistics.h"

namespace trib::cloud::drift {
namespace {

constexpr double kPsiAlpha = 0.01;
constexpr double kRateEffect = 0.5;

double Share(std::uint64_t hits, std::uint64_t of) {
  return of == 0 ? 0 : static_cast<double>(hits) / static_cast<double>(of);
}

/// Channels in falling order of `strength`.
template <typename Strength>
std::vector<std::size_t> Strongest(std::size_t count, Strength strength) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return strength(a) > strength(b);
  });
  return order;
}

}  // namespace

Evidence Weigh(
    const Channel& channel, std::size_t index, const Tally& reference, const Tally& now, double z) {
  Evidence out;
  out.channel = channel;
  out.z = z;
  if (!IsHistogram(channel)) {
    out.reference = reference.RateOf(index);
    out.now = now.RateOf(index);
    return out;
  }
  const auto then_counts = reference.HistogramOf(index);
  const auto now_counts = now.HistogramOf(index);
  const double n = reference.SizeOf(index);
  const double m = now.SizeOf(index);
  out.reference = 0.5;
  out.now = host::drift::Ridit(then_counts, now_counts);
  out.psi = host::drift::PsiJeffreys(then_counts, now_counts);
  out.psi_critical = host::drift::PsiCritical(kPsiAlpha, message::kHistogramBins, n, m);
  out.ks = host::drift::BinnedKs(then_counts, now_counts);
  out.ks_p = n > 0 && m > 0 ? host::drift::KsPValue(out.ks, n, m) : 1;
  return out;
}

bool HasEffect(const Evidence& evidence, double min_psi) {
  if (IsHistogram(evidence.channel)) {
    return evidence.psi > min_psi && evidence.psi > evidence.psi_critical;
  }
  return evidence.now != evidence.reference &&
         std::abs(evidence.now - evidence.reference) >= kRateEffect * evidence.reference;
}

std::vector<Evidence> EvidenceOf(const Reference& reference,
                                 std::span<const Channel> channels,
                                 const Scored& scored) {
  const Tally now(scored.block, channels);
  std::vector<Evidence> out;
  for (const std::size_t c :
       Strongest(channels.size(), [&](std::size_t i) { return scored.strength[i]; })) {
    if (reference.tally().Counted(c) || now.Counted(c)) {
      out.push_back(Weigh(channels[c], c, reference.tally(), now, scored.z[c]));
    }
  }
  return out;
}

std::vector<Evidence> EvidenceOf(std::span<const Channel> channels,
                                 const CohortTest& test,
                                 const CohortCounts& counts) {
  std::vector<Evidence> out;
  for (const std::size_t i : Strongest(
           test.channels.size(), [&](std::size_t at) { return std::abs(test.channels[at].t); })) {
    const ChannelTest& one = test.channels[i];
    if (one.index < channels.size()) {
      out.push_back(Weigh(one.channel, one.index, counts.reference, counts.now, one.t));
    } else {
      out.push_back({.channel = one.channel,
                     .reference = Share(counts.reference_errors, counts.reference_judged),
                     .now = Share(counts.errors, counts.judged),
                     .z = one.t});
    }
  }
  return out;
}

bool NodeHasEffect(const Reference& reference,
                   std::span<const Channel> channels,
                   const Scored& scored,
                   double min_psi) {
  const auto effect = [&](std::size_t c) {
    const Tally now(scored.block, channels);
    return HasEffect(Weigh(channels[c], c, reference.tally(), now, scored.z[c]), min_psi);
  };
  const std::size_t histograms = reference.tally().histograms();
  const auto first = scored.strength.begin();
  const auto strongest = std::max_element(first, first + static_cast<std::ptrdiff_t>(histograms));
  // Above 0: beyond what a hundredth of all blocks reach.
  const bool moved = histograms > 0 && *strongest > 0;
  return (moved && effect(static_cast<std::size_t>(strongest - first))) ||
         (scored.leading >= histograms && effect(scored.leading));
}

}  // namespace trib::cloud::drift
