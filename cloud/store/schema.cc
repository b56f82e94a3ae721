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

// Drift: blocks of sketches, what the looks made of them, and what devices flag.
constexpr std::string_view kVersion5 = R"sql(
CREATE TABLE drift_block(
  id INTEGER PRIMARY KEY,
  node INTEGER NOT NULL,
  length_ms INTEGER NOT NULL,
  begin_ms INTEGER NOT NULL,
  package_hash INTEGER NOT NULL,
  recipe_id INTEGER NOT NULL,
  gateway INTEGER NOT NULL,
  firmware_version INTEGER NOT NULL,
  newest_ms INTEGER NOT NULL,
  sketches INTEGER NOT NULL,
  windows INTEGER NOT NULL,
  triggered INTEGER NOT NULL,
  invalid INTEGER NOT NULL,
  judged INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  late INTEGER NOT NULL,
  changed_ms INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  counts BLOB NOT NULL,
  role INTEGER NOT NULL,
  look INTEGER,
  UNIQUE(node, length_ms, begin_ms, package_hash)
) STRICT;
CREATE INDEX drift_block_open ON drift_block(node, begin_ms) WHERE look IS NULL;
CREATE INDEX drift_block_look ON drift_block(look, role) WHERE look IS NOT NULL;
CREATE TABLE drift_look(
  id INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  blocks INTEGER NOT NULL,
  too_small INTEGER NOT NULL,
  learning INTEGER NOT NULL,
  watched INTEGER NOT NULL,
  families TEXT NOT NULL
) STRICT;
CREATE TABLE drift_alarm(
  id INTEGER PRIMARY KEY,
  look INTEGER NOT NULL,
  state INTEGER NOT NULL,
  subject_kind INTEGER NOT NULL,
  subject INTEGER NOT NULL,
  family INTEGER NOT NULL,
  cause INTEGER NOT NULL,
  package_hash INTEGER NOT NULL,
  begin_ms INTEGER NOT NULL,
  raised_ms INTEGER NOT NULL,
  p REAL NOT NULL,
  threshold REAL NOT NULL,
  resolution REAL NOT NULL,
  tests INTEGER NOT NULL,
  reasoning TEXT NOT NULL,
  nodes TEXT NOT NULL,
  evidence TEXT NOT NULL,
  note TEXT NOT NULL,
  acknowledged_ms INTEGER NOT NULL,
  silenced_until_ms INTEGER NOT NULL,
  resolved_ms INTEGER NOT NULL,
  relearn INTEGER NOT NULL,
  relearn_look INTEGER
) STRICT;
CREATE INDEX drift_alarm_unresolved ON drift_alarm(id) WHERE resolved_ms = 0;
CREATE INDEX drift_alarm_look ON drift_alarm(look);
CREATE INDEX drift_alarm_relearn ON drift_alarm(relearn_look) WHERE relearn = 1;
CREATE TABLE drift_flag(
  node INTEGER NOT NULL,
  source INTEGER NOT NULL,
  channel INTEGER NOT NULL,
  idx INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  package_hash INTEGER NOT NULL,
  before REAL,
  after REAL,
  width INTEGER NOT NULL,
  gateway INTEGER NOT NULL,
  stored_ms INTEGER NOT NULL,
  PRIMARY KEY(node, source, channel, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE drift_total(
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX record_node_audited_frame ON record(node, time_ms) WHERE kind = 18 AND audit = 1;
)sql";

constexpr std::array kMigrations{kVersion1, kVersion2, kVersion3, kVersion4, kVersion5};

}  // namespace

std::span<const std::string_view> Migrations() {
  return kMigrations;
}

}  // namespace trib::cloud::store
