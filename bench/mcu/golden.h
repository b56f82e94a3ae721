#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "trib/common/host/compiler/compiler.h"
#include "trib/common/host/tflite/model.h"

namespace trib::bench::mcu {

inline constexpr std::size_t kGoldenSamples = 33;

/// A model of shared/golden and what TFLite's reference kernels computed with it.
struct Golden {
  std::string name;
  host::tflite::Model model;
  std::vector<std::byte> file;  ///< the model points into it
  std::vector<std::vector<std::byte>> inputs;
  std::vector<std::uint32_t> output_crcs;              ///< [sample]
  std::vector<std::vector<std::uint32_t>> layer_crcs;  ///< [operator of the model][sample]
  // The same when samples follow each other without a reset; empty for a network without a state.
  std::vector<std::uint32_t> sequence_output_crcs;
  std::vector<std::vector<std::uint32_t>> sequence_layer_crcs;

  [[nodiscard]] bool stateful() const { return !sequence_output_crcs.empty(); }
};

struct GoldenName {
  const char* folder;
  const char* file;
  const char* short_name;  ///< of tables
};
inline constexpr GoldenName kGoldens[] = {
    {"ad01_int8", "ad01_int8.tflite", "ad"},
    {"kws", "kws_ref_model.tflite", "kws"},
    {"resnet", "pretrainedResnet_quant.tflite", "resnet"},
    {"vww", "vww_96_int8.tflite", "vww"},
    {"sww", "str_ww_ref_model.tflite", "sww"},
    {"hello_world_int8", "hello_world_int8.tflite", "hello"},
    {"keyword_scrambled_8bit_nobias", "keyword_scrambled_8bit_nobias.tflite", "svdf"},
    {"mnist_lstm_int8", "trained_lstm_int8.tflite", "lstm"},
};

/// @param folder  the one that holds the models' folders
/// @returns nullptr with one line in `error`
std::unique_ptr<Golden> ReadGolden(const std::filesystem::path& folder,
                                   const GoldenName& name,
                                   std::string& error);

}  // namespace trib::bench::mcu
