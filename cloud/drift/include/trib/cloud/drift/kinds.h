#pragma once

#include <vector>

#include "trib/cloud/drift/types.h"
#include "trib/common/dsp/recipe.h"

namespace trib::cloud::drift {

/// What each output of a recipe is about, by frame index.
///
/// Requires  A valid recipe.
std::vector<FeatureKind> KindsOfRecipe(const dsp::Recipe& recipe);

}  // namespace trib::cloud::drift
