#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/message/types.h"
#include "trib/node/app/loaded_package.h"
#include "trib/node/cascade/baseline.h"
#include "trib/node/cascade/commissioning.h"
#include "trib/node/cascade/severity.h"
#include "trib/node/cascade/trigger.h"
#include "trib/node/state/state_store.h"

namespace trib::node::app {

/// The baselines of all operating conditions: learns them, judges them, keeps them in the state,
/// takes them up again and arms the trigger's lanes with them.
///
/// A baseline that the package's commissioning section refuses is learned again, at most
/// max_attempts times since the start; then the last one is accepted with a warning, or the
/// condition stays on rules, as the package says. Attempts are not kept over a restart.
///
/// Memory   Borrows store, trigger, package and memory for life; about 10 kB itself.
/// Threads  One caller at a time.
class Learner {
 public:
  Learner(state::StateStore& store, cascade::Trigger& trigger, std::span<float> memory)
      : store_(store), trigger_(trigger), memory_(memory) {}
  Learner(const Learner&) = delete;
  Learner& operator=(const Learner&) = delete;

  /// Floats of memory for the covariances of a package.
  static std::size_t RequiredNumbers(const LoadedPackage& package);

  /// Something worth a Fault record. `code` kUnspecified: nothing.
  struct Report {
    message::FaultCode code = message::FaultCode::kUnspecified;
    std::uint32_t condition = 0;
    std::uint32_t detail = 0;
    std::uint32_t feature = 0;
    float value = 0;
    std::uint32_t windows = 0;
    message::CommissioningState state = message::CommissioningState::kUnspecified;
  };

  /// Takes up what the state holds and starts to learn the rest. Calls report(Report) for each
  /// saved baseline that is of no use.
  ///
  /// Requires  package.present; memory of RequiredNumbers(package).
  template <typename Sink>
  void Equip(const LoadedPackage& package, const cascade::Severity& severity, Sink report) {
    package_ = &package;
    severity_ = &severity;
    for (std::uint32_t k = 0; k < package.condition_count(); ++k) {
      const Report found = TakeUp(k);
      if (found.code != message::FaultCode::kUnspecified) {
        report(found);
      }
    }
  }

  /// Takes a good window of a condition whose lane is not armed.
  Report Learn(std::uint32_t condition, std::span<const float> frame);
  /// The guardrails refused a window of this condition.
  void CountRefused(std::uint32_t condition);

  [[nodiscard]] const cascade::Baseline& baseline(std::uint32_t condition) const {
    return slots_[condition].baseline;
  }
  [[nodiscard]] message::CommissioningState state(std::uint32_t condition) const {
    return slots_[condition].state;
  }
  [[nodiscard]] std::uint32_t refusals() const { return refusals_; }
  /// Of the newest refusal or warning.
  [[nodiscard]] message::CommissioningReason reason() const { return reason_; }
  /// Bit k: condition k has a baseline.
  [[nodiscard]] std::uint32_t baselines() const;

 private:
  struct Slot {
    cascade::Baseline baseline;
    cascade::Commissioning commissioning;
    message::CommissioningState state = message::CommissioningState::kUnspecified;
    std::uint32_t attempts = 0;
  };

  [[nodiscard]] cascade::BaselineSpec Spec() const;
  [[nodiscard]] std::span<float> MemoryOf(std::uint32_t condition) const;
  void Begin(std::uint32_t condition);
  Report TakeUp(std::uint32_t condition);
  Status LoadSaved(std::uint32_t condition);
  Report Judge(std::uint32_t condition);
  Status SaveParts(std::uint32_t condition);
  Status SaveHead(std::uint32_t condition, bool with_warning);
  void Arm(std::uint32_t condition);

  state::StateStore& store_;
  cascade::Trigger& trigger_;
  std::span<float> memory_;
  const LoadedPackage* package_ = nullptr;
  const cascade::Severity* severity_ = nullptr;
  std::array<Slot, message::kMaxConditions> slots_;
  std::array<std::byte, cascade::Baseline::kPartBytes> bytes_{};
  std::uint32_t refusals_ = 0;
  message::CommissioningReason reason_ = message::CommissioningReason::kUnspecified;
};

static_assert(cascade::Baseline::kPartBytes <= state::kMaxValueBytes);
static_assert(cascade::Baseline::SavedBytes(message::kMaxFeatures) <=
              cascade::Baseline::kPartBytes);
static_assert(package::kMaxNamedConditions + 1 == message::kMaxConditions);

}  // namespace trib::node::app
