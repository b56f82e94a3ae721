#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "trib/common/base/time.h"

namespace trib::tools::sim {

/// What a process has used up to a moment.
struct ProcessUse {
  std::uint64_t resident_bytes = 0;
  double cpu_s = 0;
};

/// @returns nullopt when there is no such process, or none any more.
std::optional<ProcessUse> ReadUse(pid_t pid);

/// A straight line through resident sizes, and how sure it is.
struct Slope {
  double per_hour = 0;  ///< bytes per hour of virtual time
  double low = 0;       ///< 95 % interval
  double high = 0;
  bool known = false;  ///< enough samples for an interval
};

/// Fits the means of eight equal stretches, because neighbouring samples are not independent:
/// Student's t with 6 degrees of freedom. Needs at least 16 samples.
Slope FitSlope(const std::vector<std::pair<double, double>>& hours_and_bytes);

/// Follows processes by name, over restarts.
class ProcessMeter {
 public:
  struct Series {
    std::vector<std::pair<double, double>> points;  ///< virtual hours, resident bytes
    std::size_t since_restart = 0;                  ///< first point of the present process
    double cpu_s = 0;                               ///< of all processes of that name
    std::uint64_t peak_bytes = 0;
  };

  /// Takes a sample. A process with another id than before has been restarted.
  void Sample(const std::string& name, pid_t pid, Millis virtual_time);
  [[nodiscard]] const std::map<std::string, Series>& series() const { return series_; }

 private:
  struct Last {
    pid_t pid = 0;
    double cpu_s = 0;
  };
  std::map<std::string, Series> series_;
  std::map<std::string, Last> last_;
};

/// The leak check: over the samples since the last restart, without their first 40 % (caches fill
/// up), the upper end of the slope's interval must not amount to more than the allowance over the
/// time that is left in the samples.
struct LeakCheck {
  static constexpr double kAllowedShare = 0.05;  ///< of the mean resident size
  /// Of a server, per connection: libzmq keeps two chunks of 256 message slots of 64 bytes for each
  /// direction, and a page of them becomes resident when that many messages have gone through for
  /// the first time. With few messages a day that lasts for days; it is bounded, and no leak.
  static constexpr double kAllowedPerConnection = 2.0 * 2 * 256 * 64;
  static constexpr double kAllowedBytes = 2.0 * 1024 * 1024;  ///< or this, whichever is more
  Slope slope;
  double hours = 0;
  double mean_bytes = 0;
  double growth_bytes = 0;  ///< upper end x hours
  double allowed_bytes = 0;
  bool flat = false;
  bool judged = false;  ///< enough samples to judge
};
LeakCheck CheckLeak(const ProcessMeter::Series& series, std::size_t connections = 0);

}  // namespace trib::tools::sim
