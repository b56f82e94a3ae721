#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sim_node.h"
#include "trib/common/status/status.h"

namespace trib::tools::sim {

/// What the cloud's database holds against what the gateways acknowledged.
struct Exactness {
  std::array<std::uint64_t, message::kPriorityCount> stored{};  ///< rows, by priority
  std::uint64_t acknowledged = 0;
  std::uint64_t missing = 0;  ///< acknowledged, and no row
  std::uint64_t drops = 0;    ///< that the gateways counted
  std::uint64_t extra = 0;    ///< rows that no node was told of, or of no node of ours
  std::uint64_t doubles = 0;  ///< rows beyond the first of their key
  std::uint64_t nodes_wrong = 0;
  std::vector<std::string> examples;  ///< of what is wrong, at most ten lines

  /// Acknowledged = stored + counted drops, site by site, and nothing twice.
  [[nodiscard]] bool exact() const {
    return nodes_wrong == 0 && extra == 0 && doubles == 0 && missing == drops;
  }
};

/// Reads every key of `store`. `drops` by site. @returns the failure, with `error`, when the file
/// cannot be read.
Status CheckExactness(const std::filesystem::path& store,
                      std::span<const std::unique_ptr<SimNode>> nodes,
                      const std::map<std::uint32_t, std::uint64_t>& drops,
                      Exactness& out,
                      std::string& error);

}  // namespace trib::tools::sim
