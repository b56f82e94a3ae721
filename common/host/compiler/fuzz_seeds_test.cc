// Holds the seeds of model_fuzz, plan_fuzz and activation_fuzz to the formats. With
// TRIB_UPDATE_SEEDS=1 it writes them first.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "trib/common/host/compiler/compiler.h"
#include "trib/common/nn/activation.h"
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

/// Of plan_fuzz: the plan's length in two bytes, the plan, the weights.
std::vector<std::byte> PlanSeed(const Compiled& compiled) {
  std::vector<std::byte> seed = {static_cast<std::byte>(compiled.plan.size()),
                                 static_cast<std::byte>(compiled.plan.size() >> 8U)};
  seed.insert(seed.end(), compiled.plan.begin(), compiled.plan.end());
  seed.insert(seed.end(), compiled.weights.begin(), compiled.weights.end());
  return seed;
}

TEST(FuzzSeeds, AreOfTheFormatsAsTheyAre) {
  const char* source = std::getenv("TRIB_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "run through ctest";
  std::vector<std::vector<std::byte>> storage;
  const std::map<std::string, testing::TfliteFile> files = {
      {"conv", testing::SmallConvNet(1, storage)},
      {"svdf", testing::SmallSvdfNet(2, storage)},
      {"lstm", testing::SmallLstmNet(3, storage)}};
  Seeds models;
  Seeds plans;
  Seeds activations;
  for (const auto& [name, file] : files) {
    models[name] = testing::WriteTflite(file);
    std::string error;
    const auto model = tflite::Read(models[name], error);
    ASSERT_TRUE(model.ok()) << error;
    const auto compiled = Compile(*model, {}, error);
    ASSERT_TRUE(compiled.ok()) << error;
    plans[name] = PlanSeed(*compiled);
    if (name != "conv") {
      continue;
    }
    // activation_fuzz: what lives at each cut of this network, on an input of its own.
    const auto plan = nn::Plan::Load(compiled->plan, compiled->weights);
    std::vector<std::uint32_t> arena(compiled->arena_bytes / 4 + 1);
    auto runner = nn::Runner::Open(*plan, std::as_writable_bytes(std::span(arena)), {});
    for (std::uint16_t cut = 1; cut < plan->operators(); ++cut) {
      for (std::byte& b : runner->input(0)) {
        b = static_cast<std::byte>(37 * cut);
      }
      runner->Run(0, cut);
      auto& bytes = activations["cut_" + std::to_string(cut)];
      bytes.resize(nn::MaxActivationBytes(*plan, cut));
      const auto size = nn::EncodeActivation(*runner, *plan, {PackageHash(1), cut}, bytes);
      ASSERT_TRUE(size.ok());
      bytes.resize(*size);
    }
  }
  const std::filesystem::path root(source);
  for (const char* const name : {"forest", "linear", "binary"}) {
    const auto path = root / "common/host/compiler/corpus/small_model_fuzz" / name;
    std::string error;
    const auto compiled = CompileFile(path.string() + ".json", {}, error);
    ASSERT_TRUE(compiled.ok()) << error;
    plans[name] = PlanSeed(*compiled);
  }
  Hold(models, root / "common/host/compiler/corpus/model_fuzz");
  Hold(plans, root / "common/nn/corpus/plan_fuzz");
  Hold(activations, root / "common/host/compiler/corpus/activation_fuzz");
}

}  // namespace
}  // namespace trib::host::compiler
