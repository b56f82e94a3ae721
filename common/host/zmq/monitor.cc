#include <atomic>
#include <cstring>

#include "internal.h"

namespace trib::host::zmq {

::zmq::socket_t StartMonitor(Context& context, ::zmq::socket_t& socket, int events) {
  static constinit std::atomic<std::uint64_t> next{0};
  const std::string address = "inproc://trib.monitor." + std::to_string(next.fetch_add(1));
  if (::zmq_socket_monitor(socket.handle(), address.c_str(), events) != 0) {
    throw ::zmq::error_t();
  }
  ::zmq::socket_t monitor(context.impl().context, ::zmq::socket_type::pair);
  monitor.set(::zmq::sockopt::linger, 0);
  monitor.set(::zmq::sockopt::rcvhwm, 0);
  monitor.connect(address);
  return monitor;
}

std::optional<MonitorEvent> NextEvent(::zmq::socket_t& monitor) {
  ::zmq::message_t message;
  if (!monitor.recv(message, ::zmq::recv_flags::dontwait)) {
    return std::nullopt;
  }
  DiscardRest(monitor, message.more());
  MonitorEvent event;
  if (message.size() >= sizeof event.number + sizeof event.value) {
    std::memcpy(&event.number, message.data(), sizeof event.number);
    const auto* rest = static_cast<const char*>(message.data()) + sizeof event.number;
    std::memcpy(&event.value, rest, sizeof event.value);
  }
  return event;
}

}  // namespace trib::host::zmq
