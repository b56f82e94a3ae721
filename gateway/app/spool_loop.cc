#include "spool_loop.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "clock.h"

namespace trib::gateway {
namespace {

using host::logging::Level;
using host::logging::Log;
using spool::Outcome;

constexpr std::size_t kGroupRecords = 4096;
constexpr Millis kRetry{200};

}  // namespace

Result<spool::Roster> SpoolLoop::Start(std::string& error) {
  std::promise<Result<spool::Roster>> opened;
  auto result = opened.get_future();
  thread_ = std::thread([this, opened = std::move(opened), &error]() mutable {
    auto spool = spool::Spool::Open(options_, error);
    if (!spool.ok()) {
      opened.set_value(spool.status());
      return;
    }
    spool_ = *std::move(spool);
    auto roster = spool_->LoadRoster();
    if (!roster.ok()) {
      error = options_.path.string() + ": the roster cannot be read: " + spool_->last_error();
      spool_.reset();
      opened.set_value(roster.status());
      return;
    }
    roster_version_ = roster->version;
    for (const auto& member : roster->members) {
      members_.push_back(member.node);
    }
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

/// Waits for work. Items wait for others until the commit interval is over.
SpoolLoop::Inbox SpoolLoop::Next(MonotonicTime last_commit, bool& stopping) {
  const bool retry = !stored_.empty() || !rejected_.empty() || roster_;
  std::unique_lock lock(mutex_);
  const auto pending = [this] {
    return stopping_ || !inbox_.items.empty() || inbox_.HasCommands();
  };
  if (retry) {
    changed_.wait_for(lock, kRetry, pending);
  } else {
    changed_.wait(lock, pending);
  }
  const Millis rest = commit_interval_ - (MonotonicNow() - last_commit);
  if (!inbox_.items.empty() && rest.count() > 0) {
    changed_.wait_for(lock, rest, [this] {
      return stopping_ || inbox_.HasCommands() || inbox_.items.size() >= kGroupRecords;
    });
  }
  stopping = stopping_;
  Inbox taken = std::exchange(inbox_, {});
  if (taken.items.size() > kGroupRecords) {
    const auto cut = taken.items.begin() + kGroupRecords;
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
    const bool idle = inbox.items.empty() && !inbox.HasCommands();
    stored_.insert(stored_.end(), inbox.stored.begin(), inbox.stored.end());
    rejected_.insert(rejected_.end(), inbox.rejected.begin(), inbox.rejected.end());
    if (inbox.roster) {
      roster_ = std::move(inbox.roster);
    }
    Forget();
    TryRoster();
    if (!inbox.items.empty()) {
      last_commit = MonotonicNow();
      Commit(std::move(inbox.items));
    }
    if (inbox.peek) {
      Answer(*inbox.peek);
    }
    Publish();
    if (stopping && idle) {
      return;
    }
  }
}

void SpoolLoop::Commit(std::vector<spool::Item> items) {
  auto outcomes = spool_->Append(items);
  if (!outcomes.ok()) {
    // Nothing was stored and nothing is acknowledged: the nodes keep and resend these.
    LogFailure("cannot store records", outcomes.status());
    std::vector<Outcome> refused(items.size(), Outcome::kRefused);
    callbacks_.settled(std::move(items), std::move(refused));
    return;
  }
  const bool grew =
      std::find(outcomes->begin(), outcomes->end(), Outcome::kStored) != outcomes->end();
  callbacks_.settled(std::move(items), *std::move(outcomes));
  if (grew) {
    callbacks_.grew();
  }
}

void SpoolLoop::Forget() {
  if (!stored_.empty()) {
    const Status status = spool_->Delete(stored_);
    status.ok() ? stored_.clear() : LogFailure("cannot delete forwarded records", status);
  }
  if (!rejected_.empty()) {
    const Status status = spool_->Discard(rejected_);
    status.ok() ? rejected_.clear() : LogFailure("cannot discard rejected records", status);
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

void SpoolLoop::Publish() {
  published_.Set({spool_->metrics(),
                  spool_->depth(),
                  spool_->drops(),
                  spool_->run(),
                  roster_version_,
                  members_});
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
