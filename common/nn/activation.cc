#include "trib/common/nn/arithmetic.h"

namespace trib::nn {
namespace {

constexpr std::int32_t kOne = std::numeric_limits<std::int32_t>::max();  // 1 in Q0.31, almost

// Q0.31
constexpr std::int32_t kExpMinusEighth = 1895147668;
constexpr std::int32_t kThird = 715827883;
// exp(-2^k) for k = -2 .. 4, Q0.31.
constexpr std::array<std::int32_t, 7> kExpOfPowers = {
    1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
// Q2.29
constexpr std::int32_t k48Over17 = 1515870810;
constexpr std::int32_t kMinus32Over17 = -1010580540;

constexpr int kArgumentFraction = 26;  // Q5.26
constexpr std::int32_t kQuarter = 1 << (kArgumentFraction - 2);

constexpr std::int32_t ShiftLeftSaturating(std::int32_t x, int bits) {
  const std::int64_t wide = std::int64_t{x} * (std::int64_t{1} << bits);
  return static_cast<std::int32_t>(
      std::clamp<std::int64_t>(wide, std::numeric_limits<std::int32_t>::min(), kOne));
}

/// exp(a) for -1/4 <= a < 0 in Q0.31: Taylor's polynomial of degree 4 around -1/8, in the order of
/// operations that TFLite's reference has, as each step rounds.
std::int32_t ExpOfSmall(std::int32_t a) {
  const std::int32_t x = a + (1 << 28);
  const std::int32_t x2 = RoundingDoublingHigh(x, x);
  const std::int32_t x3 = RoundingDoublingHigh(x2, x);
  const std::int32_t x4 = RoundingDoublingHigh(x2, x2);
  const std::int32_t cubic_and_up =
      RoundingDoublingHigh(RoundingShiftRight(x4, 2) + x3, kThird);  // x3/3 + x4/12
  const std::int32_t square_and_up = RoundingShiftRight(cubic_and_up + x2, 1);
  return kExpMinusEighth + RoundingDoublingHigh(kExpMinusEighth, x + square_and_up);
}

// sigmoid(i / 24) in Q0.16, a little above the curve where that halves the error of the chords in
// between: the figures of TFLite's table, which bit-exactness needs.
constexpr std::array<std::uint16_t, 256> kSigmoid = {
    32768, 33451, 34133, 34813, 35493, 36169, 36843, 37513, 38180, 38841, 39498, 40149, 40794,
    41432, 42064, 42688, 43304, 43912, 44511, 45102, 45683, 46255, 46817, 47369, 47911, 48443,
    48964, 49475, 49975, 50464, 50942, 51409, 51865, 52311, 52745, 53169, 53581, 53983, 54374,
    54755, 55125, 55485, 55834, 56174, 56503, 56823, 57133, 57433, 57724, 58007, 58280, 58544,
    58800, 59048, 59288, 59519, 59743, 59959, 60168, 60370, 60565, 60753, 60935, 61110, 61279,
    61441, 61599, 61750, 61896, 62036, 62172, 62302, 62428, 62549, 62666, 62778, 62886, 62990,
    63090, 63186, 63279, 63368, 63454, 63536, 63615, 63691, 63765, 63835, 63903, 63968, 64030,
    64090, 64148, 64204, 64257, 64308, 64357, 64405, 64450, 64494, 64536, 64576, 64614, 64652,
    64687, 64721, 64754, 64786, 64816, 64845, 64873, 64900, 64926, 64950, 64974, 64997, 65019,
    65039, 65060, 65079, 65097, 65115, 65132, 65149, 65164, 65179, 65194, 65208, 65221, 65234,
    65246, 65258, 65269, 65280, 65291, 65301, 65310, 65319, 65328, 65337, 65345, 65352, 65360,
    65367, 65374, 65381, 65387, 65393, 65399, 65404, 65410, 65415, 65420, 65425, 65429, 65433,
    65438, 65442, 65445, 65449, 65453, 65456, 65459, 65462, 65465, 65468, 65471, 65474, 65476,
    65479, 65481, 65483, 65485, 65488, 65489, 65491, 65493, 65495, 65497, 65498, 65500, 65501,
    65503, 65504, 65505, 65507, 65508, 65509, 65510, 65511, 65512, 65513, 65514, 65515, 65516,
    65517, 65517, 65518, 65519, 65520, 65520, 65521, 65522, 65522, 65523, 65523, 65524, 65524,
    65525, 65525, 65526, 65526, 65526, 65527, 65527, 65528, 65528, 65528, 65529, 65529, 65529,
    65529, 65530, 65530, 65530, 65530, 65531, 65531, 65531, 65531, 65531, 65532, 65532, 65532,
    65532, 65532, 65532, 65533, 65533, 65533, 65533, 65533, 65533, 65533, 65533, 65534, 65534,
    65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65535};

/// sigmoid(magnitude / (24 x 2^fraction_bits)) in Q0.16 x 2^fraction_bits; `saturated` from the
/// table's end on.
std::uint32_t Interpolate(std::uint32_t magnitude, int fraction_bits, std::uint32_t saturated) {
  const std::uint32_t index = magnitude >> fraction_bits;
  if (index >= kSigmoid.size() - 1) {
    return saturated;
  }
  const std::uint32_t low = kSigmoid[index];
  const std::uint32_t high = kSigmoid[index + 1];
  const std::uint32_t fraction = magnitude & ((1U << fraction_bits) - 1);
  return (low << fraction_bits) + fraction * (high - low);
}

std::uint32_t Magnitude(std::int32_t x) {
  return x < 0 ? 0U - static_cast<std::uint32_t>(x) : static_cast<std::uint32_t>(x);
}

}  // namespace

std::int32_t ExpOfNegative(std::int32_t x) {
  if (x == 0) {
    return kOne;
  }
  // x = rest - whole quarters, with the rest in [-1/4, 0).
  const std::int32_t rest = (x & (kQuarter - 1)) - kQuarter;
  std::int32_t result = ExpOfSmall(ShiftLeftSaturating(rest, 31 - kArgumentFraction));
  const std::uint32_t quarters =
      static_cast<std::uint32_t>(rest) - static_cast<std::uint32_t>(x);  // of the magnitude
  for (std::size_t k = 0; k < kExpOfPowers.size(); ++k) {
    if ((quarters >> (kArgumentFraction - 2 + k) & 1U) != 0) {
      result = RoundingDoublingHigh(result, kExpOfPowers[k]);
    }
  }
  return result;
}

Reciprocal ReciprocalOf(std::int32_t x) {
  constexpr int kIntegerBits = 12;
  const int zeros = std::countl_zero(static_cast<std::uint32_t>(x));
  // x = 2^bits (1 + a), a in [0, 1) as Q0.31.
  const auto a = static_cast<std::int32_t>((static_cast<std::uint32_t>(x) << zeros) -
                                           (std::uint32_t{1} << 31));
  // Half of 1 + a in Q0.31, rounded.
  const auto half = static_cast<std::int32_t>((std::int64_t{a} + kOne + 1) >> 1);
  // y approaches 1 / half, in Q2.29.
  std::int32_t y = WrapAdd(k48Over17, RoundingDoublingHigh(half, kMinus32Over17));
  for (int i = 0; i < 3; ++i) {
    const std::int32_t product = RoundingDoublingHigh(half, y);
    const std::int32_t error = WrapAdd(1 << 29, -product);
    y = WrapAdd(y, ShiftLeftSaturating(RoundingDoublingHigh(y, error), 2));
  }
  return {ShiftLeftSaturating(y, 1), kIntegerBits - zeros};
}

std::int16_t Sigmoid16(std::int16_t x) {
  // Q3.12 times 3/4: the table ends at 10.67 instead of 8.
  const std::int32_t scaled = 3 * std::int32_t{x};
  const std::uint32_t curve = Interpolate(Magnitude(scaled), 9, 0x7FFFU << 10U);
  const std::uint32_t half = 1U << 9U;
  const std::uint32_t rounded = x >= 0 ? curve + half : (1U << 25U) - curve + half - 1;
  return static_cast<std::int16_t>(rounded >> 10U);
}

std::int16_t Tanh16(std::int16_t x, int shift) {
  // tanh(x) = 2 sigmoid(2 x) - 1: one fraction bit fewer than for the sigmoid.
  const std::int32_t scaled = shift >= 0 ? WrapShiftLeft(3 * std::int32_t{x}, shift)
                                         : (3 * std::int32_t{x} + (1 << (-shift - 1))) >> -shift;
  const auto curve = static_cast<std::int32_t>(Interpolate(Magnitude(scaled), 8, 0xFFFFU << 8U));
  constexpr std::int32_t kMiddle = 1 << 23;
  const std::int32_t centred =
      scaled >= 0 ? curve - kMiddle + (1 << 7) : kMiddle - curve + (1 << 7) - 1;
  return static_cast<std::int16_t>(centred >> 8);
}

}  // namespace trib::nn
