#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "trib/common/status/result.h"

namespace trib::host::serial {

/// Where a serial link's bytes come from and go to: TCP on this machine, or a device of it.
/// Nothing else can be named, because a wire is neither encrypted nor authenticated yet.
struct Endpoint {
  enum class Kind : std::uint8_t { kTcp, kDevice };
  Kind kind = Kind::kTcp;
  bool ipv6 = false;       ///< kTcp: ::1 instead of 127.0.0.1
  std::uint16_t port = 0;  ///< kTcp; 0: any free one
  std::string path = {};   ///< kDevice
  std::uint32_t baud = 0;  ///< kDevice; bits per second

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

enum class Use : std::uint8_t { kListen, kConnect };

/// Reads "tcp://127.0.0.1:PORT", "tcp://[::1]:PORT", "tcp://localhost:PORT" (which is 127.0.0.1),
/// or "/dev/NAME" with an optional "?baud=N" (115200). For kListen, port * takes a free one.
///
/// @returns kPermissionDenied for an address that is not of this machine, kInvalidArgument for what
///   is no endpoint; `error` then says in one line what is wrong and what would be right.
Result<Endpoint> ParseEndpoint(std::string_view text, Use use, std::string& error);

/// As ParseEndpoint() reads it.
std::string ToText(const Endpoint& endpoint);

}  // namespace trib::host::serial
