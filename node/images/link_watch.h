#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "trib/common/host/zmq/client_socket.h"

namespace trib::node::images {

/// What a person must know of a node's link: its state, and why there is none. Fed with what the
/// socket saw, so that it can be tested without one.
///
/// Threads  One.
class LinkWatch {
 public:
  using Time = std::chrono::steady_clock::time_point;

  enum class Way : std::uint8_t { kZmq, kSerial };

  /// `endpoint` is empty for a node without a gateway.
  LinkWatch(std::string endpoint, std::uint64_t node, Way way = Way::kZmq);

  /// Requires  `now` does not go back.
  /// @returns whether the state is another than before, and so worth a line in the log.
  bool Update(host::zmq::LinkState state,
              std::uint64_t messages_received,
              std::uint64_t records_waiting,
              Time now);

  /// As zmq::NameOf(); also "none" without a gateway, and "silent": connected, records wait, and
  /// nothing was heard for half a minute, which is how a revoked node finds out.
  [[nodiscard]] std::string_view name() const;
  /// One sentence: what is wrong and what would be right.
  [[nodiscard]] std::string Explain() const;
  [[nodiscard]] bool good() const;

 private:
  [[nodiscard]] std::string ExplainWire() const;

  std::string endpoint_;
  std::uint64_t node_;
  Way way_;
  host::zmq::LinkState state_ = host::zmq::LinkState::kUnknown;
  bool silent_ = false;
  std::uint64_t received_ = 0;
  Time heard_{};  // or, when later: since when something could have been heard
};

}  // namespace trib::node::images
