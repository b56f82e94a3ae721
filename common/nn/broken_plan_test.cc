// Sound plans, each damaged at one place: the loader names that damage and no other.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "broken_plans.h"
#include "trib/common/host/compiler/compiler.h"
#include "trib/common/nn/runner.h"
#include "trib/testing/tflite_writer.h"

namespace trib::nn {
namespace {

/// What Runner::Open() gives.
constexpr PlanReason kRunnerReasons[] = {PlanReason::kArenaTooSmall, PlanReason::kMisaligned};

host::compiler::Compiled CompileNet(
    testing::TfliteFile (*make)(std::uint32_t, std::vector<std::vector<std::byte>>&)) {
  std::vector<std::vector<std::byte>> storage;
  const auto bytes = testing::WriteTflite(make(1, storage));
  std::string error;
  const auto model = host::tflite::Read(bytes, error);
  EXPECT_TRUE(model.ok()) << error;
  const auto compiled = host::compiler::Compile(*model, {}, error);
  EXPECT_TRUE(compiled.ok()) << error;
  return *compiled;
}

host::compiler::Compiled CompileText(const char* text) {
  std::string error;
  const auto compiled = host::compiler::CompileSmall(text, error);
  EXPECT_TRUE(compiled.ok()) << error;
  return *compiled;
}

host::compiler::Compiled Compile(From from) {
  switch (from) {
    case From::kConv:
      return CompileNet(testing::SmallConvNet);
    case From::kSvdf:
      return CompileNet(testing::SmallSvdfNet);
    case From::kLstm:
      return CompileNet(testing::SmallLstmNet);
    case From::kForest:
      return CompileText(
          R"({"type": "forest", "inputs": 2, "outputs": 1, "trees": [
              {"feature": 0, "threshold": 1, "left": {"leaf": [1]}, "right": {"leaf": [2]}}]})");
    case From::kLinear:
      return CompileText(R"({"type": "linear", "weights": [[1, -2]], "bias": [0.5]})");
    case From::kBinary:
      break;
  }
  return CompileText(R"({"type": "binary", "layers": [
      {"weights": [[1, -1], [-1, -1]], "thresholds": [1, -1]}, {"weights": [[1, 1]]}]})");
}

Status Load(const Sections& s) {
  std::vector<std::byte> shifted(s.weights_shift);
  shifted.insert(shifted.end(), s.weights.begin(), s.weights.end());
  return Plan::Load(s.plan, std::span(shifted).subspan(s.weights_shift)).status();
}

constexpr From kAll[] = {
    From::kConv, From::kSvdf, From::kLstm, From::kForest, From::kLinear, From::kBinary};

TEST(BrokenPlan, IsSoundBeforeItIsBroken) {
  std::uint64_t operators = 0;
  for (const From from : kAll) {
    const auto compiled = Compile(from);
    EXPECT_TRUE(Load({compiled.plan, compiled.weights}).ok());
    operators |= compiled.operators;
  }
  // Every operator but copy, which the compiler takes out.
  const std::uint64_t copy = 1U << (static_cast<unsigned>(Opcode::kCopy) - 1);
  EXPECT_EQ(operators | copy, (1U << kOpcodes) - 1);
}

TEST(BrokenPlan, EachDamageGivesItsOwnReason) {
  for (const Damage& damage : kDamages) {
    const auto compiled = Compile(damage.from);
    Sections sections{compiled.plan, compiled.weights};
    damage.edit(sections);
    const Status status = Load(sections);
    EXPECT_FALSE(status.ok()) << damage.what;
    const auto reason = static_cast<PlanReason>(status.reason());
    EXPECT_EQ(reason, damage.reason) << damage.what << ": " << PlanReasonName(reason);
    // What a newer compiler may have written is told from what is broken.
    const bool newer =
        damage.reason == PlanReason::kBadVersion || damage.reason == PlanReason::kUnknownOperator;
    EXPECT_EQ(status.code() == Code::kUnimplemented, newer) << damage.what;
    EXPECT_EQ(status.code() == Code::kDataLoss, damage.reason == PlanReason::kTruncated)
        << damage.what;
  }
}

TEST(BrokenPlan, EveryPrefixIsCutOff) {
  for (const From from : kAll) {
    const auto compiled = Compile(from);
    for (std::size_t size = 0; size < compiled.plan.size(); ++size) {
      // A copy of exactly that size: a sanitizer sees any look past it.
      const Status status =
          Load({{compiled.plan.begin(), compiled.plan.begin() + static_cast<std::ptrdiff_t>(size)},
                compiled.weights});
      EXPECT_EQ(status, Status(Code::kDataLoss, PlanReason::kTruncated)) << size;
    }
  }
}

TEST(BrokenPlan, RunsOnlyInMemoryThatIsLargeEnoughAndAligned) {
  const auto compiled = Compile(From::kSvdf);
  const auto plan = Plan::Load(compiled.plan, compiled.weights);
  ASSERT_TRUE(plan.ok());
  std::vector<std::uint32_t> words(plan->arena_bytes() + plan->state_bytes());
  const auto memory = std::as_writable_bytes(std::span(words));
  const auto arena = memory.first(plan->arena_bytes());
  const auto state = memory.last(plan->state_bytes() / 4 * 4 + 4);
  ASSERT_TRUE(Runner::Open(*plan, arena, state).ok());
  const Status small(Code::kResourceExhausted, PlanReason::kArenaTooSmall);
  EXPECT_EQ(Runner::Open(*plan, arena.first(arena.size() - 1), state).status(), small);
  EXPECT_EQ(Runner::Open(*plan, arena, state.first(plan->state_bytes() - 1)).status(), small);
  const Status odd(Code::kInvalidArgument, PlanReason::kMisaligned);
  EXPECT_EQ(Runner::Open(*plan, memory.subspan(2, arena.size()), state).status(), odd);
  EXPECT_EQ(Runner::Open(*plan, arena, state.subspan(1, plan->state_bytes())).status(), odd);
}

TEST(BrokenPlan, EveryReasonHasACaseAndATextOfItsOwn) {
  std::set<PlanReason> covered(std::begin(kRunnerReasons), std::end(kRunnerReasons));
  for (const Damage& damage : kDamages) {
    covered.insert(damage.reason);
  }
  std::set<std::string_view> texts;
  std::uint16_t reasons = 0;
  for (std::uint16_t i = 1; i < 1024; ++i) {
    const auto reason = static_cast<PlanReason>(i);
    const std::string_view text = PlanReasonName(reason);
    if (text == "unknown reason") {
      EXPECT_EQ(covered.count(reason), 0U) << "no text for reason " << i;
      continue;
    }
    ++reasons;
    EXPECT_EQ(covered.count(reason), 1U) << "nothing gives \"" << text << '"';
    EXPECT_TRUE(texts.insert(text).second) << text;
    EXPECT_GE(text.size(), 12U) << text;
  }
  EXPECT_EQ(reasons, 24U);
}

}  // namespace
}  // namespace trib::nn
