#include "golden.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

namespace trib::bench::mcu {
namespace {

namespace fs = std::filesystem;

std::vector<std::byte> ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  std::vector<std::byte> bytes(text.size());
  std::transform(
      text.begin(), text.end(), bytes.begin(), [](char c) { return static_cast<std::byte>(c); });
  return bytes;
}

std::vector<std::uint32_t> HexWords(const std::string& text) {
  std::istringstream words(text);
  std::vector<std::uint32_t> out;
  for (std::string word; words >> word;) {
    out.push_back(static_cast<std::uint32_t>(std::stoul(word, nullptr, 16)));
  }
  return out;
}

/// Lines of a text that are not comments.
std::vector<std::string> Lines(const fs::path& path) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line[0] != '#') {
      lines.push_back(line);
    }
  }
  return lines;
}

/// [operator][sample]: what stands behind the semicolon of each line.
std::vector<std::vector<std::uint32_t>> ReadLayers(const fs::path& path) {
  std::vector<std::vector<std::uint32_t>> layers;
  for (const std::string& line : Lines(path)) {
    layers.push_back(HexWords(line.substr(line.find(';') + 1)));
  }
  return layers;
}

bool Whole(const std::vector<std::vector<std::uint32_t>>& layers, std::size_t operators) {
  return layers.size() == operators &&
         std::all_of(layers.begin(), layers.end(), [](const auto& crcs) {
           return crcs.size() == kGoldenSamples;
         });
}

}  // namespace

std::unique_ptr<Golden> ReadGolden(const fs::path& folder,
                                   const GoldenName& name,
                                   std::string& error) {
  const fs::path from = folder / name.folder;
  auto golden = std::make_unique<Golden>();
  golden->name = name.folder;
  golden->file = ReadFile(from / name.file);
  auto model = host::tflite::Read(golden->file, error);
  if (!model.ok()) {
    error = (from / name.file).string() + ": " + error;
    return nullptr;
  }
  golden->model = *std::move(model);
  for (std::size_t i = 0; i < kGoldenSamples; ++i) {
    golden->inputs.push_back(
        ReadFile(from / ((i < 10 ? "in_0" : "in_") + std::to_string(i) + ".bin")));
  }
  const bool stateful = fs::exists(from / "seqout_00.bin");
  for (const std::string& line : Lines(from / "crc.txt")) {
    const auto words = HexWords(line);  // sample, input, output, output in a sequence
    if (words.size() == 4) {
      golden->output_crcs.push_back(words[2]);
      if (stateful) {
        golden->sequence_output_crcs.push_back(words[3]);
      }
    }
  }
  golden->layer_crcs = ReadLayers(from / "layers.txt");
  const std::size_t operators = golden->model.operators.size();
  bool whole = golden->output_crcs.size() == kGoldenSamples && Whole(golden->layer_crcs, operators);
  if (stateful) {
    golden->sequence_layer_crcs = ReadLayers(from / "seqlayers.txt");
    whole = whole && Whole(golden->sequence_layer_crcs, operators);
  }
  if (!whole) {
    error = from.string() + ": its vectors are not whole";
    return nullptr;
  }
  return golden;
}

}  // namespace trib::bench::mcu
