#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trib/common/base/random.h"
#include "trib/gateway/forward/metrics.h"
#include "trib/gateway/forward/types.h"

namespace tributary::v1 {
class BatchAck;
class Roster;
}  // namespace tributary::v1

namespace trib::gateway::forward {

/// The conversation with the cloud: batches up, at least once; acknowledgements, rosters and
/// downlink down. Time and messages come as arguments.
///
/// Credit   The cloud grants batches with each BatchAck, and with a BatchAck of batch 0, which
///          acknowledges nothing, in answer to a SiteHello or when a pause ends. With credit 0 no
///          batch is sent, not even again. A pause cannot last for want of a message: a SiteHello
///          goes out every hello_interval, and a new connection begins with credit 1.
///
/// Memory   At most max_window x 2 x max_batch_bytes of open batches, one answer of the spool (as
///          much again as a batch), kMaxReports reports.
/// Threads  One caller at a time.
/// Order    Batches may overtake each other; a record is forgotten only after the BatchAck of a
/// batch
///          that carried it.
class Forward {
 public:
  static constexpr std::size_t kMaxReports = 60;

  /// `roster_version` is the durable one; `seed` feeds the jitter.
  Forward(const Options& options, std::uint64_t roster_version, std::uint64_t seed);

  /// Tells whether the connection stands. Nothing is sent while it does not; when it comes back, a
  /// SiteHello and all open batches go out again.
  void SetConnected(bool connected, MonotonicTime now);

  /// What to read from the spool; nullopt while the window is full or an answer is outstanding.
  /// After a value, the caller gives the answer to Offer().
  std::optional<Wanted> Want();
  /// Takes what the spool had (perhaps nothing: then asks again after the next Nudge() or Tick()).
  /// Ids may be below those of earlier answers: of deferred records, whose outcome came late.
  void Offer(std::vector<Record> records,
             std::span<const Drop> drops,
             MonotonicTime now,
             Output& out);
  /// The spool has new records.
  void Nudge() { idle_ = false; }

  void Receive(std::string_view bytes, MonotonicTime now, Output& out);
  /// Sends what is due. Call at least every 100 ms.
  void Tick(MonotonicTime now, Output& out);

  /// The roster of this version is durable and enforced.
  void SetRosterVersion(std::uint64_t version);
  /// Queues an encoded SiteReport.
  void Report(std::string site_report);

  [[nodiscard]] const Metrics& metrics() const { return metrics_; }
  [[nodiscard]] std::size_t open_batches() const { return open_.size(); }
  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] std::uint32_t credit() const { return credit_; }

 private:
  struct Batch {
    std::vector<std::int64_t> ids;
    std::string encoded;
    std::uint32_t attempts = 0;
    MonotonicTime due{};
  };
  void SendBatch(Batch& batch, MonotonicTime now, Output& out);
  void SendHello(MonotonicTime now, Output& out);
  void TakeAck(const tributary::v1::BatchAck& ack, MonotonicTime now, Output& out);
  void TakeCredit(std::uint32_t credit, MonotonicTime now);
  void TakeRoster(const tributary::v1::Roster& roster, Output& out);
  Millis Backoff(std::uint32_t attempts);

  Options options_;
  SplitMix64 random_;
  std::uint64_t roster_version_;
  bool connected_ = false;
  bool asked_ = false;  // a Want() is outstanding
  bool idle_ = false;   // the spool had nothing
  MonotonicTime next_hello_{};
  MonotonicTime next_look_{};
  std::int64_t last_id_ = 0;
  std::uint64_t next_batch_;
  std::uint32_t credit_ = 1;  // until the cloud says more, on each connection
  std::map<std::uint64_t, Batch> open_;
  std::deque<std::string> reports_;
  Metrics metrics_;
};

}  // namespace trib::gateway::forward
