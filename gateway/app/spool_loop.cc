#include "spool_loop.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "clock.h"
#include "trib/common/message/limits.h"

namespace trib::gateway {
namespace {

using host::logging::Level;
using host::logging::Log;
using spool::Outcome;

constexpr std::size_t kGroupRecords = 4096;
constexpr Millis kRetry{200};
// Rows that the cloud has may lie a little longer: one transaction then deletes many.
constexpr Millis kForgetInterval{100};

}  // namespace

SpoolLoop::SpoolLoop(const spool::Options& options, Millis commit_interval)
    : options_(options),
      commit_interval_(commit_interval),
      group_records_(kGroupRecords),
      forget_records_(kGroupRecords) {}

Result<spool::Roster> SpoolLoop::Start(bool tail, std::string& error) {
  std::promise<Result<spool::Roster>> opened;
  auto result = opened.get_future();
  thread_ = std::thread([this, opened = std::move(opened), tail, &error]() mutable {
    auto spool = spool::Spool::Open(options_, error);
    if (!spool.ok()) {
      opened.set_value(spool.status());
      return;
    }
    spool_ = *std::move(spool);
    auto roster = spool_->LoadRoster();
    const auto released = tail ? Result<std::uint64_t>(0) : spool_->ReleaseDeferred();
    if (!roster.ok() || !released.ok()) {
      error = options_.path.string() +
              (roster.ok() ? ": deferred records cannot be let go: "
                           : ": the roster cannot be read: ") +
              spool_->last_error();
      spool_.reset();
      opened.set_value(roster.ok() ? released.status() : roster.status());
      return;
    }
    if (*released > 0) {
      Log(Level::kWarn,
          "spool",
          *released,
          " deferred records go to the cloud undecided: no [tails] are configured any more");
    }
    roster_version_ = roster->version;
    for (const auto& member : roster->members) {
      members_.push_back(member.node);
    }
    room_ = Room();
    Publish();
    opened.set_value(*std::move(roster));
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return running_ || stopping_; });
    }
    Work();
    spool_.reset();
  });
  return result.get();
}

void SpoolLoop::Run(Callbacks callbacks) {
  callbacks_ = std::move(callbacks);
  {
    const std::lock_guard lock(mutex_);
    running_ = true;
  }
  changed_.notify_one();
}

void SpoolLoop::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void SpoolLoop::Append(std::vector<spool::Item> items) {
  {
    const std::lock_guard lock(mutex_);
    std::move(items.begin(), items.end(), std::back_inserter(inbox_.items));
  }
  changed_.notify_one();
}

void SpoolLoop::Ask(const Peek& peek) {
  {
    const std::lock_guard lock(mutex_);
    inbox_.peek = peek;
  }
  changed_.notify_one();
}

void SpoolLoop::AskDeferred(const Peek& peek) {
  {
    const std::lock_guard lock(mutex_);
    inbox_.deferred = peek;
  }
  changed_.notify_one();
}

void SpoolLoop::Decide(std::vector<spool::Decided> decided) {
  {
    const std::lock_guard lock(mutex_);
    std::move(decided.begin(), decided.end(), std::back_inserter(inbox_.decided));
  }
  changed_.notify_one();
}

void SpoolLoop::Forget(std::vector<std::int64_t> stored, std::vector<std::int64_t> rejected) {
  {
    const std::lock_guard lock(mutex_);
    inbox_.stored.insert(inbox_.stored.end(), stored.begin(), stored.end());
    inbox_.rejected.insert(inbox_.rejected.end(), rejected.begin(), rejected.end());
  }
  changed_.notify_one();
}

void SpoolLoop::StoreRoster(spool::Roster roster) {
  {
    const std::lock_guard lock(mutex_);
    inbox_.roster = std::move(roster);
  }
  changed_.notify_one();
}

/// Waits for work. Items wait for others until the commit interval is over, whatever else comes.
SpoolLoop::Inbox SpoolLoop::Next(MonotonicTime last_commit, bool& stopping) {
  const bool retry = !stored_.empty() || !rejected_.empty() || roster_ || !held_.empty() ||
                     !decided_.empty() || (deferred_question_ && look_for_deferred_);
  std::unique_lock lock(mutex_);
  const auto pending = [this] {
    return stopping_ || (inbox_.HasGroup() && held_.empty()) || inbox_.HasCommands();
  };
  if (!retry) {
    changed_.wait(lock, pending);
  } else if (blocked_ || held_.empty()) {
    changed_.wait_for(lock, kRetry, pending);
  }
  const Millis rest = commit_interval_ - (MonotonicNow() - last_commit);
  if (held_.empty() && inbox_.HasGroup() && rest.count() > 0) {
    changed_.wait_for(lock, rest, [this] {
      return stopping_ || inbox_.HasCommands() || inbox_.items.size() >= kGroupRecords;
    });
  }
  stopping = stopping_;
  const bool due = stopping_ || MonotonicNow() - last_commit >= commit_interval_ ||
                   inbox_.items.size() >= kGroupRecords;
  Inbox taken = std::exchange(inbox_, {});
  if (!due) {
    inbox_.decided = std::exchange(taken.decided, {});
  }
  const std::size_t most = held_.empty() && due ? kGroupRecords : 0;
  if (taken.items.size() > most) {
    const auto cut = taken.items.begin() + static_cast<std::ptrdiff_t>(most);
    inbox_.items.assign(std::make_move_iterator(cut), std::make_move_iterator(taken.items.end()));
    taken.items.erase(cut, taken.items.end());
  }
  return taken;
}

void SpoolLoop::Work() {
  MonotonicTime last_commit{};
  while (true) {
    bool stopping = false;
    Inbox inbox = Next(last_commit, stopping);
    const bool idle = !inbox.HasGroup() && !inbox.HasCommands() && held_.empty();
    stored_.insert(stored_.end(), inbox.stored.begin(), inbox.stored.end());
    rejected_.insert(rejected_.end(), inbox.rejected.begin(), inbox.rejected.end());
    if (inbox.roster) {
      roster_ = std::move(inbox.roster);
    }
    if (stopping || MonotonicNow() - last_forget_ >= kForgetInterval ||
        stored_.size() + rejected_.size() >= kGroupRecords) {
      Forget();
    }
    TryRoster();
    if (held_.empty()) {
      held_ = std::move(inbox.items);
    }
    decided_.insert(decided_.end(),
                    std::make_move_iterator(inbox.decided.begin()),
                    std::make_move_iterator(inbox.decided.end()));
    if (!held_.empty() || !decided_.empty()) {
      last_commit = MonotonicNow();
      Commit(stopping);
    }
    room_ = Room();
    if (inbox.peek) {
      Answer(*inbox.peek);
    }
    deferred_question_ = inbox.deferred ? inbox.deferred : deferred_question_;
    look_for_deferred_ = look_for_deferred_ || inbox.deferred;
    AnswerDeferred();
    Publish();
    if (stopping && idle) {
      return;
    }
  }
}

void SpoolLoop::Commit(bool last_try) {
  const std::size_t count = std::min(group_records_, held_.size());
  if (count == 0) {
    CommitDecided();
    return;
  }
  auto outcomes = spool_->Append(std::span(held_).first(count), decided_);
  if (!outcomes.ok()) {
    // Outcomes lead to deletions, which make room: they do not wait for it.
    CommitDecided();
    LogFailure("cannot store records", outcomes.status());
    blocked_ = true;
    room_ = 0;
    // What is too much at once may fit in parts.
    group_records_ = std::max<std::size_t>(1, count / 2);
    if (last_try) {
      // Nothing of it was stored and nothing is acknowledged: the nodes keep and resend these.
      std::vector<Outcome> refused(held_.size(), Outcome::kRefused);
      callbacks_.settled(std::exchange(held_, {}), std::move(refused));
    }
    return;
  }
  if (blocked_) {
    Log(Level::kInfo, "spool", "the disk takes writes again");
  }
  blocked_ = false;
  group_records_ = std::min(2 * group_records_, kGroupRecords);
  const auto cut = held_.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<spool::Item> items(std::make_move_iterator(held_.begin()),
                                 std::make_move_iterator(cut));
  held_.erase(held_.begin(), cut);
  room_ = Room();  // before south hears of it and grants new credit
  std::size_t grown = decided_.size();
  for (std::size_t i = 0; i < items.size(); ++i) {
    const bool stored = (*outcomes)[i] == Outcome::kStored;
    grown += stored && !items[i].deferred ? 1U : 0U;
    look_for_deferred_ = look_for_deferred_ || (stored && items[i].deferred);
  }
  const std::size_t decided = std::exchange(decided_, {}).size();
  callbacks_.settled(std::move(items), *std::move(outcomes));
  if (decided > 0) {
    callbacks_.decided(decided);
  }
  if (grown > 0) {
    callbacks_.grew(grown);
  }
}

/// Outcomes alone.
void SpoolLoop::CommitDecided() {
  if (decided_.empty()) {
    return;
  }
  if (const auto written = spool_->Append({}, decided_); !written.ok()) {
    LogFailure("cannot store verdicts", written.status());
    return;
  }
  const std::size_t decided = std::exchange(decided_, {}).size();
  callbacks_.decided(decided);
  callbacks_.grew(decided);
}

std::uint64_t SpoolLoop::Room() const {
  if (blocked_) {
    return 0;
  }
  if (options_.policy == spool::FullPolicy::kDropLowPriority) {
    return std::numeric_limits<std::uint64_t>::max();
  }
  const spool::Depth depth = spool_->depth();
  const auto left = [](std::uint64_t most, std::uint64_t used) {
    return most > used ? most - used : 0;
  };
  return std::min(left(options_.max_bytes, depth.bytes) / 2,
                  left(options_.max_records, depth.records) * message::kMaxEnvelopeBytes);
}

void SpoolLoop::Forget() {
  last_forget_ = stored_.empty() && rejected_.empty() ? last_forget_ : MonotonicNow();
  ForgetParts(
      stored_, "cannot delete forwarded records", [this](auto ids) { return spool_->Delete(ids); });
  ForgetParts(rejected_, "cannot discard rejected records", [this](auto ids) {
    return spool_->Discard(ids);
  });
}

void SpoolLoop::ForgetParts(std::vector<std::int64_t>& ids,
                            std::string_view what,
                            const std::function<Status(std::span<const std::int64_t>)>& forget) {
  while (!ids.empty()) {
    const std::size_t count = std::min(forget_records_, ids.size());
    const Status status = forget(std::span(ids).first(count));
    if (status.ok()) {
      ids.erase(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count));
      forget_records_ = std::min(2 * forget_records_, kGroupRecords);
    } else if (status.code() == Code::kResourceExhausted && count > 1) {
      // Deleting writes too: on a full disk only as much at once as there is room for.
      forget_records_ = count / 2;
    } else {
      LogFailure(what, status);
      return;
    }
  }
}

void SpoolLoop::TryRoster() {
  if (!roster_) {
    return;
  }
  if (roster_->version <= roster_version_) {
    roster_.reset();
    return;
  }
  const Status status = spool_->StoreRoster(*roster_);
  if (!status.ok()) {
    LogFailure("cannot store the roster", status);
    return;
  }
  roster_version_ = roster_->version;
  members_.clear();
  for (const auto& member : roster_->members) {
    members_.push_back(member.node);
  }
  Publish();
  callbacks_.roster_stored(*std::exchange(roster_, std::nullopt));
}

void SpoolLoop::Answer(const Peek& peek) {
  auto records = spool_->Peek(peek.after, peek.max, peek.max_bytes);
  if (!records.ok()) {
    LogFailure("cannot read records", records.status());
  }
  callbacks_.peeked(records.ok() ? *std::move(records) : std::vector<spool::Stored>(),
                    spool_->drops());
}

void SpoolLoop::AnswerDeferred() {
  if (!deferred_question_ || !look_for_deferred_) {
    return;
  }
  const Peek& peek = *deferred_question_;
  auto records = spool_->PeekDeferred(peek.after, peek.max, peek.max_bytes);
  if (!records.ok()) {
    LogFailure("cannot read deferred records", records.status());
    return;
  }
  look_for_deferred_ = false;
  if (!records->empty()) {
    deferred_question_.reset();
    callbacks_.deferred(*std::move(records));
  }
}

void SpoolLoop::Publish() {
  published_.Set({spool_->metrics(),
                  spool_->depth(),
                  spool_->drops(),
                  spool_->run(),
                  roster_version_,
                  members_,
                  blocked_,
                  held_.size()});
}

void SpoolLoop::LogFailure(std::string_view what, Status status) {
  if (const auto held = failures_.Admit(MonotonicNow())) {
    Log(Level::kError,
        "spool",
        what,
        ": ",
        status,
        ": ",
        spool_->last_error(),
        " (",
        *held,
        " more since the last line)");
  }
}

}  // namespace trib::gateway
