#include "trib/node/cortex_m/console.h"

#include <array>
#include <cstddef>

#include "trib/node/cortex_m/board.h"
#include "trib/node/cortex_m/registers.h"
#include "uart_registers.h"

namespace trib::node::cortex_m {
namespace {

constexpr std::uint32_t kBase = board::kConsoleUart.base;
// Some times longer than the slowest byte takes: 10 bits at kConsoleBaud.
constexpr std::uint32_t kPatience = 100'000;

void Put(char c) {
  for (std::uint32_t i = 0; i < kPatience; ++i) {
    if ((Load(kBase + uart::kState) & uart::kTransmitFull) == 0) {
      Store(kBase + uart::kData, static_cast<unsigned char>(c));
      return;
    }
  }
}

}  // namespace

void Console::Start() {
  Store(kBase + uart::kDivider, board::kUartHz / uart::kConsoleBaud);
  Store(kBase + uart::kControl, uart::kTransmitOn);
}

const Console& Console::Text(std::string_view text) const {
  for (const char c : text) {
    Put(c);
  }
  return *this;
}

const Console& Console::Number(std::uint64_t value) const {
  std::array<char, 20> digits{};
  std::size_t first = digits.size();
  do {
    digits[--first] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  return Text({digits.data() + first, digits.size() - first});
}

const Console& Console::Hex(std::uint32_t value) const {
  Text("0x");
  for (int shift = 28; shift >= 0; shift -= 4) {
    Put("0123456789abcdef"[(value >> static_cast<unsigned>(shift)) & 15U]);
  }
  return *this;
}

}  // namespace trib::node::cortex_m
