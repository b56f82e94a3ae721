#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "store_loop.h"
#include "trib/cloud/app/config.h"
#include "trib/cloud/store/deferred_reader.h"
#include "trib/cloud/tail/tail.h"
#include "trib/common/host/logging/log.h"
#include "trib/common/host/tail/tail.h"

namespace trib::cloud {

/// What the tail thread tells of itself.
struct TailSnapshot {
  bool configured = false;
  tail::Metrics metrics;
  std::uint64_t answers = 0;        ///< verdicts for nodes
  std::uint64_t put_failures = 0;   ///< batches whose verdicts the store did not take
  std::uint64_t read_failures = 0;  ///< times that the store could not be read
  std::vector<PackageHash> networks;
};

/// The tail thread: reads what waits in the store, package by package as far as they are known,
/// works on it in batches, one of each package in turn, and has the store keep the verdicts before
/// nodes hear of them. What a crash interrupts waits still.
///
/// Threads  Start() and Stop() from one; snapshot() from any.
/// Queue    None: the store holds what waits, one batch is in memory.
class TailLoop {
 public:
  using SendDown = std::function<void(const tail::Answer&)>;

  TailLoop(const TailsConfig& config,
           StoreLoop& store,
           std::unique_ptr<store::DeferredReader> reader,
           SendDown send_down);
  ~TailLoop() { Stop(); }
  TailLoop(const TailLoop&) = delete;
  TailLoop& operator=(const TailLoop&) = delete;

  void Start();
  /// Finishes the batch that it is at. Call it before the store stops.
  void Stop();

  [[nodiscard]] TailSnapshot snapshot() const;
  /// The network of a head package; null where it is not known. From any thread.
  [[nodiscard]] std::shared_ptr<const host::tail::Network> Find(PackageHash head) const {
    return networks_.Find(head);
  }

 private:
  void Work();
  void Rescan();
  /// Works on what is due. @returns how long nothing else will be, unless something is stored.
  Millis Sweep();
  /// The same for one package.
  Millis WorkOn(PackageHash package);
  /// @returns false when the store did not take the verdicts.
  bool Decide(const std::vector<Undecided>& batch);
  void LogFailure(const char* what, Status status, const std::string& error);
  void Publish();

  const TailsConfig config_;
  StoreLoop& store_;
  const std::unique_ptr<store::DeferredReader> reader_;
  const SendDown send_down_;
  host::tail::TailStore networks_;
  host::tail::TailRunner runner_;
  tail::Tail tail_;
  // Up to where a package's records were looked at. What was left behind it is looked at again
  // after the next scan for packages, and not in between.
  std::map<PackageHash, std::int64_t> after_;
  MonotonicTime next_rescan_{};
  std::uint64_t answers_ = 0;
  std::uint64_t put_failures_ = 0;
  std::uint64_t read_failures_ = 0;
  host::logging::RateLimit failure_log_{Millis(10'000)};
  mutable std::mutex mutex_;
  TailSnapshot published_;  // guarded by mutex_
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace trib::cloud
