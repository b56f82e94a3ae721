#include "../blocks.h"
#include "trib/common/nn/arithmetic.h"
#include "views.h"

namespace trib::nn::kernels {
namespace {

/// bias + weights . (values - zero point)
std::int32_t Dot(const std::int8_t* weights,
                 const std::int8_t* values,
                 std::size_t count,
                 std::int32_t zero_point,
                 std::int32_t bias) {
  for (std::size_t i = 0; i < count; ++i) {
    bias = WrapAdd(bias, weights[i] * (values[i] - zero_point));
  }
  return bias;
}

}  // namespace

void Svdf(const Call& call, const SvdfWeights& weights, std::int8_t* state) {
  const SvdfBlock block = SvdfBlockOf(call.op, call.input, call.output);
  const std::size_t inputs = Fitting(block.inputs);
  const std::size_t filters = Fitting(block.filters);
  const std::size_t memory_length = call.op.memory;
  const Multiplier to_state = call.op.multipliers[0];
  const Multiplier to_output = call.op.multipliers[1];
  const std::int32_t state_zero = call.op.state_zero_point;
  // The whole input becomes state before the first output is written.
  for (std::size_t b = 0; b < block.batch; ++b) {
    const std::int8_t* input = Int8(call.in) + b * inputs;
    for (std::size_t f = 0; f < filters; ++f) {
      std::int8_t* memory = state + (b * filters + f) * memory_length;
      for (std::size_t t = 0; t + 1 < memory_length; ++t) {
        memory[t] = memory[t + 1];
      }
      const std::int32_t product =
          Dot(weights.feature + f * inputs, input, inputs, call.input.zero_point, 0);
      // Clamped before the zero point is added, and the sum wraps: as the reference did when the
      // models in the field were calibrated.
      const std::int8_t newest = ClampTo8(Requantize(product, to_state), {});
      memory[memory_length - 1] = static_cast<std::int8_t>(newest + state_zero);
    }
  }
  std::int8_t* out = Int8(call.out);
  for (std::size_t b = 0; b < block.batch; ++b) {
    for (std::size_t u = 0; u < block.units; ++u) {
      // The filters of a unit lie side by side, and so do their memories.
      const std::size_t first = u * call.op.rank * memory_length;
      const std::int32_t sum = Dot(weights.time + first,
                                   state + b * filters * memory_length + first,
                                   call.op.rank * memory_length,
                                   state_zero,
                                   weights.bias[u]);
      *out++ = ClampTo8(WrapAdd(Requantize(sum, to_output), call.output.zero_point), {});
    }
  }
}

void Lstm(const Call& call, const LstmWeights& weights, std::int16_t* cell, std::int8_t* hidden) {
  const LstmBlock block = LstmBlockOf(call.input, call.output);
  const LstmParameters& p = call.op.lstm;
  const std::size_t n = Fitting(block.cells);
  const std::size_t inputs = Fitting(block.inputs);
  auto* const gates = reinterpret_cast<std::int16_t*>(call.scratch.data());
  const std::int8_t* x = Int8(call.in);
  std::int8_t* out = Int8(call.out);
  for (std::size_t step = 0; step < block.steps; ++step, x += inputs, out += n) {
    // All gates see the hidden state of the step before.
    for (std::size_t i = 0; i < kGates * n; ++i) {
      const std::size_t gate = i / n;
      // Offsets are folded into the biases.
      const std::int32_t from_input =
          Dot(weights.input + i * inputs, x, inputs, 0, weights.input_bias[i]);
      const std::int32_t from_hidden =
          Dot(weights.recurrent + i * n, hidden, n, 0, weights.recurrent_bias[i]);
      const std::int16_t sum =
          SaturateTo16(SaturateTo16(Requantize(from_input, p.input[gate])) +
                       SaturateTo16(Requantize(from_hidden, p.recurrent[gate])));
      gates[i] = gate == static_cast<std::size_t>(Gate::kCell) ? Tanh16(sum, 0) : Sigmoid16(sum);
    }
    const auto at = [&](Gate gate, std::size_t i) -> std::int32_t {
      return gates[static_cast<std::size_t>(gate) * n + i];
    };
    for (std::size_t i = 0; i < n; ++i) {
      const std::int16_t kept =
          SaturateTo16(Requantize(at(Gate::kForget, i) * cell[i], p.forget_cell));
      const std::int16_t taken =
          SaturateTo16(Requantize(at(Gate::kInput, i) * at(Gate::kCell, i), p.input_cell));
      std::int16_t next = SaturateTo16(kept + taken);
      if (p.cell_clip > 0) {
        next = static_cast<std::int16_t>(std::clamp<std::int32_t>(next, -p.cell_clip, p.cell_clip));
      }
      cell[i] = next;
      const std::int32_t shown = at(Gate::kOutput, i) * Tanh16(next, 12 + p.cell_log2);
      hidden[i] = ClampTo8(WrapAdd(Requantize(shown, p.hidden), p.hidden_zero_point), {});
      out[i] = hidden[i];
    }
  }
}

}  // namespace trib::nn::kernels
