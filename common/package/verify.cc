#include "layout.h"
#include "trib/common/package/package.h"
#include "trib/common/package/sections.h"

namespace trib::package {
namespace {

Status Require(bool good, Reason reason) {
  return good ? Status() : Status(Code::kDataLoss, reason);
}

Status RequirePlatform(bool good, Reason reason) {
  return good ? Status() : Status(Code::kFailedPrecondition, reason);
}

Status CheckPresence(const PackageView& package) {
  for (const layout::SectionRule& rule : layout::kRules) {
    if (rule.required) {
      TRIB_TRY(Require(!package.Find(rule.type).empty(), Reason::kMissingSection));
    }
  }
  return {};
}

/// Every plan has weights for the same kernels and the reverse; operators are declared exactly when
/// there is a plan. Without plan there has to be a trigger: something must decide.
Status CheckNetwork(const PackageView& package) {
  std::size_t plans = 0;
  std::size_t weights = 0;
  for (std::size_t i = 0; i < package.section_count(); ++i) {
    const SectionInfo info = package.section(i);
    if (info.type == SectionType::kPlan) {
      ++plans;
      TRIB_TRY(Require(!package.Find(SectionType::kWeights, info.target).empty(),
                       Reason::kPlanWithoutWeights));
    }
    weights += info.type == SectionType::kWeights ? 1 : 0;
  }
  Manifest manifest;
  TRIB_TRY(Decode(package.Find(SectionType::kManifest), manifest));
  TRIB_TRY(Require(plans == weights && (plans != 0) == (manifest.operators != 0),
                   Reason::kPlanWithoutWeights));
  return Require(plans != 0 || !package.Find(SectionType::kTrigger).empty(),
                 Reason::kMissingSection);
}

template <typename T>
Status CheckOptional(const PackageView& package, SectionType type) {
  const auto bytes = package.Find(type);
  if (bytes.empty()) {
    return {};
  }
  T ignored;
  return Decode(bytes, ignored);
}

/// Distance and commissioning judge a baseline that the trigger learns, conditions choose one.
Status CheckLearning(const PackageView& package) {
  TRIB_TRY(CheckOptional<DistanceSpec>(package, SectionType::kDistance));
  TRIB_TRY(CheckOptional<CommissioningSpec>(package, SectionType::kCommissioning));
  TRIB_TRY(CheckOptional<ConditionSpec>(package, SectionType::kConditions));
  const bool needs_trigger = !package.Find(SectionType::kDistance).empty() ||
                             !package.Find(SectionType::kCommissioning).empty() ||
                             !package.Find(SectionType::kConditions).empty();
  return Require(!needs_trigger || !package.Find(SectionType::kTrigger).empty(),
                 Reason::kMissingSection);
}

bool HasPlan(const PackageView& package) {
  for (std::size_t i = 0; i < package.section_count(); ++i) {
    if (package.section(i).type == SectionType::kPlan) {
      return true;
    }
  }
  return false;
}

/// Only a label that is an alarm keeps others from being accepted.
Status CheckExit(const ClassifierSpec& spec, const ExitSpec& exit, const Labels& labels) {
  for (std::size_t i = 0; i < spec.labels.size(); ++i) {
    TRIB_TRY(Require(labels.labels[spec.labels[i]].is_alarm || exit.reject[i] == 1.0F,
                     Reason::kBadClassifier));
  }
  return {};
}

/// What surrounds the plan. Whether the plan itself fits is common/classify's to judge, as only
/// common/nn can read one.
Status CheckClassifier(const PackageView& package, const Labels& labels) {
  TRIB_TRY(CheckOptional<SplitPoints>(package, SectionType::kSplitPoints));
  const auto bytes = package.Find(SectionType::kClassifier);
  const auto split_bytes = package.Find(SectionType::kSplitPoints);
  if (bytes.empty()) {
    return Require(split_bytes.empty(), Reason::kSplitPointsDoNotMatchPlan);
  }
  ClassifierSpec spec;
  TRIB_TRY(Decode(bytes, spec));
  TRIB_TRY(Require(HasPlan(package), Reason::kClassifierDoesNotMatchPlan));
  TRIB_TRY(Require(
      spec.input != NetworkInput::kFeatures || !package.Find(SectionType::kNormalisation).empty(),
      Reason::kMissingSection));
  for (const std::uint8_t label : spec.labels) {
    TRIB_TRY(Require(label < labels.labels.size(), Reason::kUnknownLabel));
  }
  for (const ExitSpec& exit : spec.exits) {
    TRIB_TRY(CheckExit(spec, exit, labels));
  }
  if (split_bytes.empty()) {
    return {};
  }
  SplitPoints split;
  TRIB_TRY(Decode(split_bytes, split));
  return Require(split.cut == spec.exits[0].operators, Reason::kSplitPointsDoNotMatchPlan);
}

/// Labels, and everything that refers to them.
Status CheckDecisions(const PackageView& package) {
  Labels labels;
  TRIB_TRY(Decode(package.Find(SectionType::kLabels), labels));
  TRIB_TRY(CheckClassifier(package, labels));
  Guardrails guardrails;
  TRIB_TRY(Decode(package.Find(SectionType::kGuardrails), guardrails));
  FallbackRules fallback;
  TRIB_TRY(Decode(package.Find(SectionType::kFallbackRules), fallback));
  for (const FallbackRule& rule : fallback.rules) {
    TRIB_TRY(Require(rule.label < labels.labels.size(), Reason::kUnknownLabel));
    TRIB_TRY(Require(rule.channel == kAnyChannel || rule.channel < guardrails.channels.size(),
                     Reason::kRuleChannelAbsent));
  }
  if (const auto bytes = package.Find(SectionType::kSeverity); !bytes.empty()) {
    SeveritySpec severity;
    TRIB_TRY(Decode(bytes, severity));
    for (const std::uint8_t label : severity.label) {
      TRIB_TRY(Require(label < labels.labels.size(), Reason::kUnknownLabel));
    }
  }
  ExitPolicy policy;
  TRIB_TRY(Decode(package.Find(SectionType::kExitPolicy), policy));
  const bool one_per_label = package.Find(SectionType::kClassifier).empty() &&
                             policy.thresholds.size() == labels.labels.size();
  return Require(policy.thresholds.empty() || one_per_label, Reason::kThresholdsDoNotMatchLabels);
}

constexpr std::size_t kEdgesEntryBytes = 4 + 4 * kEdges;

std::uint16_t FeatureAt(std::span<const std::byte> entries,
                        std::size_t entry_bytes,
                        std::size_t i) {
  return static_cast<std::uint16_t>(static_cast<unsigned>(entries[i * entry_bytes]) |
                                    static_cast<unsigned>(entries[i * entry_bytes + 1]) << 8U);
}

/// A reference is read against edges, so both list the same features. Works on checked bytes: the
/// decoded forms would need 4 kB.
Status CheckSketches(const PackageView& package) {
  constexpr std::size_t kReferenceEntry = 4 + 4 * kBins;
  const auto edges = package.Find(SectionType::kSketchEdges);
  if (!edges.empty()) {
    TRIB_TRY(CheckSketchEdges(edges));
  }
  const auto reference = package.Find(SectionType::kDriftReference);
  if (reference.empty()) {
    return {};
  }
  TRIB_TRY(CheckDriftReference(reference));
  const std::size_t count = edges.empty() ? 0 : (edges.size() - 4) / kEdgesEntryBytes;
  bool same = count == (reference.size() - 8) / kReferenceEntry;
  for (std::size_t i = 0; same && i < count; ++i) {
    same = FeatureAt(edges.subspan(4), kEdgesEntryBytes, i) ==
           FeatureAt(reference.subspan(8), kReferenceEntry, i);
  }
  return Require(same, Reason::kDriftReferenceDoesNotMatchEdges);
}

}  // namespace

Status CheckContents(const PackageView& package) {
  TRIB_TRY(CheckPresence(package));
  TRIB_TRY(CheckNetwork(package));
  TRIB_TRY(CheckOptional<TriggerSpec>(package, SectionType::kTrigger));
  TRIB_TRY(CheckOptional<Normalisation>(package, SectionType::kNormalisation));
  TRIB_TRY(CheckLearning(package));
  TRIB_TRY(CheckDecisions(package));
  return CheckSketches(package);
}

Status CheckReferences(const PackageView& package, std::size_t features, std::size_t channels) {
  if (const auto bytes = package.Find(SectionType::kTrigger); !bytes.empty()) {
    TriggerSpec trigger;
    TRIB_TRY(Decode(bytes, trigger));
    TRIB_TRY(
        Require(features >= 64 || trigger.feature_mask >> features == 0, Reason::kFeatureAbsent));
  }
  if (const auto bytes = package.Find(SectionType::kDistance); !bytes.empty()) {
    DistanceSpec distance;
    TRIB_TRY(Decode(bytes, distance));
    TRIB_TRY(
        Require(features >= 64 || distance.feature_mask >> features == 0, Reason::kFeatureAbsent));
  }
  if (const auto bytes = package.Find(SectionType::kCommissioning); !bytes.empty()) {
    CommissioningSpec commissioning;
    TRIB_TRY(Decode(bytes, commissioning));
    for (const BaselineLimit& limit : commissioning.limits) {
      TRIB_TRY(Require(limit.feature < features, Reason::kFeatureAbsent));
    }
  }
  if (const auto bytes = package.Find(SectionType::kSeverity); !bytes.empty()) {
    SeveritySpec severity;
    TRIB_TRY(Decode(bytes, severity));
    TRIB_TRY(Require(severity.feature < features, Reason::kFeatureAbsent));
  }
  if (const auto bytes = package.Find(SectionType::kNormalisation); !bytes.empty()) {
    Normalisation normalisation;
    TRIB_TRY(Decode(bytes, normalisation));
    TRIB_TRY(Require(normalisation.features.size() == features, Reason::kFeatureAbsent));
  }
  if (const auto bytes = package.Find(SectionType::kSketchEdges); !bytes.empty()) {
    TRIB_TRY(CheckSketchEdges(bytes));
    for (std::size_t i = 0; i < (bytes.size() - 4) / kEdgesEntryBytes; ++i) {
      const std::uint16_t feature = FeatureAt(bytes.subspan(4), kEdgesEntryBytes, i);
      TRIB_TRY(Require(
          feature == kTriggerScoreFeature || feature == kConfidenceFeature || feature < features,
          Reason::kFeatureAbsent));
    }
  }
  FallbackRules fallback;
  TRIB_TRY(Decode(package.Find(SectionType::kFallbackRules), fallback));
  for (const FallbackRule& rule : fallback.rules) {
    TRIB_TRY(Require(rule.channel == kAnyChannel || rule.channel < channels,
                     Reason::kRuleChannelAbsent));
  }
  return {};
}

Status CheckSignature(const PackageView& package, std::span<const crypto::PublicKey> pinned) {
  if (package.signature_count() == 0) {
    return Status(Code::kUnauthenticated, Reason::kNoSignature);
  }
  const layout::SignedMessage message = layout::MessageToSign(package.signed_digest());
  bool vouched = false;
  for (std::size_t i = 0; i < package.signature_count(); ++i) {
    const PackageSignature signature = package.signature(i);
    for (const crypto::PublicKey& key : pinned) {
      if (!(crypto::KeyIdOf(key) == signature.key)) {
        continue;
      }
      if (!crypto::Ed25519Verify(key, message, signature.signature)) {
        return Status(Code::kUnauthenticated, Reason::kBadSignature);
      }
      vouched = true;
    }
  }
  return vouched ? Status() : Status(Code::kUnauthenticated, Reason::kUnknownKey);
}

Status CheckPlatform(const PackageView& package, const Platform& platform) {
  Manifest manifest;
  TRIB_TRY(Decode(package.Find(SectionType::kManifest), manifest));
  TRIB_TRY(RequirePlatform(manifest.hardware_class == HardwareClass::kAny ||
                               manifest.hardware_class == platform.hardware_class,
                           Reason::kWrongHardwareClass));
  TRIB_TRY(RequirePlatform(platform.firmware_abi >= manifest.abi_min, Reason::kAbiTooOld));
  TRIB_TRY(RequirePlatform(platform.firmware_abi <= manifest.abi_max, Reason::kAbiTooNew));
  TRIB_TRY(
      RequirePlatform((manifest.operators & ~platform.operators) == 0, Reason::kMissingOperator));
  TRIB_TRY(RequirePlatform(manifest.arena_bytes <= platform.arena_bytes, Reason::kArenaTooSmall));
  return RequirePlatform(manifest.security_counter >= platform.min_security_counter,
                         Reason::kCounterTooLow);
}

Status Verify(const PackageView& package,
              std::span<const crypto::PublicKey> pinned,
              const Platform& platform) {
  TRIB_TRY(CheckSignature(package, pinned));
  TRIB_TRY(CheckContents(package));
  return CheckPlatform(package, platform);
}

}  // namespace trib::package
