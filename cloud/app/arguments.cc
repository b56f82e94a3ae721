#include "arguments.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

namespace trib::cloud {

using host::control::ControlError;
using nlohmann::json;

ControlError Wrong(std::string message) {
  return {Code::kInvalidArgument, std::move(message)};
}

std::optional<std::uint64_t> Number(const json& args,
                                    const char* name,
                                    std::optional<std::uint64_t> fallback,
                                    std::string& error) {
  if (!args.contains(name)) {
    if (!fallback.has_value()) {
      error = std::string("\"") + name + "\" is missing";
    }
    return fallback;
  }
  const json& value = args.at(name);
  if (!value.is_number_unsigned()) {
    error = std::string("\"") + name + "\" must be a whole number from 0";
    return std::nullopt;
  }
  return value.get<std::uint64_t>();
}

std::optional<std::uint64_t> Id(const json& args,
                                const char* name,
                                std::optional<std::uint64_t> fallback,
                                std::string& error) {
  if (!args.contains(name)) {
    return Number(args, name, fallback, error);
  }
  const auto id = host::control::ReadId(args.at(name));
  if (!id.has_value()) {
    error = std::string("\"") + name + "\" must be an id: a whole number from 0, or it as a string";
  }
  return id;
}

json Check(const char* name, const char* status, std::string text, const char* fix) {
  const bool ok = std::string_view(status) == "ok";
  return {{"name", name}, {"status", status}, {"text", std::move(text)}, {"fix", ok ? "" : fix}};
}

}  // namespace trib::cloud
