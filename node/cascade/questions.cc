#include "trib/node/cascade/questions.h"

#include <algorithm>

#include "trib/common/base/check.h"

namespace trib::node::cascade {

void Questions::Ask(const Question& question) {
  TRIB_DCHECK(!open_.full());
  (void)open_.push_back(question);
}

const Question* Questions::Find(std::uint32_t sequence) const {
  const auto* const at = std::ranges::find(open_, sequence, &Question::sequence);
  return at == open_.end() ? nullptr : at;
}

std::optional<Question> Questions::Take(std::uint32_t sequence) {
  const Question* const found = Find(sequence);
  return found == nullptr ? std::nullopt : TakeAt(static_cast<std::size_t>(found - open_.begin()));
}

std::optional<Question> Questions::TakeExpired(MonotonicTime now, Millis wait) {
  return NextExpiry(wait) <= now ? TakeAt(0) : std::nullopt;
}

MonotonicTime Questions::NextExpiry(Millis wait) const {
  return open_.empty() ? MonotonicTime::max() : open_[0].asked + wait;
}

std::optional<Question> Questions::TakeAt(std::size_t index) {
  if (index >= open_.size()) {
    return std::nullopt;  // also an empty table at the end of time
  }
  const Question taken = open_[index];
  std::move(open_.begin() + index + 1, open_.end(), open_.begin() + index);
  (void)open_.resize(open_.size() - 1);
  return taken;
}

}  // namespace trib::node::cascade
