#include "trib/node/sim/host_ports.h"

#include <sys/random.h>

#include <cerrno>
#include <chrono>

#include "trib/common/host/logging/log.h"

namespace trib::node::sim {
namespace {

std::int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Status SystemEntropy::Fill(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t count = getrandom(out.data(), out.size(), 0);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return Code::kFailedPrecondition;
    }
    out = out.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

void LogActuator::Set(ActuatorState state) {
  if (state == state_) {
    return;
  }
  state_ = state;
  ++changes_;
  host::logging::Log(host::logging::Level::kInfo, "actuator", NameOf(state));
}

void SimWatchdog::Start(Millis timeout) {
  timeout_ = timeout;
  fed_ms_ = NowMs();
}

void SimWatchdog::Feed() {
  const std::int64_t now = NowMs();
  if (now - fed_ms_ > timeout_.count()) {
    ++late_;
    host::logging::Log(host::logging::Level::kWarn, "watchdog", "fed after ", now - fed_ms_, " ms");
  }
  fed_ms_ = now;
}

}  // namespace trib::node::sim
