#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "trib/common/host/control/types.h"

/// Reading the arguments of control calls, and the form of a doctor's check.
namespace trib::cloud {

/// The control layer admits operators by key and does not tell which one called.
inline constexpr const char* kActor = "operator";
inline constexpr const char* kRestore = "stop trib-cloud and restore the database from a backup";

host::control::ControlError Wrong(std::string message);
/// A whole number >= 0 under `name`; nullopt with `error` set when it is something else.
std::optional<std::uint64_t> Number(const nlohmann::json& args,
                                    const char* name,
                                    std::optional<std::uint64_t> fallback,
                                    std::string& error);
/// The same for an id, which may also be a string: docs/formats/admin_calls.md.
std::optional<std::uint64_t> Id(const nlohmann::json& args,
                                const char* name,
                                std::optional<std::uint64_t> fallback,
                                std::string& error);

/// `fix` says what to do about a status that is not "ok".
nlohmann::json Check(const char* name, const char* status, std::string text, const char* fix);
inline const char* OkOr(bool ok, const char* otherwise) {
  return ok ? "ok" : otherwise;
}

}  // namespace trib::cloud
