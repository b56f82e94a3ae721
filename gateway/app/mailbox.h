#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <mutex>
#include <utility>
#include <vector>

namespace trib::gateway {

/// A queue into one thread. `wake` runs after every Push, outside the lock.
///
/// Threads  Any may push; the owner drains.
template <typename T>
class Mailbox {
 public:
  explicit Mailbox(std::function<void()> wake,
                   std::size_t limit = std::numeric_limits<std::size_t>::max())
      : wake_(std::move(wake)), limit_(limit) {}

  /// @returns false, and keeps nothing, when `limit` wait already.
  bool Push(T item) {
    {
      const std::lock_guard lock(mutex_);
      if (items_.size() >= limit_) {
        return false;
      }
      items_.push_back(std::move(item));
    }
    wake_();
    return true;
  }

  std::vector<T> Drain() {
    const std::lock_guard lock(mutex_);
    return std::exchange(items_, {});
  }

 private:
  const std::function<void()> wake_;
  const std::size_t limit_;
  std::mutex mutex_;
  std::vector<T> items_;  // guarded by mutex_
};

}  // namespace trib::gateway
