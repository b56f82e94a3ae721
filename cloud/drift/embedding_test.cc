#include "trib/cloud/drift/embedding.h"

#include <gtest/gtest.h>

#include <cmath>

#include "simulated_fleet.h"
#include "trib/common/base/random.h"
#include "trib/common/simulation/wave.h"

namespace trib::cloud::drift {
namespace {

constexpr std::size_t kWidth = 2;

struct Plan {
  std::uint32_t nodes = 20;
  std::uint32_t days = 10;
  std::uint32_t rows = 2;     ///< a node and day
  float block_effect = 0.5F;  ///< what a node's windows of one day have in common
  float together = 0;         ///< correlation of the first two numbers
  std::uint32_t first_day = 0;
  std::uint64_t seed = 1;
};

/// Rows of nodes that differ widely in place and scale.
std::vector<EmbeddingRow> Rows(const Plan& plan) {
  std::vector<EmbeddingRow> out;
  for (std::uint32_t n = 0; n < plan.nodes; ++n) {
    SplitMix64 own(SplitMix64::Mix(n + 1));
    const float place = 20 * simulation::NearGaussian(own.Next());
    const float scale = std::exp(simulation::NearGaussian(own.Next()));
    for (std::uint32_t d = 0; d < plan.days; ++d) {
      SplitMix64 random(SplitMix64::Mix(plan.seed * 7919 + (plan.first_day + d) * 1000 + n));
      const auto draw = [&] { return simulation::NearGaussian(random.Next()); };
      float effect[kWidth];
      for (float& one : effect) {
        one = plan.block_effect * draw();
      }
      for (std::uint32_t r = 0; r < plan.rows; ++r) {
        EmbeddingRow row{NodeId(n + 1), (plan.first_day + d) * kDayMs, {}};
        float x[kWidth];
        for (float& one : x) {
          one = draw();
        }
        x[1] = plan.together * x[0] + std::sqrt(1 - plan.together * plan.together) * x[1];
        for (std::size_t i = 0; i < kWidth; ++i) {
          row.values.push_back(place + scale * (x[i] + effect[i]));
        }
        out.push_back(std::move(row));
      }
    }
  }
  return out;
}

TEST(Embedding, QuietWeeksAreRejectedAboutAsOftenAsAllowed) {
  EmbeddingOptions options;
  options.alpha = 0.1;
  options.permutations = 99;
  options.max_rows = 120;
  std::size_t rejected = 0;
  constexpr std::size_t kRuns = 60;
  for (std::uint64_t seed = 1; seed <= kRuns; ++seed) {
    options.seed = seed;
    const EmbeddingTest test(options, Rows({.seed = seed}));
    const EmbeddingLook look = test.Judge(Rows({.days = 3, .first_day = 100, .seed = seed}));
    ASSERT_TRUE(look.tested);
    rejected += look.rejected ? 1U : 0U;
  }
  // 6 expected; more than 13 of 60 at a tenth has a chance of 0.3 %.
  EXPECT_LE(rejected, 13U);
}

TEST(Embedding, SeesThatNumbersGoTogetherThoughEachAloneIsAsBefore) {
  const Plan plan = {.nodes = 60, .rows = 3, .block_effect = 0.2F};
  const EmbeddingTest test({.permutations = 99, .max_rows = 600}, Rows(plan));
  Plan now = plan;
  now.days = 5;
  now.first_day = 100;
  const auto quiet = test.Judge(Rows(now));
  EXPECT_FALSE(quiet.rejected) << quiet.p;
  now.together = 0.95F;
  const auto look = test.Judge(Rows(now));
  EXPECT_TRUE(look.rejected) << look.p;
  EXPECT_GE(look.distance, look.threshold);
  EXPECT_LE(look.p, 0.05);
}

TEST(Embedding, WindowsOfOneDayAreNoManyWitnesses) {
  // Nearly all that varies is common to a node's day; twenty windows of it are not twenty draws.
  std::size_t rejected = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const EmbeddingTest test({.alpha = 0.1, .permutations = 99, .max_rows = 200},
                             Rows({.nodes = 6, .rows = 5, .block_effect = 3, .seed = seed}));
    const auto look = test.Judge(Rows(
        {.nodes = 6, .days = 2, .rows = 5, .block_effect = 3, .first_day = 100, .seed = seed}));
    rejected += look.rejected ? 1U : 0U;
  }
  // 3 expected; more than 9 of 30 at a tenth has a chance of 0.05 %.
  EXPECT_LE(rejected, 9U);
}

TEST(Embedding, ANodeThatIsAwayIsNoDrift) {
  const EmbeddingTest test({}, Rows({.nodes = 40}));
  auto some = Rows({.nodes = 40, .days = 10, .first_day = 100});
  std::erase_if(some, [](const EmbeddingRow& row) { return row.node.value() > 36; });
  EXPECT_FALSE(test.Judge(some).rejected);
}

TEST(Embedding, StrangersAndTooLittleAreNotTested) {
  const EmbeddingTest test({}, Rows({}));
  std::vector<EmbeddingRow> strangers = {
      {NodeId(99), kDayMs, {0, 0}}, {NodeId(1), kDayMs, {0, 0, 0}}, {NodeId(1), kDayMs, {NAN, 0}}};
  EXPECT_FALSE(test.Judge(strangers).tested);
  const EmbeddingTest empty({}, {});
  EXPECT_FALSE(empty.ready());
  EXPECT_FALSE(empty.Judge(Rows({})).tested);
}

TEST(Embedding, IsRepeatableAndSaysItsResolution) {
  const EmbeddingTest test({}, Rows({}));
  const auto now = Rows({.days = 3, .first_day = 100});
  EXPECT_EQ(test.Judge(now).p, test.Judge(now).p);
  EXPECT_DOUBLE_EQ(test.Judge(now).resolution, 1.0 / 201);
}

TEST(Embedding, SpendsItsPartOfTheModelsShare) {
  Options options;
  EXPECT_EQ(EmbeddingAlpha(options), 0);
  options.embedding_part = 0.5;
  EXPECT_DOUBLE_EQ(EmbeddingAlpha(options), 0.05);
}

}  // namespace
}  // namespace trib::cloud::drift
