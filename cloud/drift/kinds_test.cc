#include "trib/cloud/drift/kinds.h"

#include <gtest/gtest.h>

namespace trib::cloud::drift {
namespace {

TEST(Kinds, FollowTheRecipesOutputs) {
  dsp::Recipe recipe;
  (void)recipe.operations.push_back({.op = dsp::Op::kMean});
  (void)recipe.operations.push_back({.op = dsp::Op::kBandEnergy, .parameter_count = 3});
  (void)recipe.operations.push_back({.op = dsp::Op::kKurtosis});
  (void)recipe.operations.push_back({.op = dsp::Op::kRms});
  const std::vector<FeatureKind> expected = {FeatureKind::kOffset,
                                             FeatureKind::kLevel,
                                             FeatureKind::kLevel,
                                             FeatureKind::kShape,
                                             FeatureKind::kTotal};
  EXPECT_EQ(KindsOfRecipe(recipe), expected);
}

}  // namespace
}  // namespace trib::cloud::drift
