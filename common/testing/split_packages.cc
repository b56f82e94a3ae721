#include "trib/testing/split_packages.h"

#include <cmath>
#include <random>

#include "trib/common/dsp/recipe.h"
#include "trib/common/host/compiler/compiler.h"
#include "trib/common/nn/activation.h"
#include "trib/common/nn/plan.h"
#include "trib/common/package/package.h"

namespace trib::testing {
namespace {

using namespace package;  // NOLINT(google-build-using-namespace): what is made here
using Bytes = std::vector<std::byte>;

struct Part {
  SectionType type;
  Bytes bytes;
};

template <typename T>
Part Encoded(SectionType type, const T& value) {
  Bytes bytes(kMaxTypedSectionBytes);
  const auto size = Encode(value, bytes);
  bytes.resize(size.ok() ? *size : 0);
  return {type, std::move(bytes)};
}

Bytes RecipeOf(const SplitShape& shape) {
  dsp::Recipe recipe;
  recipe.channels = static_cast<std::uint16_t>(shape.network.channels);
  recipe.sample_rate_hz = shape.sample_rate_hz;
  recipe.window_frames = static_cast<std::uint32_t>(shape.network.frames);
  recipe.hop_frames = recipe.window_frames;
  dsp::Operation operation;
  operation.op = dsp::Op::kRms;
  operation.transform = dsp::Transform::kLog;
  recipe.operations.push_back(operation);
  Bytes bytes(dsp::kMaxRecipeBytes);
  const auto size = dsp::EncodeRecipe(recipe, bytes);
  bytes.resize(size.ok() ? *size : 0);
  return bytes;
}

Labels LabelsOf(const SplitShape& shape) {
  Labels labels;
  labels.labels.push_back({.name = ShortText("normal"), .actuator = 1});
  labels.labels.push_back({.name = ShortText("anomaly"), .actuator = 2, .is_alarm = true});
  for (std::int32_t c = 1; c < shape.network.classes; ++c) {
    labels.labels.push_back({.name = ShortText("fault_" + std::to_string(c)),
                             .actuator = static_cast<std::uint8_t>(c == 1 ? 3 : 2),
                             .is_alarm = true});
  }
  return labels;
}

ClassifierSpec ClassifierOf(const SplitShape& shape) {
  ClassifierSpec out;
  out.input = NetworkInput::kWindow;
  out.verdict_wait_ms = shape.verdict_wait_ms;
  for (std::int32_t c = 0; c < shape.network.classes; ++c) {
    out.labels.push_back(static_cast<std::uint8_t>(c == 0 ? 0 : c + 1));
  }
  for (std::uint8_t i = 0; i < 3; ++i) {
    ExitSpec exit;
    exit.tier = static_cast<std::uint8_t>(3 + i);
    exit.output = i;
    exit.operators = kExitOperators[i];
    exit.inverse_temperature = shape.inverse_temperature;
    for (std::int32_t c = 0; c < shape.network.classes; ++c) {
      exit.accept.push_back(i == 2 ? 0 : shape.accept);
      exit.reject.push_back(c == 0 ? 1 : shape.reject_alarm);
    }
    out.exits.push_back(exit);
  }
  if (shape.change) {
    shape.change(out);
  }
  return out;
}

std::vector<Part> CommonParts(const SplitShape& shape) {
  std::vector<Part> parts;
  parts.push_back({SectionType::kRecipe, RecipeOf(shape)});
  if (shape.with_trigger) {
    parts.push_back(Encoded(SectionType::kTrigger,
                            TriggerSpec{.commissioning_windows = shape.commissioning_windows,
                                        .skip_windows = 0,
                                        .ewma_alpha = 1,
                                        .false_alarm_rate = 0.001F,
                                        .min_std = 0.01F,
                                        .enter_m = 2,
                                        .enter_n = 3,
                                        .clear_n = 4,
                                        .feature_mask = 1}));
  }
  ExitPolicy policy;
  policy.heartbeat_ms = 10'000;
  policy.reminder_ms = 60'000;
  policy.block_ms = 60'000;
  policy.status_ms = 60'000;
  policy.audit_permille = shape.audit_permille;
  parts.push_back(Encoded(SectionType::kExitPolicy, policy));
  FallbackRules rules;
  rules.rules.push_back({.source = RuleSource::kAnyFault, .actuator = 2, .label = 1});
  parts.push_back(Encoded(SectionType::kFallbackRules, rules));
  Guardrails guardrails;
  for (std::int32_t c = 0; c < shape.network.channels; ++c) {
    guardrails.channels.push_back({.min_raw = -32768,
                                   .max_raw = 32767,
                                   .clip_level_raw = 32767,
                                   .max_clipped_permille = 1000,
                                   .scale_min = 1e-9F,
                                   .scale_max = 1e9F});
  }
  parts.push_back(Encoded(SectionType::kGuardrails, guardrails));
  parts.push_back(Encoded(SectionType::kLabels, LabelsOf(shape)));
  parts.push_back(Encoded(SectionType::kClassifier, ClassifierOf(shape)));
  return parts;
}

Bytes Write(const SplitShape& shape,
            const char* name,
            const host::compiler::Compiled& compiled,
            std::vector<Part> extra) {
  std::vector<Part> parts = CommonParts(shape);
  Manifest manifest;
  manifest.name = ShortText(name);
  manifest.version = ShortText(shape.version);
  manifest.operators = compiled.operators;
  manifest.arena_bytes = compiled.arena_bytes;
  parts.push_back(Encoded(SectionType::kManifest, manifest));
  parts.push_back({SectionType::kPlan, compiled.plan});
  parts.push_back({SectionType::kWeights, compiled.weights});
  for (Part& part : extra) {
    parts.push_back(std::move(part));
  }
  std::sort(
      parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.type < b.type; });
  std::vector<SectionInput> sections;
  for (const Part& part : parts) {
    sections.push_back({.type = part.type, .bytes = part.bytes});
  }
  Bytes file(PackageBytes(sections));
  return WritePackage(sections, file).ok() ? file : Bytes();
}

}  // namespace

SplitPackages MakeSplitPackages(const SplitShape& shape) {
  const auto network = ThreeExitNetwork(shape.network);
  std::string error;
  const auto whole = host::compiler::Compile(network.model, {}, error);
  const auto first =
      host::compiler::Compile(network.model, {.operators = kExitOperators[0]}, error);
  if (!whole.ok() || !first.ok()) {
    return {};
  }
  SplitPackages out;
  out.tail = Write(shape, "small-tail", *whole, {});
  const auto tail = PackageView::Open(out.tail);
  const auto plan = nn::Plan::Load(first->plan, first->weights);
  if (!tail.ok() || !plan.ok()) {
    return {};
  }
  SplitPoints split;
  split.tail_digest = tail->digest();
  split.tail_bytes = static_cast<std::uint32_t>(out.tail.size());
  split.cut = kExitOperators[0];
  split.max_activation_bytes = static_cast<std::uint32_t>(nn::MaxActivationBytes(*plan, split.cut));
  out.head = Write(shape, "small", *first, {Encoded(SectionType::kSplitPoints, split)});
  const auto head = PackageView::Open(out.head);
  out.hash = head.ok() ? head->hash() : PackageHash();
  return out;
}

std::vector<std::int16_t> ToneWindow(const ThreeExits& network, unsigned kind, std::uint32_t seed) {
  constexpr double kTurn = 6.283185307179586;
  std::mt19937 random(seed);
  std::normal_distribution<double> noise(0, 200);
  const double phase = kTurn * static_cast<double>(random() % 1000) / 1000;
  const double pitch = 0.02 + 0.09 * kind;  // turns per frame
  std::vector<std::int16_t> out;
  for (std::int32_t i = 0; i < network.frames; ++i) {
    for (std::int32_t c = 0; c < network.channels; ++c) {
      const double x = 1000 * std::sin(kTurn * pitch * i + phase + c) + noise(random);
      out.push_back(static_cast<std::int16_t>(x));
    }
  }
  return out;
}

}  // namespace trib::testing
