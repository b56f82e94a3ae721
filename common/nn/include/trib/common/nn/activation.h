#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/base/ids.h"
#include "trib/common/nn/runner.h"

namespace trib::nn {

/// Live tensors of a cut as bytes. Layout and coding: docs/formats/activation.md. A plan's own end
/// is a cut, too: what lives there are its outputs, and a longer plan that begins alike goes on.
struct ActivationHeader {
  PackageHash package;
  std::uint16_t cut = 0;
};

/// Room that any activation of this cut fits into.
///
/// Requires  plan.LiveAt(cut) is ok.
std::size_t MaxActivationBytes(const Plan& plan, std::size_t cut);

/// Writes what lives at the cut; the runner has just run up to it.
///
/// @returns its length; or
///   kOutOfRange         no cut, or one with too many tensors
///   kResourceExhausted  more than `out` holds
Result<std::size_t> EncodeActivation(Runner& runner,
                                     const Plan& plan,
                                     const ActivationHeader& header,
                                     std::span<std::byte> out);

/// Which package and cut the bytes are of. @returns kDataLoss for bytes that are no activation.
Result<ActivationHeader> PeekActivation(std::span<const std::byte> bytes);

/// Puts the tensors into the runner's arena, ready for Run(cut, ...). The plan may be a longer one
/// than that which encoded, if its tensors up to the cut have the same indices. The caller has
/// looked up the plan by PeekActivation().
///
/// @returns kDataLoss when the bytes are not exactly the live tensors of that cut; the arena then
///   holds nothing of use.
Status DecodeActivation(std::span<const std::byte> bytes, const Plan& plan, Runner& runner);

}  // namespace trib::nn
