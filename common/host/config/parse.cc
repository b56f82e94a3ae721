#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <system_error>

#include "trib/common/host/config/config_file.h"

namespace trib::host::config {
namespace {

// A decimal number followed by a unit. Exponents and signs have no place in a configuration.
struct Quantity {
  double number = 0;
  std::string_view unit;
};

std::optional<Quantity> SplitQuantity(std::string_view text) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
  Quantity quantity;
  const auto [parsed, error] =
      std::from_chars(text.data(), text.data() + end, quantity.number, std::chars_format::fixed);
  if (end == 0 || error != std::errc() || parsed != text.data() + end) {
    return std::nullopt;
  }
  quantity.unit = text.substr(end);
  if (!quantity.unit.empty() && quantity.unit.front() == ' ') {
    quantity.unit.remove_prefix(1);
  }
  return quantity;
}

struct Unit {
  std::string_view name;
  double factor;
};

// Only whole results below 2^53 are exact, and a larger one is a mistake anyway.
constexpr double kLargestExact = 9007199254740992.0;

std::optional<std::int64_t> Scale(std::string_view text, std::span<const Unit> units) {
  const std::optional<Quantity> quantity = SplitQuantity(text);
  if (!quantity) {
    return std::nullopt;
  }
  const auto unit = std::find_if(
      units.begin(), units.end(), [&](const Unit& u) { return u.name == quantity->unit; });
  if (unit == units.end()) {
    return std::nullopt;
  }
  const double scaled = quantity->number * unit->factor;
  const double whole = std::round(scaled);
  if (!(scaled >= 0) || scaled > kLargestExact || std::abs(scaled - whole) > 1e-6) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(whole);
}

std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::optional<Millis> ParseDuration(std::string_view text) {
  static constexpr std::array<Unit, 5> kUnits = {
      {{"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}, {"d", 86400e3}}};
  const auto value = Scale(text, kUnits);
  return value ? std::optional<Millis>(Millis(*value)) : std::nullopt;
}

std::optional<std::uint64_t> ParseSize(std::string_view text) {
  static constexpr std::array<Unit, 9> kUnits = {{{"", 1},
                                                  {"B", 1},
                                                  {"kB", 1e3},
                                                  {"KB", 1e3},
                                                  {"MB", 1e6},
                                                  {"GB", 1e9},
                                                  {"KiB", 1024.0},
                                                  {"MiB", 1048576.0},
                                                  {"GiB", 1073741824.0}}};
  const auto value = Scale(text, kUnits);
  return value ? std::optional<std::uint64_t>(static_cast<std::uint64_t>(*value)) : std::nullopt;
}

std::optional<std::string> Nearest(std::string_view word, std::span<const std::string> candidates) {
  constexpr std::size_t kLongestWord = 256;  // bounds the work on hostile input
  if (word.size() > kLongestWord) {
    return std::nullopt;
  }
  const std::string* best = nullptr;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = EditDistance(word, candidate);
    // A word sharing nothing with the candidate is no misspelling of it.
    if (distance < best_distance && distance < std::max(word.size(), candidate.size())) {
      best = &candidate;
      best_distance = distance;
    }
  }
  return best == nullptr ? std::nullopt : std::optional<std::string>(*best);
}

}  // namespace trib::host::config
