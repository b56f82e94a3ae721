#include "process_meter.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <sstream>

namespace trib::tools::sim {
namespace {

constexpr std::size_t kStretches = 8;
constexpr double kStudent975 = 2.447;  // 6 degrees of freedom

}  // namespace

std::optional<ProcessUse> ReadUse(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(in, line)) {
    return std::nullopt;
  }
  // The name in brackets may hold anything; fields are counted from behind it.
  const std::size_t bracket = line.rfind(')');
  if (bracket == std::string::npos) {
    return std::nullopt;
  }
  std::istringstream fields(line.substr(bracket + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) {
    fields >> skipped;
  }
  double user = 0;
  double system = 0;
  fields >> user >> system;
  for (int field = 16; field < 24; ++field) {
    fields >> skipped;
  }
  std::uint64_t pages = 0;
  fields >> pages;
  if (!fields) {
    return std::nullopt;
  }
  return ProcessUse{pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)),
                    (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK))};
}

Slope FitSlope(const std::vector<std::pair<double, double>>& points) {
  Slope slope;
  if (points.size() < 2 * kStretches) {
    return slope;
  }
  std::array<double, kStretches> x{};
  std::array<double, kStretches> y{};
  for (std::size_t i = 0; i < kStretches; ++i) {
    const std::size_t begin = points.size() * i / kStretches;
    const std::size_t end = points.size() * (i + 1) / kStretches;
    for (std::size_t k = begin; k < end; ++k) {
      x[i] += points[k].first / static_cast<double>(end - begin);
      y[i] += points[k].second / static_cast<double>(end - begin);
    }
  }
  double mean_x = 0;
  double mean_y = 0;
  for (std::size_t i = 0; i < kStretches; ++i) {
    mean_x += x[i] / kStretches;
    mean_y += y[i] / kStretches;
  }
  double sxx = 0;
  double sxy = 0;
  for (std::size_t i = 0; i < kStretches; ++i) {
    sxx += (x[i] - mean_x) * (x[i] - mean_x);
    sxy += (x[i] - mean_x) * (y[i] - mean_y);
  }
  if (sxx <= 0) {
    return slope;
  }
  slope.per_hour = sxy / sxx;
  double rest = 0;
  for (std::size_t i = 0; i < kStretches; ++i) {
    const double error = y[i] - mean_y - slope.per_hour * (x[i] - mean_x);
    rest += error * error;
  }
  const double half = kStudent975 * std::sqrt(rest / (kStretches - 2) / sxx);
  slope.low = slope.per_hour - half;
  slope.high = slope.per_hour + half;
  slope.known = true;
  return slope;
}

void ProcessMeter::Sample(const std::string& name, pid_t pid, Millis virtual_time) {
  const auto use = ReadUse(pid);
  if (!use) {
    return;
  }
  Series& series = series_[name];
  Last& last = last_[name];
  if (last.pid != pid) {
    last = {pid, 0};
    series.since_restart = series.points.size();
  }
  series.cpu_s += use->cpu_s - last.cpu_s;
  last.cpu_s = use->cpu_s;
  series.peak_bytes = std::max(series.peak_bytes, use->resident_bytes);
  series.points.emplace_back(static_cast<double>(virtual_time.count()) / 3'600'000,
                             static_cast<double>(use->resident_bytes));
}

LeakCheck CheckLeak(const ProcessMeter::Series& series, std::size_t connections) {
  LeakCheck check;
  const std::size_t alive = series.points.size() - series.since_restart;
  const auto begin =
      series.points.begin() + static_cast<std::ptrdiff_t>(series.since_restart + alive * 2 / 5);
  const std::vector<std::pair<double, double>> points(begin, series.points.end());
  check.slope = FitSlope(points);
  check.judged = check.slope.known;
  if (!check.judged) {
    return check;
  }
  for (const auto& [hour, bytes] : points) {
    check.mean_bytes += bytes / static_cast<double>(points.size());
  }
  check.hours = points.back().first - points.front().first;
  check.growth_bytes = check.slope.high * check.hours;
  check.allowed_bytes =
      std::max(LeakCheck::kAllowedBytes, LeakCheck::kAllowedShare * check.mean_bytes) +
      LeakCheck::kAllowedPerConnection * static_cast<double>(connections);
  check.flat = check.growth_bytes <= check.allowed_bytes;
  return check;
}

}  // namespace trib::tools::sim
