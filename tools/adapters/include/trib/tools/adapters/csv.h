#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trib/common/status/result.h"

namespace trib::tools::adapters {

/// A CSV text with a header line: fields by column name. Quotes and line ends as in RFC 4180.
class Csv {
 public:
  /// @returns the table; or, after appending "name:line: text" to `errors`,
  ///   kInvalidArgument  no header, a repeated or empty column name, a row of another width, or an
  ///                     unfinished quote
  static Result<Csv> Parse(std::string_view text,
                           std::string_view name,
                           std::vector<std::string>& errors);

  [[nodiscard]] std::size_t rows() const { return rows_.size(); }
  [[nodiscard]] bool Has(std::string_view column) const { return Index(column).has_value(); }
  /// Requires  Has(column), row < rows().
  [[nodiscard]] const std::string& Text(std::size_t row, std::string_view column) const;
  /// "name:line: ", to begin an error with.
  [[nodiscard]] std::string Where(std::size_t row) const;

 private:
  [[nodiscard]] std::optional<std::size_t> Index(std::string_view column) const;

  std::string name_;
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> lines_;  // line of each row
};

}  // namespace trib::tools::adapters
