#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace trib::tools::linksim {

using Bytes = std::vector<std::byte>;
/// Since the start of the program.
using Time = std::chrono::microseconds;

/// What happens to frames between two ends of a wire, the same both ways.
struct AirOptions {
  // Shares of frames, 0 to 1.
  double loss = 0;
  double duplicates = 0;
  double reorder = 0;
  double bit_errors = 0;  ///< share of bits, 0 to 1
  Time latency{0};
  Time jitter{0};  ///< at most, above the latency; overtakes nothing
  /// A frame that is reordered comes so much later, and a second copy up to so much: others
  /// overtake it.
  Time reorder_by{50'000};
  std::uint64_t bits_per_second = 0;  ///< 10 for each byte, as on a UART; 0: no limit
};

/// Frames and bytes of one direction, as the sender gave them to the air: also those lost on it.
struct AirMetrics {
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;
  std::uint64_t dropped = 0;
  std::uint64_t doubled = 0;
  std::uint64_t reordered = 0;
  std::uint64_t changed = 0;  ///< copies that had bits flipped
  std::uint64_t bits_flipped = 0;
  std::uint64_t frames_delivered = 0;  ///< copies
  std::uint64_t bytes_delivered = 0;
};

/// Cuts a byte stream behind the delimiter of each frame; zeros before a frame go with it. What has
/// no delimiter for long is cut anyway.
class FrameCutter {
 public:
  /// Takes bytes off the front of `bytes`. @returns a frame; an empty one when they are used up.
  Bytes Next(std::span<const std::byte>& bytes);

 private:
  Bytes partial_;
  bool begun_ = false;  // there is more in it than zeros
};

/// One direction of one wire. What becomes of its n-th frame depends on the seed, n and the frame's
/// length alone.
///
/// Threads  One caller; reads no clock.
class Air {
 public:
  Air(const AirOptions& options, std::uint64_t seed) : options_(options), seed_(seed) {}

  void Take(std::span<const std::byte> bytes, Time now);
  /// Appends what has arrived by `now` to `out`.
  void Give(Time now, Bytes& out);
  /// When the next frame arrives, if one is under way.
  [[nodiscard]] std::optional<Time> next_due() const;
  /// So much is under way that the sender must wait.
  [[nodiscard]] bool full() const { return waiting_bytes_ >= kMostWaiting; }
  [[nodiscard]] const AirMetrics& metrics() const { return metrics_; }

 private:
  static constexpr std::size_t kMostWaiting = std::size_t{256} * 1024;

  void Send(Bytes frame, Time now);
  void Arrive(Bytes copy, Time at);

  const AirOptions options_;
  const std::uint64_t seed_;
  FrameCutter cutter_;
  Time busy_until_{0};
  Time last_{0};                        // arrival of the last frame that was not reordered
  std::multimap<Time, Bytes> waiting_;  // by arrival
  std::size_t waiting_bytes_ = 0;
  AirMetrics metrics_;
};

}  // namespace trib::tools::linksim
