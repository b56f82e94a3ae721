#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/base/ids.h"
#include "trib/common/classify/classify.h"
#include "trib/common/nn/plan.h"
#include "trib/common/nn/runner.h"
#include "trib/common/package/sections.h"
#include "trib/common/status/result.h"

namespace trib::node::cascade {

/// Multiply-accumulates of the operators before `cut`, padded ones included: for the energy model.
///
/// Requires  cut <= plan.operators().
std::uint32_t MacsOf(const nn::Plan& plan, std::size_t cut);

/// The node's part of a package's network: one window in, the answer of the first exit out.
/// Every window is looked at by itself: what stateful operators remember is forgotten before it, so
/// that the same window gives the same bytes whenever it comes.
///
/// Memory   Borrows plan, spec, normalisation and memory for life.
/// Threads  One caller at a time.
class Classifier {
 public:
  /// Of `memory`: the arena, then the state.
  static std::size_t RequiredBytes(const nn::Plan& plan);

  /// `memory` begins at a multiple of 4. `normalisation` is looked at when the input is features.
  ///
  /// Requires  classify::CheckFit() of spec and plan was ok; a normalisation where one is needed.
  /// @returns kResourceExhausted when the memory is less than RequiredBytes(); kInvalidArgument
  /// when
  ///   it is misaligned
  static Result<Classifier> Open(const nn::Plan& plan,
                                 const package::ClassifierSpec& spec,
                                 const package::Normalisation& normalisation,
                                 std::span<std::byte> memory);

  /// Requires  window and features have the sizes that the recipe of the package gives.
  classify::Decision Step(const classify::Window& window, std::span<const float> features);

  /// What the tail needs to go on with the window that Step() was last given.
  ///
  /// @returns as nn::EncodeActivation()
  Result<std::size_t> EncodeActivation(PackageHash package, std::span<std::byte> out);

  /// Operators that have run when the first exit is reached.
  [[nodiscard]] std::uint16_t cut() const { return spec_->exits[0].operators; }
  [[nodiscard]] std::uint32_t macs() const { return macs_; }

 private:
  Classifier(const nn::Plan& plan,
             const package::ClassifierSpec& spec,
             const package::Normalisation& normalisation,
             nn::Runner runner);

  const nn::Plan* plan_;
  const package::ClassifierSpec* spec_;
  const package::Normalisation* normalisation_;
  nn::Runner runner_;
  std::uint32_t macs_;
};

}  // namespace trib::node::cascade
