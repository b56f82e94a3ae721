#pragma once

// Sound networks, where each is damaged, and what is said to it: for broken_models_test.cc.
#include <cstddef>
#include <limits>
#include <utility>

#include "trib/testing/tflite_writer.h"

namespace trib::host::compiler {

using testing::TfliteFile;
using tflite::Activation;
using tflite::Builtin;
using tflite::Type;

// Tensors and operators of the sound networks, by their place.
namespace conv_net {  // SmallConvNet
inline constexpr std::size_t kInput = 0;
inline constexpr std::size_t kDepthwiseResult = 2;
inline constexpr std::size_t kSum = 3;
inline constexpr std::size_t kPooled = 4;
inline constexpr std::size_t kFlat = 5;
inline constexpr std::size_t kClasses = 6;
inline constexpr std::size_t kResult = 7;
inline constexpr std::size_t kWeights = 8;
inline constexpr std::size_t kBias = 9;
inline constexpr std::size_t kDenseWeights = 12;
enum Op : std::size_t { kConv, kDepthwise, kAdd, kPool, kReshape, kDense, kSoftmax };
}  // namespace conv_net
namespace svdf_net {  // SmallSvdfNet
inline constexpr std::size_t kTime = 4;
inline constexpr std::size_t kState = 6;
}  // namespace svdf_net
namespace lstm_net {  // SmallLstmNet
inline constexpr std::size_t kQuantized = 1;
inline constexpr std::size_t kHidden = 17;
inline constexpr std::size_t kCell = 18;
enum Op : std::size_t { kQuantize, kLstm, kSoftmax, kToInt32 };
}  // namespace lstm_net

inline tflite::Tensor& TensorOf(TfliteFile& file, std::size_t i) {
  return file.model.tensors[i];
}
inline tflite::Operator& OpOf(TfliteFile& file, std::size_t i) {
  return file.model.operators[i];
}

enum class From { kConv, kSvdf, kLstm };

struct Case {
  const char* what;
  From from;
  Code code;
  const char* line;
  void (*edit)(TfliteFile&);
};

inline constexpr Case kFiles[] = {
    // The file.
    {"another mark",
     From::kConv,
     Code::kDataLoss,
     "not a .tflite file: no mark TFL3 at byte 4",
     [](TfliteFile& f) { f.mark = "ELF1"; }},
    {"another schema version",
     From::kConv,
     Code::kUnimplemented,
     "schema version 2; only 3 is read",
     [](TfliteFile& f) { f.version = 2; }},
    {"two subgraphs",
     From::kConv,
     Code::kUnimplemented,
     "models with exactly one subgraph are read",
     [](TfliteFile& f) { f.subgraphs = 2; }},
    {"no operators",
     From::kConv,
     Code::kInvalidArgument,
     "the model has no tensors or no operators",
     [](TfliteFile& f) { f.model.operators.clear(); }},
    {"a buffer that is not there",
     From::kConv,
     Code::kInvalidArgument,
     "tensor 8 (weights): buffer 1001 does not exist",
     [](TfliteFile& f) { f.buffer_shift = 1000; }},
    {"data behind the model",
     From::kConv,
     Code::kUnimplemented,
     "tensor 8 (weights): its data lies behind the model",
     [](TfliteFile& f) { f.external_buffers = true; }},
    {"an operator without its options",
     From::kConv,
     Code::kInvalidArgument,
     "operator 0 (CONV_2D): its options are missing",
     [](TfliteFile& f) { f.without_options = true; }},
    {"an operator with another's options",
     From::kConv,
     Code::kInvalidArgument,
     "operator 0 (CONV_2D): its options are those of another operator",
     [](TfliteFile& f) { f.options_shift = 1; }},
    // Tensors.
    {"a tensor that is not there",
     From::kConv,
     Code::kInvalidArgument,
     "operator 2 (ADD) inputs: tensor 99 does not exist",
     [](TfliteFile& f) { OpOf(f, conv_net::kAdd).inputs[1] = 99; }},
    {"an output that is left out",
     From::kConv,
     Code::kInvalidArgument,
     "model outputs: tensor -1 does not exist",
     [](TfliteFile& f) { f.model.outputs[0] = tflite::kAbsent; }},
    {"a negative dimension",
     From::kConv,
     Code::kInvalidArgument,
     "tensor 0 (input): dimension -6",
     [](TfliteFile& f) { TensorOf(f, conv_net::kInput).shape[1] = -6; }},
    {"too many elements",
     From::kConv,
     Code::kInvalidArgument,
     "tensor 0 (input): too large",
     [](TfliteFile& f) {
       TensorOf(f, conv_net::kInput).shape = {65535, 65535, 65535, 1};
     }},
    {"data of another size",
     From::kConv,
     Code::kInvalidArgument,
     "tensor 9 (bias): 16 bytes of data for 5 elements",
     [](TfliteFile& f) { TensorOf(f, conv_net::kBias).shape = {5}; }},
    {"a scale of 0",
     From::kConv,
     Code::kInvalidArgument,
     "tensor 3 (c): scale is not a positive number",
     [](TfliteFile& f) { TensorOf(f, conv_net::kSum).scales = {0}; }},
    {"a scale without zero point",
     From::kConv,
     Code::kInvalidArgument,
     "tensor 3 (c): scales and zero points differ in number",
     [](TfliteFile& f) { TensorOf(f, conv_net::kSum).zero_points = {}; }},
    {"a scale too few",
     From::kConv,
     Code::kInvalidArgument,
     "tensor 8 (weights): scales do not fit its channels",
     [](TfliteFile& f) {
       TensorOf(f, conv_net::kWeights).scales.pop_back();
       TensorOf(f, conv_net::kWeights).zero_points.pop_back();
     }},
    {"no quantisation of an input",
     From::kConv,
     Code::kUnimplemented,
     "model: tensor 0 (input) is not quantised",
     [](TfliteFile& f) {
       TensorOf(f, conv_net::kInput).scales = {};
       TensorOf(f, conv_net::kInput).zero_points = {};
     }},
    {"no quantisation of a result",
     From::kConv,
     Code::kUnimplemented,
     "operator 1 DEPTHWISE_CONV_2D: tensor 2 (b) is not quantised",
     [](TfliteFile& f) {
       TensorOf(f, conv_net::kDepthwiseResult).scales = {};
       TensorOf(f, conv_net::kDepthwiseResult).zero_points = {};
     }},
    {"no quantisation of weights",
     From::kConv,
     Code::kUnimplemented,
     "operator 0 CONV_2D: tensor 8 (weights) is not quantised",
     [](TfliteFile& f) {
       TensorOf(f, conv_net::kWeights).scales = {};
       TensorOf(f, conv_net::kWeights).zero_points = {};
     }},
    {"a result quantised per channel",
     From::kConv,
     Code::kUnimplemented,
     "operator 2 ADD: tensor 3 (c) is quantised per channel",
     [](TfliteFile& f) {
       TensorOf(f, conv_net::kSum).scales.assign(4, 1);
       TensorOf(f, conv_net::kSum).zero_points.assign(4, 0);
       TensorOf(f, conv_net::kSum).channel_dimension = 3;
     }},
    {"a zero point of 300",
     From::kConv,
     Code::kInvalidArgument,
     "operator 2 ADD: tensor 3 (c) has zero point 300",
     [](TfliteFile& f) { TensorOf(f, conv_net::kSum).zero_points = {300}; }},
    {"a float model",
     From::kConv,
     Code::kUnimplemented,
     "model: tensor 0 (input) is float32: quantise the model to int8 first",
     [](TfliteFile& f) { TensorOf(f, conv_net::kInput).type = Type::kFloat32; }},
    {"a uint8 model",
     From::kConv,
     Code::kUnimplemented,
     "model: tensor 0 (input) is uint8",
     [](TfliteFile& f) { TensorOf(f, conv_net::kInput).type = Type::kUint8; }},
    {"a float result",
     From::kConv,
     Code::kUnimplemented,
     "operator 5 FULLY_CONNECTED: tensor 6 (f) is float32: quantise the model to int8 first",
     [](TfliteFile& f) { TensorOf(f, conv_net::kClasses).type = Type::kFloat32; }},
    {"a dynamic shape",
     From::kConv,
     Code::kUnimplemented,
     "model: tensor 0 (input) has a dynamic shape",
     [](TfliteFile& f) { f.dynamic = true; }},
    {"five dimensions",
     From::kConv,
     Code::kUnimplemented,
     "model: tensor 0 (input) has more than 4 dimensions",
     [](TfliteFile& f) {
       TensorOf(f, conv_net::kInput).shape = {1, 1, 6, 6, 2};
     }},
    {"a dimension of 0",
     From::kConv,
     Code::kUnimplemented,
     "model: tensor 0 (input) has a dimension of 0; 1 to 65,535 is supported",
     [](TfliteFile& f) { TensorOf(f, conv_net::kInput).shape[2] = 0; }},
    // The order of operators.
    {"five inputs",
     From::kConv,
     Code::kUnimplemented,
     "model: it has 5 inputs and 1 outputs; 1 to 4 are supported",
     [](TfliteFile& f) { f.model.inputs.assign(5, 0); }},
    {"an operator before its input",
     From::kConv,
     Code::kInvalidArgument,
     "operator 1 ADD: input tensor 2 (b) is not computed before",
     [](TfliteFile& f) { std::swap(f.model.operators[1], f.model.operators[2]); }},
    {"a tensor computed twice",
     From::kConv,
     Code::kInvalidArgument,
     "operator 1 DEPTHWISE_CONV_2D: output tensor 1 (a) is computed twice",
     [](TfliteFile& f) { OpOf(f, conv_net::kDepthwise).outputs = OpOf(f, 0).outputs; }},
    {"an output nobody computes",
     From::kConv,
     Code::kInvalidArgument,
     "model: output tensor 7 (result) is never computed",
     [](TfliteFile& f) { f.model.operators.pop_back(); }},
    {"an operator without output",
     From::kConv,
     Code::kInvalidArgument,
     "operator 3 AVERAGE_POOL_2D: it needs an input and exactly one output",
     [](TfliteFile& f) { OpOf(f, conv_net::kPool).outputs = {}; }},
    {"a constant input",
     From::kConv,
     Code::kUnimplemented,
     "operator 2 ADD: tensor 9 (bias) is a constant where a computed one is needed",
     [](TfliteFile& f) {
       OpOf(f, conv_net::kAdd).inputs[1] = static_cast<std::int32_t>(conv_net::kBias);
     }},
    // Operators and options that the engine lacks.
    {"an unsupported operator",
     From::kConv,
     Code::kUnimplemented,
     "operator 3 MAX_POOL_2D: this operator is not supported",
     [](TfliteFile& f) { OpOf(f, conv_net::kPool).builtin = static_cast<Builtin>(17); }},
    {"an operator of a later time",
     From::kConv,
     Code::kUnimplemented,
     "operator 3 operator code 200: this operator is not supported",
     [](TfliteFile& f) { OpOf(f, conv_net::kPool).builtin = static_cast<Builtin>(200); }},
    {"a custom operator",
     From::kConv,
     Code::kUnimplemented,
     "operator 2 CUSTOM 'My?Op': this operator is not supported",
     [](TfliteFile& f) {
       OpOf(f, conv_net::kAdd).builtin = static_cast<Builtin>(32);
       OpOf(f, conv_net::kAdd).custom = "My\nOp";
     }},
    {"an activation",
     From::kConv,
     Code::kUnimplemented,
     "operator 0 CONV_2D: fused activation TANH is not supported",
     [](TfliteFile& f) { OpOf(f, conv_net::kConv).options.activation = Activation::kTanh; }},
    {"padding that is none",
     From::kConv,
     Code::kUnimplemented,
     "operator 0 CONV_2D: padding 2 is neither SAME nor VALID",
     [](TfliteFile& f) {
       OpOf(f, conv_net::kConv).options.padding = static_cast<tflite::Padding>(2);
     }},
    {"stride 0",
     From::kConv,
     Code::kUnimplemented,
     "operator 1 DEPTHWISE_CONV_2D: kernel 3, stride 0, dilation 1: each must be 1 to 255",
     [](TfliteFile& f) { OpOf(f, conv_net::kDepthwise).options.stride_width = 0; }},
    {"shuffled weights",
     From::kConv,
     Code::kUnimplemented,
     "operator 5 FULLY_CONNECTED: shuffled weights",
     [](TfliteFile& f) { OpOf(f, conv_net::kDense).options.weights_format = 1; }},
    {"weights with a zero point",
     From::kConv,
     Code::kUnimplemented,
     "operator 0 CONV_2D: tensor 8 (weights) has a zero point other than 0",
     [](TfliteFile& f) { TensorOf(f, conv_net::kWeights).zero_points[2] = 5; }},
    {"dense weights with a zero point",
     From::kConv,
     Code::kUnimplemented,
     "operator 5 FULLY_CONNECTED: tensor 12 (weights) has a zero point other than 0",
     [](TfliteFile& f) { TensorOf(f, conv_net::kDenseWeights).zero_points[0] = 5; }},
    {"sparse weights",
     From::kConv,
     Code::kUnimplemented,
     "operator 5 FULLY_CONNECTED: tensor 12 (weights) is sparse",
     [](TfliteFile& f) { TensorOf(f, conv_net::kDenseWeights).sparse = true; }},
    {"computed weights",
     From::kConv,
     Code::kUnimplemented,
     "operator 0 CONV_2D: tensor 8 (weights) is computed, not constant",
     [](TfliteFile& f) { TensorOf(f, conv_net::kWeights).data = {}; }},
    {"weights of 16 bits",
     From::kConv,
     Code::kUnimplemented,
     "operator 5 FULLY_CONNECTED: tensor 12 (weights) is int16, not int8",
     [](TfliteFile& f) {
       TensorOf(f, conv_net::kDenseWeights).type = Type::kInt16;
       TensorOf(f, conv_net::kDenseWeights).shape = {3, 2};
     }},
    {"weights that are left out",
     From::kConv,
     Code::kInvalidArgument,
     "operator 5 FULLY_CONNECTED: input 1 is missing",
     [](TfliteFile& f) { OpOf(f, conv_net::kDense).inputs[1] = tflite::kAbsent; }},
    {"scales along the wrong dimension",
     From::kConv,
     Code::kUnimplemented,
     "operator 0 CONV_2D: tensor 8 (weights) is quantised along dimension 1 instead of its output "
     "channels",
     [](TfliteFile& f) {
       TensorOf(f, conv_net::kWeights).scales.assign(3, 1);
       TensorOf(f, conv_net::kWeights).zero_points.assign(3, 0);
       TensorOf(f, conv_net::kWeights).channel_dimension = 1;
     }},
    {"scales too far apart",
     From::kConv,
     Code::kUnimplemented,
     "operator 0 CONV_2D: its scales need a multiplier of 2e+28; less than 2^30 is supported",
     [](TfliteFile& f) { TensorOf(f, conv_net::kInput).scales = {1e30F}; }},
    {"a sum of scales too far apart",
     From::kConv,
     Code::kUnimplemented,
     "operator 2 ADD: its scales differ by more than 2^20",
     [](TfliteFile& f) {
       TensorOf(f, conv_net::kSum).scales = {1e-12F};
       TensorOf(f, conv_net::kPooled).scales = {1e-12F};
     }},
    {"a pool that quantises",
     From::kConv,
     Code::kUnimplemented,
     "operator 3 AVERAGE_POOL_2D: input and output are quantised differently",
     [](TfliteFile& f) { TensorOf(f, conv_net::kPooled).zero_points = {1}; }},
    {"a softmax of another scale",
     From::kConv,
     Code::kUnimplemented,
     "operator 6 SOFTMAX: the output's scale must be 1/256",
     [](TfliteFile& f) { TensorOf(f, conv_net::kResult).scales = {1.0F / 128}; }},
    {"a softmax of a small beta",
     From::kConv,
     Code::kUnimplemented,
     "operator 6 SOFTMAX: beta times the input's scale is below 2^-26",
     [](TfliteFile& f) { OpOf(f, conv_net::kSoftmax).options.beta = 1e-9F; }},
    {"a softmax to int32",
     From::kLstm,
     Code::kUnimplemented,
     "operator 2 SOFTMAX: input must be int8, output int8 or int16",
     [](TfliteFile& f) {
       TensorOf(f, 3).type = Type::kInt32;
       TensorOf(f, 3).zero_points = {0};
     }},
    // Shapes and types that contradict each other.
    {"an extent that does not follow",
     From::kConv,
     Code::kInvalidArgument,
     "operator 0 CONV_2D: an output extent of 3 where 6 follows from its options",
     [](TfliteFile& f) { OpOf(f, conv_net::kConv).options.stride_width = 1; }},
    {"a kernel wider than its image",
     From::kConv,
     Code::kInvalidArgument,
     "operator 3 AVERAGE_POOL_2D: an output extent of 1 where 0 follows from its options",
     [](TfliteFile& f) { OpOf(f, conv_net::kPool).options.filter_width = 4; }},
    {"an input of other channels",
     From::kConv,
     Code::kInvalidArgument,
     "operator 0 CONV_2D: tensor 8 (weights) of 4x3x3x2 does not fit tensor 0 (input) of 1x6x6x3 "
     "and tensor 1 (a) of 1x3x3x4 without groups",
     [](TfliteFile& f) {
       TensorOf(f, conv_net::kInput).shape = {1, 6, 6, 3};
     }},
    {"a filter of three dimensions",
     From::kConv,
     Code::kInvalidArgument,
     "operator 0 CONV_2D: input, filter and output need 4 dimensions",
     [](TfliteFile& f) {
       TensorOf(f, conv_net::kWeights).shape = {4, 9, 2};
     }},
    {"a depthwise result of other channels",
     From::kConv,
     Code::kInvalidArgument,
     "operator 1 DEPTHWISE_CONV_2D: tensor 10 (weights) of 1x3x3x4 does not fit tensor 1 (a) of "
     "1x3x3x4 and tensor 2 (b) of 1x3x3x5 depthwise",
     [](TfliteFile& f) {
       TensorOf(f, conv_net::kDepthwiseResult).shape = {1, 3, 3, 5};
     }},
    {"biases of another number",
     From::kConv,
     Code::kInvalidArgument,
     "operator 5 FULLY_CONNECTED: tensor 9 (bias) has 4 biases for 3 channels",
     [](TfliteFile& f) { OpOf(f, conv_net::kDense).inputs[2] = 9; }},
    {"dense weights without quantisation",
     From::kConv,
     Code::kUnimplemented,
     "operator 5 FULLY_CONNECTED: tensor 12 (weights) is not quantised",
     [](TfliteFile& f) {
       TensorOf(f, conv_net::kDenseWeights).scales = {};
       TensorOf(f, conv_net::kDenseWeights).zero_points = {};
     }},
    {"dense weights of one dimension",
     From::kConv,
     Code::kInvalidArgument,
     "operator 5 FULLY_CONNECTED: tensor 12 (weights) needs 2 dimensions",
     [](TfliteFile& f) { TensorOf(f, conv_net::kDenseWeights).shape = {12}; }},
    {"dense weights of other channels",
     From::kConv,
     Code::kInvalidArgument,
     "operator 5 FULLY_CONNECTED: tensor 12 (weights) of 4x3 does not fit tensor 5 (e) of 1x4 and "
     "tensor 6 (f) of 1x3",
     [](TfliteFile& f) {
       TensorOf(f, conv_net::kDenseWeights).shape = {4, 3};
     }},
    {"a sum with one input",
     From::kConv,
     Code::kInvalidArgument,
     "operator 2 ADD: it needs two inputs",
     [](TfliteFile& f) { OpOf(f, conv_net::kAdd).inputs.pop_back(); }},
    {"a sum of unequal shapes",
     From::kConv,
     Code::kUnimplemented,
     "operator 2 ADD: tensor 1 (a) of 1x3x3x4 and tensor 2 (b) of 1x3x3x4 into tensor 3 (c) of "
     "1x1x3x4 are of different shapes (broadcasting)",
     [](TfliteFile& f) {
       TensorOf(f, conv_net::kSum).shape = {1, 1, 3, 4};
     }},
    {"a pool to other channels",
     From::kConv,
     Code::kInvalidArgument,
     "operator 3 AVERAGE_POOL_2D: tensor 3 (c) of 1x3x3x4 does not fit tensor 4 (d) of 1x1x1x5",
     [](TfliteFile& f) {
       TensorOf(f, conv_net::kPooled).shape = {1, 1, 1, 5};
     }},
    {"a reshape to fewer elements",
     From::kConv,
     Code::kInvalidArgument,
     "operator 4 RESHAPE: input and output differ in type or number of elements",
     [](TfliteFile& f) {
       TensorOf(f, conv_net::kFlat).shape = {1, 3};
     }},
    {"a softmax to fewer classes",
     From::kConv,
     Code::kUnimplemented,
     "operator 6 SOFTMAX: shapes of input and output must be equal, with fewer than 4,096 classes",
     [](TfliteFile& f) {
       TensorOf(f, conv_net::kResult).shape = {1, 2};
     }},
    {"a convolution from int16",
     From::kConv,
     Code::kUnimplemented,
     "operator 0 CONV_2D: tensor 0 (input) is int16, not int8",
     [](TfliteFile& f) { TensorOf(f, conv_net::kInput).type = Type::kInt16; }},
    {"a sum of int16",
     From::kConv,
     Code::kUnimplemented,
     "operator 2 ADD: tensor 3 (c) is int16, not int8",
     [](TfliteFile& f) { TensorOf(f, conv_net::kSum).type = Type::kInt16; }},
    {"a quantisation of another size",
     From::kLstm,
     Code::kInvalidArgument,
     "operator 0 QUANTIZE: input and output differ in number of elements",
     [](TfliteFile& f) {
       TensorOf(f, lstm_net::kQuantized).shape = {1, 3, 4};
     }},
    // Operators with state.
    {"an SVDF with an activation",
     From::kSvdf,
     Code::kUnimplemented,
     "operator 0 SVDF: fused activation RELU6 is not supported",
     [](TfliteFile& f) { OpOf(f, 0).options.activation = Activation::kRelu6; }},
    {"an SVDF of rank 0",
     From::kSvdf,
     Code::kInvalidArgument,
     "operator 0 SVDF: rank, filters, memory and units do not fit",
     [](TfliteFile& f) { OpOf(f, 0).options.rank = 0; }},
    {"an SVDF with float state",
     From::kSvdf,
     Code::kUnimplemented,
     "operator 0 SVDF: tensor 6 (state) is float32, not int8",
     [](TfliteFile& f) { TensorOf(f, svdf_net::kState).type = Type::kFloat32; }},
    {"an SVDF without state",
     From::kSvdf,
     Code::kInvalidArgument,
     "operator 0 SVDF: its state, input 4, is missing",
     [](TfliteFile& f) { OpOf(f, 0).inputs[4] = tflite::kAbsent; }},
    {"an SVDF whose state is none",
     From::kSvdf,
     Code::kUnimplemented,
     "operator 0 SVDF: tensor 6 (state) is a state that is not variable",
     [](TfliteFile& f) { TensorOf(f, svdf_net::kState).variable = false; }},
    {"an SVDF state of zero point 200",
     From::kSvdf,
     Code::kInvalidArgument,
     "operator 0 SVDF: tensor 6 (state) has zero point 200",
     [](TfliteFile& f) { TensorOf(f, svdf_net::kState).zero_points = {200}; }},
    {"SVDF weights with a zero point",
     From::kSvdf,
     Code::kUnimplemented,
     "operator 0 SVDF: tensor 4 (weights) has a zero point other than 0",
     [](TfliteFile& f) { TensorOf(f, svdf_net::kTime).zero_points = {1}; }},
    {"an SVDF state of no quantisation",
     From::kSvdf,
     Code::kUnimplemented,
     "operator 0 SVDF: tensor 6 (state) is not quantised",
     [](TfliteFile& f) {
       TensorOf(f, svdf_net::kState).scales = {};
       TensorOf(f, svdf_net::kState).zero_points = {};
     }},
    {"an LSTM with 20 inputs",
     From::kLstm,
     Code::kInvalidArgument,
     "operator 1 UNIDIRECTIONAL_SEQUENCE_LSTM: it needs 24 inputs",
     [](TfliteFile& f) { OpOf(f, lstm_net::kLstm).inputs.resize(20); }},
    {"an LSTM with peepholes",
     From::kLstm,
     Code::kUnimplemented,
     "operator 1 UNIDIRECTIONAL_SEQUENCE_LSTM: input 9 is given: peepholes, projection and layer "
     "normalisation are not supported",
     [](TfliteFile& f) { OpOf(f, lstm_net::kLstm).inputs[9] = 5; }},
    {"an LSTM with another activation",
     From::kLstm,
     Code::kUnimplemented,
     "operator 1 UNIDIRECTIONAL_SEQUENCE_LSTM: fused activation RELU is not supported",
     [](TfliteFile& f) { OpOf(f, lstm_net::kLstm).options.activation = Activation::kRelu; }},
    {"an LSTM with a projection",
     From::kLstm,
     Code::kUnimplemented,
     "operator 1 UNIDIRECTIONAL_SEQUENCE_LSTM: diagonal recurrent weights and projections are not "
     "supported",
     [](TfliteFile& f) { OpOf(f, lstm_net::kLstm).options.projection_clip = 1; }},
    {"an LSTM over two sequences",
     From::kLstm,
     Code::kUnimplemented,
     "operator 1 UNIDIRECTIONAL_SEQUENCE_LSTM: it takes one sequence: batch size 1, 3 dimensions",
     [](TfliteFile& f) { OpOf(f, lstm_net::kLstm).options.time_major = true; }},
    {"an LSTM whose hidden state is int16",
     From::kLstm,
     Code::kUnimplemented,
     "operator 1 UNIDIRECTIONAL_SEQUENCE_LSTM: tensor 17 (hidden) is int16, not int8",
     [](TfliteFile& f) { TensorOf(f, lstm_net::kHidden).type = Type::kInt16; }},
    {"an LSTM cell with a zero point",
     From::kLstm,
     Code::kInvalidArgument,
     "operator 1 UNIDIRECTIONAL_SEQUENCE_LSTM: tensor 18 (cell) has zero point 1",
     [](TfliteFile& f) { TensorOf(f, lstm_net::kCell).zero_points = {1}; }},
    {"an LSTM cell's scale of 1/3",
     From::kLstm,
     Code::kUnimplemented,
     "operator 1 UNIDIRECTIONAL_SEQUENCE_LSTM: the cell state's scale must be a power of two from "
     "2^-27 to 1",
     [](TfliteFile& f) { TensorOf(f, lstm_net::kCell).scales = {1.0F / 3}; }},
    {"an LSTM with a clip that is no number",
     From::kLstm,
     Code::kInvalidArgument,
     "operator 1 UNIDIRECTIONAL_SEQUENCE_LSTM: the clip of its cell is no number",
     [](TfliteFile& f) {
       OpOf(f, lstm_net::kLstm).options.cell_clip = std::numeric_limits<float>::quiet_NaN();
     }},
    {"an LSTM without a gate",
     From::kLstm,
     Code::kInvalidArgument,
     "operator 1 UNIDIRECTIONAL_SEQUENCE_LSTM: input 3 is missing",
     [](TfliteFile& f) { OpOf(f, lstm_net::kLstm).inputs[3] = tflite::kAbsent; }},
    {"LSTM weights of another size",
     From::kLstm,
     Code::kInvalidArgument,
     "operator 1 UNIDIRECTIONAL_SEQUENCE_LSTM: tensor 5 (weights) of 3x4 where 3x3 is needed",
     [](TfliteFile& f) {
       OpOf(f, lstm_net::kLstm).inputs[6] = OpOf(f, lstm_net::kLstm).inputs[1];
     }},
    {"an LSTM to int32",
     From::kLstm,
     Code::kUnimplemented,
     "operator 1 UNIDIRECTIONAL_SEQUENCE_LSTM: tensor 1 (a) is int32, not int8",
     [](TfliteFile& f) {
       TensorOf(f, lstm_net::kQuantized).type = Type::kInt32;
       TensorOf(f, lstm_net::kQuantized).zero_points = {0};
     }},
};

}  // namespace trib::host::compiler
