#include "trib/common/nn/plan.h"

#include <cmath>

#include "blocks.h"
#include "record.h"
#include "trib/common/base/check.h"

namespace trib::nn {
namespace {

Status Refuse(PlanReason reason, Code code = Code::kInvalidArgument) {
  return {code, reason};
}

Tensor ReadTensor(ByteReader& reader) {
  Tensor tensor;
  tensor.offset = reader.U32();
  for (std::uint16_t& dim : tensor.dims) {
    dim = reader.U16();
  }
  tensor.zero_point = static_cast<std::int16_t>(reader.U16());
  tensor.type = static_cast<TensorType>(reader.U8());
  tensor.rank = reader.U8();
  return tensor;
}

Port ReadPort(ByteReader& reader) {
  Port port;
  port.tensor = reader.U16();
  reader.Skip(2);
  port.scale = reader.F32();
  return port;
}

bool Valid(Multiplier multiplier) {
  return multiplier.shift >= -31 && multiplier.shift <= 30 && multiplier.m >= 0;
}

bool Valid(Clamp clamp) {
  return clamp.low <= clamp.high;
}

bool Valid(const Geometry& g) {
  return g.kernel_height != 0 && g.kernel_width != 0 && g.stride_height != 0 &&
         g.stride_width != 0 && g.dilation_height != 0 && g.dilation_width != 0;
}

/// What the checks of one operator need.
struct Scene {
  const Operator& op;
  const Tensor& input;
  const Tensor& output;
  std::span<const std::byte> weights;
  std::uint64_t scratch_bytes;
  std::uint64_t state_bytes;

  [[nodiscard]] bool Int8() const {
    return input.type == TensorType::kInt8 && output.type == TensorType::kInt8;
  }
  [[nodiscard]] Status CheckWeights(std::uint64_t bytes) const {
    if (op.weights % 4 != 0) {
      return Refuse(PlanReason::kMisaligned);
    }
    const bool inside = op.weights <= weights.size() && bytes <= weights.size() - op.weights;
    return inside ? Status() : Refuse(PlanReason::kWeightsOutside);
  }
  [[nodiscard]] Status CheckState(std::uint64_t bytes) const {
    if (op.state % 4 != 0) {
      return Refuse(PlanReason::kMisaligned);
    }
    const bool inside = op.state <= state_bytes && bytes <= state_bytes - op.state;
    return inside ? Status() : Refuse(PlanReason::kStateOutside);
  }
  [[nodiscard]] Status CheckScratch(std::uint64_t bytes) const {
    return bytes <= scratch_bytes ? Status() : Refuse(PlanReason::kScratchTooSmall);
  }
};

/// Multipliers and shifts of a weighted block, which the kernels use unchecked.
Status CheckChannels(const Scene& scene, const WeightedBlock& block) {
  ByteReader multipliers(
      scene.weights.subspan(scene.op.weights + Fitting(block.multiplier_offset())));
  ByteReader shifts(scene.weights.subspan(scene.op.weights + Fitting(block.shift_offset())));
  for (std::uint64_t i = 0; i < block.multipliers; ++i) {
    Multiplier multiplier;
    multiplier.m = static_cast<std::int32_t>(multipliers.U32());
    multiplier.shift = static_cast<std::int8_t>(shifts.U8());
    if (!Valid(multiplier)) {
      return Refuse(PlanReason::kBadParameter);
    }
  }
  return {};
}

Status CheckWeighted(const Scene& scene) {
  const Operator& op = scene.op;
  if (!scene.Int8()) {
    return Refuse(PlanReason::kWrongType);
  }
  if (!Valid(op.clamp) || !Valid(op.geometry)) {
    return Refuse(PlanReason::kBadParameter);
  }
  if (op.opcode == Opcode::kFullyConnected) {
    if (scene.input.elements() % (scene.output.elements() / scene.output.channels()) != 0) {
      return Refuse(PlanReason::kWrongShape);
    }
  } else if (scene.input.dims[0] != scene.output.dims[0] ||
             (op.opcode == Opcode::kDepthwiseConv2D &&
              scene.output.channels() % scene.input.channels() != 0)) {
    return Refuse(PlanReason::kWrongShape);
  }
  const WeightedBlock block = BlockOf(op, scene.input, scene.output);
  TRIB_TRY(scene.CheckWeights(block.bytes()));
  TRIB_TRY(CheckChannels(scene, block));
  return (op.flags & op_flag::kStaged) != 0 ? scene.CheckScratch(block.channels) : Status();
}

Status CheckPool(const Scene& scene) {
  if (!scene.Int8()) {
    return Refuse(PlanReason::kWrongType);
  }
  if (scene.input.dims[0] != scene.output.dims[0] ||
      scene.input.channels() != scene.output.channels()) {
    return Refuse(PlanReason::kWrongShape);
  }
  if (!Valid(scene.op.clamp) || !Valid(scene.op.geometry)) {
    return Refuse(PlanReason::kBadParameter);
  }
  return (scene.op.flags & op_flag::kStaged) != 0 ? scene.CheckScratch(scene.output.channels())
                                                  : Status();
}

Status CheckAdd(const Scene& scene, const Tensor& second) {
  if (!scene.Int8() || second.type != TensorType::kInt8) {
    return Refuse(PlanReason::kWrongType);
  }
  if (scene.input.elements() != scene.output.elements() ||
      second.elements() != scene.output.elements()) {
    return Refuse(PlanReason::kWrongShape);
  }
  for (const Multiplier& multiplier : scene.op.multipliers) {
    // Up to 1: the sums of add are made to stay inside 32 bits.
    if (!Valid(multiplier) || multiplier.shift > 0) {
      return Refuse(PlanReason::kBadParameter);
    }
  }
  return Valid(scene.op.clamp) ? Status() : Refuse(PlanReason::kBadParameter);
}

Status CheckCopy(const Scene& scene) {
  if (scene.input.type != scene.output.type) {
    return Refuse(PlanReason::kWrongType);
  }
  return scene.input.elements() == scene.output.elements() ? Status()
                                                           : Refuse(PlanReason::kWrongShape);
}

Status CheckSoftmax(const Scene& scene) {
  if (scene.input.type != TensorType::kInt8 ||
      (scene.output.type != TensorType::kInt8 && scene.output.type != TensorType::kInt16)) {
    return Refuse(PlanReason::kWrongType);
  }
  // Up to 4,096 classes the sum of exponentials stays inside Q12.19.
  if (scene.input.elements() != scene.output.elements() ||
      scene.input.channels() != scene.output.channels() || scene.input.channels() >= 4096) {
    return Refuse(PlanReason::kWrongShape);
  }
  return Valid(scene.op.multipliers[0]) && scene.op.multipliers[0].shift >= 0 &&
                 scene.op.least_difference <= 0 && scene.op.least_difference >= -255
             ? Status()
             : Refuse(PlanReason::kBadParameter);
}

Status CheckRequantize(const Scene& scene) {
  if (scene.input.type == TensorType::kFloat32 || scene.output.type == TensorType::kFloat32) {
    return Refuse(PlanReason::kWrongType);
  }
  if (scene.input.elements() != scene.output.elements()) {
    return Refuse(PlanReason::kWrongShape);
  }
  return Valid(scene.op.multipliers[0]) ? Status() : Refuse(PlanReason::kBadParameter);
}

Status CheckSvdf(const Scene& scene) {
  if (!scene.Int8()) {
    return Refuse(PlanReason::kWrongType);
  }
  if (scene.op.rank == 0 || scene.op.memory == 0 || !Valid(scene.op.multipliers[0]) ||
      !Valid(scene.op.multipliers[1])) {
    return Refuse(PlanReason::kBadParameter);
  }
  const SvdfBlock block = SvdfBlockOf(scene.op, scene.input, scene.output);
  if (scene.input.elements() != block.batch * block.inputs) {
    return Refuse(PlanReason::kWrongShape);
  }
  TRIB_TRY(scene.CheckState(block.state_bytes()));
  return scene.CheckWeights(block.bytes());
}

Status CheckLstm(const Scene& scene) {
  if (!scene.Int8()) {
    return Refuse(PlanReason::kWrongType);
  }
  const LstmParameters& lstm = scene.op.lstm;
  bool valid = Valid(lstm.forget_cell) && Valid(lstm.input_cell) && Valid(lstm.hidden) &&
               lstm.cell_log2 >= -27 && lstm.cell_log2 <= 0 && lstm.cell_clip >= 0;
  for (std::size_t i = 0; i < kGates; ++i) {
    valid = valid && Valid(lstm.input[i]) && Valid(lstm.recurrent[i]);
  }
  if (!valid) {
    return Refuse(PlanReason::kBadParameter);
  }
  const LstmBlock block = LstmBlockOf(scene.input, scene.output);
  if (scene.output.elements() != block.steps * block.cells) {
    return Refuse(PlanReason::kWrongShape);
  }
  TRIB_TRY(scene.CheckState(block.state_bytes()));
  TRIB_TRY(scene.CheckScratch(block.scratch_bytes()));
  return scene.CheckWeights(block.bytes());
}

bool OneRow(const Tensor& tensor) {
  return tensor.elements() == tensor.channels();
}

Status CheckForest(const Scene& scene) {
  if (scene.input.type != TensorType::kFloat32 || scene.output.type != TensorType::kFloat32) {
    return Refuse(PlanReason::kWrongType);
  }
  if (!OneRow(scene.input) || !OneRow(scene.output)) {
    return Refuse(PlanReason::kWrongShape);
  }
  const ForestBlock block = ForestBlockOf(scene.op, scene.output);
  TRIB_TRY(scene.CheckWeights(block.bytes()));
  const auto bytes = scene.weights.subspan(scene.op.weights);
  ByteReader roots(bytes.subspan(Fitting(block.root_offset())));
  for (std::uint64_t i = 0; i < block.trees; ++i) {
    if (roots.U16() >= block.nodes) {
      return Refuse(PlanReason::kBadParameter);
    }
  }
  ByteReader nodes(bytes.subspan(Fitting(block.node_offset())));
  for (std::uint64_t i = 0; i < block.nodes; ++i) {
    nodes.Skip(4);
    const std::uint16_t feature = nodes.U16();
    const std::uint16_t next = nodes.U16();
    // Children lie behind their parent, so that every walk ends.
    const bool sound = feature == kLeafNode ? next < block.leaves
                                            : feature < scene.input.elements() && next > i &&
                                                  std::uint64_t{next} + 1 < block.nodes;
    if (!sound) {
      return Refuse(PlanReason::kBadParameter);
    }
  }
  return {};
}

Status CheckLinear(const Scene& scene) {
  if (scene.input.type != TensorType::kFloat32 || scene.output.type != TensorType::kFloat32) {
    return Refuse(PlanReason::kWrongType);
  }
  if (!OneRow(scene.input) || !OneRow(scene.output)) {
    return Refuse(PlanReason::kWrongShape);
  }
  if (scene.op.link > Link::kSoftmax) {
    return Refuse(PlanReason::kBadParameter);
  }
  return scene.CheckWeights(4 * scene.output.elements() * (1 + scene.input.elements()));
}

Status CheckBinary(const Scene& scene) {
  const bool sign = (scene.op.flags & op_flag::kSign) != 0;
  const TensorType gives = sign ? TensorType::kInt8 : TensorType::kInt32;
  if ((scene.input.type != TensorType::kInt8 && scene.input.type != TensorType::kFloat32) ||
      scene.output.type != gives) {
    return Refuse(PlanReason::kWrongType);
  }
  if (!OneRow(scene.input) || !OneRow(scene.output)) {
    return Refuse(PlanReason::kWrongShape);
  }
  return scene.CheckWeights(BinaryBlockOf(scene.input, scene.output).bytes());
}

Status CheckOperator(const Scene& scene, const Tensor& second) {
  switch (scene.op.opcode) {
    case Opcode::kConv2D:
    case Opcode::kDepthwiseConv2D:
    case Opcode::kFullyConnected:
      return CheckWeighted(scene);
    case Opcode::kAveragePool2D:
      return CheckPool(scene);
    case Opcode::kAdd:
      return CheckAdd(scene, second);
    case Opcode::kCopy:
      return CheckCopy(scene);
    case Opcode::kSoftmax:
      return CheckSoftmax(scene);
    case Opcode::kRequantize:
      return CheckRequantize(scene);
    case Opcode::kSvdf:
      return CheckSvdf(scene);
    case Opcode::kLstm:
      return CheckLstm(scene);
    case Opcode::kForest:
      return CheckForest(scene);
    case Opcode::kLinear:
      return CheckLinear(scene);
    case Opcode::kBinary:
      return CheckBinary(scene);
  }
  return Refuse(PlanReason::kUnknownOperator, Code::kUnimplemented);
}

bool KnownFlags(const Operator& op) {
  std::uint8_t allowed = 0;
  switch (op.opcode) {
    case Opcode::kConv2D:
    case Opcode::kDepthwiseConv2D:
    case Opcode::kAveragePool2D:
      allowed = op_flag::kStaged;
      break;
    case Opcode::kFullyConnected:
      allowed = op_flag::kPerTensor | op_flag::kStaged;
      break;
    case Opcode::kBinary:
      allowed = op_flag::kSign;
      break;
    default:
      break;
  }
  return (op.flags & ~allowed) == 0;
}

/// Which tensors hold something so far.
class TensorSet {
 public:
  void Add(TensorIndex index) { words_[index / 32] |= 1U << (index % 32); }
  [[nodiscard]] bool Has(TensorIndex index) const {
    return (words_[index / 32] >> (index % 32) & 1U) != 0;
  }

 private:
  std::array<std::uint32_t, kMaxTensors / 32> words_{};
};

/// What an operator is, and which tensors it names.
Status CheckWiring(const Operator& op, std::uint16_t tensors, const TensorSet& written) {
  const auto opcode = static_cast<std::uint8_t>(op.opcode);
  if (opcode == 0 || opcode > kOpcodes) {
    return Refuse(PlanReason::kUnknownOperator, Code::kUnimplemented);
  }
  if (!KnownFlags(op)) {
    return Refuse(PlanReason::kBadFlags);
  }
  const bool two = op.opcode == Opcode::kAdd;
  if (op.input >= tensors || op.output >= tensors || (two && op.input2 >= tensors)) {
    return Refuse(PlanReason::kBadTensorIndex);
  }
  if (written.Has(op.output)) {
    return Refuse(PlanReason::kWrittenTwice);
  }
  if (!written.Has(op.input) || (two && !written.Has(op.input2))) {
    return Refuse(PlanReason::kReadBeforeWritten);
  }
  return {};
}

}  // namespace

Result<Plan> Plan::Load(std::span<const std::byte> plan, std::span<const std::byte> weights) {
  Plan loaded;
  loaded.plan_ = plan;
  loaded.weights_ = weights;
  TRIB_TRY(loaded.ReadHeader());
  TRIB_TRY(loaded.CheckTensors());
  TRIB_TRY(loaded.CheckPorts());
  TRIB_TRY(loaded.CheckOperators());
  return loaded;
}

Status Plan::ReadHeader() {
  ByteReader reader(plan_);
  const std::uint16_t version = reader.U16();
  tensors_ = reader.U16();
  operators_ = reader.U16();
  inputs_ = reader.U8();
  outputs_ = reader.U8();
  arena_bytes_ = reader.U32();
  scratch_offset_ = reader.U32();
  state_bytes_ = reader.U32();
  const std::uint32_t weights_bytes = reader.U32();
  if (!reader.ok()) {
    return Refuse(PlanReason::kTruncated, Code::kDataLoss);
  }
  if (version != kPlanVersion) {
    return Refuse(PlanReason::kBadVersion, Code::kUnimplemented);
  }
  if (tensors_ == 0 || tensors_ > kMaxTensors) {
    return Refuse(PlanReason::kTooManyTensors);
  }
  if (operators_ == 0 || operators_ > kMaxOperators) {
    return Refuse(PlanReason::kTooManyOperators);
  }
  if (inputs_ == 0 || inputs_ > kMaxInputs || outputs_ == 0 || outputs_ > kMaxOutputs) {
    return Refuse(PlanReason::kBadPorts);
  }
  if (arena_bytes_ > kMaxArenaBytes || arena_bytes_ % 16 != 0 || scratch_offset_ > arena_bytes_ ||
      scratch_offset_ % 4 != 0) {
    return Refuse(PlanReason::kBadArena);
  }
  if (state_bytes_ > kMaxStateBytes) {
    return Refuse(PlanReason::kBadState);
  }
  if (weights_bytes != weights_.size()) {
    return Refuse(PlanReason::kWeightsSize);
  }
  if (reinterpret_cast<std::uintptr_t>(weights_.data()) % 4 != 0) {
    return Refuse(PlanReason::kMisaligned);
  }
  first_tensor_ = kPlanHeaderBytes + kPortBytes * (std::size_t{inputs_} + outputs_);
  first_operator_ = first_tensor_ + kTensorBytes * tensors_;
  return first_operator_ <= plan_.size() ? Status()
                                         : Refuse(PlanReason::kTruncated, Code::kDataLoss);
}

Status Plan::CheckTensors() const {
  for (TensorIndex i = 0; i < tensors_; ++i) {
    const Tensor t = tensor(i);
    const std::size_t size = BytesOf(t.type);
    if (size == 0 || t.rank == 0 || t.rank > 4 || t.elements() == 0) {
      return Refuse(PlanReason::kBadTensor);
    }
    const bool wide_zero =
        t.type == TensorType::kInt8 && (t.zero_point < -128 || t.zero_point > 127);
    if (wide_zero || t.offset % size != 0) {
      return Refuse(PlanReason::kBadTensor);
    }
    if (t.offset > arena_bytes_ || t.bytes() > arena_bytes_ - t.offset) {
      return Refuse(PlanReason::kTensorOutsideArena);
    }
  }
  return {};
}

Status Plan::CheckPorts() const {
  for (std::size_t i = 0; i < std::size_t{inputs_} + outputs_; ++i) {
    const Port port = i < inputs_ ? input(i) : output(i - inputs_);
    // A comparison that NaN and infinity fail.
    if (port.tensor >= tensors_ || !(port.scale > 0 && port.scale < 1e30F)) {
      return Refuse(PlanReason::kBadPorts);
    }
  }
  return {};
}

Status Plan::CheckOperators() {
  TensorSet written;
  for (std::size_t i = 0; i < inputs_; ++i) {
    written.Add(input(i).tensor);
  }
  ByteReader reader(plan_.subspan(first_operator_));
  for (OperatorIndex i = 0; i < operators_; ++i) {
    const Operator op = ReadOperator(reader);
    if (!reader.ok()) {
      return Refuse(PlanReason::kTruncated, Code::kDataLoss);
    }
    TRIB_TRY(CheckWiring(op, tensors_, written));
    const bool two = op.opcode == Opcode::kAdd;
    const Tensor in = tensor(op.input);
    const Tensor out = tensor(op.output);
    const Scene scene{op, in, out, weights_, arena_bytes_ - scratch_offset_, state_bytes_};
    TRIB_TRY(CheckOperator(scene, two ? tensor(op.input2) : in));
    written.Add(op.output);
  }
  for (std::size_t i = 0; i < outputs_; ++i) {
    if (!written.Has(output(i).tensor)) {
      return Refuse(PlanReason::kReadBeforeWritten);
    }
  }
  return reader.remaining() == 0 ? Status() : Refuse(PlanReason::kTrailingBytes);
}

Port Plan::input(std::size_t index) const {
  TRIB_DCHECK(index < inputs_);
  ByteReader reader(plan_.subspan(kPlanHeaderBytes + kPortBytes * index));
  return ReadPort(reader);
}

Port Plan::output(std::size_t index) const {
  TRIB_DCHECK(index < outputs_);
  ByteReader reader(plan_.subspan(kPlanHeaderBytes + kPortBytes * (inputs_ + index)));
  return ReadPort(reader);
}

Tensor Plan::tensor(TensorIndex index) const {
  TRIB_DCHECK(index < tensors_);
  ByteReader reader(plan_.subspan(first_tensor_ + kTensorBytes * index));
  return ReadTensor(reader);
}

std::uint64_t Plan::opcode_bits() const {
  std::uint64_t bits = 0;
  Walk walk(*this);
  for (std::size_t i = 0; i < operators_; ++i) {
    bits |= std::uint64_t{1} << (static_cast<unsigned>(walk.Next().opcode) - 1);
  }
  return bits;
}

Operator Plan::Walk::Next() {
  ByteReader reader(plan_.plan_.subspan(position_));
  const Operator op = ReadOperator(reader);
  position_ += reader.position();
  return op;
}

Result<LiveTensors> Plan::LiveAt(std::size_t cut) const {
  TRIB_DCHECK(cut <= operators_);
  TensorSet before;
  TensorSet after;
  for (std::size_t i = 0; i < inputs_; ++i) {
    before.Add(input(i).tensor);
  }
  for (std::size_t i = 0; i < outputs_; ++i) {
    after.Add(output(i).tensor);
  }
  Walk walk(*this);
  for (std::size_t i = 0; i < operators_; ++i) {
    const Operator op = walk.Next();
    if (i < cut) {
      before.Add(op.output);
    } else {
      after.Add(op.input);
      if (op.opcode == Opcode::kAdd) {
        after.Add(op.input2);
      }
    }
  }
  LiveTensors live;
  for (TensorIndex i = 0; i < tensors_; ++i) {
    if (before.Has(i) && after.Has(i) && !live.push_back(i)) {
      return Code::kOutOfRange;
    }
  }
  return live;
}

}  // namespace trib::nn
