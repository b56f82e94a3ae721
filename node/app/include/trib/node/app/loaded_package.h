#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "trib/common/crypto/crypto.h"
#include "trib/common/dsp/recipe.h"
#include "trib/common/message/types.h"
#include "trib/common/package/package.h"
#include "trib/common/package/sections.h"
#include "trib/node/ports/actuator.h"

namespace trib::node::app {

/// What the node runs by: the sections of a verified package, or the built-in rules.
///
/// Memory  About 6 kB: static storage. Keeps no pointer into the package file.
struct LoadedPackage {
  bool present = false;
  package::Digest digest{};
  PackageHash hash;
  RecipeId recipe_id;
  dsp::Recipe recipe;
  package::TriggerSpec trigger;
  package::ExitPolicy policy;
  package::FallbackRules rules;
  package::Guardrails guardrails;
  package::Labels labels;
  package::SketchEdges edges;
  // Empty when the package has no such section.
  std::optional<package::DistanceSpec> distance;
  std::optional<package::CommissioningSpec> commissioning;
  std::optional<package::SeveritySpec> severity;
  package::ConditionSpec conditions;
  std::uint32_t conditions_id = 0;  ///< CRC-32C of the section; 0 = none

  [[nodiscard]] const package::DistanceSpec* distance_or_null() const {
    return distance ? &*distance : nullptr;
  }
  /// Those that the package names, and the unknown one.
  [[nodiscard]] std::size_t condition_count() const { return conditions.ranges.size() + 1; }
  [[nodiscard]] bool severity_is_logarithm() const;

  /// Label and actuator state that the trigger alone reports.
  [[nodiscard]] std::uint32_t alarm_label() const { return labels.labels.size() > 1 ? 1 : 0; }
  [[nodiscard]] ActuatorState alarm_state() const;
};

/// What the sensor gives; a recipe for another one is refused.
struct SensorFacts {
  std::uint32_t sample_rate_hz = 0;
  std::uint32_t channels = 0;
};

/// Verifies `file` (signature by a pinned key, contents, platform, then the recipe against the
/// sensor and the memory) and decodes it.
///
/// @returns the failure with the package::Reason that operators see; `out` then holds the built-in
///   rules. kBadRecipe also stands for a recipe of another sensor, kArenaTooSmall also for a window
///   longer than `max_window_samples`.
Status LoadPackage(std::span<const std::byte> file,
                   std::span<const crypto::PublicKey> pinned,
                   const package::Platform& platform,
                   const SensorFacts& sensor,
                   std::size_t max_window_samples,
                   LoadedPackage& out);

/// The built-in rules: raw windows, guardrails that any converter meets, a sensor fault warns.
void LoadBuiltIn(const SensorFacts& sensor, std::size_t max_window_samples, LoadedPackage& out);

}  // namespace trib::node::app
