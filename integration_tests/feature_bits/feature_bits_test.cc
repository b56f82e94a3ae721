#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>
#include <string>

#include "run_program.h"
#include "trib/common/dsp/recipe.h"
#include "trib/common/host/package/package.h"
#include "trib/common/package/package.h"
#include "trib/testing/feature_fixtures.h"
#include "trib/testing/shared_data.h"

namespace trib::feature_bits {
namespace {

std::size_t Lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

void ExpectTheSameFromAllLevels(const std::string& arguments, std::size_t fewest_lines) {
  const Output usual = RunCommand(HostProgram("O2") + arguments);
  ASSERT_EQ(usual.exit_code, 0) << usual.text;
  EXPECT_GE(Lines(usual.text), fewest_lines);
  for (const char* level : {"O0", "O3"}) {
    const Output other = RunCommand(HostProgram(level) + arguments);
    EXPECT_EQ(other.exit_code, 0) << other.text;
    EXPECT_TRUE(other.text == usual.text) << "-" << level << " gives other bits than -O2";
  }
}

TEST(FeatureBits, SyntheticAndSimulatedWindowsAreTheSameAtEveryOptimisation) {
  ExpectTheSameFromAllLevels("", 64 + 128 + 80);
}

// Were the lines all alike, the comparison would prove nothing.
TEST(FeatureBits, LinesTellWindowsApart) {
  const Output output = RunCommand(HostProgram("O2"));
  std::istringstream lines(output.text);
  std::set<std::string> checksums;
  for (std::string line; std::getline(lines, line);) {
    checksums.insert(line.substr(line.rfind(' ')));
  }
  // Silence gives the same features at every scale and length but for ratios of lengths.
  // A machine at rest is as silent in every window.
  EXPECT_GE(checksums.size(), 50U + 120U + 70U);
}

TEST(FeatureBits, RecordingsAreTheSameAtEveryOptimisation) {
  TRIB_SHARED_DIR_OR_SKIP(shared);
  std::string arguments;
  for (const auto& entry : std::filesystem::directory_iterator(shared / "data/cwru")) {
    if (entry.path().extension() == ".i16") {
      arguments += " '" + entry.path().string() + "'";
    }
  }
  ExpectTheSameFromAllLevels(arguments, 5000);
}

// What the tests and the benchmark call the bearing recipe is what the workload ships.
TEST(FeatureBits, BearingRecipeIsTheWorkloads) {
  const std::filesystem::path source = std::getenv("TRIB_SOURCE_DIR");
  std::string error;
  const auto built = host::package::BuildPackage(source / "workloads/bearing/package.toml", &error);
  ASSERT_TRUE(built.ok()) << error;
  const auto view = package::PackageView::Open(*built);
  ASSERT_TRUE(view.ok());
  const auto recipe = dsp::DecodeRecipe(view->Find(package::SectionType::kRecipe));
  ASSERT_TRUE(recipe.ok());
  EXPECT_EQ(*recipe, testing::BearingRecipe(2048, 1024));
}

}  // namespace
}  // namespace trib::feature_bits
