#include "trib/common/dsp/real_math.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "trib/common/base/random.h"

namespace trib::dsp {
namespace {

template <typename Real>
double UlpError(Real got, long double want) {
  const Real nearest = static_cast<Real>(want);
  const Real next = std::nextafter(std::fabs(nearest), std::numeric_limits<Real>::infinity());
  const long double ulp = static_cast<long double>(next) - std::fabs(nearest);
  return static_cast<double>(std::fabs(static_cast<long double>(got) - want) / ulp);
}

template <typename Real>
class RealMath : public ::testing::Test {};
using Reals = ::testing::Types<float, double>;
TYPED_TEST_SUITE(RealMath, Reals);

TYPED_TEST(RealMath, LogIsWithinTwoUnitsOfTheLongDoubleOne) {
  using Real = TypeParam;
  using Bits = std::conditional_t<sizeof(Real) == 4, std::uint32_t, std::uint64_t>;
  SplitMix64 random(1);
  double worst = 0;
  for (int i = 0; i < 200000; ++i) {
    const auto x = std::bit_cast<Real>(static_cast<Bits>(random.Next() & (~Bits{0} >> 1U)));
    if (!(x > 0) || !std::isfinite(x)) {
      continue;
    }
    worst = std::max(worst, UlpError(Log(x), std::log(static_cast<long double>(x))));
  }
  // Near 1, where the result crosses zero.
  for (int i = 1; i < 100000; ++i) {
    const Real x = Real(0.9F) + static_cast<Real>(i) * Real(2e-6F);
    if (x != Real(1)) {
      worst = std::max(worst, UlpError(Log(x), std::log(static_cast<long double>(x))));
    }
  }
  EXPECT_LE(worst, 2.0);
  EXPECT_EQ(Log(Real(1)), Real(0));
}

TYPED_TEST(RealMath, ExpIsWithinFourUnitsOfTheLongDoubleOne) {
  using Real = TypeParam;
  const double span = sizeof(Real) == 4 ? 87.0 : 700.0;
  double worst = 0;
  for (int i = -100000; i <= 100000; ++i) {
    const auto x = static_cast<Real>(span * i / 100000.0);
    worst = std::max(worst, UlpError(Exp(x), std::exp(static_cast<long double>(x))));
  }
  EXPECT_LE(worst, 4.0);
}

TYPED_TEST(RealMath, SpecialValues) {
  using Real = TypeParam;
  constexpr Real kInfinity = std::numeric_limits<Real>::infinity();
  constexpr Real kNan = std::numeric_limits<Real>::quiet_NaN();
  EXPECT_EQ(Log(Real(0)), -kInfinity);
  EXPECT_EQ(Log(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(Log(Real(-1))));
  EXPECT_TRUE(std::isnan(Log(kNan)));
  EXPECT_EQ(Exp(kInfinity), kInfinity);
  EXPECT_EQ(Exp(-kInfinity), Real(0));
  EXPECT_TRUE(std::isnan(Exp(kNan)));
  EXPECT_FALSE(IsFinite(kNan));
  EXPECT_FALSE(IsFinite(-kInfinity));
  EXPECT_TRUE(IsFinite(std::numeric_limits<Real>::max()));
}

TEST(RealMath, QuarterWaveIsTheSineToTheLastBitOfADouble) {
  static_assert(QuarterWaveSine(0, 8) == 0.0);
  static_assert(QuarterWaveSine(8, 8) == 1.0);
  constexpr double kThird = QuarterWaveSine(1, 3);
  EXPECT_NEAR(kThird, 0.5, 2e-16);
  EXPECT_NEAR(QuarterWaveSine(300, 1024), std::sin(std::acos(-1.0) / 2 * 300 / 1024), 2e-16);
  EXPECT_NEAR(QuarterWaveSine(900, 1024), std::sin(std::acos(-1.0) / 2 * 900 / 1024), 2e-16);
}

}  // namespace
}  // namespace trib::dsp
