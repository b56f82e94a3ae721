#include "trib/node/cortex_m/nor_flash.h"

#include <algorithm>

#include "trib/common/base/check.h"

namespace trib::node::cortex_m {

NorFlash::NorFlash(std::span<std::byte> memory, const Geometry& geometry, WriteSwitch& write_switch)
    : memory_(memory), geometry_(geometry), switch_(write_switch) {
  TRIB_CHECK(geometry.program_unit_bytes > 0 &&
             geometry.sector_bytes % geometry.program_unit_bytes == 0);
  TRIB_CHECK(memory.size() == std::size_t{geometry.sector_bytes} * geometry.sector_count);
}

Status NorFlash::Erase(SectorIndex first, std::uint32_t count) {
  if (first.value() > geometry_.sector_count || count > geometry_.sector_count - first.value()) {
    return Code::kInvalidArgument;
  }
  const auto sectors = memory_.subspan(std::size_t{first.value()} * geometry_.sector_bytes,
                                       std::size_t{count} * geometry_.sector_bytes);
  switch_.SetWritable(true);
  std::ranges::fill(sectors, std::byte{0xFF});
  switch_.SetWritable(false);
  return {};
}

Status NorFlash::Program(std::uint32_t offset, std::span<const std::byte> bytes) {
  const std::uint32_t unit = geometry_.program_unit_bytes;
  if (offset % unit != 0 || bytes.size() % unit != 0 || !Inside(offset, bytes.size())) {
    return Code::kInvalidArgument;
  }
  const auto present = memory_.subspan(offset, bytes.size());
  if (!std::ranges::all_of(present, [](std::byte b) { return b == std::byte{0xFF}; })) {
    return Code::kFailedPrecondition;
  }
  switch_.SetWritable(true);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    present[i] &= bytes[i];
  }
  switch_.SetWritable(false);
  return {};
}

Status NorFlash::Read(std::uint32_t offset, std::span<std::byte> out) {
  if (!Inside(offset, out.size())) {
    return Code::kInvalidArgument;
  }
  std::ranges::copy(memory_.subspan(offset, out.size()), out.begin());
  return {};
}

}  // namespace trib::node::cortex_m
