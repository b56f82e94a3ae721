#include "trib/common/host/cli/output.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "trib/common/base/check.h"
#include "trib/common/host/cli/program.h"

namespace trib::host::cli {
namespace {

std::size_t Width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;  // not a UTF-8 continuation
  }));
}

}  // namespace

std::string Paint(std::string_view text, Color color, bool enabled) {
  static constexpr std::array<std::string_view, 6> kCodes = {
      "", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m"};
  if (!enabled || color == Color::kNone) {
    return std::string(text);
  }
  return std::string(kCodes[static_cast<std::size_t>(color)]) + std::string(text) + "\x1b[0m";
}

void Table::Add(std::vector<Cell> cells) {
  TRIB_CHECK(cells.size() == columns_.size());
  for (Cell& cell : cells) {
    cell.text = Clean(cell.text);
  }
  rows_.push_back(std::move(cells));
}

std::string Table::ToText(bool color) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = Width(columns_[i].title);
    for (const auto& row : rows_) {
      width = std::max(width, Width(row[i].text));
    }
    widths.push_back(width);
  }
  std::string out;
  const auto add = [&](std::size_t i, std::string_view text, Color paint) {
    const std::string pad(widths[i] - Width(text), ' ');
    const bool last = i + 1 == columns_.size();
    const std::string painted = Paint(text, paint, color);
    out += columns_[i].align == Align::kRight ? pad + painted : painted + (last ? "" : pad);
    out += last ? "\n" : "  ";
  };
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    add(i, columns_[i].title, Color::kBold);
  }
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      add(i, row[i].text, row[i].color);
    }
  }
  return out;
}

void PrintJson(const nlohmann::json& value) {
  const std::string text =
      value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  std::fputs(text.c_str(), stdout);
}

std::string HumanBytes(std::uint64_t bytes) {
  static constexpr std::array<const char*, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(),
                text.size(),
                unit > 0 && value < 9.95 ? "%.1f %s" : "%.0f %s",
                value,
                kUnits[unit]);
  return text.data();
}

}  // namespace trib::host::cli
