#pragma once

// For the kernels' generated cases: what varies, and the arithmetic written differently from the
// engine's, in wide integers, with division instead of shifts.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "trib/common/nn/arithmetic.h"
#include "trib/common/nn/kernels.h"
#include "trib/common/nn/types.h"

namespace trib::nn {

inline constexpr int kCases = 100'000;
using Wide = __int128;

inline Wide FloorDivide(Wide a, Wide b) {
  const Wide quotient = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? quotient - 1 : quotient;
}

inline std::int32_t Wrap(Wide x) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(x));
}

/// round(a b / 2^31), ties up.
inline Wide ModelHigh(Wide a, Wide b) {
  const Wide result = FloorDivide(2 * a * b + (Wide{1} << 31), Wide{1} << 32);
  return result > 2147483647 ? 2147483647 : result;
}

/// round(x / 2^bits), ties away from zero: of the magnitude, ties up.
inline Wide ModelShift(Wide x, int bits) {
  const Wide magnitude = x < 0 ? -x : x;
  const Wide rounded = (2 * magnitude + (Wide{1} << bits)) / (Wide{2} << bits);
  return x < 0 ? -rounded : rounded;
}

inline std::int32_t ModelRequantize(Wide x, Multiplier m) {
  const Wide raised = m.shift > 0 ? Wrap(x * (Wide{1} << m.shift)) : x;
  return static_cast<std::int32_t>(ModelShift(ModelHigh(raised, m.m), m.shift < 0 ? -m.shift : 0));
}

inline std::int8_t ModelClamp(Wide x, Clamp clamp) {
  return static_cast<std::int8_t>(x < clamp.low ? clamp.low : x > clamp.high ? clamp.high : x);
}

/// Deterministic; extremes are as likely as everything else together.
class Draw {
 public:
  explicit Draw(std::uint32_t seed) : random_(seed) {}
  int Between(int low, int high) {
    // Unsigned, so that it holds for all integers, too; a span of 0 is that of all.
    const std::uint32_t span =
        static_cast<std::uint32_t>(high) - static_cast<std::uint32_t>(low) + 1;
    const auto drawn = static_cast<std::uint32_t>(span == 0 ? random_() : random_() % span);
    return static_cast<int>(static_cast<std::uint32_t>(low) + drawn);
  }
  std::int8_t Value() {
    switch (random_() % 8) {
      case 0:
        return -128;
      case 1:
        return 127;
      default:
        return static_cast<std::int8_t>(random_());
    }
  }
  std::vector<std::int8_t> Values(std::size_t count) {
    std::vector<std::int8_t> values(count);
    for (auto& value : values) {
      value = Value();
    }
    return values;
  }
  std::int32_t Word() {
    switch (random_() % 6) {
      case 0:
        return std::numeric_limits<std::int32_t>::min();
      case 1:
        return std::numeric_limits<std::int32_t>::max();
      case 2:
        return Between(-3, 3);
      default:
        return static_cast<std::int32_t>(random_()) >> Between(0, 24);
    }
  }
  /// Mostly of the size that real layers have, sometimes any that a plan may hold; powers of two
  /// make ties.
  Multiplier Scale(int largest_shift = 30) {
    Multiplier m;
    m.shift =
        static_cast<std::int8_t>(Between(0, 3) == 0 ? Between(-31, largest_shift)
                                                    : Between(-14, std::min(0, largest_shift)));
    m.m = Between(0, 3) == 0 ? 1 << 30 : static_cast<std::int32_t>((random_() >> 2U) | (1U << 30U));
    return m;
  }
  Clamp Range() {
    if (Between(0, 2) != 0) {
      return {};
    }
    const auto a = Value();
    const auto b = Value();
    return {std::min(a, b), std::max(a, b)};
  }

 private:
  std::mt19937 random_;
};

inline std::span<const std::byte> BytesOf(const std::vector<std::int8_t>& values) {
  return std::as_bytes(std::span(values));
}

inline Tensor Image(int batch, int height, int width, int channels, std::int16_t zero) {
  Tensor t;
  t.dims = {static_cast<std::uint16_t>(batch),
            static_cast<std::uint16_t>(height),
            static_cast<std::uint16_t>(width),
            static_cast<std::uint16_t>(channels)};
  t.zero_point = zero;
  t.rank = 4;
  return t;
}

/// A weighted operator with everything that varies.
struct Layer {
  Operator op;
  Tensor in;
  Tensor out;
  std::vector<std::int8_t> input;
  std::vector<std::int8_t> weights;
  std::vector<std::int32_t> bias;    // as the model has it
  std::vector<std::int32_t> folded;  // as the plan has it
  std::vector<std::int32_t> multiplier;
  std::vector<std::int8_t> shift;
  std::vector<std::int8_t> result;
  std::vector<std::int8_t> stage;

  [[nodiscard]] Multiplier multiplier_of(std::size_t c) const {
    const std::size_t i = multiplier.size() == 1 ? 0 : c;
    return {multiplier[i], shift[i]};
  }
  [[nodiscard]] kernels::Weighted weighted() const {
    return {folded.data(), multiplier.data(), weights.data(), shift.data(), multiplier.size() == 1};
  }
  [[nodiscard]] kernels::Call call() {
    result.assign(out.elements(), 99);
    stage.assign(out.channels(), 0);
    return {op,
            in,
            out,
            BytesOf(input),
            std::as_writable_bytes(std::span(result)),
            std::as_writable_bytes(std::span(stage))};
  }
};

/// The image with its zero point subtracted; zero outside.
inline Wide Centred(const Layer& layer, int b, int y, int x, int c) {
  if (y < 0 || x < 0 || y >= static_cast<int>(layer.in.height()) ||
      x >= static_cast<int>(layer.in.width())) {
    return 0;
  }
  const std::size_t at =
      ((static_cast<std::size_t>(b) * layer.in.height() + static_cast<std::size_t>(y)) *
           layer.in.width() +
       static_cast<std::size_t>(x)) *
          layer.in.channels() +
      static_cast<std::size_t>(c);
  return Wide{layer.input[at]} - layer.in.zero_point;
}

}  // namespace trib::nn
