#include "trib/testing/shared_data.h"

#include <cstdlib>
#include <system_error>

namespace trib::testing {
namespace {

bool LooksShared(const std::filesystem::path& dir) {
  std::error_code ignored;
  for (const char* name : {"docs", "oracles", "data"}) {
    if (std::filesystem::is_directory(dir / name, ignored)) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::optional<std::filesystem::path> SharedDir() {
  if (const char* given = std::getenv("TRIB_SHARED"); given != nullptr && *given != '\0') {
    // An explicit choice is final: falling back would test other data than the one asked for.
    const std::filesystem::path dir(given);
    return LooksShared(dir) ? std::optional(dir) : std::nullopt;
  }
  if (const char* source = std::getenv("TRIB_SOURCE_DIR"); source != nullptr && *source != '\0') {
    const auto dir = std::filesystem::path(source).parent_path() / "shared";
    if (LooksShared(dir)) {
      return dir;
    }
  }
  std::error_code failed;
  for (auto dir = std::filesystem::current_path(failed); !failed;) {
    if (LooksShared(dir / "shared")) {
      return dir / "shared";
    }
    const auto parent = dir.parent_path();
    if (parent == dir) {
      break;
    }
    dir = parent;
  }
  return std::nullopt;
}

}  // namespace trib::testing
