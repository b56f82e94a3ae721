#include "nab_score.h"

#include <algorithm>
#include <cmath>

namespace trib::bench::drift {
namespace {

constexpr double kProbation = 0.15;
constexpr double kLongest = 5000;  ///< rows of which the share is taken, at most

/// Of a detection at `row` inside the window: 1 at its first row.
double Caught(const NabWindow& window, std::size_t row) {
  const auto width = static_cast<double>(window.last - window.first + 1);
  const double position = -(static_cast<double>(window.last - row) + 1) / width;
  return NabSigmoid(position) / NabSigmoid(-1);
}

/// Of a detection at `row` after the window, or before any: in [-1, 0).
double FalseAlarm(const NabWindow* before, std::size_t row) {
  if (before == nullptr) {
    return -1;
  }
  const auto width = static_cast<double>(before->last - before->first);
  return width > 0 ? NabSigmoid(static_cast<double>(row - before->last) / width) : -1;
}

}  // namespace

std::size_t NabProbation(std::size_t rows) {
  const double share = std::floor(kProbation * static_cast<double>(rows));
  return static_cast<std::size_t>(std::min(share, kProbation * kLongest));
}

double NabSigmoid(double position) {
  return position >= 3 ? -1 : 2 / (1 + std::exp(5 * position)) - 1;
}

double NabRawScore(std::size_t rows,
                   std::span<const NabWindow> windows,
                   std::span<const std::size_t> detections,
                   const NabProfile& profile) {
  const std::size_t probation = NabProbation(rows);
  double score = -profile.missed * static_cast<double>(NabScoredWindows(rows, windows));
  std::vector<bool> caught(windows.size());
  for (const std::size_t row : detections) {
    if (row < probation) {
      continue;
    }
    // The window that ends here or later, and the one before it.
    const auto here = std::find_if(
        windows.begin(), windows.end(), [row](const NabWindow& w) { return w.last >= row; });
    if (here == windows.end() || here->first > row) {
      const NabWindow* before = here == windows.begin() ? nullptr : &*(here - 1);
      score += profile.false_alarm * FalseAlarm(before, row);
      continue;
    }
    const auto index = static_cast<std::size_t>(here - windows.begin());
    if (!caught[index]) {
      caught[index] = true;
      score += profile.missed + profile.caught * Caught(*here, row);
    }
  }
  return score;
}

std::size_t NabScoredWindows(std::size_t rows, std::span<const NabWindow> windows) {
  const std::size_t probation = NabProbation(rows);
  return static_cast<std::size_t>(std::count_if(
      windows.begin(), windows.end(), [&](const NabWindow& w) { return w.last >= probation; }));
}

double NabNormalised(double raw, std::size_t scored_windows, const NabProfile& profile) {
  const auto windows = static_cast<double>(scored_windows);
  const double nothing = -profile.missed * windows;
  const double perfect = profile.caught * windows;
  return perfect > nothing ? 100 * (raw - nothing) / (perfect - nothing) : 0;
}

std::vector<NabWindow> NabWindowsOf(std::span<const double> marks) {
  std::vector<NabWindow> out;
  for (std::size_t i = 0; i < marks.size(); ++i) {
    if (marks[i] != 1) {
      continue;
    }
    if (i == 0 || marks[i - 1] != 1) {
      out.push_back({i, i});
    }
    out.back().last = i;
  }
  return out;
}

}  // namespace trib::bench::drift
