#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "trib/common/base/fixed_vector.h"
#include "trib/common/base/ids.h"
#include "trib/common/message/types.h"

/// Plain data that passes between the cloud's stages. Times are the cloud's wall clock in
/// milliseconds since the Unix epoch unless a comment names another clock.
namespace trib::cloud {

// ---- records -----------------------------------------------------------------------------------

/// What the store keeps of a sketch in columns; the histograms stay in the sealed bytes.
struct SketchSummary {
  std::uint32_t windows = 0;
  std::uint32_t triggered = 0;
  std::uint32_t invalid = 0;
};

struct FrameSummary {
  float score = 0;
};

/// What the exit of a tier said about a deferred window.
struct Verdict {
  message::Tier tier = message::Tier::kUnspecified;  ///< kGateway or kCloud
  PackageHash package_hash;                          ///< the record's
  std::uint32_t label = 0;
  float confidence = 0;                            ///< 0..1
  FixedVector<float, message::kMaxLabels> scores;  ///< one per label of the package
  bool accepted = false;                           ///< by the exit's rule
  bool final = false;            ///< it stands: accepted, or there is no later exit to ask
  std::uint64_t decided_ms = 0;  ///< wall clock of who decided
  friend bool operator==(const Verdict&, const Verdict&) = default;
};

/// A record that ingest found valid and admissible.
struct RecordRow {
  message::RecordHeader header;
  message::RecordKind kind = message::RecordKind::kNone;
  /// monostate: the kind has no columns of its own (activation).
  std::variant<std::monostate,
               message::Event,
               SketchSummary,
               FrameSummary,
               message::Fault,
               message::NodeStatus>
      body;
  std::string sealed;              ///< the encoded SealedRecord, as the node made it
  std::uint64_t received_ms = 0;   ///< gateway's wall clock
  std::optional<Verdict> verdict;  ///< of the gateway's tail; activations only
  bool former = false;             ///< the node's binding to this gateway has ended since
  std::uint32_t index = 0;         ///< position in its batch
};

/// A stored activation that waits for the cloud's tail.
struct Undecided {
  std::int64_t record = 0;  ///< id in the store
  std::uint64_t stored_ms = 0;
  std::string sealed;
  bool answered = false;  ///< a gateway's verdict stands; it waits because of the audit
};

/// What the cloud's tail made of a stored activation.
struct Decided {
  std::int64_t record = 0;  ///< id in the store
  message::RecordKey key;
  std::optional<Verdict> verdict;  ///< nullopt: its payload is damaged, nobody can decide
  /// What the node's own exit answers to the same window; nullopt: not of the audit.
  std::optional<std::uint32_t> own_label = std::nullopt;
};

struct Rejection {
  std::uint32_t index = 0;
  std::string reason;
};

/// A gateway's running total of records it gave up by policy.
struct DropTotal {
  std::uint32_t priority = 0;
  std::string reason;
  std::uint64_t total = 0;
};

/// What one site envelope asks the store to keep.
struct Batch {
  GatewayId gateway;
  std::uint64_t batch_id = 0;
  std::vector<RecordRow> records;
  std::vector<Rejection> rejected;  ///< refused by ingest
  std::vector<DropTotal> drops;
  std::uint64_t verdicts_refused = 0;  ///< their records are stored without
};

/// Invariant  stored + duplicates + rejected.size() = records the gateway put into the batch.
struct BatchOutcome {
  std::uint32_t stored = 0;
  std::uint32_t duplicates = 0;
  std::vector<Rejection> rejected;
};

/// What somebody noticed about one stream of a node's sketches: a hint, not an alarm.
struct DriftFlag {
  NodeId node;
  /// As proto DriftChannel. 0: `index` is a bit of message::NodeStatus::drift_flags.
  std::uint32_t channel = 0;
  std::uint32_t index = 0;
  std::uint64_t time_ms = 0;  ///< the node's logical time
  PackageHash package;
  float before = 0;         ///< shares; 0 when the node raised it
  float after = 0;          ///< the same
  std::uint32_t width = 0;  ///< sketches behind `after`; 0 when the node raised it
};

/// A gateway's rollup of one minute.
struct SiteReportRow {
  GatewayId gateway;
  std::uint64_t minute_ms = 0;
  std::uint64_t records = 0;
  std::uint64_t events = 0;
  std::uint64_t faults = 0;
  std::uint64_t windows = 0;
  std::uint32_t nodes_seen = 0;
  std::uint64_t spool_depth = 0;
  std::string encoded;  ///< the SiteReport with its merged sketches
  std::vector<DriftFlag> flags = {};
  std::uint64_t flags_refused = 0;  ///< of nodes that are not the gateway's
};

// ---- devices -----------------------------------------------------------------------------------

using PublicKey = std::array<std::byte, 32>;  ///< Ed25519

enum class DeviceKind : std::uint8_t { kNode = 1, kGateway = 2 };
enum class DeviceState : std::uint8_t { kPending = 1, kAccepted = 2, kRevoked = 3 };

struct Device {
  std::uint64_t id = 0;
  DeviceKind kind = DeviceKind::kNode;
  DeviceState state = DeviceState::kPending;
  std::string name;
  PublicKey public_key{};
  GatewayId gateway;  ///< 0 for a gateway
  std::uint32_t hardware_class = 0;
  std::uint64_t enrolled_ms = 0;
  std::uint64_t changed_ms = 0;
};

struct RosterMember {
  NodeId node;
  PublicKey public_key{};
};

/// The accepted nodes of one gateway. `version` rises with every change of it.
struct Roster {
  std::uint64_t version = 0;
  std::vector<RosterMember> members;
};

}  // namespace trib::cloud
