#include "trib/common/simulation/machine.h"

#include <algorithm>

#include "trib/common/base/check.h"
#include "trib/common/dsp/real_math.h"

namespace trib::simulation {
namespace {

constexpr float kTwoPi = 6.28318531F;
constexpr float kTurn = 0x1p32F;
constexpr float kReferenceC = 25;
constexpr float kDayS = 86'400;
constexpr float kYearS = 31'557'600.0F;
/// A tenth of a turn per frame and 64 strikes per turn, and some.
constexpr LongAngle kMostPerBlock = LongAngle{4'096} << 32U;
constexpr std::uint32_t kLongestWarmUp = 1'024;
/// Streams of random words, so that no two draw the same.
enum Stream : std::uint64_t { kNoise = 1, kWander = 2, kPhase = 3, kStrikes = 16 };

std::uint64_t SeedOf(std::uint64_t seed, std::uint64_t stream) {
  return SplitMix64::Mix(SplitMix64::Mix(seed + kGolden) + stream * kGolden);
}

float ToFloat(std::uint64_t x) {
  return static_cast<float>(x);
}

/// (1 - (1 - cos angle) / 2 zone)^1.5, and 0 outside the zone: a ball's share of the load at an
/// angle from the zone's centre (Harris, "Rolling Bearing Analysis"; Stribeck's law for balls).
float Stribeck(std::uint32_t angle, float zone) {
  const float q = 1.0F - (1.0F - Cosine(angle)) / (2.0F * zone);
  return q > 0 ? q * dsp::SquareRoot(q) : 0.0F;
}

/// What is configured, or drawn when that is negative.
std::uint32_t PhaseOf(float turns, std::uint64_t seed, std::uint64_t index) {
  return turns < 0 ? static_cast<std::uint32_t>(WordAt(SeedOf(seed, kPhase), index) >> 32U)
                   : static_cast<std::uint32_t>(turns * kTurn);
}

using Chunk = std::array<float, Machine::kChunkFrames>;

/// White noise of standard deviation 1: each value the sum of two uniform ones (what rings makes it
/// Gaussian), two values from each word of the sequence that goes on from `place`.
void FillNoise(std::uint64_t place, Chunk& out) {
  constexpr float kScale = 3.73762721e-5F;  // sqrt(6) / 65,536
  const auto value = [](std::uint32_t half) {
    const std::int32_t sum =
        std::int32_t{static_cast<std::int16_t>(half)} + static_cast<std::int16_t>(half >> 16U);
    return (static_cast<float>(sum) + 1.0F) * kScale;
  };
  for (std::size_t i = 0; i < out.size(); i += 2, place += kGolden) {
    const std::uint64_t word = SplitMix64::Mix(place);
    out[i] = value(static_cast<std::uint32_t>(word));
    out[i + 1] = value(static_cast<std::uint32_t>(word >> 32U));
  }
}

/// Adds a sine. Four rotors side by side, each going four frames at a time: a processor with
/// vectors does them as one.
void AddTone(float amplitude, std::uint32_t turns, std::uint32_t step, Chunk& out) {
  constexpr std::size_t kLanes = 4;
  std::array<float, kLanes> re;
  std::array<float, kLanes> im;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    re[lane] = amplitude * Cosine(turns);
    im[lane] = amplitude * Sine(turns);
    turns += step;
  }
  const float cosine = Cosine(kLanes * step);
  const float sine = Sine(kLanes * step);
  for (std::size_t i = 0; i < out.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      out[i + lane] += im[lane];
      const float next = re[lane] * cosine - im[lane] * sine;
      im[lane] = re[lane] * sine + im[lane] * cosine;
      re[lane] = next;
    }
  }
}

/// Time in the age of a machine is long and its precision unimportant.
float SecondsAt(std::uint64_t frame, std::uint32_t rate_hz) {
  const std::uint64_t whole = frame / rate_hz;
  return ToFloat(whole) + ToFloat(frame - whole * rate_hz) / static_cast<float>(rate_hz);
}

}  // namespace

Machine::Machine(const MachineConfig& config, std::uint64_t seed) : config_(config), seed_(seed) {
  TRIB_DCHECK(Validate(config).ok());
  const BearingGeometry& bearing = config_.bearing;
  const float contact = bearing.contact_deg / 360.0F * kTurn;
  multiples_ = dsp::MultiplesOf(static_cast<int>(bearing.balls),
                                bearing.ball_mm,
                                bearing.pitch_mm,
                                Cosine(static_cast<std::uint32_t>(contact)));
  const float rolling = 1.0F - bearing.slip;
  const float balls = static_cast<float>(bearing.balls);
  multiples_.ftf *= rolling;
  multiples_.bsf *= rolling;
  multiples_.bpfo = balls * multiples_.ftf;
  multiples_.bpfi = balls * (1.0F - multiples_.ftf);

  const auto rate = static_cast<float>(config_.sample_rate_hz);
  const auto& regimes = config_.drive.regimes;
  const Regime& nominal = regimes[0];
  float heat = 0;
  for (std::size_t i = 0; i < regimes.size(); ++i) {
    Segment& segment = segments_[i];
    const Regime& before = regimes[(i + regimes.size() - 1) % regimes.size()];
    segment.frames = static_cast<std::uint64_t>(regimes[i].duration_s * rate);
    segment.ramp_frames =
        std::min(static_cast<std::uint64_t>(config_.drive.ramp_s * rate), segment.frames);
    segment.speed = static_cast<std::uint64_t>(regimes[i].speed_hz / rate * kTurn);
    segment.speed_before = static_cast<std::uint64_t>(before.speed_hz / rate * kTurn);
    segment.angle = 0;
    cycle_frames_ += segment.frames;
    heat += regimes[i].duration_s * regimes[i].load * (regimes[i].speed_hz / nominal.speed_hz);
  }
  mean_heat_ = heat / (ToFloat(cycle_frames_) / rate);
  for (std::size_t i = 0; i < regimes.size(); ++i) {
    // Angles of segments are added up with none of them known yet: all are 0.
    std::uint64_t start = 0;
    for (std::size_t j = 0; j < i; ++j) {
      start += segments_[j].frames;
    }
    LongAngle before = 0;
    for (std::size_t j = 0; j < i; ++j) {
      before += segments_[j].angle;
    }
    segments_[i].angle = CycleAngle(start + segments_[i].frames - 1) + segments_[i].speed - before;
    cycle_angle_ = before + segments_[i].angle;
  }
  const float knot_turns = config_.drive.wander_s * nominal.speed_hz;
  wander_knot_ = std::max<LongAngle>(1, static_cast<LongAngle>(knot_turns * kTurn));
  wander_scale_ = config_.drive.wander * ToFloat(wander_knot_) / kSplineSlope;
  first_angle_ = PhaseOf(config_.drive.start_turns, seed_, 0);

  for (std::size_t i = 0; i < config_.faults.size(); ++i) {
    strikers_[i].multiple = AngleMultiple(MultipleOf(config_.faults[i].kind));
    strikers_[i].seed = SeedOf(seed_, kStrikes + i);
  }
  overridden_.fill(-1.0F);
  SetOscillators(kReferenceC, 1, 0);
  for (std::size_t i = 0; i < config_.structure.modes.size(); ++i) {
    const float frames = 7.0F / oscillators_[i].decay;
    warm_up_ = std::max(warm_up_,
                        frames < static_cast<float>(kLongestWarmUp)
                            ? static_cast<std::uint32_t>(frames) + 1
                            : kLongestWarmUp);
  }
}

float Machine::MultipleOf(FaultKind kind) const {
  switch (kind) {
    case FaultKind::kOuterRace:
      return multiples_.bpfo;
    case FaultKind::kInnerRace:
      return multiples_.bpfi;
    case FaultKind::kBall:
      return 2.0F * multiples_.bsf;  // it meets both races in one turn of its own
    case FaultKind::kCage:
      return multiples_.ftf;
    case FaultKind::kUnspecified:
      break;
  }
  return 0;
}

void Machine::SetSeverity(std::size_t fault, float severity) {
  TRIB_DCHECK(fault < config_.faults.size());
  overridden_[fault] = severity;
  entered_ = false;  // what rings, rings on
}

// ---- Slow values, functions of the time -------------------------------------------------------

LongAngle Machine::CycleAngle(std::uint64_t frame) const {
  LongAngle angle = 0;
  for (std::size_t i = 0; i < config_.drive.regimes.size(); ++i) {
    const Segment& segment = segments_[i];
    if (frame >= segment.frames) {
      frame -= segment.frames;
      angle += segment.angle;
      continue;
    }
    if (frame >= segment.ramp_frames) {
      const std::uint64_t ramp = segment.ramp_frames;
      return angle + segment.speed * (frame - ramp) + segment.speed_before * ramp +
             (segment.speed * ramp / 2 - segment.speed_before * ramp / 2);
    }
    // Half the square of the time over the ramp's, in 1/256 frames: 40 + 8 bits, no overflow.
    const std::uint64_t bent = ((frame * frame) << 8U) / (2 * segment.ramp_frames);
    const auto change = static_cast<std::int64_t>(segment.speed - segment.speed_before);
    const std::int64_t gained = change * static_cast<std::int64_t>(bent) / 256;
    return angle + segment.speed_before * frame + static_cast<std::uint64_t>(gained);
  }
  return angle;
}

LongAngle Machine::AngleAt(std::uint64_t frame) const {
  const std::uint64_t cycles = frame / cycle_frames_;
  const LongAngle steady =
      first_angle_ + cycles * cycle_angle_ + CycleAngle(frame - cycles * cycle_frames_);
  // A curve over the angle and not over the time: a machine at rest does not move.
  const float wander = wander_scale_ * SmoothNoise(SeedOf(seed_, kWander), steady, wander_knot_);
  return steady + static_cast<std::uint64_t>(static_cast<std::int64_t>(wander));
}

float Machine::LoadAt(std::uint64_t frame) const {
  frame %= cycle_frames_;
  for (std::size_t i = 0; i < config_.drive.regimes.size(); ++i) {
    if (frame < segments_[i].frames) {
      return config_.drive.regimes[i].load;
    }
    frame -= segments_[i].frames;
  }
  return 1;
}

float Machine::TemperatureAt(std::uint64_t frame) const {
  const Climate& climate = config_.climate;
  const std::uint64_t day_frames = std::uint64_t{86'400} * config_.sample_rate_hz;
  const float of_day =
      SecondsAt(frame % day_frames, config_.sample_rate_hz) / kDayS + config_.time_of_day_s / kDayS;
  const auto whole = static_cast<std::uint32_t>(of_day);
  const float part = of_day - static_cast<float>(whole);
  // Warmest at three in the afternoon.
  const auto turns = static_cast<std::uint32_t>(part * 0x1p31F) * 2U - 0x60000000U;
  const float warm = 1.0F - dsp::Exp(-SecondsAt(frame, config_.sample_rate_hz) / climate.heat_s);
  return climate.ambient_c + climate.daily_c * Sine(turns) + climate.heat_c * mean_heat_ * warm;
}

float Machine::SeverityAt(std::size_t fault, float age_s) const {
  if (overridden_[fault] >= 0) {
    return overridden_[fault];
  }
  constexpr float kLogFactor = 3.91202301F;  // of 50
  const Wear& wear = config_.faults[fault].wear;
  if (age_s < wear.onset_s) {
    return wear.initial;
  }
  if (age_s >= wear.onset_s + wear.growth_s) {
    return wear.final;
  }
  const float x = (age_s - wear.onset_s) / wear.growth_s;
  const float grown = (dsp::Exp(kLogFactor * x) - 1.0F) / 49.0F;
  return wear.initial + (wear.final - wear.initial) * grown;
}

MachineState Machine::StateAt(std::uint64_t frame) const {
  const std::uint64_t start = frame - frame % kBlockFrames;
  const SensorModel& sensor = config_.sensor;
  MachineState state;
  state.frame = start;
  state.age_s = config_.age_s + SecondsAt(start, config_.sample_rate_hz);
  const LongAngle turned = AngleAt(start + kBlockFrames) - AngleAt(start);
  state.speed_hz = ToFloat(turned) / (kTurn * static_cast<float>(kBlockFrames)) *
                   static_cast<float>(config_.sample_rate_hz);
  state.load = LoadAt(start);
  state.temperature_c = TemperatureAt(start);
  const float warmer = state.temperature_c - kReferenceC;
  state.gain = sensor.gain *
               (1.0F + sensor.gain_per_c * warmer + sensor.gain_per_year * (state.age_s / kYearS));
  state.offset_g = sensor.offset_g + sensor.offset_g_per_c * warmer;
  for (std::size_t i = 0; i < config_.faults.size(); ++i) {
    state.severity[i] = SeverityAt(i, state.age_s);
  }
  return state;
}

// ---- One block --------------------------------------------------------------------------------

void Machine::SetOscillators(float temperature_c, float noise_scale, float roughness_g) {
  const auto rate = static_cast<float>(config_.sample_rate_hz);
  const float softer = 1.0F + config_.climate.mode_per_c * (temperature_c - kReferenceC);
  for (std::size_t i = 0; i < config_.structure.modes.size(); ++i) {
    const Mode& mode = config_.structure.modes[i];
    Oscillator& o = oscillators_[i];
    const float frequency = mode.frequency_hz * softer / rate;  // turns per frame
    o.turn = static_cast<std::uint32_t>(frequency * kTurn);
    o.sine = Sine(o.turn);
    o.cosine = Cosine(o.turn);
    o.decay = kTwoPi * mode.damping * frequency;
    const float r = SmallExp(-o.decay);
    o.a1 = 2.0F * r * o.cosine;
    o.a2 = -r * r;
    o.strike_gain = mode.strike_gain;
    // Variance of a second-order autoregression driven by white noise of variance 1.
    const float r2 = r * r;
    const float cos_double = 2.0F * o.cosine * o.cosine - 1.0F;
    const float variance = (1.0F + r2) / ((1.0F - r2) * (1.0F + r2 * r2 - 2.0F * r2 * cos_double));
    const float own = mode.noise_g * noise_scale;
    const float rough = mode.strike_gain * roughness_g;
    o.noise = dsp::SquareRoot((own * own + rough * rough) / variance);
  }
}

void Machine::EnterBlock() {
  const std::uint64_t start = frame_ - frame_ % kBlockFrames;
  const auto from = static_cast<std::uint32_t>(frame_ - start);
  const MachineState state = StateAt(start);
  gain_ = state.gain;
  offset_g_ = state.offset_g;
  angle_ = AngleAt(start);
  const LongAngle end = AngleAt(start + kBlockFrames);
  turn_ = (end - angle_) / kBlockFrames;
  const float speed = ToFloat(turn_) / ToFloat(segments_[0].speed);
  const float drive = state.load * speed;
  float roughness = 0;
  for (std::size_t i = 0; i < config_.faults.size(); ++i) {
    const float rough = state.severity[i] * config_.faults[i].roughness_g * drive;
    roughness += rough * rough;
  }
  SetOscillators(
      state.temperature_c, speed * (0.5F + 0.5F * state.load), dsp::SquareRoot(roughness));

  for (std::size_t i = 0; i < config_.tones.size(); ++i) {
    const AngleMultiple order(config_.tones[i].order);
    const LongAngle begin = order(angle_);
    const LongAngle per_frame = (order(end) - begin) / kBlockFrames;
    tones_[i] = {.amplitude = config_.tones[i].amplitude_g * speed * speed,
                 .turns = static_cast<std::uint32_t>(begin) +
                          PhaseOf(config_.tones[i].phase_turns, seed_, i + 1),
                 .step = static_cast<std::uint32_t>(per_frame)};
  }
  for (std::size_t i = 0; i < config_.faults.size(); ++i) {
    Striker& striker = strikers_[i];
    striker.phase = striker.multiple(angle_);
    striker.phase_end = striker.multiple(end);
    striker.per_frame = ToFloat(striker.phase_end - striker.phase) * (1.0F / kBlockFrames);
    striker.size = state.severity[i] * config_.faults[i].strike_g * drive;
    striker.index = static_cast<std::uint32_t>(striker.phase >> 32U) - 1U;
    if (striker.phase_end - striker.phase < kMostPerBlock) {
      AimStrike(striker, from, config_.bearing.jitter);
    } else {
      striker.at = kBlockFrames;  // the angle wraps in this block
    }
  }
}

/// Finds the first strike at or after frame `from` of the block, from striker.index on.
void Machine::AimStrike(Striker& striker, std::uint32_t from, float jitter) const {
  for (;; ++striker.index) {
    striker.word = WordAt(striker.seed, striker.index);
    const auto late = static_cast<std::int64_t>(jitter * kTurn * Uniform(striker.word));
    const LongAngle place = (LongAngle{striker.index} << 32U) + static_cast<LongAngle>(late);
    if (static_cast<std::int64_t>(place - striker.phase_end) >= 0) {
      striker.at = kBlockFrames;
      return;
    }
    // Which block has a strike is decided in whole numbers, so that none is lost or struck twice.
    const auto since = static_cast<std::int64_t>(place - striker.phase);
    if (since < 0) {
      continue;
    }
    const float frames = static_cast<float>(since) / striker.per_frame;
    striker.at = std::min(static_cast<std::uint32_t>(frames), kBlockFrames - 1);
    striker.part = std::min(frames - static_cast<float>(striker.at), 1.0F);
    if (striker.at >= from) {
      return;
    }
  }
}

float Machine::ShareOfLoad(const BearingFault& fault, LongAngle shaft) const {
  const float zone = config_.bearing.load_zone;
  switch (fault.kind) {
    case FaultKind::kOuterRace: {
      const float turns =
          fault.angle_turns - static_cast<float>(static_cast<int>(fault.angle_turns));
      return Stribeck(static_cast<std::uint32_t>(static_cast<std::int64_t>(turns * kTurn)), zone);
    }
    case FaultKind::kInnerRace:
      return Stribeck(static_cast<std::uint32_t>(shaft), zone);
    case FaultKind::kBall:
      return Stribeck(static_cast<std::uint32_t>(AngleMultiple(multiples_.ftf)(shaft)), zone);
    case FaultKind::kCage:
    case FaultKind::kUnspecified:
      break;
  }
  return 1;
}

/// Adds what rings on after the strike: its continuation back to the two frames just given, as if
/// it had always been ringing, is what the recurrence goes on from.
void Machine::Strike(std::size_t fault) {
  Striker& striker = strikers_[fault];
  const BearingFault& config = config_.faults[fault];
  const LongAngle shaft = angle_ + turn_ * striker.at;
  const float scatter = 1.0F + config.scatter * NearGaussian(SplitMix64::Mix(striker.word));
  const float size = striker.size * scatter * ShareOfLoad(config, shaft);
  for (std::size_t i = 0; i < config_.structure.modes.size(); ++i) {
    Oscillator& o = oscillators_[i];
    const auto turns = static_cast<std::uint32_t>(
        static_cast<std::int64_t>(static_cast<float>(o.turn) * striker.part));
    const float sine = -Sine(turns);
    const float cosine = Cosine(turns);
    const float grown = size * o.strike_gain * SmallExp(o.decay * striker.part);
    o.y1 += grown * sine;
    o.y2 += grown * SmallExp(o.decay) * (sine * o.cosine - cosine * o.sine);
  }
  ++striker.index;
}

void Machine::EnterChunk() {
  const auto at = static_cast<std::uint32_t>(frame_ % kBlockFrames) / kChunkFrames * kChunkFrames;
  const std::uint64_t chunk = frame_ / kChunkFrames;
  FillNoise(SeedOf(seed_, kNoise) + chunk * (kChunkFrames / 2) * kGolden, noise_);
  lines_.fill(0);
  for (std::size_t i = 0; i < config_.tones.size(); ++i) {
    const Line& line = tones_[i];
    AddTone(line.amplitude, line.turns + line.step * at, line.step, lines_);
  }
}

/// The next frames, all of one chunk: what rings already and rings with the noise, and the lines.
void Machine::Ring(std::span<float> out) {
  const std::size_t at = frame_ % kChunkFrames;
  const float* const noises = noise_.data() + at;
  const float* const lines = lines_.data() + at;
  // Copies: else every sample would have to be stored before the next.
  Oscillator a = oscillators_[0];
  Oscillator b = oscillators_[1];
  Oscillator c = oscillators_[2];
  const float floor_g = config_.structure.floor_g;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const float noise = noises[i];
    const float next_a = a.a1 * a.y1 + (a.a2 * a.y2 + a.noise * noise);
    const float next_b = b.a1 * b.y1 + (b.a2 * b.y2 + b.noise * noise);
    const float next_c = c.a1 * c.y1 + (c.a2 * c.y2 + c.noise * noise);
    a.y2 = a.y1;
    a.y1 = next_a;
    b.y2 = b.y1;
    b.y1 = next_b;
    c.y2 = c.y1;
    c.y1 = next_c;
    out[i] = (floor_g * noise + lines[i] + next_a) + (next_b + next_c);
  }
  oscillators_[0] = a;
  oscillators_[1] = b;
  oscillators_[2] = c;
}

void Machine::ReadSignal(std::span<float> signal_g) {
  while (!signal_g.empty()) {
    if (!entered_) {
      EnterBlock();
      EnterChunk();
      entered_ = true;
    }
    const auto at = static_cast<std::uint32_t>(frame_ % kBlockFrames);
    std::uint32_t end = at - at % kChunkFrames + kChunkFrames;
    for (std::size_t i = 0; i < config_.faults.size(); ++i) {
      end = std::min(end, strikers_[i].at + 1);
    }
    end = static_cast<std::uint32_t>(std::min<std::size_t>(end, at + signal_g.size()));
    Ring(signal_g.first(end - at));
    signal_g = signal_g.subspan(end - at);
    frame_ += end - at;
    for (std::size_t i = 0; i < config_.faults.size(); ++i) {
      while (strikers_[i].at < end) {
        Strike(i);
        AimStrike(strikers_[i], 0, config_.bearing.jitter);
      }
    }
    if (end == kBlockFrames) {
      entered_ = false;
    } else if (end % kChunkFrames == 0) {
      EnterChunk();
    }
  }
}

std::size_t Machine::Read(std::span<std::int16_t> counts) {
  std::array<float, 64> signal;
  const float per_count = 1.0F / config_.sensor.scale_g;
  const float rail = std::min(32'767.0F, config_.sensor.range_g * per_count);
  std::size_t clipped = 0;
  while (!counts.empty()) {
    // Gain and offset are those of the block.
    const auto frames = static_cast<std::size_t>(std::min<std::uint64_t>(
        std::min(counts.size(), signal.size()), kBlockFrames - frame_ % kBlockFrames));
    ReadSignal(std::span(signal).first(frames));
    for (std::size_t i = 0; i < frames; ++i) {
      float value = (signal[i] * gain_ + offset_g_) * per_count;
      if (!(value < rail && value > -rail)) {
        ++clipped;
        value = value < 0 ? -rail : rail;
      }
      const float rounding = value < 0 ? -0.5F : 0.5F;
      counts[i] = static_cast<std::int16_t>(static_cast<std::int32_t>(value + rounding));
    }
    counts = counts.subspan(frames);
  }
  return clipped;
}

void Machine::Seek(std::uint64_t frame) {
  if (frame < frame_ || frame - frame_ > warm_up_) {
    for (Oscillator& o : oscillators_) {
      o.y1 = 0;
      o.y2 = 0;
    }
    frame_ = frame - std::min<std::uint64_t>(frame, warm_up_);
    entered_ = false;
  }
  std::array<float, 64> ignored;
  while (frame_ < frame) {
    const std::uint64_t left = frame - frame_;
    ReadSignal(
        std::span(ignored).first(static_cast<std::size_t>(std::min<std::uint64_t>(left, 64))));
  }
}

}  // namespace trib::simulation
