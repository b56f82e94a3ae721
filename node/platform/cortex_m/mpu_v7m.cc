// Armv7-M: up to eight regions, of which the one with the highest number counts.
#include <bit>
#include <cstdint>

#include "mpu.h"
#include "trib/node/cortex_m/board.h"
#include "trib/node/cortex_m/registers.h"

namespace trib::node::cortex_m {
namespace {

constexpr std::uint32_t kControl = 0xE000ED94;
constexpr std::uint32_t kNumber = 0xE000ED98;
constexpr std::uint32_t kBase = 0xE000ED9C;
constexpr std::uint32_t kAttributes = 0xE000EDA0;

constexpr std::uint32_t kEnable = 1;  // without the default map, and not in NMI and HardFault
constexpr std::uint32_t kExecuteNever = 1U << 28U;
constexpr std::uint32_t kNoAccess = 0;
constexpr std::uint32_t kReadWrite = 3U << 24U;
constexpr std::uint32_t kReadOnly = 6U << 24U;
constexpr std::uint32_t kNormal = 1U << 19U;  // with kCached: write-back, allocating on writes, too
constexpr std::uint32_t kCached = 3U << 16U;
constexpr std::uint32_t kDevice = 1U << 16U;

static_assert(this_board::kProtection.size() <= 8);

std::uint32_t AttributesOf(const ProtectedRange& part, bool writable) {
  const std::uint32_t size =
      static_cast<std::uint32_t>(std::countr_zero(part.range.bytes) - 1) << 1U | 1U;
  switch (part.access) {
    case Access::kCode:
      return size | kReadOnly | kCached;
    case Access::kReadOnly:
      return size | (writable ? kReadWrite : kReadOnly) | kExecuteNever | kCached;
    case Access::kData:
      return size | kReadWrite | kExecuteNever | kNormal | kCached;
    case Access::kPeripheral:
      return size | kReadWrite | kExecuteNever | kDevice;
    case Access::kNone:
      break;
  }
  return size | kNoAccess | kExecuteNever;
}

}  // namespace

void SetRegion(std::uint32_t number, bool writable) {
  const ProtectedRange& part = this_board::kProtection[number];
  Store(kNumber, number);
  Store(kBase, part.range.base);
  Store(kAttributes, AttributesOf(part, writable));
}

void EnableProtection() {
  Barrier();
  Store(kControl, kEnable);
  Barrier();
}

}  // namespace trib::node::cortex_m
