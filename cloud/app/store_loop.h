#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "trib/cloud/app/config.h"
#include "trib/cloud/registry/registry.h"
#include "trib/cloud/store/writer.h"
#include "trib/common/host/logging/log.h"

namespace trib::cloud {

/// A batch and where its acknowledgement goes.
struct PendingBatch {
  Batch batch;
  std::string routing_id;
  std::size_t bytes = 0;  ///< of the envelope
};

/// What became of a batch, for the south thread to acknowledge.
struct Answer {
  std::string routing_id;
  GatewayId gateway;
  std::uint64_t batch_id = 0;
  /// Nothing: it was not stored. Its gateway is told nothing and sends it again.
  std::optional<BatchOutcome> outcome;
};

/// The store thread: alone owns the writing connection and the registry. Commits what is queued in
/// groups and hands out acknowledgements only after the commit. What a full disk or a locked
/// database refuses is kept and tried again, batch by batch, until it is stored; meanwhile nothing
/// new is taken from the queue.
///
/// Threads  Everything here may be called from any thread, except where noted.
/// Queue    At most kMaxQueued batches and kMaxQueuedBytes, and one batch more: when full, Offer()
///          refuses, and gateways keep their records. As much again may be held for a disk that
///          refuses it.
/// Memory   At most 2 x (kMaxQueuedBytes + 1 MiB + kMaxQueued x 512 records x 0.7 KiB) of batches.
class StoreLoop {
 public:
  static constexpr std::size_t kMaxQueued = 64;
  static constexpr std::size_t kMaxQueuedBytes = std::size_t{32} << 20U;
  /// Envelopes by gateway and reason.
  using RefusedCounts = std::map<std::pair<std::uint64_t, std::string>, std::uint64_t>;
  using Task = std::function<void(registry::Registry&, store::Writer&)>;

  /// `wake_south` is called when answers or room appeared; `on_roster` with every new snapshot,
  /// before the change is reported to whoever asked for it. Both on the store thread.
  StoreLoop(std::unique_ptr<store::Writer> writer,
            const Config& config,
            std::function<void()> wake_south,
            std::function<void(std::shared_ptr<const registry::Snapshot>)> on_roster);
  ~StoreLoop();

  /// Reads the registry and starts the thread.
  Status Start();
  /// Commits everything queued, then ends the thread. Answers remain to be taken.
  void Stop();

  /// @returns false, with the batch untouched, when the queue is full or the loop is stopping.
  bool Offer(PendingBatch& batch);
  /// Batches that the queue still takes; 0 while the disk refuses to store.
  [[nodiscard]] std::size_t Room() const;
  /// The disk refuses what was taken, and gets it again.
  [[nodiscard]] bool blocked() const { return blocked_; }
  /// Refused (and counted) when the queue is full: a report is replaced by the next one.
  void OfferReport(SiteReportRow report);
  void CountRefused(GatewayId gateway, const char* reason);
  /// Runs `task` on the store thread without waiting for it; false when stopping, or when too many
  /// tasks and reports wait.
  bool Post(Task task);
  /// As Post(), and waits until it has run.
  bool Call(const Task& task);

  std::vector<Answer> TakeAnswers();

  /// Waits until something was committed after `seen` or the time is over. @returns commits so far.
  std::uint64_t WaitForCommit(std::uint64_t seen, Millis at_most);
  [[nodiscard]] std::uint64_t commits() const;
  [[nodiscard]] std::uint64_t commit_failures() const { return commit_failures_; }
  [[nodiscard]] std::uint64_t reports_refused() const { return reports_refused_; }
  /// How far the wall clock is ahead of the time by which retention judges, and how often it
  /// jumped.
  [[nodiscard]] std::uint64_t clock_ahead_ms() const { return clock_ahead_ms_; }
  [[nodiscard]] std::uint64_t clock_jumps() const { return clock_jumps_; }
  [[nodiscard]] RefusedCounts refused_since_start() const;
  [[nodiscard]] std::size_t queued() const;

 private:
  using Other = std::variant<SiteReportRow, Task>;

  void Run();
  void WaitForWork(std::unique_lock<std::mutex>& lock);
  std::vector<PendingBatch> NextBatches();  // with mutex_ held
  void RecordRefused(const RefusedCounts& refused);
  enum class Committed : std::uint8_t { kDone, kFaulty, kLater };
  void CommitAll(std::vector<PendingBatch> batches);
  void CommitGroup(std::span<PendingBatch> batches);
  /// @returns kLater when the disk may take it another time; else kFaulty when the reason lies in
  /// it
  Committed CommitAndAnswer(std::span<const Batch> group, std::span<const PendingBatch> from);
  void RunOthers(std::deque<Other>& others);
  void Retain();
  void LogFailure(const char* what, Status status);
  void PublishIfChanged();

  const std::unique_ptr<store::Writer> writer_;  // store thread, after Start()
  registry::Registry registry_;                  // store thread, after Start()
  const Config config_;
  const std::function<void()> wake_south_;
  const std::function<void(std::shared_ptr<const registry::Snapshot>)> on_roster_;
  std::shared_ptr<const registry::Snapshot> published_;  // store thread, after Start()
  host::logging::RateLimit failure_log_{Millis(10'000)};
  std::vector<PendingBatch> held_;                       // store thread: the disk refused them
  store::RetentionClock retention_clock_{std::nullopt};  // store thread
  bool retain_more_ = false;                             // store thread: there is more to delete
  MonotonicTime next_retain_{};                          // store thread

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::condition_variable work_;
  std::condition_variable committed_;
  std::vector<PendingBatch> batches_;
  std::size_t queued_rows_ = 0;
  std::size_t queued_bytes_ = 0;
  std::deque<Other> others_;
  RefusedCounts refused_;  // not yet in the store
  RefusedCounts refused_since_start_;
  std::vector<Answer> answers_;
  std::uint64_t commits_ = 0;
  bool started_ = false;
  bool stopping_ = false;

  std::atomic<bool> blocked_{false};
  std::atomic<std::uint64_t> commit_failures_{0};
  std::atomic<std::uint64_t> reports_refused_{0};
  std::atomic<std::uint64_t> clock_ahead_ms_{0};
  std::atomic<std::uint64_t> clock_jumps_{0};
  std::thread thread_;
};

}  // namespace trib::cloud
