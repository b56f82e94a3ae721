#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "trib/common/host/tflite/model.h"

namespace trib::testing {

/// What a test wants in a `.tflite` file, sound or not. Fields that the file's tensors and
/// operators share with tflite::Model are taken from there; `data` is copied.
struct TfliteFile {
  std::uint32_t version = 3;
  std::uint32_t subgraphs = 1;  ///< the same one, so many times
  std::string mark = "TFL3";
  host::tflite::Model model;
  /// Added to every buffer number, to point past the list.
  std::uint32_t buffer_shift = 0;
  /// -1 as the second dimension of every tensor's signature.
  bool dynamic = false;
  bool external_buffers = false;
  /// Added to the number of every options table, to make it another operator's.
  std::uint8_t options_shift = 0;
  bool without_options = false;
};

/// The file's bytes, written with FlatBuffers' own builder.
std::vector<std::byte> WriteTflite(const TfliteFile& file);

/// A tensor without data. Its scale is 0.5, its zero point `zero`.
host::tflite::Tensor MakeTensor(std::string name,
                                std::vector<std::int32_t> shape,
                                host::tflite::Type type = host::tflite::Type::kInt8,
                                std::int64_t zero = 0);

/// conv 3x3 stride 2 -> depthwise 3x3 -> add with itself -> average pool -> reshape -> fully
/// connected -> softmax, on [1, 6, 6, 2]; weights from `seed`. `storage` holds the constants.
TfliteFile SmallConvNet(std::uint32_t seed, std::vector<std::vector<std::byte>>& storage);

/// SVDF of rank 2 -> fully connected, on [1, 4].
TfliteFile SmallSvdfNet(std::uint32_t seed, std::vector<std::vector<std::byte>>& storage);

/// int16 -> int8 -> LSTM of 3 cells over 2 steps -> softmax to int16 -> int32, on [1, 2, 4].
TfliteFile SmallLstmNet(std::uint32_t seed, std::vector<std::vector<std::byte>>& storage);

}  // namespace trib::testing
