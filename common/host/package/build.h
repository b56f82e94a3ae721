#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "trib/common/dsp/recipe.h"
#include "trib/common/host/config/config_file.h"

/// What build.cc and build_recipe.cc share.
namespace trib::host::package {

/// Reads [recipe]; notes every mistake in `spec`.
///
/// @returns a recipe that is valid when nothing was noted.
dsp::Recipe ReadRecipe(config::ConfigFile& spec);

/// Names of the recipe's outputs in order; empty for a recipe that is not valid.
std::vector<std::string> FeatureNames(const dsp::Recipe& recipe);

/// `x; did you mean "y"?`, or without the question when nothing is near.
std::string WithNearest(std::string text,
                        std::string_view word,
                        std::span<const std::string> candidates);

}  // namespace trib::host::package
