#include "trib/gateway/link/seen_set.h"

#include <algorithm>
#include <iterator>

namespace trib::gateway::link {

bool SeenSet::Contains(const message::RecordKey& key) const {
  auto after = ranges_.upper_bound({key.epoch.value(), key.boot, key.sequence});
  if (after == ranges_.begin()) {
    return false;
  }
  const auto& [start, rest] = *std::prev(after);
  return start.epoch == key.epoch.value() && start.boot == key.boot && key.sequence <= rest.last;
}

void SeenSet::Insert(const message::RecordKey& key) {
  if (Contains(key)) {
    return;
  }
  ++clock_;
  ++keys_;
  const Start start{key.epoch.value(), key.boot, key.sequence};
  const auto same_boot = [&](const Ranges::value_type& range) {
    return range.first.epoch == start.epoch && range.first.boot == start.boot;
  };
  auto next = ranges_.upper_bound(start);
  auto range = ranges_.end();
  if (next != ranges_.begin()) {
    const auto before = std::prev(next);
    // The range before ends below the key, so last + 1 does not overflow.
    if (same_boot(*before) && before->second.last + 1 == key.sequence) {
      before->second.last = key.sequence;
      range = before;
    }
  }
  if (range == ranges_.end()) {
    range = ranges_.emplace(start, Rest{key.sequence, clock_}).first;
  }
  range->second.touched = clock_;
  if (next != ranges_.end() && same_boot(*next) && next->first.first == key.sequence + 1) {
    range->second.last = next->second.last;
    ranges_.erase(next);
  }
  Bound();
}

void SeenSet::Bound() {
  while (ranges_.size() > kMaxRanges || (keys_ > max_keys_ && ranges_.size() > 1)) {
    const auto oldest =
        std::min_element(ranges_.begin(), ranges_.end(), [](const auto& a, const auto& b) {
          return a.second.touched < b.second.touched;
        });
    keys_ -= std::size_t{oldest->second.last} - oldest->first.first + 1;
    ranges_.erase(oldest);
  }
  if (keys_ > max_keys_) {
    // One long run: keep its newest part.
    const auto only = ranges_.begin();
    Start shorter = only->first;
    shorter.first += static_cast<std::uint32_t>(keys_ - max_keys_);
    const Rest rest = only->second;
    ranges_.clear();
    ranges_.emplace(shorter, rest);
    keys_ = max_keys_;
  }
}

}  // namespace trib::gateway::link
