#include "trib/common/nn/runner.h"

#include <cstring>

#include "blocks.h"
#include "trib/common/base/check.h"
#include "trib/common/nn/kernels.h"

namespace trib::nn {
namespace {

// Blocks start at multiples of 4 and the section is aligned to 4: Plan::Load() made sure of both.
template <typename T>
const T* View(std::span<const std::byte> block, std::uint64_t offset) {
  static_assert(alignof(T) <= 4);
  return reinterpret_cast<const T*>(block.data() + Fitting(offset));
}
const std::int32_t* Words(std::span<const std::byte> block, std::uint64_t offset) {
  return View<std::int32_t>(block, offset);
}
const std::int8_t* Bytes(std::span<const std::byte> block, std::uint64_t offset) {
  return View<std::int8_t>(block, offset);
}

kernels::Weighted ViewOf(const WeightedBlock& block, std::span<const std::byte> bytes) {
  return {Words(bytes, 0),
          Words(bytes, block.multiplier_offset()),
          Bytes(bytes, block.weight_offset()),
          Bytes(bytes, block.shift_offset()),
          block.multipliers == 1};
}

void RunWeighted(const kernels::Call& call, std::span<const std::byte> bytes) {
  const kernels::Weighted weighted = ViewOf(BlockOf(call.op, call.input, call.output), bytes);
  switch (call.op.opcode) {
    case Opcode::kConv2D:
      kernels::Conv2D(call, weighted);
      break;
    case Opcode::kDepthwiseConv2D:
      kernels::DepthwiseConv2D(call, weighted);
      break;
    default:
      kernels::FullyConnected(call, weighted);
      break;
  }
}

}  // namespace

Result<Runner> Runner::Open(const Plan& plan,
                            std::span<std::byte> arena,
                            std::span<std::byte> state) {
  if (arena.size() < plan.arena_bytes() || state.size() < plan.state_bytes()) {
    return Status(Code::kResourceExhausted, PlanReason::kArenaTooSmall);
  }
  if (reinterpret_cast<std::uintptr_t>(arena.data()) % 4 != 0 ||
      reinterpret_cast<std::uintptr_t>(state.data()) % 4 != 0) {
    return Status(Code::kInvalidArgument, PlanReason::kMisaligned);
  }
  return Runner(plan, arena.first(plan.arena_bytes()), state.first(plan.state_bytes()));
}

void Runner::Reset() {
  Plan::Walk walk(*plan_);
  for (std::size_t i = 0; i < plan_->operators(); ++i) {
    const Operator op = walk.Next();
    if (op.opcode != Opcode::kSvdf && op.opcode != Opcode::kLstm) {
      continue;
    }
    const Tensor input = plan_->tensor(op.input);
    const Tensor output = plan_->tensor(op.output);
    const auto memory = state_.subspan(op.state);
    if (op.opcode == Opcode::kSvdf) {
      std::memset(memory.data(),
                  static_cast<std::uint8_t>(op.state_zero_point),
                  Fitting(SvdfBlockOf(op, input, output).state_bytes()));
    } else {
      const std::size_t cells = Fitting(LstmBlockOf(input, output).cells);
      std::memset(memory.data(), 0, 2 * cells);
      std::memset(
          memory.data() + 2 * cells, static_cast<std::uint8_t>(op.lstm.hidden_zero_point), cells);
    }
  }
}

void Runner::Run(std::size_t first, std::size_t last) {
  TRIB_DCHECK(first <= last && last <= plan_->operators());
  Plan::Walk walk(*plan_);
  for (std::size_t i = 0; i < last; ++i) {
    const Operator op = walk.Next();
    if (i >= first) {
      Execute(op);
    }
  }
}

std::span<std::byte> Runner::tensor(TensorIndex index) {
  const Tensor tensor = plan_->tensor(index);
  return arena_.subspan(tensor.offset, Fitting(tensor.bytes()));
}

void Runner::Execute(const Operator& op) {
  const Tensor input = plan_->tensor(op.input);
  const Tensor output = plan_->tensor(op.output);
  const kernels::Call call{op,
                           input,
                           output,
                           arena_.subspan(input.offset, Fitting(input.bytes())),
                           arena_.subspan(output.offset, Fitting(output.bytes())),
                           arena_.subspan(plan_->scratch_offset())};
  switch (op.opcode) {
    case Opcode::kConv2D:
    case Opcode::kDepthwiseConv2D:
    case Opcode::kFullyConnected:
      RunWeighted(call, plan_->weights().subspan(op.weights));
      break;
    case Opcode::kAveragePool2D:
      kernels::AveragePool2D(call);
      break;
    case Opcode::kAdd: {
      const Tensor second = plan_->tensor(op.input2);
      kernels::Add(call, second, arena_.subspan(second.offset, Fitting(second.bytes())));
      break;
    }
    case Opcode::kCopy:
      std::memmove(call.out.data(), call.in.data(), call.out.size());
      break;
    case Opcode::kSoftmax:
      kernels::Softmax(call);
      break;
    case Opcode::kRequantize:
      kernels::RequantizeTensor(call);
      break;
    case Opcode::kSvdf: {
      const SvdfBlock block = SvdfBlockOf(op, input, output);
      const auto bytes = plan_->weights().subspan(op.weights);
      kernels::Svdf(call,
                    {Words(bytes, 0),
                     Bytes(bytes, block.feature_offset()),
                     Bytes(bytes, block.time_offset())},
                    reinterpret_cast<std::int8_t*>(state_.data() + op.state));
      break;
    }
    case Opcode::kLstm: {
      const LstmBlock block = LstmBlockOf(input, output);
      const auto bytes = plan_->weights().subspan(op.weights);
      auto* const cell = reinterpret_cast<std::int16_t*>(state_.data() + op.state);
      kernels::Lstm(call,
                    {Words(bytes, 0),
                     Words(bytes, block.recurrent_bias_offset()),
                     Bytes(bytes, block.input_weight_offset()),
                     Bytes(bytes, block.recurrent_weight_offset())},
                    cell,
                    reinterpret_cast<std::int8_t*>(cell + Fitting(block.cells)));
      break;
    }
    case Opcode::kForest: {
      const ForestBlock block = ForestBlockOf(op, output);
      const auto bytes = plan_->weights().subspan(op.weights);
      kernels::Forest(call,
                      {View<float>(bytes, 0),
                       View<std::uint16_t>(bytes, block.root_offset()),
                       View<kernels::ForestNode>(bytes, block.node_offset())});
      break;
    }
    case Opcode::kLinear: {
      const auto bytes = plan_->weights().subspan(op.weights);
      kernels::Linear(call, View<float>(bytes, 0), View<float>(bytes, 4 * output.elements()));
      break;
    }
    case Opcode::kBinary: {
      const auto bytes = plan_->weights().subspan(op.weights);
      kernels::Binary(
          call, View<std::int32_t>(bytes, 0), View<std::uint32_t>(bytes, 4 * output.elements()));
      break;
    }
  }
}

}  // namespace trib::nn
