#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trib/tools/launcher/fleet.h"
#include "view.h"

namespace trib::tools::demo {

/// The demo's pumps whose time passes so fast that a block of it is about a second here. They stay
/// sound; midway the sensors of some begin to read too much, one after the other.
///
/// Threads  One caller.
class DriftPart {
 public:
  /// `seconds` is how long the demo plays, `seed` its seed.
  DriftPart(launcher::Fleet& fleet, double seconds, std::uint64_t seed);

  /// Lines of the cloud's [drift] table: blocks of a minute of the pumps' time.
  static std::string CloudLines();

  /// Admits and starts the pumps at a gateway, and adds them to the snapshot.
  /// @returns false with the fleet's error().
  bool Start(std::uint64_t gateway, Snapshot& snapshot);
  /// Says when sensors began to drift and when the cloud raised alarms, from the pumps' newest
  /// reports and the cloud's answers. @returns what is new, a line each.
  std::vector<std::string> Collect(Snapshot& snapshot);

 private:
  struct Pump {
    std::uint64_t node = 0;
    double drift_second = 0;  ///< of its signal; 0: never
  };
  [[nodiscard]] std::vector<std::string> Arguments(const Pump& pump) const;
  void ReadAlarms(Snapshot& snapshot, std::vector<std::string>& news);

  launcher::Fleet& fleet_;
  double play_seconds_;
  double pace_;
  std::uint64_t seed_;
  std::vector<Pump> pumps_;
};

}  // namespace trib::tools::demo
