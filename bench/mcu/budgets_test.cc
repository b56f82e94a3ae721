// Instructions of a window's stages and of networks against budgets.json: exact figures, so that
// what grows is seen, with the headroom that the file states.
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "networks.h"
#include "trib/testing/shared_data.h"
#include "window.h"

namespace trib::bench::mcu {
namespace {

using Json = nlohmann::json;

class BoardBudgets : public ::testing::TestWithParam<const Board*> {
 protected:
  void SetUp() override {
    std::string missing = MissingFor(board(), "mcu_window", true);
    missing = missing.empty() ? MissingFor(board(), "mcu_engine", true) : missing;
    if (!missing.empty()) {
      GTEST_SKIP() << "NOT TESTED: " << missing;
    }
    std::ifstream in(TRIB_SOURCE_DIR "/bench/mcu/budgets.json");
    budgets_ = Json::parse(in, nullptr, false);
    ASSERT_TRUE(budgets_.is_object());
  }

  static const Board& board() { return *GetParam(); }
  void ExpectWithin(const std::string& group, const std::string& name, std::uint64_t instructions) {
    const Json& budget = budgets_[std::string(board().name)][group][name];
    ASSERT_TRUE(budget.is_number_unsigned()) << board().name << ", " << group << ", " << name
                                             << ": no budget; it takes " << instructions;
    const auto most = budget.get<std::uint64_t>();
    const auto percent = budgets_["headroom_percent"].get<std::uint64_t>();
    std::printf("%-11s %-22s %-11s %10llu, budget %10llu + %llu %%\n",
                std::string(board().name).c_str(),
                group.c_str(),
                name.c_str(),
                static_cast<unsigned long long>(instructions),
                static_cast<unsigned long long>(most),
                static_cast<unsigned long long>(percent));
    EXPECT_LE(instructions * 100, most * (100 + percent))
        << board().name << ", " << group << ", " << name
        << " grew beyond its budget. If that is worth it, say why where you raise budgets.json.";
  }

  Json budgets_;
};

TEST_P(BoardBudgets, StagesOfAWindowStayWithin) {
  for (const PackageName& package : kPackages) {
    std::string error;
    const WindowScene scene{.package = std::string(TRIB_SOURCE_DIR "/") + package.file};
    const auto cost = CountWindow(board(), scene, error);
    ASSERT_TRUE(cost) << error;
    for (const StageCost& stage : cost->stages) {
      ExpectWithin(package.name, stage.name, stage.most);
    }
    ExpectWithin(package.name, "stack_bytes", cost->stack_bytes);
    if (&package == &kPackages.front()) {
      const auto again = CountWindow(board(), scene, error);
      ASSERT_TRUE(again) << error;
      EXPECT_EQ(again->stages, cost->stages) << "two runs gave different figures";
    }
  }
}

TEST_P(BoardBudgets, LastSampleToActuatorStaysWithin) {
  for (PathCase one : PathCases()) {
    if (one.scene.block_samples != 16) {
      continue;
    }
    one.scene.package = TRIB_SOURCE_DIR / one.scene.package;
    std::string error;
    const auto path = CountPath(board(), one.scene, error);
    ASSERT_TRUE(path) << error;
    ExpectWithin("last sample to actuator", one.name, path->most);
    if (board().cortex_m4) {
      ExpectWithin("last sample to actuator, cycles", one.name, path->cycles);
    }
  }
}

TEST_P(BoardBudgets, NetworksStayWithin) {
  TRIB_SHARED_DIR_OR_SKIP(shared);
  std::string error;
  const auto networks = GoldenNetworks(shared / "golden", {"ad", "kws", "svdf", "lstm"}, error);
  ASSERT_TRUE(networks) << error;
  const auto costs = CountNetworks(board(), "mcu_engine", *networks, error);
  ASSERT_TRUE(costs) << error;
  for (const NetworkCost& cost : *costs) {
    ExpectWithin("networks", cost.name, cost.instructions);
  }
}

INSTANTIATE_TEST_SUITE_P(All,
                         BoardBudgets,
                         ::testing::Values(&kBoards[0], &kBoards[1]),
                         [](const auto& board) {
                           std::string name(board.param->name);
                           name[name.find('-')] = '_';
                           return name;
                         });

}  // namespace
}  // namespace trib::bench::mcu
