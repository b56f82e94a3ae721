#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// How far two samples differ, and how often chance alone differs so much. Double precision.
///
/// Threads  Functions without state.
/// Units    p-values and shares in [0, 1]. Where a result depends on how many values were counted,
///          these count as independent: whoever has correlated windows passes fewer, or compares
///          blocks.
namespace trib::host::drift {

/// How many values fell into each bin. Two histograms that are compared have the same bins.
using Counts = std::span<const std::uint64_t>;

/// Largest distance between the two cumulative shares at the bins' edges: at most the distance D of
/// the samples themselves, which a bin hides.
///
/// Requires  as many bins on either side.
/// @returns 0 when either side is empty.
double BinnedKs(Counts reference, Counts current);

/// The same of samples, with ties. NaN is left out, however often it occurs (CountNan()).
/// @returns 0 when either side is empty.
double KsStatistic(std::span<const double> a, std::span<const double> b);
std::size_t CountNan(std::span<const double> values);
/// All values but NaN, the least first.
std::vector<double> SortedNumbers(std::span<const double> values);

/// P(D >= d) of samples of n and m values of one continuous distribution, by Stephens'
/// approximation to Kolmogorov's series; with binned data it errs high. Errs low below some twenty
/// values: KsPValueExact() is for those.
///
/// Requires  n, m > 0; they need not be whole.
double KsPValue(double d, double n, double m);
/// The same counted over all orders of the two samples; meant for n * m <= 10^4.
///
/// Memory   m + 1 numbers. Blocks for n * m steps.
double KsPValueExact(double d, std::size_t n, std::size_t m);

/// P(current > reference) + P(equal) / 2 of a value drawn from each side: 0.5 is no shift, above it
/// the current values lie in higher bins.
///
/// Requires  as many bins on either side.
/// @returns 0.5 when either side is empty.
double Ridit(Counts reference, Counts current);

/// Population stability index, sum of (q - p) ln(q / p), with half a value added to each bin of
/// both sides, so that empty bins neither vanish nor dominate.
///
/// Requires  as many bins on either side.
/// @returns 0 when either side is empty.
double PsiJeffreys(Counts reference, Counts current);
/// The same with shares raised to at least `floor` instead.
double PsiFloored(Counts reference, Counts current, double floor);
/// What the index exceeds with chance `alpha` when nothing changed (Yurdakul and Naranjo 2020):
/// chi-square quantile x (1 / n_reference + 1 / n_current). With ten current values per bin or more
/// PsiJeffreys() exceeds "5 %", "1 %" and "0.1 %" in 4 to 5 %, 1 % and 0.1 % of all cases.
/// PsiFloored() does in up to 8 %, 2.3 % and 0.4 % at ten per bin, in 15 % at five.
///
/// Requires  0 < alpha < 1. The reference may be infinite.
/// @returns infinity where nothing can be told: fewer than two bins, or an empty side.
double PsiCritical(double alpha, std::size_t bins, double n_reference, double n_current);

/// x with P(X <= x) = p. @returns 0 for p <= 0 and infinity for p >= 1.
/// Requires  dof > 0, not necessarily whole.
double ChiSquareQuantile(double p, double dof);
/// P(X > x).
double ChiSquareUpper(double x, double dof);
/// x with P(X > x) = alpha: precise where 1 - alpha is not.
double ChiSquareUpperQuantile(double alpha, double dof);
/// P(T > t) of Student's T. Requires  dof > 0, not necessarily whole.
double StudentTUpper(double t, double dof);
/// P(Z > z) of a standard normal Z.
double NormalUpper(double z);

/// The exact lower limit of a Poisson mean of which `count` events were seen: a mean below it shows
/// so many events with a chance of less than 1 - confidence. One-sided; the ends of a two-sided
/// interval of 95 % are the limits at 0.975.
double PoissonLower(std::uint64_t count, double confidence);
/// The exact upper limit: a mean above it shows so few events with a chance below 1 - confidence.
double PoissonUpper(std::uint64_t count, double confidence);

/// Benjamini and Hochberg's step-up procedure: which hypotheses can be rejected so that at most a
/// share `alpha` of the rejections is expected to be false. NaN is never rejected, but counts.
///
/// @returns how many were rejected; `rejected` has one entry for each of `p`.
std::size_t BenjaminiHochberg(std::span<const double> p, double alpha, std::vector<bool>& rejected);

}  // namespace trib::host::drift
