#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

/// The int8 engine: plans as docs/formats/plan.md states them.
namespace trib::nn {

inline constexpr std::uint16_t kPlanVersion = 1;
inline constexpr std::size_t kMaxTensors = 512;
inline constexpr std::size_t kMaxOperators = 512;
inline constexpr std::size_t kMaxInputs = 4;
inline constexpr std::size_t kMaxOutputs = 4;
inline constexpr std::uint32_t kMaxArenaBytes = 16U << 20U;
inline constexpr std::uint32_t kMaxStateBytes = 1U << 20U;

inline constexpr std::size_t kPlanHeaderBytes = 24;
inline constexpr std::size_t kPortBytes = 8;
inline constexpr std::size_t kTensorBytes = 16;

/// Persisted in plans: values are never reused.
enum class TensorType : std::uint8_t { kInt8 = 1, kInt16 = 2, kInt32 = 3, kFloat32 = 4 };

/// 0 for a value outside the enum.
constexpr std::size_t BytesOf(TensorType type) {
  switch (type) {
    case TensorType::kInt8:
      return 1;
    case TensorType::kInt16:
      return 2;
    case TensorType::kInt32:
    case TensorType::kFloat32:
      return 4;
  }
  return 0;
}

/// Persisted in plans, and bit (value - 1) of a manifest's operators: values are never reused.
enum class Opcode : std::uint8_t {
  kConv2D = 1,
  kDepthwiseConv2D = 2,
  kFullyConnected = 3,
  kAveragePool2D = 4,
  kAdd = 5,
  kCopy = 6,
  kSoftmax = 7,
  kRequantize = 8,
  kSvdf = 9,
  kLstm = 10,
  kForest = 11,
  kLinear = 12,
  kBinary = 13,
};
inline constexpr std::size_t kOpcodes = 13;

/// E.g. "conv_2d"; "unknown" for a value outside the enum.
std::string_view OpcodeName(Opcode opcode);
/// E.g. "int8"; "unknown" for a value outside the enum.
std::string_view TensorTypeName(TensorType type);

namespace op_flag {
/// Fully connected: one multiplier and one shift for all channels.
inline constexpr std::uint8_t kPerTensor = 1;
/// Binary: gives the sign against the channel's threshold instead of the dot product.
inline constexpr std::uint8_t kSign = 2;
/// An output pixel is collected in the scratch region before it is written.
inline constexpr std::uint8_t kStaged = 128;
}  // namespace op_flag

/// Why a plan is refused. Values are never reused.
enum class PlanReason : std::uint16_t {
  kNone = 0,
  kTruncated = 1,
  kBadVersion = 2,
  kTooManyTensors = 3,
  kTooManyOperators = 4,
  kBadPorts = 5,
  kBadArena = 6,
  kBadState = 7,
  kWeightsSize = 8,
  kBadTensor = 9,
  kTensorOutsideArena = 10,
  kUnknownOperator = 11,
  kBadFlags = 12,
  kBadTensorIndex = 13,
  kWrongType = 14,
  kWrongShape = 15,
  kBadParameter = 16,
  kWeightsOutside = 17,
  kScratchTooSmall = 18,
  kStateOutside = 19,
  kTrailingBytes = 20,
  kMisaligned = 21,
  kReadBeforeWritten = 22,
  kArenaTooSmall = 23,
  kWrittenTwice = 24,
};
/// E.g. "weights outside their section"; "unknown reason" for a value outside the enum.
std::string_view PlanReasonName(PlanReason reason);

using TensorIndex = std::uint16_t;
using OperatorIndex = std::uint16_t;
inline constexpr TensorIndex kNoTensor = 0xFFFF;

struct Tensor {
  std::uint32_t offset = 0;  ///< in the arena
  std::array<std::uint16_t, 4> dims{1, 1, 1, 1};
  std::int16_t zero_point = 0;
  TensorType type = TensorType::kInt8;
  std::uint8_t rank = 1;

  [[nodiscard]] constexpr std::uint64_t elements() const {
    return std::uint64_t{dims[0]} * dims[1] * dims[2] * dims[3];
  }
  [[nodiscard]] constexpr std::uint64_t bytes() const { return elements() * BytesOf(type); }
  [[nodiscard]] constexpr std::uint32_t height() const { return dims[1]; }
  [[nodiscard]] constexpr std::uint32_t width() const { return dims[2]; }
  [[nodiscard]] constexpr std::uint32_t channels() const { return dims[3]; }
};

/// A model input or output: real = scale x (value - zero point of the tensor).
struct Port {
  TensorIndex tensor = 0;
  float scale = 1;
};

/// The real multiplier m x 2^(shift - 31), m in [2^30, 2^31), or 0.
struct Multiplier {
  std::int32_t m = 0;
  std::int8_t shift = 0;
};

struct Geometry {
  std::uint8_t kernel_height = 1;
  std::uint8_t kernel_width = 1;
  std::uint8_t stride_height = 1;
  std::uint8_t stride_width = 1;
  std::uint8_t dilation_height = 1;
  std::uint8_t dilation_width = 1;
  std::uint8_t pad_top = 0;
  std::uint8_t pad_left = 0;
};

/// Inclusive; the fused activation function.
struct Clamp {
  std::int8_t low = -128;
  std::int8_t high = 127;
};

/// Gates of an LSTM in the order of plans.
enum class Gate : std::uint8_t { kInput = 0, kForget = 1, kCell = 2, kOutput = 3 };
inline constexpr std::size_t kGates = 4;

struct LstmParameters {
  std::array<Multiplier, kGates> input{};
  std::array<Multiplier, kGates> recurrent{};
  Multiplier forget_cell;     ///< forget gate x cell -> cell
  Multiplier input_cell;      ///< input gate x candidate -> cell
  Multiplier hidden;          ///< output gate x tanh(cell) -> hidden
  std::int8_t cell_log2 = 0;  ///< scale of the cell state is 2^cell_log2
  std::int8_t hidden_zero_point = 0;
  std::int16_t cell_clip = 0;  ///< 0 = none
};

/// Of the linear operator. Persisted.
enum class Link : std::uint8_t { kIdentity = 0, kLogistic = 1, kSoftmax = 2 };

struct ForestParameters {
  std::uint16_t trees = 0;
  std::uint16_t nodes = 0;
  std::uint16_t leaves = 0;
};
inline constexpr std::uint16_t kLeafNode = 0xFFFF;

/// An operator as its record states it. Of the fields below `output`, only those of its opcode mean
/// anything.
struct Operator {
  Opcode opcode = Opcode::kCopy;
  std::uint8_t flags = 0;
  std::uint16_t source = 0;  ///< index in the model it was made from
  TensorIndex input = 0;
  TensorIndex output = 0;
  TensorIndex input2 = kNoTensor;  ///< add
  Geometry geometry;               ///< conv, depthwise, pool
  Clamp clamp;                     ///< conv, depthwise, fully connected, pool, add
  /// add: input 1, input 2, sum; svdf: state, output; softmax and requantize: the first.
  std::array<Multiplier, 3> multipliers{};
  std::int32_t least_difference = 0;  ///< softmax
  std::uint16_t rank = 1;             ///< svdf
  std::uint16_t memory = 1;           ///< svdf
  std::int16_t state_zero_point = 0;  ///< svdf
  std::uint32_t state = 0;            ///< svdf, lstm: offset in the state memory
  std::uint32_t weights = 0;          ///< offset in the weights section
  LstmParameters lstm;
  ForestParameters forest;
  Link link = Link::kIdentity;  ///< linear
};

}  // namespace trib::nn
