#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace trib::host::cli {

enum class Align : std::uint8_t { kLeft, kRight };
enum class Color : std::uint8_t { kNone, kBold, kDim, kRed, kGreen, kYellow };

/// `text` between the escape codes of `color`; unchanged when `enabled` is false.
std::string Paint(std::string_view text, Color color, bool enabled);

/// Text in aligned columns with a header line. Widths count UTF-8 characters.
class Table {
 public:
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };
  struct Cell {
    Cell(std::string content) : text(std::move(content)) {}  // NOLINT
    Cell(const char* content) : text(content) {}             // NOLINT
    Cell(std::string content, Color paint) : text(std::move(content)), color(paint) {}

    std::string text;
    Color color = Color::kNone;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// Requires  One cell per column. Control characters in it are removed.
  void Add(std::vector<Cell> cells);
  [[nodiscard]] std::string ToText(bool color) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

/// Prints to stdout, indented, with a newline. Text that is not UTF-8 gets replacement characters.
void PrintJson(const nlohmann::json& value);

/// "1.5 kB", "64 MB": for people; JSON carries plain numbers.
std::string HumanBytes(std::uint64_t bytes);

}  // namespace trib::host::cli
