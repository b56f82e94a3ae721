#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "trib/cloud/train/config.h"
#include "trib/cloud/train/pipeline.h"
#include "trib/common/package/sections.h"
#include "trib/common/status/result.h"

namespace trib::cloud::train {

/// What the base package says that a training needs.
struct Base {
  std::vector<std::byte> file;
  WindowShape shape;
  std::string name;
  std::vector<std::uint8_t> labels;  ///< of each class
  std::vector<bool> alarm;           ///< of each class
};

/// Builds the base's specification and finds the classes among its labels.
///
/// @returns kInvalidArgument or kNotFound, and a line in `errors` for each mistake.
Result<Base> LoadBase(const TrainConfig& config, std::vector<std::string>& errors);

/// Sketch edges at the quantiles of healthy training windows, and how these fill them.
struct Reference {
  package::SketchEdges edges;
  package::DriftReference drift;
};
/// nullopt when the base has no sketch edges or edges for the confidence, or there is no healthy
/// window.
///
/// Every source is standardised by its own mean and deviation, as a node does it by its baseline.
std::optional<Reference> MakeReference(const Base& base,
                                       const Material& material,
                                       const std::vector<WindowRef>& windows);

/// Unsigned head and tail.
struct Packages {
  std::vector<std::byte> head;
  std::vector<std::byte> tail;
};
/// @returns the Reason of what a node would refuse.
Result<Packages> MakePackages(const Base& base,
                              const TrainConfig& config,
                              const Compiled& compiled,
                              const std::vector<package::ExitSpec>& exits,
                              const std::optional<Reference>& reference);

}  // namespace trib::cloud::train
