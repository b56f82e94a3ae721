#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "trib/common/host/compiler/compiler.h"
#include "trib/common/nn/arithmetic.h"
#include "trib/common/nn/runner.h"
#include "trib/testing/shared_data.h"

namespace trib::host::compiler {
namespace {

/// The outputs of a small model for these inputs, as numbers.
std::vector<double> RunModel(const std::string& text, const std::vector<float>& inputs) {
  std::string error;
  const auto compiled = CompileSmall(text, error);
  EXPECT_TRUE(compiled.ok()) << error;
  const auto plan = nn::Plan::Load(compiled->plan, compiled->weights);
  EXPECT_TRUE(plan.ok());
  std::vector<std::uint32_t> arena(compiled->arena_bytes / 4 + 1);
  auto runner = nn::Runner::Open(*plan, std::as_writable_bytes(std::span(arena)), {});
  EXPECT_EQ(runner->input(0).size(), 4 * inputs.size());
  std::memcpy(runner->input(0).data(), inputs.data(), 4 * inputs.size());
  runner->Run();
  const auto out = runner->output(0);
  std::vector<double> numbers;
  const bool real = plan->tensor(plan->output(0).tensor).type == nn::TensorType::kFloat32;
  for (std::size_t i = 0; i < out.size(); i += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, out.data() + i, 4);
    numbers.push_back(real ? double{std::bit_cast<float>(word)} : static_cast<std::int32_t>(word));
  }
  return numbers;
}

constexpr const char* kForest = R"({"type": "forest", "inputs": 3, "outputs": 2, "trees": [
  {"feature": 0, "threshold": 1.5, "left": {"leaf": [1, 0]},
   "right": {"feature": 2, "threshold": -0.25, "left": {"leaf": [0.25, 0.75]}, "right": {"leaf": [0, 1]}}},
  {"leaf": [0.5, 0.5]}]})";

TEST(SmallModel, ForestsAddTheirTrees) {
  EXPECT_EQ(RunModel(kForest, {1.5F, 0, 0}), (std::vector<double>{1.5, 0.5}));
  EXPECT_EQ(RunModel(kForest, {2, 0, -1}), (std::vector<double>{0.75, 1.25}));
  EXPECT_EQ(RunModel(kForest, {2, 0, 0}), (std::vector<double>{0.5, 1.5}));
  EXPECT_EQ(RunModel(kForest, {std::nanf(""), 0, 0}), (std::vector<double>{0.5, 1.5}));
}

TEST(SmallModel, LinearModelsHaveLinks) {
  EXPECT_EQ(RunModel(R"({"type": "linear", "weights": [[0.5, -1, 2], [1, 1, 1]], "bias": [1, 0]})",
                     {2, 1, 0.5F}),
            (std::vector<double>{2, 3.5}));
  const auto p = RunModel(R"({"type": "linear", "weights": [[1]], "link": "logistic"})", {2});
  EXPECT_NEAR(p[0], 1 / (1 + std::exp(-2.0)), 1e-6);
  const auto s = RunModel(R"({"type": "linear", "weights": [[1], [3]], "link": "softmax"})", {1});
  EXPECT_NEAR(s[1], 1 / (1 + std::exp(-2.0)), 1e-6);
}

TEST(SmallModel, BinaryLayersChain) {
  constexpr const char* kModel = R"({"type": "binary", "layers": [
    {"weights": [[1, -1, 1], [-1, -1, 1]], "thresholds": [1, 2]}, {"weights": [[1, 1]]}]})";
  EXPECT_EQ(RunModel(kModel, {1, -1, 1}), std::vector<double>{0});    // dots 3, 1 -> +1, -1
  EXPECT_EQ(RunModel(kModel, {-1, -1, 1}), std::vector<double>{2});   // dots 1, 3 -> +1, +1
  EXPECT_EQ(RunModel(kModel, {-1, 1, -1}), std::vector<double>{-2});  // dots -3, -1
}

TEST(SmallModel, MistakesAreNamed) {
  const std::vector<std::pair<std::string, std::string>> mistakes = {
      {"", "no JSON object"},
      {"[]", "no JSON object"},
      {"{\"type\": \"svm\"}", "type: must be"},
      {R"({"type": "linear", "weights": [[1, 2], [3]]})", "weights[1]: must be a list of 2"},
      {R"({"type": "linear", "weights": [[1]], "bias": [1e99]})", "bias: must be a finite number"},
      {R"({"type": "linear", "weights": [[1]], "slope": 1})", "unknown key \"slope\""},
      {R"({"type": "linear", "weights": [[1]], "link": "probit"})", "link: must be"},
      {R"({"type": "forest", "inputs": 1, "outputs": 1, "trees": []})", "trees: must be"},
      {R"({"type": "forest", "inputs": 1, "outputs": 1, "trees": [{"feature": 1, "threshold": 0,
          "left": {"leaf": [1]}, "right": {"leaf": [1]}}]})",
       "trees[0].feature: must be below 1"},
      {R"({"type": "forest", "inputs": 1, "outputs": 1, "trees": [{"feature": 0, "threshold": 0,
          "left": {"leaf": [1]}, "right": {"leaf": [1, 2]}}]})",
       "trees[0].right.leaf: must be a list of 1"},
      {R"({"type": "forest", "inputs": 1, "outputs": 1, "trees": [{"feature": 0}]})",
       "trees[0]: needs"},
      {R"({"type": "binary", "layers": [{"weights": [[1, 0]]}]})", "must hold 1 and -1 only"},
      {R"({"type": "binary", "layers": [{"weights": [[1]], "thresholds": [0]}]})",
       "has no thresholds"},
      {R"({"type": "binary", "layers": [{"weights": [[1]]}, {"weights": [[1]]}]})",
       "needs thresholds"},
  };
  for (const auto& [text, says] : mistakes) {
    std::string error;
    EXPECT_FALSE(CompileSmall(text, error).ok()) << text;
    EXPECT_NE(error.find(says), std::string::npos) << error;
  }
  std::string deep = R"({"leaf": [1]})";
  for (int i = 0; i < 70; ++i) {
    deep = R"({"feature": 0, "threshold": 0, "right": {"leaf": [1]}, "left": )" + deep + "}";
  }
  std::string error;
  EXPECT_FALSE(
      CompileSmall(R"({"type": "forest", "inputs": 1, "outputs": 1, "trees": [)" + deep + "]}",
                   error)
          .ok());
  EXPECT_NE(error.find("deeper than 64"), std::string::npos) << error;
}

TEST(Oracle, RequantisationAndBinaryDot) {
  const auto shared = testing::SharedDir();
  if (!shared || !std::filesystem::exists(*shared / "oracles/quant.json")) {
    GTEST_SKIP() << "NO ORACLE DATA: shared/oracles beside the repository";
  }
  const auto quant = nlohmann::json::parse(std::ifstream(*shared / "oracles/quant.json"));
  std::size_t differing = 0;
  for (const auto& row : quant["requant"]) {
    const auto m = QuantizeMultiplier(row["real"].get<double>());
    ASSERT_TRUE(m.ok());
    EXPECT_EQ(m->m, row["q"].get<std::int32_t>());
    EXPECT_EQ(m->shift, row["shift"].get<int>());
    EXPECT_EQ(nn::Requantize(row["acc"].get<std::int32_t>(), *m),
              row["double_round"].get<std::int32_t>());
    differing += row["double_round"] != row["single_round"] ? 1U : 0U;
  }
  EXPECT_EQ(quant["requant"].size(), 36U);
  EXPECT_EQ(differing, 1U);  // the vector that tells the two roundings apart

  const auto learning =
      nlohmann::json::parse(std::ifstream(*shared / "oracles/ondevice_learning.json"));
  const auto& bnn = learning["bnn_dot"];
  const auto n = bnn["n_bits"].get<std::size_t>();
  const auto bit = [&](const char* key, std::size_t i) {
    return (bnn[key][i / 32].get<std::uint32_t>() >> (i % 32) & 1U) != 0 ? 1 : -1;
  };
  nlohmann::json weights = nlohmann::json::array();
  std::vector<float> inputs;
  for (std::size_t i = 0; i < n; ++i) {
    inputs.push_back(static_cast<float>(bit("a", i)));
    weights.push_back(bit("b", i));
  }
  const nlohmann::json model = {{"type", "binary"},
                                {"layers", {{{"weights", nlohmann::json::array({weights})}}}}};
  EXPECT_EQ(RunModel(model.dump(), inputs), std::vector<double>{bnn["dot"].get<double>()});
}

}  // namespace
}  // namespace trib::host::compiler
