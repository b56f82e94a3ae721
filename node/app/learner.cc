#include "trib/node/app/learner.h"

#include "trib/common/base/check.h"

namespace trib::node::app {
namespace {

using cascade::Baseline;
using message::CommissioningReason;
using message::CommissioningState;
using message::FaultCode;
using state::StateKey;

constexpr std::uint32_t kPartsPerCondition = 4;
static_assert(dsp::TriangleNumbers(package::kMaxDistanceFeatures) * 4 <=
              kPartsPerCondition * Baseline::kPartBytes);

StateKey HeadKey(std::uint32_t condition) {
  constexpr std::array kKeys = {
      StateKey::kBaseline, StateKey::kBaselineOf1, StateKey::kBaselineOf2, StateKey::kBaselineOf3};
  static_assert(kKeys.size() == message::kMaxConditions);
  return kKeys[condition];
}

StateKey PartKey(std::uint32_t condition, std::size_t part) {
  return static_cast<StateKey>(static_cast<std::uint32_t>(StateKey::kCovariance) +
                               kPartsPerCondition * condition + static_cast<std::uint32_t>(part));
}

}  // namespace

std::size_t Learner::RequiredNumbers(const LoadedPackage& package) {
  return package.condition_count() * Baseline::JointNumbers(package.distance_or_null());
}

cascade::BaselineSpec Learner::Spec() const {
  return {.recipe = package_->recipe_id,
          .features = dsp::OutputCount(package_->recipe),
          .trigger = &*package_->trigger,
          .distance = package_->distance_or_null(),
          .conditions_id = package_->conditions_id};
}

std::span<float> Learner::MemoryOf(std::uint32_t condition) const {
  const std::size_t numbers = Baseline::JointNumbers(package_->distance_or_null());
  return memory_.subspan(condition * numbers, numbers);
}

void Learner::Begin(std::uint32_t condition) {
  Slot& slot = slots_[condition];
  slot.baseline.Start(Spec(), MemoryOf(condition));
  slot.commissioning.Start(slot.baseline.needed(), slot.baseline.features());
  slot.state = CommissioningState::kLearning;
}

Status Learner::LoadSaved(std::uint32_t condition) {
  Slot& slot = slots_[condition];
  const std::uint32_t sub = package_->recipe_id.value();
  TRIB_TRY_ASSIGN(const std::size_t size, store_.Get(HeadKey(condition), sub, bytes_));
  TRIB_TRY(slot.baseline.Load(std::span(bytes_).first(size), Spec(), MemoryOf(condition)));
  for (std::size_t part = 0; part < slot.baseline.parts(); ++part) {
    const Result<std::size_t> length = store_.Get(PartKey(condition, part), sub, bytes_);
    if (!length.ok()) {
      return Code::kDataLoss;  // a head without its parts
    }
    TRIB_TRY(slot.baseline.LoadPart(part, std::span(bytes_).first(*length)));
  }
  return {};
}

Learner::Report Learner::TakeUp(std::uint32_t condition) {
  Slot& slot = slots_[condition];
  const Status status = LoadSaved(condition);
  if (status.ok()) {
    (void)slot.baseline.Seal();
    slot.state = slot.baseline.with_warning() ? CommissioningState::kAcceptedWithWarning
                                              : CommissioningState::kAccepted;
    Arm(condition);
    return {};
  }
  Begin(condition);
  if (status.code() == Code::kNotFound) {
    return {};
  }
  // Said once: the next start finds nothing.
  (void)store_.Remove(HeadKey(condition), package_->recipe_id.value());
  return {.code = FaultCode::kBaselineDiscarded,
          .condition = condition,
          .detail = static_cast<std::uint32_t>(status.code()),
          .feature = 0,
          .value = 0,
          .windows = 0,
          .state = slot.state};
}

void Learner::CountRefused(std::uint32_t condition) {
  if (slots_[condition].state == CommissioningState::kLearning) {
    slots_[condition].commissioning.CountRefused();
  }
}

Learner::Report Learner::Learn(std::uint32_t condition, std::span<const float> frame) {
  Slot& slot = slots_[condition];
  if (slot.state != CommissioningState::kLearning) {
    return {};
  }
  const bool skipping = slot.baseline.skipping();
  if (!slot.baseline.Learn(frame).ok()) {
    return {};  // the stage gave finite values of the right number
  }
  if (!skipping) {
    slot.commissioning.Take(frame);
  }
  return slot.baseline.complete() ? Judge(condition) : Report();
}

// The parts of the covariance are saved before they become a factor, the head that makes them count
// after the verdict: a baseline that was refused never comes back after a power cut.
Learner::Report Learner::Judge(std::uint32_t condition) {
  Slot& slot = slots_[condition];
  ++slot.attempts;
  Status saved = SaveParts(condition);
  const bool sealed = slot.baseline.Seal().ok();
  cascade::CommissioningVerdict verdict;
  if (package_->commissioning) {
    verdict = slot.commissioning.Judge(*package_->commissioning,
                                       *package_->trigger,
                                       package_->distance.has_value(),
                                       *severity_,
                                       slot.baseline);
  } else if (!sealed) {
    verdict = {CommissioningReason::kTooFewWindows, 0, static_cast<float>(slot.baseline.seen())};
  }
  Report report;
  report.condition = condition;
  report.windows = slot.attempts;
  if (!verdict.ok()) {
    ++refusals_;
    reason_ = verdict.reason;
    report.detail = static_cast<std::uint32_t>(verdict.reason);
    report.feature = verdict.feature;
    report.value = verdict.value;
    report.code = FaultCode::kCommissioningRefused;
    const auto& spec = package_->commissioning;
    if (spec && slot.attempts < spec->max_attempts) {
      Begin(condition);
      report.state = slot.state;
      return report;
    }
    if (spec && spec->after == package::AfterRefusals::kStayOnRules) {
      slot.state = report.state = CommissioningState::kOnRules;
      return report;
    }
    report.code = FaultCode::kCommissioningWarning;
  }
  slot.state = report.state =
      verdict.ok() ? CommissioningState::kAccepted : CommissioningState::kAcceptedWithWarning;
  Arm(condition);
  saved = saved.ok() ? SaveHead(condition, !verdict.ok()) : saved;
  if (!saved.ok() && verdict.ok()) {
    // The node works on; only a restart would have to learn again.
    report.code = FaultCode::kStateCorrupt;
    report.detail = saved.reason();
  }
  return report;
}

Status Learner::SaveParts(std::uint32_t condition) {
  const Baseline& baseline = slots_[condition].baseline;
  for (std::size_t part = 0; part < baseline.parts(); ++part) {
    TRIB_TRY_ASSIGN(const std::size_t size, baseline.SavePart(part, bytes_));
    TRIB_TRY(store_.Put(
        PartKey(condition, part), package_->recipe_id.value(), std::span(bytes_).first(size)));
  }
  return {};
}

Status Learner::SaveHead(std::uint32_t condition, bool with_warning) {
  TRIB_TRY_ASSIGN(const std::size_t size, slots_[condition].baseline.Save(with_warning, bytes_));
  return store_.Put(HeadKey(condition), package_->recipe_id.value(), std::span(bytes_).first(size));
}

void Learner::Arm(std::uint32_t condition) {
  trigger_.Arm(
      *package_->trigger, slots_[condition].baseline, condition, package_->distance_or_null());
}

std::uint32_t Learner::baselines() const {
  std::uint32_t bits = 0;
  for (std::uint32_t k = 0; k < slots_.size(); ++k) {
    bits |= trigger_.armed(k) ? 1U << k : 0U;
  }
  return bits;
}

}  // namespace trib::node::app
