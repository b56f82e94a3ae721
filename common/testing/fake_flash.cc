#include "trib/testing/fake_flash.h"

#include <algorithm>

#include "trib/common/base/check.h"

namespace trib::testing {

FakeFlash::FakeFlash(Geometry geometry, std::uint64_t seed)
    : geometry_(geometry),
      random_(seed),
      bytes_(std::size_t{geometry.sector_bytes} * geometry.sector_count, std::byte{0xFF}),
      undefined_(geometry.sector_count),
      worn_(geometry.sector_count),
      erases_(geometry.sector_count) {
  TRIB_CHECK(geometry.program_unit_bytes > 0);
  TRIB_CHECK(geometry.sector_bytes % geometry.program_unit_bytes == 0);
  programmed_.resize(bytes_.size() / geometry.program_unit_bytes);
}

Status FakeFlash::Violation(Code code) {
  ++violations_;
  return code;
}

void FakeFlash::CutPowerAt(std::uint64_t nth) {
  cut_at_ = operations_ + nth;
}

void FakeFlash::FailAt(std::uint64_t nth, Code code, std::uint64_t times) {
  fail_at_ = operations_ + nth;
  fail_code_ = code;
  fail_times_ = times;
}

void FakeFlash::WearOut(node::SectorIndex sector) {
  worn_[sector.value()] = true;
}

void FakeFlash::Reboot() {
  powered_ = true;
  cut_at_ = std::numeric_limits<std::uint64_t>::max();
}

void FakeFlash::Corrupt(std::uint32_t offset, std::byte mask) {
  bytes_[offset] ^= mask;
}

Status FakeFlash::Begin(std::uint32_t sector) {
  ++operations_;
  cut_now_ = operations_ == cut_at_;
  if (operations_ >= fail_at_ && operations_ - fail_at_ < fail_times_) {
    return fail_code_;
  }
  return worn_[sector] ? Status(Code::kInternal) : Status();
}

Status FakeFlash::EraseSector(std::uint32_t sector) {
  TRIB_TRY(Begin(sector));
  const std::size_t begin = std::size_t{sector} * geometry_.sector_bytes;
  const auto bytes = std::span(bytes_).subspan(begin, geometry_.sector_bytes);
  if (!cut_now_) {
    std::ranges::fill(bytes, std::byte{0xFF});
    const std::size_t units = geometry_.sector_bytes / geometry_.program_unit_bytes;
    const auto first = programmed_.begin() + static_cast<std::ptrdiff_t>(sector * units);
    std::fill(first, first + static_cast<std::ptrdiff_t>(units), false);
    undefined_[sector] = false;
    ++erases_[sector];
    return {};
  }
  // Five ways in which an erasure may stop; the old, blank-looking and random ones all mislead a
  // reader differently.
  const std::size_t half = bytes.size() / 2;
  const auto randomise = [this](std::span<std::byte> part) {
    std::ranges::generate(part, [this] { return static_cast<std::byte>(random_.Next()); });
  };
  switch (random_.Next() % 5) {
    case 0:  // nothing changed yet
      break;
    case 1:  // looks blank
      std::ranges::fill(bytes, std::byte{0xFF});
      break;
    case 2:  // the start survives
      std::ranges::fill(bytes.subspan(half), std::byte{0xFF});
      break;
    case 3:  // the end survives
      std::ranges::fill(bytes.first(half), std::byte{0xFF});
      break;
    default:  // garbage, then blank
      randomise(bytes.first(half));
      std::ranges::fill(bytes.subspan(half), std::byte{0xFF});
      break;
  }
  undefined_[sector] = true;
  powered_ = false;
  return Code::kUnavailable;
}

Status FakeFlash::Erase(node::SectorIndex first, std::uint32_t count) {
  if (!powered_) {
    return Code::kUnavailable;
  }
  if (first.value() >= geometry_.sector_count || count == 0 ||
      count > geometry_.sector_count - first.value()) {
    return Violation(Code::kInvalidArgument);
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    TRIB_TRY(EraseSector(first.value() + i));
  }
  return {};
}

Status FakeFlash::Program(std::uint32_t offset, std::span<const std::byte> bytes) {
  if (!powered_) {
    return Code::kUnavailable;
  }
  const std::size_t unit = geometry_.program_unit_bytes;
  if (bytes.empty() || offset % unit != 0 || bytes.size() % unit != 0 || offset > bytes_.size() ||
      bytes.size() > bytes_.size() - offset) {
    return Violation(Code::kInvalidArgument);
  }
  const std::size_t first_unit = offset / unit;
  const std::size_t units = bytes.size() / unit;
  const std::size_t first_sector = offset / geometry_.sector_bytes;
  const std::size_t last_sector = (offset + bytes.size() - 1) / geometry_.sector_bytes;
  for (std::size_t sector = first_sector; sector <= last_sector; ++sector) {
    if (undefined_[sector]) {
      return Violation(Code::kFailedPrecondition);
    }
  }
  for (std::size_t i = 0; i < units; ++i) {
    if (programmed_[first_unit + i]) {
      return Violation(Code::kFailedPrecondition);
    }
  }
  TRIB_TRY(Begin(static_cast<std::uint32_t>(first_sector)));
  const std::size_t done = cut_now_ ? random_.Next() % (units + 1) : units;
  for (std::size_t i = 0; i < done; ++i) {
    programmed_[first_unit + i] = true;
  }
  for (std::size_t i = 0; i < done * unit; ++i) {
    bytes_[offset + i] &= bytes[i];
  }
  if (cut_now_) {
    powered_ = false;
    return Code::kUnavailable;
  }
  return {};
}

Status FakeFlash::Read(std::uint32_t offset, std::span<std::byte> out) {
  if (!powered_) {
    return Code::kUnavailable;
  }
  if (offset > bytes_.size() || out.size() > bytes_.size() - offset) {
    return Violation(Code::kInvalidArgument);
  }
  std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
  return {};
}

}  // namespace trib::testing
