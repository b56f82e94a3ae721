#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "trib/common/base/random.h"
#include "trib/node/ports/flash.h"

namespace trib::testing {

/// NOR flash in memory: strict about the port's rules, and it fails or loses power when told.
///
/// A durable operation is one Program() call or the erasure of one sector; they are counted from 1
/// since construction or ResetOperations().
///
/// State  After a cut every call is refused with kUnavailable until Reboot(). A sector whose
///        erasure was cut has undefined contents that may look blank; programming it is refused
///        until it has been erased in full, because real cells would not hold the data.
class FakeFlash final : public node::Flash {
 public:
  explicit FakeFlash(Geometry geometry, std::uint64_t seed = 1);

  [[nodiscard]] Geometry geometry() const override { return geometry_; }
  Status Erase(node::SectorIndex first, std::uint32_t count) override;
  Status Program(std::uint32_t offset, std::span<const std::byte> bytes) override;
  Status Read(std::uint32_t offset, std::span<std::byte> out) override;

  /// Power goes during the n-th durable operation from now (1 = the next one): a program leaves a
  /// random prefix of its units, an erasure leaves old, blank and random bytes.
  void CutPowerAt(std::uint64_t nth);
  /// The n-th durable operation from now fails with `code` and changes nothing; `times` in a row.
  void FailAt(std::uint64_t nth, Code code = Code::kInternal, std::uint64_t times = 1);
  /// Every erasure or program that touches `sector` fails with kInternal from now on.
  void WearOut(node::SectorIndex sector);
  /// Power is back; contents stay.
  void Reboot();
  [[nodiscard]] bool powered() const { return powered_; }

  [[nodiscard]] std::uint64_t operations() const { return operations_; }
  void ResetOperations() { operations_ = 0; }
  [[nodiscard]] std::uint64_t erases(node::SectorIndex sector) const {
    return erases_[sector.value()];
  }
  /// Calls refused because they broke the port's rules. A correct caller leaves it at 0.
  [[nodiscard]] std::uint64_t violations() const { return violations_; }

  /// Flips bits, as ageing does: contents ^= mask.
  void Corrupt(std::uint32_t offset, std::byte mask);
  [[nodiscard]] std::span<const std::byte> contents() const { return bytes_; }

 private:
  Status EraseSector(std::uint32_t sector);
  Status Begin(std::uint32_t sector);
  Status Violation(Code code);

  Geometry geometry_;
  SplitMix64 random_;
  std::vector<std::byte> bytes_;
  std::vector<bool> programmed_;  // per unit since its erasure
  std::vector<bool> undefined_;   // per sector: erasure was cut
  std::vector<bool> worn_;
  std::vector<std::uint64_t> erases_;
  bool powered_ = true;
  bool cut_now_ = false;
  std::uint64_t operations_ = 0;
  std::uint64_t cut_at_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t fail_at_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t fail_times_ = 0;
  Code fail_code_ = Code::kInternal;
  std::uint64_t violations_ = 0;
};

}  // namespace trib::testing
