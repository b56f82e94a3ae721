#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

/// Names and numbers of the package format. docs/formats/package.md is the byte law.
namespace trib::package {

inline constexpr std::uint16_t kFormatVersion = 1;
inline constexpr std::size_t kMaxPackageBytes = 4U << 20U;
inline constexpr std::size_t kMaxSections = 32;
inline constexpr std::size_t kMaxSignatures = 2;

inline constexpr std::size_t kHeaderBytes = 32;
inline constexpr std::size_t kTableEntryBytes = 24;
inline constexpr std::size_t kSectionAlignment = 16;
inline constexpr std::size_t kTrailerBytes = 160;

inline constexpr std::size_t kMaxChannels = 4;
inline constexpr std::size_t kMaxFeatures = 64;
inline constexpr std::size_t kMaxLabels = 16;
inline constexpr std::size_t kMaxRules = 16;
inline constexpr std::size_t kMaxHistograms = 32;
inline constexpr std::size_t kBins = 16;
inline constexpr std::size_t kEdges = kBins - 1;
/// Features whose joint distribution a node learns: the room for their covariance rises with the
/// square.
inline constexpr std::size_t kMaxDistanceFeatures = 32;
inline constexpr std::size_t kMaxBaselineLimits = 16;
/// Operating conditions that a package can name; 0, the unknown one, is not among them.
inline constexpr std::size_t kMaxNamedConditions = 3;
inline constexpr std::size_t kZones = 4;
inline constexpr std::size_t kMaxExits = 3;
/// Feature numbers of the trigger score and of the network's confidence in sketch edges and drift
/// references.
inline constexpr std::uint16_t kTriggerScoreFeature = 0xFFFF;
inline constexpr std::uint16_t kConfidenceFeature = 0xFFFE;

/// Persisted in packages: values are never reused.
enum class SectionType : std::uint16_t {
  kUnspecified = 0,
  kManifest = 1,
  kRecipe = 2,
  kNormalisation = 3,
  kTrigger = 4,
  kPlan = 5,
  kWeights = 6,
  kLastLayer = 7,
  kExitPolicy = 8,
  kSplitPoints = 9,
  kFallbackRules = 10,
  kGuardrails = 11,
  kLabels = 12,
  kSketchEdges = 13,
  kDriftReference = 14,
  kDistance = 15,
  kCommissioning = 16,
  kSeverity = 17,
  kConditions = 18,
  kClassifier = 19,
};

/// Kernel set that a plan or its repacked weights were laid out for. Persisted.
enum class Target : std::uint32_t {
  kPortable = 0,  ///< every section but plan and weights; plans for the reference kernels
  kArmv7emDsp = 1,
  kArmv81mMve = 2,
  kX86Avx2 = 3,
  kX86Avx512Vnni = 4,
};

/// Machines a package can be made for. Persisted.
enum class HardwareClass : std::uint32_t {
  kAny = 0,
  kLinux = 1,      ///< trib-node
  kMps2An386 = 2,  ///< Cortex-M4F
  kMps3An547 = 3,  ///< Cortex-M55
};

/// What the node's firmware offers to packages: rises when the meaning of a section grows. 2 added
/// the sections from kDistance on and the recipe's velocity_rms, 3 the classifier.
inline constexpr std::uint16_t kFirmwareAbi = 3;

/// Why a package is refused. Sent in fault records and shown to operators by name: values are never
/// reused.
enum class Reason : std::uint16_t {
  kNone = 0,
  // the file
  kTruncated = 1,
  kTooLarge = 2,
  kBadMagic = 3,
  kBadVersion = 4,
  kHeaderCrc = 5,
  kSizeMismatch = 6,
  kBadTable = 7,
  kTableCrc = 8,
  kTooManySections = 9,
  kDuplicateSection = 10,
  kSectionOrder = 11,
  kMisaligned = 12,
  kOverlap = 13,
  kGap = 14,
  kOutOfBounds = 15,
  kEmptySection = 16,
  kPaddingNotZero = 17,
  kSectionCrc = 18,
  kBadFlags = 19,
  kBadTarget = 20,
  kUnknownCriticalSection = 21,
  kBadTrailer = 22,
  // its contents
  kMissingSection = 32,
  kBadManifest = 33,
  kBadRecipe = 34,
  kBadNormalisation = 35,
  kBadTrigger = 36,
  kBadExitPolicy = 37,
  kBadFallbackRules = 38,
  kBadGuardrails = 39,
  kBadLabels = 40,
  kBadSketchEdges = 41,
  kBadDriftReference = 42,
  kUnknownLabel = 43,
  kThresholdsDoNotMatchLabels = 44,
  kPlanWithoutWeights = 45,
  kDriftReferenceDoesNotMatchEdges = 46,
  kRuleChannelAbsent = 47,
  kFeatureAbsent = 48,
  kBadDistance = 49,
  kBadCommissioning = 50,
  kBadSeverity = 51,
  kBadConditions = 52,
  kBadClassifier = 53,
  kBadSplitPoints = 54,
  kClassifierDoesNotMatchPlan = 55,
  kSplitPointsDoNotMatchPlan = 56,
  kBadPlan = 57,
  // who vouches for it
  kNoSignature = 64,
  kUnknownKey = 65,
  kBadSignature = 66,
  // where it is to run
  kWrongHardwareClass = 80,
  kAbiTooOld = 81,
  kAbiTooNew = 82,
  kMissingOperator = 83,
  kArenaTooSmall = 84,
  kCounterTooLow = 85,
  kWrongSensor = 86,
  // writing
  kNoRoom = 96,
  kTrailerFull = 97,
};

/// E.g. "wrong hardware class"; "unknown reason" for a value outside the enum.
std::string_view ReasonName(Reason reason);
/// E.g. "fallback_rules", as in package.toml; "unknown" for a value outside the enum.
std::string_view SectionName(SectionType type);
/// E.g. "portable"; "unknown" for a value outside the enum.
std::string_view TargetName(Target target);
/// E.g. "mps2-an386"; "unknown" for a value outside the enum.
std::string_view HardwareClassName(HardwareClass hardware);

/// A name of at most 31 bytes inside itself.
struct ShortText {
  static constexpr std::size_t kMaxBytes = 31;
  std::array<char, kMaxBytes> memory{};
  std::uint8_t size = 0;

  constexpr ShortText() = default;
  /// Requires  At most kMaxBytes; the rest is cut off.
  constexpr explicit ShortText(std::string_view text) {
    while (size < kMaxBytes && size < text.size()) {
      memory[size] = text[size];
      ++size;
    }
  }
  [[nodiscard]] constexpr std::string_view view() const { return {memory.data(), size}; }
  friend constexpr bool operator==(const ShortText& a, const ShortText& b) {
    return a.view() == b.view();
  }
};

}  // namespace trib::package
