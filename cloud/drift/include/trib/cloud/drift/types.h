#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "trib/common/base/ids.h"
#include "trib/common/base/time.h"
#include "trib/common/message/types.h"

/// Drift of a fleet, from blocks of sketches: docs/decisions/0014-drift.md. Plain data.
namespace trib::cloud::drift {

/// Shares of the budget; their sum is 1.
struct Shares {
  double node = 0.5;
  double group = 0.2;
  double fleet = 0.2;
  double model = 0.1;
};

struct Options {
  Millis block{86'400'000};                   ///< length of a block, of the nodes' logical time
  Millis week{std::int64_t{7} * 86'400'000};  ///< what the budget is for; shorter in a demo
  double budget_per_week = 1;                 ///< false alarms of the whole fleet, > 0
  Shares shares;
  double embedding_part = 0;  ///< 0..1 of the model's share that EmbeddingTest spends
  double sum_part = 0;        ///< 0..1 of the node's share that tests of whole weeks spend
  std::uint32_t reference_blocks = 28;  ///< 4..400, of each node and package
  /// Reference blocks as near to each other as this are not compared: a later block is far from
  /// all, and a machine's day resembles the day before. At most an eighth of reference_blocks.
  std::uint32_t gap_blocks = 3;
  std::uint32_t min_windows = 50;     ///< a block with fewer is not looked at
  double min_psi = 0.1;               ///< least effect of an alarm
  std::uint32_t max_nodes = 100'000;  ///< blocks of further ones are counted, not kept
};

/// What a node's sketches of one block add up to. One package; of a block in which the package
/// changed there are two.
struct Block {
  NodeId node;
  GatewayId gateway;
  PackageHash package;
  RecipeId recipe;
  std::uint32_t firmware_version = 0;  ///< of the newest sketch
  std::uint64_t begin_ms = 0;          ///< logical time; a multiple of the block's length
  std::uint32_t sketches = 0;
  std::uint64_t windows = 0;
  std::uint64_t triggered = 0;
  std::uint64_t invalid = 0;
  std::array<std::uint64_t, message::kTierCount> exits{};
  std::array<std::uint64_t, message::kMaxLabels> labels{};  ///< decisions that stand, by label
  std::uint64_t judged = 0;  ///< audited windows that a later tier decided too
  std::uint64_t errors = 0;  ///< of these: the node's own answer was another
  struct Histogram {
    std::uint32_t feature = 0;  ///< as in message::Histogram
    std::array<std::uint64_t, message::kHistogramBins> counts{};
    friend bool operator==(const Histogram&, const Histogram&) = default;
  };
  std::vector<Histogram> histograms;
  friend bool operator==(const Block&, const Block&) = default;
};

/// What a feature is about; decides which cause a pattern points at. From the package's recipe;
/// kUnknown where the cloud has no package of this hash.
enum class FeatureKind : std::uint8_t {
  kUnknown = 0,
  kLevel = 1,   ///< scales with the sensor's gain: peak-to-peak, band energies, velocity
  kShape = 2,   ///< does not: crest, shape, kurtosis, ratios
  kOffset = 3,  ///< the mean
  kTotal = 4,   ///< a level that holds the mean too: RMS about zero
};

/// One thing that is compared: a sketched feature, or a rate.
struct Channel {
  enum class Kind : std::uint8_t {
    kFeature = 1,     ///< index: feature of the frame, or kTriggerScoreFeature
    kConfidence = 2,  ///< of the node's network
    kTriggerRate = 3,
    kExitRate = 4,   ///< index: message::Tier
    kLabelRate = 5,  ///< index: label
    kErrorRate = 6,
  };
  Kind kind = Kind::kFeature;
  std::uint32_t index = 0;
  friend auto operator<=>(const Channel&, const Channel&) = default;
};

/// How a channel stands against its reference, what its peers show included.
struct Evidence {
  Channel channel;
  double reference = 0;     ///< location: 0.5 by definition, or the reference's rate
  double now = 0;           ///< ridit 0..1, or the rate
  double z = 0;             ///< in spreads between blocks, signed; of a group Student's t
  double psi = 0;           ///< 0 for rates
  double psi_critical = 0;  ///< at 1 %, as if windows were independent
  double ks = 0;            ///< D
  double ks_p = 1;          ///< Stephens', as if windows were independent
};

enum class SubjectKind : std::uint8_t {
  kNode = 1,
  kSite = 2,
  kFirmware = 3,
  kFleet = 4,
  kModel = 5,  ///< the network's answers in the whole fleet, while the features stay
};

struct Subject {
  SubjectKind kind = SubjectKind::kNode;
  std::uint64_t id = 0;  ///< node, gateway, firmware version; of fleet and model 0
  friend auto operator<=>(const Subject&, const Subject&) = default;
};

enum class Cause : std::uint8_t {
  kUnknown = 0,
  kSensor = 1,
  kMachine = 2,
  kEnvironment = 3,
  kFirmware = 4,
  kModel = 5,
};

enum class Family : std::uint8_t { kNode = 1, kGroup = 2, kFleet = 3, kModel = 4, kEmbedding = 5 };

/// A rejected test with an effect.
struct Alarm {
  Subject subject;
  Family family = Family::kNode;  ///< whose budget paid; kNode where nodes made a group's alarm
  Cause cause = Cause::kUnknown;
  std::string reasoning;       ///< one line, with the numbers that named the cause
  PackageHash package;         ///< that the nodes ran
  std::uint64_t begin_ms = 0;  ///< of the block that was rejected, logical time
  double p = 1;
  double threshold = 0;            ///< that p was not above: Benjamini-Hochberg's of this look
  double resolution = 0;           ///< least p that this test could have given; 0 = no limit
  std::uint64_t tests = 0;         ///< of the family in this look: nodes, or groups
  std::vector<NodeId> nodes;       ///< that were rejected or belong to the group and moved
  std::vector<Evidence> evidence;  ///< strongest first, at most 8
};

/// What a family did in one look.
struct FamilyLook {
  Family family = Family::kNode;
  std::uint64_t tests = 0;     ///< nodes' blocks, or groups
  std::uint64_t rejected = 0;  ///< before the effect is asked for
  double alpha = 0;            ///< spent
  double least_p = 1;
  double resolution = 0;  ///< 0 = no limit
};

/// What would have been an alarm, had not one of a wider subject told it.
struct Absorption {
  Subject subject;
  Subject teller;  ///< whose alarm is raised in this look, or stands
  std::vector<NodeId> nodes;
};

/// A test of embeddings that is due, and the blocks of nodes whose audited windows it compares.
struct EmbeddingPlan {
  struct Place {
    NodeId node;
    std::uint64_t block_ms = 0;
    friend bool operator==(const Place&, const Place&) = default;
  };
  PackageHash package;
  std::uint64_t begin_ms = 0;  ///< of the week that is judged
  double alpha = 0;
  std::vector<Place> reference;
  std::vector<Place> now;
  friend bool operator==(const EmbeddingPlan&, const EmbeddingPlan&) = default;
};

struct Look {
  std::uint64_t at_ms = 0;           ///< cloud's wall clock
  std::uint64_t blocks = 0;          ///< looked at, references included
  std::uint64_t too_small = 0;       ///< below min_windows
  std::uint64_t stale = 0;           ///< not newer than the node's newest, or of an older package
  std::uint64_t unlike = 0;          ///< other histograms than the node's reference
  std::uint64_t not_kept = 0;        ///< of nodes beyond max_nodes
  std::uint64_t learning = 0;        ///< went into a reference
  std::uint64_t watched = 0;         ///< nodes with a complete reference
  std::vector<FamilyLook> families;  ///< those that tested anything
  std::vector<Alarm> alarms;
  std::vector<Absorption> absorptions;
  std::vector<EmbeddingPlan> embeddings;  ///< due now, for JudgeEmbeddings()
};

/// Where a node stands.
struct NodeStanding {
  NodeId node;
  PackageHash package;
  std::uint32_t reference_blocks = 0;  ///< so far
  bool watched = false;                ///< its reference is complete
  std::uint64_t last_block_ms = 0;     ///< begin of the newest block looked at
  double p = 1;                        ///< of that block; 1 while learning
  std::vector<Evidence> evidence;      ///< of that block, strongest first, at most 4
};

/// What watches a package's answers beside the scheduled tests. A flag of it costs nothing and
/// promises nothing.
enum class Detector : std::uint8_t { kAdwin = 1, kPageHinkley = 2, kDdm = 3 };
inline constexpr std::size_t kDetectors = 3;

struct DetectorFlags {
  Detector detector = Detector::kAdwin;
  std::uint64_t flags = 0;
  std::uint64_t begin_ms = 0;  ///< of the newest one's block; 0: none
  double before = 0;           ///< share of errors before that block
  double after = 0;            ///< in it
};

/// How often the nodes that run a package were wrong, where a later tier decided too.
struct ErrorStanding {
  PackageHash package;
  std::uint64_t judged = 0;  ///< audited windows, of all blocks looked at
  std::uint64_t errors = 0;
  std::uint64_t begin_ms = 0;    ///< of the newest block
  std::uint64_t judged_now = 0;  ///< in it
  std::uint64_t errors_now = 0;
  std::array<DetectorFlags, kDetectors> detectors{};
};

}  // namespace trib::cloud::drift
