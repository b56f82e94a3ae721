// Armv8-M: up to eight regions or more, which may not overlap.
#include <cstdint>

#include "mpu.h"
#include "trib/node/cortex_m/board.h"
#include "trib/node/cortex_m/registers.h"

namespace trib::node::cortex_m {
namespace {

constexpr std::uint32_t kControl = 0xE000ED94;
constexpr std::uint32_t kNumber = 0xE000ED98;
constexpr std::uint32_t kBase = 0xE000ED9C;
constexpr std::uint32_t kLimit = 0xE000EDA0;
constexpr std::uint32_t kMemoryKinds = 0xE000EDC0;

constexpr std::uint32_t kEnable = 1;  // without the default map, and not in NMI and HardFault
constexpr std::uint32_t kExecuteNever = 1U << 0U;
constexpr std::uint32_t kReadWrite = 0U << 1U;
constexpr std::uint32_t kReadOnly = 2U << 1U;
// Kind 0: normal, write-back; kind 1: device, no gathering, reordering or early answers.
constexpr std::uint32_t kKinds = 0xFF;
constexpr std::uint32_t kNormal = 0U << 1U;
constexpr std::uint32_t kDevice = 1U << 1U;

static_assert(this_board::kProtection.size() <= 8);

}  // namespace

void SetRegion(std::uint32_t number, bool writable) {
  const ProtectedRange& part = this_board::kProtection[number];
  std::uint32_t rights = kReadOnly;
  std::uint32_t kind = kNormal;
  switch (part.access) {
    case Access::kCode:
      break;
    case Access::kReadOnly:
      rights = (writable ? kReadWrite : kReadOnly) | kExecuteNever;
      break;
    case Access::kData:
      rights = kReadWrite | kExecuteNever;
      break;
    case Access::kPeripheral:
      rights = kReadWrite | kExecuteNever;
      kind = kDevice;
      break;
    case Access::kNone:
      return;  // where no region is, there is no access
  }
  Store(kNumber, number);
  Store(kBase, part.range.base | rights);
  Store(kLimit, ((part.range.base + part.range.bytes - 1) & ~31U) | kind | 1U);
}

void EnableProtection() {
  Store(kMemoryKinds, kKinds);
  Barrier();
  Store(kControl, kEnable);
  Barrier();
}

}  // namespace trib::node::cortex_m
