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
};

/// An answer that the south thread is to send.
struct Answer {
  std::string routing_id;
  std::string body;
};

/// The store thread: alone owns the writing connection and the registry. Commits what is queued in
/// groups and hands out acknowledgements only after the commit.
///
/// Threads  Everything here may be called from any thread, except where noted.
/// Queue    At most kMaxQueued batches: when full, Offer() refuses, the south thread stops reading,
///          and gateways keep their records.
class StoreLoop {
 public:
  static constexpr std::size_t kMaxQueued = 64;
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
  [[nodiscard]] bool HasRoom() const;
  /// Refused (and counted) when the queue is full: a report is replaced by the next one.
  void OfferReport(SiteReportRow report);
  void CountRefused(GatewayId gateway, const char* reason);
  /// Runs `task` on the store thread without waiting for it; false when stopping.
  bool Post(Task task);
  /// As Post(), and waits until it has run.
  bool Call(const Task& task);

  std::vector<Answer> TakeAnswers();

  /// Waits until something was committed after `seen` or the time is over. @returns commits so far.
  std::uint64_t WaitForCommit(std::uint64_t seen, Millis at_most);
  [[nodiscard]] std::uint64_t commits() const;
  [[nodiscard]] std::uint64_t commit_failures() const { return commit_failures_; }
  [[nodiscard]] std::uint64_t reports_refused() const { return reports_refused_; }
  [[nodiscard]] RefusedCounts refused_since_start() const;
  [[nodiscard]] std::size_t queued() const;

 private:
  using Other = std::variant<SiteReportRow, Task>;

  void Run();
  void CommitAll(std::vector<PendingBatch>& batches);
  void CommitGroup(std::vector<PendingBatch>& batches, std::size_t first, std::size_t last);
  /// @returns false when the commit failed for a reason that lies in one of several batches.
  bool CommitAndAnswer(std::span<const Batch> group, std::span<const PendingBatch> from);
  void RunOthers(std::deque<Other>& others);
  void LogFailure(const char* what, Status status);
  void PublishIfChanged();

  const std::unique_ptr<store::Writer> writer_;  // store thread, after Start()
  registry::Registry registry_;                  // store thread, after Start()
  const Config config_;
  const std::function<void()> wake_south_;
  const std::function<void(std::shared_ptr<const registry::Snapshot>)> on_roster_;
  std::shared_ptr<const registry::Snapshot> published_;  // store thread, after Start()
  host::logging::RateLimit failure_log_{Millis(10'000)};

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::condition_variable work_;
  std::condition_variable committed_;
  std::vector<PendingBatch> batches_;
  std::size_t queued_rows_ = 0;
  std::deque<Other> others_;
  RefusedCounts refused_;  // not yet in the store
  RefusedCounts refused_since_start_;
  std::vector<Answer> answers_;
  std::uint64_t commits_ = 0;
  bool started_ = false;
  bool stopping_ = false;

  std::atomic<std::uint64_t> commit_failures_{0};
  std::atomic<std::uint64_t> reports_refused_{0};
  std::thread thread_;
};

}  // namespace trib::cloud
