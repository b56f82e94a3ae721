#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "trib/common/dsp/real_math.h"
#include "trib/common/dsp/window.h"

namespace trib::dsp {

/// What one pass over a channel gives. Over int16 counts every sum is exact, so its order does not
/// matter and no rounding happens before the results are formed.
///
/// Units  Those of the samples.
template <typename Sample>
struct Sums {
  using Wide = std::conditional_t<std::is_integral_v<Sample>, std::int64_t, Sample>;
  Wide sum = 0;
  Wide sum_of_squares = 0;
  Wide sum_of_absolutes = 0;
  Wide sum_of_steps = 0;  ///< of |x[i] - x[i-1]|
  Wide minimum = 0;
  Wide maximum = 0;
  std::uint32_t count = 0;
};

/// Requires  1 <= x.size() <= 2^20 for int16 samples (all sums then fit).
template <typename Sample>
[[nodiscard]] constexpr Sums<Sample> Accumulate(ChannelView<Sample> x) {
  // Differences and squares of int16 fit 32 bits: one instruction each on a microcontroller.
  using Narrow = std::conditional_t<std::is_integral_v<Sample>, std::int32_t, Sample>;
  Sums<Sample> out;
  out.count = static_cast<std::uint32_t>(x.size());
  Narrow previous = x[0];
  Narrow minimum = previous;
  Narrow maximum = previous;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const Narrow value = x[i];
    out.sum += value;
    out.sum_of_squares += value * value;
    out.sum_of_absolutes += value < 0 ? -value : value;
    const Narrow step = value - previous;
    out.sum_of_steps += step < 0 ? -step : step;
    minimum = value < minimum ? value : minimum;
    maximum = value > maximum ? value : maximum;
    previous = value;
  }
  out.minimum = minimum;
  out.maximum = maximum;
  return out;
}

/// Neighbours of which exactly one lies below the mean: zero crossings of what varies, so that an
/// offset of the sensor does not hide them.
///
/// Requires  `sums` is Accumulate(x).
template <typename Sample>
[[nodiscard]] constexpr std::uint32_t ZeroCrossings(ChannelView<Sample> x,
                                                    const Sums<Sample>& sums) {
  using Wide = typename Sums<Sample>::Wide;
  // Of integers, those below the mean are those below the next integer from it: ceil(sum / count).
  Wide threshold = sums.sum / static_cast<Wide>(sums.count);
  if constexpr (std::is_integral_v<Sample>) {
    threshold += threshold * static_cast<Wide>(sums.count) < sums.sum ? 1 : 0;
  }
  std::uint32_t count = 0;
  bool below = x[0] < threshold;
  for (std::size_t i = 1; i < x.size(); ++i) {
    const bool now_below = x[i] < threshold;
    count += now_below != below ? 1U : 0U;
    below = now_below;
  }
  return count;
}

/// Results of the sums.
///
/// Units  Those of the samples; variance theirs squared. Ratios of a dead channel are 0.
template <RealNumber Real>
struct TimeStatistics {
  Real mean = 0;
  Real variance = 0;  ///< population: divided by the count
  Real deviation = 0;
  Real rms = 0;
  Real mean_absolute = 0;
  Real minimum = 0;
  Real maximum = 0;
  Real peak = 0;       ///< largest |x|
  Real crest = 0;      ///< peak / rms
  Real shape = 0;      ///< rms / mean_absolute
  Real impulse = 0;    ///< peak / mean_absolute
  Real mean_step = 0;  ///< mean |x[i] - x[i-1]|
};

namespace internal {

/// The nearest Real. One instruction on a microcontroller for what fits 32 bits, a call for more.
template <RealNumber Real, typename Wide>
[[nodiscard]] constexpr Real Nearest(Wide value) {
  if constexpr (std::is_integral_v<Wide>) {
    const auto narrow = static_cast<std::int32_t>(value);
    if (narrow == value) {
      return static_cast<Real>(narrow);
    }
  }
  return static_cast<Real>(value);
}

template <RealNumber Real>
[[nodiscard]] constexpr Real Ratio(Real numerator, Real denominator) {
  return denominator == Real(0) ? Real(0) : numerator / denominator;
}

template <RealNumber Real, typename Sample>
[[nodiscard]] TimeStatistics<Real> DescribeWith(const Sums<Sample>& sums,
                                                Real mean,
                                                Real variance) {
  const Real n = static_cast<Real>(sums.count);
  TimeStatistics<Real> out;
  out.mean = mean;
  out.variance = variance;
  out.deviation = SquareRoot(out.variance);
  out.rms = SquareRoot(internal::Nearest<Real>(sums.sum_of_squares) / n);
  out.mean_absolute = internal::Nearest<Real>(sums.sum_of_absolutes) / n;
  out.minimum = internal::Nearest<Real>(sums.minimum);
  out.maximum = internal::Nearest<Real>(sums.maximum);
  out.peak = out.maximum > -out.minimum ? out.maximum : -out.minimum;
  out.crest = Ratio(out.peak, out.rms);
  out.shape = Ratio(out.rms, out.mean_absolute);
  out.impulse = Ratio(out.peak, out.mean_absolute);
  if (sums.count > 1) {
    const Real steps = static_cast<Real>(sums.count - 1);
    out.mean_step = internal::Nearest<Real>(sums.sum_of_steps) / steps;
  }
  return out;
}

}  // namespace internal

/// Counts need no second look at the samples: their sums are exact.
template <RealNumber Real>
[[nodiscard]] TimeStatistics<Real> Describe(const Sums<std::int16_t>& sums) {
  const Real n = static_cast<Real>(sums.count);
  // Exact until the one conversion: n * sum_of_squares < 2^63 for 2^16 samples.
  const std::int64_t numerator =
      static_cast<std::int64_t>(sums.count) * sums.sum_of_squares - sums.sum * sums.sum;
  return internal::DescribeWith<Real>(
      sums, internal::Nearest<Real>(sums.sum) / n, internal::Nearest<Real>(numerator) / (n * n));
}

template <RealNumber Real, typename Sample>
[[nodiscard]] TimeStatistics<Real> Describe(ChannelView<Sample> x, const Sums<Sample>& sums) {
  if constexpr (std::is_integral_v<Sample>) {
    return Describe<Real>(sums);
  } else {
    const Real n = static_cast<Real>(sums.count);
    const Real mean = internal::Nearest<Real>(sums.sum) / n;
    Real sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const Real d = static_cast<Real>(x[i]) - mean;
      sum += d * d;
    }
    return internal::DescribeWith<Real>(sums, mean, sum / n);
  }
}

template <RealNumber Real>
struct HigherMoments {
  Real skewness = 0;
  Real kurtosis = 0;  ///< Pearson: 3 for a Gaussian; 0 for a dead channel
};

/// Third and fourth standardised moments, in blocks of 64 so that a float sum keeps its last bits.
template <RealNumber Real, typename Sample>
[[nodiscard]] HigherMoments<Real> DescribeShape(ChannelView<Sample> x,
                                                const TimeStatistics<Real>& statistics) {
  constexpr std::size_t kBlock = 64;
  if (statistics.variance == Real(0)) {
    return {};
  }
  // Standardised first: the powers then stay near 1 whatever the scale of the samples.
  const Real inverse = Real(1) / statistics.deviation;
  Real cubes = 0;
  Real fourths = 0;
  for (std::size_t begin = 0; begin < x.size(); begin += kBlock) {
    const std::size_t end = begin + kBlock < x.size() ? begin + kBlock : x.size();
    Real block_cubes = 0;
    Real block_fourths = 0;
    for (std::size_t i = begin; i < end; ++i) {
      const Real z = (static_cast<Real>(x[i]) - statistics.mean) * inverse;
      const Real z2 = z * z;
      block_cubes += z2 * z;
      block_fourths += z2 * z2;
    }
    cubes += block_cubes;
    fourths += block_fourths;
  }
  const Real n = static_cast<Real>(x.size());
  return {.skewness = cubes / n, .kurtosis = fourths / n};
}

/// Margin (clearance) factor: peak / (mean sqrt|x|)^2.
///
/// Units  One over those of the samples, times theirs: none.
template <RealNumber Real, typename Sample>
[[nodiscard]] Real MarginFactor(ChannelView<Sample> x, const TimeStatistics<Real>& statistics) {
  Real sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    sum += SquareRoot(Absolute(static_cast<Real>(x[i])));
  }
  const Real mean_root = sum / static_cast<Real>(x.size());
  return internal::Ratio(statistics.peak, mean_root * mean_root);
}

/// Pearson correlation of two channels of equal length; 0 when one of them is dead.
template <RealNumber Real, typename Sample>
[[nodiscard]] Real Correlation(ChannelView<Sample> a,
                               ChannelView<Sample> b,
                               const TimeStatistics<Real>& of_a,
                               const TimeStatistics<Real>& of_b) {
  const Real n = static_cast<Real>(a.size());
  Real covariance = 0;
  if constexpr (std::is_integral_v<Sample>) {
    std::int64_t products = 0;
    std::int64_t sum_a = 0;
    std::int64_t sum_b = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const std::int32_t product = std::int32_t{a[i]} * std::int32_t{b[i]};
      products += product;
      sum_a += a[i];
      sum_b += b[i];
    }
    const std::int64_t numerator = static_cast<std::int64_t>(a.size()) * products - sum_a * sum_b;
    covariance = internal::Nearest<Real>(numerator) / (n * n);
  } else {
    for (std::size_t i = 0; i < a.size(); ++i) {
      covariance += (static_cast<Real>(a[i]) - of_a.mean) * (static_cast<Real>(b[i]) - of_b.mean);
    }
    covariance /= n;
  }
  return internal::Ratio(covariance, of_a.deviation * of_b.deviation);
}

}  // namespace trib::dsp
