#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "trib/common/base/fixed_vector.h"
#include "trib/common/status/result.h"

/// A recipe says, as data, what is computed from a window. Bytes: docs/formats/recipe.md.
namespace trib::dsp {

inline constexpr std::uint16_t kRecipeVersion = 1;
inline constexpr std::size_t kMaxOutputs = 64;  // = message::kMaxFeatures
inline constexpr std::size_t kMaxOperations = 32;
inline constexpr std::size_t kMaxParameters = 128;  // of all operations together
inline constexpr std::size_t kMaxChannels = 8;
inline constexpr std::uint32_t kMinWindowFrames = 16;
inline constexpr std::uint32_t kMaxWindowFrames = 4096;
inline constexpr std::uint32_t kMaxHopFrames = 1U << 20U;
inline constexpr std::uint32_t kMaxSampleRateHz = 1U << 20U;
inline constexpr std::size_t kMaxRecipeBytes = 24 + kMaxOperations * 8 + kMaxParameters * 4;

/// Persisted in recipes; values are never reused. 64 is kept for standardisation.
enum class Op : std::uint16_t {
  kUnspecified = 0,
  kMean = 1,
  kRms = 2,
  kStd = 3,       ///< population standard deviation
  kVariance = 4,  ///< population variance
  kMin = 5,
  kMax = 6,
  kPeakToPeak = 7,
  kCrest = 8,     ///< largest |x| / rms
  kShape = 9,     ///< rms / mean |x|
  kImpulse = 10,  ///< largest |x| / mean |x|
  kMargin = 11,   ///< largest |x| / (mean sqrt|x|)^2
  kSkewness = 12,
  kKurtosis = 13,          ///< Pearson: 3 for a Gaussian
  kRateOfChange = 14,      ///< mean |x[i] - x[i-1]| per second
  kZeroCrossingRate = 15,  ///< crossings of the mean per step, 0..1
  kBandEnergy = 32,        ///< mean square in each band, Hann window; one output per band
  kEnvelopeLines = 33,     ///< amplitude of envelope lines; one output per target
  kVelocityRms = 34,       ///< RMS of the velocity in a band, mm/s, from an acceleration
  kCorrelation = 48,       ///< Pearson, of `channel` and `second_channel`
};

/// What is done to each output of an operation. Persisted.
enum class Transform : std::uint8_t {
  kNone = 0,
  kLog = 1,  ///< natural logarithm of the greater of value and Recipe::log_floor
};

/// One operation. Its parameters are `parameter_count` numbers of Recipe::parameters.
struct Operation {
  Op op = Op::kUnspecified;
  Transform transform = Transform::kNone;
  std::uint8_t channel = 0;
  std::uint8_t second_channel = 0;  ///< of kCorrelation, else 0
  std::uint8_t first_parameter = 0;
  std::uint8_t parameter_count = 0;
  friend constexpr bool operator==(const Operation&, const Operation&) = default;
};

/// About 800 bytes: keep it in static storage on a node and pass references.
struct Recipe {
  std::uint16_t channels = 1;
  std::uint32_t sample_rate_hz = 0;
  std::uint32_t window_frames = 0;
  std::uint32_t hop_frames = 0;  ///< between starts of successive windows; may exceed the window
  float log_floor = 1e-12F;
  FixedVector<Operation, kMaxOperations> operations;
  FixedVector<float, kMaxParameters> parameters;

  [[nodiscard]] std::span<const float> parameters_of(const Operation& operation) const {
    return parameters.span().subspan(operation.first_parameter, operation.parameter_count);
  }
  friend constexpr bool operator==(const Recipe&, const Recipe&) = default;
};

/// Status::reason() of a refused recipe.
enum class RecipeReason : std::uint16_t {
  kNone = 0,
  kTruncated = 1,        ///< bytes end inside a field
  kTrailingBytes = 2,    ///< bytes after the last operation
  kVersion = 3,          ///< not kRecipeVersion
  kChannels = 4,         ///< 0 or above kMaxChannels, or an operation names a channel outside
  kSampleRate = 5,       ///< 0 or above kMaxSampleRateHz
  kWindow = 6,           ///< outside limits, or no power of two where a spectrum needs one
  kHop = 7,              ///< 0 or above kMaxHopFrames
  kOutputs = 8,          ///< none, above kMaxOutputs, or not what the operations give
  kOperations = 9,       ///< none or above kMaxOperations
  kUnknownOp = 10,       ///< opcode unknown to this firmware
  kTransform = 11,       ///< unknown, or a logarithm of an output that can be negative
  kParameters = 12,      ///< wrong number for the opcode, or above kMaxParameters in total
  kParameterValue = 13,  ///< not finite or outside its range
  kEdges = 14,           ///< band edges not rising, below 0 or above half the sample rate
  kEmptyBand = 15,       ///< a band or a target's tolerance holds no spectral line
  kLogFloor = 16,        ///< not a normal positive number
  kReserved = 17,        ///< a reserved field is not zero
};

/// The operation that gives output `index`. Requires  A valid recipe.
/// @returns nullptr when there is no such output.
const Operation* OperationOf(const Recipe& recipe, std::size_t index);

/// The name for people, e.g. "unknown operation".
std::string_view RecipeReasonName(RecipeReason reason);

/// What there is to know about an opcode. The names are those of package specifications.
struct OpInfo {
  Op op = Op::kUnspecified;
  std::string_view name;
  /// Parameters in order, e.g. "low_hz"; then, when `list` is not empty, `min_list` or more of it.
  std::span<const std::string_view> parameters;
  std::string_view list;
  std::uint8_t min_list = 0;
  bool signed_output = false;  ///< can be negative: takes no logarithm
  bool two_channels = false;   ///< uses second_channel
  bool spectral = false;       ///< needs a window of 2^n frames
};

/// All opcodes that this firmware knows, in the order of their values.
std::span<const OpInfo> Ops();
/// nullptr for an opcode that this firmware does not know.
const OpInfo* FindOp(Op op);
/// "" for an unknown opcode.
std::string_view OpName(Op op);
std::optional<Op> OpFromName(std::string_view name);
std::string_view TransformName(Transform transform);
std::optional<Transform> TransformFromName(std::string_view name);

/// Outputs of a valid operation.
std::size_t OutputCount(const Operation& operation);
/// Outputs of all operations of a valid recipe.
std::size_t OutputCount(const Recipe& recipe);

/// Every rule of the format. The decoder applies it; a builder applies it to what it was asked for.
///
/// @returns kInvalidArgument with a RecipeReason; kUnimplemented for kVersion and kUnknownOp.
Status ValidateRecipe(const Recipe& recipe);

/// @returns a valid recipe, or the failure as ValidateRecipe() gives it.
Result<Recipe> DecodeRecipe(std::span<const std::byte> bytes);

/// @returns the number of bytes written; kResourceExhausted when `out` is too small (at most
///          kMaxRecipeBytes are needed); or the failure of ValidateRecipe().
Result<std::size_t> EncodeRecipe(const Recipe& recipe, std::span<std::byte> out);

inline constexpr std::size_t kMaxFeatureNameBytes = 48;

/// The name of output `index`, e.g. "ch0.log_rms", "ch0.log_band_500_1000", "ch0_ch1.correlation".
///
/// Memory    The name lies in `buffer`; cut when it is shorter than kMaxFeatureNameBytes.
/// Requires  A valid recipe.
/// @returns "" when there is no such output.
std::string_view FeatureName(const Recipe& recipe, std::size_t index, std::span<char> buffer);

/// The lowest line of a window's spectrum that is not below `hz`: ceil(hz * frames / rate).
std::uint32_t FirstLineAtOrAbove(const Recipe& recipe, float hz);

/// Lines [begin, end).
struct LineRange {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};
/// Lines of a band: `low` included, `high` excluded unless it is half the sample rate.
LineRange BandLines(const Recipe& recipe, float low_hz, float high_hz);
/// Lines within `tolerance_hz` of `target_hz`, both ends included.
LineRange TargetLines(const Recipe& recipe, float target_hz, float tolerance_hz);

}  // namespace trib::dsp
