#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "trib/tools/launcher/fleet.h"
#include "view.h"

namespace trib::tools::demo {

/// The demo's nodes on emulated microcontroller boards, one of each board: the firmware image,
/// attached by wire, sensing a simulated machine in real time.
///
/// Threads  One caller.
class BoardPart {
 public:
  /// `bin`: where the programs are; images are in the builds beside it.
  BoardPart(launcher::Fleet& fleet, std::filesystem::path bin, double seconds, std::uint64_t seed);

  /// What is missing for boards, in one line; empty when nothing is.
  static std::string Missing(const std::filesystem::path& bin);
  /// Who must be named in the gateways' [serial] nodes.
  static std::vector<std::uint64_t> Nodes();

  /// Admits and powers up the boards, one after the other at a gateway each, and adds them to the
  /// snapshot. @returns false with the fleet's error().
  bool Start(std::uint64_t first_gateway,
             std::size_t gateways,
             const std::string& package,
             Snapshot& snapshot);
  /// Reads what the boards say; one that is done is powered down.
  void Collect(Snapshot& snapshot);

 private:
  launcher::Fleet& fleet_;
  std::filesystem::path bin_;
  double seconds_;
  std::uint64_t seed_;
};

}  // namespace trib::tools::demo
