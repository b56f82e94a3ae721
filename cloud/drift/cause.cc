#include "cause.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tally.h"

namespace trib::cloud::drift {
namespace {

constexpr double kMoved = 3;  ///< spreads between blocks
/// Of a block, where shifts are only compared with each other.
constexpr double kWindows = 250;

template <typename... Values>
std::string Format(const char* format, Values... values) {
  char line[400];
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): constant formats, bounded
  (void)std::snprintf(line, sizeof line, format, values...);
  return line;
}

/// The features of one kind, counted by how they moved.
struct Group {
  struct Move {
    double shift = 0;
    double spread = 0;  ///< between blocks, in the same unit
  };
  std::size_t count = 0;
  std::size_t up = 0;
  std::size_t down = 0;
  double largest_z = 0;  ///< signed
  std::vector<Move> moves;

  void Add(const Evidence& evidence) {
    ++count;
    up += evidence.z >= kMoved ? 1U : 0U;
    down += evidence.z <= -kMoved ? 1U : 0U;
    if (std::abs(evidence.z) > std::abs(largest_z)) {
      largest_z = evidence.z;
    }
    const double shift = ShiftOf(evidence.now, kWindows);
    moves.push_back({shift, evidence.z == 0 ? 0 : shift / evidence.z});
  }
  [[nodiscard]] std::size_t moved() const { return up + down; }
  [[nodiscard]] bool Still() const { return moved() == 0; }
  [[nodiscard]] double Median() const { return At(count / 2); }
  [[nodiscard]] double Least() const { return At(0); }
  [[nodiscard]] double Most() const { return At(count - 1); }
  /// The shift of this rank.
  [[nodiscard]] double At(std::size_t rank) const {
    std::vector<double> shifts;
    for (const Move& move : moves) {
      shifts.push_back(move.shift);
    }
    std::sort(shifts.begin(), shifts.end());
    return shifts.empty() ? 0 : shifts[rank];
  }
};

/// The evidence sorted by what it is about.
struct Picture {
  Group levels;
  Group shapes;
  Group totals;  ///< counted among the levels too
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

void AddAnswer(const Evidence& evidence, Picture& out) {
  ++out.answers;
  out.answers_moved += std::abs(evidence.z) >= kMoved ? 1U : 0U;
  out.answer_z = std::abs(evidence.z) > std::abs(out.answer_z) ? evidence.z : out.answer_z;
}

void AddFeature(const Evidence& evidence, FeatureKind kind, Picture& out) {
  switch (kind) {
    case FeatureKind::kTotal:
      out.totals.Add(evidence);
      out.levels.Add(evidence);
      return;
    case FeatureKind::kLevel:
      out.levels.Add(evidence);
      return;
    case FeatureKind::kShape:
      out.shapes.Add(evidence);
      return;
    case FeatureKind::kOffset:
      out.offsets.Add(evidence);
      return;
    case FeatureKind::kUnknown:
      out.unknown.Add(evidence);
      return;
  }
}

Picture Sort(const Findings& findings) {
  Picture out;
  for (const Evidence& evidence : findings.evidence) {
    const Channel& channel = evidence.channel;
    if (IsAnswer(channel)) {
      AddAnswer(evidence, out);
    }
    // The trigger's score and rate follow from the features.
    if (channel.kind == Channel::Kind::kFeature && channel.index != message::kTriggerScoreFeature) {
      const bool known = channel.index < findings.kinds.size();
      AddFeature(evidence, known ? findings.kinds[channel.index] : FeatureKind::kUnknown, out);
    }
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

/// A gain moves every level by one logarithm, which in units of their scatter differs by a few
/// times: hardly a level goes the other way or lags far behind the median by more than its own
/// spread explains, the lower quarter moves too, and none is far ahead.
bool AllLevelsAlike(const Group& levels) {
  const double median = levels.Median();
  const double sign = median < 0 ? -1 : 1;
  const double size = std::abs(median);
  std::size_t same = 0;
  std::size_t behind = 0;
  double largest = 0;
  for (const Group::Move& move : levels.moves) {
    const double shift = move.shift * sign;
    same += shift > 0 ? 1U : 0U;
    behind += shift + 1.5 * move.spread < 0.3 * size ? 1U : 0U;
    largest = std::max(largest, shift);
  }
  const double quarter =
      sign > 0 ? levels.At(levels.count / 4) : -levels.At(levels.count - 1 - levels.count / 4);
  return levels.count >= 2 && 5 * same >= 4 * levels.count && 8 * behind <= levels.count &&
         quarter >= 0.25 * size && largest <= 4 * size;
}

/// The signal's mean moved: it says so itself, or RMS about zero rose and no other level did.
bool OnlyTheMean(const Picture& picture) {
  const std::size_t others = picture.levels.moved() - picture.totals.moved();
  return others == 0 && (picture.offsets.moved() > 0 || picture.totals.up > 0);
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
  if (OnlyTheMean(picture)) {
    return {Cause::kSensor,
            Format("sensor offset: mean moved (z %+.1f; RMS about zero %+.1f), ",
                   picture.offsets.largest_z,
                   picture.totals.largest_z) +
                level + ", " + shape};
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
