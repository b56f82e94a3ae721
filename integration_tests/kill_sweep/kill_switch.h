#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "trib/testing/disk/kill_order.h"

namespace trib::integration {

/// Kills a real program at a chosen file step; the test's side of a KillOrder.
class KillSwitch {
 public:
  /// Steps on files in `folder` count.
  explicit KillSwitch(const std::filesystem::path& folder);
  ~KillSwitch();
  KillSwitch(const KillSwitch&) = delete;
  KillSwitch& operator=(const KillSwitch&) = delete;

  /// For the victim's start.
  [[nodiscard]] std::vector<std::string> Environment() const;
  [[nodiscard]] std::uint64_t steps() const { return order_->count; }
  /// The victim dies at its n-th step from now.
  void Arm(std::uint64_t n, testing::disk::Manner manner);
  /// Nothing dies any more after this. @returns whether a victim died, or is just dying, since
  /// Arm().
  bool Disarm();
  /// Where it died.
  [[nodiscard]] std::optional<testing::disk::KillOrder::Note> Hit() const;
  [[nodiscard]] const testing::disk::KillOrder::Note& note(std::uint64_t step) const {
    return order_->note(step);
  }

 private:
  std::filesystem::path file_;
  testing::disk::KillOrder* order_ = nullptr;
  bool armed_ = false;
};

}  // namespace trib::integration
