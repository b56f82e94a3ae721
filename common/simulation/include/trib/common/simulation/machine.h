#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/dsp/bearing.h"
#include "trib/common/simulation/types.h"
#include "trib/common/simulation/wave.h"
#include "trib/common/status/status.h"

namespace trib::simulation {

/// A running electric motor with one 6205 bearing and an accelerometer on its housing; levels in
/// the range of the CWRU recordings. No fault: add some, or call FaultOf().
[[nodiscard]] MachineConfig DefaultMachine();

/// Diameter of a spot eroded into a CWRU bearing.
enum class SpotSize : std::uint8_t { k007Inch = 0, k014Inch = 1, k021Inch = 2 };

/// A fault as loud in the default machine as in the recordings of such a spot, fully grown at once.
/// (Nobody recorded a broken cage: its level is a guess, and one for all sizes.)
///
/// Requires  kind is not kUnspecified.
[[nodiscard]] BearingFault FaultOf(FaultKind kind, SpotSize size = SpotSize::k021Inch);

/// No two machines of one make are equal: changes speed, levels, resonances and the sensor's gain
/// by up to `spread` (relative; resonances and speed by a tenth of it), drawn from `seed`.
void Vary(MachineConfig& config, std::uint64_t seed, float spread);

/// @returns kInvalidArgument for a value out of its range; the reason is the number of the field
///   (InvalidField).
[[nodiscard]] Status Validate(const MachineConfig& config);

enum class InvalidField : std::uint16_t {
  kSampleRate = 1,  ///< 100 .. 1,000,000
  kAge = 2,         ///< 0 .. 1e9
  kBearing = 3,     ///< 3..64 balls, 0 < ball < pitch, contact 0..60, slip 0..0.2, jitter 0..0.25,
                    ///< load zone 0.1..10
  kRegime = 4,   ///< at least one; each 1..1e7 s, 0..1,000 Hz and at most a tenth of the sampling
                 ///< rate, load 0..10; the first one's speed above 0
  kDrive = 5,    ///< ramp 0..1,000 s and at most 1e8 frames, wander 0..0.02 over 0.1..1,000 s;
                 ///< start below 1
  kTone = 6,     ///< order 0.01..250, below half the sampling rate; 0..1,000 g
  kMode = 7,     ///< above 0.005 and below 0.49 of the sampling rate at any temperature from -60
                 ///< to 200; damping 0.001..0.3; levels 0..1,000 g
  kFault = 8,    ///< a known kind; severities 0..1, times 0..1e9, strike 0..1,000 g, scatter 0..1
  kClimate = 9,  ///< -60..100 C, 0..30, 0..150 C; heat_s 1..1e6; mode_per_c within 0.002
  kSensor = 10,  ///< scale and range above 0, gain 0.001..1,000; drifts finite
};

/// What an accelerometer on a rotating machine gives: lines that turn with the shaft, strikes at a
/// bearing's kinematic frequencies that ring down in the structure, noise coloured by the same
/// structure; all slowly changing with regime, temperature and wear. README.md has the model.
///
/// Sample n is a function of configuration, seed and n alone: equal bits on every target, however
/// it is read. Only the ringing of the structure is carried from sample to sample; after Seek() it
/// is run in over warm_up_frames(), and what is missing then is below 0.1 % of it (for modes that
/// ring for less than 146 frames; else as much as rings on after 1,024).
///
/// Units    Signals in g, angles in turns, severity 0..1.
/// Memory   About 1.5 kB inside, and 256 bytes of stack per Read(). Copies the configuration.
/// Threads  One caller at a time.
/// Requires Validate(config).ok().
class Machine {
 public:
  /// Slow values are computed once per block; blocks start at multiples of this.
  static constexpr std::uint32_t kBlockFrames = 256;
  /// Noise and lines are computed ahead in parts of a block.
  static constexpr std::uint32_t kChunkFrames = 64;

  Machine(const MachineConfig& config, std::uint64_t seed);

  /// The next samples as the converter gives them. @returns how many of them are at a rail.
  std::size_t Read(std::span<std::int16_t> counts);
  /// The next samples before the sensor, in g.
  void ReadSignal(std::span<float> signal_g);
  /// Goes to a frame, forth or back, in constant time.
  void Seek(std::uint64_t frame);

  [[nodiscard]] std::uint64_t next_frame() const { return frame_; }
  /// Frames that Seek() computes and throws away.
  [[nodiscard]] std::uint32_t warm_up_frames() const { return warm_up_; }
  /// The truth in the block of any frame.
  [[nodiscard]] MachineState StateAt(std::uint64_t frame) const;
  [[nodiscard]] MachineState state() const { return StateAt(frame_); }
  [[nodiscard]] const MachineConfig& config() const { return config_; }
  /// Strikes per turn of a fault's kind, with slip.
  [[nodiscard]] float MultipleOf(FaultKind kind) const;

  /// From the next frame on the fault has this severity instead of what its wear says.
  ///
  /// Requires  fault < config().faults.size().
  void SetSeverity(std::size_t fault, float severity);

 private:
  struct Segment {
    std::uint64_t frames = 0;
    std::uint64_t ramp_frames = 0;
    std::uint64_t speed = 0;  // LongAngle per frame
    std::uint64_t speed_before = 0;
    LongAngle angle = 0;  // at the end, from its start
  };
  struct Oscillator {
    float a1 = 0;
    float a2 = 0;
    float noise = 0;
    float y1 = 0;
    float y2 = 0;
    float decay = 0;  // per frame, of the exponent
    float strike_gain = 0;
    float sine = 0;  // of one frame's angle
    float cosine = 0;
    std::uint32_t turn = 0;  // angle per frame
  };
  struct Line {
    float amplitude = 0;
    std::uint32_t turns = 0;  // at the start of the block
    std::uint32_t step = 0;   // per frame
  };
  struct Striker {
    AngleMultiple multiple;
    std::uint64_t seed = 0;
    LongAngle phase = 0;  // at the start of the block
    LongAngle phase_end = 0;
    float per_frame = 0;      // phase in 2^-32, as a number
    float size = 0;           // of a strike under full load, now
    std::uint32_t index = 0;  // of the next strike
    std::uint32_t at = 0;     // the frame of this block after which it comes, or kBlockFrames
    float part = 0;           // and the part of a frame after that
    std::uint64_t word = 0;   // its random word
  };

  [[nodiscard]] LongAngle AngleAt(std::uint64_t frame) const;
  [[nodiscard]] LongAngle CycleAngle(std::uint64_t frame) const;
  [[nodiscard]] float LoadAt(std::uint64_t frame) const;
  [[nodiscard]] float TemperatureAt(std::uint64_t frame) const;
  [[nodiscard]] float SeverityAt(std::size_t fault, float age_s) const;
  [[nodiscard]] float ShareOfLoad(const BearingFault& fault, LongAngle shaft) const;

  void EnterBlock();
  void SetOscillators(float temperature_c, float noise_scale, float roughness_g);
  void AimStrike(Striker& striker, std::uint32_t from, float jitter) const;
  void Strike(std::size_t fault);
  void EnterChunk();
  void Ring(std::span<float> out);

  // 1. Block values hold for the block, noise_ and lines_ for the chunk of frame_ when entered_;
  // else
  //    they are to be computed.
  // 2. Sample n depends on block values of its own block, and on earlier samples through y1, y2.
  MachineConfig config_;
  std::uint64_t seed_;
  std::uint64_t frame_ = 0;
  std::uint32_t warm_up_ = 0;
  bool entered_ = false;

  dsp::BearingMultiples<float> multiples_;
  std::array<Segment, kMaxRegimes> segments_{};
  std::uint64_t cycle_frames_ = 0;
  LongAngle cycle_angle_ = 0;
  float mean_heat_ = 1;
  LongAngle wander_knot_ = 0;
  float wander_scale_ = 0;  // LongAngle per unit of SmoothNoise
  LongAngle first_angle_ = 0;
  std::array<float, kMaxFaults> overridden_{};  // negative: not

  LongAngle angle_ = 0;     // of the shaft at the start of the block
  std::uint64_t turn_ = 0;  // of the shaft per frame
  float gain_ = 1;
  float offset_g_ = 0;
  std::array<Line, kMaxTones> tones_{};
  std::array<Oscillator, kMaxModes> oscillators_{};
  std::array<Striker, kMaxFaults> strikers_{};
  std::array<float, kChunkFrames> noise_;  // of the chunk of frame_
  std::array<float, kChunkFrames> lines_;
};

}  // namespace trib::simulation
