#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "test_bench.h"
#include "trib/common/host/compiler/compiler.h"
#include "trib/common/host/tflite/model.h"
#include "trib/common/nn/activation.h"

/// Packages with a network whose answers are plain to see, for the tests of this folder.
namespace trib::node::app::testing {

namespace tflite = host::tflite;

/// A model and the constants it points into.
struct NetworkModel {
  tflite::Model model;
  std::vector<std::vector<std::byte>> constants;

  std::int32_t Value(std::vector<std::int32_t> shape, float scale, std::int64_t zero = 0) {
    tflite::Tensor tensor;
    tensor.name = "tensor " + std::to_string(model.tensors.size());
    tensor.type = tflite::Type::kInt8;
    tensor.shape = std::move(shape);
    tensor.scales = {scale};
    tensor.zero_points = {zero};
    model.tensors.push_back(std::move(tensor));
    return static_cast<std::int32_t>(model.tensors.size() - 1);
  }
  std::int32_t Constant(std::vector<std::int32_t> shape, const std::vector<int>& weights) {
    const auto index = Value(std::move(shape), 1.0F / 64);
    std::vector<std::byte> bytes(weights.size());
    std::transform(weights.begin(), weights.end(), bytes.begin(), [](int weight) {
      return static_cast<std::byte>(weight);
    });
    constants.push_back(std::move(bytes));
    model.tensors.back().data = constants.back();
    return index;
  }
  void Apply(tflite::Builtin builtin,
             std::vector<std::int32_t> inputs,
             std::int32_t output,
             tflite::Options options = {}) {
    tflite::Operator op;
    op.builtin = builtin;
    op.inputs = std::move(inputs);
    op.outputs = {output};
    op.options = options;
    model.operators.push_back(std::move(op));
  }
};

/// Judges the standardised kurtosis k alone. Logits: normal -k, inner k, outer k / 2. What lives at
/// its end are these and (k, 0).
inline NetworkModel KurtosisNetwork(std::int32_t features) {
  NetworkModel net;
  const auto input = net.Value({1, features}, 1.0F / 16);
  std::vector<int> pick(static_cast<std::size_t>(2 * features), 0);
  pick[1] = 64;
  const auto picks = net.Constant({2, features}, pick);
  const auto hidden = net.Value({1, 2}, 1.0F / 16);
  const auto classes = net.Constant({3, 2}, {-64, 0, 64, 0, 32, 0});
  const auto logits = net.Value({1, 3}, 1.0F / 16);
  net.Apply(tflite::Builtin::kFullyConnected, {input, picks, tflite::kAbsent}, hidden);
  net.Apply(tflite::Builtin::kFullyConnected, {hidden, classes, tflite::kAbsent}, logits);
  net.model.inputs = {input};
  net.model.outputs = {logits, hidden};
  return net;
}

/// Looks at the window itself; 6 kB of it live at its end, too much for one message.
inline NetworkModel WideNetwork() {
  constexpr std::int32_t kChannels = 30;
  constexpr std::int32_t kWidth = 205;  // 1024 in steps of 5
  NetworkModel net;
  SplitMix64 random(4);
  const auto draw = [&](std::size_t count) {
    std::vector<int> out(count);
    for (int& weight : out) {
      weight = static_cast<int>(random.Next() % 255) - 127;
    }
    return out;
  };
  const auto input = net.Value({1, 1, kFrames, 1}, 1.0F / 16);
  const auto filter = net.Constant({kChannels, 1, 8, 1}, draw(std::size_t{8} * kChannels));
  const auto wide = net.Value({1, 1, kWidth, kChannels}, 1.0F / 8);
  const auto pooled = net.Value({1, 1, 1, kChannels}, 1.0F / 8);
  const auto dense = net.Constant({3, kChannels}, draw(std::size_t{3} * kChannels));
  const auto logits = net.Value({1, 3}, 1.0F / 16);
  net.Apply(tflite::Builtin::kConv2D,
            {input, filter, tflite::kAbsent},
            wide,
            {.stride_width = 5, .stride_height = 1});
  net.Apply(tflite::Builtin::kAveragePool2D,
            {wide},
            pooled,
            {.padding = tflite::Padding::kValid, .filter_width = kWidth});
  net.Apply(tflite::Builtin::kFullyConnected, {pooled, dense, tflite::kAbsent}, logits);
  net.model.inputs = {input};
  net.model.outputs = {logits, wide};
  return net;
}

/// Labels: normal, abnormal (what the trigger says), inner, outer.
inline constexpr std::uint32_t kInner = 2;
inline constexpr std::uint32_t kOuter = 3;

/// From which confidence on a class is accepted.
struct Accept {
  float normal = 0;
  float inner = 0;
  float outer = 0;
};
inline constexpr Accept kSureOfAll{};
inline constexpr Accept kUnsureOfFaults{.normal = 0, .inner = 1, .outer = 1};
inline constexpr Accept kUnsureOfAll{.normal = 1, .inner = 1, .outer = 1};

struct NetworkParts : PackageParts {
  explicit NetworkParts(const Accept& accept) {
    policy.audit_permille = 0;
    labels.labels[1].actuator = 2;
    labels.labels.push_back({.name = package::ShortText("inner"), .actuator = 3, .is_alarm = true});
    labels.labels.push_back({.name = package::ShortText("outer"), .actuator = 4, .is_alarm = true});
    classifier.emplace();
    classifier->input = package::NetworkInput::kFeatures;
    classifier->verdict_wait_ms = 2'000;
    for (const std::uint32_t label : {0U, kInner, kOuter}) {
      (void)classifier->labels.push_back(static_cast<std::uint8_t>(label));
    }
    package::ExitSpec exit;
    exit.tier = static_cast<std::uint8_t>(message::Tier::kClassifier);
    for (const float from : {accept.normal, accept.inner, accept.outer}) {
      (void)exit.accept.push_back(from);
      (void)exit.reject.push_back(1);
    }
    (void)classifier->exits.push_back(exit);
    normalisation.emplace();
    for (std::size_t i = 0; i < dsp::OutputCount(recipe); ++i) {
      (void)normalisation->features.push_back({.mean = 1.4F, .deviation = 0.3F});
    }
    Use(KurtosisNetwork(static_cast<std::int32_t>(normalisation->features.size())));
    Split();
  }

  void Use(const NetworkModel& network) {
    std::string error;
    auto compiled = host::compiler::Compile(network.model, {}, error);
    ASSERT_TRUE(compiled.ok()) << error;
    plan = std::move(compiled->plan);
    weights = std::move(compiled->weights);
    manifest.operators = compiled->operators;
    manifest.arena_bytes = compiled->arena_bytes;
    classifier->exits[0].operators = static_cast<std::uint16_t>(compiled->report.size());
  }
  void Split() {
    split.emplace();
    split->tail_digest.fill(std::byte{7});
    split->tail_bytes = 4096;
    split->cut = classifier->exits[0].operators;
    const auto loaded = nn::Plan::Load(plan, weights);
    ASSERT_TRUE(loaded.ok());
    split->max_activation_bytes =
        static_cast<std::uint32_t>(nn::MaxActivationBytes(*loaded, split->cut));
  }
};

class Decisions final : public DecisionObserver {
 public:
  Decisions() { all.reserve(4096); }
  void OnDecision(const SettledDecision& decision) override { all.push_back(decision); }
  std::vector<SettledDecision> all;
};

class NetworkTest : public ::testing::Test {
 protected:
  NetworkTest() { world.observer = &decisions; }

  /// Boots and learns the baseline.
  void Commission(const NetworkParts& parts) {
    ASSERT_TRUE(world.Boot(parts.Signed(1)).ok());
    ASSERT_TRUE(world.loop->package_status().ok()) << world.loop->package_status().reason();
    world.PlayHealthy(30);
    world.Run();
    ASSERT_EQ(world.loop->state(), NodeState::kNormal);
    decisions.all.clear();
  }
  const CascadeMetrics& cascade() const { return world.loop->metrics().cascade; }
  static std::uint64_t At(const std::array<std::uint64_t, message::kTierCount>& counts,
                          message::Tier tier) {
    return counts[static_cast<std::size_t>(tier)];
  }
  std::uint32_t Refused(VerdictRefusal reason) const {
    return cascade().refused[static_cast<std::size_t>(reason)];
  }
  /// What the gateway was asked, oldest first.
  std::vector<message::Record> Questions() const {
    return world.gateway.Of(message::RecordKind::kActivation);
  }
  message::Verdict VerdictOn(const message::Record& question,
                             std::uint32_t label,
                             message::Tier tier = message::Tier::kGateway) const {
    message::Verdict verdict;
    verdict.boot = question.header.key.boot;
    verdict.sequence = question.header.key.sequence;
    verdict.package_hash = question.header.package_hash;
    verdict.tier = tier;
    verdict.label = label;
    verdict.confidence = 0.75F;
    (void)verdict.scores.resize(4);
    verdict.scores[label] = 0.75F;
    return verdict;
  }
  void Answer(const message::Verdict& verdict) {
    world.gateway.Answer(verdict);
    (void)world.loop->Step();
  }
  std::vector<message::Record> Events() {
    world.Drain();
    return world.gateway.Of(message::RecordKind::kEvent);
  }

  Decisions decisions;
  World world;
};

}  // namespace trib::node::app::testing
