// The distributions behind statistics.h: incomplete gamma and beta functions and what inverts them.
#include <algorithm>
#include <cmath>
#include <limits>

#include "trib/common/host/drift/statistics.h"

namespace trib::host::drift {
namespace {

constexpr double kTiny = 1e-300;
constexpr double kEnough = 3e-16;
constexpr int kMostTerms = 10'000;

double AwayFromZero(double x) {
  return std::abs(x) < kTiny ? kTiny : x;
}

/// x^a e^-x / Gamma(a)
double GammaFront(double a, double x) {
  return std::exp(a * std::log(x) - x - std::lgamma(a));
}

/// P(a, x) by its power series; for x < a + 1.
double LowerGammaSeries(double a, double x) {
  double term = 1 / a;
  double sum = term;
  for (int k = 1; k < kMostTerms && term > sum * kEnough; ++k) {
    term *= x / (a + k);
    sum += term;
  }
  return sum * GammaFront(a, x);
}

/// Q(a, x) by its continued fraction (Lentz); for x >= a + 1.
double UpperGammaFraction(double a, double x) {
  double b = x + 1 - a;
  double c = 1 / kTiny;
  double d = 1 / b;
  double value = d;
  for (int k = 1; k < kMostTerms; ++k) {
    const double an = -k * (k - a);
    b += 2;
    d = 1 / AwayFromZero(an * d + b);
    c = AwayFromZero(b + an / c);
    const double step = d * c;
    value *= step;
    if (std::abs(step - 1) < kEnough) {
      break;
    }
  }
  return value * GammaFront(a, x);
}

/// The regularised incomplete gamma functions: P below x, Q above, each precise where it is small.
double LowerGamma(double a, double x) {
  if (!(x > 0)) {
    return 0;
  }
  return x < a + 1 ? LowerGammaSeries(a, x) : 1 - UpperGammaFraction(a, x);
}
double UpperGamma(double a, double x) {
  if (!(x > 0)) {
    return 1;
  }
  return x < a + 1 ? 1 - LowerGammaSeries(a, x) : UpperGammaFraction(a, x);
}

/// The continued fraction of the incomplete beta function (Lentz); converges fast for
/// x < (a + 1) / (a + b + 2).
double BetaFraction(double a, double b, double x) {
  double c = 1;
  double d = 1 / AwayFromZero(1 - (a + b) * x / (a + 1));
  double value = d;
  for (int m = 1; m < kMostTerms; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / AwayFromZero(1 + even * d);
    c = AwayFromZero(1 + even / c);
    value *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / AwayFromZero(1 + odd * d);
    c = AwayFromZero(1 + odd / c);
    const double step = d * c;
    value *= step;
    if (std::abs(step - 1) < kEnough) {
      break;
    }
  }
  return value;
}

/// ln(Gamma(a + 1/2) / Gamma(a)): for large a by its series, as both logarithms lose their digits.
double LogGammaHalfStep(double a) {
  constexpr double kSeriesFrom = 1000;
  if (a < kSeriesFrom) {
    return std::lgamma(a + 0.5) - std::lgamma(a);
  }
  return 0.5 * std::log(a) - 1 / (8 * a) + 1 / (192 * a * a * a);
}

/// I_x(a, 1/2) for x = share / (share + rest): both are given so that neither loses its digits.
double IncompleteBetaHalf(double a, double share, double rest) {
  const double x = share / (share + rest);
  const double y = rest / (share + rest);
  if (!(x > 0)) {
    return 0;
  }
  if (!(y > 0)) {
    return 1;
  }
  constexpr double kLogRootPi = 0.572364942924700087;
  const double log_x = x < 0.5 ? std::log(x) : std::log1p(-y);
  const double front = std::exp(LogGammaHalfStep(a) - kLogRootPi + a * log_x) * std::sqrt(y);
  return x < (a + 1) / (a + 2.5) ? front * BetaFraction(a, 0.5, x) / a
                                 : 1 - front * BetaFraction(0.5, a, y) / 0.5;
}

/// The smallest x >= 0 for which `beyond(x)` holds, by doubling and halving down to neighbours.
template <typename Beyond>
double FirstBeyond(Beyond beyond) {
  double low = 0;
  double high = 1;
  while (!beyond(high) && high < std::numeric_limits<double>::max() / 4) {
    low = high;
    high *= 2;
  }
  for (int i = 0; i < 1200; ++i) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) {
      break;
    }
    (beyond(middle) ? high : low) = middle;
  }
  return high;
}

}  // namespace

double ChiSquareQuantile(double p, double dof) {
  if (!(p > 0)) {
    return 0;
  }
  if (p >= 0.5) {
    return ChiSquareUpperQuantile(1 - p, dof);
  }
  return FirstBeyond([=](double x) { return LowerGamma(dof / 2, x / 2) >= p; });
}

double ChiSquareUpper(double x, double dof) {
  return UpperGamma(dof / 2, x / 2);
}

double ChiSquareUpperQuantile(double alpha, double dof) {
  if (!(alpha > 0)) {
    return std::numeric_limits<double>::infinity();
  }
  if (alpha > 0.5) {
    return ChiSquareQuantile(1 - alpha, dof);
  }
  return FirstBeyond([=](double x) { return UpperGamma(dof / 2, x / 2) <= alpha; });
}

double StudentTUpper(double t, double dof) {
  const double tail = IncompleteBetaHalf(dof / 2, dof, t * t) / 2;
  return t >= 0 ? tail : 1 - tail;
}

double NormalUpper(double z) {
  return std::erfc(z / std::sqrt(2.0)) / 2;
}

double PoissonLower(std::uint64_t count, double confidence) {
  // P(N >= k | mean) = P(chi-square with 2 k degrees <= 2 mean)
  return count == 0 ? 0 : ChiSquareQuantile(1 - confidence, 2 * static_cast<double>(count)) / 2;
}

double PoissonUpper(std::uint64_t count, double confidence) {
  return ChiSquareUpperQuantile(1 - confidence, 2 * (static_cast<double>(count) + 1)) / 2;
}

}  // namespace trib::host::drift
