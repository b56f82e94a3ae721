#include "trib/node/sim/serial_port.h"

#include <algorithm>

namespace trib::node::sim {

SerialPort::SerialPort(std::unique_ptr<host::serial::Client> client,
                       Clock& clock,
                       const Options& options)
    : clock_(clock),
      wire_(std::move(client), clock),
      channel_({.role = frame::Role::kInitiator, .station = options.node, .mtu = options.mtu},
               storage_.memory()),
      link_(channel_, wire_, clock) {
  channel_.Start(options.nonce, clock.Monotonic());
}

Result<std::size_t> SerialPort::Receive(std::span<std::byte> memory) {
  const auto got = link_.Receive(memory);
  received_ += got.ok() ? 1U : 0U;
  return got;
}

Millis SerialPort::UntilDue() {
  const MonotonicTime now = clock_.Monotonic();
  const MonotonicTime due = client().next_due();
  const Millis connect = due <= now                    ? Millis(0)
                         : due == MonotonicTime::max() ? Millis::max()
                                                       : due - now;
  return std::min(connect, link_.UntilDue());
}

}  // namespace trib::node::sim
