#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "snapshot.h"
#include "trib/common/base/time.h"
#include "trib/common/host/logging/log.h"
#include "trib/common/status/result.h"
#include "trib/gateway/spool/spool.h"

namespace trib::gateway {

/// The spool thread: group commits for south, reads and deletes for north.
///
/// Threads  Its own thread alone touches the Spool. The functions below may be called from any; the
///          callbacks run on the spool thread and only put things into mailboxes.
class SpoolLoop {
 public:
  struct Peek {
    std::int64_t after = 0;
    std::size_t max = 0;
    std::size_t max_bytes = 0;
  };
  struct Callbacks {
    /// Every item given to Append() comes back once, with the outcome; kRefused when not durable.
    /// While the disk takes no writes they wait.
    std::function<void(std::vector<spool::Item>, std::vector<spool::Outcome>)> settled;
    std::function<void(std::vector<spool::Stored>, const spool::DropTotals&)> peeked;
    std::function<void(std::size_t)> grew;  ///< by so many records that north may have
    /// The answer to AskDeferred(), never empty: it comes when there is one.
    std::function<void(std::vector<spool::Stored>)> deferred;
    std::function<void(std::size_t)> decided;  ///< so many of Decide()'s outcomes are durable
    std::function<void(const spool::Roster&)> roster_stored;
  };

  SpoolLoop(const spool::Options& options, Millis commit_interval);
  ~SpoolLoop() { Stop(); }
  SpoolLoop(const SpoolLoop&) = delete;
  SpoolLoop& operator=(const SpoolLoop&) = delete;

  /// Opens the file on the loop's thread; without a tail, lets go what an earlier one has left
  /// undecided. @returns the durable roster, or why it did not open.
  Result<spool::Roster> Start(bool tail, std::string& error);
  /// Begins to work. Requires  Start() was ok.
  void Run(Callbacks callbacks);
  /// Works off what is queued, then ends the thread.
  void Stop();

  void Append(std::vector<spool::Item> items);
  void Ask(const Peek& peek);
  /// The same for deferred records without an outcome. One question at a time.
  void AskDeferred(const Peek& peek);
  /// Outcomes of the tail, to be written with the next group of records.
  void Decide(std::vector<spool::Decided> decided);
  void Forget(std::vector<std::int64_t> stored, std::vector<std::int64_t> rejected);
  void StoreRoster(spool::Roster roster);

  [[nodiscard]] SpoolSnapshot snapshot() const { return published_.Get(); }
  /// Bytes of records that the file has room for: under kReject half of what is left, because a row
  /// costs up to as much again as a small record; 0 while the disk takes no writes.
  /// Threads  Any.
  [[nodiscard]] std::uint64_t room() const { return room_; }

 private:
  struct Inbox {
    std::vector<spool::Item> items;
    std::vector<std::int64_t> stored;
    std::vector<std::int64_t> rejected;
    std::vector<spool::Decided> decided;
    std::optional<Peek> peek;
    std::optional<Peek> deferred;
    std::optional<spool::Roster> roster;
    [[nodiscard]] bool HasCommands() const {
      return !stored.empty() || !rejected.empty() || peek || deferred || roster;
    }
    [[nodiscard]] bool HasGroup() const { return !items.empty() || !decided.empty(); }
  };
  void Work();
  Inbox Next(MonotonicTime last_commit, bool& stopping);
  void Commit(bool last_try);
  void CommitDecided();
  [[nodiscard]] std::uint64_t Room() const;
  void Forget();
  void ForgetParts(std::vector<std::int64_t>& ids,
                   std::string_view what,
                   const std::function<Status(std::span<const std::int64_t>)>& forget);
  void TryRoster();
  void Answer(const Peek& peek);
  void AnswerDeferred();
  void Publish();
  void LogFailure(std::string_view what, Status status);

  const spool::Options options_;
  std::atomic<std::uint64_t> room_{0};
  const Millis commit_interval_;
  Callbacks callbacks_;
  std::unique_ptr<spool::Spool> spool_;
  // Records being committed. A disk that refuses them gets them again, fewer at a time, until it
  // takes them; meanwhile room() is 0 and nothing new is taken from the inbox, so that they are
  // bounded by what nodes were promised.
  std::vector<spool::Item> held_;
  std::size_t group_records_;
  std::size_t forget_records_;
  bool blocked_ = false;
  // Outcomes being committed, bounded by what the tail has on the way; the tail's question, and
  // whether something may have come that answers it.
  std::vector<spool::Decided> decided_;
  std::optional<Peek> deferred_question_;
  bool look_for_deferred_ = true;
  // Work that the disk refused; tried again.
  std::vector<std::int64_t> stored_;
  std::vector<std::int64_t> rejected_;
  MonotonicTime last_forget_{};
  std::optional<spool::Roster> roster_;
  std::vector<NodeId> members_;
  std::uint64_t roster_version_ = 0;
  host::logging::RateLimit failures_{Millis(10'000)};
  Published<SpoolSnapshot> published_;

  std::mutex mutex_;
  std::condition_variable changed_;
  Inbox inbox_;            // guarded by mutex_
  bool running_ = false;   // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace trib::gateway
