#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "trib/common/base/fixed_vector.h"
#include "trib/common/base/time.h"
#include "trib/node/cascade/naming.h"

namespace trib::node::cascade {

/// A window that was deferred, and what happens to it if nobody answers.
struct Question {
  std::uint32_t sequence = 0;  ///< of its Activation record, in this boot
  MonotonicTime asked{};
  std::uint64_t first_frame = 0;  ///< of the window
  std::uint32_t condition = 0;
  std::uint32_t flags = 0;  ///< record_flag bits of the window
  Answer own{};             ///< stands when nobody answers in time; already stands for an audit
  bool anomaly = false;     ///< the window lay in an episode of the trigger
  bool audit = false;       ///< the answer changes nothing
};

/// The questions that wait for their verdict, oldest first.
///
/// Memory   Inside, about 1 kB. Threads  One caller at a time.
class Questions {
 public:
  static constexpr std::size_t kMost = 8;

  [[nodiscard]] bool full() const { return open_.full(); }
  [[nodiscard]] std::size_t open() const { return open_.size(); }

  /// Requires  !full(); `asked` does not fall.
  void Ask(const Question& question);
  /// Takes the question of that record out. @returns nothing when it is not open.
  std::optional<Question> Take(std::uint32_t sequence);
  [[nodiscard]] const Question* Find(std::uint32_t sequence) const;
  /// Takes the oldest out if it has waited for `wait`.
  std::optional<Question> TakeExpired(MonotonicTime now, Millis wait);
  /// When TakeExpired() next has something; MonotonicTime::max() when nothing is open.
  [[nodiscard]] MonotonicTime NextExpiry(Millis wait) const;

 private:
  std::optional<Question> TakeAt(std::size_t index);

  FixedVector<Question, kMost> open_;
};

}  // namespace trib::node::cascade
