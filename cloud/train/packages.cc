#include "trib/cloud/train/packages.h"

#include <algorithm>
#include <array>
#include <map>

#include "trib/common/classify/classify.h"
#include "trib/common/dsp/recipe.h"
#include "trib/common/host/package/package.h"
#include "trib/common/nn/activation.h"

namespace trib::cloud::train {
namespace {

using package::PackageView;
using package::SectionType;

constexpr std::uint16_t kClassifierAbi = 3;
constexpr std::string_view kTailSuffix = "-tail";

/// Sections by type; the portable ones only, as a base has no others.
using Sections = std::map<SectionType, std::vector<std::byte>>;

Sections SectionsOf(const PackageView& view) {
  Sections out;
  for (std::size_t i = 0; i < view.section_count(); ++i) {
    const auto info = view.section(i);
    out[info.type].assign(info.bytes.begin(), info.bytes.end());
  }
  return out;
}

template <typename T>
Status Put(Sections& sections, SectionType type, const T& value) {
  std::vector<std::byte> bytes(package::kMaxTypedSectionBytes);
  TRIB_TRY_ASSIGN(const std::size_t size, package::Encode(value, bytes));
  bytes.resize(size);
  sections[type] = std::move(bytes);
  return {};
}

Result<std::vector<std::byte>> Write(const Sections& sections) {
  std::vector<package::SectionInput> inputs;
  for (const auto& [type, bytes] : sections) {
    package::SectionInput& input = inputs.emplace_back();
    input.type = type;
    input.bytes = bytes;
  }
  std::vector<std::byte> file(std::min(package::PackageBytes(inputs), package::kMaxPackageBytes));
  TRIB_TRY(package::WritePackage(inputs, file).status());
  TRIB_TRY_ASSIGN(const PackageView view, PackageView::Open(file));
  TRIB_TRY(package::CheckContents(view));
  return file;
}

Status PutNetwork(Sections& sections,
                  const host::compiler::Compiled& compiled,
                  const package::ShortText& name,
                  const std::string& version) {
  package::Manifest manifest;
  TRIB_TRY(package::Decode(sections.at(SectionType::kManifest), manifest));
  manifest.name = name;
  manifest.version = package::ShortText(version);
  manifest.abi_min = kClassifierAbi;
  manifest.abi_max = std::max(manifest.abi_max, kClassifierAbi);
  manifest.operators = compiled.operators;
  manifest.arena_bytes = compiled.arena_bytes;
  sections[SectionType::kPlan] = compiled.plan;
  sections[SectionType::kWeights] = compiled.weights;
  return Put(sections, SectionType::kManifest, manifest);
}

Status CheckPlan(const PackageView& view, const package::ClassifierSpec& spec, const Base& base) {
  TRIB_TRY_ASSIGN(const nn::Plan plan,
                  nn::Plan::Load(view.Find(SectionType::kPlan), view.Find(SectionType::kWeights)));
  return classify::CheckFit(spec, plan, base.shape.frames * base.shape.channels, 0);
}

}  // namespace

Result<Base> LoadBase(const TrainConfig& config, std::vector<std::string>& errors) {
  Base base;
  std::string error;
  auto file = host::package::BuildPackage(config.base, &error);
  if (!file.ok()) {
    errors.push_back(error);
    return file.status();
  }
  base.file = *std::move(file);
  TRIB_TRY_ASSIGN(const PackageView view, PackageView::Open(base.file));
  TRIB_TRY_ASSIGN(const dsp::Recipe recipe, dsp::DecodeRecipe(view.Find(SectionType::kRecipe)));
  base.shape = {recipe.window_frames,
                recipe.hop_frames,
                recipe.channels,
                static_cast<double>(recipe.sample_rate_hz)};
  package::Manifest manifest;
  TRIB_TRY(package::Decode(view.Find(SectionType::kManifest), manifest));
  base.name = manifest.name.view();
  if (base.name.size() + kTailSuffix.size() > package::ShortText::kMaxBytes) {
    errors.push_back(config.base.string() +
                     ": the name may have at most 26 characters: the tail's " + "is \"" +
                     base.name + std::string(kTailSuffix) + "\"");
  }
  manifest.version = package::ShortText(config.version);
  std::array<std::byte, package::kMaxTypedSectionBytes> encoded{};
  if (config.version.size() > package::ShortText::kMaxBytes ||
      !package::Encode(manifest, encoded).ok()) {
    errors.push_back("version \"" + config.version + "\": must be 1 to 31 of [A-Za-z0-9.+_-]");
  }
  package::Labels labels;
  TRIB_TRY(package::Decode(view.Find(SectionType::kLabels), labels));
  for (const std::string& name : config.classes) {
    const auto found = std::find_if(labels.labels.begin(),
                                    labels.labels.end(),
                                    [&](const auto& label) { return label.name.view() == name; });
    if (found == labels.labels.end()) {
      errors.push_back(config.base.string() + ": has no [[label]] \"" + name +
                       "\", which is a class to train");
      continue;
    }
    base.labels.push_back(static_cast<std::uint8_t>(found - labels.labels.begin()));
    base.alarm.push_back(found->is_alarm);
  }
  if (errors.empty() && base.labels[0] != 0) {
    errors.push_back(config.base.string() + ": the first class must be the first [[label]]");
  }
  if (!errors.empty()) {
    return Code::kInvalidArgument;
  }
  return base;
}

Result<Packages> MakePackages(const Base& base,
                              const TrainConfig& config,
                              const Compiled& compiled,
                              const std::vector<package::ExitSpec>& exits,
                              const std::optional<Reference>& reference) {
  TRIB_TRY_ASSIGN(const PackageView view, PackageView::Open(base.file));
  Sections sections = SectionsOf(view);
  package::ClassifierSpec spec;
  spec.input = package::NetworkInput::kWindow;
  spec.verdict_wait_ms = config.verdict_wait_ms;
  for (const std::uint8_t label : base.labels) {
    (void)spec.labels.push_back(label);
  }
  for (const package::ExitSpec& exit : exits) {
    (void)spec.exits.push_back(exit);
  }
  TRIB_TRY(Put(sections, SectionType::kClassifier, spec));
  if (reference) {
    TRIB_TRY(Put(sections, SectionType::kSketchEdges, reference->edges));
    TRIB_TRY(Put(sections, SectionType::kDriftReference, reference->drift));
  }
  Packages out;
  TRIB_TRY(PutNetwork(sections,
                      compiled.whole,
                      package::ShortText(base.name + std::string(kTailSuffix)),
                      config.version));
  TRIB_TRY_ASSIGN(out.tail, Write(sections));
  TRIB_TRY_ASSIGN(const PackageView tail, PackageView::Open(out.tail));
  TRIB_TRY(CheckPlan(tail, spec, base));

  TRIB_TRY(PutNetwork(sections, compiled.head, package::ShortText(base.name), config.version));
  TRIB_TRY_ASSIGN(const nn::Plan plan,
                  nn::Plan::Load(sections[SectionType::kPlan], sections[SectionType::kWeights]));
  package::SplitPoints split;
  split.tail_digest = tail.digest();
  split.tail_bytes = static_cast<std::uint32_t>(out.tail.size());
  split.cut = static_cast<std::uint16_t>(plan.operators());
  split.max_activation_bytes =
      static_cast<std::uint32_t>(nn::MaxActivationBytes(plan, plan.operators()));
  TRIB_TRY(Put(sections, SectionType::kSplitPoints, split));
  TRIB_TRY_ASSIGN(out.head, Write(sections));
  TRIB_TRY_ASSIGN(const PackageView head, PackageView::Open(out.head));
  TRIB_TRY(CheckPlan(head, spec, base));
  TRIB_TRY(classify::CheckSplit(split, plan));
  return out;
}

}  // namespace trib::cloud::train
