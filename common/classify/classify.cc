#include "trib/common/classify/classify.h"

#include <algorithm>

#include "trib/common/base/check.h"
#include "trib/common/dsp/real_math.h"
#include "trib/common/nn/activation.h"

namespace trib::classify {
namespace {

constexpr float kMaxLogit = 1e30F;

/// clamp(floor(value / scale + 0.5) + zero point) without a call to libm.
std::byte Quantise(float value, float scale, std::int16_t zero_point) {
  // Beyond this every zero point clamps; a comparison that NaN fails, too.
  constexpr float kFar = 512.0F;
  const float steps = value / scale + 0.5F;
  std::int32_t whole = static_cast<std::int32_t>(-kFar);
  if (steps >= kFar) {
    whole = static_cast<std::int32_t>(kFar);
  } else if (steps > -kFar) {
    whole = static_cast<std::int32_t>(steps);
    whole -= static_cast<float>(whole) > steps ? 1 : 0;
  }
  return static_cast<std::byte>(std::clamp<std::int32_t>(whole + zero_point, -128, 127));
}

/// Less the channel's mean, over its deviation: count x minus sum, over what the deviation is times
/// the count. The sums are whole numbers, so their order does not matter.
void Standardise(const Window& window,
                 std::uint32_t channel,
                 const nn::Port& port,
                 std::int16_t zero_point,
                 std::span<std::byte> input) {
  std::int64_t count = 0;
  std::int64_t sum = 0;
  std::int64_t squares = 0;
  for (std::size_t i = channel; i < window.samples.size(); i += window.channels) {
    const std::int32_t x = window.samples[i];
    ++count;
    sum += x;
    squares += std::int64_t{x} * x;
  }
  const float spread = dsp::SquareRoot(static_cast<float>(count * squares - sum * sum));
  for (std::size_t i = channel; i < window.samples.size(); i += window.channels) {
    const auto from_mean = static_cast<float>(count * window.samples[i] - sum);
    input[i] = Quantise(spread > 0 ? from_mean / spread : 0.0F, port.scale, zero_point);
  }
}

Status Refuse(package::Reason reason) {
  return {Code::kDataLoss, reason};
}

bool IsInt8(const nn::Tensor& tensor, std::size_t elements) {
  return tensor.type == nn::TensorType::kInt8 && tensor.elements() == elements;
}

bool ExitFits(const package::ClassifierSpec& spec,
              const package::ExitSpec& exit,
              const nn::Plan& plan) {
  if (exit.output >= plan.outputs()) {
    return false;
  }
  const nn::Port port = plan.output(exit.output);
  // The steepest pair of logits stays finite.
  const float steepest = port.scale * 255.0F * exit.inverse_temperature;
  if (!IsInt8(plan.tensor(port.tensor), spec.labels.size()) || !(steepest < kMaxLogit)) {
    return false;
  }
  const auto live = plan.LiveAt(exit.operators);
  return live.ok() && std::find(live->begin(), live->end(), port.tensor) != live->end();
}

}  // namespace

void QuantiseWindow(const package::ClassifierSpec& spec,
                    const Window& window,
                    const nn::Port& port,
                    std::int16_t zero_point,
                    std::span<std::byte> input) {
  TRIB_DCHECK(input.size() == window.samples.size());
  if (spec.input == package::NetworkInput::kWindow) {
    for (std::uint32_t channel = 0; channel < window.channels; ++channel) {
      Standardise(window, channel, port, zero_point, input);
    }
    return;
  }
  for (std::size_t i = 0; i < input.size(); ++i) {
    const float x = static_cast<float>(window.samples[i]) * window.scale;
    input[i] = Quantise((x - spec.offset) * spec.gain, port.scale, zero_point);
  }
}

void QuantiseFeatures(const package::Normalisation& normalisation,
                      std::span<const float> features,
                      const nn::Port& port,
                      std::int16_t zero_point,
                      std::span<std::byte> input) {
  TRIB_DCHECK(input.size() == features.size());
  TRIB_DCHECK(normalisation.features.size() == features.size());
  for (std::size_t i = 0; i < input.size(); ++i) {
    const auto& feature = normalisation.features[i];
    input[i] = Quantise((features[i] - feature.mean) / feature.deviation, port.scale, zero_point);
  }
}

Decision Judge(const package::ClassifierSpec& spec,
               std::size_t exit,
               std::span<const std::byte> logits,
               const nn::Port& port,
               std::int16_t zero_point) {
  TRIB_DCHECK(logits.size() == spec.labels.size());
  TRIB_DCHECK(exit < spec.exits.size());
  const package::ExitSpec& rule = spec.exits[exit];
  std::array<float, package::kMaxLabels> z{};
  float greatest = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const auto steps = static_cast<float>(static_cast<std::int8_t>(logits[i]) - zero_point);
    z[i] = port.scale * steps * rule.inverse_temperature;
    greatest = i == 0 || z[i] > greatest ? z[i] : greatest;
  }
  float sum = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    z[i] = dsp::Exp(z[i] - greatest);
    sum += z[i];
  }
  Decision out;
  out.exit = static_cast<std::uint8_t>(exit);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const float probability = z[i] / sum;
    out.probabilities.push_back(probability);
    if (i == 0 || probability > out.confidence) {
      out.confidence = probability;
      out.class_index = static_cast<std::uint8_t>(i);
    }
  }
  out.label = spec.labels[out.class_index];
  out.accepted = out.confidence >= rule.accept[out.class_index];
  for (std::size_t i = 0; i < logits.size(); ++i) {
    out.accepted = out.accepted && (i == out.class_index || out.probabilities[i] <= rule.reject[i]);
  }
  return out;
}

Status CheckFit(const package::ClassifierSpec& spec,
                const nn::Plan& plan,
                std::size_t window_samples,
                std::size_t features) {
  constexpr auto kMismatch = package::Reason::kClassifierDoesNotMatchPlan;
  const std::size_t values =
      spec.input == package::NetworkInput::kFeatures ? features : window_samples;
  if (plan.inputs() != 1 || !IsInt8(plan.tensor(plan.input(0).tensor), values)) {
    return Refuse(kMismatch);
  }
  const std::size_t reached = ReachableExits(spec, plan);
  if ((reached != 1 && reached != spec.exits.size()) ||
      spec.exits[reached - 1].operators != plan.operators()) {
    return Refuse(kMismatch);
  }
  for (std::size_t i = 0; i < reached; ++i) {
    if (!ExitFits(spec, spec.exits[i], plan)) {
      return Refuse(kMismatch);
    }
  }
  return {};
}

Status CheckSplit(const package::SplitPoints& split, const nn::Plan& plan) {
  const bool fits = split.cut == plan.operators() && plan.LiveAt(split.cut).ok() &&
                    nn::MaxActivationBytes(plan, split.cut) <= split.max_activation_bytes;
  return fits ? Status() : Refuse(package::Reason::kSplitPointsDoNotMatchPlan);
}

std::size_t ReachableExits(const package::ClassifierSpec& spec, const nn::Plan& plan) {
  std::size_t reached = 0;
  while (reached < spec.exits.size() && spec.exits[reached].operators <= plan.operators()) {
    ++reached;
  }
  return reached;
}

}  // namespace trib::classify
