#include "trib/common/host/tflite/model.h"

namespace trib::host::tflite {
namespace {

/// Operators that are common in small networks and that this program does not read: for the line
/// that says so.
std::string UnreadName(std::int32_t number) {
  switch (number) {
    case 2:
      return "CONCATENATION";
    case 6:
      return "DEQUANTIZE";
    case 14:
      return "LOGISTIC";
    case 16:
      return "LSTM";
    case 17:
      return "MAX_POOL_2D";
    case 18:
      return "MUL";
    case 19:
      return "RELU";
    case 21:
      return "RELU6";
    case 23:
      return "RESIZE_BILINEAR";
    case 24:
      return "RNN";
    case 26:
      return "SPACE_TO_DEPTH";
    case 28:
      return "TANH";
    case 32:
      return "CUSTOM";
    case 34:
      return "PAD";
    case 36:
      return "GATHER";
    case 39:
      return "TRANSPOSE";
    case 40:
      return "MEAN";
    case 41:
      return "SUB";
    case 42:
      return "DIV";
    case 43:
      return "SQUEEZE";
    case 45:
      return "STRIDED_SLICE";
    case 49:
      return "SPLIT";
    case 50:
      return "LOG_SOFTMAX";
    case 53:
      return "CAST";
    case 54:
      return "PRELU";
    case 55:
      return "MAXIMUM";
    case 56:
      return "ARG_MAX";
    case 57:
      return "MINIMUM";
    case 60:
      return "PADV2";
    case 65:
      return "SLICE";
    case 67:
      return "TRANSPOSE_CONV";
    case 70:
      return "EXPAND_DIMS";
    case 74:
      return "SUM";
    case 77:
      return "SHAPE";
    case 82:
      return "REDUCE_MAX";
    case 83:
      return "PACK";
    case 88:
      return "UNPACK";
    case 97:
      return "RESIZE_NEAREST_NEIGHBOR";
    case 98:
      return "LEAKY_RELU";
    case 117:
      return "HARD_SWISH";
    default:
      return "operator code " + std::to_string(number);
  }
}

}  // namespace

std::string TypeName(Type type) {
  switch (type) {
    case Type::kFloat32:
      return "float32";
    case Type::kFloat16:
      return "float16";
    case Type::kInt32:
      return "int32";
    case Type::kUint8:
      return "uint8";
    case Type::kInt64:
      return "int64";
    case Type::kString:
      return "string";
    case Type::kBool:
      return "bool";
    case Type::kInt16:
      return "int16";
    case Type::kComplex64:
      return "complex64";
    case Type::kInt8:
      return "int8";
  }
  return "type " + std::to_string(static_cast<int>(type));
}

std::string BuiltinName(Builtin builtin) {
  switch (builtin) {
    case Builtin::kAdd:
      return "ADD";
    case Builtin::kAveragePool2D:
      return "AVERAGE_POOL_2D";
    case Builtin::kConv2D:
      return "CONV_2D";
    case Builtin::kDepthwiseConv2D:
      return "DEPTHWISE_CONV_2D";
    case Builtin::kFullyConnected:
      return "FULLY_CONNECTED";
    case Builtin::kReshape:
      return "RESHAPE";
    case Builtin::kSoftmax:
      return "SOFTMAX";
    case Builtin::kSvdf:
      return "SVDF";
    case Builtin::kUnidirectionalSequenceLstm:
      return "UNIDIRECTIONAL_SEQUENCE_LSTM";
    case Builtin::kQuantize:
      return "QUANTIZE";
  }
  return UnreadName(static_cast<std::int32_t>(builtin));
}

std::string ActivationName(Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return "NONE";
    case Activation::kRelu:
      return "RELU";
    case Activation::kReluN1To1:
      return "RELU_N1_TO_1";
    case Activation::kRelu6:
      return "RELU6";
    case Activation::kTanh:
      return "TANH";
    case Activation::kSignBit:
      return "SIGN_BIT";
  }
  return std::to_string(static_cast<int>(activation));
}

}  // namespace trib::host::tflite
