// A network split in two plans: what the head gives at its end, the tail goes on with, and all is
// as if it had never been split.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "trib/common/host/compiler/compiler.h"
#include "trib/common/nn/activation.h"
#include "trib/testing/small_networks.h"

namespace trib::host::compiler {
namespace {

using testing::FirstOperators;
using testing::kExitOperators;
using testing::TensorNamed;
using testing::ThreeExitNetwork;
using Bytes = std::vector<std::byte>;

/// A plan and its memory, filled with rubbish at first.
class Engine {
 public:
  explicit Engine(Compiled compiled)
      : compiled_(std::move(compiled)),
        plan_(*nn::Plan::Load(compiled_.plan, compiled_.weights)),
        arena_(compiled_.arena_bytes / 4, 0xA5A5A5A5U),
        runner_(*nn::Runner::Open(plan_, std::as_writable_bytes(std::span(arena_)), {})) {}
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const nn::Plan& plan() const { return plan_; }
  nn::Runner& runner() { return runner_; }
  Bytes Tensor(nn::TensorIndex index) {
    const auto bytes = runner_.tensor(index);
    return {bytes.begin(), bytes.end()};
  }
  Bytes Output(std::size_t index) { return Tensor(plan_.output(index).tensor); }

 private:
  Compiled compiled_;
  nn::Plan plan_;
  std::vector<std::uint32_t> arena_;
  nn::Runner runner_;
};

Compiled Make(const tflite::Model& model, const Options& options = {}) {
  std::string error;
  auto compiled = Compile(model, options, error);
  EXPECT_TRUE(compiled.ok()) << error;
  return compiled.ok() ? *std::move(compiled) : Compiled();
}

Bytes RandomInput(std::size_t size, std::mt19937& random) {
  std::normal_distribution<double> normal(3, 35);
  Bytes input(size);
  for (std::byte& b : input) {
    b = static_cast<std::byte>(static_cast<int>(std::clamp(normal(random), -128.0, 127.0)));
  }
  return input;
}

/// Everything but the place in the arena.
bool SameTensor(const nn::Tensor& a, const nn::Tensor& b) {
  return a.dims == b.dims && a.zero_point == b.zero_point && a.type == b.type && a.rank == b.rank;
}

void ExpectBeginsAlike(const nn::Plan& head, const nn::Plan& whole) {
  ASSERT_LE(head.operators(), whole.operators());
  nn::Plan::Walk a(head);
  nn::Plan::Walk b(whole);
  for (std::size_t i = 0; i < head.operators(); ++i) {
    const nn::Operator in_head = a.Next();
    const nn::Operator in_whole = b.Next();
    EXPECT_EQ(in_head.opcode, in_whole.opcode);
    EXPECT_EQ(in_head.source, in_whole.source);
    EXPECT_EQ(in_head.input, in_whole.input);
    EXPECT_EQ(in_head.output, in_whole.output);
    EXPECT_TRUE(SameTensor(head.tensor(in_head.output), whole.tensor(in_whole.output)));
  }
  const auto live_head = head.LiveAt(head.operators());
  const auto live_whole = whole.LiveAt(head.operators());
  ASSERT_TRUE(live_head.ok() && live_whole.ok());
  EXPECT_EQ(*live_head, *live_whole);
}

/// Runs head -> activation -> tail at the first exit's cut, and compares each exit with the uncut
/// run.
void ExpectSplitEqualsWhole(Engine& head, Engine& tail, Engine& whole, unsigned seed) {
  std::mt19937 random(seed);
  const auto cut = static_cast<std::uint16_t>(head.plan().operators());
  std::set<std::vector<Bytes>> answers;
  for (int round = 0; round < 50; ++round) {
    const Bytes input = RandomInput(whole.runner().input(0).size(), random);
    std::copy(input.begin(), input.end(), whole.runner().input(0).begin());
    whole.runner().Run();
    const std::vector<Bytes> uncut = {whole.Output(0), whole.Output(1), whole.Output(2)};

    std::copy(input.begin(), input.end(), head.runner().input(0).begin());
    head.runner().Run();
    EXPECT_EQ(head.Output(0), uncut[0]);
    Bytes activation(nn::MaxActivationBytes(head.plan(), cut));
    const auto size =
        nn::EncodeActivation(head.runner(), head.plan(), {PackageHash(7), cut}, activation);
    ASSERT_TRUE(size.ok());
    activation.resize(*size);
    ASSERT_TRUE(nn::DecodeActivation(activation, tail.plan(), tail.runner()).ok());
    EXPECT_EQ(tail.Output(0), uncut[0]);  // carried over
    // To the second exit, and from there on to the third.
    tail.runner().Run(cut, kExitOperators[1]);
    EXPECT_EQ(tail.Output(1), uncut[1]);
    tail.runner().Run(kExitOperators[1], kExitOperators[2]);
    EXPECT_EQ(tail.Output(2), uncut[2]);
    EXPECT_EQ(tail.Output(0), uncut[0]);
    answers.insert(uncut);
  }
  EXPECT_GT(answers.size(), 40U) << "a network that says the same to everything proves nothing";
}

TEST(Split, HeadAsAModelOfItsOwnGoesOnInTheWhole) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    const auto network = ThreeExitNetwork({.seed = seed, .frames = 128, .channels = 2});
    const auto& model = network.model;
    const std::vector<std::int32_t> outputs = {model.outputs[0],
                                               TensorNamed(model, testing::kCutTensor)};
    Engine head(Make(FirstOperators(model, kExitOperators[0], outputs)));
    Engine tail(Make(model));
    Engine whole(Make(model));
    ExpectBeginsAlike(head.plan(), whole.plan());
    ExpectSplitEqualsWhole(head, tail, whole, seed);
  }
}

TEST(Split, HeadCutByTheCompilerIsThatOfTheShorterModel) {
  const auto network = ThreeExitNetwork();
  const auto& model = network.model;
  const auto cut = Make(model, {.operators = kExitOperators[0]});
  const std::vector<std::int32_t> outputs = {model.outputs[0],
                                             TensorNamed(model, testing::kCutTensor)};
  const auto shorter = Make(FirstOperators(model, kExitOperators[0], outputs));
  EXPECT_EQ(cut.plan, shorter.plan);
  EXPECT_EQ(cut.weights, shorter.weights);
  EXPECT_EQ(cut.arena_bytes, shorter.arena_bytes);
}

// The model reshapes before it goes on: whether that is a copy depends on who reads it later, and a
// model that ends there could not know.
TEST(Split, HeadCutByTheCompilerKeepsTheWholesNumbersWhereOperatorsVanish) {
  auto network = ThreeExitNetwork();
  auto& model = network.model;
  tflite::Tensor flat = model.tensors[static_cast<std::size_t>(TensorNamed(model, "exit_1_pool"))];
  flat.name = "flat";
  flat.shape = {1, flat.shape[3]};
  model.tensors.push_back(flat);
  tflite::Operator reshape;
  reshape.builtin = tflite::Builtin::kReshape;
  reshape.inputs = {TensorNamed(model, "exit_1_pool")};
  reshape.outputs = {TensorNamed(model, "flat")};
  model.operators[3].inputs[0] = TensorNamed(model, "flat");
  model.operators.insert(model.operators.begin() + 3, reshape);
  Engine whole(Make(model));
  Engine tail(Make(model));
  EXPECT_EQ(whole.plan().operators(), kExitOperators[2]);
  for (std::size_t cut = 1; cut < whole.plan().operators(); ++cut) {
    Engine head(Make(model, {.operators = cut}));
    ExpectBeginsAlike(head.plan(), whole.plan());
  }
  Engine head(Make(model, {.operators = kExitOperators[0]}));
  ExpectSplitEqualsWhole(head, tail, whole, 5);
}

TEST(Split, RefusesACutAtOrBehindTheEnd) {
  const auto network = ThreeExitNetwork();
  for (const std::size_t operators : {std::size_t{11}, std::size_t{12}, std::size_t{9999}}) {
    std::string error;
    EXPECT_EQ(Compile(network.model, {.operators = operators}, error).status().code(),
              Code::kInvalidArgument);
    EXPECT_NE(error.find("the model has 11"), std::string::npos) << error;
  }
}

TEST(Split, ADecoderRefusesACutBehindItsEnd) {
  const auto network = ThreeExitNetwork();
  Engine head(Make(network.model, {.operators = kExitOperators[0]}));
  Engine shorter(Make(network.model, {.operators = kExitOperators[0] - 1}));
  const std::uint16_t cut = kExitOperators[0];
  Bytes activation(nn::MaxActivationBytes(head.plan(), cut));
  head.runner().Run();
  const auto size =
      nn::EncodeActivation(head.runner(), head.plan(), {PackageHash(7), cut}, activation);
  ASSERT_TRUE(size.ok());
  activation.resize(*size);
  EXPECT_EQ(nn::DecodeActivation(activation, shorter.plan(), shorter.runner()).code(),
            Code::kDataLoss);
  EXPECT_EQ(nn::EncodeActivation(head.runner(), head.plan(), {PackageHash(7), 5}, activation)
                .status()
                .code(),
            Code::kOutOfRange);
}

}  // namespace
}  // namespace trib::host::compiler
