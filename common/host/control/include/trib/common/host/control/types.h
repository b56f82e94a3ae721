#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "trib/common/status/status.h"

/// The admin protocol: docs/formats/control.md.
namespace trib::host::control {

inline constexpr int kControlVersion = 1;
inline constexpr std::size_t kMaxRequestBytes = std::size_t{64} * 1024;
inline constexpr std::size_t kMaxReplyBytes = std::size_t{8} * 1024 * 1024;
/// The ZAP domain of admin sockets; its table holds operators' keys only.
inline constexpr std::string_view kAdminDomain = "admin";

/// Why a call failed. `message` is one sentence for the operator.
struct ControlError {
  Code code = Code::kUnknown;
  std::string message;
};

/// A result or the error. Include <nlohmann/json.hpp> where it is used.
using Outcome = std::variant<nlohmann::json, ControlError>;

/// Inverse of CodeName(); kUnknown for a name that is none.
Code CodeFromName(std::string_view name);

/// Ids and hashes are 64 bits wide, more than readers of JSON keep of a number: they are strings in
/// every answer, an id in decimal, a hash in 16 hex digits.
std::string IdText(std::uint64_t id);
std::string HashText(std::uint64_t hash);
/// An id as IdText() gives it, or a whole number, as arguments may have it.
std::optional<std::uint64_t> ReadId(const nlohmann::json& value);

}  // namespace trib::host::control
