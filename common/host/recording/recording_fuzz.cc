// Any bytes as a manifest: refused with a reason, or equal to itself after a trip through text.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "trib/common/host/recording/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using trib::host::recording::Manifest;
  std::vector<std::string> errors;
  const auto manifest = Manifest::Parse(
      std::string_view(reinterpret_cast<const char*>(data), size), "fuzz.toml", "/", errors);
  if (!manifest.ok()) {
    if (errors.empty()) {
      std::abort();
    }
    return 0;
  }
  const std::string text = manifest->ToToml();
  const auto again = Manifest::Parse(text, "again.toml", "/", errors);
  if (!again.ok() || again->ToToml() != text) {
    std::abort();
  }
  return 0;
}
