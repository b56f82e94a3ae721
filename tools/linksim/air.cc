#include "air.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "trib/common/base/random.h"
#include "trib/common/frame/frame.h"

namespace trib::tools::linksim {
namespace {

constexpr std::size_t kLongestFrame = 2 * frame::kMaxMtu;
constexpr std::uint64_t kBitsPerByte = 10;  // a start and a stop bit

/// The draws for one frame, in the order in which they are asked for.
class Dice {
 public:
  Dice(std::uint64_t seed, std::uint64_t frame)
      : random_(SplitMix64::Mix(seed) ^ SplitMix64::Mix(~frame)) {}

  /// In [0, 1).
  double Share() { return random_.Uniform(); }
  bool Hits(double share) { return Share() < share; }
  Time UpTo(Time most) {
    return Time(static_cast<Time::rep>(Share() * static_cast<double>(most.count())));
  }
  /// Bits that stay right before the next wrong one.
  double RightBits(double bit_errors) {
    return bit_errors >= 1 ? 0 : std::floor(std::log1p(-Share()) / std::log1p(-bit_errors));
  }

 private:
  SplitMix64 random_;
};

/// @returns how many bits were flipped.
std::uint64_t FlipBits(double bit_errors, Dice& dice, Bytes& frame) {
  if (bit_errors <= 0) {
    return 0;
  }
  const auto bits = static_cast<double>(frame.size() * 8);
  std::uint64_t flipped = 0;
  for (double at = dice.RightBits(bit_errors); at < bits; at += 1 + dice.RightBits(bit_errors)) {
    const auto bit = static_cast<std::size_t>(at);
    frame[bit / 8] ^= std::byte{1} << (bit % 8);
    ++flipped;
  }
  return flipped;
}

}  // namespace

Bytes FrameCutter::Next(std::span<const std::byte>& bytes) {
  while (!bytes.empty()) {
    const std::byte byte = bytes.front();
    bytes = bytes.subspan(1);
    partial_.push_back(byte);
    begun_ = begun_ || byte != frame::kDelimiter;
    if ((begun_ && byte == frame::kDelimiter) || partial_.size() >= kLongestFrame) {
      begun_ = false;
      return std::exchange(partial_, {});
    }
  }
  return {};
}

void Air::Take(std::span<const std::byte> bytes, Time now) {
  for (Bytes frame = cutter_.Next(bytes); !frame.empty(); frame = cutter_.Next(bytes)) {
    Send(std::move(frame), now);
  }
}

void Air::Send(Bytes frame, Time now) {
  Dice dice(seed_, metrics_.frames);
  ++metrics_.frames;
  metrics_.bytes += frame.size();
  // What is lost takes its time on the air, too.
  if (options_.bits_per_second > 0) {
    const std::uint64_t bits = frame.size() * kBitsPerByte;
    busy_until_ = std::max(busy_until_, now) +
                  Time(static_cast<Time::rep>(bits * 1'000'000 / options_.bits_per_second));
  }
  const Time sent = std::max(busy_until_, now);
  const bool lost = dice.Hits(options_.loss);
  const bool doubled = dice.Hits(options_.duplicates);
  const bool late = dice.Hits(options_.reorder);
  const Time regular = std::max(last_, sent + options_.latency + dice.UpTo(options_.jitter));
  const Time copy_after = dice.UpTo(options_.reorder_by);
  if (lost) {
    ++metrics_.dropped;
    return;
  }
  last_ = late ? last_ : regular;
  metrics_.reordered += late ? 1U : 0U;
  const Time at = late ? regular + options_.reorder_by : regular;
  Bytes copy = doubled ? frame : Bytes();
  const auto arrive = [&](Bytes& what, Time when) {
    const std::uint64_t flipped = FlipBits(options_.bit_errors, dice, what);
    metrics_.bits_flipped += flipped;
    metrics_.changed += flipped > 0 ? 1U : 0U;
    Arrive(std::move(what), when);
  };
  arrive(frame, at);
  if (doubled) {
    ++metrics_.doubled;
    arrive(copy, at + copy_after);
  }
}

void Air::Arrive(Bytes copy, Time at) {
  waiting_bytes_ += copy.size();
  waiting_.emplace(at, std::move(copy));
}

void Air::Give(Time now, Bytes& out) {
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    const Bytes& frame = waiting_.begin()->second;
    out.insert(out.end(), frame.begin(), frame.end());
    waiting_bytes_ -= frame.size();
    ++metrics_.frames_delivered;
    metrics_.bytes_delivered += frame.size();
    waiting_.erase(waiting_.begin());
  }
}

std::optional<Time> Air::next_due() const {
  return waiting_.empty() ? std::nullopt : std::optional(waiting_.begin()->first);
}

}  // namespace trib::tools::linksim
