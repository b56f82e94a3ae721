#include "trib/common/dsp/spectrum.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstdint>
#include <numbers>
#include <vector>

#include "trib/common/base/random.h"

namespace trib::dsp {
namespace {

std::vector<double> Noise(std::size_t n, std::uint64_t seed) {
  SplitMix64 random(seed);
  std::vector<double> out(n);
  for (double& value : out) {
    value = static_cast<double>(random.Next() >> 11U) * 0x1p-52 - 1.0;
  }
  return out;
}

// The definition, with the library's sine.
std::vector<std::complex<double>> Dft(const std::vector<std::complex<double>>& x) {
  const std::size_t n = x.size();
  std::vector<std::complex<double>> out(n);
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t i = 0; i < n; ++i) {
      out[k] += x[i] * std::polar(1.0,
                                  -2.0 * std::numbers::pi * static_cast<double>(i * k % n) /
                                      static_cast<double>(n));
    }
  }
  return out;
}

class SpectrumOf : public ::testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Lengths, SpectrumOf, ::testing::Values(8, 16, 64, 512, 1024));

TEST_P(SpectrumOf, ComplexFftIsTheDft) {
  const std::size_t n = GetParam();
  auto data = Noise(2 * n, 7);
  std::vector<std::complex<double>> x(n);
  for (std::size_t i = 0; i < n; ++i) {
    x[i] = {data[2 * i], data[2 * i + 1]};
  }
  const auto want = Dft(x);
  ComplexFft<double>(data);
  for (std::size_t k = 0; k < n; ++k) {
    EXPECT_NEAR(data[2 * k], want[k].real(), 1e-11);
    EXPECT_NEAR(data[2 * k + 1], want[k].imag(), 1e-11);
  }
}

TEST_P(SpectrumOf, RealFftIsTheDft) {
  const std::size_t n = GetParam();
  auto data = Noise(n, 8);
  const auto want = Dft({data.begin(), data.end()});
  RealFft<double>(data);
  EXPECT_NEAR(data[0], want[0].real(), 1e-11);
  EXPECT_NEAR(data[1], want[n / 2].real(), 1e-11);
  for (std::size_t k = 1; k < n / 2; ++k) {
    EXPECT_NEAR(data[2 * k], want[k].real(), 1e-11) << k;
    EXPECT_NEAR(data[2 * k + 1], want[k].imag(), 1e-11) << k;
  }
}

TEST_P(SpectrumOf, GoertzelGivesTheLineOfTheTransform) {
  const std::size_t n = GetParam();
  const auto x = Noise(n, 9);
  auto data = x;
  RealFft<double>(data);
  for (const std::size_t line : {std::size_t{1}, n / 4, n / 2 - 1}) {
    EXPECT_NEAR(GoertzelAmplitude<double>(x, line), LineAmplitude<double>(data, line), 1e-10);
  }
}

TEST(Spectrum, LongestTransformConservesEnergy) {
  auto data = Noise(kMaxWindowFrames, 10);
  double time = 0;
  for (const double value : data) {
    time += value * value;
  }
  RealFft<double>(data);
  double lines = LinePower<double>(data, 0) + LinePower<double>(data, kMaxWindowFrames / 2) +
                 2 * BandPower<double>(data, {1, kMaxWindowFrames / 2});
  EXPECT_NEAR(lines / kMaxWindowFrames / time, 1.0, 1e-13);
}

TEST(Spectrum, EnvelopeOfAToneIsItsAmplitude) {
  constexpr std::size_t kN = 1024;
  std::vector<double> work(2 * kN);
  for (std::size_t i = 0; i < kN; ++i) {
    work[i] = 0.7 * std::cos(2.0 * std::numbers::pi * 100.0 * static_cast<double>(i) / kN + 0.3) +
              5.0 * std::cos(2.0 * std::numbers::pi * 300.0 * static_cast<double>(i) / kN);
  }
  Envelope<double>(work, {90, 110});
  for (std::size_t i = 0; i < kN; ++i) {
    EXPECT_NEAR(work[i], 0.7, 1e-12);
  }
}

TEST(Spectrum, HannTapersToZeroAndIsSymmetric) {
  const std::vector<double> ones(16, 1.0);
  std::vector<double> out(16);
  LoadHann<double, double>(ChannelView<double>(std::span<const double>(ones)), 0.0, out);
  EXPECT_EQ(out[0], 0.0);
  EXPECT_EQ(out[8], 1.0);
  for (std::size_t i = 1; i < 16; ++i) {
    EXPECT_EQ(out[i], out[16 - i]);
  }
}

}  // namespace
}  // namespace trib::dsp
