#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace trib::tools::trib_cli {

/// The whole file; nullopt when it is not there, a folder, or cannot be read to its end.
std::optional<std::vector<std::byte>> ReadFile(const std::filesystem::path& path);

/// Makes the file, or replaces what it holds. False when that failed.
bool WriteFile(const std::filesystem::path& path, std::span<const std::byte> bytes);
bool WriteFile(const std::filesystem::path& path, std::string_view text);

}  // namespace trib::tools::trib_cli
