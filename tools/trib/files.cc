#include "files.h"

#include <fstream>
#include <iterator>
#include <string>

namespace trib::tools::trib_cli {

std::optional<std::vector<std::byte>> ReadFile(const std::filesystem::path& path) {
  // Reading a folder throws.
  if (std::error_code failure; std::filesystem::is_directory(path, failure)) {
    return std::nullopt;
  }
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in) {
    return std::nullopt;
  }
  const auto bytes = std::as_bytes(std::span(text));
  return std::vector<std::byte>(bytes.begin(), bytes.end());
}

bool WriteFile(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  out.close();
  return static_cast<bool>(out);
}

bool WriteFile(const std::filesystem::path& path, std::string_view text) {
  return WriteFile(path, std::as_bytes(std::span(text)));
}

}  // namespace trib::tools::trib_cli
