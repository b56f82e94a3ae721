#include "trib/node/sim/zmq_link.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace trib::node::sim {

Status ZmqLink::Send(std::span<const std::byte> message) {
  if (message.size() > max_message_bytes_) {
    return Code::kInvalidArgument;
  }
  const bool up = socket_->link() == host::zmq::LinkState::kUp;
  const bool another = socket_->connections() != connection_;
  connection_ = socket_->connections();
  if (!up || (another && in_use_)) {
    in_use_ = false;
    return Code::kUnavailable;
  }
  in_use_ = true;
  return socket_->Send(
      std::string_view(reinterpret_cast<const char*>(message.data()), message.size()));
}

Result<std::size_t> ZmqLink::Receive(std::span<std::byte> memory) {
  const Result<std::string> message = socket_->Receive();
  if (!message.ok()) {
    return message.status();
  }
  if (message->size() > memory.size()) {
    return Code::kResourceExhausted;
  }
  ++received_;
  std::copy_n(reinterpret_cast<const std::byte*>(message->data()), message->size(), memory.begin());
  return message->size();
}

}  // namespace trib::node::sim
