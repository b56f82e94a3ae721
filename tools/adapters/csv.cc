#include "trib/tools/adapters/csv.h"

#include <algorithm>
#include <set>

namespace trib::tools::adapters {
namespace {

// One logical line at a time, as fields; a quoted field may span lines.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  [[nodiscard]] bool done() const { return at_ >= text_.size(); }
  [[nodiscard]] std::size_t line() const { return line_; }

  /// False when a quote is not closed.
  bool Next(std::vector<std::string>& fields) {
    fields.assign(1, "");
    bool quoted = false;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      line_ += c == '\n' ? 1 : 0;
      if (quoted) {
        if (c != '"') {
          fields.back() += c;
        } else if (at_ < text_.size() && text_[at_] == '"') {
          fields.back() += '"';
          ++at_;
        } else {
          quoted = false;
        }
      } else if (c == '"' && fields.back().empty()) {
        quoted = true;
      } else if (c == ',') {
        fields.emplace_back();
      } else if (c == '\n') {
        break;
      } else if (c != '\r' || (at_ < text_.size() && text_[at_] != '\n')) {
        fields.back() += c;
      }
    }
    return !quoted;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

}  // namespace

Result<Csv> Csv::Parse(std::string_view text,
                       std::string_view name,
                       std::vector<std::string>& errors) {
  Csv csv;
  csv.name_ = name;
  Scanner scanner(text);
  const auto fail = [&](std::size_t line, const std::string& what) {
    errors.push_back(csv.name_ + ":" + std::to_string(line) + ": " + what);
    return Code::kInvalidArgument;
  };
  if (!scanner.Next(csv.header_)) {
    return fail(1, "a quote is not closed");
  }
  const std::set<std::string> distinct(csv.header_.begin(), csv.header_.end());
  if (distinct.size() != csv.header_.size() || distinct.contains("")) {
    return fail(1, "the header must name every column, each once");
  }
  while (!scanner.done()) {
    const std::size_t line = scanner.line();
    std::vector<std::string> fields;
    if (!scanner.Next(fields)) {
      return fail(line, "a quote is not closed");
    }
    if (fields.size() == 1 && fields.front().empty()) {
      continue;  // a blank line
    }
    if (fields.size() != csv.header_.size()) {
      return fail(line,
                  "has " + std::to_string(fields.size()) + " fields; the header has " +
                      std::to_string(csv.header_.size()));
    }
    csv.rows_.push_back(std::move(fields));
    csv.lines_.push_back(line);
  }
  return csv;
}

std::optional<std::size_t> Csv::Index(std::string_view column) const {
  const auto found = std::find(header_.begin(), header_.end(), column);
  return found == header_.end()
             ? std::nullopt
             : std::optional<std::size_t>(static_cast<std::size_t>(found - header_.begin()));
}

const std::string& Csv::Text(std::size_t row, std::string_view column) const {
  return rows_[row][*Index(column)];
}

std::string Csv::Where(std::size_t row) const {
  return name_ + ":" + std::to_string(lines_[row]) + ": ";
}

}  // namespace trib::tools::adapters
