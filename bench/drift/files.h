// Reading recordings: little-endian floats, bytes, and columns of simple CSV without quotes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trib::bench::drift {

/// All return nothing and `error`, one line, when the file is missing or not what it should be.
std::optional<std::vector<double>> ReadFloats(const std::filesystem::path& file,
                                              std::string& error);
std::optional<std::vector<std::uint8_t>> ReadBytes(const std::filesystem::path& file,
                                                   std::string& error);
/// The numbers of one column; an empty cell is NaN.
std::optional<std::vector<double>> ReadColumn(const std::filesystem::path& file,
                                              std::string_view name,
                                              std::string& error);
/// The texts of one column.
std::optional<std::vector<std::string>> ReadTexts(const std::filesystem::path& file,
                                                  std::string_view name,
                                                  std::string& error);

}  // namespace trib::bench::drift
