#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "trib/common/base/fixed_vector.h"
#include "trib/common/classify/classify.h"
#include "trib/common/dsp/recipe.h"
#include "trib/common/host/recording/manifest.h"
#include "trib/common/host/tail/tail.h"
#include "trib/common/package/package.h"
#include "trib/common/package/sections.h"
#include "trib/common/status/result.h"
#include "trib/tools/evaluation/data.h"

/// A package on labelled recordings, by the code that nodes, gateways and the cloud run.
namespace trib::tools::evaluation {

/// A package to be judged: a head with its tail, or one that has no split points and then runs all
/// exits that its plan reaches.
///
/// Memory   The files. Not movable: parts refer to each other.
class Subject {
 public:
  /// @param tail  empty: none
  /// @returns kInvalidArgument or kDataLoss, with one line in `error`
  static Result<std::unique_ptr<Subject>> Open(std::vector<std::byte> head,
                                               std::vector<std::byte> tail,
                                               std::string& error);

  std::vector<std::byte> file;
  std::optional<package::PackageView> view;
  std::shared_ptr<const host::tail::Network> network;  ///< null without a tail
  std::optional<nn::Plan> plan;                        ///< of the package itself
  dsp::Recipe recipe;
  package::ClassifierSpec classifier;
  package::Labels labels;
  package::Manifest manifest;
  package::Guardrails guardrails;
  package::ExitPolicy policy;
  package::Normalisation normalisation;
  std::optional<package::TriggerSpec> trigger;
  std::optional<package::DistanceSpec> distance;
  std::size_t histograms = 0;  ///< of a sketch

  /// Exits that can be asked: those of the tail, or those that the plan reaches.
  [[nodiscard]] std::size_t exits() const;
  /// Multiply-accumulates up to an exit. Requires  exit < exits().
  [[nodiscard]] std::uint64_t macs(std::size_t exit) const;
  [[nodiscard]] std::string class_name(std::size_t class_index) const;
  /// The class that a label of recordings means; nullopt when there is none of that name.
  [[nodiscard]] std::optional<std::size_t> ClassOf(const std::string& label) const;

  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

 private:
  Subject() = default;
  Status Load(std::string& error);
};

/// What one exit said.
struct ExitAnswer {
  std::uint8_t class_index = 0;
  bool accepted = false;
  FixedVector<float, package::kMaxLabels> probabilities;
};

struct WindowResult {
  std::size_t source = 0;  ///< index into Outcome::sources
  std::size_t truth = 0;   ///< class
  bool refused = false;    ///< by the guardrails: nothing below is set
  bool over = false;       ///< the trigger's threshold
  float score = 0;         ///< of the trigger, over its threshold; 0 without one
  FixedVector<ExitAnswer, package::kMaxExits> exits;
  std::uint32_t activation_bytes = 0;  ///< of what would be deferred
  std::uint32_t coded_raw_bytes = 0;   ///< its new samples, delta and Rice coded
};

struct Source {
  std::string file;
  std::size_t truth = 0;
  std::string node;  ///< recordings of one node share a baseline
};

struct Outcome {
  std::vector<Source> sources;
  std::vector<WindowResult> windows;  ///< in order, source by source
  std::size_t commissioning_windows = 0;
};

struct RunOptions {
  std::string split_key;  ///< condition; empty: all recordings
  std::string part = "test";
  std::string node_key;  ///< condition that names the node beside the channels
  LabelMap map;
  bool use_trigger = true;
  bool resample = false;
  std::size_t limit = 0;  ///< windows per recording; 0: all
  /// The share of each normal recording that a node's baseline is learned from, and that is not
  /// judged.
  double commissioning_share = 0.6;
  std::function<void(std::size_t done, std::size_t of)> progress;
};

/// Runs every window of the chosen recordings. Nodes are commissioned on the normal recordings of
/// all parts, as they are on their machines.
///
/// @returns kInvalidArgument or kDataLoss after appending one-line texts to `errors`
Result<Outcome> Evaluate(const Subject& subject,
                         const host::recording::Manifest& manifest,
                         const RunOptions& options,
                         std::vector<std::string>& errors);

/// Bytes that the last `frames` frames take as differences (of the best order, 0 to 2) in Rice
/// codes (of the best parameter), per channel: what raw samples cost when they are sent well.
std::uint32_t CodedRawBytes(std::span<const std::int16_t> samples,
                            std::uint32_t channels,
                            std::uint32_t frames);

}  // namespace trib::tools::evaluation
