#include "trib/node/cascade/classifier.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include "trib/common/host/compiler/compiler.h"
#include "trib/common/nn/activation.h"
#include "trib/testing/small_networks.h"
#include "trib/testing/tflite_writer.h"

namespace trib::node::cascade {
namespace {

using host::compiler::Compile;
using host::compiler::Compiled;

constexpr std::int32_t kFrames = 64;
constexpr PackageHash kPackage{0x1234};

Compiled Make(const host::tflite::Model& model, std::size_t operators = 0) {
  std::string error;
  auto compiled = Compile(model, {.operators = operators}, error);
  EXPECT_TRUE(compiled.ok()) << error;
  return compiled.ok() ? *std::move(compiled) : Compiled();
}

package::ClassifierSpec Spec(package::NetworkInput input) {
  package::ClassifierSpec spec;
  spec.input = input;
  for (const std::uint32_t label : {0U, 2U, 3U}) {
    (void)spec.labels.push_back(static_cast<std::uint8_t>(label));
  }
  package::ExitSpec exit;
  exit.tier = 3;
  exit.operators = trib::testing::kExitOperators[0];
  for (int i = 0; i < 3; ++i) {
    (void)exit.accept.push_back(0.5F);
    (void)exit.reject.push_back(1);
  }
  (void)spec.exits.push_back(exit);
  return spec;
}

/// A whole network and the head that a node has of it.
class Networks {
 public:
  Networks()
      : model_(trib::testing::ThreeExitNetwork({.seed = 3, .frames = kFrames})),
        whole_(Make(model_.model)),
        head_(Make(model_.model, trib::testing::kExitOperators[0])) {}
  nn::Plan Whole() const { return *nn::Plan::Load(whole_.plan, whole_.weights); }
  nn::Plan Head() const { return *nn::Plan::Load(head_.plan, head_.weights); }
  const Compiled& head() const { return head_; }

 private:
  trib::testing::NetworkModel model_;
  Compiled whole_;
  Compiled head_;
};

std::vector<std::int16_t> RandomWindow(std::mt19937& random) {
  std::normal_distribution<float> normal(100, 900);
  std::vector<std::int16_t> out(kFrames);
  for (auto& sample : out) {
    sample = static_cast<std::int16_t>(normal(random));
  }
  return out;
}

struct alignas(16) Memory {
  std::array<std::byte, 8192> bytes;
};

TEST(Classifier, GivesWhatTheFirstExitOfTheUncutNetworkGives) {
  const Networks networks;
  const nn::Plan head = networks.Head();
  const nn::Plan whole = networks.Whole();
  const package::ClassifierSpec spec = Spec(package::NetworkInput::kWindow);
  ASSERT_TRUE(classify::CheckFit(spec, head, kFrames, 0).ok());
  Memory memory;
  memory.bytes.fill(std::byte{0xA5});
  auto classifier = Classifier::Open(head, spec, {}, memory.bytes);
  ASSERT_TRUE(classifier.ok());
  std::vector<std::uint32_t> arena(whole.arena_bytes() / 4 + 1);
  auto uncut = nn::Runner::Open(whole, std::as_writable_bytes(std::span(arena)), {});
  ASSERT_TRUE(uncut.ok());
  std::mt19937 random(1);
  std::array<int, 3> seen{};
  for (int i = 0; i < 200; ++i) {
    const auto samples = RandomWindow(random);
    const classify::Window window{.samples = samples, .channels = 1, .scale = 0.001F};
    const classify::Decision decision = classifier->Step(window, {});
    ++seen[decision.class_index];
    EXPECT_EQ(decision.label, spec.labels[decision.class_index]);
    EXPECT_EQ(decision.accepted, decision.confidence >= 0.5F);

    classify::QuantiseWindow(spec,
                             window,
                             whole.input(0),
                             whole.tensor(whole.input(0).tensor).zero_point,
                             uncut->input(0));
    uncut->Run();
    const nn::Port port = whole.output(0);
    const auto expected =
        classify::Judge(spec, 0, uncut->output(0), port, whole.tensor(port.tensor).zero_point);
    EXPECT_EQ(decision.class_index, expected.class_index);
    EXPECT_EQ(decision.confidence, expected.confidence);
    const std::vector<std::byte> last(uncut->output(2).begin(), uncut->output(2).end());

    // And what it defers ends, in the rest of the network, as if nothing had been cut.
    std::vector<std::byte> activation(nn::MaxActivationBytes(head, classifier->cut()));
    const auto size = classifier->EncodeActivation(kPackage, activation);
    ASSERT_TRUE(size.ok());
    const auto bytes = std::span<const std::byte>(activation).first(*size);
    const auto header = nn::PeekActivation(bytes);
    ASSERT_TRUE(header.ok());
    EXPECT_EQ(header->package, kPackage);
    EXPECT_EQ(header->cut, spec.exits[0].operators);
    std::ranges::fill(arena, 0x5A5A5A5AU);
    ASSERT_TRUE(nn::DecodeActivation(bytes, whole, *uncut).ok());
    uncut->Run(header->cut, whole.operators());
    EXPECT_TRUE(std::ranges::equal(uncut->output(2), last));
  }
  EXPECT_GT(*std::ranges::max_element(seen), 0);
  EXPECT_LT(*std::ranges::max_element(seen), 200) << "all windows are one class: a weak test";
}

TEST(Classifier, CountsTheWorkOfTheOperatorsAsTheCompilerDoes) {
  const Networks networks;
  const nn::Plan head = networks.Head();
  std::uint64_t macs = 0;
  for (const auto& op : networks.head().report) {
    if (op.opcode != nn::Opcode::kAveragePool2D) {
      macs += op.macs;
    }
  }
  // Averages the compiler counts as no work; here one addition per value.
  const std::uint64_t pooled = 16 * 6;
  EXPECT_EQ(MacsOf(head, head.operators()), macs + pooled);
  EXPECT_EQ(MacsOf(head, 0), 0U);
}

TEST(Classifier, WantsItsMemory) {
  const Networks networks;
  const nn::Plan head = networks.Head();
  const package::ClassifierSpec spec = Spec(package::NetworkInput::kWindow);
  Memory memory;
  const std::size_t bytes = Classifier::RequiredBytes(head);
  EXPECT_GE(bytes, head.arena_bytes());
  EXPECT_TRUE(Classifier::Open(head, spec, {}, std::span(memory.bytes).first(bytes)).ok());
  EXPECT_EQ(
      Classifier::Open(head, spec, {}, std::span(memory.bytes).first(bytes - 1)).status().code(),
      Code::kResourceExhausted);
  EXPECT_EQ(Classifier::Open(head, spec, {}, std::span(memory.bytes).subspan(1)).status().code(),
            Code::kInvalidArgument);
}

TEST(Classifier, AWindowLeavesNothingBehindForTheNext) {
  std::vector<std::vector<std::byte>> constants;
  const auto svdf = trib::testing::SmallSvdfNet(5, constants);
  const Compiled compiled = Make(svdf.model);
  ASSERT_GT(compiled.state_bytes, 0U);
  const nn::Plan plan = *nn::Plan::Load(compiled.plan, compiled.weights);
  package::ClassifierSpec spec = Spec(package::NetworkInput::kFeatures);
  spec.exits[0].operators = static_cast<std::uint16_t>(plan.operators());
  const std::size_t classes = plan.tensor(plan.output(0).tensor).elements();
  spec.labels.clear();
  for (std::size_t i = 0; i < classes; ++i) {
    (void)spec.labels.push_back(static_cast<std::uint8_t>(i));
  }
  package::Normalisation normalisation;
  for (int i = 0; i < 4; ++i) {
    (void)normalisation.features.push_back({.mean = 1, .deviation = 0.5F});
  }
  Memory memory;
  memory.bytes.fill(std::byte{0xA5});
  auto classifier = Classifier::Open(plan, spec, normalisation, memory.bytes);
  ASSERT_TRUE(classifier.ok());
  const std::array<float, 4> a{1, 2, 0.5F, -3};
  const std::array<float, 4> b{9, -9, 4, 4};
  const auto first = classifier->Step({}, a);
  (void)classifier->Step({}, b);
  const auto again = classifier->Step({}, a);
  EXPECT_EQ(first.confidence, again.confidence);
  EXPECT_EQ(first.class_index, again.class_index);
}

}  // namespace
}  // namespace trib::node::cascade
