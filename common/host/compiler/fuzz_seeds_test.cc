// Holds the seeds of model_fuzz and plan_fuzz to the formats. With TRIB_UPDATE_SEEDS=1 it writes
// them first.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "trib/common/host/compiler/compiler.h"
#include "trib/testing/tflite_writer.h"

namespace trib::host::compiler {
namespace {

using Seeds = std::map<std::string, std::vector<std::byte>>;

void Hold(const Seeds& seeds, const std::filesystem::path& folder) {
  for (const auto& [name, bytes] : seeds) {
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (std::getenv("TRIB_UPDATE_SEEDS") != nullptr) {
      std::filesystem::create_directories(folder);
      std::ofstream(folder / name, std::ios::binary) << text;
    }
    std::ifstream in(folder / name, std::ios::binary);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), text) << name;
  }
}

TEST(FuzzSeeds, AreOfTheFormatsAsTheyAre) {
  const char* source = std::getenv("TRIB_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "run through ctest";
  std::vector<std::vector<std::byte>> storage;
  const std::map<std::string, testing::TfliteFile> files = {
      {"conv", testing::SmallConvNet(1, storage)}, {"svdf", testing::SmallSvdfNet(2, storage)}};
  Seeds models;
  Seeds plans;
  for (const auto& [name, file] : files) {
    models[name] = testing::WriteTflite(file);
    std::string error;
    const auto model = tflite::Read(models[name], error);
    ASSERT_TRUE(model.ok()) << error;
    const auto compiled = Compile(*model, {}, error);
    ASSERT_TRUE(compiled.ok()) << error;
    // plan_fuzz: the plan's length in two bytes, the plan, the weights.
    auto& seed = plans[name];
    seed.push_back(static_cast<std::byte>(compiled->plan.size()));
    seed.push_back(static_cast<std::byte>(compiled->plan.size() >> 8U));
    seed.insert(seed.end(), compiled->plan.begin(), compiled->plan.end());
    seed.insert(seed.end(), compiled->weights.begin(), compiled->weights.end());
  }
  const std::filesystem::path root(source);
  Hold(models, root / "common/host/compiler/corpus/model_fuzz");
  Hold(plans, root / "common/nn/corpus/plan_fuzz");
}

}  // namespace
}  // namespace trib::host::compiler
