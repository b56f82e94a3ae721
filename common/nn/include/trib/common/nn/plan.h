#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/base/fixed_vector.h"
#include "trib/common/nn/types.h"
#include "trib/common/status/result.h"

namespace trib::nn {

/// Tensors that live at a cut.
inline constexpr std::size_t kMaxLiveTensors = 8;
using LiveTensors = FixedVector<TensorIndex, kMaxLiveTensors>;

/// A network, read in place from a package's plan and weights sections. Layout:
/// docs/formats/plan.md.
///
/// Memory   Borrows both sections for life; a few words itself.
/// Threads  Immutable after Load().
class Plan {
 public:
  /// Checks every field against every other, so that running the plan can touch nothing but the
  /// arena, the state and the weights, whatever the bytes are.
  ///
  /// Requires  nothing of the bytes.
  /// @returns kInvalidArgument or kDataLoss with a PlanReason; kUnimplemented (kUnknownOperator,
  ///   kBadVersion) for what a newer compiler may have written.
  static Result<Plan> Load(std::span<const std::byte> plan, std::span<const std::byte> weights);

  [[nodiscard]] std::uint32_t arena_bytes() const { return arena_bytes_; }
  [[nodiscard]] std::uint32_t scratch_offset() const { return scratch_offset_; }
  [[nodiscard]] std::uint32_t state_bytes() const { return state_bytes_; }
  [[nodiscard]] std::size_t tensors() const { return tensors_; }
  [[nodiscard]] std::size_t operators() const { return operators_; }
  [[nodiscard]] std::size_t inputs() const { return inputs_; }
  [[nodiscard]] std::size_t outputs() const { return outputs_; }
  [[nodiscard]] std::span<const std::byte> weights() const { return weights_; }

  /// Requires  index < inputs() or outputs().
  [[nodiscard]] Port input(std::size_t index) const;
  [[nodiscard]] Port output(std::size_t index) const;
  /// Requires  index < tensors().
  [[nodiscard]] Tensor tensor(TensorIndex index) const;
  /// Bit (opcode - 1) for every operator used, as in a package's manifest.
  [[nodiscard]] std::uint64_t opcode_bits() const;

  /// Walks the operators in order of execution.
  class Walk {
   public:
    explicit Walk(const Plan& plan) : plan_(plan), position_(plan.first_operator_) {}
    /// Requires  called at most plan.operators() times.
    Operator Next();

   private:
    const Plan& plan_;
    std::size_t position_;
  };

  /// Tensors written, or given, before operator `cut` and needed from it on, in rising order.
  ///
  /// Requires  0 <= cut <= operators().
  /// @returns kOutOfRange when there are more than kMaxLiveTensors: no cut is offered there.
  [[nodiscard]] Result<LiveTensors> LiveAt(std::size_t cut) const;

 private:
  Plan() = default;
  Status ReadHeader();
  Status CheckPorts() const;
  Status CheckTensors() const;
  Status CheckOperators();

  std::span<const std::byte> plan_;
  std::span<const std::byte> weights_;
  std::uint32_t arena_bytes_ = 0;
  std::uint32_t scratch_offset_ = 0;
  std::uint32_t state_bytes_ = 0;
  std::uint16_t tensors_ = 0;
  std::uint16_t operators_ = 0;
  std::uint8_t inputs_ = 0;
  std::uint8_t outputs_ = 0;
  std::size_t first_tensor_ = 0;
  std::size_t first_operator_ = 0;
};

}  // namespace trib::nn
