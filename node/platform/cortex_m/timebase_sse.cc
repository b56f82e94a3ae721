// The 64-bit counter of an Arm SSE subsystem, and a timer that compares with it.
#include "trib/node/cortex_m/board.h"
#include "trib/node/cortex_m/registers.h"
#include "trib/node/cortex_m/system.h"
#include "trib/node/cortex_m/timebase.h"

namespace trib::node::cortex_m::timebase {
namespace {

constexpr std::uint32_t kCounterControl = 0x0;
constexpr std::uint32_t kCounterOn = 1;

constexpr std::uint32_t kCountLow = 0x0;
constexpr std::uint32_t kCountHigh = 0x4;
constexpr std::uint32_t kCompareLow = 0x20;
constexpr std::uint32_t kCompareHigh = 0x24;
constexpr std::uint32_t kControl = 0x2C;
constexpr std::uint32_t kOff = 0;
constexpr std::uint32_t kOn = 1;  // and not masked

class Alarm final : public InterruptHandler {
 public:
  void OnInterrupt(std::uint32_t /*line*/) override {
    Store(this_board::kSystemTimer + kControl, kOff);
    rang_ = true;
  }
  void Set(std::uint64_t ticks) {
    const InterruptLock lock;
    Store(this_board::kSystemTimer + kControl, kOff);
    rang_ = false;
    Store(this_board::kSystemTimer + kCompareLow, static_cast<std::uint32_t>(ticks));
    Store(this_board::kSystemTimer + kCompareHigh, static_cast<std::uint32_t>(ticks >> 32U));
    Store(this_board::kSystemTimer + kControl, kOn);
  }
  void Clear() {
    const InterruptLock lock;
    Store(this_board::kSystemTimer + kControl, kOff);
  }
  [[nodiscard]] bool rang() const { return rang_; }

 private:
  volatile bool rang_ = false;
};

constinit Alarm alarm;

}  // namespace

void Start() {
  Store(this_board::kSystemCounter + kCounterControl, kCounterOn);
  Attach(this_board::kSystemTimerLine, alarm);
}

std::uint64_t Ticks() {
  // Between the two reads the lower half may go round.
  for (;;) {
    const std::uint32_t high = Load(this_board::kSystemTimer + kCountHigh);
    const std::uint32_t low = Load(this_board::kSystemTimer + kCountLow);
    if (Load(this_board::kSystemTimer + kCountHigh) == high) {
      return std::uint64_t{high} << 32U | low;
    }
  }
}

void SetAlarm(std::uint64_t ticks) {
  alarm.Set(ticks);
}

bool AlarmRang() {
  return alarm.rang();
}

void ClearAlarm() {
  alarm.Clear();
}

}  // namespace trib::node::cortex_m::timebase
