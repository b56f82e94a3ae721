#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ranges>
#include <span>
#include <string_view>

#include "trib/common/crypto/crypto.h"
#include "trib/common/energy/ledger.h"
#include "trib/common/message/types.h"
#include "trib/common/sketch/sketch.h"
#include "trib/node/app/decision_observer.h"
#include "trib/node/app/learner.h"
#include "trib/node/app/loaded_package.h"
#include "trib/node/app/metrics.h"
#include "trib/node/cascade/baseline.h"
#include "trib/node/cascade/classifier.h"
#include "trib/node/cascade/drift_watch.h"
#include "trib/node/cascade/naming.h"
#include "trib/node/cascade/questions.h"
#include "trib/node/cascade/report_policy.h"
#include "trib/node/cascade/rules.h"
#include "trib/node/cascade/severity.h"
#include "trib/node/cascade/trigger.h"
#include "trib/node/features/feature_stage.h"
#include "trib/node/ports/actuator.h"
#include "trib/node/ports/clock.h"
#include "trib/node/ports/entropy.h"
#include "trib/node/ports/flash.h"
#include "trib/node/ports/link.h"
#include "trib/node/ports/power.h"
#include "trib/node/ports/sensor.h"
#include "trib/node/ports/watchdog.h"
#include "trib/node/sensing/guardrails.h"
#include "trib/node/sensing/window_buffer.h"
#include "trib/node/state/identity.h"
#include "trib/node/state/state_store.h"
#include "trib/node/uplink/backlog.h"
#include "trib/node/uplink/uplink.h"

namespace trib::node::app {

/// All that a platform supplies. Everything outlives the loop.
struct NodePorts {
  Clock& clock;
  Sensor& sensor;
  Link& link;
  Flash& flash;
  Watchdog& watchdog;
  Actuator& actuator;
  Entropy& entropy;
  Power& power;
  DecisionObserver* observer = nullptr;  ///< null where nobody knows what is true
};

struct NodeConfig {
  NodeId node;
  package::HardwareClass hardware_class = package::HardwareClass::kLinux;
  state::StateRegion state_region;
  uplink::BacklogRegion backlog_region;
  /// Chooses the audit sample together with the node id.
  std::uint64_t seed = 0;
  Millis watchdog_timeout{10'000};
  /// A sensor that gives nothing for so long (monotonic) is missing.
  Millis sensor_silence{10'000};
  /// What Step() returns at most: how late the loop may notice time and silence.
  Millis longest_sleep{1'000};
};

/// Borrowed by the loop; NodeLoopStorage owns it.
struct NodeMemory {
  std::span<std::int16_t> window;  ///< twice the samples of the longest window
  /// One for each channel at least; WindowSummaries::RequiredSummaries() of the recipe for
  /// summaries that are made while samples arrive.
  std::span<dsp::Summary> summaries;
  std::span<float> features;
  std::span<std::byte> state;
  std::span<std::byte> message;
  uplink::BacklogMemory backlog;
  std::span<float> covariances;  ///< Learner::RequiredNumbers() of the package
  /// Arena and state of a network, beginning at a multiple of 16; empty on a node that runs none.
  std::span<std::byte> network;
  /// The longest payload of an activation that `message`, `backlog` and a flash sector hold with
  /// its record around it: their records are message::kMaxTransferBytes -
  /// message::kMaxActivationBytes longer.
  std::size_t activation_bytes = 0;

  [[nodiscard]] Room room() const {
    return {.window_samples = window.size() / 2,
            .network_bytes = network.size(),
            .activation_bytes = activation_bytes};
  }
};

/// Room for windows of up to `kWindowSamples` samples and a backlog of `kBacklogSectors`; with
/// `kNetworkBytes` for a network's arena and state, and `kActivationBytes` for what it defers.
template <std::size_t kWindowSamples,
          std::size_t kBacklogSectors,
          std::size_t kSectorBytes,
          std::size_t kNetworkBytes = 0,
          std::size_t kActivationBytes = 0>
class NodeLoopStorage {
 public:
  NodeMemory memory() {
    return {.window = window_,
            .summaries = summaries_,
            .features = features_,
            .state = state_,
            .message = message_,
            .backlog = backlog_.memory(),
            .covariances = covariances_,
            .network = std::span(network_).first(kNetworkBytes),
            .activation_bytes = kActivationBytes};
  }
  static constexpr Room kRoom{.window_samples = kWindowSamples,
                              .network_bytes = kNetworkBytes,
                              .activation_bytes = kActivationBytes};

 private:
  static constexpr std::size_t kRecordBytes =
      std::max(message::kMaxRecordBytes + message::kMaxSealOverheadBytes,
               kActivationBytes + message::kMaxTransferBytes - message::kMaxActivationBytes);
  static_assert(kActivationBytes <= message::kMaxActivationBytes);
  static_assert(kRecordBytes <= uplink::Backlog::LargestRecordBytes(kSectorBytes));
  // 24 features together in each of four conditions, or 32 in two.
  static constexpr std::size_t kCovarianceNumbers =
      message::kMaxConditions * dsp::TriangleNumbers(24);

  // Three channels in eight pieces, or eight in three, and the whole of each.
  static constexpr std::size_t kSummaries = 32;

  std::array<std::int16_t, 2 * kWindowSamples> window_{};
  std::array<dsp::Summary, kSummaries> summaries_{};
  std::array<float, 2 * kWindowSamples> features_{};
  std::array<std::byte, state::StateStore::kScratchBytes> state_{};
  std::array<std::byte, std::max(uplink::Uplink::kMessageBytes, kRecordBytes)> message_{};
  std::array<float, kCovarianceNumbers> covariances_{};
  alignas(16) std::array<std::byte, std::max<std::size_t>(kNetworkBytes, 1)> network_{};
  uplink::BacklogStorage<kBacklogSectors, kSectorBytes, kRecordBytes> backlog_;
};

enum class NodeState : std::uint8_t {
  kFallback = 0,       ///< no package: built-in rules
  kCommissioning = 1,  ///< learning the baseline
  kNormal = 2,
  kAlarm = 3,  ///< inside an episode
  kFault = 4,  ///< the last window was refused
};

/// As operators read it.
constexpr std::string_view NameOf(NodeState state) {
  switch (state) {
    case NodeState::kFallback:
      return "fallback";
    case NodeState::kCommissioning:
      return "commissioning";
    case NodeState::kNormal:
      return "normal";
    case NodeState::kAlarm:
      return "alarm";
    case NodeState::kFault:
      break;
  }
  return "fault";
}

/// The node: joins sensing, features, cascade and uplink over the ports.
///
/// Memory   Borrows ports, memory and the package file for life; about 30 kB itself: static
/// storage.
///          No heap.
/// Threads  One caller at a time. Blocks only in the ports.
/// Order    Every decision sets the Actuator before anything else happens to it.
class NodeLoop final : private uplink::DownlinkHandler {
 public:
  NodeLoop(const NodePorts& ports, const NodeConfig& config, const NodeMemory& memory);
  NodeLoop(const NodeLoop&) = delete;
  NodeLoop& operator=(const NodeLoop&) = delete;

  /// Opens the state, makes this boot's identity durable, verifies the package, takes the baseline
  /// up or starts commissioning. `file` may be empty; a network is read in place, so it begins at a
  /// multiple of 16 and outlives the loop, unchanged. `pinned` is needed during the call only. A
  /// refused package does not fail it: the node then runs its built-in rules and says so in a Fault
  /// record.
  ///
  /// @returns kAlreadyExists  the state belongs to another node; nothing of it was changed
  ///          else            what leaves the node without usable record keys: state or entropy
  Status Start(std::span<const std::byte> file, std::span<const crypto::PublicKey> pinned);
  /// A file that would be gone after the call.
  template <typename Owner>
  requires(std::ranges::range<Owner> && !std::ranges::borrowed_range<Owner>) Status
      Start(Owner&& file, std::span<const crypto::PublicKey> pinned)
  = delete;

  /// One round: takes samples, decides on at most one window, sends what is due.
  ///
  /// Requires  Start() was ok.
  /// @returns  how long the platform may sleep unless sensor or link wake it.
  Millis Step();

  /// The source has ended for good; its last sketch and a status were recorded.
  [[nodiscard]] bool source_ended() const { return source_ended_; }
  /// And everything was acknowledged.
  [[nodiscard]] bool finished() const { return source_ended_ && backlog_.metrics().records == 0; }

  [[nodiscard]] NodeState state() const;
  [[nodiscard]] const NodeMetrics& metrics() const { return metrics_; }
  [[nodiscard]] const uplink::UplinkMetrics& uplink_metrics() const { return uplink_.metrics(); }
  [[nodiscard]] const uplink::BacklogMetrics& backlog_metrics() const { return backlog_.metrics(); }
  [[nodiscard]] sensing::WindowMetrics window_metrics() const {
    return buffer_ ? buffer_->metrics() : sensing::WindowMetrics();
  }
  [[nodiscard]] const state::Identity& identity() const { return identity_; }
  [[nodiscard]] const energy::EnergyLedger& energy() const { return energy_; }
  [[nodiscard]] const LoadedPackage& package() const { return package_; }
  /// Why the package given to Start() was refused; ok otherwise.
  [[nodiscard]] Status package_status() const { return package_status_; }
  /// Of the condition that the last window was in.
  [[nodiscard]] std::uint32_t commissioning_permille() const {
    return package_.present && !package_.trigger ? 1000 : baseline().permille();
  }
  [[nodiscard]] const Learner& learner() const { return learner_; }
  [[nodiscard]] std::uint32_t condition() const { return condition_; }
  [[nodiscard]] const cascade::Severity& severity() const { return severity_; }
  [[nodiscard]] const cascade::Trigger& trigger() const { return trigger_; }
  /// Somebody can be asked.
  [[nodiscard]] bool in_session() const { return uplink_.in_session(); }
  /// Windows that wait for a verdict.
  [[nodiscard]] std::size_t open_questions() const { return questions_.open(); }
  [[nodiscard]] const message::Configuration& configuration() const { return configuration_; }

 private:
  // Of the window in hand.
  struct Context {
    std::uint64_t first_frame = 0;
    message::Tier tier = message::Tier::kFallback;
    std::uint32_t flags = 0;
    ActuatorState actuator = ActuatorState::kNormal;
    std::uint32_t condition = 0;
    bool cut = false;        // a window was cut; not so when the sensor is silent
    bool extracted = false;  // its features were asked for
    bool drawn = false;      // for the audit
  };
  // What the network says of the window in hand.
  struct Look {
    const cascade::Answer* answer = nullptr;  // null: it was not looked at
    bool sure = false;                        // the exit accepts its answer
  };

  void OnConfiguration(const message::Configuration& configuration) override;
  void OnVerdict(const message::Verdict& verdict) override;
  void OnUpdateChunk(const message::UpdateChunk& chunk) override;

  Status RefuseForeignState();
  Status SignState();
  void LoadConfiguration();
  bool MakeStages();
  void Equip();
  void TakeUpBaselines();
  [[nodiscard]] const cascade::Baseline& baseline() const { return learner_.baseline(condition_); }
  [[nodiscard]] bool armed() const { return trigger_.armed(condition_); }
  void Introduce();
  void ReportStart(Status state_status);

  bool TakeSamples(MonotonicTime now);
  void WatchSensor(bool took, MonotonicTime now);
  void EndSourceWhenSettled();
  void Decide(const sensing::CutWindow& window);
  [[nodiscard]] cascade::Measurable Describe(const sensing::CutWindow& window);
  void DecideBad(const sensing::GuardrailVerdict& verdict,
                 const cascade::Measurable& measurable,
                 Context& context);
  void DecideGood(const sensing::CutWindow& window,
                  const cascade::Measurable& measurable,
                  Context& context);
  void Learn(const Context& context);
  void RecordLearning(const Learner::Report& report, Context context);
  [[nodiscard]] cascade::RuleOutcome JudgeSeverity(cascade::RuleOutcome outcome);
  void ReportRules(const cascade::RuleOutcome& outcome, const Context& context);
  void ReportEpisode(bool before, const cascade::TriggerResult& result, const Context& context);
  [[nodiscard]] float EventConfidence(const cascade::TriggerResult& result) const;
  void ReportRecovery(const Context& context);
  void OpenBlock();
  void CountInSketch(const cascade::TriggerResult& result, const Look& look);
  void WatchDrift(std::span<const float> standardised, float confidence);
  void SpendOnWindow(const Context& context);

  /// Whether the window in hand is in the audit sample.
  [[nodiscard]] bool Drawn() const {
    return package_.present && policy_.Audited(metrics_.windows - 1);
  }
  /// Only with a classifier.
  [[nodiscard]] Look LookAt(const sensing::CutWindow& window, bool over);
  [[nodiscard]] bool MayAsk() const;
  [[nodiscard]] Millis VerdictWait() const {
    return Millis(package_.network ? package_.network->classifier.verdict_wait_ms : 0);
  }
  /// @returns false when the record of the question has no room.
  bool Ask(const cascade::Answer& own, bool audit, const Context& context);
  /// @returns whether somebody was asked; otherwise the node's own answer stands.
  bool PutOff(const Look& look, const Context& context);
  /// `asked`: about its doubt.
  void Audit(const Look& look, bool asked, float score, const Context& context);
  void ExpireQuestions(MonotonicTime now);
  /// A decision that was put off is made: `answer` stands.
  void Stand(const cascade::Question& question, const cascade::Answer& answer);
  void SettleNow(const Look& look, const cascade::RuleOutcome& outcome, const Context& context);
  void Settle(const SettledDecision& decision);
  void CountDecision(message::Tier tier, std::uint32_t label);
  [[nodiscard]] std::optional<VerdictRefusal> Refuse(const message::Verdict& verdict) const;
  [[nodiscard]] std::uint32_t RefusedVerdicts() const;
  [[nodiscard]] std::uint32_t LabelOf(const cascade::Answer& answer, bool anomaly) const;
  [[nodiscard]] bool standing() const { return trigger_.active() || naming_.present(); }
  [[nodiscard]] ActuatorState StandingState() const;
  [[nodiscard]] message::Tier TierAtRest() const;
  [[nodiscard]] static bool IsVerdict(message::Tier tier) {
    return tier == message::Tier::kGateway || tier == message::Tier::kCloud;
  }

  void BeginRecord(message::RecordKind kind, const Context& context);
  bool EndRecord();
  void RecordFault(message::FaultCode code,
                   std::uint32_t detail,
                   std::uint32_t channel,
                   float value,
                   std::uint32_t windows,
                   const Context& context);
  void RecordStatus();
  void CloseBlock();
  void KeepTime(LogicalTime now);
  void DriveUplink(MonotonicTime now);
  void SetActuator(ActuatorState state, Context& context);

  NodePorts ports_;
  const NodeConfig config_;
  const NodeMemory memory_;

  state::StateStore state_store_;
  uplink::Backlog backlog_;
  uplink::Uplink uplink_;
  features::FeatureStage features_;
  std::optional<sensing::WindowBuffer> buffer_;
  cascade::Trigger trigger_;
  cascade::Severity severity_;
  Learner learner_;
  cascade::ReportPolicy policy_;
  std::optional<cascade::Classifier> classifier_;
  cascade::Naming naming_;
  cascade::Questions questions_;
  sketch::SketchBuilder sketch_;
  cascade::DriftWatch drift_;
  energy::EnergyLedger energy_;

  LoadedPackage package_;
  Status package_status_;
  state::Identity identity_;
  message::Configuration configuration_;
  message::Record record_;  // the one being made
  // Of the window in hand.
  FixedVector<dsp::TimeStatistics<float>, dsp::kMaxChannels> statistics_;
  message::FeatureFrame frame_;
  cascade::Answer answer_;  // of the network, if it was looked at
  message::BlockInterval block_;
  NodeMetrics metrics_;
  MonotonicTime started_{};
  MonotonicTime heard_sensor_{};
  std::uint64_t sent_accounted_ = 0;
  std::uint32_t sequence_ = 0;
  std::uint32_t condition_ = 0;     // of the last window
  std::uint32_t rule_windows_ = 0;  // of the episode that rules alone see; 0 = none
  std::uint32_t event_label_ = 0;   // of the newest Event of the episode
  std::uint32_t drift_flags_ = 0;   // since the last status that was recorded
  ActuatorState rules_state_ = ActuatorState::kNormal;  // what rules and zone ask for
  bool block_open_ = false;
  bool drift_in_block_ = false;
  bool introduce_again_ = false;
  bool source_dry_ = false;  // it gives nothing more; questions may be open
  bool source_ended_ = false;
};

}  // namespace trib::node::app
