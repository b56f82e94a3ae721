#include "cause.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace trib::cloud::drift {
namespace {

constexpr double kMoved = 3;  ///< spreads between blocks

template <typename... Values>
std::string Format(const char* format, Values... values) {
  char line[400];
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): constant formats, bounded
  (void)std::snprintf(line, sizeof line, format, values...);
  return line;
}

/// The features of one kind, counted by how they moved.
struct Group {
  std::size_t count = 0;
  std::size_t up = 0;
  std::size_t down = 0;
  double largest_z = 0;        ///< signed
  std::vector<double> shifts;  ///< of all, signed

  void Add(const Evidence& evidence) {
    ++count;
    up += evidence.z >= kMoved ? 1U : 0U;
    down += evidence.z <= -kMoved ? 1U : 0U;
    if (std::abs(evidence.z) > std::abs(largest_z)) {
      largest_z = evidence.z;
    }
    shifts.push_back(ShiftOf(evidence.now));
  }
  [[nodiscard]] std::size_t moved() const { return up + down; }
  [[nodiscard]] bool Still() const { return std::abs(largest_z) < kMoved; }
  [[nodiscard]] double Median() const {
    auto sorted = shifts;
    std::sort(sorted.begin(), sorted.end());
    return sorted.empty() ? 0 : sorted[sorted.size() / 2];
  }
  [[nodiscard]] double Least() const {
    return shifts.empty() ? 0 : *std::min_element(shifts.begin(), shifts.end());
  }
  [[nodiscard]] double Most() const {
    return shifts.empty() ? 0 : *std::max_element(shifts.begin(), shifts.end());
  }
};

/// The evidence sorted by what it is about.
struct Picture {
  Group levels;
  Group shapes;
  Group offsets;
  Group unknown;
  std::size_t answers = 0;  ///< channels of the network's answers
  std::size_t answers_moved = 0;
  double answer_z = 0;

  [[nodiscard]] std::size_t features() const {
    return levels.count + shapes.count + offsets.count + unknown.count;
  }
  [[nodiscard]] std::size_t features_moved() const {
    return levels.moved() + shapes.moved() + offsets.moved() + unknown.moved();
  }
};

bool IsAnswer(const Channel& channel) {
  return channel.kind == Channel::Kind::kConfidence || channel.kind == Channel::Kind::kExitRate ||
         channel.kind == Channel::Kind::kLabelRate || channel.kind == Channel::Kind::kErrorRate;
}

Picture Sort(const Findings& findings) {
  Picture out;
  for (const Evidence& evidence : findings.evidence) {
    const Channel& channel = evidence.channel;
    if (IsAnswer(channel)) {
      ++out.answers;
      out.answers_moved += std::abs(evidence.z) >= kMoved ? 1U : 0U;
      out.answer_z = std::abs(evidence.z) > std::abs(out.answer_z) ? evidence.z : out.answer_z;
    }
    // The trigger's score and rate follow from the features.
    if (channel.kind != Channel::Kind::kFeature || channel.index == message::kTriggerScoreFeature) {
      continue;
    }
    const FeatureKind kind = channel.index < findings.kinds.size() ? findings.kinds[channel.index]
                                                                   : FeatureKind::kUnknown;
    Group& group = kind == FeatureKind::kLevel    ? out.levels
                   : kind == FeatureKind::kShape  ? out.shapes
                   : kind == FeatureKind::kOffset ? out.offsets
                                                  : out.unknown;
    group.Add(evidence);
  }
  return out;
}

bool FirmwareFits(const Findings& findings) {
  const std::size_t moved = findings.moved_changed + findings.moved_kept;
  const std::size_t changed = findings.moved_changed + findings.still_changed;
  const std::size_t kept = findings.moved_kept + findings.still_kept;
  return findings.moved_changed > 0 && 5 * findings.moved_changed >= 4 * moved &&
         2 * findings.moved_changed >= changed && 5 * findings.moved_kept <= kept;
}

/// A gain moves every level by the same logarithm. Levels scatter by up to a few times of each
/// other, and so differ the shifts in units of that scatter.
bool AllLevelsAlike(const Group& levels) {
  const double median = levels.Median();
  const double sign = median < 0 ? -1 : 1;
  return levels.count >= 2 && levels.moved() > 0 && 2 * levels.moved() >= levels.count &&
         std::all_of(levels.shifts.begin(), levels.shifts.end(), [&](double shift) {
           return shift * sign >= 0.1 * std::abs(median);
         });
}

Named NameOfNode(const Picture& picture) {
  const Group& levels = picture.levels;
  const Group& shapes = picture.shapes;
  const std::string shape =
      Format("shape %s (largest z %+.1f)", shapes.Still() ? "still" : "moved", shapes.largest_z);
  const std::string level =
      Format("%zu of %zu levels up, %zu down (shifts %+.2f..%+.2f, median %+.2f)",
             levels.up,
             levels.count,
             levels.down,
             levels.Least(),
             levels.Most(),
             levels.Median());
  if (picture.offsets.moved() > 0 && shapes.Still() && 2 * levels.moved() < levels.count) {
    return {Cause::kSensor,
            Format("sensor offset: the mean moved (z %+.1f), ", picture.offsets.largest_z) + level +
                ", " + shape};
  }
  if (shapes.Still() && AllLevelsAlike(levels)) {
    return {Cause::kSensor, "sensor gain: " + level + ", all alike, " + shape};
  }
  if (shapes.up == 0 && levels.down == 0 && 2 * levels.up >= levels.count && levels.up > 0) {
    return {Cause::kSensor, "sensor noise floor: " + level + ", " + shape};
  }
  return {Cause::kMachine, "machine: " + level + ", " + shape};
}

}  // namespace

double ShiftOf(double ridit) {
  const double r = std::clamp(ridit, 0.002, 0.998);
  return 0.83 * std::log(r / (1 - r));
}

Named NameCause(const Findings& findings) {
  const Picture picture = Sort(findings);
  if (FirmwareFits(findings)) {
    return {Cause::kFirmware,
            Format("firmware: %zu of %zu nodes whose version changed since their reference (%u to "
                   "%u) moved, %zu of %zu others did",
                   findings.moved_changed,
                   findings.moved_changed + findings.still_changed,
                   findings.firmware_before,
                   findings.firmware_now,
                   findings.moved_kept,
                   findings.moved_kept + findings.still_kept)};
  }
  if (picture.features_moved() == 0 && picture.answers_moved > 0) {
    return {Cause::kModel,
            Format("model: %zu of %zu channels of the network's answers moved (largest z %+.1f), 0 "
                   "of %zu features",
                   picture.answers_moved,
                   picture.answers,
                   picture.answer_z,
                   picture.features())};
  }
  const std::size_t moved = findings.moved_changed + findings.moved_kept;
  const std::size_t all = moved + findings.still_changed + findings.still_kept;
  if (findings.subject != SubjectKind::kNode) {
    return {Cause::kEnvironment,
            Format("environment: %zu of %zu watched nodes moved alike, %zu of %zu features",
                   moved,
                   all,
                   picture.features_moved(),
                   picture.features())};
  }
  if (picture.features_moved() == 0) {
    return {Cause::kUnknown,
            Format("unknown: no feature moved by %.0f spreads and none of the network's answers",
                   kMoved)};
  }
  if (picture.unknown.count == picture.features()) {
    return {Cause::kUnknown,
            Format("unknown: one node of %zu, %zu of %zu features up, %zu down; what the features "
                   "are is not known here",
                   all,
                   picture.unknown.up,
                   picture.unknown.count,
                   picture.unknown.down)};
  }
  return NameOfNode(picture);
}

}  // namespace trib::cloud::drift
