#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "drift_embeddings.h"
#include "package_names.h"
#include "store_loop.h"
#include "trib/cloud/app/config.h"
#include "trib/cloud/drift/monitor.h"
#include "trib/cloud/store/drift_reader.h"
#include "trib/common/host/logging/log.h"

namespace trib::cloud {

/// What the drift thread tells of itself.
struct DriftSnapshot {
  bool enabled = false;
  bool restored = false;        ///< what was looked at before the start is known again
  std::uint64_t looked_ms = 0;  ///< wall clock of the newest look since the start, also in vain
  std::uint64_t looks = 0;      ///< since the start
  std::uint64_t blocks = 0;     ///< looked at since the start
  std::uint64_t alarms = 0;     ///< raised since the start
  std::uint64_t stale = 0;      ///< blocks since the start that the monitor left out: out of order
  std::uint64_t unlike = 0;     ///< ... of other histograms than their node's reference
  std::uint64_t not_kept = 0;   ///< ... of nodes beyond what is kept
  std::uint64_t put_failures = 0;
  std::uint64_t last_took_ms = 0;  ///< how long the newest look with blocks took
  std::uint64_t most_took_ms = 0;
};

/// The drift thread: at every look it reads the blocks that are complete, has the monitor judge
/// them, and has the store keep look, alarms and the notes at the blocks in one transaction. A look
/// that a crash interrupts was not: its blocks are looked at again. At the start the former looks
/// are gone through again, so that references and pools are what they were.
///
/// Threads  Start() and Stop() from one; snapshot(), Standings(), Errors() and ThenAndNow() from
/// any, which
///          wait while a look judges.
/// Queue    None: the store holds the blocks, at most kMaxBlocks are in memory.
/// Memory   The monitor's, and about 3 kB a block of one look.
class DriftLoop {
 public:
  /// Those of one look; what is left comes in the next, at once.
  static constexpr std::size_t kMaxBlocks = 20'000;

  DriftLoop(const DriftConfig& config,
            StoreLoop& store,
            std::unique_ptr<store::DriftReader> reader,
            PackageNames& names,
            FindNetwork find_network);
  ~DriftLoop() { Stop(); }
  DriftLoop(const DriftLoop&) = delete;
  DriftLoop& operator=(const DriftLoop&) = delete;

  void Start();
  /// Finishes the look that it is at. Call it before the store stops.
  void Stop();

  [[nodiscard]] DriftSnapshot snapshot() const;
  [[nodiscard]] std::vector<drift::NodeStanding> Standings() const;
  [[nodiscard]] std::vector<drift::ErrorStanding> Errors() const;
  /// Sums over `nodes` of `package`, as far as they are known. @returns how many are.
  std::size_t ThenAndNow(std::span<const NodeId> nodes,
                         PackageHash package,
                         drift::Block& then,
                         drift::Block& now) const;

 private:
  void Work();
  /// @returns false when the store could not be read; then nothing was restored.
  bool Restore();
  /// @returns whether there is more to look at now.
  bool LookOnce();
  /// Alarms that are not resolved, by what they are about.
  using Standing = std::map<drift::Subject, store::DriftAlarmRow>;
  bool Prepare(store::DriftLookPut& put, Standing& standing, std::uint64_t now_ms);
  void Relearn(std::span<const store::DriftAlarmRow> alarms);
  void NameRoles(store::DriftLookPut& put) const;  // under monitor_mutex_
  drift::Look Judge(store::DriftLookPut& put, const Standing& standing);
  /// The tests of audited windows that are due, with their records as far as the store has them.
  void JudgeEmbeddings(const Standing& standing, drift::Look& look);
  /// Until the store takes it, or stops. @returns whether it did.
  bool Put(const store::DriftLookPut& put);
  void Tell(const drift::Look& look, std::uint64_t took_ms);
  /// @returns false when it is time to stop.
  bool WaitFor(Millis time);
  void Failed(const char* what, Status status, const std::string& text);

  const DriftConfig config_;
  StoreLoop& store_;
  const std::unique_ptr<store::DriftReader> reader_;
  EmbeddingRecords embeddings_;  // drift thread
  PackageNames& names_;
  /// Alarms whose subjects were learned anew since the newest look that is in the store.
  std::set<std::int64_t> relearned_;  // drift thread
  host::logging::RateLimit failure_log_{Millis(10'000)};

  mutable std::mutex monitor_mutex_;
  drift::Monitor monitor_;  // guarded by monitor_mutex_
  mutable std::mutex mutex_;
  std::condition_variable stop_;
  DriftSnapshot published_;  // guarded by mutex_
  bool stopping_ = false;    // guarded by mutex_
  std::thread thread_;
};

}  // namespace trib::cloud
