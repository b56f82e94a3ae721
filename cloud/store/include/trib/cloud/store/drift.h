#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trib/cloud/ports/types.h"
#include "trib/common/base/ids.h"
#include "trib/common/base/time.h"
#include "trib/common/message/types.h"
#include "trib/common/status/result.h"

/// What the store keeps about drift: docs/decisions/0014-drift.md, tables in docs/formats/store.md.
/// Plain data; numbers that a look made are the cloud/drift stage's, and mean nothing here.
namespace trib::cloud::store {

/// Histogram of one sketched feature; 64-bit, as a block adds many sketches up.
struct BlockHistogram {
  std::uint32_t feature = 0;
  std::array<std::uint64_t, message::kHistogramBins> counts{};
  friend bool operator==(const BlockHistogram&, const BlockHistogram&) = default;
};

/// What of a block is kept as one blob.
struct BlockCounts {
  std::vector<BlockHistogram> histograms;  ///< at most message::kMaxHistograms
  std::array<std::uint64_t, message::kTierCount> exits{};
  std::array<std::uint64_t, message::kMaxLabels> labels{};
  friend bool operator==(const BlockCounts&, const BlockCounts&) = default;
};

/// docs/formats/store.md, "Counts of a block".
std::string PackCounts(const BlockCounts& counts);
/// @returns kDataLoss when the bytes are none.
Status UnpackCounts(std::string_view bytes, BlockCounts& out);

/// What became of a block. Persisted.
enum class BlockRole : std::uint8_t {
  kOpen = 0,
  kReference = 1,  ///< looked at, and may be part of what is normal for its node
  kCompared = 2,   ///< looked at, and compared or too small
  kPassed = 3,     ///< came after a later block of its node was looked at: nobody looks at it
};

/// All sketches of one node, package and block.
struct DriftBlock {
  NodeId node;
  std::uint64_t begin_ms = 0;  ///< the node's time; a multiple of the length
  PackageHash package;
  RecipeId recipe;
  GatewayId gateway;                   ///< of the newest sketch, like firmware_version
  std::uint32_t firmware_version = 0;  ///< major << 16 | minor << 8 | patch
  std::int64_t newest_ms = 0;          ///< time of that sketch
  std::uint64_t sketches = 0;
  std::uint64_t windows = 0;
  std::uint64_t triggered = 0;
  std::uint64_t invalid = 0;
  std::uint64_t judged = 0;  ///< audited windows whose own and last answer are known
  std::uint64_t errors = 0;  ///< of these: the answers differ
  BlockCounts counts;
  friend bool operator==(const DriftBlock&, const DriftBlock&) = default;
};

struct StoredBlock {
  std::int64_t id = 0;
  std::uint64_t revision = 0;  ///< rises with every change
  DriftBlock block;
};

/// A block that a look took, as it was then.
struct LookedBlock {
  StoredBlock stored;
  BlockRole role = BlockRole::kCompared;
};

struct DriftLookRow {
  std::int64_t id = 0;
  std::uint64_t at_ms = 0;
  std::uint64_t blocks = 0;
  std::uint64_t too_small = 0;
  std::uint64_t learning = 0;
  std::uint64_t watched = 0;
  std::string families;  ///< JSON
};

/// Persisted.
enum class AlarmState : std::uint8_t {
  kOpen = 1,
  kAcknowledged = 2,
  kSilenced = 3,
  kResolved = 4,
};

struct DriftAlarmRow {
  std::int64_t id = 0;
  std::int64_t look = 0;
  AlarmState state = AlarmState::kOpen;
  std::uint8_t subject_kind = 0;  ///< as drift::SubjectKind, family and cause likewise
  std::uint64_t subject = 0;
  std::uint8_t family = 0;
  std::uint8_t cause = 0;
  PackageHash package;
  std::uint64_t begin_ms = 0;  ///< of the rejected block, the nodes' time
  std::uint64_t raised_ms = 0;
  double p = 1;
  double threshold = 0;
  double resolution = 0;
  std::uint64_t tests = 0;
  std::string reasoning;
  std::string nodes;     ///< JSON
  std::string evidence;  ///< JSON
  std::string note;
  std::uint64_t acknowledged_ms = 0;
  std::uint64_t silenced_until_ms = 0;
  std::uint64_t resolved_ms = 0;
};

/// One look with all that follows from it.
struct DriftLookPut {
  DriftLookRow look;
  std::vector<LookedBlock> blocks;
  std::vector<DriftAlarmRow> alarms;
  /// Alarms that stand and tell more nodes since this look: all their nodes.
  struct Told {
    std::int64_t alarm = 0;
    std::string nodes;  ///< JSON
  };
  std::vector<Told> told;
  /// Resolved alarms whose subjects were learned anew before this look judged.
  std::vector<std::int64_t> relearned;
  /// Alarms whose silence is over: they are resolved, and their subjects were tested.
  std::vector<std::int64_t> unsilenced;
};

/// What an operator does about an alarm.
struct AlarmChange {
  enum class Action : std::uint8_t { kAcknowledge, kSilence, kResolve };
  std::int64_t alarm = 0;
  Action action = Action::kAcknowledge;
  std::optional<std::string> note;  ///< nullopt: the former stays
  std::uint64_t until_ms = 0;       ///< kSilence
  bool relearn = true;              ///< kResolve
  std::uint64_t at_ms = 0;
  std::string operator_name;
};

/// Who raised a flag. Persisted.
enum class FlagSource : std::uint8_t { kNode = 1, kGateway = 2 };

/// The newest flag of its kind about a node.
struct StoredFlag {
  FlagSource source = FlagSource::kNode;
  DriftFlag flag;
  GatewayId gateway;
  std::uint64_t stored_ms = 0;
};

}  // namespace trib::cloud::store
