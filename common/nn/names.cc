#include "trib/common/nn/types.h"

namespace trib::nn {

std::string_view OpcodeName(Opcode opcode) {
  switch (opcode) {
    case Opcode::kConv2D:
      return "conv_2d";
    case Opcode::kDepthwiseConv2D:
      return "depthwise_conv_2d";
    case Opcode::kFullyConnected:
      return "fully_connected";
    case Opcode::kAveragePool2D:
      return "average_pool_2d";
    case Opcode::kAdd:
      return "add";
    case Opcode::kCopy:
      return "copy";
    case Opcode::kSoftmax:
      return "softmax";
    case Opcode::kRequantize:
      return "requantize";
    case Opcode::kSvdf:
      return "svdf";
    case Opcode::kLstm:
      return "lstm";
    case Opcode::kForest:
      return "forest";
    case Opcode::kLinear:
      return "linear";
    case Opcode::kBinary:
      return "binary";
  }
  return "unknown";
}

std::string_view TensorTypeName(TensorType type) {
  switch (type) {
    case TensorType::kInt8:
      return "int8";
    case TensorType::kInt16:
      return "int16";
    case TensorType::kInt32:
      return "int32";
    case TensorType::kFloat32:
      return "float32";
  }
  return "unknown";
}

std::string_view PlanReasonName(PlanReason reason) {
  switch (reason) {
    case PlanReason::kNone:
      return "none";
    case PlanReason::kTruncated:
      return "plan is cut off";
    case PlanReason::kBadVersion:
      return "plan of another format version";
    case PlanReason::kTooManyTensors:
      return "no tensors, or too many";
    case PlanReason::kTooManyOperators:
      return "no operators, or too many";
    case PlanReason::kBadPorts:
      return "inputs or outputs do not hold together";
    case PlanReason::kBadArena:
      return "arena size not allowed";
    case PlanReason::kBadState:
      return "state size not allowed";
    case PlanReason::kWeightsSize:
      return "weights section has another size";
    case PlanReason::kBadTensor:
      return "tensor with a value not allowed";
    case PlanReason::kTensorOutsideArena:
      return "tensor outside the arena";
    case PlanReason::kUnknownOperator:
      return "unknown operator";
    case PlanReason::kBadFlags:
      return "unknown flag";
    case PlanReason::kBadTensorIndex:
      return "operator names a tensor that is not there";
    case PlanReason::kWrongType:
      return "operator does not take tensors of this type";
    case PlanReason::kWrongShape:
      return "shapes of an operator do not fit";
    case PlanReason::kBadParameter:
      return "operator parameter not allowed";
    case PlanReason::kWeightsOutside:
      return "weights outside their section";
    case PlanReason::kScratchTooSmall:
      return "scratch region too small";
    case PlanReason::kStateOutside:
      return "state outside the state memory";
    case PlanReason::kTrailingBytes:
      return "bytes after the last operator";
    case PlanReason::kMisaligned:
      return "not aligned to 4 bytes";
    case PlanReason::kReadBeforeWritten:
      return "tensor is read before it is written";
    case PlanReason::kArenaTooSmall:
      return "arena or state memory too small";
    case PlanReason::kWrittenTwice:
      return "tensor is written twice";
  }
  return "unknown reason";
}

}  // namespace trib::nn
