#include "trib/common/dsp/covariance.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "trib/common/base/random.h"
#include "trib/testing/shared_data.h"

namespace trib::dsp {
namespace {

TEST(Covariance, FactorsAndMeasuresByHand) {
  // [4 2; 2 5] = L L' with L = [2 0; 1 2].
  std::array<double, 3> a{4, 2, 5};
  ASSERT_TRUE(Factorise<double>(a, 2));
  EXPECT_DOUBLE_EQ(a[0], 0.5);
  EXPECT_DOUBLE_EQ(a[1], 1);
  EXPECT_DOUBLE_EQ(a[2], 0.5);
  // The inverse is [5 -2; -2 4] / 16.
  std::array<double, 2> x{1, 1};
  EXPECT_DOUBLE_EQ(SquaredLength<double>(a, x), 5.0 / 16);
  std::array<double, 2> scratch{};
  EXPECT_DOUBLE_EQ(InverseTrace<double>(a, scratch), 9.0 / 16);
}

TEST(Covariance, RefusesWhatIsNotPositiveDefinite) {
  std::array<float, 3> singular{1, 1, 1};
  EXPECT_FALSE(Factorise<float>(singular, 2));
  std::array<float, 3> indefinite{1, 2, 1};
  EXPECT_FALSE(Factorise<float>(indefinite, 2));
  std::array<float, 3> nan{1, std::nanf(""), 1};
  EXPECT_FALSE(Factorise<float>(nan, 2));
  std::array<float, 3> weak{1, 0.999F, 1};
  EXPECT_FALSE(Factorise<float>(weak, 2, 0.01F));
}

/// The oracles' generator: splitmix64, and the sum of twelve uniform numbers less six.
class Draws {
 public:
  explicit Draws(std::uint64_t seed) : random_(seed) {}
  double Normal() {
    double sum = 0;
    for (int i = 0; i < 12; ++i) {
      sum += random_.Uniform();
    }
    return sum - 6.0;
  }

 private:
  SplitMix64 random_;
};

/// Mean and sums of products of the oracle's rows, one after the other as on a node.
template <typename Real>
struct Learned {
  std::array<Real, 3> mean{};
  std::array<Real, 6> products{};
  int count = 0;
  void Add(const std::array<double, 3>& row) {
    ++count;
    std::array<Real, 3> delta{};
    for (std::size_t i = 0; i < 3; ++i) {
      delta[i] = static_cast<Real>(row[i]) - mean[i];
      mean[i] += delta[i] / static_cast<Real>(count);
    }
    AddProducts<Real>(products, delta, static_cast<Real>(count - 1) / static_cast<Real>(count));
  }
};

template <typename Real>
void ComparesWithTheOracle(const nlohmann::json& want, double tolerance) {
  Learned<Real> learned;
  Draws draws(41);
  for (int row = 0; row < 200; ++row) {
    const double first = draws.Normal();
    const double second = 0.5 * draws.Normal() + 0.2;
    const double third = 2 * draws.Normal();
    learned.Add({first, second, third});
  }
  const auto near = [&](double got, const nlohmann::json& value) {
    EXPECT_NEAR(got, value.get<double>(), tolerance * std::max(1.0, std::abs(value.get<double>())));
  };
  std::array<Real, 6> factor = learned.products;
  for (auto& value : factor) {
    value /= 199;
  }
  for (std::size_t i = 0; i < 3; ++i) {
    near(learned.mean[i], want["mean"][i]);
    for (std::size_t j = 0; j <= i; ++j) {
      near(factor[TriangleIndex(i, j)], want["cov_ddof1"][i][j]);
    }
  }
  ASSERT_TRUE(Factorise<Real>(factor, 3));
  for (std::size_t i = 0; i < 3; ++i) {
    near(1 / factor[TriangleIndex(i, i)], want["chol"][i][i]);
    for (std::size_t j = 0; j < i; ++j) {
      near(factor[TriangleIndex(i, j)], want["chol"][i][j]);
    }
  }
  for (std::size_t row = 0; row < want["test"].size(); ++row) {
    std::array<Real, 3> z{};
    for (std::size_t i = 0; i < 3; ++i) {
      z[i] = static_cast<Real>(want["test"][row][i].get<double>()) - learned.mean[i];
    }
    near(SquareRoot(SquaredLength<Real>(factor, z)), want["mahal"][row]);
  }
}

TEST(MahalanobisOracle, InDoubleAndAsTheNodeComputesInFloat) {
  TRIB_SHARED_DIR_OR_SKIP(shared);
  std::ifstream file(shared / "oracles/mahalanobis.json");
  ASSERT_TRUE(file);
  const auto want = nlohmann::json::parse(file);
  ComparesWithTheOracle<double>(want, 1e-9);
  ComparesWithTheOracle<float>(want, 1e-5);
}

}  // namespace
}  // namespace trib::dsp
