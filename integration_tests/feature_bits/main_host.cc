// Prints the feature bits of the synthetic windows and of every int16 recording named.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "feature_bits.h"

namespace {

int PrintRecording(trib::feature_bits::Memory& memory, const char* path) {
  using namespace trib;
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "feature_bits: cannot read %s\n", path);
    return 1;
  }
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  std::vector<std::int16_t> samples(bytes.size() / 2);
  std::copy_n(bytes.data(), samples.size() * 2, reinterpret_cast<char*>(samples.data()));
  memory.recipe = testing::BearingRecipe(2048, 1024);
  dsp::Extractor<float> extractor(memory.recipe, memory.scratch);
  std::size_t index = 0;
  for (std::size_t begin = 0; begin + 2048 <= samples.size(); begin += 1024) {
    const Status status =
        extractor.Extract({.samples = std::span<const std::int16_t>(samples).subspan(begin, 2048),
                           .channels = 1,
                           .frames = 2048,
                           .scale = 0.00048828125F,
                           .sample_rate_hz = 12000},
                          memory.values);
    TRIB_CHECK(status.ok());
    std::fputs(feature_bits::Line(index++, memory.values.span()).text(), stdout);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  static trib::feature_bits::Memory memory;
  const auto print = [](const char* line) { std::fputs(line, stdout); };
  trib::feature_bits::PrintSynthetic(memory, print);
  trib::feature_bits::PrintSimulated(memory, print);
  trib::feature_bits::PrintLearned(memory, print);
  trib::feature_bits::PrintClassified(memory, print);
  for (int i = 1; i < argc; ++i) {
    if (PrintRecording(memory, argv[i]) != 0) {
      return 1;
    }
  }
  return 0;
}
