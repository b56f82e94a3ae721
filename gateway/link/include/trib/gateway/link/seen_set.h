#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "trib/common/message/types.h"

namespace trib::gateway::link {

/// Record keys of one node that are known durable, as ranges, bounded: the oldest range goes first.
/// Forgetting is safe: the spool and the store know the key too.
///
/// Threads  One caller at a time.
class SeenSet {
 public:
  explicit SeenSet(std::size_t max_keys) : max_keys_(max_keys) {}

  void Insert(const message::RecordKey& key);
  [[nodiscard]] bool Contains(const message::RecordKey& key) const;
  [[nodiscard]] std::size_t keys() const { return keys_; }
  [[nodiscard]] std::size_t ranges() const { return ranges_.size(); }

 private:
  struct Start {
    std::uint64_t epoch;
    std::uint32_t boot;
    std::uint32_t first;
    friend auto operator<=>(const Start&, const Start&) = default;
  };
  struct Rest {
    std::uint32_t last;
    std::uint64_t touched;
  };
  using Ranges = std::map<Start, Rest>;
  void Bound();

  static constexpr std::size_t kMaxRanges = 64;
  std::size_t max_keys_;
  std::size_t keys_ = 0;
  std::uint64_t clock_ = 0;
  Ranges ranges_;
};

}  // namespace trib::gateway::link
