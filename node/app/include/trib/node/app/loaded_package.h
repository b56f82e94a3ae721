#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "trib/common/crypto/crypto.h"
#include "trib/common/dsp/recipe.h"
#include "trib/common/message/types.h"
#include "trib/common/nn/plan.h"
#include "trib/common/package/package.h"
#include "trib/common/package/sections.h"
#include "trib/node/ports/actuator.h"

namespace trib::node::app {

/// A package's network, and what surrounds it.
///
/// Memory  The plan is read in place: it borrows the package file for life.
struct LoadedNetwork {
  nn::Plan plan;
  package::ClassifierSpec classifier{};
  package::Normalisation normalisation{};  ///< empty unless the input is features
  std::optional<package::SplitPoints> split =
      {};  ///< of a head package: it can be asked further up
};

/// What the node runs by: the sections of a verified package, or the built-in rules.
///
/// Memory  About 6 kB: static storage. Its network borrows the package file, the rest does not.
struct LoadedPackage {
  bool present = false;
  package::Digest digest{};
  PackageHash hash;
  RecipeId recipe_id;
  dsp::Recipe recipe;
  std::optional<package::TriggerSpec> trigger;  ///< none: the network decides on every window
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
  std::optional<LoadedNetwork> network;

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

/// Memory that the platform gives to what a package asks for.
struct Room {
  std::size_t window_samples = 0;
  std::size_t network_bytes = 0;     ///< arena and state of a network; 0: it runs none
  std::size_t activation_bytes = 0;  ///< the longest payload that a record can carry
};

/// What this firmware offers to packages in that room: every operator of the engine.
package::Platform PlatformOf(package::HardwareClass hardware_class, const Room& room);

/// Verifies `file` (signature by a pinned key, contents, platform, then recipe and network against
/// the sensor and the memory) and decodes it.
///
/// Memory   A network's plan stays in the file, which begins at a multiple of 16 and stays in place
///          and unchanged for as long as `out` is used.
/// @returns the failure with the package::Reason that operators see; `out` then holds the built-in
///   rules. kBadRecipe also stands for a recipe of another sensor, kArenaTooSmall also for a
///   window, a network's state or an activation that the room has no place for.
Status LoadPackage(std::span<const std::byte> file,
                   std::span<const crypto::PublicKey> pinned,
                   package::HardwareClass hardware_class,
                   const SensorFacts& sensor,
                   const Room& room,
                   LoadedPackage& out);

/// The built-in rules: raw windows, guardrails that any converter meets, a sensor fault warns.
void LoadBuiltIn(const SensorFacts& sensor, std::size_t max_window_samples, LoadedPackage& out);

}  // namespace trib::node::app
