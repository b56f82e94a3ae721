#include "files.h"

#include <bit>
#include <charconv>
#include <fstream>
#include <iterator>
#include <limits>

namespace trib::bench::drift {
namespace {

namespace fs = std::filesystem;

std::vector<std::string_view> Cells(std::string_view line) {
  if (!line.empty() && line.back() == '\r') {
    line.remove_suffix(1);
  }
  std::vector<std::string_view> out;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = line.find(',', begin);
    out.push_back(line.substr(begin, end - begin));
    if (end == std::string_view::npos) {
      return out;
    }
    begin = end + 1;
  }
}

}  // namespace

std::optional<std::vector<std::uint8_t>> ReadBytes(const fs::path& file, std::string& error) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    error = file.string() + ": cannot be read";
    return std::nullopt;
  }
  return std::vector<std::uint8_t>(std::istreambuf_iterator<char>(in), {});
}

std::optional<std::vector<double>> ReadFloats(const fs::path& file, std::string& error) {
  const auto bytes = ReadBytes(file, error);
  if (!bytes) {
    return std::nullopt;
  }
  std::vector<double> out;
  out.reserve(bytes->size() / 4);
  for (std::size_t i = 0; i + 4 <= bytes->size(); i += 4) {
    const std::uint8_t* at = bytes->data() + i;
    const std::uint32_t bits = at[0] | (std::uint32_t{at[1]} << 8U) |
                               (std::uint32_t{at[2]} << 16U) | (std::uint32_t{at[3]} << 24U);
    out.push_back(std::bit_cast<float>(bits));
  }
  return out;
}

std::optional<std::vector<std::string>> ReadTexts(const fs::path& file,
                                                  std::string_view name,
                                                  std::string& error) {
  std::ifstream in(file);
  std::string line;
  if (!in || !std::getline(in, line)) {
    error = file.string() + ": cannot be read";
    return std::nullopt;
  }
  const auto names = Cells(line);
  std::size_t column = 0;
  while (column < names.size() && names[column] != name) {
    ++column;
  }
  if (column == names.size()) {
    error = file.string() + ": has no column \"" + std::string(name) + "\"";
    return std::nullopt;
  }
  std::vector<std::string> out;
  while (std::getline(in, line)) {
    const auto cells = Cells(line);
    if (column >= cells.size()) {
      error = file.string() + ": line " + std::to_string(out.size() + 2) + " is too short";
      return std::nullopt;
    }
    out.emplace_back(cells[column]);
  }
  return out;
}

std::optional<std::vector<double>> ReadColumn(const fs::path& file,
                                              std::string_view name,
                                              std::string& error) {
  const auto texts = ReadTexts(file, name, error);
  if (!texts) {
    return std::nullopt;
  }
  std::vector<double> out;
  out.reserve(texts->size());
  for (const std::string& text : *texts) {
    double value = std::numeric_limits<double>::quiet_NaN();
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (!text.empty() && (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())) {
      error = file.string() + ": line " + std::to_string(out.size() + 2) + ": \"" + text +
              "\" is no number";
      return std::nullopt;
    }
    out.push_back(value);
  }
  return out;
}

}  // namespace trib::bench::drift
