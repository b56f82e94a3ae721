#include "schema.h"

#include <array>

namespace trib::cloud::store {
namespace {

constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE record(
  id INTEGER PRIMARY KEY,
  node INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  boot INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  time_ms INTEGER NOT NULL,
  sample_index INTEGER NOT NULL,
  package_hash INTEGER NOT NULL,
  recipe_id INTEGER NOT NULL,
  tier INTEGER NOT NULL,
  cut_id INTEGER NOT NULL,
  audit INTEGER NOT NULL,
  block_begin_ms INTEGER NOT NULL,
  block_length_ms INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  energy_nj INTEGER NOT NULL,
  firmware_version INTEGER NOT NULL,
  reset_reason INTEGER NOT NULL,
  event_state INTEGER,
  label INTEGER,
  confidence REAL,
  severity REAL,
  fault_code INTEGER,
  fault_channel INTEGER,
  fault_detail INTEGER,
  fault_value REAL,
  windows INTEGER,
  actuator INTEGER,
  score REAL,
  gateway INTEGER NOT NULL,
  received_ms INTEGER NOT NULL,
  stored_ms INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  UNIQUE(node, epoch, boot, sequence)
) STRICT;
CREATE INDEX record_node_time ON record(node, time_ms);
CREATE INDEX record_notable ON record(id) WHERE kind IN (16, 20);
CREATE INDEX record_node_notable ON record(node, id) WHERE kind IN (16, 20);

CREATE TABLE rollup_minute(
  node INTEGER NOT NULL,
  minute_ms INTEGER NOT NULL,
  records INTEGER NOT NULL,
  events INTEGER NOT NULL,
  faults INTEGER NOT NULL,
  windows INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  energy_nj INTEGER NOT NULL,
  PRIMARY KEY(node, minute_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE node_total(
  node INTEGER PRIMARY KEY,
  records INTEGER NOT NULL,
  events INTEGER NOT NULL,
  faults INTEGER NOT NULL,
  windows INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  energy_nj INTEGER NOT NULL,
  stored_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE latest(
  node INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  record INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  boot INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  time_ms INTEGER NOT NULL,
  received_ms INTEGER NOT NULL,
  PRIMARY KEY(node, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE latest_status(
  node INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL,
  boot INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  received_ms INTEGER NOT NULL,
  time_ms INTEGER NOT NULL,
  firmware_version INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  uptime_ms INTEGER NOT NULL,
  windows INTEGER NOT NULL,
  windows_invalid INTEGER NOT NULL,
  windows_triggered INTEGER NOT NULL,
  events INTEGER NOT NULL,
  records INTEGER NOT NULL,
  dropped_event INTEGER NOT NULL,
  dropped_fault INTEGER NOT NULL,
  dropped_status INTEGER NOT NULL,
  dropped_sketch INTEGER NOT NULL,
  dropped_frame INTEGER NOT NULL,
  backlog_records INTEGER NOT NULL,
  backlog_bytes INTEGER NOT NULL,
  bytes_sent INTEGER NOT NULL,
  bytes_raw INTEGER NOT NULL,
  energy_nj INTEGER NOT NULL,
  package_digest BLOB NOT NULL,
  commissioning_permille INTEGER NOT NULL,
  hardware_class INTEGER NOT NULL,
  messages_refused INTEGER NOT NULL
) STRICT;

CREATE TABLE gateway_total(
  gateway INTEGER PRIMARY KEY,
  batches INTEGER NOT NULL,
  stored INTEGER NOT NULL,
  duplicates INTEGER NOT NULL,
  rejected INTEGER NOT NULL,
  former INTEGER NOT NULL,
  events INTEGER NOT NULL,
  faults INTEGER NOT NULL,
  windows INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  energy_nj INTEGER NOT NULL,
  last_batch_ms INTEGER NOT NULL,
  last_received_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE gateway_drop(
  gateway INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  reason TEXT NOT NULL,
  total INTEGER NOT NULL,
  PRIMARY KEY(gateway, priority, reason)
) STRICT, WITHOUT ROWID;

CREATE TABLE ingest_rejected(
  gateway INTEGER NOT NULL,
  reason TEXT NOT NULL,
  total INTEGER NOT NULL,
  PRIMARY KEY(gateway, reason)
) STRICT, WITHOUT ROWID;

CREATE TABLE site_report(
  gateway INTEGER NOT NULL,
  minute_ms INTEGER NOT NULL,
  records INTEGER NOT NULL,
  events INTEGER NOT NULL,
  faults INTEGER NOT NULL,
  windows INTEGER NOT NULL,
  nodes_seen INTEGER NOT NULL,
  spool_depth INTEGER NOT NULL,
  stored_ms INTEGER NOT NULL,
  report BLOB NOT NULL,
  PRIMARY KEY(gateway, minute_ms)
) STRICT;

CREATE TABLE device(
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  state INTEGER NOT NULL,
  name TEXT NOT NULL,
  public_key BLOB NOT NULL UNIQUE,
  gateway INTEGER NOT NULL,
  hardware_class INTEGER NOT NULL,
  enrolled_ms INTEGER NOT NULL,
  changed_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE binding(
  node INTEGER NOT NULL,
  gateway INTEGER NOT NULL,
  until_ms INTEGER,
  PRIMARY KEY(node, gateway)
) STRICT, WITHOUT ROWID;

CREATE TABLE roster(
  gateway INTEGER PRIMARY KEY,
  version INTEGER NOT NULL
) STRICT;

CREATE TABLE audit_log(
  id INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  operator TEXT NOT NULL,
  action TEXT NOT NULL,
  device INTEGER NOT NULL,
  detail TEXT NOT NULL
) STRICT;
)sql";

// What a node says about its operating condition, the severity and how it learned its baseline.
// NULL is "not measured": in records stored before, and where a node has no velocity.
constexpr std::string_view kVersion2 = R"sql(
ALTER TABLE record ADD COLUMN condition INTEGER NOT NULL DEFAULT 0;
ALTER TABLE record ADD COLUMN velocity_mm_s REAL;
ALTER TABLE record ADD COLUMN zone INTEGER;
ALTER TABLE record ADD COLUMN distance REAL;
CREATE INDEX record_velocity ON record(node, condition, time_ms, velocity_mm_s)
  WHERE kind = 21 AND velocity_mm_s IS NOT NULL;
ALTER TABLE latest_status ADD COLUMN condition INTEGER NOT NULL DEFAULT 0;
ALTER TABLE latest_status ADD COLUMN velocity_mm_s REAL;
ALTER TABLE latest_status ADD COLUMN zone INTEGER NOT NULL DEFAULT 0;
ALTER TABLE latest_status ADD COLUMN commissioning INTEGER NOT NULL DEFAULT 0;
ALTER TABLE latest_status ADD COLUMN commissioning_refusals INTEGER NOT NULL DEFAULT 0;
ALTER TABLE latest_status ADD COLUMN commissioning_reason INTEGER NOT NULL DEFAULT 0;
ALTER TABLE latest_status ADD COLUMN baselines INTEGER NOT NULL DEFAULT 0;
)sql";

// Retention: the keys of records that were deleted, as ranges of sequences, and what it has
// deleted.
constexpr std::string_view kVersion3 = R"sql(
CREATE TABLE forgotten(
  node INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  boot INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY(node, epoch, boot, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE retention(
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

// Deferred windows: what the tiers said, and which records the cloud's tail has yet to look at.
constexpr std::string_view kVersion4 = R"sql(
CREATE TABLE verdict(
  record INTEGER NOT NULL,
  tier INTEGER NOT NULL,
  package_hash INTEGER NOT NULL,
  label INTEGER NOT NULL,
  confidence REAL NOT NULL,
  accepted INTEGER NOT NULL,
  final INTEGER NOT NULL,
  scores BLOB NOT NULL,
  decided_ms INTEGER NOT NULL,
  PRIMARY KEY(record, tier)
) STRICT, WITHOUT ROWID;
CREATE TABLE undecided(
  record INTEGER PRIMARY KEY,
  package_hash INTEGER NOT NULL,
  stored_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX undecided_package ON undecided(package_hash, record);
CREATE INDEX record_node_deferred ON record(node, id) WHERE kind = 19;
CREATE TABLE verdict_total(
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

constexpr std::array kMigrations{kVersion1, kVersion2, kVersion3, kVersion4};

}  // namespace

std::span<const std::string_view> Migrations() {
  return kMigrations;
}

}  // namespace trib::cloud::store
