#pragma once

#include <cstddef>
#include <span>

#include "trib/common/status/result.h"

namespace trib::node {

/// A message link to the gateway: whole messages, authenticated by the platform, no order or
/// delivery promised.
class Link {
 public:
  /// Hands over one message of at most max_message_bytes().
  ///
  /// @returns kUnavailable        no connection now
  ///          kResourceExhausted  the link takes no more now; try after a while
  ///          kInvalidArgument    too long
  virtual Status Send(std::span<const std::byte> message) = 0;
  /// Takes the next message, if any, into `memory`. Never blocks.
  ///
  /// @returns its length; or
  ///   kUnavailable        none waiting
  ///   kResourceExhausted  it was longer than `memory`; dropped
  virtual Result<std::size_t> Receive(std::span<std::byte> memory) = 0;
  [[nodiscard]] virtual std::size_t max_message_bytes() const = 0;

 protected:
  ~Link() = default;
};

}  // namespace trib::node
