#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trib/common/dsp/recipe.h"
#include "trib/common/host/config/config_file.h"
#include "trib/common/host/package/package.h"
#include "trib/common/package/sections.h"

/// What build.cc, build_recipe.cc, build_learning.cc, build_network.cc and inspect.cc share.
/// Readers note every mistake in the section they read.
namespace trib::host::package {

using config::ConfigFile;
using config::Section;

constexpr std::array<std::string_view, 4> kActuators = {"normal", "warn", "reduce", "stop"};

/// Index in `names`, 0 for a word that is not there (Enum() has noted it then).
template <std::size_t N>
std::size_t IndexOf(const std::array<std::string_view, N>& names, std::string_view word) {
  const auto found = std::find(names.begin(), names.end(), word);
  return found == names.end() ? 0 : static_cast<std::size_t>(found - names.begin());
}

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

/// Index of the output `name`; nullopt after noting that there is none.
std::optional<std::uint16_t> FeatureOf(Section& section,
                                       std::string_view key,
                                       const std::string& name,
                                       const std::vector<std::string>& features);
/// The features that the list `key` names; `otherwise` when it is absent.
std::uint64_t ReadMask(ConfigFile& spec,
                       std::string_view key,
                       const std::vector<std::string>& features,
                       std::uint64_t otherwise);
/// All but the one whose zones [severity] reports.
std::uint64_t UsualFeatures(ConfigFile& spec, const std::vector<std::string>& features);

DistanceSpec ReadDistance(ConfigFile& spec,
                          const std::vector<std::string>& features,
                          std::uint64_t trigger_mask);
CommissioningSpec ReadCommissioning(ConfigFile& spec, const std::vector<std::string>& features);
SeveritySpec ReadSeverity(ConfigFile& spec,
                          const dsp::Recipe& recipe,
                          const std::vector<std::string>& features,
                          const std::vector<std::string>& labels);
ConditionSpec ReadConditions(ConfigFile& spec);
ClassifierSpec ReadClassifier(ConfigFile& spec, const std::vector<std::string>& labels);
/// Of the portable plan, which ends where a node defers. Either may be empty: that is noted.
SplitPoints ReadSplitPoints(ConfigFile& spec,
                            std::span<const std::byte> plan,
                            std::span<const std::byte> weights);

}  // namespace trib::host::package
