#include "trib/common/dsp/recipe.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "trib/common/bytes/reader.h"
#include "trib/common/bytes/writer.h"

namespace trib::dsp {
namespace {

constexpr std::array<std::string_view, 3> kEnvelopeParameters = {
    "low_hz", "high_hz", "tolerance_hz"};
constexpr std::array<std::string_view, 3> kVelocityParameters = {"low_hz", "high_hz", "unit_m_s2"};
// A type that is written out: GCC 12 puts a constant of a deduced one into RAM.
constexpr OpInfo kOps[] = {
    OpInfo{.op = Op::kMean, .name = "mean", .parameters = {}, .list = {}, .signed_output = true},
    OpInfo{.op = Op::kRms, .name = "rms", .parameters = {}, .list = {}},
    OpInfo{.op = Op::kStd, .name = "std", .parameters = {}, .list = {}},
    OpInfo{.op = Op::kVariance, .name = "variance", .parameters = {}, .list = {}},
    OpInfo{.op = Op::kMin, .name = "min", .parameters = {}, .list = {}, .signed_output = true},
    OpInfo{.op = Op::kMax, .name = "max", .parameters = {}, .list = {}, .signed_output = true},
    OpInfo{.op = Op::kPeakToPeak, .name = "peak_to_peak", .parameters = {}, .list = {}},
    OpInfo{.op = Op::kCrest, .name = "crest", .parameters = {}, .list = {}},
    OpInfo{.op = Op::kShape, .name = "shape", .parameters = {}, .list = {}},
    OpInfo{.op = Op::kImpulse, .name = "impulse", .parameters = {}, .list = {}},
    OpInfo{.op = Op::kMargin, .name = "margin", .parameters = {}, .list = {}},
    OpInfo{.op = Op::kSkewness,
           .name = "skewness",
           .parameters = {},
           .list = {},
           .signed_output = true},
    OpInfo{.op = Op::kKurtosis, .name = "kurtosis", .parameters = {}, .list = {}},
    OpInfo{.op = Op::kRateOfChange, .name = "rate_of_change", .parameters = {}, .list = {}},
    OpInfo{.op = Op::kZeroCrossingRate, .name = "zero_crossing_rate", .parameters = {}, .list = {}},
    OpInfo{.op = Op::kBandEnergy,
           .name = "band_energy",
           .parameters = {},
           .list = "edges_hz",
           .min_list = 2,
           .spectral = true},
    OpInfo{.op = Op::kEnvelopeLines,
           .name = "envelope_lines",
           .parameters = kEnvelopeParameters,
           .list = "targets_hz",
           .min_list = 1,
           .spectral = true},
    OpInfo{.op = Op::kVelocityRms,
           .name = "velocity_rms",
           .parameters = kVelocityParameters,
           .list = {},
           .spectral = true},
    OpInfo{.op = Op::kCorrelation,
           .name = "correlation",
           .parameters = {},
           .list = {},
           .signed_output = true,
           .two_channels = true},
};

constexpr std::size_t kEnvelopeFixed = kEnvelopeParameters.size();

constexpr bool IsFiniteBits(float value) {
  return (std::bit_cast<std::uint32_t>(value) & 0x7F800000U) != 0x7F800000U;
}

Status Refuse(RecipeReason reason) {
  const bool newer = reason == RecipeReason::kVersion || reason == RecipeReason::kUnknownOp;
  return {newer ? Code::kUnimplemented : Code::kInvalidArgument, reason};
}

RecipeReason CheckBands(const Recipe& recipe, std::span<const float> edges) {
  const float nyquist = static_cast<float>(recipe.sample_rate_hz) / 2.0F;
  float previous = -1.0F;
  for (const float edge : edges) {
    if (edge < 0.0F || edge <= previous || edge > nyquist) {
      return RecipeReason::kEdges;
    }
    if (previous >= 0.0F) {
      const LineRange lines = BandLines(recipe, previous, edge);
      if (lines.begin >= lines.end) {
        return RecipeReason::kEmptyBand;
      }
    }
    previous = edge;
  }
  return RecipeReason::kNone;
}

RecipeReason CheckEnvelope(const Recipe& recipe, std::span<const float> parameters) {
  if (const RecipeReason reason = CheckBands(recipe, parameters.first(2));
      reason != RecipeReason::kNone) {
    return reason;
  }
  const float nyquist = static_cast<float>(recipe.sample_rate_hz) / 2.0F;
  const float tolerance = parameters[2];
  if (!(tolerance > 0.0F) || tolerance > nyquist) {
    return RecipeReason::kParameterValue;
  }
  for (const float target : parameters.subspan(kEnvelopeFixed)) {
    if (!(target > 0.0F) || target > nyquist) {
      return RecipeReason::kParameterValue;
    }
    const LineRange lines = TargetLines(recipe, target, tolerance);
    if (lines.begin >= lines.end) {
      return RecipeReason::kEmptyBand;
    }
  }
  return RecipeReason::kNone;
}

RecipeReason CheckVelocity(const Recipe& recipe, std::span<const float> parameters) {
  // Of line 0 there is no velocity, and line 1 holds what the taper makes of the mean of a tone
  // that is cut off by the window's ends: divided by its low frequency it would drown the rest.
  if (parameters[0] < 0.0F || FirstLineAtOrAbove(recipe, parameters[0]) < 2) {
    return RecipeReason::kEdges;
  }
  constexpr float kLargestUnit = 1e9F;
  if (!(parameters[2] > 0.0F) || parameters[2] > kLargestUnit) {
    return RecipeReason::kParameterValue;
  }
  return CheckBands(recipe, parameters.first(2));
}

RecipeReason CheckOperation(const Recipe& recipe, const Operation& operation) {
  const OpInfo* info = FindOp(operation.op);
  if (info == nullptr) {
    return RecipeReason::kUnknownOp;
  }
  if (operation.transform > Transform::kLog ||
      (operation.transform == Transform::kLog && info->signed_output)) {
    return RecipeReason::kTransform;
  }
  if (operation.channel >= recipe.channels || operation.second_channel >= recipe.channels) {
    return RecipeReason::kChannels;
  }
  if (info->two_channels ? operation.channel == operation.second_channel
                         : operation.second_channel != 0) {
    return RecipeReason::kChannels;
  }
  const std::size_t fewest = info->parameters.size() + info->min_list;
  if (operation.parameter_count < fewest ||
      (info->list.empty() && operation.parameter_count != fewest)) {
    return RecipeReason::kParameters;
  }
  if (info->spectral && !std::has_single_bit(recipe.window_frames)) {
    return RecipeReason::kWindow;
  }
  const std::span<const float> parameters = recipe.parameters_of(operation);
  if (!std::all_of(parameters.begin(), parameters.end(), IsFiniteBits)) {
    return RecipeReason::kParameterValue;
  }
  if (operation.op == Op::kBandEnergy) {
    return CheckBands(recipe, parameters);
  }
  if (operation.op == Op::kVelocityRms) {
    return CheckVelocity(recipe, parameters);
  }
  if (operation.op == Op::kEnvelopeLines) {
    return CheckEnvelope(recipe, parameters);
  }
  return RecipeReason::kNone;
}

RecipeReason CheckHeader(const Recipe& recipe) {
  if (recipe.channels == 0 || recipe.channels > kMaxChannels) {
    return RecipeReason::kChannels;
  }
  if (recipe.sample_rate_hz == 0 || recipe.sample_rate_hz > kMaxSampleRateHz) {
    return RecipeReason::kSampleRate;
  }
  if (recipe.window_frames < kMinWindowFrames || recipe.window_frames > kMaxWindowFrames) {
    return RecipeReason::kWindow;
  }
  if (recipe.hop_frames == 0 || recipe.hop_frames > kMaxHopFrames) {
    return RecipeReason::kHop;
  }
  if (!IsFiniteBits(recipe.log_floor) || !(recipe.log_floor >= std::numeric_limits<float>::min())) {
    return RecipeReason::kLogFloor;
  }
  if (recipe.operations.empty()) {
    return RecipeReason::kOperations;
  }
  return RecipeReason::kNone;
}

// Builds a name piece by piece; what does not fit is cut.
class NameWriter {
 public:
  explicit NameWriter(std::span<char> buffer) : buffer_(buffer) {}

  void Text(std::string_view text) {
    for (const char c : text) {
      if (used_ < buffer_.size()) {
        buffer_[used_++] = c;
      }
    }
  }
  void Number(std::uint32_t value) {
    std::array<char, 10> digits{};
    std::size_t count = 0;
    do {
      digits[count++] = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
    while (count > 0) {
      Text({&digits[--count], 1});
    }
  }
  // Whole hertz as "500"; else with thousandths, "107p364": a point would read as a separator.
  void Hertz(float value) {
    auto whole = static_cast<std::uint32_t>(value);
    auto thousandths =
        // NOLINTNEXTLINE(bugprone-incorrect-roundings): there is no lround here, nothing negative.
        static_cast<std::uint32_t>((value - static_cast<float>(whole)) * 1000.0F + 0.5F);
    whole += thousandths / 1000;
    thousandths %= 1000;
    Number(whole);
    if (thousandths != 0) {
      Text("p");
    }
    for (std::uint32_t unit = 100; thousandths != 0; unit /= 10) {
      Number(thousandths / unit);
      thousandths %= unit;
    }
  }
  [[nodiscard]] std::string_view name() const { return {buffer_.data(), used_}; }

 private:
  std::span<char> buffer_;
  std::size_t used_ = 0;
};

}  // namespace

std::string_view RecipeReasonName(RecipeReason reason) {
  switch (reason) {
    case RecipeReason::kNone:
      return "none";
    case RecipeReason::kTruncated:
      return "truncated";
    case RecipeReason::kTrailingBytes:
      return "trailing bytes";
    case RecipeReason::kVersion:
      return "unknown version";
    case RecipeReason::kChannels:
      return "channel out of range";
    case RecipeReason::kSampleRate:
      return "sample rate out of range";
    case RecipeReason::kWindow:
      return "window length out of range or not a power of two";
    case RecipeReason::kHop:
      return "hop out of range";
    case RecipeReason::kOutputs:
      return "number of outputs out of range or not what the operations give";
    case RecipeReason::kOperations:
      return "number of operations out of range";
    case RecipeReason::kUnknownOp:
      return "unknown operation";
    case RecipeReason::kTransform:
      return "transform unknown or not allowed for the operation";
    case RecipeReason::kParameters:
      return "wrong number of parameters";
    case RecipeReason::kParameterValue:
      return "parameter out of range";
    case RecipeReason::kEdges:
      return "band edges not rising within half the sample rate";
    case RecipeReason::kEmptyBand:
      return "band or tolerance holds no spectral line";
    case RecipeReason::kLogFloor:
      return "log floor not a normal positive number";
    case RecipeReason::kReserved:
      return "reserved field not zero";
  }
  return "unknown reason";
}

std::span<const OpInfo> Ops() {
  return kOps;
}

const OpInfo* FindOp(Op op) {
  for (const OpInfo& info : kOps) {
    if (info.op == op) {
      return &info;
    }
  }
  return nullptr;
}

std::string_view OpName(Op op) {
  const OpInfo* info = FindOp(op);
  return info == nullptr ? std::string_view{} : info->name;
}

std::optional<Op> OpFromName(std::string_view name) {
  for (const OpInfo& info : kOps) {
    if (info.name == name) {
      return info.op;
    }
  }
  return std::nullopt;
}

std::string_view TransformName(Transform transform) {
  return transform == Transform::kLog ? "log" : "none";
}

std::optional<Transform> TransformFromName(std::string_view name) {
  if (name == "none") {
    return Transform::kNone;
  }
  if (name == "log") {
    return Transform::kLog;
  }
  return std::nullopt;
}

std::size_t OutputCount(const Operation& operation) {
  switch (operation.op) {
    case Op::kBandEnergy:
      return operation.parameter_count - 1U;
    case Op::kEnvelopeLines:
      return operation.parameter_count - kEnvelopeFixed;
    default:
      return 1;
  }
}

std::size_t OutputCount(const Recipe& recipe) {
  std::size_t count = 0;
  for (const Operation& operation : recipe.operations) {
    count += OutputCount(operation);
  }
  return count;
}

const Operation* OperationOf(const Recipe& recipe, std::size_t index) {
  for (const Operation& operation : recipe.operations) {
    const std::size_t outputs = OutputCount(operation);
    if (index < outputs) {
      return &operation;
    }
    index -= outputs;
  }
  return nullptr;
}

Status ValidateRecipe(const Recipe& recipe) {
  if (const RecipeReason reason = CheckHeader(recipe); reason != RecipeReason::kNone) {
    return Refuse(reason);
  }
  // Parameters lie in the order of their operations without a gap, so that one recipe has one
  // encoding.
  std::size_t parameters = 0;
  for (const Operation& operation : recipe.operations) {
    if (operation.first_parameter != parameters ||
        operation.parameter_count > recipe.parameters.size() - parameters) {
      return Refuse(RecipeReason::kParameters);
    }
    parameters += operation.parameter_count;
    if (const RecipeReason reason = CheckOperation(recipe, operation);
        reason != RecipeReason::kNone) {
      return Refuse(reason);
    }
  }
  if (parameters != recipe.parameters.size()) {
    return Refuse(RecipeReason::kParameters);
  }
  const std::size_t outputs = OutputCount(recipe);
  if (outputs == 0 || outputs > kMaxOutputs) {
    return Refuse(RecipeReason::kOutputs);
  }
  return {};
}

Result<Recipe> DecodeRecipe(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  Result<Recipe> result{Recipe{}};
  Recipe& recipe = *result;
  const std::uint16_t version = reader.U16();
  if (!reader.ok()) {
    return Refuse(RecipeReason::kTruncated);
  }
  if (version != kRecipeVersion) {
    return Refuse(RecipeReason::kVersion);
  }
  recipe.channels = reader.U16();
  recipe.sample_rate_hz = reader.U32();
  recipe.window_frames = reader.U32();
  recipe.hop_frames = reader.U32();
  const std::uint16_t outputs = reader.U16();
  const std::uint16_t operations = reader.U16();
  recipe.log_floor = reader.F32();
  if (!reader.ok()) {
    return Refuse(RecipeReason::kTruncated);
  }
  if (operations == 0 || operations > kMaxOperations) {
    return Refuse(RecipeReason::kOperations);
  }
  for (std::uint16_t i = 0; i < operations; ++i) {
    Operation operation;
    operation.op = static_cast<Op>(reader.U16());
    operation.transform = static_cast<Transform>(reader.U8());
    operation.channel = reader.U8();
    operation.second_channel = reader.U8();
    operation.parameter_count = reader.U8();
    operation.first_parameter = static_cast<std::uint8_t>(recipe.parameters.size());
    const std::uint16_t reserved = reader.U16();
    if (!reader.ok()) {
      return Refuse(RecipeReason::kTruncated);
    }
    if (reserved != 0) {
      return Refuse(RecipeReason::kReserved);
    }
    if (operation.parameter_count > kMaxParameters - recipe.parameters.size()) {
      return Refuse(RecipeReason::kParameters);
    }
    for (std::uint8_t p = 0; p < operation.parameter_count; ++p) {
      (void)recipe.parameters.push_back(reader.F32());
    }
    if (!reader.ok()) {
      return Refuse(RecipeReason::kTruncated);
    }
    (void)recipe.operations.push_back(operation);
  }
  if (reader.remaining() != 0) {
    return Refuse(RecipeReason::kTrailingBytes);
  }
  TRIB_TRY(ValidateRecipe(recipe));
  if (outputs != OutputCount(recipe)) {
    return Refuse(RecipeReason::kOutputs);
  }
  return result;
}

Result<std::size_t> EncodeRecipe(const Recipe& recipe, std::span<std::byte> out) {
  TRIB_TRY(ValidateRecipe(recipe));
  ByteWriter writer(out);
  writer.U16(kRecipeVersion);
  writer.U16(recipe.channels);
  writer.U32(recipe.sample_rate_hz);
  writer.U32(recipe.window_frames);
  writer.U32(recipe.hop_frames);
  writer.U16(static_cast<std::uint16_t>(OutputCount(recipe)));
  writer.U16(static_cast<std::uint16_t>(recipe.operations.size()));
  writer.F32(recipe.log_floor);
  for (const Operation& operation : recipe.operations) {
    writer.U16(static_cast<std::uint16_t>(operation.op));
    writer.U8(static_cast<std::uint8_t>(operation.transform));
    writer.U8(operation.channel);
    writer.U8(operation.second_channel);
    writer.U8(operation.parameter_count);
    writer.U16(0);
    for (const float parameter : recipe.parameters_of(operation)) {
      writer.F32(parameter);
    }
  }
  if (!writer.ok()) {
    return Code::kResourceExhausted;
  }
  return writer.position();
}

std::string_view FeatureName(const Recipe& recipe, std::size_t index, std::span<char> buffer) {
  NameWriter writer(buffer);
  for (const Operation& operation : recipe.operations) {
    const std::size_t outputs = OutputCount(operation);
    if (index >= outputs) {
      index -= outputs;
      continue;
    }
    const std::span<const float> parameters = recipe.parameters_of(operation);
    writer.Text("ch");
    writer.Number(operation.channel);
    if (operation.op == Op::kCorrelation) {
      writer.Text("_ch");
      writer.Number(operation.second_channel);
    }
    writer.Text(operation.transform == Transform::kLog ? ".log_" : ".");
    if (operation.op == Op::kBandEnergy) {
      writer.Text("band_");
      writer.Hertz(parameters[index]);
      writer.Text("_");
      writer.Hertz(parameters[index + 1]);
    } else if (operation.op == Op::kEnvelopeLines) {
      writer.Text("envelope_");
      writer.Hertz(parameters[kEnvelopeFixed + index]);
    } else {
      writer.Text(OpName(operation.op));
    }
    return writer.name();
  }
  return {};
}

std::uint32_t FirstLineAtOrAbove(const Recipe& recipe, float hz) {
  // frames is a power of two, so the product is exact and the quotient is rounded once.
  const float line =
      hz * static_cast<float>(recipe.window_frames) / static_cast<float>(recipe.sample_rate_hz);
  const auto below = static_cast<std::uint32_t>(line);
  return static_cast<float>(below) < line ? below + 1 : below;
}

LineRange BandLines(const Recipe& recipe, float low_hz, float high_hz) {
  LineRange lines{FirstLineAtOrAbove(recipe, low_hz), FirstLineAtOrAbove(recipe, high_hz)};
  if (high_hz >= static_cast<float>(recipe.sample_rate_hz) / 2.0F) {
    lines.end = recipe.window_frames / 2 + 1;
  }
  return lines;
}

LineRange TargetLines(const Recipe& recipe, float target_hz, float tolerance_hz) {
  const std::uint32_t lines = recipe.window_frames / 2 + 1;
  const float low = target_hz > tolerance_hz ? target_hz - tolerance_hz : 0.0F;
  // Line 0 is what was subtracted as the mean, so a target never means it.
  const std::uint32_t begin = std::max<std::uint32_t>(1, FirstLineAtOrAbove(recipe, low));
  std::uint32_t end = FirstLineAtOrAbove(recipe, target_hz + tolerance_hz);
  const float exact = (target_hz + tolerance_hz) * static_cast<float>(recipe.window_frames) /
                      static_cast<float>(recipe.sample_rate_hz);
  if (static_cast<float>(end) == exact) {
    ++end;
  }
  return {std::min(begin, lines), std::min(end, lines)};
}

}  // namespace trib::dsp
