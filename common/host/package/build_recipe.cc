#include <array>

#include "build.h"

namespace trib::host::package {
namespace {

constexpr std::string_view kLogPrefix = "log_";

std::vector<std::string> OperationNames() {
  std::vector<std::string> names;
  for (const dsp::OpInfo& info : dsp::Ops()) {
    names.emplace_back(info.name);
    if (!info.signed_output) {
      names.push_back(std::string(kLogPrefix) + std::string(info.name));
    }
  }
  return names;
}

/// Takes "rms" and "log_rms". @returns nullptr after noting what is wrong.
const dsp::OpInfo* ReadName(config::Section& section, dsp::Operation& operation) {
  const std::string name = section.String("op");
  if (name.empty()) {
    return nullptr;
  }
  std::string_view base = name;
  if (base.starts_with(kLogPrefix)) {
    base.remove_prefix(kLogPrefix.size());
    operation.transform = dsp::Transform::kLog;
  }
  const auto op = dsp::OpFromName(base);
  const dsp::OpInfo* info = op ? dsp::FindOp(*op) : nullptr;
  if (info == nullptr) {
    const auto names = OperationNames();
    section.Fail("op", WithNearest("is \"" + name + "\", no known operation", name, names));
    return nullptr;
  }
  if (operation.transform == dsp::Transform::kLog && info->signed_output) {
    section.Fail("op", "is \"" + name + "\": an output that can be negative takes no logarithm");
    return nullptr;
  }
  operation.op = *op;
  return info;
}

void ReadParameters(config::Section& section, const dsp::OpInfo& info, std::vector<float>& out) {
  for (const std::string_view name : info.parameters) {
    out.push_back(static_cast<float>(section.Double(name)));
  }
  if (info.list.empty()) {
    return;
  }
  const auto values = section.Doubles(info.list);
  if (values.size() < info.min_list) {
    section.Fail(info.list,
                 "needs at least " + std::to_string(info.min_list) + " numbers for \"" +
                     std::string(info.name) + "\"");
  }
  for (const double value : values) {
    out.push_back(static_cast<float>(value));
  }
}

void ReadOperation(config::Section& section, dsp::Recipe& recipe) {
  dsp::Operation operation;
  const dsp::OpInfo* info = ReadName(section, operation);
  if (info == nullptr) {
    return;
  }
  const std::int64_t last_channel = recipe.channels - 1;
  operation.channel = static_cast<std::uint8_t>(section.Int("channel", 0, {0, last_channel}));
  if (info->two_channels) {
    operation.second_channel =
        static_cast<std::uint8_t>(section.Int("second_channel", {0, last_channel}));
  }
  std::vector<float> parameters;
  ReadParameters(section, *info, parameters);
  operation.first_parameter = static_cast<std::uint8_t>(recipe.parameters.size());
  operation.parameter_count = static_cast<std::uint8_t>(parameters.size());
  for (const float parameter : parameters) {
    if (!recipe.parameters.push_back(parameter)) {
      section.Fail(
          info->list,
          "brings the recipe above " + std::to_string(dsp::kMaxParameters) + " parameters");
      return;
    }
  }
  if (!recipe.operations.push_back(operation)) {
    section.Fail("op",
                 "is one too many: a recipe has at most " + std::to_string(dsp::kMaxOperations));
    return;
  }
  // What the recipe is up to here says which operation a rule is broken by.
  if (const Status status = dsp::ValidateRecipe(recipe); !status.ok()) {
    const auto reason = static_cast<dsp::RecipeReason>(status.reason());
    section.Fail("op", "makes no valid recipe: " + std::string(dsp::RecipeReasonName(reason)));
  }
}

}  // namespace

dsp::Recipe ReadRecipe(config::ConfigFile& spec) {
  dsp::Recipe recipe;
  recipe.channels =
      static_cast<std::uint16_t>(spec.Int("recipe.channels", 1, {1, dsp::kMaxChannels}));
  recipe.sample_rate_hz =
      static_cast<std::uint32_t>(spec.Int("recipe.sample_rate_hz", {1, dsp::kMaxSampleRateHz}));
  recipe.window_frames = static_cast<std::uint32_t>(
      spec.Int("recipe.window", {dsp::kMinWindowFrames, dsp::kMaxWindowFrames}));
  recipe.hop_frames = static_cast<std::uint32_t>(spec.Int("recipe.hop", {1, dsp::kMaxHopFrames}));
  recipe.log_floor = static_cast<float>(spec.Double("recipe.log_floor", 1e-12, {1e-37, 1}));
  auto operations = spec.Tables("recipe.op");
  if (operations.empty()) {
    spec.Fail("recipe.op", "is missing: a recipe needs at least one [[recipe.op]]");
  }
  for (auto& section : operations) {
    ReadOperation(section, recipe);
  }
  return recipe;
}

std::vector<std::string> FeatureNames(const dsp::Recipe& recipe) {
  std::vector<std::string> names;
  if (!dsp::ValidateRecipe(recipe).ok()) {
    return names;
  }
  std::array<char, dsp::kMaxFeatureNameBytes> buffer;
  for (std::size_t i = 0; i < dsp::OutputCount(recipe); ++i) {
    names.emplace_back(dsp::FeatureName(recipe, i, buffer));
  }
  return names;
}

std::string WithNearest(std::string text,
                        std::string_view word,
                        std::span<const std::string> candidates) {
  if (const auto near = config::Nearest(word, candidates)) {
    text += "; did you mean \"" + *near + "\"?";
  }
  return text;
}

}  // namespace trib::host::package
