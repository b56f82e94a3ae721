#include "build.h"

#include <algorithm>
#include <array>
#include <optional>

#include "trib/common/classify/classify.h"
#include "trib/common/dsp/recipe.h"
#include "trib/common/host/compiler/compiler.h"
#include "trib/common/host/config/config_file.h"
#include "trib/common/host/identity/identity.h"
#include "trib/common/host/package/package.h"
#include "trib/common/nn/plan.h"
#include "trib/common/package/sections.h"

namespace trib::host::package {
namespace {

constexpr std::array<std::string_view, 4> kHardware = {"any", "linux", "mps2-an386", "mps3-an547"};
constexpr std::array<std::string_view, 5> kSources = {"any_fault", "rms", "peak", "crest", "fault"};
constexpr std::array<std::string_view, 2> kComparisons = {">", "<"};
// FaultCode of record.proto, 1 on.
constexpr std::array<std::string_view, 5> kSensorFaults = {
    "sensor_stuck", "sensor_clipped", "sensor_missing", "sensor_out_of_range", "sensor_non_finite"};
constexpr std::array<std::string_view, 5> kTargets = {
    "portable", "armv7em-dsp", "armv81m-mve", "x86-avx2", "x86-avx512-vnni"};
constexpr std::array<std::string_view, 4> kOpaque = {
    "plan", "weights", "last_layer", "split_points"};
constexpr std::array<SectionType, 4> kOpaqueTypes = {
    SectionType::kPlan, SectionType::kWeights, SectionType::kLastLayer, SectionType::kSplitPoints};
constexpr Millis kMaxInterval = std::chrono::days(7);

template <typename T>
T IntOf(Section& section, std::string_view key, std::int64_t min, std::int64_t max) {
  return static_cast<T>(section.Int(key, config::Range<std::int64_t>{min, max}));
}

template <typename T>
T IntOr(Section& section, std::string_view key, T otherwise, std::int64_t min, std::int64_t max) {
  return static_cast<T>(section.Int(key, otherwise, config::Range<std::int64_t>{min, max}));
}

float FloatOf(Section& section, std::string_view key, double min, double max) {
  return static_cast<float>(section.Double(key, config::Range<double>{min, max}));
}

/// Collects the sections of one specification; every mistake is noted in the ConfigFile.
class Builder {
 public:
  /// `model` replaces network.model unless empty.
  Builder(ConfigFile& spec, std::filesystem::path model) : spec_(spec), model_(std::move(model)) {}

  void Read() {
    ReadNetwork();
    ReadManifest();
    recipe_ = ReadRecipe(spec_);
    features_ = FeatureNames(recipe_);
    ReadLabels();
    ReadGuardrails();
    ReadTrigger();
    ReadLearning();
    ReadSplit();
    ReadExitPolicy();
    ReadFallbackRules();
    ReadNormalisation();
    ReadSketchEdges();
    ReadDriftReference();
    ReadOpaque();
    AddRecipe();
  }

  /// Requires  Nothing was noted.
  Result<std::vector<std::byte>> Write();
  /// What has to match between network, recipe and classifier; empty without a network.
  [[nodiscard]] std::string NetworkText() const;

 private:
  struct Part {
    SectionType type;
    Target target;
    std::vector<std::byte> bytes;
  };

  template <typename T>
  void Add(SectionType type, const T& value) {
    std::vector<std::byte> bytes(kMaxTypedSectionBytes);
    const auto size = Encode(value, bytes);
    if (!size.ok()) {
      // Only rules between values get here; single values were checked when read.
      spec_.Fail(SectionName(type), "is refused: " + DescribeRefusal(size.status()));
      return;
    }
    bytes.resize(*size);
    parts_.push_back({type, Target::kPortable, std::move(bytes)});
  }
  void AddRecipe();

  void ReadNetwork();
  void ReadManifest();
  void ReadLabels();
  void ReadGuardrails();
  void ReadTrigger();
  void ReadLearning();
  void ReadSplit();
  void ReadExitPolicy();
  void ReadFallbackRules();
  void ReadNormalisation();
  void ReadSketchEdges();
  void ReadDriftReference();
  void ReadOpaque();

  Status CheckNetwork(const PackageView& view) const;
  FallbackRule ReadRule(Section& section);
  void AddEdges(SketchEdges& out, std::uint16_t feature, std::string_view key);

  ConfigFile& spec_;
  std::filesystem::path model_;
  std::uint64_t operators_ = 0;
  std::uint32_t arena_bytes_ = 0;
  dsp::Recipe recipe_;
  std::vector<std::string> features_;
  std::vector<std::string> labels_;
  std::uint64_t trigger_mask_ = 0;
  std::vector<Part> parts_;
};

/// Compiles the model: the plan, its weights, and what the manifest says of them.
void Builder::ReadNetwork() {
  const std::filesystem::path stated = spec_.Path("network.model", std::filesystem::path());
  const std::filesystem::path path = model_.empty() ? stated : model_;
  if (path.empty()) {
    return;
  }
  std::string error;
  const compiler::Options options{
      .operators = IntOr<std::uint16_t>(spec_, "network.operators", 0, 1, nn::kMaxOperators)};
  auto compiled = compiler::CompileFile(path, options, error);
  if (!compiled.ok()) {
    spec_.Fail("network.model", "cannot be used: " + error);
    return;
  }
  operators_ = compiled->operators;
  arena_bytes_ = compiled->arena_bytes;
  parts_.push_back({SectionType::kPlan, Target::kPortable, std::move(compiled->plan)});
  parts_.push_back({SectionType::kWeights, Target::kPortable, std::move(compiled->weights)});
}

void Builder::ReadManifest() {
  Manifest out;
  const auto text = [&](std::string_view key) {
    const std::string value = spec_.String(key);
    if (value.size() > ShortText::kMaxBytes) {
      spec_.Fail(key, "is longer than 31 bytes");
    }
    return ShortText(value);
  };
  out.name = text("manifest.name");
  out.version = text("manifest.version");
  out.hardware_class = static_cast<HardwareClass>(
      IndexOf(kHardware, spec_.Enum("manifest.hardware_class", kHardware)));
  out.abi_min = IntOr<std::uint16_t>(spec_, "manifest.abi_min", kFirmwareAbi, 1, 65535);
  out.abi_max = IntOr<std::uint16_t>(spec_, "manifest.abi_max", kFirmwareAbi, 1, 65535);
  out.security_counter = IntOr<std::uint32_t>(spec_, "manifest.security_counter", 0, 0, 0xFFFFFFFF);
  out.arena_bytes =
      IntOr<std::uint32_t>(spec_, "manifest.arena_bytes", arena_bytes_, 0, 0xFFFFFFFF);
  out.operators = operators_;
  for (const std::int64_t bit : spec_.Ints("manifest.operators", {0, 63})) {
    out.operators |= std::uint64_t{1} << static_cast<unsigned>(bit);
  }
  const std::string parent = spec_.String("manifest.parent", "");
  if (!parent.empty() && !identity::FromHex(parent, out.parent).ok()) {
    spec_.Fail("manifest.parent", "is no digest: 64 hex digits");
  }
  Add(SectionType::kManifest, out);
}

void Builder::ReadLabels() {
  Labels out;
  auto tables = spec_.Tables("label");
  if (tables.empty()) {
    spec_.Fail("label", "is missing: at least one [[label]], the first for the normal state");
  }
  for (auto& table : tables) {
    const std::string name = table.String("name");
    if (name.size() > ShortText::kMaxBytes) {
      table.Fail("name", "is longer than 31 bytes");
    }
    Label label;
    label.name = ShortText(name);
    label.actuator =
        static_cast<std::uint8_t>(1 + IndexOf(kActuators, table.Enum("actuator", kActuators)));
    label.is_alarm = table.Bool("alarm", false);
    if (!out.labels.push_back(label)) {
      table.Fail("name", "is one too many: at most 16 labels");
    }
    labels_.push_back(name);
  }
  Add(SectionType::kLabels, out);
}

void Builder::ReadGuardrails() {
  Guardrails out;
  auto tables = spec_.Tables("guardrails");
  if (tables.size() != recipe_.channels) {
    spec_.Fail("guardrails", "must have one [[guardrails]] per channel of the recipe");
  }
  for (auto& table : tables) {
    ChannelGuardrail rail;
    rail.min_raw = IntOr<std::int16_t>(table, "min_raw", -32768, -32768, 32767);
    rail.max_raw = IntOr<std::int16_t>(table, "max_raw", 32767, -32768, 32767);
    rail.clip_level_raw = IntOf<std::int16_t>(table, "clip_level_raw", 1, 32767);
    rail.max_clipped_permille = IntOf<std::uint16_t>(table, "max_clipped_permille", 0, 1000);
    rail.max_stuck_run = IntOf<std::uint16_t>(table, "max_stuck_run", 0, 65535);
    rail.min_peak_to_peak_raw = IntOf<std::uint16_t>(table, "min_peak_to_peak_raw", 0, 65535);
    rail.max_missing_permille = IntOf<std::uint16_t>(table, "max_missing_permille", 0, 1000);
    rail.scale_min = FloatOf(table, "scale_min", 1e-30, 1e30);
    rail.scale_max = FloatOf(table, "scale_max", 1e-30, 1e30);
    if (!out.channels.push_back(rail)) {
      table.Fail("clip_level_raw", "is of a channel too many: at most 4");
    }
  }
  Add(SectionType::kGuardrails, out);
}

void Builder::ReadTrigger() {
  if (!spec_.Has("trigger")) {
    return;
  }
  TriggerSpec out;
  out.commissioning_windows =
      IntOf<std::uint32_t>(spec_, "trigger.commissioning_windows", 2, 0xFFFFFFFF);
  out.skip_windows = IntOr<std::uint32_t>(spec_, "trigger.skip_windows", 0, 0, 0xFFFFFFFF);
  out.ewma_alpha = FloatOf(spec_, "trigger.ewma_alpha", 1e-6, 1);
  out.false_alarm_rate = FloatOf(spec_, "trigger.false_alarm_rate", 1e-12, 0.5);
  out.min_std = FloatOf(spec_, "trigger.min_std", 1e-30, 1e30);
  out.enter_m = IntOf<std::uint8_t>(spec_, "trigger.enter_m", 1, 32);
  out.enter_n = IntOf<std::uint8_t>(spec_, "trigger.enter_n", 1, 32);
  out.clear_n = IntOf<std::uint8_t>(spec_, "trigger.clear_n", 1, 255);
  out.threshold_scale = FloatOf(spec_, "trigger.threshold_scale", 1e-3, 1000);
  out.feature_mask =
      ReadMask(spec_, "trigger.features", features_, UsualFeatures(spec_, features_));
  trigger_mask_ = out.feature_mask;
  Add(SectionType::kTrigger, out);
}

void Builder::ReadLearning() {
  if (spec_.Has("distance")) {
    Add(SectionType::kDistance, ReadDistance(spec_, features_, trigger_mask_));
  }
  if (spec_.Has("commissioning")) {
    Add(SectionType::kCommissioning, ReadCommissioning(spec_, features_));
  }
  if (spec_.Has("severity")) {
    Add(SectionType::kSeverity, ReadSeverity(spec_, recipe_, features_, labels_));
  }
  if (spec_.Has("condition")) {
    Add(SectionType::kConditions, ReadConditions(spec_));
  }
}

void Builder::ReadSplit() {
  if (spec_.Has("classifier")) {
    Add(SectionType::kClassifier, ReadClassifier(spec_, labels_));
  }
  if (spec_.Has("split_points")) {
    const auto bytes = [&](SectionType type) {
      const auto found = std::find_if(parts_.begin(), parts_.end(), [&](const Part& part) {
        return part.type == type && part.target == Target::kPortable;
      });
      return found == parts_.end() ? std::span<const std::byte>() : std::span(found->bytes);
    };
    Add(SectionType::kSplitPoints,
        ReadSplitPoints(spec_, bytes(SectionType::kPlan), bytes(SectionType::kWeights)));
  }
}

void Builder::ReadExitPolicy() {
  ExitPolicy out;
  const auto interval = [&](std::string_view key) {
    const Millis value = spec_.Duration(key, config::Range<Millis>{Millis(1), kMaxInterval});
    return static_cast<std::uint32_t>(value.count());
  };
  out.heartbeat_ms = interval("exit_policy.heartbeat");
  out.reminder_ms = interval("exit_policy.reminder");
  out.block_ms = interval("exit_policy.block");
  out.status_ms = interval("exit_policy.status");
  out.audit_permille = IntOf<std::uint16_t>(spec_, "exit_policy.audit_permille", 0, 1000);
  const auto thresholds = spec_.Doubles("exit_policy.thresholds", {0, 1});
  if (!thresholds.empty() && thresholds.size() != labels_.size()) {
    spec_.Fail("exit_policy.thresholds", "must have one number per label, or be left out");
  }
  for (const double threshold : thresholds) {
    out.thresholds.push_back(static_cast<float>(threshold));
  }
  Add(SectionType::kExitPolicy, out);
}

FallbackRule Builder::ReadRule(Section& section) {
  FallbackRule rule;
  rule.source = static_cast<RuleSource>(1 + IndexOf(kSources, section.Enum("source", kSources)));
  rule.actuator =
      static_cast<std::uint8_t>(1 + IndexOf(kActuators, section.Enum("actuator", kActuators)));
  const std::string label = section.String("label");
  const auto found = std::find(labels_.begin(), labels_.end(), label);
  if (found == labels_.end()) {
    section.Fail("label", WithNearest("is \"" + label + "\", no [[label]]", label, labels_));
  } else {
    rule.label = static_cast<std::uint8_t>(found - labels_.begin());
  }
  rule.channel = static_cast<std::uint8_t>(
      section.Has("channel") ? section.Int("channel", {0, recipe_.channels - 1}) : kAnyChannel);
  if (rule.source == RuleSource::kFaultCode) {
    rule.fault_code = static_cast<std::uint16_t>(
        1 + IndexOf(kSensorFaults, section.Enum("fault", kSensorFaults)));
  } else if (rule.source != RuleSource::kAnyFault) {
    rule.comparison = static_cast<Comparison>(
        1 + IndexOf(kComparisons, section.Enum("comparison", kComparisons)));
    rule.threshold = FloatOf(section, "threshold", -1e30, 1e30);
  }
  return rule;
}

void Builder::ReadFallbackRules() {
  FallbackRules out;
  auto tables = spec_.Tables("fallback_rule");
  if (tables.empty()) {
    spec_.Fail("fallback_rule", "is missing: at least one [[fallback_rule]]");
  }
  for (auto& table : tables) {
    if (!out.rules.push_back(ReadRule(table))) {
      table.Fail("source", "is of a rule too many: at most 16");
    }
  }
  Add(SectionType::kFallbackRules, out);
}

void Builder::ReadNormalisation() {
  if (!spec_.Has("normalisation")) {
    return;
  }
  const auto means = spec_.Doubles("normalisation.mean", {-1e30, 1e30});
  const auto deviations = spec_.Doubles("normalisation.deviation", {1e-30, 1e30});
  if (means.size() != features_.size() || deviations.size() != features_.size()) {
    spec_.Fail("normalisation", "must have one mean and one deviation per output of the recipe");
    return;
  }
  Normalisation out;
  for (std::size_t i = 0; i < means.size(); ++i) {
    out.features.push_back(
        {.mean = static_cast<float>(means[i]), .deviation = static_cast<float>(deviations[i])});
  }
  Add(SectionType::kNormalisation, out);
}

void Builder::AddEdges(SketchEdges& out, std::uint16_t feature, std::string_view key) {
  const auto edges = spec_.Doubles(key, {-1e30, 1e30});
  if (edges.size() != kEdges) {
    spec_.Fail(key, "must have 15 rising numbers");
    return;
  }
  SketchEdges::Histogram histogram{.feature = feature};
  for (std::size_t i = 0; i < kEdges; ++i) {
    histogram.edges[i] = static_cast<float>(edges[i]);
  }
  if (!out.histograms.push_back(histogram)) {
    spec_.Fail("sketch_edges",
               "is of too many histograms: at most 32, score and confidence included");
  }
}

void Builder::ReadSketchEdges() {
  if (!spec_.Has("sketch_edges")) {
    return;
  }
  SketchEdges out;
  const std::uint64_t chosen =
      ReadMask(spec_, "sketch_edges.features", features_, UsualFeatures(spec_, features_));
  for (std::size_t feature = 0; feature < features_.size(); ++feature) {
    if ((chosen >> feature & 1U) != 0) {
      AddEdges(out, static_cast<std::uint16_t>(feature), "sketch_edges.edges");
    }
  }
  if (spec_.Has("sketch_edges.confidence_edges")) {
    AddEdges(out, kConfidenceFeature, "sketch_edges.confidence_edges");
  }
  if (spec_.Has("sketch_edges.score_edges")) {
    AddEdges(out, kTriggerScoreFeature, "sketch_edges.score_edges");
  }
  Add(SectionType::kSketchEdges, out);
}

void Builder::ReadDriftReference() {
  if (!spec_.Has("drift_reference")) {
    return;
  }
  DriftReference out;
  out.windows = IntOf<std::uint32_t>(spec_, "drift_reference.windows", 1, 0xFFFFFFFF);
  for (auto& table : spec_.Tables("drift_reference.histogram")) {
    DriftReference::Histogram histogram;
    const std::string name = table.String("feature");
    if (name == "trigger_score" || name == "confidence") {
      histogram.feature = name == "confidence" ? kConfidenceFeature : kTriggerScoreFeature;
    } else {
      histogram.feature = FeatureOf(table, "feature", name, features_).value_or(0);
    }
    const auto counts = table.Ints("counts", {0, 0xFFFFFFFF});
    if (counts.size() != kBins) {
      table.Fail("counts", "must have 16 numbers");
      continue;
    }
    std::transform(counts.begin(), counts.end(), histogram.counts.begin(), [](std::int64_t count) {
      return static_cast<std::uint32_t>(count);
    });
    if (!out.histograms.push_back(histogram)) {
      table.Fail("feature", "is of a histogram too many: at most 32");
    }
  }
  Add(SectionType::kDriftReference, out);
}

void Builder::ReadOpaque() {
  for (auto& table : spec_.Tables("section")) {
    const auto type = kOpaqueTypes[IndexOf(kOpaque, table.Enum("type", kOpaque))];
    const auto target =
        static_cast<Target>(IndexOf(kTargets, table.Enum("target", "portable", kTargets)));
    const auto file = table.Path("file");
    std::string error;
    auto bytes = ReadPackageFile(file, &error);
    if (!bytes.ok()) {
      table.Fail("file", "cannot be used: " + error);
      continue;
    }
    parts_.push_back({type, target, *std::move(bytes)});
  }
}

void Builder::AddRecipe() {
  std::vector<std::byte> bytes(dsp::kMaxRecipeBytes);
  if (const auto size = dsp::EncodeRecipe(recipe_, bytes); size.ok()) {
    bytes.resize(*size);
    parts_.push_back({SectionType::kRecipe, Target::kPortable, std::move(bytes)});
  }
}

Result<std::vector<std::byte>> Builder::Write() {
  std::stable_sort(parts_.begin(), parts_.end(), [](const Part& a, const Part& b) {
    return a.type != b.type ? a.type < b.type : a.target < b.target;
  });
  std::vector<SectionInput> sections;
  for (const Part& part : parts_) {
    sections.push_back({.type = part.type, .target = part.target, .bytes = part.bytes});
  }
  std::vector<std::byte> file(std::min(PackageBytes(sections), kMaxPackageBytes));
  TRIB_TRY(WritePackage(sections, file).status());
  TRIB_TRY_ASSIGN(const PackageView view, PackageView::Open(file));
  TRIB_TRY(CheckContents(view));
  TRIB_TRY(CheckNetwork(view));
  return file;
}

/// Whether the plan is one that the classifier can stand around, and the split points can cut.
Status Builder::CheckNetwork(const PackageView& view) const {
  const auto plan_bytes = view.Find(SectionType::kPlan);
  if (view.Find(SectionType::kClassifier).empty() || plan_bytes.empty()) {
    return {};
  }
  const auto plan = nn::Plan::Load(plan_bytes, view.Find(SectionType::kWeights));
  ClassifierSpec classifier;
  TRIB_TRY(Decode(view.Find(SectionType::kClassifier), classifier));
  if (!plan.ok()) {
    return {Code::kDataLoss, Reason::kClassifierDoesNotMatchPlan};
  }
  TRIB_TRY(classify::CheckFit(
      classifier, *plan, recipe_.window_frames * recipe_.channels, features_.size()));
  SplitPoints split;
  const auto split_bytes = view.Find(SectionType::kSplitPoints);
  if (split_bytes.empty()) {
    return {};
  }
  TRIB_TRY(Decode(split_bytes, split));
  return classify::CheckSplit(split, *plan);
}

std::string Builder::NetworkText() const {
  const auto bytes = [&](SectionType type) -> std::span<const std::byte> {
    const auto part =
        std::find_if(parts_.begin(), parts_.end(), [&](const Part& p) { return p.type == type; });
    return part == parts_.end() ? std::span<const std::byte>() : part->bytes;
  };
  const auto plan = nn::Plan::Load(bytes(SectionType::kPlan), bytes(SectionType::kWeights));
  ClassifierSpec classifier;
  if (!plan.ok() || !Decode(bytes(SectionType::kClassifier), classifier).ok()) {
    return "";
  }
  const auto tensor = [&](const nn::Port& port) {
    const nn::Tensor& of = plan->tensor(port.tensor);
    return std::to_string(of.elements()) +
           (of.type == nn::TensorType::kInt8 ? " int8" : " (not int8)");
  };
  std::string text = ": the network takes ";
  for (std::size_t i = 0; i < plan->inputs(); ++i) {
    text += (i == 0 ? "" : " and ") + tensor(plan->input(i));
  }
  text += " and gives ";
  for (std::size_t i = 0; i < plan->outputs(); ++i) {
    text += (i == 0 ? "" : " and ") + tensor(plan->output(i));
  }
  return text + " after " + std::to_string(plan->operators()) +
         " operators; the recipe makes windows of " +
         std::to_string(recipe_.window_frames * recipe_.channels) + " values and " +
         std::to_string(features_.size()) + " features, and the classifier has " +
         std::to_string(classifier.labels.size()) + " classes and " +
         std::to_string(classifier.exits.size()) + " exits";
}

}  // namespace

namespace {

// A package that carries a network and nothing else: the window as it is, one label, and the rule
// that every package needs.
constexpr std::string_view kBareSpecification = R"toml(
[manifest]
name = "network"
version = "1"
hardware_class = "any"
[recipe]
sample_rate_hz = 1
channels = 1
window = 16
hop = 16
[[recipe.op]]
op = "rms"
[[guardrails]]
clip_level_raw = 32767
max_clipped_permille = 1000
max_stuck_run = 0
min_peak_to_peak_raw = 0
max_missing_permille = 0
scale_min = 1e-9
scale_max = 1e9
[exit_policy]
heartbeat = "1m"
reminder = "10m"
block = "1m"
status = "5m"
audit_permille = 0
[[label]]
name = "normal"
actuator = "normal"
[[fallback_rule]]
source = "any_fault"
actuator = "warn"
label = "normal"
)toml";

}  // namespace

Result<std::vector<std::byte>> BuildPackage(const std::filesystem::path& spec_path,
                                            std::string* error,
                                            const std::filesystem::path& model) {
  ConfigFile spec = spec_path.empty() ? ConfigFile::Parse(kBareSpecification, model.string())
                                      : ConfigFile::Load(spec_path);
  Builder builder(spec, model);
  builder.Read();
  if (const Status status = spec.Finish(); !status.ok()) {
    if (error != nullptr) {
      *error = spec.error_text();
    }
    return status;
  }
  auto file = builder.Write();
  if (!file.ok()) {
    if (error != nullptr) {
      const bool unfit =
          file.status().reason() == static_cast<std::uint16_t>(Reason::kClassifierDoesNotMatchPlan);
      *error = spec_path.string() + ": " + DescribeRefusal(file.status()) +
               (unfit ? builder.NetworkText() : "");
    }
    return Status(Code::kInvalidArgument, file.status().reason());
  }
  return file;
}

}  // namespace trib::host::package
