#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "trib/cloud/ports/device_store.h"
#include "trib/cloud/ports/types.h"
#include "trib/cloud/store/drift.h"
#include "trib/cloud/store/retention.h"
#include "trib/common/status/result.h"

namespace trib::cloud::store {

struct WriterOptions {
  /// The file stops growing here; commits then fail with kResourceExhausted and gateways keep their
  /// records. 0 = the disk is the limit.
  std::uint64_t max_bytes = 0;
  /// Above SQLite's 1000: an index on (node, time) makes checkpoints costly when nodes interleave.
  /// The price is a WAL of this many 4 KiB pages and a longer pause per checkpoint.
  std::uint32_t wal_autocheckpoint_pages = 10000;
  /// Memory for pages of the file; they stay once they were read.
  std::uint64_t cache_bytes = std::uint64_t{64} << 20U;
  /// Minutes of nodes older than this are not made: RollupMinute().
  Millis rollup_window = kDefaultRollupWindow;
  /// Length of the blocks of sketches that drift is judged by; 0: none are made.
  Millis drift_block{86'400'000};
};

/// The one writing connection to the cloud's database. Tables: docs/formats/store.md.
///
/// Threads  One thread for life. Readers (reader.h) run beside it in other threads.
/// State    After any failure nothing of that call is in the file, and the same call may be made
///          again.
class Writer final : public DeviceStore {
 public:
  /// Opens or creates the file and brings its schema up to date. On failure `error` is one line.
  ///
  /// @returns kFailedPrecondition when a newer program made the file, or another process has it
  ///   open; it is then untouched.
  static Result<std::unique_ptr<Writer>> Open(const std::string& path,
                                              const WriterOptions& options,
                                              std::string* error);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Stores what is new of `batches` with its rollups, totals, drops and refusals in ONE
  /// transaction; a group of several batches costs one disk flush.
  ///
  /// A record whose key is stored already is a duplicate when its bytes are equal, and refused with
  /// reason "key_conflict" when they are not: two records under one key is never silent. Of a
  /// record that retention deleted the key alone is known: it is a duplicate whatever its bytes.
  ///
  /// Durable  At return, when ok. Never acknowledge before.
  /// @returns one outcome per batch, or
  ///   kResourceExhausted  disk or max_bytes full
  ///   kUnavailable        locked or I/O error
  ///   kDataLoss           the file is damaged
  Result<std::vector<BatchOutcome>> Commit(std::span<const Batch> batches, std::uint64_t now_ms);

  /// Keeps the cloud's verdicts in one transaction, each only if its record still waits for one: so
  /// there is one per record and tier, however often the tail is asked.
  Status PutVerdicts(std::span<const Decided> decided);

  /// Keeps a look for drift with its alarms, and notes it at its blocks, in ONE transaction. What
  /// came to a block since it was read is late: the block stays as it was judged.
  ///
  /// @returns the look's number
  Result<std::int64_t> PutLook(const DriftLookPut& put);
  /// What an operator does about an alarm, with its entry in the audit log.
  ///
  /// @returns whether anything changed; kNotFound; kFailedPrecondition for a resolved alarm
  Result<bool> ChangeAlarm(const AlarmChange& change);

  /// Keeps the newest report per gateway and minute.
  Status PutSiteReport(const SiteReportRow& report, std::uint64_t now_ms);
  /// Counts envelopes that could not even be read as a batch.
  Status CountRefusedEnvelope(GatewayId gateway, const std::string& reason, std::uint64_t count);

  Result<RegistryContent> LoadRegistry() override;
  Status ApplyRegistryChanges(std::span<const RegistryChange> changes) override;

  /// Deletes some of what `policy` does not keep, in one small transaction; call again soon while
  /// `more`. `now_ms` is RetentionClock's, and is kept with the deletion.
  Result<RetentionStep> Retain(const RetentionPolicy& policy, std::uint64_t now_ms);
  /// Where RetentionClock stood at the last Retain().
  Result<std::optional<std::uint64_t>> RetentionTime();

  /// Raises or lowers the size limit; the present size is the least that holds.
  Status SetMaxBytes(std::uint64_t bytes);
  /// Empties the WAL into the file; for a clean end.
  Status Checkpoint();
  /// SQLite's text of the last failure.
  [[nodiscard]] std::string last_error() const;

 private:
  struct Impl;
  explicit Writer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace trib::cloud::store
