#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include "trib/common/base/random.h"
#include "trib/node/ports/actuator.h"
#include "trib/node/ports/entropy.h"
#include "trib/node/ports/flash.h"
#include "trib/node/ports/power.h"
#include "trib/node/ports/watchdog.h"

/// The ports of a simulated node that hold nothing interesting.
namespace trib::tools::sim {

/// NOR flash in memory, small and quick: it checks bounds and erasure, and nothing ever fails.
template <std::uint32_t kSectors, std::uint32_t kSectorBytes>
class MemoryFlash final : public node::Flash {
 public:
  MemoryFlash() { std::memset(bytes_, 0xFF, sizeof bytes_); }

  [[nodiscard]] Geometry geometry() const override {
    return {.sector_bytes = kSectorBytes, .sector_count = kSectors, .program_unit_bytes = kUnit};
  }
  Status Erase(node::SectorIndex first, std::uint32_t count) override {
    if (first.value() > kSectors || count > kSectors - first.value()) {
      return Code::kInvalidArgument;
    }
    std::memset(bytes_ + std::size_t{first.value()} * kSectorBytes,
                0xFF,
                std::size_t{count} * kSectorBytes);
    return {};
  }
  Status Program(std::uint32_t offset, std::span<const std::byte> bytes) override {
    if (offset % kUnit != 0 || bytes.size() % kUnit != 0 || !Inside(offset, bytes.size())) {
      return Code::kInvalidArgument;
    }
    const auto target = std::span(bytes_).subspan(offset, bytes.size());
    if (!std::all_of(target.begin(), target.end(), [](std::byte b) { return b == kBlank; })) {
      return Code::kFailedPrecondition;
    }
    std::copy(bytes.begin(), bytes.end(), target.begin());
    return {};
  }
  Status Read(std::uint32_t offset, std::span<std::byte> out) override {
    if (!Inside(offset, out.size())) {
      return Code::kInvalidArgument;
    }
    std::memcpy(out.data(), bytes_ + offset, out.size());
    return {};
  }

 private:
  static constexpr std::uint32_t kUnit = 8;
  static constexpr std::byte kBlank{0xFF};
  static bool Inside(std::uint32_t offset, std::size_t bytes) {
    return offset <= sizeof bytes_ && bytes <= sizeof bytes_ - offset;
  }
  std::byte bytes_[std::size_t{kSectors} * kSectorBytes];
};

class LastActuator final : public node::Actuator {
 public:
  void Set(node::ActuatorState state) override { state_ = state; }
  [[nodiscard]] node::ActuatorState state() const { return state_; }

 private:
  node::ActuatorState state_ = node::ActuatorState::kUnspecified;
};

/// Repeats itself with the seed: enrolment epochs, and so all record keys, are the same in each
/// run.
class SeededEntropy final : public node::Entropy {
 public:
  explicit SeededEntropy(std::uint64_t seed) : random_(seed) {}
  Status Fill(std::span<std::byte> out) override {
    for (std::byte& byte : out) {
      byte = static_cast<std::byte>(random_.Next() & 0xFFU);
    }
    return {};
  }

 private:
  SplitMix64 random_;
};

/// Virtual time passes between steps only, so nothing can come too late.
class NoWatchdog final : public node::Watchdog {
 public:
  void Start(Millis /*timeout*/) override {}
  void Feed() override {}
};

class NoPower final : public node::Power {
 public:
  node::ResetCause reset_cause() override { return node::ResetCause::kPowerOn; }
  void Sleep(Millis /*limit*/) override {}
};

}  // namespace trib::tools::sim
