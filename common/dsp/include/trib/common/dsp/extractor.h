#pragma once

#include <cstddef>
#include <span>

#include "trib/common/base/check.h"
#include "trib/common/base/fixed_vector.h"
#include "trib/common/dsp/real_math.h"
#include "trib/common/dsp/recipe.h"
#include "trib/common/dsp/spectrum.h"
#include "trib/common/dsp/statistics.h"
#include "trib/common/dsp/summary.h"
#include "trib/common/dsp/window.h"

namespace trib::dsp {

template <RealNumber Real>
using FeatureVector = FixedVector<Real, kMaxOutputs>;

/// Runs a recipe on windows.
///
/// Memory   Borrows recipe and scratch for life: RequiredReals() numbers. No other state.
/// Threads  One caller at a time.
/// Units    Physical, by the window's scale; docs/formats/recipe.md names each output's.
/// Error    Extractor<float> against Extractor<double> is at most kFloatBound per output, relative
///          to max(1, |output|), for the bearing recipe over the CWRU recordings: asserted by
///          oracle_test.cc, where 2.5e-6 is the worst of 6,576 windows. It is no bound for every
///          input: a band far below the loudest one drowns in that one's rounding.
template <RealNumber Real>
class Extractor {
 public:
  static constexpr double kFloatBound = 5e-6;

  /// Scratch numbers that a valid recipe needs: 0, N with bands or a velocity, 2 N with envelope
  /// lines.
  [[nodiscard]] static std::size_t RequiredReals(const Recipe& recipe) {
    std::size_t needed = 0;
    for (const Operation& operation : recipe.operations) {
      const std::size_t n = recipe.window_frames;
      const std::size_t own = operation.op == Op::kEnvelopeLines ? 2 * n
                              : operation.op == Op::kBandEnergy || operation.op == Op::kVelocityRms
                                  ? n
                                  : 0;
      needed = own > needed ? own : needed;
    }
    return needed;
  }

  /// Requires  A valid recipe; scratch of RequiredReals(recipe) or more.
  Extractor(const Recipe& recipe, std::span<Real> scratch) : recipe_(recipe), scratch_(scratch) {
    TRIB_CHECK(scratch.size() >= RequiredReals(recipe));
  }

  [[nodiscard]] const Recipe& recipe() const { return recipe_; }

  /// Fills `out` with OutputCount(recipe) values; a scale that is not finite gives values that are
  /// not finite.
  ///
  /// @returns kInvalidArgument, and an empty `out`, when the window's channels, rate or length are
  ///          not the recipe's, or it has summaries or statistics of some channels only.
  Status Extract(const Window& window, FeatureVector<Real>& out) {
    out.clear();
    if (window.channels != recipe_.channels || window.frames != recipe_.window_frames ||
        window.sample_rate_hz != recipe_.sample_rate_hz ||
        window.samples.size() != std::size_t{window.frames} * window.channels ||
        !IsNoneOrAll(window.summaries.size(), window) ||
        !IsNoneOrAll(window.statistics.size(), window) || window.frames == 0) {
      return Code::kInvalidArgument;
    }
    cache_.has_channel = false;
    for (const Operation& operation : recipe_.operations) {
      Apply(window, operation, out);
    }
    return {};
  }

 private:
  using View = ChannelView<std::int16_t>;

  /// What is known about one channel of the present window.
  struct Cache {
    bool has_channel = false;
    std::size_t channel = 0;
    bool has_shape = false;
    bool has_spectrum = false;
    TimeStatistics<Real> time;
    HigherMoments<Real> shape;
  };

  static bool IsNoneOrAll(std::size_t count, const Window& window) {
    return count == 0 || count == window.channels;
  }

  static View ChannelOf(const Window& window, std::size_t channel) {
    return View(window.samples, window.channels, channel);
  }

  static Sums<std::int16_t> SumUp(const Window& window, std::size_t channel) {
    return window.summaries.empty() ? Accumulate(ChannelOf(window, channel))
                                    : SumsOf(window.summaries[channel]);
  }

  static TimeStatistics<Real> StatisticsOf(const Window& window, std::size_t channel) {
    if constexpr (std::is_same_v<Real, float>) {
      if (!window.statistics.empty()) {
        return window.statistics[channel];
      }
    }
    return Describe<Real>(SumUp(window, channel));
  }

  void Select(const Window& window, std::size_t channel) {
    if (!cache_.has_channel || cache_.channel != channel) {
      cache_.has_channel = true;
      cache_.has_shape = false;
      cache_.has_spectrum = false;
      cache_.channel = channel;
      cache_.time = StatisticsOf(window, channel);
    }
  }

  void Push(const Operation& operation, Real value, FeatureVector<Real>& out) const {
    if (operation.transform == Transform::kLog) {
      // Written so that a NaN stays one.
      const Real floor = static_cast<Real>(recipe_.log_floor);
      value = Log(value < floor ? floor : value);
    }
    (void)out.push_back(value);
  }

  void Apply(const Window& window, const Operation& operation, FeatureVector<Real>& out) {
    Select(window, operation.channel);
    switch (operation.op) {
      case Op::kBandEnergy:
        return PushBands(window, operation, out);
      case Op::kEnvelopeLines:
        return PushEnvelope(window, operation, out);
      case Op::kVelocityRms:
        return Push(operation, Velocity(window, operation), out);
      case Op::kMargin:
      case Op::kSkewness:
      case Op::kKurtosis:
      case Op::kZeroCrossingRate:
      case Op::kCorrelation:
        return Push(operation, OfSamples(window, operation), out);
      default:
        return Push(operation, OfSums(operation.op, static_cast<Real>(window.scale)), out);
    }
  }

  /// What needs no second look at the samples.
  Real OfSums(Op op, Real scale) const {
    const TimeStatistics<Real>& time = cache_.time;
    switch (op) {
      case Op::kMean:
        return time.mean * scale;
      case Op::kRms:
        return time.rms * scale;
      case Op::kStd:
        return time.deviation * scale;
      case Op::kVariance:
        return time.variance * scale * scale;
      case Op::kMin:
        return time.minimum * scale;
      case Op::kMax:
        return time.maximum * scale;
      case Op::kPeakToPeak:
        return (time.maximum - time.minimum) * scale;
      case Op::kCrest:
        return time.crest;
      case Op::kShape:
        return time.shape;
      case Op::kImpulse:
        return time.impulse;
      case Op::kRateOfChange:
        return time.mean_step * scale * static_cast<Real>(recipe_.sample_rate_hz);
      default:
        break;
    }
    TRIB_DCHECK(false);
    return Real(0);
  }

  Real OfSamples(const Window& window, const Operation& operation) {
    const View view = ChannelOf(window, operation.channel);
    const TimeStatistics<Real>& time = cache_.time;
    switch (operation.op) {
      case Op::kMargin:
        return MarginFactor(view, time);
      case Op::kSkewness:
      case Op::kKurtosis:
        if (!cache_.has_shape) {
          cache_.shape = DescribeShape(view, time);
          cache_.has_shape = true;
        }
        return operation.op == Op::kSkewness ? cache_.shape.skewness : cache_.shape.kurtosis;
      case Op::kZeroCrossingRate:
        return static_cast<Real>(ZeroCrossings(view, SumUp(window, operation.channel))) /
               static_cast<Real>(recipe_.window_frames - 1);
      default: {
        const View other = ChannelOf(window, operation.second_channel);
        const auto of_other = StatisticsOf(window, operation.second_channel);
        return Correlation(view, other, time, of_other);
      }
    }
  }

  /// Of the selected channel, tapered; taken once for successive operations.
  std::span<const Real> Spectrum(const Window& window, const Operation& operation) {
    const std::span<Real> spectrum = scratch_.first(recipe_.window_frames);
    if (!cache_.has_spectrum) {
      LoadHann(ChannelOf(window, operation.channel), cache_.time.mean, spectrum);
      RealFft(spectrum);
      cache_.has_spectrum = true;
    }
    return spectrum;
  }

  /// Line k of an acceleration divided by 2 pi f(k), with f(k) = k * rate / N, is one of its
  /// velocity.
  Real Velocity(const Window& window, const Operation& operation) {
    constexpr Real kTwoPi = Real(6.283185307179586L);
    constexpr Real kMillimetres = Real(1000);
    const std::span<const float> parameters = recipe_.parameters_of(operation);
    const LineRange lines = BandLines(recipe_, parameters[0], parameters[1]);
    const Real power = IntegratedPower(Spectrum(window, operation), lines);
    const Real per_hertz = static_cast<Real>(recipe_.window_frames) /
                           (kTwoPi * static_cast<Real>(recipe_.sample_rate_hz));
    const Real unit = static_cast<Real>(window.scale) * static_cast<Real>(parameters[2]);
    // sqrt of 16 / (3 N^2), as for band_energy.
    const Real taper = Real(4) / (SquareRoot(Real(3)) * static_cast<Real>(recipe_.window_frames));
    return SquareRoot(power) * taper * per_hertz * unit * kMillimetres;
  }

  void PushBands(const Window& window, const Operation& operation, FeatureVector<Real>& out) {
    const std::span<const Real> spectrum = Spectrum(window, operation);
    const Real n = static_cast<Real>(recipe_.window_frames);
    const Real scale = static_cast<Real>(window.scale);
    // 2 / (N * sum w^2), with sum w^2 = 3 N / 8.
    const Real to_mean_square = Real(16) / (Real(3) * n * n) * (scale * scale);
    const std::span<const float> edges = recipe_.parameters_of(operation);
    for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
      const LineRange lines = BandLines(recipe_, edges[i], edges[i + 1]);
      Push(operation, BandPower<Real>(spectrum, lines) * to_mean_square, out);
    }
  }

  void PushEnvelope(const Window& window, const Operation& operation, FeatureVector<Real>& out) {
    const std::span<const float> parameters = recipe_.parameters_of(operation);
    const std::span<Real> work = scratch_.first(2 * std::size_t{recipe_.window_frames});
    const std::span<Real> envelope = work.first(recipe_.window_frames);
    cache_.has_spectrum = false;
    Load(ChannelOf(window, operation.channel), cache_.time.mean, envelope);
    Envelope(work, BandLines(recipe_, parameters[0], parameters[1]));
    SubtractMean(envelope);
    RealFft(envelope);
    const Real scale = static_cast<Real>(window.scale);
    for (const float target : parameters.subspan(3)) {
      const LineRange lines = TargetLines(recipe_, target, parameters[2]);
      const std::size_t line = StrongestLine<Real>(envelope, lines);
      Push(operation, LineAmplitude<Real>(envelope, line) * scale, out);
    }
  }

  const Recipe& recipe_;
  std::span<Real> scratch_;
  Cache cache_;
};

// What nodes run is compiled once, in extractor.cc.
extern template class Extractor<float>;

}  // namespace trib::dsp
