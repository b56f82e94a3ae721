#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trib/common/status/result.h"

/// `.tflite` files as plain data.
namespace trib::host::tflite {

/// Element types by their numbers in the file.
enum class Type : std::int8_t {
  kFloat32 = 0,
  kFloat16 = 1,
  kInt32 = 2,
  kUint8 = 3,
  kInt64 = 4,
  kString = 5,
  kBool = 6,
  kInt16 = 7,
  kComplex64 = 8,
  kInt8 = 9,
};
/// E.g. "int8"; "type 42" for another number.
std::string TypeName(Type type);

/// Operators by their numbers in the file; others appear as their number.
enum class Builtin : std::int32_t {
  kAdd = 0,
  kAveragePool2D = 1,
  kConv2D = 3,
  kDepthwiseConv2D = 4,
  kFullyConnected = 9,
  kReshape = 22,
  kSoftmax = 25,
  kSvdf = 27,
  kUnidirectionalSequenceLstm = 44,
  kQuantize = 114,
};
/// E.g. "CONV_2D", also for common ones that are not read; "operator code 200" for any other.
std::string BuiltinName(Builtin builtin);

enum class Padding : std::int8_t { kSame = 0, kValid = 1 };
enum class Activation : std::int8_t {
  kNone = 0,
  kRelu = 1,
  kReluN1To1 = 2,
  kRelu6 = 3,
  kTanh = 4,
  kSignBit = 5,
};
/// E.g. "RELU6"; the number for another.
std::string ActivationName(Activation activation);

struct Tensor {
  std::string name;
  Type type = Type::kFloat32;
  std::vector<std::int32_t> shape;
  /// Per tensor: one of each. Per channel: one for each index of `channel_dimension`.
  std::vector<float> scales;
  std::vector<std::int64_t> zero_points;
  std::int32_t channel_dimension = 0;
  /// Empty for what is computed. Points into the file's bytes.
  std::span<const std::byte> data;
  bool variable = false;
  bool sparse = false;
  /// The file leaves a dimension other than the first (the batch) open.
  bool dynamic = false;
};

/// Options that the operators above have; fields that an operator has not keep their defaults.
struct Options {
  Padding padding = Padding::kSame;
  Activation activation = Activation::kNone;
  std::int32_t stride_width = 1;
  std::int32_t stride_height = 1;
  std::int32_t dilation_width = 1;
  std::int32_t dilation_height = 1;
  std::int32_t filter_width = 1;
  std::int32_t filter_height = 1;
  std::int32_t depth_multiplier = 1;
  std::int32_t rank = 1;
  std::int8_t weights_format = 0;
  bool time_major = false;
  bool diagonal_recurrent = false;
  float beta = 1;
  float cell_clip = 0;
  float projection_clip = 0;
};

inline constexpr std::int32_t kAbsent = -1;  ///< an optional input that is left out

struct Operator {
  Builtin builtin = Builtin::kAdd;
  std::string custom;  ///< name of a custom operator
  std::int32_t version = 1;
  std::vector<std::int32_t> inputs;  ///< tensor indices, or kAbsent
  std::vector<std::int32_t> outputs;
  Options options;
};

/// The main subgraph of a model.
struct Model {
  std::string description;
  std::vector<Tensor> tensors;
  std::vector<Operator> operators;  ///< in order of execution
  std::vector<std::int32_t> inputs;
  std::vector<std::int32_t> outputs;
};

/// Reads a model. Every offset is verified before it is followed; tensor indices, buffer sizes and
/// shapes agree with each other afterwards. What operators need of each other is the compiler's
/// matter.
///
/// Memory   `bytes` must outlive the model and start at a multiple of 16.
/// @returns kDataLoss         not a FlatBuffer of this kind, or cut off
///          kUnimplemented    another schema version, several subgraphs, external buffers
///          kInvalidArgument  parts that contradict each other
///          and one line in `error`.
Result<Model> Read(std::span<const std::byte> bytes, std::string& error);

/// A model together with the bytes it points into.
class ModelFile {
 public:
  /// Reads a file of at most 64 MiB.
  ///
  /// @returns kNotFound when it cannot be opened, else what Read() says; `error` begins with the
  /// path.
  static Result<std::unique_ptr<ModelFile>> Load(const std::filesystem::path& path,
                                                 std::string& error);
  [[nodiscard]] const Model& model() const { return model_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_.size(); }

 private:
  struct alignas(16) Block {
    std::array<std::byte, 16> bytes;
  };

  std::vector<Block> blocks_;
  std::span<const std::byte> bytes_;
  Model model_;
};

}  // namespace trib::host::tflite
