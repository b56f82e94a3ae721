#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace trib::tools::sim {

/// The real way to a gateway, under the simulated one. One thread at a time.
class Transport {
 public:
  virtual ~Transport() = default;
  /// @returns false when the message cannot be taken now.
  virtual bool Send(std::string_view message) = 0;
  /// The next message from the gateway, if one has come. Never blocks.
  virtual std::optional<std::string> Receive() = 0;
};

}  // namespace trib::tools::sim
