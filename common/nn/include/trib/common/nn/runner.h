#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/nn/plan.h"
#include "trib/common/status/result.h"

namespace trib::nn {

/// Runs a plan in memory that the caller places.
///
/// Memory   Borrows the plan and both memories for life. No heap.
/// Threads  One caller at a time; several runners may share a plan.
class Runner {
 public:
  /// `arena` of at least plan.arena_bytes(), `state` of at least plan.state_bytes(), both aligned
  /// to
  /// 4. State is as it is: call Reset() for a first run.
  ///
  /// @returns kResourceExhausted (kArenaTooSmall) or kInvalidArgument (kMisaligned)
  static Result<Runner> Open(const Plan& plan,
                             std::span<std::byte> arena,
                             std::span<std::byte> state);

  /// Forgets what stateful operators (SVDF, LSTM) remember.
  void Reset();

  /// Runs operators first .. last-1. The live tensors of cut `first` must lie in the arena: the
  /// inputs for 0, else what Run(.., first) left there or what was carried over.
  ///
  /// Requires  first <= last <= plan.operators().
  void Run(std::size_t first, std::size_t last);
  void Run() { Run(0, plan_->operators()); }

  /// The tensor's bytes in the arena. Valid from its operator's run until its last reader's.
  ///
  /// Requires  index < plan.tensors().
  [[nodiscard]] std::span<std::byte> tensor(TensorIndex index);
  [[nodiscard]] std::span<std::byte> input(std::size_t index) {
    return tensor(plan_->input(index).tensor);
  }
  [[nodiscard]] std::span<const std::byte> output(std::size_t index) {
    return tensor(plan_->output(index).tensor);
  }

 private:
  Runner(const Plan& plan, std::span<std::byte> arena, std::span<std::byte> state)
      : plan_(&plan), arena_(arena), state_(state) {}
  void Execute(const Operator& op);

  const Plan* plan_;
  std::span<std::byte> arena_;
  std::span<std::byte> state_;
};

}  // namespace trib::nn
