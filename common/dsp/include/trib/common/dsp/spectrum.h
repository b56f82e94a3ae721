#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "trib/common/dsp/real_math.h"
#include "trib/common/dsp/recipe.h"
#include "trib/common/dsp/window.h"

/// Spectra of 2^n points, in place, in memory of the caller. Complex numbers lie as re, im.
namespace trib::dsp {

namespace internal {

inline constexpr std::size_t kCircle = kMaxWindowFrames;  // points of the full circle
inline constexpr std::size_t kQuarter = kCircle / 4;

template <RealNumber Real>
consteval std::array<Real, kQuarter + 1> MakeQuarterWave() {
  std::array<Real, kQuarter + 1> out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<Real>(QuarterWaveSine(static_cast<int>(i), static_cast<int>(kQuarter)));
  }
  return out;
}
/// A quarter of a sine: 4 kB of flash for float.
template <RealNumber Real>
inline constexpr auto kQuarterWave = MakeQuarterWave<Real>();

/// cos and sin of 2 pi i / kCircle. Requires  i <= kCircle / 2.
template <RealNumber Real>
[[nodiscard]] constexpr Real Cosine(std::size_t i) {
  return i <= kQuarter ? kQuarterWave<Real>[kQuarter - i] : -kQuarterWave<Real>[i - kQuarter];
}
template <RealNumber Real>
[[nodiscard]] constexpr Real Sine(std::size_t i) {
  return i <= kQuarter ? kQuarterWave<Real>[i] : kQuarterWave<Real>[2 * kQuarter - i];
}

template <RealNumber Real>
constexpr void ReverseBits(std::span<Real> data) {
  const std::size_t n = data.size() / 2;
  std::size_t j = 0;
  for (std::size_t i = 1; i < n; ++i) {
    std::size_t bit = n >> 1U;
    for (; (j & bit) != 0; bit >>= 1U) {
      j ^= bit;
    }
    j ^= bit;
    if (i < j) {
      std::swap(data[2 * i], data[2 * j]);
      std::swap(data[2 * i + 1], data[2 * j + 1]);
    }
  }
}

/// The first two stages at once: their twiddles are 1 and -i, so nothing is multiplied.
template <RealNumber Real>
constexpr void FirstStages(std::span<Real> data) {
  for (std::size_t i = 0; i < data.size(); i += 8) {
    Real* const p = &data[i];
    const Real s0 = p[0] + p[2];
    const Real s1 = p[1] + p[3];
    const Real d0 = p[0] - p[2];
    const Real d1 = p[1] - p[3];
    const Real s2 = p[4] + p[6];
    const Real s3 = p[5] + p[7];
    const Real d2 = p[4] - p[6];
    const Real d3 = p[5] - p[7];
    p[0] = s0 + s2;
    p[1] = s1 + s3;
    p[2] = d0 + d3;
    p[3] = d1 - d2;
    p[4] = s0 - s2;
    p[5] = s1 - s3;
    p[6] = d0 - d3;
    p[7] = d1 + d2;
  }
}

}  // namespace internal

/// Forward FFT of data.size() / 2 complex points, not scaled. For the inverse, exchange re and im
/// before and after.
///
/// Requires  4..kMaxWindowFrames points, a power of two.
template <RealNumber Real>
constexpr void ComplexFft(std::span<Real> data) {
  const std::size_t n = data.size() / 2;
  internal::ReverseBits(data);
  internal::FirstStages(data);
  for (std::size_t half = 4; half < n; half *= 2) {
    const std::size_t step = internal::kCircle / (2 * half);
    for (std::size_t k = 0; k < half; ++k) {
      const Real c = internal::Cosine<Real>(k * step);
      const Real s = internal::Sine<Real>(k * step);
      for (std::size_t i = k; i < n; i += 2 * half) {
        Real* const a = &data[2 * i];
        Real* const b = &data[2 * (i + half)];
        const Real re = c * b[0] + s * b[1];
        const Real im = c * b[1] - s * b[0];
        b[0] = a[0] - re;
        b[1] = a[1] - im;
        a[0] = a[0] + re;
        a[1] = a[1] + im;
      }
    }
  }
}

/// FFT of real samples, not scaled. Leaves the packed half spectrum: X[0], X[N/2], then re and im
/// of X[1] .. X[N/2 - 1].
///
/// Requires  8..kMaxWindowFrames samples, a power of two.
template <RealNumber Real>
constexpr void RealFft(std::span<Real> data) {
  ComplexFft(data);
  const std::size_t m = data.size() / 2;
  const std::size_t step = internal::kCircle / data.size();
  const Real half = Real(0.5F);
  const Real re0 = data[0];
  data[0] = re0 + data[1];
  data[1] = re0 - data[1];
  for (std::size_t k = 1; k <= m / 2; ++k) {
    Real* const p = &data[2 * k];
    Real* const q = &data[2 * (m - k)];
    const Real even_re = half * (p[0] + q[0]);
    const Real even_im = half * (p[1] - q[1]);
    const Real odd_re = half * (p[1] + q[1]);
    const Real odd_im = half * (q[0] - p[0]);
    const Real c = internal::Cosine<Real>(k * step);
    const Real s = internal::Sine<Real>(k * step);
    const Real re = c * odd_re + s * odd_im;
    const Real im = c * odd_im - s * odd_re;
    // q first: for k = m/2 both are the same point and the first formula is the right one.
    q[0] = even_re - re;
    q[1] = im - even_im;
    p[0] = even_re + re;
    p[1] = even_im + im;
  }
}

/// |X[line]|^2 of a packed half spectrum. Requires  line <= N/2.
template <RealNumber Real>
[[nodiscard]] constexpr Real LinePower(std::span<const Real> packed, std::size_t line) {
  if (line == 0) {
    return packed[0] * packed[0];
  }
  if (2 * line == packed.size()) {
    return packed[1] * packed[1];
  }
  return packed[2 * line] * packed[2 * line] + packed[2 * line + 1] * packed[2 * line + 1];
}

template <RealNumber Real>
[[nodiscard]] constexpr Real BandPower(std::span<const Real> packed, LineRange lines) {
  Real sum = 0;
  for (std::size_t line = lines.begin; line < lines.end; ++line) {
    sum += LinePower(packed, line);
  }
  return sum;
}

/// The band's power after integration over time, but for a factor: lines weighted by 1 / line^2.
///
/// Requires  lines.begin >= 1.
template <RealNumber Real>
[[nodiscard]] constexpr Real IntegratedPower(std::span<const Real> packed, LineRange lines) {
  Real sum = 0;
  for (std::size_t line = lines.begin; line < lines.end; ++line) {
    const Real k = static_cast<Real>(line);
    sum += LinePower(packed, line) / (k * k);
  }
  return sum;
}

/// (x - offset) times the periodic Hann window. Requires  x.size() == out.size().
template <RealNumber Real, typename Sample>
constexpr void LoadHann(ChannelView<Sample> x, Real offset, std::span<Real> out) {
  const std::size_t n = out.size();
  const std::size_t step = internal::kCircle / n;
  const Real half = Real(0.5F);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t angle = step * (2 * i <= n ? i : n - i);
    const Real weight = half - half * internal::Cosine<Real>(angle);
    out[i] = (static_cast<Real>(x[i]) - offset) * weight;
  }
}

template <RealNumber Real, typename Sample>
constexpr void Load(ChannelView<Sample> x, Real offset, std::span<Real> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<Real>(x[i]) - offset;
  }
}

/// The envelope of a band: work's first half holds N samples and then N magnitudes.
///
/// Memory  `work` is 2 N numbers; its second half is lost.
template <RealNumber Real>
void Envelope(std::span<Real> work, LineRange band) {
  const std::size_t n = work.size() / 2;
  RealFft(work.first(n));
  const Real nyquist = work[1];
  // Exchanged re and im make the forward transform an inverse one; |.| does not care.
  for (std::size_t k = 0; k < n; ++k) {
    const bool inside = k >= band.begin && k < band.end && k <= n / 2;
    Real re = 0;
    Real im = 0;
    if (inside && k == n / 2) {
      re = nyquist;
    } else if (inside) {
      re = work[2 * k];
      im = k == 0 ? Real(0) : work[2 * k + 1];
    }
    work[2 * k] = im;
    work[2 * k + 1] = re;
  }
  ComplexFft(work);
  const Real scale = Real(2) / static_cast<Real>(n);
  for (std::size_t i = 0; i < n; ++i) {
    work[i] = scale * SquareRoot(work[2 * i] * work[2 * i] + work[2 * i + 1] * work[2 * i + 1]);
  }
}

template <RealNumber Real>
constexpr void SubtractMean(std::span<Real> x) {
  constexpr std::size_t kBlock = 64;
  Real sum = 0;
  for (std::size_t begin = 0; begin < x.size(); begin += kBlock) {
    Real block = 0;
    for (std::size_t i = begin; i < begin + kBlock && i < x.size(); ++i) {
      block += x[i];
    }
    sum += block;
  }
  const Real mean = sum / static_cast<Real>(x.size());
  for (Real& value : x) {
    value -= mean;
  }
}

/// The line of greatest power; the lowest of equals. Requires  begin < end.
template <RealNumber Real>
[[nodiscard]] constexpr std::size_t StrongestLine(std::span<const Real> packed, LineRange lines) {
  std::size_t best = lines.begin;
  Real best_power = LinePower(packed, best);
  for (std::size_t line = lines.begin + 1; line < lines.end; ++line) {
    const Real power = LinePower(packed, line);
    if (power > best_power) {
      best_power = power;
      best = line;
    }
  }
  return best;
}

/// Amplitude of a line: 2/N |X[line]|.
template <RealNumber Real>
[[nodiscard]] Real LineAmplitude(std::span<const Real> packed, std::size_t line) {
  return Real(2) / static_cast<Real>(packed.size()) * SquareRoot(LinePower(packed, line));
}

/// Amplitude of one line without a transform (Goertzel); a float loses bits at low lines.
///
/// Requires  x.size() a power of two up to kMaxWindowFrames; line <= x.size() / 2.
template <RealNumber Real>
[[nodiscard]] Real GoertzelAmplitude(std::span<const Real> x, std::size_t line) {
  const Real cosine = internal::Cosine<Real>(line * (internal::kCircle / x.size()));
  const Real coefficient = cosine + cosine;
  Real s1 = 0;
  Real s2 = 0;
  for (const Real value : x) {
    const Real s0 = value + coefficient * s1 - s2;
    s2 = s1;
    s1 = s0;
  }
  const Real power = s1 * s1 + s2 * s2 - coefficient * s1 * s2;
  return Real(2) / static_cast<Real>(x.size()) * SquareRoot(power > Real(0) ? power : Real(0));
}

}  // namespace trib::dsp
