#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "trib/cloud/ports/types.h"
#include "trib/cloud/store/trend.h"
#include "trib/common/status/result.h"

namespace trib::cloud::store {

struct Totals {
  std::uint64_t stored = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t rejected = 0;
  std::uint64_t former = 0;  ///< stored although the node's binding to the gateway had ended
  std::uint64_t batches = 0;
  std::uint64_t events = 0;
  std::uint64_t faults = 0;
  std::uint64_t windows = 0;  ///< as the sketches say
  std::uint64_t bytes = 0;    ///< sealed records
  std::uint64_t energy_nj = 0;
  std::uint64_t last_batch_ms = 0;     ///< cloud's clock; 0 = never
  std::uint64_t last_received_ms = 0;  ///< gateway's clock at its newest record
};

struct Stats {
  Totals totals;
  std::vector<std::pair<std::string, std::uint64_t>> rejected;  ///< by reason
  std::array<std::uint64_t, message::kPriorityCount> drops{};   ///< gateways' drops by priority
  std::uint64_t database_bytes = 0;
  /// What retention deleted, by table, and `times_moved`: records counted in another minute than
  /// they claim, as theirs is too far off.
  std::vector<std::pair<std::string, std::uint64_t>> retention;
};

/// Where one kind of a node's records stands.
struct LatestRecord {
  message::RecordKind kind = message::RecordKind::kNone;
  std::int64_t record = 0;
  message::RecordKey key;
  std::int64_t time_ms = 0;  ///< node's logical clock
  std::uint64_t received_ms = 0;
};

struct LatestStatus {
  std::int64_t time_ms = 0;
  std::uint64_t received_ms = 0;
  std::uint32_t firmware_version = 0;
  std::uint32_t flags = 0;
  std::uint32_t condition = 0;
  message::NodeStatus status;
};

/// An event or a fault.
struct NotableRecord {
  std::int64_t id = 0;
  message::RecordHeader header;  ///< key, time, package, tier, flags, audit, condition
  message::RecordKind kind = message::RecordKind::kNone;
  message::Event event;  ///< without top and scores
  message::Fault fault;
  GatewayId gateway;
  std::uint64_t received_ms = 0;
  std::uint64_t stored_ms = 0;
};

struct NodeSummary {
  Device device;
  std::uint64_t records = 0;
  std::uint64_t events = 0;
  std::uint64_t faults = 0;
  std::uint64_t windows = 0;
  std::uint64_t bytes = 0;
  std::uint64_t energy_nj = 0;
  std::uint64_t stored_ms = 0;  ///< 0 = nothing stored yet
  std::optional<LatestStatus> status;
  std::optional<NotableRecord> last_event;
  std::optional<NotableRecord> last_fault;  ///< may be that the sensor recovered
};

struct NodeDetail {
  NodeSummary summary;
  std::vector<LatestRecord> latest;
  struct Epoch {
    std::uint64_t epoch = 0;
    std::uint64_t records = 0;
  };
  std::vector<Epoch> epochs;  ///< more than one: the node was wiped in between
  /// Of the velocity in mm/s, per day, times in days since the Unix epoch: over the statuses of the
  /// newest condition in the 30 days up to the newest one.
  std::optional<Trend> velocity_trend;
};

struct GatewaySummary {
  Device device;
  Totals totals;
  std::uint64_t nodes = 0;  ///< accepted nodes bound to it
  std::uint64_t roster_version = 0;
  std::vector<DropTotal> drops;
  std::optional<SiteReportRow> report;  ///< newest minute; `encoded` is left empty
};

struct EventFilter {
  std::optional<NodeId> node;
  std::optional<message::RecordKind> kind;  ///< kEvent or kFault
};

/// A read-only connection: what operators ask. Every query is a seek or a walk over summary tables,
/// never over all records.
///
/// Threads  One thread for life; runs beside the Writer and never blocks it.
class Reader {
 public:
  static Result<std::unique_ptr<Reader>> Open(const std::string& path, std::string* error);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  Result<Stats> ReadStats();
  /// Enrolled nodes, by id.
  Result<std::vector<NodeSummary>> ReadFleet();
  /// @returns kNotFound when no such node is enrolled.
  Result<NodeDetail> ReadNode(NodeId node);
  Result<std::vector<GatewaySummary>> ReadGateways();
  /// Events and faults with id > `after`, oldest first.
  Result<std::vector<NotableRecord>> ReadEventsAfter(std::int64_t after,
                                                     std::size_t limit,
                                                     const EventFilter& filter);
  /// The newest `limit` events and faults, oldest first.
  Result<std::vector<NotableRecord>> ReadLastEvents(std::size_t limit, const EventFilter& filter);

  Result<std::int64_t> SchemaVersion();
  /// kDataLoss with last_error() when the file is damaged. Blocks for a time that grows with it.
  Status QuickCheck();
  [[nodiscard]] std::string last_error() const;

 private:
  struct Impl;
  explicit Reader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The schema version this program writes.
std::int64_t KnownSchemaVersion();

}  // namespace trib::cloud::store
