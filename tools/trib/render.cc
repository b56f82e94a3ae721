#include "render.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

namespace trib::tools::trib_cli {
namespace {

using host::cli::Align;
using host::cli::Color;
using host::cli::Table;
using nlohmann::json;

const json* FindPath(const json& object, std::string_view path) {
  const json* at = &object;
  while (true) {
    const std::size_t dot = path.find('.');
    if (!at->is_object()) {
      return nullptr;
    }
    const auto found = at->find(std::string(path.substr(0, dot)));
    if (found == at->end()) {
      return nullptr;
    }
    at = &*found;
    if (dot == std::string_view::npos) {
      return at->is_null() ? nullptr : at;
    }
    path.remove_prefix(dot + 1);
  }
}

std::string Plain(const json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Keys carry their unit, so a detail view knows how to show them.
Show ShowFor(std::string_view key) {
  if (key.ends_with("_ms") || key == "time") {
    return Show::kTimeMs;
  }
  if (key.ends_with("_nj")) {
    return Show::kEnergyNj;
  }
  return key == "bytes" || key.ends_with("_bytes") ? Show::kBytes : Show::kText;
}

void AddLines(const json& object, const std::string& prefix, Table& table) {
  for (const auto& [key, value] : object.items()) {
    std::string path = prefix;
    path += prefix.empty() ? "" : ".";
    path += key;
    if (value.is_object()) {
      AddLines(value, path, table);
    } else if (value.is_array() && !value.empty() && value.front().is_object()) {
      std::size_t index = 0;
      for (const json& item : value) {
        AddLines(item, path + "[" + std::to_string(index++) + "]", table);
      }
    } else {
      table.Add({path, FieldText(object, key, ShowFor(key))});
    }
  }
}

}  // namespace

std::string TimeText(std::int64_t ms) {
  // A node that was never synchronised counts from its first start; that is shown as it is.
  std::int64_t seconds = ms / 1000;
  std::int64_t rest = ms % 1000;
  if (rest < 0) {
    rest += 1000;
    --seconds;
  }
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  std::array<char, 40> text{};
  if (::gmtime_r(&time, &parts) == nullptr ||
      std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts) == 0) {
    return std::to_string(ms) + " ms";
  }
  std::array<char, 8> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%03dZ", static_cast<int>(rest));
  return std::string(text.data()) + fraction.data();
}

std::string AgeText(std::int64_t from_ms, std::int64_t to_ms) {
  constexpr std::int64_t kMinute = 60;
  constexpr std::int64_t kHour = 60 * kMinute;
  constexpr std::int64_t kDay = 24 * kHour;
  const std::int64_t seconds = std::max<std::int64_t>(0, to_ms - from_ms) / 1000;
  if (seconds < 2 * kMinute) {
    return std::to_string(seconds) + " s";
  }
  if (seconds < 2 * kHour) {
    return std::to_string(seconds / kMinute) + " min";
  }
  return seconds < 2 * kDay ? std::to_string(seconds / kHour) + " h"
                            : std::to_string(seconds / kDay) + " d";
}

std::string FieldText(const json& object, std::string_view path, Show show) {
  const json* value = FindPath(object, path);
  if (value == nullptr) {
    return "-";
  }
  if (show == Show::kBytes && value->is_number_unsigned()) {
    return host::cli::HumanBytes(value->get<std::uint64_t>());
  }
  if (show == Show::kTimeMs && value->is_number_integer()) {
    // Zero is "never"; a small number is a duration, no date.
    constexpr std::int64_t kFirstDateMs = 1'000'000'000'000;
    const auto ms = value->get<std::int64_t>();
    if (ms == 0) {
      return "-";
    }
    return ms < kFirstDateMs ? std::to_string(ms) + " ms" : TimeText(ms);
  }
  if (show == Show::kEnergyNj && value->is_number()) {
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%.3g mJ", value->get<double>() / 1e6);
    return text.data();
  }
  if (value->is_number_float()) {
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%.4g", value->get<double>());
    return text.data();
  }
  return Plain(*value);
}

std::string TableText(const json& rows, const std::vector<Field>& fields, bool color) {
  std::vector<Table::Column> columns;
  for (const Field& field : fields) {
    const bool right =
        field.show == Show::kNumber || field.show == Show::kBytes || field.show == Show::kEnergyNj;
    columns.push_back({field.title, right ? Align::kRight : Align::kLeft});
  }
  Table table(std::move(columns));
  if (rows.is_array()) {
    for (const json& row : rows) {
      std::vector<Table::Cell> cells;
      for (const Field& field : fields) {
        std::string text = FieldText(row, field.key, field.show);
        const bool quiet = text == "-" || text == "cleared" || text == "recovered";
        const Color paint = field.show == Show::kState             ? StateColor(text)
                            : field.show == Show::kAlarm && !quiet ? Color::kRed
                                                                   : Color::kNone;
        cells.emplace_back(std::move(text), paint);
      }
      table.Add(std::move(cells));
    }
  }
  return table.ToText(color);
}

std::string ObjectText(const json& object, bool color) {
  Table table({{"KEY"}, {"VALUE"}});
  if (object.is_object()) {
    AddLines(object, "", table);
  }
  return table.ToText(color);
}

Color StateColor(std::string_view state) {
  if (state == "accepted" || state == "ok" || state == "online") {
    return Color::kGreen;
  }
  return state == "pending" || state == "warn" ? Color::kYellow : Color::kRed;
}

}  // namespace trib::tools::trib_cli
