// Operators with state, and the functions of their gates, generated, against a model.
#include <gtest/gtest.h>

#include <cmath>

#include "blocks.h"
#include "kernel_cases.h"
#include "trib/common/nn/kernels.h"

namespace trib::nn {
namespace {

/// A layer that keeps all values so far, newest last.
struct SvdfModel {
  explicit SvdfModel(Draw& draw) {
    op.opcode = Opcode::kSvdf;
    op.rank = static_cast<std::uint16_t>(draw.Between(1, 3));
    op.memory = static_cast<std::uint16_t>(draw.Between(1, 4));
    op.multipliers = {draw.Scale(), draw.Scale(), Multiplier{}};
    op.state_zero_point = draw.Between(0, 1) == 0 ? std::int16_t{0} : std::int16_t{draw.Value()};
    in = Image(1, 1, draw.Between(1, 2), draw.Between(1, 5), draw.Value());
    out = Image(1, 1, in.dims[2], draw.Between(1, 3), draw.Value());
    block = SvdfBlockOf(op, in, out);
    feature = draw.Values(block.filters * block.inputs);
    time = draw.Values(block.filters * block.memory);
    for (std::uint64_t u = 0; u < block.units; ++u) {
      bias.push_back(draw.Between(-9999, 9999));
    }
    history.assign(block.batch * block.filters,
                   std::vector(block.memory, static_cast<std::int8_t>(op.state_zero_point)));
  }
  void Push(const std::vector<std::int8_t>& input) {
    for (std::size_t at = 0; at < history.size(); ++at) {
      const std::size_t b = at / block.filters;
      const std::size_t f = at % block.filters;
      Wide sum = 0;
      for (std::size_t k = 0; k < block.inputs; ++k) {
        sum += Wide{feature[f * block.inputs + k]} *
               (Wide{input[b * block.inputs + k]} - in.zero_point);
      }
      const Wide newest =
          ModelClamp(ModelRequantize(sum, op.multipliers[0]), {}) + Wide{op.state_zero_point};
      history[at].push_back(static_cast<std::int8_t>(static_cast<std::uint8_t>(newest)));
    }
  }
  [[nodiscard]] std::int8_t Output(std::size_t b, std::size_t u) const {
    Wide sum = bias[u];
    for (std::size_t f = u * op.rank; f < (u + 1) * op.rank; ++f) {
      const auto& past = history[b * block.filters + f];
      for (std::size_t m = 0; m < block.memory; ++m) {
        sum += Wide{time[f * block.memory + m]} *
               (Wide{past[past.size() - block.memory + m]} - op.state_zero_point);
      }
    }
    return ModelClamp(Wrap(Wide{ModelRequantize(Wrap(sum), op.multipliers[1])} + out.zero_point),
                      {});
  }

  Operator op;
  Tensor in;
  Tensor out;
  SvdfBlock block;
  std::vector<std::int8_t> feature;
  std::vector<std::int8_t> time;
  std::vector<std::int32_t> bias;
  std::vector<std::vector<std::int8_t>> history;  ///< [batch x filters]
};

TEST(Kernels, SvdfWithState) {
  Draw draw(9);
  for (int i = 0; i < kCases; ++i) {
    SvdfModel model(draw);
    std::vector<std::int8_t> state(model.block.state_bytes(),
                                   static_cast<std::int8_t>(model.op.state_zero_point));
    for (int step = 0; step < 4; ++step) {
      const auto input = draw.Values(model.in.elements());
      std::vector<std::int8_t> result(model.out.elements());
      kernels::Svdf({model.op,
                     model.in,
                     model.out,
                     BytesOf(input),
                     std::as_writable_bytes(std::span(result)),
                     {}},
                    {model.bias.data(), model.feature.data(), model.time.data()},
                    state.data());
      model.Push(input);
      for (std::size_t at = 0; at < result.size(); ++at) {
        ASSERT_EQ(result[at], model.Output(at / model.block.units, at % model.block.units))
            << "case " << i;
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

Wide Saturate16(Wide x) {
  return x < -32768 ? Wide{-32768} : x > 32767 ? Wide{32767} : x;
}

/// One time step after the other, with the gates' tables (tested above) and everything else done in
/// wide integers, unfolded.
struct LstmModel {
  explicit LstmModel(Draw& draw) {
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
    in = Image(1, 1, draw.Between(1, 3), draw.Between(1, 4), draw.Value());
    out = Image(1, 1, in.dims[2], draw.Between(1, 4), p.hidden_zero_point);
    block = LstmBlockOf(in, out);
    w = draw.Values(kGates * block.cells * block.inputs);
    r = draw.Values(kGates * block.cells * block.cells);
    for (std::size_t k = 0; k < kGates * block.cells; ++k) {
      bias.push_back(draw.Between(-9999, 9999));
    }
    c.assign(block.cells, 0);
    h.assign(block.cells, p.hidden_zero_point);
  }
  /// As the plan has them: zero points in the biases.
  [[nodiscard]] std::vector<std::int32_t> Folded() const {
    const auto sum = [](const std::vector<std::int8_t>& weights, std::size_t k, std::size_t depth) {
      Wide total = 0;
      for (std::size_t j = 0; j < depth; ++j) {
        total += weights[k * depth + j];
      }
      return total;
    };
    const std::size_t count = bias.size();
    std::vector<std::int32_t> folded(2 * count);
    for (std::size_t k = 0; k < count; ++k) {
      folded[k] = Wrap(bias[k] - sum(w, k, block.inputs) * in.zero_point);
      folded[count + k] = Wrap(-sum(r, k, block.cells) * op.lstm.hidden_zero_point);
    }
    return folded;
  }
  [[nodiscard]] Wide GateAt(const std::int8_t* x, std::size_t k) const {
    const std::size_t g = k / block.cells;
    Wide from_input = bias[k];
    for (std::size_t j = 0; j < block.inputs; ++j) {
      from_input += Wide{w[k * block.inputs + j]} * (Wide{x[j]} - in.zero_point);
    }
    Wide from_hidden = 0;
    for (std::size_t j = 0; j < block.cells; ++j) {
      from_hidden += Wide{r[k * block.cells + j]} * (h[j] - op.lstm.hidden_zero_point);
    }
    const auto sum = static_cast<std::int16_t>(
        Saturate16(Saturate16(ModelRequantize(from_input, op.lstm.input[g])) +
                   Saturate16(ModelRequantize(from_hidden, op.lstm.recurrent[g]))));
    return g == 2 ? Tanh16(sum, 0) : Sigmoid16(sum);
  }
  void Step(const std::int8_t* x) {
    const LstmParameters& p = op.lstm;
    const std::size_t n = block.cells;
    std::vector<Wide> gates;
    for (std::size_t k = 0; k < kGates * n; ++k) {
      gates.push_back(GateAt(x, k));
    }
    for (std::size_t k = 0; k < n; ++k) {
      c[k] = Saturate16(Saturate16(ModelRequantize(gates[n + k] * c[k], p.forget_cell)) +
                        Saturate16(ModelRequantize(gates[k] * gates[2 * n + k], p.input_cell)));
      if (p.cell_clip > 0) {
        c[k] = std::clamp<Wide>(c[k], -p.cell_clip, p.cell_clip);
      }
      const Wide shown =
          gates[3 * n + k] * Tanh16(static_cast<std::int16_t>(c[k]), 12 + p.cell_log2);
      h[k] = int{ModelClamp(Wide{ModelRequantize(shown, p.hidden)} + p.hidden_zero_point, {})};
    }
  }

  Operator op;
  Tensor in;
  Tensor out;
  LstmBlock block;
  std::vector<std::int8_t> w;  ///< of the input
  std::vector<std::int8_t> r;  ///< of the hidden state
  std::vector<std::int32_t> bias;
  std::vector<Wide> c;
  std::vector<Wide> h;
};

TEST(Kernels, LstmWithState) {
  Draw draw(12);
  for (int i = 0; i < kCases; ++i) {
    LstmModel model(draw);
    const std::size_t n = model.block.cells;
    const auto folded = model.Folded();
    const auto input = draw.Values(model.in.elements());
    std::vector<std::int8_t> result(model.out.elements());
    std::vector<std::int16_t> cell(n);
    std::vector<std::int8_t> hidden(n, model.op.lstm.hidden_zero_point);
    std::vector<std::int16_t> scratch(kGates * n);
    kernels::Lstm({model.op,
                   model.in,
                   model.out,
                   BytesOf(input),
                   std::as_writable_bytes(std::span(result)),
                   std::as_writable_bytes(std::span(scratch))},
                  {folded.data(), folded.data() + kGates * n, model.w.data(), model.r.data()},
                  cell.data(),
                  hidden.data());
    for (std::size_t step = 0; step < model.block.steps; ++step) {
      model.Step(input.data() + step * model.block.inputs);
      for (std::size_t k = 0; k < n; ++k) {
        ASSERT_EQ(result[step * n + k], model.h[k]) << "case " << i << " step " << step;
      }
    }
    for (std::size_t k = 0; k < n; ++k) {
      ASSERT_EQ(cell[k], model.c[k]);
    }
  }
}

}  // namespace
}  // namespace trib::nn
