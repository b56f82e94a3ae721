#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/crypto/crypto.h"
#include "trib/node/board/entropy_sector.h"
#include "trib/node/ports/entropy.h"
#include "trib/node/ports/flash.h"

namespace trib::node::board {

/// Entropy of a board without a generator: drawn from a secret seed that was written when the board
/// was made, and never the same at two boots. docs/formats/board_memory.md, section 3.
///
/// Memory   Borrows the flash, the two sectors of the entropy area, for life.
/// Threads  One caller at a time.
/// Durable  A boot is counted before its first byte is given.
class SeededEntropy final : public Entropy {
 public:
  explicit SeededEntropy(Flash& flash) : flash_(flash) {}

  /// @returns kFailedPrecondition on a board that was never seeded; a failure of the flash
  Status Fill(std::span<std::byte> out) override;

 private:
  Status CountBoot();
  Status ReadSector(std::uint32_t sector, EntropySector& out);
  Status BeginNextGeneration();
  void DrawBlock();

  Flash& flash_;
  EntropySector sector_;  // the one that counts
  std::uint32_t sector_index_ = 0;
  bool counted_ = false;
  std::uint32_t counter_ = 0;  // of the next block
  crypto::Digest block_{};
  std::size_t taken_ = crypto::Digest::kSize;  // of block_
};

}  // namespace trib::node::board
