#pragma once

// Sound plans and where each is damaged, for broken_plan_test.cc. Offsets are those of
// docs/formats/plan.md.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "trib/common/nn/types.h"

namespace trib::nn {

// Of the header.
inline constexpr std::size_t kVersionAt = 0;
inline constexpr std::size_t kTensorsAt = 2;
inline constexpr std::size_t kOperatorsAt = 4;
inline constexpr std::size_t kInputsAt = 6;
inline constexpr std::size_t kOutputsAt = 7;
inline constexpr std::size_t kArenaAt = 8;
inline constexpr std::size_t kScratchAt = 12;
inline constexpr std::size_t kStateAt = 16;
// Of a port: tensor, then its scale.
inline constexpr std::size_t kScaleAt = 4;
// Of a tensor: offset, then these.
inline constexpr std::size_t kDimsAt = 4;
inline constexpr std::size_t kZeroPointAt = 12;
inline constexpr std::size_t kTypeAt = 14;
inline constexpr std::size_t kRankAt = 15;
// Of an operator: opcode, then these, then what its opcode has.
inline constexpr std::size_t kFlagsAt = 1;
inline constexpr std::size_t kInputAt = 4;
inline constexpr std::size_t kOutputAt = 6;

/// Bytes of a record by opcode.
inline constexpr std::size_t kRecordBytes[kOpcodes + 1] = {
    0, 24, 24, 16, 16, 28, 8, 20, 16, 32, 76, 20, 16, 12};

/// Plan and weights, with names for the places of the format.
struct Sections {
  std::vector<std::byte> plan;
  std::vector<std::byte> weights;
  std::size_t weights_shift = 0;  ///< bytes past an aligned address

  void Put8(std::size_t at, unsigned value) { plan[at] = static_cast<std::byte>(value); }
  void Put16(std::size_t at, unsigned value) {
    Put8(at, value);
    Put8(at + 1, value >> 8U);
  }
  void Put32(std::size_t at, std::uint32_t value) {
    Put16(at, value);
    Put16(at + 2, value >> 16U);
  }
  [[nodiscard]] unsigned Get8(std::size_t at) const { return std::to_integer<unsigned>(plan[at]); }
  [[nodiscard]] unsigned Get16(std::size_t at) const { return Get8(at) | Get8(at + 1) << 8U; }
  [[nodiscard]] std::uint32_t Get32(std::size_t at) const {
    return Get16(at) | Get16(at + 2) << 16U;
  }

  [[nodiscard]] std::size_t Port(std::size_t n) const { return kPlanHeaderBytes + kPortBytes * n; }
  [[nodiscard]] std::size_t Tensor(std::size_t n) const {
    return Port(Get8(kInputsAt) + Get8(kOutputsAt)) + kTensorBytes * n;
  }
  [[nodiscard]] std::size_t Op(std::size_t n) const {
    std::size_t at = Tensor(Get16(kTensorsAt));
    for (; n > 0; --n) {
      at += kRecordBytes[Get8(at)];
    }
    return at;
  }
  [[nodiscard]] std::size_t InputOf(std::size_t op) const {
    return Tensor(Get16(Op(op) + kInputAt));
  }
  [[nodiscard]] std::size_t OutputOf(std::size_t op) const {
    return Tensor(Get16(Op(op) + kOutputAt));
  }

  /// Another element type for the tensor at `at`, in a place of the arena that suits any.
  void Retype(std::size_t at, TensorType type) {
    Put8(at + kTypeAt, static_cast<unsigned>(type));
    Put32(kArenaAt, 65536);
    Put32(at, 32768);
  }
  /// Another length along `dimension`, in a place of the arena that holds it.
  void Resize(std::size_t at, std::size_t dimension, unsigned length) {
    Put16(at + kDimsAt + 2 * dimension, length);
    Put32(kArenaAt, 65536);
    Put32(at, 32768);
  }
};

/// What the sound plans are made of: networks with every operator there is.
enum class From { kConv, kSvdf, kLstm, kForest, kLinear, kBinary };
// Operators of each, by their place.
namespace conv_net {
inline constexpr std::size_t kConv = 0;
inline constexpr std::size_t kDepthwise = 1;
inline constexpr std::size_t kAdd = 2;
inline constexpr std::size_t kPool = 3;
inline constexpr std::size_t kDense = 4;
inline constexpr std::size_t kSoftmax = 5;
}  // namespace conv_net
namespace lstm_net {
inline constexpr std::size_t kRequantize = 0;
inline constexpr std::size_t kLstm = 1;
inline constexpr std::size_t kSoftmax = 2;
}  // namespace lstm_net

struct Damage {
  const char* what;
  From from;
  PlanReason reason;
  void (*edit)(Sections&);
};

inline constexpr Damage kDamages[] = {
    {"a header cut off",
     From::kConv,
     PlanReason::kTruncated,
     [](Sections& s) { s.plan.resize(kPlanHeaderBytes - 1); }},
    {"tensors cut off",
     From::kConv,
     PlanReason::kTruncated,
     [](Sections& s) { s.plan.resize(s.Tensor(3)); }},
    {"the last operator cut off",
     From::kConv,
     PlanReason::kTruncated,
     [](Sections& s) { s.plan.pop_back(); }},
    {"a newer version",
     From::kConv,
     PlanReason::kBadVersion,
     [](Sections& s) { s.Put16(kVersionAt, kPlanVersion + 1); }},
    {"no tensors",
     From::kConv,
     PlanReason::kTooManyTensors,
     [](Sections& s) { s.Put16(kTensorsAt, 0); }},
    {"513 tensors",
     From::kConv,
     PlanReason::kTooManyTensors,
     [](Sections& s) { s.Put16(kTensorsAt, kMaxTensors + 1); }},
    {"no operators",
     From::kConv,
     PlanReason::kTooManyOperators,
     [](Sections& s) { s.Put16(kOperatorsAt, 0); }},
    {"513 operators",
     From::kConv,
     PlanReason::kTooManyOperators,
     [](Sections& s) { s.Put16(kOperatorsAt, kMaxOperators + 1); }},
    {"no input", From::kConv, PlanReason::kBadPorts, [](Sections& s) { s.Put8(kInputsAt, 0); }},
    {"5 outputs", From::kConv, PlanReason::kBadPorts, [](Sections& s) { s.Put8(kOutputsAt, 5); }},
    {"an input that is no tensor",
     From::kConv,
     PlanReason::kBadPorts,
     [](Sections& s) { s.Put16(s.Port(0), s.Get16(kTensorsAt)); }},
    {"an output's scale of 0",
     From::kConv,
     PlanReason::kBadPorts,
     [](Sections& s) { s.Put32(s.Port(1) + kScaleAt, 0); }},
    {"an input's scale of NaN",
     From::kConv,
     PlanReason::kBadPorts,
     [](Sections& s) { s.Put32(s.Port(0) + kScaleAt, 0x7FC00000); }},
    {"an arena above 16 MiB",
     From::kConv,
     PlanReason::kBadArena,
     [](Sections& s) { s.Put32(kArenaAt, kMaxArenaBytes + 16); }},
    {"an arena that is no multiple of 16",
     From::kConv,
     PlanReason::kBadArena,
     [](Sections& s) { s.Put32(kArenaAt, s.Get32(kArenaAt) + 4); }},
    {"scratch behind the arena",
     From::kConv,
     PlanReason::kBadArena,
     [](Sections& s) { s.Put32(kScratchAt, s.Get32(kArenaAt) + 4); }},
    {"scratch at an odd place",
     From::kConv,
     PlanReason::kBadArena,
     [](Sections& s) { s.Put32(kScratchAt, 2); }},
    {"state above 1 MiB",
     From::kSvdf,
     PlanReason::kBadState,
     [](Sections& s) { s.Put32(kStateAt, kMaxStateBytes + 1); }},
    {"a weights section that grew",
     From::kConv,
     PlanReason::kWeightsSize,
     [](Sections& s) { s.weights.push_back({}); }},
    {"a weights section cut off",
     From::kConv,
     PlanReason::kWeightsSize,
     [](Sections& s) { s.weights.pop_back(); }},
    {"a type that is none",
     From::kConv,
     PlanReason::kBadTensor,
     [](Sections& s) { s.Put8(s.Tensor(0) + kTypeAt, 5); }},
    {"rank 5",
     From::kConv,
     PlanReason::kBadTensor,
     [](Sections& s) { s.Put8(s.Tensor(0) + kRankAt, 5); }},
    {"a dimension of 0",
     From::kConv,
     PlanReason::kBadTensor,
     [](Sections& s) { s.Put16(s.Tensor(0) + kDimsAt + 2, 0); }},
    {"an int8 zero point of 128",
     From::kConv,
     PlanReason::kBadTensor,
     [](Sections& s) { s.Put16(s.Tensor(0) + kZeroPointAt, 128); }},
    {"an int16 tensor at an odd place",
     From::kLstm,
     PlanReason::kBadTensor,
     [](Sections& s) { s.Put32(s.InputOf(lstm_net::kRequantize), 1); }},
    {"a tensor behind the arena",
     From::kConv,
     PlanReason::kTensorOutsideArena,
     [](Sections& s) { s.Put32(s.Tensor(0), s.Get32(kArenaAt)); }},
    {"a tensor that reaches out of the arena",
     From::kConv,
     PlanReason::kTensorOutsideArena,
     [](Sections& s) { s.Put16(s.Tensor(0) + kDimsAt, 65535); }},
    {"opcode 0",
     From::kConv,
     PlanReason::kUnknownOperator,
     [](Sections& s) { s.Put8(s.Op(0), 0); }},
    {"a newer opcode",
     From::kConv,
     PlanReason::kUnknownOperator,
     [](Sections& s) { s.Put8(s.Op(0), kOpcodes + 1); }},
    {"a convolution's flag on a sum",
     From::kConv,
     PlanReason::kBadFlags,
     [](Sections& s) { s.Put8(s.Op(conv_net::kAdd) + kFlagsAt, op_flag::kStaged); }},
    {"a flag of no meaning",
     From::kConv,
     PlanReason::kBadFlags,
     [](Sections& s) { s.Put8(s.Op(conv_net::kDense) + kFlagsAt, 64); }},
    {"an input that is not there",
     From::kConv,
     PlanReason::kBadTensorIndex,
     [](Sections& s) { s.Put16(s.Op(0) + kInputAt, s.Get16(kTensorsAt)); }},
    {"an output that is not there",
     From::kConv,
     PlanReason::kBadTensorIndex,
     [](Sections& s) { s.Put16(s.Op(0) + kOutputAt, kNoTensor); }},
    {"a second input that is not there",
     From::kConv,
     PlanReason::kBadTensorIndex,
     [](Sections& s) { s.Put16(s.Op(conv_net::kAdd) + 8, kNoTensor); }},
    {"an operator before its input",
     From::kConv,
     PlanReason::kReadBeforeWritten,
     [](Sections& s) { s.Put16(s.Op(0) + kInputAt, s.Get16(s.Op(1) + kOutputAt)); }},
    {"an output nobody computes",
     From::kSvdf,
     PlanReason::kReadBeforeWritten,
     [](Sections& s) {
       s.plan.resize(s.Op(1));
       s.Put16(kOperatorsAt, 1);
     }},
    {"two operators with one output",
     From::kConv,
     PlanReason::kWrittenTwice,
     [](Sections& s) { s.Put16(s.Op(1) + kOutputAt, s.Get16(s.Op(0) + kOutputAt)); }},
    {"an operator that writes the input",
     From::kConv,
     PlanReason::kWrittenTwice,
     [](Sections& s) { s.Put16(s.Op(0) + kOutputAt, s.Get16(s.Op(0) + kInputAt)); }},
    {"a byte too many",
     From::kConv,
     PlanReason::kTrailingBytes,
     [](Sections& s) { s.plan.push_back({}); }},
    {"an operator that is not counted",
     From::kSvdf,
     PlanReason::kTrailingBytes,
     [](Sections& s) {
       s.Put16(s.Port(1), s.Get16(s.Op(0) + kOutputAt));
       s.Put16(kOperatorsAt, 1);
     }},
    {"a weights section at an odd address",
     From::kConv,
     PlanReason::kMisaligned,
     [](Sections& s) { s.weights_shift = 1; }},
    {"weights at an odd place",
     From::kConv,
     PlanReason::kMisaligned,
     [](Sections& s) { s.Put32(s.Op(conv_net::kConv) + 20, 2); }},
    {"state at an odd place",
     From::kSvdf,
     PlanReason::kMisaligned,
     [](Sections& s) { s.Put32(s.Op(0) + 24, 2); }},

    {"a convolution from int16",
     From::kConv,
     PlanReason::kWrongType,
     [](Sections& s) { s.Retype(s.InputOf(conv_net::kConv), TensorType::kInt16); }},
    {"a pool to int32",
     From::kConv,
     PlanReason::kWrongType,
     [](Sections& s) { s.Retype(s.OutputOf(conv_net::kPool), TensorType::kInt32); }},
    {"a sum to int16",
     From::kConv,
     PlanReason::kWrongType,
     [](Sections& s) { s.Retype(s.OutputOf(conv_net::kAdd), TensorType::kInt16); }},
    {"a softmax to int32",
     From::kConv,
     PlanReason::kWrongType,
     [](Sections& s) { s.Retype(s.OutputOf(conv_net::kSoftmax), TensorType::kInt32); }},
    {"a requantisation from float32",
     From::kLstm,
     PlanReason::kWrongType,
     [](Sections& s) { s.Retype(s.InputOf(lstm_net::kRequantize), TensorType::kFloat32); }},
    {"an SVDF from int16",
     From::kSvdf,
     PlanReason::kWrongType,
     [](Sections& s) { s.Retype(s.InputOf(0), TensorType::kInt16); }},
    {"an LSTM to int16",
     From::kLstm,
     PlanReason::kWrongType,
     [](Sections& s) { s.Retype(s.OutputOf(lstm_net::kLstm), TensorType::kInt16); }},
    {"a forest over int32",
     From::kForest,
     PlanReason::kWrongType,
     [](Sections& s) { s.Retype(s.InputOf(0), TensorType::kInt32); }},
    {"a linear model to int8",
     From::kLinear,
     PlanReason::kWrongType,
     [](Sections& s) { s.Retype(s.OutputOf(0), TensorType::kInt8); }},
    {"binary signs as int32",
     From::kBinary,
     PlanReason::kWrongType,
     [](Sections& s) { s.Retype(s.OutputOf(0), TensorType::kInt32); }},

    {"a convolution of another batch",
     From::kConv,
     PlanReason::kWrongShape,
     [](Sections& s) { s.Resize(s.InputOf(conv_net::kConv), 0, 2); }},
    {"a depthwise convolution to 5 channels",
     From::kConv,
     PlanReason::kWrongShape,
     [](Sections& s) { s.Resize(s.OutputOf(conv_net::kDepthwise), 3, 5); }},
    {"a pool to 5 channels",
     From::kConv,
     PlanReason::kWrongShape,
     [](Sections& s) { s.Resize(s.OutputOf(conv_net::kPool), 3, 5); }},
    {"a sum of unequal sizes",
     From::kConv,
     PlanReason::kWrongShape,
     [](Sections& s) { s.Resize(s.OutputOf(conv_net::kAdd), 1, 4); }},
    {"a dense layer of 3 rows from 4 values",
     From::kConv,
     PlanReason::kWrongShape,
     [](Sections& s) { s.Resize(s.OutputOf(conv_net::kDense), 2, 3); }},
    {"a softmax to 4 classes",
     From::kConv,
     PlanReason::kWrongShape,
     [](Sections& s) { s.Resize(s.OutputOf(conv_net::kSoftmax), 3, 4); }},
    {"a requantisation of unequal sizes",
     From::kLstm,
     PlanReason::kWrongShape,
     [](Sections& s) { s.Resize(s.InputOf(lstm_net::kRequantize), 2, 3); }},
    {"an SVDF of another batch",
     From::kSvdf,
     PlanReason::kWrongShape,
     [](Sections& s) { s.Resize(s.InputOf(0), 2, 2); }},
    {"an LSTM of another number of steps",
     From::kLstm,
     PlanReason::kWrongShape,
     [](Sections& s) { s.Resize(s.OutputOf(lstm_net::kLstm), 2, 3); }},
    {"a forest over two rows",
     From::kForest,
     PlanReason::kWrongShape,
     [](Sections& s) { s.Resize(s.InputOf(0), 2, 2); }},
    {"a linear model over two rows",
     From::kLinear,
     PlanReason::kWrongShape,
     [](Sections& s) { s.Resize(s.InputOf(0), 2, 2); }},
    {"a binary layer over two rows",
     From::kBinary,
     PlanReason::kWrongShape,
     [](Sections& s) { s.Resize(s.InputOf(0), 2, 2); }},

    {"stride 0",
     From::kConv,
     PlanReason::kBadParameter,
     [](Sections& s) { s.Put8(s.Op(conv_net::kConv) + 10, 0); }},
    {"a channel's multiplier below 0",
     From::kConv,
     PlanReason::kBadParameter,
     [](Sections& s) {
       s.weights[4 * 4 + 3] = std::byte{0x80};  // behind the four biases
     }},
    {"a clamp that excludes all",
     From::kConv,
     PlanReason::kBadParameter,
     [](Sections& s) {
       s.Put8(s.Op(conv_net::kDense) + 8, 127);
       s.Put8(s.Op(conv_net::kDense) + 9, 0);
     }},
    {"a pool of kernel 0",
     From::kConv,
     PlanReason::kBadParameter,
     [](Sections& s) { s.Put8(s.Op(conv_net::kPool) + 8, 0); }},
    {"a sum's multiplier above 1",
     From::kConv,
     PlanReason::kBadParameter,
     [](Sections& s) { s.Put8(s.Op(conv_net::kAdd) + 24, 1); }},
    {"a softmax's shift below 0",
     From::kConv,
     PlanReason::kBadParameter,
     [](Sections& s) { s.Put8(s.Op(conv_net::kSoftmax) + 16, 0xFF); }},
    {"a softmax's difference above 0",
     From::kLstm,
     PlanReason::kBadParameter,
     [](Sections& s) { s.Put32(s.Op(lstm_net::kSoftmax) + 12, 1); }},
    {"a shift of 31",
     From::kLstm,
     PlanReason::kBadParameter,
     [](Sections& s) { s.Put8(s.Op(lstm_net::kRequantize) + 12, 31); }},
    {"an SVDF without memory",
     From::kSvdf,
     PlanReason::kBadParameter,
     [](Sections& s) { s.Put16(s.Op(0) + 10, 0); }},
    {"an LSTM's cell scale of 2",
     From::kLstm,
     PlanReason::kBadParameter,
     [](Sections& s) { s.Put8(s.Op(lstm_net::kLstm) + 64, 1); }},
    {"a gate's multiplier below 0",
     From::kLstm,
     PlanReason::kBadParameter,
     [](Sections& s) { s.Put32(s.Op(lstm_net::kLstm) + 8, 0x80000000); }},
    {"a tree whose root is not there",
     From::kForest,
     PlanReason::kBadParameter,
     [](Sections& s) { s.Put16(s.Op(0) + 10, 0); }},
    {"a leaf that is not there",
     From::kForest,
     PlanReason::kBadParameter,
     [](Sections& s) {
       s.weights.back() = std::byte{0xFF};  // `next` of the last node
     }},
    {"a link that is none",
     From::kLinear,
     PlanReason::kBadParameter,
     [](Sections& s) { s.Put8(s.Op(0) + 8, 3); }},

    {"a convolution's weights outside",
     From::kConv,
     PlanReason::kWeightsOutside,
     [](Sections& s) {
       s.Put32(s.Op(conv_net::kConv) + 20, static_cast<std::uint32_t>(s.weights.size()) / 4 * 4);
     }},
    {"a larger kernel than weights",
     From::kConv,
     PlanReason::kWeightsOutside,
     [](Sections& s) { s.Put8(s.Op(conv_net::kConv) + 8, 255); }},
    {"an SVDF's weights outside",
     From::kSvdf,
     PlanReason::kWeightsOutside,
     [](Sections& s) { s.Put32(s.Op(0) + 28, 0xFFFFFFFC); }},
    {"an LSTM's weights outside",
     From::kLstm,
     PlanReason::kWeightsOutside,
     [](Sections& s) { s.Put32(s.Op(lstm_net::kLstm) + 72, 4); }},
    {"more leaves than weights",
     From::kForest,
     PlanReason::kWeightsOutside,
     [](Sections& s) { s.Put16(s.Op(0) + 12, 65535); }},
    {"a linear model's weights outside",
     From::kLinear,
     PlanReason::kWeightsOutside,
     [](Sections& s) { s.Put32(s.Op(0) + 12, 4); }},
    {"binary weights outside",
     From::kBinary,
     PlanReason::kWeightsOutside,
     [](Sections& s) { s.Put32(s.Op(1) + 8, static_cast<std::uint32_t>(s.weights.size())); }},
    {"a staged convolution without scratch",
     From::kConv,
     PlanReason::kScratchTooSmall,
     [](Sections& s) {
       s.Put8(s.Op(conv_net::kConv) + kFlagsAt, op_flag::kStaged);
       s.Put32(kScratchAt, s.Get32(kArenaAt));
     }},
    {"a staged pool without scratch",
     From::kConv,
     PlanReason::kScratchTooSmall,
     [](Sections& s) {
       s.Put8(s.Op(conv_net::kPool) + kFlagsAt, op_flag::kStaged);
       s.Put8(s.Op(conv_net::kConv) + kFlagsAt, 0);
       s.Put8(s.Op(conv_net::kDepthwise) + kFlagsAt, 0);
       s.Put32(kScratchAt, s.Get32(kArenaAt));
     }},
    {"an LSTM without scratch",
     From::kLstm,
     PlanReason::kScratchTooSmall,
     [](Sections& s) { s.Put32(kScratchAt, s.Get32(kArenaAt)); }},
    {"an SVDF's state outside",
     From::kSvdf,
     PlanReason::kStateOutside,
     [](Sections& s) { s.Put32(s.Op(0) + 24, 4); }},
    {"an LSTM's state outside",
     From::kLstm,
     PlanReason::kStateOutside,
     [](Sections& s) { s.Put32(kStateAt, s.Get32(kStateAt) - 1); }},
};

}  // namespace trib::nn
