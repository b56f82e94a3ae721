#include "trib/node/app/loaded_package.h"

#include <algorithm>

#include "trib/common/bytes/crc32c.h"
#include "trib/common/classify/classify.h"
#include "trib/common/nn/activation.h"
#include "trib/node/cascade/classifier.h"
#include "trib/node/cascade/rules.h"
#include "trib/node/sensing/guardrails.h"

namespace trib::node::app {
namespace {

using package::Reason;
using package::SectionType;

constexpr std::uint32_t kBuiltInWindowFrames = 2048;

template <typename Section>
Status DecodeSection(const package::PackageView& view, SectionType type, Section& out) {
  const std::span<const std::byte> bytes = view.Find(type);
  if (bytes.empty()) {
    return {Code::kDataLoss, Reason::kMissingSection};
  }
  return package::Decode(bytes, out);
}

template <typename Section>
Status DecodeOptional(const package::PackageView& view,
                      SectionType type,
                      std::optional<Section>& out) {
  const std::span<const std::byte> bytes = view.Find(type);
  return bytes.empty() ? Status() : package::Decode(bytes, out.emplace());
}

Status DecodeLearning(const package::PackageView& view, LoadedPackage& out) {
  TRIB_TRY(DecodeOptional(view, SectionType::kDistance, out.distance));
  TRIB_TRY(DecodeOptional(view, SectionType::kCommissioning, out.commissioning));
  TRIB_TRY(DecodeOptional(view, SectionType::kSeverity, out.severity));
  if (out.severity) {
    const dsp::Operation* operation = dsp::OperationOf(out.recipe, out.severity->feature);
    if (operation == nullptr || operation->op != dsp::Op::kVelocityRms) {
      return {Code::kDataLoss, Reason::kBadSeverity};
    }
  }
  const std::span<const std::byte> conditions = view.Find(SectionType::kConditions);
  if (!conditions.empty()) {
    TRIB_TRY(package::Decode(conditions, out.conditions));
    out.conditions_id = Crc32c(conditions);
  }
  return {};
}

bool HasPlan(const package::PackageView& view) {
  bool found = false;
  for (std::size_t i = 0; i < view.section_count(); ++i) {
    found = found || view.section(i).type == SectionType::kPlan;
  }
  return found;
}

/// Whether the cut's activation is what the package says it is, and a record can carry it.
Status CheckSplit(const LoadedNetwork& network, const Room& room) {
  TRIB_TRY(classify::CheckSplit(*network.split, network.plan));
  return nn::MaxActivationBytes(network.plan, network.split->cut) <= room.activation_bytes
             ? Status()
             : Status(Code::kFailedPrecondition, Reason::kArenaTooSmall);
}

/// A plan without a classifier says nothing about a window, so it is not run.
Status DecodeNetwork(const package::PackageView& view, const Room& room, LoadedPackage& out) {
  if (!HasPlan(view)) {
    return {};
  }
  if (view.Find(SectionType::kPlan).empty()) {
    return {Code::kDataLoss, Reason::kMissingSection};  // for other kernels only
  }
  const Result<nn::Plan> plan =
      nn::Plan::Load(view.Find(SectionType::kPlan), view.Find(SectionType::kWeights));
  if (!plan.ok()) {
    return {plan.status().code(), Reason::kBadPlan};
  }
  LoadedNetwork& network = out.network.emplace(LoadedNetwork{.plan = *plan});
  TRIB_TRY(DecodeSection(view, SectionType::kClassifier, network.classifier));
  if (network.classifier.input == package::NetworkInput::kFeatures) {
    TRIB_TRY(DecodeSection(view, SectionType::kNormalisation, network.normalisation));
  }
  TRIB_TRY(DecodeOptional(view, SectionType::kSplitPoints, network.split));
  TRIB_TRY(classify::CheckFit(network.classifier,
                              *plan,
                              std::size_t{out.recipe.window_frames} * out.recipe.channels,
                              dsp::OutputCount(out.recipe)));
  if (cascade::Classifier::RequiredBytes(*plan) > room.network_bytes) {
    return {Code::kFailedPrecondition, Reason::kArenaTooSmall};
  }
  return network.split ? CheckSplit(network, room) : Status();
}

Status DecodeAll(const package::PackageView& view,
                 const SensorFacts& sensor,
                 const Room& room,
                 LoadedPackage& out) {
  const std::span<const std::byte> recipe = view.Find(SectionType::kRecipe);
  if (recipe.empty()) {
    return {Code::kDataLoss, Reason::kMissingSection};
  }
  const Result<dsp::Recipe> decoded = dsp::DecodeRecipe(recipe);
  if (!decoded.ok()) {
    return {decoded.status().code(), Reason::kBadRecipe};
  }
  out.recipe = *decoded;
  if (out.recipe.channels != sensor.channels ||
      out.recipe.sample_rate_hz != sensor.sample_rate_hz) {
    return {Code::kFailedPrecondition, Reason::kWrongSensor};
  }
  if (std::size_t{out.recipe.window_frames} * out.recipe.channels > room.window_samples) {
    return {Code::kFailedPrecondition, Reason::kArenaTooSmall};
  }
  TRIB_TRY(package::CheckReferences(view, dsp::OutputCount(out.recipe), out.recipe.channels));
  TRIB_TRY(DecodeOptional(view, SectionType::kTrigger, out.trigger));
  TRIB_TRY(DecodeSection(view, SectionType::kExitPolicy, out.policy));
  TRIB_TRY(DecodeSection(view, SectionType::kFallbackRules, out.rules));
  TRIB_TRY(DecodeSection(view, SectionType::kGuardrails, out.guardrails));
  TRIB_TRY(DecodeSection(view, SectionType::kLabels, out.labels));
  if (!view.Find(SectionType::kSketchEdges).empty()) {
    TRIB_TRY(DecodeSection(view, SectionType::kSketchEdges, out.edges));
  }
  TRIB_TRY(DecodeLearning(view, out));
  TRIB_TRY(DecodeNetwork(view, room, out));
  out.digest = view.digest();
  out.hash = view.hash();
  out.recipe_id = package::RecipeIdOf(recipe);
  out.present = true;
  return {};
}

}  // namespace

ActuatorState LoadedPackage::alarm_state() const {
  const std::uint32_t label = alarm_label();
  if (label < labels.labels.size() && label > 0) {
    return static_cast<ActuatorState>(labels.labels[label].actuator);
  }
  return ActuatorState::kWarn;
}

bool LoadedPackage::severity_is_logarithm() const {
  const dsp::Operation* operation =
      severity ? dsp::OperationOf(recipe, severity->feature) : nullptr;
  return operation != nullptr && operation->transform == dsp::Transform::kLog;
}

package::Platform PlatformOf(package::HardwareClass hardware_class, const Room& room) {
  package::Platform platform;
  platform.hardware_class = hardware_class;
  platform.operators = (std::uint64_t{1} << nn::kOpcodes) - 1;
  platform.arena_bytes = static_cast<std::uint32_t>(room.network_bytes);
  return platform;
}

Status LoadPackage(std::span<const std::byte> file,
                   std::span<const crypto::PublicKey> pinned,
                   package::HardwareClass hardware_class,
                   const SensorFacts& sensor,
                   const Room& room,
                   LoadedPackage& out) {
  LoadBuiltIn(sensor, room.window_samples, out);
  TRIB_TRY_ASSIGN(const package::PackageView view, package::PackageView::Open(file));
  TRIB_TRY(package::Verify(view, pinned, PlatformOf(hardware_class, room)));
  const Status status = DecodeAll(view, sensor, room, out);
  if (!status.ok()) {
    LoadBuiltIn(sensor, room.window_samples, out);
  }
  return status;
}

void LoadBuiltIn(const SensorFacts& sensor, std::size_t max_window_samples, LoadedPackage& out) {
  out.present = false;
  out.digest = {};
  out.hash = PackageHash();
  out.recipe_id = RecipeId();
  out.recipe = dsp::Recipe();
  out.recipe.channels = static_cast<std::uint16_t>(sensor.channels);
  out.recipe.sample_rate_hz = sensor.sample_rate_hz;
  out.recipe.window_frames = static_cast<std::uint32_t>(
      std::min<std::size_t>(kBuiltInWindowFrames, max_window_samples / sensor.channels));
  out.recipe.hop_frames = out.recipe.window_frames;
  out.trigger.reset();
  out.policy = package::ExitPolicy();
  out.policy.heartbeat_ms = 60'000;
  out.policy.reminder_ms = 600'000;
  out.policy.block_ms = 60'000;
  out.policy.status_ms = 60'000;
  out.rules = cascade::BuiltInRules();
  out.guardrails = sensing::BuiltInGuardrails({.channels = sensor.channels,
                                               .length = out.recipe.window_frames,
                                               .hop = out.recipe.hop_frames});
  out.labels = package::Labels();
  out.edges.histograms.clear();
  out.distance.reset();
  out.commissioning.reset();
  out.severity.reset();
  out.conditions = package::ConditionSpec();
  out.conditions_id = 0;
  out.network.reset();
}

}  // namespace trib::node::app
