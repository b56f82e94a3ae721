// Operators with state, and the functions of their gates, generated, against a model.
#include <gtest/gtest.h>

#include <cmath>

#include "blocks.h"
#include "kernel_cases.h"
#include "trib/common/nn/kernels.h"

namespace trib::nn {
namespace {

TEST(Kernels, SvdfWithState) {
  Draw draw(9);
  for (int i = 0; i < kCases; ++i) {
    Operator op;
    op.opcode = Opcode::kSvdf;
    op.rank = static_cast<std::uint16_t>(draw.Between(1, 3));
    op.memory = static_cast<std::uint16_t>(draw.Between(1, 4));
    op.multipliers = {draw.Scale(), draw.Scale(), Multiplier{}};
    op.state_zero_point = draw.Between(0, 1) == 0 ? std::int16_t{0} : draw.Value();
    const Tensor in = Image(1, 1, draw.Between(1, 2), draw.Between(1, 5), draw.Value());
    const Tensor out = Image(1, 1, in.dims[2], draw.Between(1, 3), draw.Value());
    const SvdfBlock block = SvdfBlockOf(op, in, out);
    const auto feature = draw.Values(block.filters * block.inputs);
    const auto time = draw.Values(block.filters * block.memory);
    std::vector<std::int32_t> bias;
    for (std::uint64_t u = 0; u < block.units; ++u) {
      bias.push_back(draw.Between(-9999, 9999));
    }
    std::vector<std::int8_t> state(block.state_bytes(),
                                   static_cast<std::int8_t>(op.state_zero_point));
    // history[b][f]: all values so far, newest last.
    std::vector<std::vector<std::int8_t>> history(
        block.batch * block.filters,
        std::vector<std::int8_t>(block.memory, static_cast<std::int8_t>(op.state_zero_point)));
    for (int step = 0; step < 4; ++step) {
      const auto input = draw.Values(in.elements());
      std::vector<std::int8_t> result(out.elements());
      kernels::Svdf({op, in, out, BytesOf(input), std::as_writable_bytes(std::span(result)), {}},
                    {bias.data(), feature.data(), time.data()},
                    state.data());
      std::size_t at = 0;
      for (std::size_t b = 0; b < block.batch; ++b) {
        for (std::size_t f = 0; f < block.filters; ++f) {
          Wide sum = 0;
          for (std::size_t k = 0; k < block.inputs; ++k) {
            sum += Wide{feature[f * block.inputs + k]} *
                   (Wide{input[b * block.inputs + k]} - in.zero_point);
          }
          const Wide newest =
              ModelClamp(ModelRequantize(sum, op.multipliers[0]), {}) + Wide{op.state_zero_point};
          history[b * block.filters + f].push_back(
              static_cast<std::int8_t>(static_cast<std::uint8_t>(newest)));
        }
        for (std::size_t u = 0; u < block.units; ++u, ++at) {
          Wide sum = bias[u];
          for (std::size_t r = 0; r < op.rank; ++r) {
            const std::size_t f = u * op.rank + r;
            const auto& past = history[b * block.filters + f];
            for (std::size_t m = 0; m < block.memory; ++m) {
              sum += Wide{time[f * block.memory + m]} *
                     (Wide{past[past.size() - block.memory + m]} - op.state_zero_point);
            }
          }
          ASSERT_EQ(
              result[at],
              ModelClamp(Wrap(Wide{ModelRequantize(Wrap(sum), op.multipliers[1])} + out.zero_point),
                         {}))
              << "case " << i;
        }
      }
    }
  }
}

TEST(Activations, AreNearTheExactFunctions) {
  for (int x = -32768; x <= 32767; ++x) {
    const auto q = static_cast<std::int16_t>(x);
    const double real = x / 4096.0;
    ASSERT_NEAR(Sigmoid16(q), 32768 / (1 + std::exp(-real)), 3) << x;
    ASSERT_NEAR(Tanh16(q, 0), 32768 * std::tanh(real), 6) << x;
    ASSERT_NEAR(Tanh16(q, -2), 32768 * std::tanh(real / 4), 6) << x;
  }
}

TEST(Activations, ExpAndReciprocalAreNearTheExactFunctions) {
  Draw draw(11);
  for (int i = 0; i < kCases; ++i) {
    const std::int32_t x = -draw.Between(0, 2147483647);
    ASSERT_NEAR(ExpOfNegative(x), 2147483648.0 * std::exp(x / 67108864.0), 600) << x;
    const std::int32_t sum = draw.Between(1 << 19, 2147483647);
    const Reciprocal r = ReciprocalOf(sum);
    ASSERT_NEAR(std::ldexp(r.value, -31 - r.bits) * (sum / 524288.0), 1, 1e-8) << sum;
  }
}

/// One time step after the other, with the gates' tables (tested above) and everything else done in
/// wide integers, unfolded.
TEST(Kernels, LstmWithState) {
  Draw draw(12);
  for (int i = 0; i < kCases; ++i) {
    Operator op;
    op.opcode = Opcode::kLstm;
    LstmParameters& p = op.lstm;
    for (std::size_t g = 0; g < kGates; ++g) {
      p.input[g] = draw.Scale(8);
      p.recurrent[g] = draw.Scale(8);
    }
    p.forget_cell = draw.Scale(0);
    p.input_cell = draw.Scale(0);
    p.hidden = draw.Scale(0);
    p.cell_log2 = static_cast<std::int8_t>(draw.Between(-15, -8));
    p.hidden_zero_point = draw.Value();
    p.cell_clip = draw.Between(0, 2) == 0 ? static_cast<std::int16_t>(draw.Between(1, 32767))
                                          : std::int16_t{0};
    const Tensor in = Image(1, 1, draw.Between(1, 3), draw.Between(1, 4), draw.Value());
    const Tensor out = Image(1, 1, in.dims[2], draw.Between(1, 4), p.hidden_zero_point);
    const LstmBlock block = LstmBlockOf(in, out);
    const std::size_t n = block.cells;
    const auto w = draw.Values(kGates * n * block.inputs);
    const auto r = draw.Values(kGates * n * n);
    std::vector<std::int32_t> bias(kGates * n);
    std::vector<std::int32_t> folded(2 * kGates * n);
    for (std::size_t k = 0; k < kGates * n; ++k) {
      bias[k] = draw.Between(-9999, 9999);
      Wide sum_w = 0;
      Wide sum_r = 0;
      for (std::size_t j = 0; j < block.inputs; ++j) {
        sum_w += w[k * block.inputs + j];
      }
      for (std::size_t j = 0; j < n; ++j) {
        sum_r += r[k * n + j];
      }
      folded[k] = Wrap(bias[k] - sum_w * in.zero_point);
      folded[kGates * n + k] = Wrap(-sum_r * p.hidden_zero_point);
    }
    const auto input = draw.Values(in.elements());
    std::vector<std::int8_t> result(out.elements());
    std::vector<std::int16_t> cell(n);
    std::vector<std::int8_t> hidden(n, p.hidden_zero_point);
    std::vector<std::int16_t> scratch(kGates * n);
    kernels::Lstm({op,
                   in,
                   out,
                   BytesOf(input),
                   std::as_writable_bytes(std::span(result)),
                   std::as_writable_bytes(std::span(scratch))},
                  {folded.data(), folded.data() + kGates * n, w.data(), r.data()},
                  cell.data(),
                  hidden.data());
    const auto saturate = [](Wide x) {
      return x < -32768 ? Wide{-32768} : x > 32767 ? Wide{32767} : x;
    };
    std::vector<Wide> c(n, 0);
    std::vector<Wide> h(n, p.hidden_zero_point);
    for (std::size_t step = 0; step < block.steps; ++step) {
      std::vector<Wide> gates;
      for (std::size_t k = 0; k < kGates * n; ++k) {
        const std::size_t g = k / n;
        Wide from_input = bias[k];
        for (std::size_t j = 0; j < block.inputs; ++j) {
          from_input += Wide{w[k * block.inputs + j]} *
                        (Wide{input[step * block.inputs + j]} - in.zero_point);
        }
        Wide from_hidden = 0;
        for (std::size_t j = 0; j < n; ++j) {
          from_hidden += Wide{r[k * n + j]} * (h[j] - p.hidden_zero_point);
        }
        const auto sum = static_cast<std::int16_t>(
            saturate(saturate(ModelRequantize(from_input, p.input[g])) +
                     saturate(ModelRequantize(from_hidden, p.recurrent[g]))));
        gates.push_back(g == 2 ? Tanh16(sum, 0) : Sigmoid16(sum));
      }
      for (std::size_t k = 0; k < n; ++k) {
        c[k] = saturate(saturate(ModelRequantize(gates[n + k] * c[k], p.forget_cell)) +
                        saturate(ModelRequantize(gates[k] * gates[2 * n + k], p.input_cell)));
        if (p.cell_clip > 0) {
          c[k] = c[k] > p.cell_clip ? p.cell_clip : c[k] < -p.cell_clip ? -p.cell_clip : c[k];
        }
        const Wide shown =
            gates[3 * n + k] * Tanh16(static_cast<std::int16_t>(c[k]), 12 + p.cell_log2);
        h[k] = ModelClamp(Wide{ModelRequantize(shown, p.hidden)} + p.hidden_zero_point, {});
        ASSERT_EQ(result[step * n + k], h[k]) << "case " << i << " step " << step;
      }
    }
    for (std::size_t k = 0; k < n; ++k) {
      ASSERT_EQ(cell[k], c[k]);
    }
  }
}

}  // namespace
}  // namespace trib::nn
