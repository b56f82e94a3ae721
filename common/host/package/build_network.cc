// [classifier], [[classifier.exit]] and [split_points].
#include <algorithm>
#include <array>

#include "build.h"
#include "trib/common/nn/activation.h"
#include "trib/common/nn/plan.h"

namespace trib::host::package {
namespace {

constexpr std::array<std::string_view, 3> kInputs = {"window", "scaled_window", "features"};
constexpr std::array<std::string_view, 3> kTiers = {"node", "gateway", "cloud"};
constexpr std::uint8_t kFirstTier = 3;
constexpr Millis kMaxVerdictWait = std::chrono::minutes(10);
constexpr std::size_t kMaxSplitActivationBytes = 16'384;

void ReadClasses(ConfigFile& spec, const std::vector<std::string>& labels, ClassifierSpec& out) {
  auto names = spec.Strings("classifier.classes");
  if (names.empty()) {
    names = labels;
  }
  for (const std::string& name : names) {
    const auto found = std::find(labels.begin(), labels.end(), name);
    if (found == labels.end()) {
      spec.Fail("classifier.classes",
                WithNearest("names \"" + name + "\", no [[label]]", name, labels));
    } else if (!out.labels.push_back(static_cast<std::uint8_t>(found - labels.begin()))) {
      spec.Fail("classifier.classes", "has one too many: at most 16");
    }
  }
}

/// One share per class; `otherwise` for each when the list is absent.
void ReadShares(Section& section,
                std::string_view key,
                std::size_t classes,
                std::optional<float> otherwise,
                FixedVector<float, kMaxLabels>& out) {
  const auto shares = section.Doubles(key, {0, 1});
  if (shares.size() != classes && !(shares.empty() && otherwise)) {
    section.Fail(key, "must have one number per class");
    return;
  }
  for (std::size_t i = 0; i < classes; ++i) {
    out.push_back(shares.empty() ? *otherwise : static_cast<float>(shares[i]));
  }
}

void ReadExit(Section& section, ClassifierSpec& out) {
  ExitSpec exit;
  exit.tier = static_cast<std::uint8_t>(kFirstTier + IndexOf(kTiers, section.Enum("tier", kTiers)));
  exit.output = static_cast<std::uint8_t>(out.exits.size());
  exit.operators = static_cast<std::uint16_t>(section.Int("operators", {1, nn::kMaxOperators}));
  exit.inverse_temperature =
      static_cast<float>(1 / section.Double("temperature", 1, config::Range<double>{1e-3, 1e3}));
  ReadShares(section, "accept", out.labels.size(), std::nullopt, exit.accept);
  ReadShares(section, "reject", out.labels.size(), 1.0F, exit.reject);
  if (!out.exits.push_back(exit)) {
    section.Fail("tier", "is of an exit too many: at most 3");
  }
}

}  // namespace

ClassifierSpec ReadClassifier(ConfigFile& spec, const std::vector<std::string>& labels) {
  ClassifierSpec out;
  out.input =
      static_cast<NetworkInput>(1 + IndexOf(kInputs, spec.Enum("classifier.input", kInputs)));
  const bool scaled = out.input == NetworkInput::kScaledWindow;
  if (scaled) {
    out.offset =
        static_cast<float>(spec.Double("classifier.offset", 0, config::Range<double>{-1e30, 1e30}));
    out.gain = static_cast<float>(spec.Double("classifier.gain", {1e-30, 1e30}));
  }
  for (const char* key : {"classifier.offset", "classifier.gain"}) {
    if (!scaled && spec.Has(key)) {
      spec.Fail(key, "is for the input \"scaled_window\" alone");
    }
  }
  out.verdict_wait_ms = static_cast<std::uint32_t>(
      spec.Duration("classifier.verdict_wait", config::Range<Millis>{Millis(1), kMaxVerdictWait})
          .count());
  ReadClasses(spec, labels, out);
  auto exits = spec.Tables("classifier.exit");
  if (exits.empty()) {
    spec.Fail("classifier.exit", "is missing: at least one [[classifier.exit]], the node's");
  }
  for (Section& section : exits) {
    ReadExit(section, out);
  }
  return out;
}

SplitPoints ReadSplitPoints(ConfigFile& spec,
                            std::span<const std::byte> plan_bytes,
                            std::span<const std::byte> weights) {
  SplitPoints out;
  const auto path = spec.Path("split_points.tail");
  std::string error;
  const auto file = ReadPackageFile(path, &error);
  if (!file.ok()) {
    spec.Fail("split_points.tail", "cannot be used: " + error);
    return out;
  }
  const auto tail = PackageView::Open(*file);
  if (!tail.ok()) {
    spec.Fail("split_points.tail", "is refused: " + DescribeRefusal(tail.status()));
    return out;
  }
  out.tail_digest = tail->digest();
  out.tail_bytes = static_cast<std::uint32_t>(file->size());
  const auto plan = nn::Plan::Load(plan_bytes, weights);
  if (!plan.ok()) {
    spec.Fail("split_points", "needs a plan: [network]");
    return out;
  }
  const std::size_t most = nn::MaxActivationBytes(*plan, plan->operators());
  if (!plan->LiveAt(plan->operators()).ok() || most > kMaxSplitActivationBytes) {
    spec.Fail("split_points",
              "has too much to carry: " + std::to_string(most) + " bytes; at most 16,384");
    return out;
  }
  out.cut = static_cast<std::uint16_t>(plan->operators());
  out.max_activation_bytes = static_cast<std::uint32_t>(most);
  return out;
}

}  // namespace trib::host::package
