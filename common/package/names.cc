#include "trib/common/package/types.h"

namespace trib::package {

// Switches without default: the compiler reports an enumerator that has no name yet.

std::string_view ReasonName(Reason reason) {
  switch (reason) {
    case Reason::kNone:
      return "none";
    case Reason::kTruncated:
      return "file truncated";
    case Reason::kTooLarge:
      return "file too large";
    case Reason::kBadMagic:
      return "not a package";
    case Reason::kBadVersion:
      return "unknown format version";
    case Reason::kHeaderCrc:
      return "header checksum wrong";
    case Reason::kSizeMismatch:
      return "size differs from header";
    case Reason::kBadTable:
      return "section table misplaced";
    case Reason::kTableCrc:
      return "section table checksum wrong";
    case Reason::kTooManySections:
      return "too many sections";
    case Reason::kDuplicateSection:
      return "section present twice";
    case Reason::kSectionOrder:
      return "sections out of order";
    case Reason::kMisaligned:
      return "section misaligned";
    case Reason::kOverlap:
      return "sections overlap";
    case Reason::kGap:
      return "gap between sections";
    case Reason::kOutOfBounds:
      return "section outside file";
    case Reason::kEmptySection:
      return "section empty";
    case Reason::kPaddingNotZero:
      return "padding not zero";
    case Reason::kSectionCrc:
      return "section checksum wrong";
    case Reason::kBadFlags:
      return "section flags wrong";
    case Reason::kBadTarget:
      return "section target wrong";
    case Reason::kUnknownCriticalSection:
      return "unknown critical section";
    case Reason::kBadTrailer:
      return "signature trailer malformed";
    case Reason::kMissingSection:
      return "required section missing";
    case Reason::kBadManifest:
      return "manifest malformed";
    case Reason::kBadRecipe:
      return "recipe malformed";
    case Reason::kBadNormalisation:
      return "normalisation malformed";
    case Reason::kBadTrigger:
      return "trigger malformed";
    case Reason::kBadExitPolicy:
      return "exit policy malformed";
    case Reason::kBadFallbackRules:
      return "fallback rules malformed";
    case Reason::kBadGuardrails:
      return "guardrails malformed";
    case Reason::kBadLabels:
      return "labels malformed";
    case Reason::kBadSketchEdges:
      return "sketch edges malformed";
    case Reason::kBadDriftReference:
      return "drift reference malformed";
    case Reason::kUnknownLabel:
      return "rule, severity or classifier names an unknown label";
    case Reason::kThresholdsDoNotMatchLabels:
      return "exit thresholds do not match labels";
    case Reason::kPlanWithoutWeights:
      return "plan, weights and operators do not match";
    case Reason::kDriftReferenceDoesNotMatchEdges:
      return "drift reference does not match edges";
    case Reason::kRuleChannelAbsent:
      return "rule names an absent channel";
    case Reason::kFeatureAbsent:
      return "trigger or sketch edges name a feature that the recipe does not give";
    case Reason::kBadDistance:
      return "distance malformed";
    case Reason::kBadCommissioning:
      return "commissioning malformed";
    case Reason::kBadSeverity:
      return "severity malformed, or its feature is no velocity";
    case Reason::kBadConditions:
      return "conditions malformed";
    case Reason::kBadClassifier:
      return "classifier malformed, or it rejects by a label that is no alarm";
    case Reason::kBadSplitPoints:
      return "split points malformed";
    case Reason::kClassifierDoesNotMatchPlan:
      return "classifier and plan do not match";
    case Reason::kSplitPointsDoNotMatchPlan:
      return "split points do not match classifier and plan";
    case Reason::kBadPlan:
      return "plan or weights malformed";
    case Reason::kNoSignature:
      return "not signed";
    case Reason::kUnknownKey:
      return "signed by no trusted key";
    case Reason::kBadSignature:
      return "signature wrong";
    case Reason::kWrongHardwareClass:
      return "wrong hardware class";
    case Reason::kAbiTooOld:
      return "needs newer firmware";
    case Reason::kAbiTooNew:
      return "needs older firmware";
    case Reason::kMissingOperator:
      return "needs an operator this firmware lacks";
    case Reason::kArenaTooSmall:
      return "needs more arena memory";
    case Reason::kCounterTooLow:
      return "security counter too low";
    case Reason::kWrongSensor:
      return "recipe wants another sensor: channels or sample rate differ";
    case Reason::kNoRoom:
      return "no room";
    case Reason::kTrailerFull:
      return "no free signature slot";
  }
  return "unknown reason";
}

std::string_view SectionName(SectionType type) {
  switch (type) {
    case SectionType::kManifest:
      return "manifest";
    case SectionType::kRecipe:
      return "recipe";
    case SectionType::kNormalisation:
      return "normalisation";
    case SectionType::kTrigger:
      return "trigger";
    case SectionType::kPlan:
      return "plan";
    case SectionType::kWeights:
      return "weights";
    case SectionType::kLastLayer:
      return "last_layer";
    case SectionType::kExitPolicy:
      return "exit_policy";
    case SectionType::kSplitPoints:
      return "split_points";
    case SectionType::kFallbackRules:
      return "fallback_rules";
    case SectionType::kGuardrails:
      return "guardrails";
    case SectionType::kLabels:
      return "labels";
    case SectionType::kSketchEdges:
      return "sketch_edges";
    case SectionType::kDriftReference:
      return "drift_reference";
    case SectionType::kDistance:
      return "distance";
    case SectionType::kCommissioning:
      return "commissioning";
    case SectionType::kSeverity:
      return "severity";
    case SectionType::kConditions:
      return "conditions";
    case SectionType::kClassifier:
      return "classifier";
    case SectionType::kUnspecified:
      break;
  }
  return "unknown";
}

std::string_view TargetName(Target target) {
  switch (target) {
    case Target::kPortable:
      return "portable";
    case Target::kArmv7emDsp:
      return "armv7em-dsp";
    case Target::kArmv81mMve:
      return "armv81m-mve";
    case Target::kX86Avx2:
      return "x86-avx2";
    case Target::kX86Avx512Vnni:
      return "x86-avx512-vnni";
  }
  return "unknown";
}

std::string_view HardwareClassName(HardwareClass hardware) {
  switch (hardware) {
    case HardwareClass::kAny:
      return "any";
    case HardwareClass::kLinux:
      return "linux";
    case HardwareClass::kMps2An386:
      return "mps2-an386";
    case HardwareClass::kMps3An547:
      return "mps3-an547";
  }
  return "unknown";
}

}  // namespace trib::package
