#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "snapshot.h"
#include "trib/common/base/time.h"
#include "trib/common/host/tail/tail.h"
#include "trib/gateway/app/config.h"
#include "trib/gateway/forward/types.h"
#include "trib/gateway/spool/types.h"
#include "trib/gateway/tail/tail.h"

namespace trib::gateway {

/// The thread that finishes deferred windows: owns the networks, the arena and the tail stage.
///
/// Threads  Deferred() and Committed() from any; the callbacks run on the loop's thread.
class TailLoop {
 public:
  struct Callbacks {
    std::function<void(const tail::Wanted&)> ask;
    std::function<void(std::vector<spool::Decided>)> decide;
    std::function<bool(forward::Downlink)> answer;
  };

  TailLoop(const TailsConfig& config, Callbacks callbacks);
  ~TailLoop() { Stop(); }
  TailLoop(const TailLoop&) = delete;
  TailLoop& operator=(const TailLoop&) = delete;

  /// Reads the networks and begins to work.
  void Run();
  /// Finishes the batch that it is at. What is queued is in the spool.
  void Stop();

  /// What the spool answered to `ask`.
  void Deferred(std::vector<spool::Stored> records);
  /// So many outcomes are durable.
  void Committed(std::size_t outcomes);

  [[nodiscard]] TailSnapshot snapshot() const { return published_.Get(); }

 private:
  struct Inbox {
    std::vector<spool::Stored> records;
    bool answered = false;
    std::size_t committed = 0;
  };
  void Work();
  Inbox Next(bool& stopping);
  void RunDue();
  void Rescan();
  void Publish();
  Result<tail::Finished> Finish(PackageHash package, std::span<const std::byte> activation);

  const TailsConfig config_;
  const Callbacks callbacks_;
  host::tail::TailStore store_;
  host::tail::TailRunner runner_;
  tail::Tail tail_;
  MonotonicTime next_rescan_{};
  std::uint64_t answers_dropped_ = 0;
  std::uint64_t answers_ = 0;
  Published<TailSnapshot> published_;

  std::mutex mutex_;
  std::condition_variable changed_;
  Inbox inbox_;            // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace trib::gateway
