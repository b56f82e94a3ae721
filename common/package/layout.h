#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "trib/common/package/types.h"

/// Byte positions shared by reader and writer; docs/formats/package.md has the table.
namespace trib::package::layout {

inline constexpr std::string_view kMagic("TRIBPKG\x1A", 8);
inline constexpr std::string_view kTrailerMagic("TRIBSIG1", 8);
/// What a signature is over: this text with its closing zero, then the whole SHA-512.
inline constexpr std::string_view kSignatureDomain("tributary package v1\0", 21);

inline constexpr std::size_t kHeaderCrcOffset = 28;
inline constexpr std::size_t kSlotsOffset = 16;
inline constexpr std::size_t kSlotBytes = 72;
inline constexpr std::size_t kKeyIdBytes = 8;
inline constexpr std::uint16_t kCritical = 1;

static_assert(kSlotsOffset + kMaxSignatures * kSlotBytes == kTrailerBytes);

constexpr std::size_t AlignUp(std::size_t value) {
  return (value + kSectionAlignment - 1) / kSectionAlignment * kSectionAlignment;
}

/// Domain text and digest as one message.
using SignedMessage = std::array<std::byte, 21 + 64>;
template <typename Digest>
SignedMessage MessageToSign(const Digest& digest) {
  SignedMessage out{};
  std::size_t position = 0;
  for (const char c : kSignatureDomain) {
    out[position++] = static_cast<std::byte>(c);
  }
  for (const std::byte b : digest.bytes) {
    out[position++] = b;
  }
  return out;
}

/// What the format fixes about a section type.
struct SectionRule {
  SectionType type;
  bool critical;
  bool targeted;  ///< may have a target other than portable
  bool required;
};

inline constexpr std::array<SectionRule, 19> kRules = {{
    {SectionType::kManifest, true, false, true},
    {SectionType::kRecipe, true, false, true},
    {SectionType::kNormalisation, true, false, false},
    {SectionType::kTrigger, true, false, false},
    {SectionType::kPlan, true, true, false},
    {SectionType::kWeights, true, true, false},
    {SectionType::kLastLayer, true, false, false},
    {SectionType::kExitPolicy, true, false, true},
    {SectionType::kSplitPoints, false, false, false},
    {SectionType::kFallbackRules, true, false, true},
    {SectionType::kGuardrails, true, false, true},
    {SectionType::kLabels, true, false, true},
    {SectionType::kSketchEdges, true, false, false},
    {SectionType::kDriftReference, false, false, false},
    {SectionType::kDistance, true, false, false},
    {SectionType::kCommissioning, true, false, false},
    {SectionType::kSeverity, true, false, false},
    {SectionType::kConditions, true, false, false},
    {SectionType::kClassifier, true, false, false},
}};

constexpr const SectionRule* FindRule(SectionType type) {
  for (const SectionRule& rule : kRules) {
    if (rule.type == type) {
      return &rule;
    }
  }
  return nullptr;
}

}  // namespace trib::package::layout
