#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "trib/common/host/tflite/model.h"
#include "trib/common/nn/types.h"
#include "trib/common/status/result.h"

/// Makes plans (docs/formats/plan.md) from models.
namespace trib::host::compiler {

struct Options {
  /// Leave out what only renames a tensor (reshape). Without it, every operator of the model is one
  /// of the plan, so that each layer can be looked at.
  bool fuse = true;
  /// Lay an output over its input where the kernel's order of access allows it.
  bool overlap = true;
  /// Not 0: make a plan of the first so many operators of the whole model's plan alone. Operators
  /// and tensor indices are the whole's; outputs are those of the whole that are computed by then,
  /// in order, and after them whatever else lives there. What is made of it goes on in the whole.
  std::size_t operators = 0;
};

/// What one operator costs.
struct OperatorReport {
  std::string name;  ///< of the model, e.g. "CONV_2D"
  nn::Opcode opcode = nn::Opcode::kCopy;
  std::size_t source = 0;  ///< index in the model
  std::vector<std::int32_t> output_shape;
  std::uint64_t macs = 0;
  std::uint64_t weight_bytes = 0;  ///< block in the weights section
  std::uint64_t arena_bytes = 0;   ///< bytes of the arena that hold something while it runs
};

/// What a cut before an operator has to carry.
struct CutReport {
  std::size_t cut = 0;
  std::vector<nn::TensorIndex> tensors;
  std::uint64_t bytes = 0;  ///< raw
};

struct Compiled {
  std::vector<std::byte> plan;
  std::vector<std::byte> weights;
  std::uint32_t arena_bytes = 0;
  std::uint32_t scratch_bytes = 0;
  std::uint32_t state_bytes = 0;
  std::uint64_t operators = 0;      ///< opcode bits, for the manifest
  std::uint64_t liveness_peak = 0;  ///< bytes of tensors alive at once, without any overlap
  std::vector<OperatorReport> report;
  std::vector<CutReport> cuts;
};

/// Compiles for the portable target. Equal models and options give equal bytes.
///
/// @returns kUnimplemented    an operator or option that the engine does not have
///          kInvalidArgument  tensors that contradict their operator; no cut at options.operators
///          and one line in `error` that names operator, index and tensor.
Result<Compiled> Compile(const tflite::Model& model, const Options& options, std::string& error);

/// Compiles a tree, forest, linear, logistic or binary model from its JSON:
/// docs/formats/small_model.md.
///
/// @returns kInvalidArgument, and one line in `error` that names the place.
Result<Compiled> CompileSmall(std::string_view text, std::string& error);

/// Compiles a file: JSON when its first character is a brace, else `.tflite`. `error` begins with
/// the path.
///
/// @returns kNotFound when it cannot be opened, else as Compile() and CompileSmall().
Result<Compiled> CompileFile(const std::filesystem::path& path,
                             const Options& options,
                             std::string& error);

/// The nearest multiplier m x 2^(shift - 31), as TFLite computes it: 0 below 2^-32.
///
/// @returns kOutOfRange for real < 0, not finite, or shift > 30.
Result<nn::Multiplier> QuantizeMultiplier(double real);

}  // namespace trib::host::compiler
