// The scoring of the Numenta Anomaly Benchmark (Lavin and Ahmad, ICMLA 2015), from its description.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace trib::bench::drift {

/// Rows [first, last] in which a detection is right.
struct NabWindow {
  std::size_t first = 0;
  std::size_t last = 0;
};

/// What a caught window, a false alarm and a missed window weigh.
struct NabProfile {
  const char* name;
  double caught;
  double false_alarm;
  double missed;
};
inline constexpr std::array<NabProfile, 3> kNabProfiles = {{
    {"standard", 1, 0.11, 1},
    {"low false alarms", 1, 0.22, 1},
    {"low misses", 1, 0.11, 2},
}};

/// Rows at the beginning that are for learning and are not scored: 15 %, at most 750.
std::size_t NabProbation(std::size_t rows);

/// 2 / (1 + e^(5 y)) - 1: from nearly 1 at the window's left edge (y = -1) through 0 at its right
/// edge to nearly -1 one window's width later; from three widths on -1.
double NabSigmoid(double position);

/// The score of one file. Of a window only the earliest detection counts, and the more the earlier:
/// at its first row it is `caught`. A detection outside costs by its distance to the window before
/// it, and all of `false_alarm` where there is none. A window that lies in the probation wholly is
/// not scored.
///
/// Requires  windows and detections in order; windows apart.
double NabRawScore(std::size_t rows,
                   std::span<const NabWindow> windows,
                   std::span<const std::size_t> detections,
                   const NabProfile& profile);

/// Windows that are scored.
std::size_t NabScoredWindows(std::size_t rows, std::span<const NabWindow> windows);

/// 0 is who never detects anything, 100 who detects each window at its first row and nothing else.
double NabNormalised(double raw, std::size_t scored_windows, const NabProfile& profile);

/// Runs of rows marked 1.
std::vector<NabWindow> NabWindowsOf(std::span<const double> marks);

}  // namespace trib::bench::drift
