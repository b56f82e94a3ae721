// Two timers of the CMSDK kind, which count down 32 bits: one goes round for ever, one wakes.
#include <algorithm>
#include <limits>

#include "trib/node/cortex_m/board.h"
#include "trib/node/cortex_m/registers.h"
#include "trib/node/cortex_m/system.h"
#include "trib/node/cortex_m/timebase.h"

namespace trib::node::cortex_m::timebase {
namespace {

constexpr std::uint32_t kControl = 0x0;
constexpr std::uint32_t kValue = 0x4;
constexpr std::uint32_t kReload = 0x8;
constexpr std::uint32_t kInterrupt = 0xC;            // pending; writing 1 clears it
constexpr std::uint32_t kRun = 1U << 0U | 1U << 3U;  // with interrupts

constexpr std::uint32_t kFull = std::numeric_limits<std::uint32_t>::max();

class Counter final : public InterruptHandler {
 public:
  void OnInterrupt(std::uint32_t /*line*/) override {
    Store(this_board::kCountTimer + kInterrupt, 1);
    rounds_ = rounds_ + 1;
  }
  [[nodiscard]] std::uint64_t Ticks() const {
    const InterruptLock lock;
    std::uint64_t rounds = rounds_;
    std::uint32_t left = Load(this_board::kCountTimer + kValue);
    if (Load(this_board::kCountTimer + kInterrupt) != 0) {
      // It went round, before or after the value was read, and the interrupt waits.
      left = Load(this_board::kCountTimer + kValue);
      ++rounds;
    }
    return rounds << 32U | (kFull - left);
  }

 private:
  volatile std::uint32_t rounds_ = 0;
};

class Alarm final : public InterruptHandler {
 public:
  void OnInterrupt(std::uint32_t /*line*/) override {
    Stop();
    rang_ = true;
  }
  void Set(std::uint32_t ticks) {
    const InterruptLock lock;
    Stop();
    rang_ = false;
    Store(this_board::kAlarmTimer + kReload, ticks);
    Store(this_board::kAlarmTimer + kValue, ticks);
    Store(this_board::kAlarmTimer + kControl, kRun);
  }
  void Clear() {
    const InterruptLock lock;
    Stop();
  }
  [[nodiscard]] bool rang() const { return rang_; }

 private:
  static void Stop() {
    Store(this_board::kAlarmTimer + kControl, 0);
    Store(this_board::kAlarmTimer + kInterrupt, 1);
  }
  volatile bool rang_ = false;
};

constinit Counter counter;
constinit Alarm alarm;

}  // namespace

void Start() {
  Store(this_board::kCountTimer + kReload, kFull);
  Store(this_board::kCountTimer + kValue, kFull);
  Attach(this_board::kCountTimerLine, counter);
  Attach(this_board::kAlarmTimerLine, alarm);
  Store(this_board::kCountTimer + kControl, kRun);
}

std::uint64_t Ticks() {
  return counter.Ticks();
}

void SetAlarm(std::uint64_t ticks) {
  const std::uint64_t now = Ticks();
  const std::uint64_t left = ticks > now ? ticks - now : 1;
  alarm.Set(static_cast<std::uint32_t>(std::min<std::uint64_t>(left, kFull)));
}

bool AlarmRang() {
  return alarm.rang();
}

void ClearAlarm() {
  alarm.Clear();
}

}  // namespace trib::node::cortex_m::timebase
