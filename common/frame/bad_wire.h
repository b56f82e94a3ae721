#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "trib/common/base/random.h"
#include "trib/common/base/time.h"
#include "trib/common/frame/frame.h"

namespace trib::frame {

/// One direction of a wire for tests: loses, doubles, delays and changes frames as its seed says,
/// in time that the test moves.
class BadWire {
 public:
  struct Faults {
    std::uint32_t loss_permille = 0;
    std::uint32_t duplicate_permille = 0;
    std::uint32_t flip_permille = 0;     ///< frames with one bit changed
    std::uint32_t cut_permille = 0;      ///< frames that lose bytes in their middle
    std::uint32_t garbage_permille = 0;  ///< frames with bytes of nobody before them
    std::uint32_t late_permille = 0;     ///< frames of which a copy comes seconds later
    Millis latency{1};
    Millis jitter{0};                ///< more latency, drawn for each frame: reorders
    std::uint32_t bytes_per_ms = 0;  ///< 0: no limit
    std::uint64_t seed = 1;
  };

  explicit BadWire(const Faults& faults) : faults_(faults), random_(faults.seed) {}

  void SetFaults(const Faults& faults) { faults_ = faults; }
  [[nodiscard]] const Faults& faults() const { return faults_; }

  void Give(std::span<const std::byte> bytes, MonotonicTime now) {
    while (!bytes.empty()) {
      // A frame with the delimiter before it, if it has one.
      const auto end = std::find(bytes.begin() + 1, bytes.end(), kDelimiter);
      const auto length =
          static_cast<std::size_t>(end - bytes.begin()) + (end == bytes.end() ? 0 : 1);
      GiveFrame({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length)}, now);
      bytes = bytes.subspan(length);
    }
  }
  /// What has arrived, in the order of arrival.
  std::vector<std::byte> Take(MonotonicTime now) {
    std::vector<std::byte> out;
    while (!under_way_.empty() && under_way_.begin()->first <= now) {
      const auto& bytes = under_way_.begin()->second;
      out.insert(out.end(), bytes.begin(), bytes.end());
      under_way_.erase(under_way_.begin());
    }
    return out;
  }
  [[nodiscard]] MonotonicTime next_due() const {
    return under_way_.empty() ? MonotonicTime::max() : under_way_.begin()->first;
  }
  /// Everything that is under way is lost.
  void Clear() { under_way_.clear(); }
  [[nodiscard]] std::uint64_t frames() const { return frames_; }
  [[nodiscard]] std::uint64_t lost() const { return lost_; }

 private:
  using Bytes = std::vector<std::byte>;

  bool Chance(std::uint32_t permille) { return random_.Next() % 1000 < permille; }

  void GiveFrame(const Bytes& frame, MonotonicTime now) {
    ++frames_;
    busy_until_ = std::max(busy_until_, now);
    if (faults_.bytes_per_ms > 0) {
      busy_until_ += Millis((frame.size() + faults_.bytes_per_ms - 1) / faults_.bytes_per_ms);
    }
    if (Chance(faults_.loss_permille)) {
      ++lost_;
      return;
    }
    Send(Changed(frame), Millis(0));
    if (Chance(faults_.duplicate_permille)) {
      Send(frame, Millis(0));
    }
    if (Chance(faults_.late_permille)) {
      Send(frame, Millis(1'000 + static_cast<std::int64_t>(random_.Next() % 20'000)));
    }
  }
  void Send(Bytes frame, Millis late) {
    const auto jitter = static_cast<std::int64_t>(
        random_.Next() % static_cast<std::uint64_t>(faults_.jitter.count() + 1));
    under_way_.emplace(busy_until_ + faults_.latency + late + Millis(jitter), std::move(frame));
  }
  Bytes Changed(Bytes frame) {
    if (Chance(faults_.flip_permille)) {
      frame[random_.Next() % frame.size()] ^= static_cast<std::byte>(1U << (random_.Next() % 8));
    }
    if (Chance(faults_.cut_permille)) {
      const auto from = static_cast<std::ptrdiff_t>(random_.Next() % frame.size());
      const auto bytes = static_cast<std::ptrdiff_t>(random_.Next() % 8);
      const auto left = static_cast<std::ptrdiff_t>(frame.size()) - from;
      frame.erase(frame.begin() + from, frame.begin() + from + std::min(bytes, left));
    }
    if (Chance(faults_.garbage_permille)) {
      Bytes garbage(1 + random_.Next() % 40);
      std::ranges::generate(garbage, [&] { return static_cast<std::byte>(random_.Next()); });
      frame.insert(frame.begin(), garbage.begin(), garbage.end());
    }
    return frame;
  }

  Faults faults_;
  SplitMix64 random_;
  std::multimap<MonotonicTime, Bytes> under_way_;
  MonotonicTime busy_until_ = MonotonicTime::min();
  std::uint64_t frames_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace trib::frame
