#pragma once

#include <cstddef>
#include <span>

#include "trib/common/dsp/real_math.h"

/// Joint spread of a few numbers, in memory of the caller. A symmetric matrix of `size` rows is its
/// lower triangle row by row: element (i, j), j <= i, is number i (i + 1) / 2 + j. Exact on every
/// target, like real_math.h.
namespace trib::dsp {

[[nodiscard]] constexpr std::size_t TriangleNumbers(std::size_t size) {
  return size * (size + 1) / 2;
}
[[nodiscard]] constexpr std::size_t TriangleIndex(std::size_t row, std::size_t column) {
  return row * (row + 1) / 2 + column;
}

/// Adds weight * x x' to the triangle. With x the difference of a new vector from the mean of the
/// n - 1 before it and weight (n - 1) / n this is Welford's update of the sums of products.
///
/// Requires  triangle.size() == TriangleNumbers(x.size()).
template <RealNumber Real>
constexpr void AddProducts(std::span<Real> triangle, std::span<const Real> x, Real weight) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const Real scaled = x[i] * weight;
    for (std::size_t j = 0; j <= i; ++j) {
      triangle[at++] += scaled * x[j];
    }
  }
}

/// Replaces a positive definite matrix by its Cholesky factor L (A = L L'), with the reciprocals of
/// L's diagonal in place of the diagonal.
///
/// @returns false, and an unusable triangle, when a pivot is not above `least_pivot`.
template <RealNumber Real>
[[nodiscard]] constexpr bool Factorise(std::span<Real> triangle,
                                       std::size_t size,
                                       Real least_pivot = 0) {
  for (std::size_t i = 0; i < size; ++i) {
    Real* const row = &triangle[TriangleIndex(i, 0)];
    for (std::size_t j = 0; j < i; ++j) {
      const Real* const above = &triangle[TriangleIndex(j, 0)];
      Real sum = row[j];
      for (std::size_t k = 0; k < j; ++k) {
        sum -= row[k] * above[k];
      }
      row[j] = sum * above[j];
    }
    Real pivot = row[i];
    for (std::size_t k = 0; k < i; ++k) {
      pivot -= row[k] * row[k];
    }
    // Written so that NaN is refused, too.
    if (!(pivot > least_pivot)) {
      return false;
    }
    row[i] = Real(1) / SquareRoot(pivot);
  }
  return true;
}

/// x' A^-1 x for a factor made by Factorise(): forward substitution, in place.
template <RealNumber Real>
[[nodiscard]] constexpr Real SquaredLength(std::span<const Real> factor, std::span<Real> x) {
  Real sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const Real* const row = &factor[TriangleIndex(i, 0)];
    Real value = x[i];
    for (std::size_t k = 0; k < i; ++k) {
      value -= row[k] * x[k];
    }
    x[i] = value * row[i];
    sum += x[i] * x[i];
  }
  return sum;
}

/// Trace of A^-1 for a factor made by Factorise(); size^3 / 6 multiplications.
///
/// Requires  scratch of `size` numbers.
template <RealNumber Real>
[[nodiscard]] constexpr Real InverseTrace(std::span<const Real> factor, std::span<Real> scratch) {
  Real sum = 0;
  for (std::size_t column = 0; column < scratch.size(); ++column) {
    for (std::size_t i = 0; i < scratch.size(); ++i) {
      scratch[i] = i == column ? Real(1) : Real(0);
    }
    sum += SquaredLength(factor, scratch);
  }
  return sum;
}

}  // namespace trib::dsp
