#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "board.h"
#include "trib/common/host/compiler/compiler.h"

namespace trib::bench::mcu {

/// A network to be counted: its plan, and one input.
struct CountedNetwork {
  std::string name;
  host::compiler::Compiled compiled;
  std::vector<std::byte> input;
  std::uint32_t output_crc = 0;  ///< what the reference, or this host, makes of the input
};

struct OperatorCost {
  std::string name;
  std::uint64_t macs = 0;
  std::uint64_t instructions = 0;
};

struct NetworkCost {
  std::string name;
  std::uint64_t macs = 0;
  std::uint64_t instructions = 0;  ///< of one Runner::Run()
  std::uint64_t cycles = 0;        ///< estimated; 0 where they cannot be
  std::uint32_t arena_bytes = 0;
  std::uint32_t state_bytes = 0;
  std::size_t plan_bytes = 0;
  std::size_t weights_bytes = 0;
  std::vector<OperatorCost> operators;  ///< the calls between them are left out
};

/// The golden models in `folder`, by their short names.
/// @param only  short names; empty: all
/// @returns nullopt with one line in `error`
std::optional<std::vector<CountedNetwork>> GoldenNetworks(const std::filesystem::path& folder,
                                                          const std::vector<std::string>& only,
                                                          std::string& error);

/// Runs each network on the board's engine image, checks that its output is right, and counts.
/// @returns nullopt with one line in `error`, also for an output that is wrong: no figure then
/// counts.
std::optional<std::vector<NetworkCost>> CountNetworks(const Board& board,
                                                      std::string_view image,
                                                      const std::vector<CountedNetwork>& networks,
                                                      std::string& error);

}  // namespace trib::bench::mcu
