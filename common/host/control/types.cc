#include "trib/common/host/control/types.h"

#include <array>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace trib::host::control {

Code CodeFromName(std::string_view name) {
  for (int value = 0; value <= static_cast<int>(Code::kUnauthenticated); ++value) {
    if (CodeName(static_cast<Code>(value)) == name) {
      return static_cast<Code>(value);
    }
  }
  return Code::kUnknown;
}

std::string IdText(std::uint64_t id) {
  return std::to_string(id);
}

std::string HashText(std::uint64_t hash) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016" PRIx64, hash);
  return text.data();
}

std::optional<std::uint64_t> ReadId(const nlohmann::json& value) {
  if (value.is_number_unsigned()) {
    return value.get<std::uint64_t>();
  }
  if (!value.is_string()) {
    return std::nullopt;
  }
  const auto& text = value.get_ref<const std::string&>();
  std::uint64_t id = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, id);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(id) : std::nullopt;
}

}  // namespace trib::host::control
