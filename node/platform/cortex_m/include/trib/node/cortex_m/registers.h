#pragma once

#include <cstdint>

/// Registers of the core that every Cortex-M has, and how any register is reached.
namespace trib::node::cortex_m {

inline std::uint32_t Load(std::uint32_t address) {
  return *reinterpret_cast<const volatile std::uint32_t*>(address);
}
inline void Store(std::uint32_t address, std::uint32_t value) {
  *reinterpret_cast<volatile std::uint32_t*>(address) = value;
}
inline void SetBits(std::uint32_t address, std::uint32_t bits) {
  Store(address, Load(address) | bits);
}

/// All accesses before it are done before any after it.
inline void Barrier() {
  asm volatile("dsb\n isb" ::: "memory");
}
inline void WaitForInterrupt() {
  asm volatile("dsb\n wfi" ::: "memory");
}

namespace scs {
inline constexpr std::uint32_t kInterruptEnable = 0xE000E100;  // NVIC_ISER0, a bit for each line
inline constexpr std::uint32_t kControlState = 0xE000ED04;     // ICSR
inline constexpr std::uint32_t kVectors = 0xE000ED08;          // VTOR
inline constexpr std::uint32_t kReset = 0xE000ED0C;            // AIRCR
inline constexpr std::uint32_t kConfiguration = 0xE000ED14;    // CCR
inline constexpr std::uint32_t kHandlers = 0xE000ED24;         // SHCSR
inline constexpr std::uint32_t kFaultStatus = 0xE000ED28;      // CFSR: memory, bus, usage
inline constexpr std::uint32_t kMemoryAddress = 0xE000ED34;    // MMFAR
inline constexpr std::uint32_t kBusAddress = 0xE000ED38;       // BFAR

inline constexpr std::uint32_t kResetRequest = 0x05FA0004;
inline constexpr std::uint32_t kTrapDivisionByZero = 1U << 4U;
inline constexpr std::uint32_t kFaultsEnabled = 7U << 16U;  // usage, bus, memory
}  // namespace scs

/// Interrupts stay off while one lives. Nests.
class InterruptLock {
 public:
  InterruptLock() { asm volatile("mrs %0, primask\n cpsid i" : "=r"(before_)::"memory"); }
  ~InterruptLock() { asm volatile("msr primask, %0" ::"r"(before_) : "memory"); }
  InterruptLock(const InterruptLock&) = delete;
  InterruptLock& operator=(const InterruptLock&) = delete;

 private:
  std::uint32_t before_;
};

}  // namespace trib::node::cortex_m
