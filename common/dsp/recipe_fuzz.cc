#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

#include "trib/common/dsp/recipe.h"

// What decodes is valid, has a name for every output, and encodes to the bytes it came from.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trib::dsp;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto recipe = DecodeRecipe(bytes);
  if (!recipe.ok()) {
    if (recipe.status().reason() == 0) {
      std::abort();
    }
    return 0;
  }
  std::array<std::byte, kMaxRecipeBytes> again{};
  const auto written = EncodeRecipe(*recipe, again);
  if (!written.ok() || *written != size || std::memcmp(again.data(), data, size) != 0) {
    std::abort();
  }
  std::array<char, kMaxFeatureNameBytes> buffer{};
  for (std::size_t i = 0; i < OutputCount(*recipe); ++i) {
    const auto name = FeatureName(*recipe, i, buffer);
    if (name.empty() || name.size() == buffer.size()) {
      std::abort();
    }
  }
  return 0;
}
