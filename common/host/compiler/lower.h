#pragma once

#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "graph.h"
#include "trib/common/host/compiler/compiler.h"

namespace trib::host::compiler {

inline void Append32(std::vector<std::byte>& out, std::int32_t value) {
  for (int i = 0; i < 4; ++i) {
    out.push_back(static_cast<std::byte>(static_cast<std::uint32_t>(value) >> (8 * i)));
  }
}

inline std::int32_t Int32At(std::span<const std::byte> data, std::size_t i) {
  std::int32_t value = 0;
  std::memcpy(&value, data.data() + 4 * i, 4);
  return value;
}

inline std::int32_t Int8At(std::span<const std::byte> data, std::size_t i) {
  return static_cast<std::int8_t>(data[i]);
}

/// From a model's operators to the plan's: checks, multipliers, folded biases. The operators lie in
/// lower_conv.cc, lower_pointwise.cc and lower_recurrent.cc.
class Lowering {
 public:
  Lowering(const tflite::Model& model, std::string& error) : model_(model), error_(error) {}
  Result<Graph> Run();

 private:
  Status Fail(Code code, const std::string& reason) {
    error_ = where_ + ": " + reason;
    return code;
  }
  Status Unsupported(const std::string& reason) { return Fail(Code::kUnimplemented, reason); }
  Status Wrong(const std::string& reason) { return Fail(Code::kInvalidArgument, reason); }

  Status LowerOperator(const tflite::Operator& from, Node& node);
  Status LowerConv(const tflite::Operator& from, Node& node, bool depthwise);
  Status LowerFullyConnected(const tflite::Operator& from, Node& node);
  Status LowerPool(const tflite::Operator& from, Node& node);
  Status LowerAdd(const tflite::Operator& from, Node& node);
  Status LowerReshape(Node& node);
  Status LowerSoftmax(const tflite::Operator& from, Node& node);
  Status LowerQuantize(Node& node);
  Status LowerSvdf(const tflite::Operator& from, Node& node);
  Status LowerLstm(const tflite::Operator& from, Node& node);

  /// What a gate of an LSTM multiplies its weights with.
  struct GateInput {
    std::size_t cells;
    std::size_t depth;
    float scale;
    std::int64_t zero_point;
    std::optional<std::size_t> bias;  ///< position among the operator's inputs
  };
  struct GateBlock {
    std::vector<std::byte> biases;
    std::vector<std::byte> weights;
  };
  Status CheckLstm(const tflite::Operator& from, const Node& node);
  Status LowerGate(const tflite::Operator& from,
                   std::size_t position,
                   const GateInput& reads,
                   nn::Multiplier& multiplier,
                   GateBlock& out);
  /// Kernel, stride, dilation and padding of a convolution with this filter.
  Status ConvGeometry(const tflite::Operator& from, const tflite::Tensor& filter, Node& node);

  /// Input `position` of the operator; nullptr when absent.
  const tflite::Tensor* In(const tflite::Operator& from, std::size_t position) const;
  /// E.g. "tensor 3 (conv/weights)".
  std::string Describe(std::int32_t tensor) const;
  /// E.g. "tensor 3 (conv/weights) of 8x3x3x1".
  std::string DescribeShape(std::int32_t tensor) const;
  Status NeedInt8(nn::TensorIndex value);
  Status UnsupportedActivation(tflite::Activation activation);
  Status NeedConstant(const tflite::Operator& from, std::size_t position, tflite::Type type);
  Status NeedPerTensor(std::int32_t index);
  Status NeedSymmetric(std::int32_t index);
  Status NeedPerChannel(std::int32_t index, std::int32_t dimension);
  /// A variable tensor with one scale; symmetric unless int8.
  Status NeedState(const tflite::Operator& from, std::size_t position, tflite::Type type);
  Result<nn::TensorIndex> Use(std::int32_t tensor);
  Result<nn::Tensor> Convert(std::int32_t index);
  Status Bias(const tflite::Operator& from,
              std::size_t position,
              std::size_t channels,
              std::vector<std::int32_t>& out);
  Result<nn::Clamp> ClampOf(tflite::Activation activation, const tflite::Tensor& output);
  Status Axis(tflite::Padding padding,
              std::int32_t in,
              std::int32_t out,
              std::int32_t kernel,
              std::int32_t stride,
              std::int32_t dilation,
              std::uint8_t& pad);
  Result<nn::Multiplier> Multiplier(double real);
  Status WeightedBlock(const std::vector<std::int32_t>& bias,
                       const std::vector<double>& real,
                       std::span<const std::byte> weights,
                       Node& node);

  const tflite::Tensor& Source(nn::TensorIndex value) const {
    return model_.tensors[static_cast<std::size_t>(source_[value])];
  }
  const nn::Tensor& Value(nn::TensorIndex value) const { return graph_.values[value].tensor; }

  const tflite::Model& model_;
  std::string& error_;
  std::string where_;
  Graph graph_;
  std::vector<std::optional<nn::TensorIndex>> value_of_;  // per tensor of the model
  std::vector<std::int32_t> source_;                      // per value
  std::vector<bool> written_;                             // per tensor of the model
};
}  // namespace trib::host::compiler
