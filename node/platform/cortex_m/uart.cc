#include "trib/node/cortex_m/uart.h"

#include <algorithm>

#include "trib/node/cortex_m/board.h"
#include "trib/node/cortex_m/registers.h"
#include "uart_registers.h"

namespace trib::node::cortex_m {
namespace {

constexpr std::uint32_t kControlPaused =
    uart::kTransmitOn | uart::kReceiveOn | uart::kTransmitInterrupt;
constexpr std::uint32_t kControlAll = kControlPaused | uart::kReceiveInterrupt;
constexpr std::uint32_t kLeastDivider = 16;

}  // namespace

void Uart::Start(std::uint32_t baud) {
  Store(place_.base + uart::kDivider, std::max(kLeastDivider, this_board::kUartHz / baud));
  Attach(place_.receive_line, *this);
  Attach(place_.transmit_line, *this);
  Store(place_.base + uart::kControl, kControlAll);
}

void Uart::OnInterrupt(std::uint32_t line) {
  if (line == place_.receive_line) {
    TakeReceived();
  } else {
    Store(place_.base + uart::kInterrupt, uart::kTransmitted);
    GiveWaiting();
  }
}

// An interrupt may come for bytes that the one before took: the state alone says what is there.
void Uart::TakeReceived() {
  std::uint32_t state = Load(place_.base + uart::kState);
  while ((state & uart::kReceiveFull) != 0) {
    if (received_.room() == 0) {
      paused_ = true;
      Store(place_.base + uart::kInterrupt, uart::kReceived);
      Store(place_.base + uart::kControl, kControlPaused);
      return;
    }
    Store(place_.base + uart::kInterrupt, uart::kReceived);
    if ((state & uart::kReceiveOverrun) != 0) {
      overruns_ = overruns_ + 1;
      Store(place_.base + uart::kState, uart::kReceiveOverrun);
    }
    const auto byte = static_cast<std::byte>(Load(place_.base + uart::kData));
    (void)received_.Push({&byte, 1});
    state = Load(place_.base + uart::kState);
  }
}

void Uart::GiveWaiting() {
  std::byte byte{};
  while ((Load(place_.base + uart::kState) & uart::kTransmitFull) == 0 &&
         waiting_.Pop({&byte, 1}) == 1) {
    Store(place_.base + uart::kData, std::to_integer<std::uint32_t>(byte));
  }
}

std::size_t Uart::Write(std::span<const std::byte> bytes) {
  const std::size_t taken = waiting_.Push(bytes);
  // Nothing interrupts for the first byte after a rest.
  const InterruptLock lock;
  GiveWaiting();
  return taken;
}

std::size_t Uart::Read(std::span<std::byte> memory) {
  const std::size_t count = received_.Pop(memory);
  if (paused_ && count > 0) {
    const InterruptLock lock;
    paused_ = false;
    Store(place_.base + uart::kControl, kControlAll);
    TakeReceived();
  }
  return count;
}

}  // namespace trib::node::cortex_m
