#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "trib/common/host/cli/output.h"

namespace trib::tools::trib_cli {

/// How a value of JSON is shown to a person.
enum class Show : std::uint8_t { kText, kNumber, kBytes, kTimeMs, kEnergyNj, kState, kAlarm };

struct Field {
  std::string title;
  std::string key;  ///< a key, or a path such as "status.backlog"
  Show show = Show::kText;
};

/// The value at `path` of an object as text; "-" when it is absent or null.
std::string FieldText(const nlohmann::json& object, std::string_view path, Show show);

/// A table with a line per object of `rows`. What is no list of objects gives the header only.
std::string TableText(const nlohmann::json& rows, const std::vector<Field>& fields, bool color);

/// "key  value" lines of an object, nested objects with their path.
std::string ObjectText(const nlohmann::json& object, bool color);

/// Milliseconds since the Unix epoch as "2026-01-31 12:00:00.000Z".
std::string TimeText(std::int64_t ms);

/// "12 s", "3 min", "5 h", "9 d" between two times of the cloud's clock.
std::string AgeText(std::int64_t from_ms, std::int64_t to_ms);

/// The colour of a state word: accepted and ok are green, pending and warn yellow, else red.
host::cli::Color StateColor(std::string_view state);

}  // namespace trib::tools::trib_cli
