#include "trib/node/app/node_loop.h"

#include <algorithm>
#include <utility>

#include "trib/common/base/random.h"
#include "trib/common/bytes/reader.h"
#include "trib/common/bytes/writer.h"
#include "trib/common/energy/model.h"
#include "trib/node/app/firmware.h"
#include "trib/node/cascade/condition.h"

namespace trib::node::app {
namespace {

using message::FaultCode;
using state::StateKey;

constexpr std::uint16_t kConfigurationFormat = 1;
constexpr std::size_t kNodeIdBytes = 8;
constexpr std::size_t kConfigurationBytes = 18;
constexpr std::uint32_t kShortestInterval_ms = 1'000;
// Without a trigger no package says how many quiet windows end an episode.
constexpr std::uint32_t kClearWindows = 3;

static_assert(static_cast<int>(ResetCause::kBrownOut) ==
              static_cast<int>(message::ResetReason::kBrownOut));
static_assert(static_cast<int>(CrashKind::kPanic) == static_cast<int>(message::CrashKind::kPanic));

uplink::UplinkConfig UplinkConfigOf(const NodeConfig& config) {
  uplink::UplinkConfig out;
  out.node = config.node;
  out.seed = SplitMix64::Mix(config.node.value() + config.seed);
  return out;
}

bool Applicable(const message::Configuration& configuration) {
  const auto interval = [](std::uint32_t ms) { return ms == 0 || ms >= kShortestInterval_ms; };
  return interval(configuration.status_interval_ms) && interval(configuration.reminder_ms) &&
         configuration.audit_permille <= 1000;
}

template <std::size_t... kIndex>
std::array<sketch::HistogramSpec, sizeof...(kIndex)> SpecsOf(
    const package::SketchEdges& edges, std::index_sequence<kIndex...> /*all*/) {
  const package::SketchEdges::Histogram* histograms = edges.histograms.data();
  return {sketch::HistogramSpec{histograms[kIndex].feature, histograms[kIndex].edges}...};
}

}  // namespace

NodeLoop::NodeLoop(const NodePorts& ports, const NodeConfig& config, const NodeMemory& memory)
    : ports_(ports),
      config_(config),
      memory_(memory),
      state_store_(ports.flash, config.state_region, memory.state),
      backlog_(ports.flash, config.backlog_region, memory.backlog),
      uplink_(ports.link, ports.clock, backlog_, *this, UplinkConfigOf(config), memory.message),
      features_(memory.features),
      learner_(state_store_, trigger_, memory.covariances) {}

Status NodeLoop::Start(std::span<const std::byte> file, std::span<const crypto::PublicKey> pinned) {
  ports_.watchdog.Start(config_.watchdog_timeout);
  started_ = ports_.clock.Monotonic();
  heard_sensor_ = started_;
  const Status state_status = state_store_.Open();
  if (!state_status.ok() && state_status.code() != Code::kDataLoss) {
    return state_status;
  }
  TRIB_TRY(RefuseForeignState());
  TRIB_TRY_ASSIGN(identity_, state::OpenIdentity(state_store_, ports_.entropy));
  TRIB_TRY(SignState());
  TRIB_TRY(backlog_.Open(identity_.epoch));
  LoadConfiguration();

  const SensorFacts sensor{ports_.sensor.sample_rate_hz(), ports_.sensor.channels()};
  if (file.empty()) {
    LoadBuiltIn(sensor, memory_.room().window_samples, package_);
  } else {
    package_status_ =
        LoadPackage(file, pinned, config_.hardware_class, sensor, memory_.room(), package_);
  }
  Equip();
  Introduce();
  ReportStart(state_status);
  return {};
}

/// @returns false when the memory is too small for what the package asks for.
bool NodeLoop::MakeStages() {
  if (!features_.Load(package_.recipe).ok() ||
      Learner::RequiredNumbers(package_) > memory_.covariances.size()) {
    return false;
  }
  if (package_.network) {
    const LoadedNetwork& network = *package_.network;
    const auto classifier = cascade::Classifier::Open(
        network.plan, network.classifier, network.normalisation, memory_.network);
    if (!classifier.ok()) {
      return false;
    }
    classifier_.emplace(*classifier);
  }
  naming_ = cascade::Naming(package_.trigger ? package_.trigger->clear_n : kClearWindows);
  return true;
}

void NodeLoop::Equip() {
  if (package_.present && !MakeStages()) {
    package_status_ = {Code::kFailedPrecondition, package::Reason::kArenaTooSmall};
    LoadBuiltIn({ports_.sensor.sample_rate_hz(), ports_.sensor.channels()},
                memory_.window.size() / 2,
                package_);
  }
  const dsp::Recipe& recipe = package_.recipe;
  buffer_.emplace(
      memory_.window,
      memory_.summaries,
      sensing::WindowShape{
          .channels = recipe.channels, .length = recipe.window_frames, .hop = recipe.hop_frames},
      package_.guardrails);
  policy_ =
      cascade::ReportPolicy(cascade::Override(cascade::SettingsOf(package_.policy), configuration_),
                            SplitMix64::Mix(config_.node.value()) ^ config_.seed);

  // The specs beyond the package's histograms are never looked at.
  const auto specs = SpecsOf(package_.edges, std::make_index_sequence<package::kMaxHistograms>());
  TRIB_CHECK(sketch_
                 .Configure(std::span(specs).first(package_.edges.histograms.size()),
                            package_.labels.labels.size())
                 .ok());
  drift_ = cascade::DriftWatch(package_.edges);
  TakeUpBaselines();
}

void NodeLoop::TakeUpBaselines() {
  trigger_ = cascade::Trigger();
  severity_ = cascade::Severity();
  if (!package_.present) {
    return;
  }
  event_label_ = package_.alarm_label();
  if (package_.severity) {
    severity_ = cascade::Severity(*package_.severity, package_.severity_is_logarithm());
  }
  if (package_.trigger) {
    learner_.Equip(package_, severity_, [this](const Learner::Report& report) {
      RecordLearning(report, Context());
    });
  }
}

// Records in the backlog name their node. Under another id the gateway would refuse them for good,
// so a state is used by the node that it belongs to or not at all.
Status NodeLoop::RefuseForeignState() {
  std::array<std::byte, kNodeIdBytes> bytes{};
  const Result<std::size_t> size = state_store_.Get(StateKey::kNodeId, 0, bytes);
  if (!size.ok() || *size != bytes.size()) {
    return {};  // blank, or written before states were signed
  }
  ByteReader reader(bytes);
  return NodeId(reader.U64()) == config_.node ? Status() : Status(Code::kAlreadyExists);
}

Status NodeLoop::SignState() {
  std::array<std::byte, kNodeIdBytes> bytes{};
  ByteWriter writer(bytes);
  writer.U64(config_.node.value());
  return state_store_.Put(StateKey::kNodeId, 0, bytes);
}

void NodeLoop::LoadConfiguration() {
  std::array<std::byte, kConfigurationBytes> bytes{};
  const Result<std::size_t> size = state_store_.Get(StateKey::kConfiguration, 0, bytes);
  if (!size.ok() || *size != bytes.size()) {
    return;
  }
  ByteReader reader(bytes);
  const std::uint16_t format = reader.U16();
  message::Configuration configuration;
  configuration.version = reader.U32();
  configuration.status_interval_ms = reader.U32();
  configuration.audit_permille = reader.U32();
  configuration.reminder_ms = reader.U32();
  if (format == kConfigurationFormat && Applicable(configuration)) {
    configuration_ = configuration;
  }
}

void NodeLoop::OnConfiguration(const message::Configuration& configuration) {
  if (configuration.version <= configuration_.version) {
    return;  // said again; the newest has been applied
  }
  std::array<std::byte, kConfigurationBytes> bytes{};
  // Fields that are zero keep their value, also across versions.
  message::Configuration merged = configuration;
  merged.status_interval_ms = merged.status_interval_ms != 0 ? merged.status_interval_ms
                                                             : configuration_.status_interval_ms;
  merged.audit_permille =
      merged.audit_permille != 0 ? merged.audit_permille : configuration_.audit_permille;
  merged.reminder_ms = merged.reminder_ms != 0 ? merged.reminder_ms : configuration_.reminder_ms;
  ByteWriter writer(bytes);
  writer.U16(kConfigurationFormat);
  writer.U32(merged.version);
  writer.U32(merged.status_interval_ms);
  writer.U32(merged.audit_permille);
  writer.U32(merged.reminder_ms);
  // Durable first: a version that was announced in a Hello must survive the next power cut.
  if (!Applicable(merged) || !state_store_.Put(StateKey::kConfiguration, 0, bytes).ok()) {
    ++metrics_.downlink_refused;
    return;
  }
  configuration_ = merged;
  policy_.Change(cascade::Override(cascade::SettingsOf(package_.policy), configuration_));
  introduce_again_ = true;
}

void NodeLoop::OnUpdateChunk(const message::UpdateChunk& /*chunk*/) {
  ++metrics_.downlink_refused;
}

void NodeLoop::Introduce() {
  message::Hello hello;
  hello.epoch = identity_.epoch;
  hello.boot = identity_.boot;
  hello.firmware_version = kFirmwareVersion;
  hello.hardware_class = static_cast<std::uint32_t>(config_.hardware_class);
  hello.package_digest = package_.digest;
  hello.max_message_bytes =
      static_cast<std::uint32_t>(std::min(ports_.link.max_message_bytes(), memory_.message.size()));
  hello.configuration_version = configuration_.version;
  uplink_.Introduce(hello);
}

void NodeLoop::ReportStart(Status state_status) {
  Context context;
  const Crash crash = ports_.power.crash();
  if (crash.kind != CrashKind::kNone) {
    RecordFault(FaultCode::kCrash,
                crash.program_counter,
                static_cast<std::uint32_t>(crash.kind),
                0,
                crash.address,
                context);
  }
  if (!state_status.ok()) {
    RecordFault(FaultCode::kStateCorrupt, state_status.reason(), 0, 0, 0, context);
  }
  if (!package_status_.ok()) {
    RecordFault(FaultCode::kPackageRefused, package_status_.reason(), 0, 0, 0, context);
  }
  if (ports_.power.reset_cause() == ResetCause::kWatchdog && crash.kind == CrashKind::kNone) {
    RecordFault(FaultCode::kWatchdog, 0, 0, 0, 0, context);
  }
}

Millis NodeLoop::Step() {
  ports_.watchdog.Feed();
  const MonotonicTime now = ports_.clock.Monotonic();
  const bool took = TakeSamples(now);
  WatchSensor(took, now);
  KeepTime(ports_.clock.Now());
  ExpireQuestions(now);
  EndSourceWhenSettled();
  DriveUplink(now);
  if (took) {
    return Millis(0);
  }
  // It may be the first or the last moment there is: compared, never subtracted from.
  const MonotonicTime due = std::min(uplink_.next_due(), questions_.NextExpiry(VerdictWait()));
  const MonotonicTime latest = now + config_.longest_sleep;
  const Millis until_uplink = std::clamp(due, now, latest) - now;
  const Millis until_status =
      source_ended_ ? config_.longest_sleep : policy_.UntilStatus(ports_.clock.Now());
  return std::clamp(std::min(until_uplink, until_status), Millis(1), config_.longest_sleep);
}

bool NodeLoop::TakeSamples(MonotonicTime now) {
  if (source_dry_) {
    return false;
  }
  const Result<SampleBlock> block = ports_.sensor.Read(buffer_->Writable());
  if (!block.ok()) {
    if (block.status().code() == Code::kOutOfRange) {
      source_dry_ = true;
      buffer_->Finish();
    } else if (block.status().code() != Code::kUnavailable) {
      ++metrics_.sensor_errors;
    }
    return false;
  }
  heard_sensor_ = now;
  metrics_.bytes_raw += block->samples.size_bytes();
  buffer_->Commit(*block, cascade::ConditionOf(package_.conditions, block->speed_hz));
  if (buffer_->ready()) {
    Decide(buffer_->window());
    buffer_->Advance();
  }
  return true;
}

void NodeLoop::WatchSensor(bool took, MonotonicTime now) {
  if (took || source_dry_ || now - heard_sensor_ < config_.sensor_silence) {
    return;
  }
  // Counts as one window: there is nothing to cut one from.
  ++metrics_.windows;
  heard_sensor_ = now;
  Context context;
  DecideBad({.code = FaultCode::kSensorMissing, .value = 1000}, {}, context);
}

void NodeLoop::EndSourceWhenSettled() {
  if (!source_dry_ || source_ended_ || questions_.open() > 0) {
    return;
  }
  source_ended_ = true;
  CloseBlock();
  RecordStatus();
}

void NodeLoop::KeepTime(LogicalTime now) {
  if (block_open_ && !(policy_.BlockAt(now) == block_)) {
    CloseBlock();
  }
  if (!source_ended_ && policy_.StatusDue(now)) {
    RecordStatus();
  }
}

void NodeLoop::DriveUplink(MonotonicTime now) {
  uplink_.Step(now);
  if (introduce_again_) {
    // Not inside the callback: a new introduction ends the session that is being handled.
    introduce_again_ = false;
    Introduce();
  }
  const std::uint64_t sent = uplink_.metrics().bytes_sent;
  if (sent != sent_accounted_) {
    const auto bytes = static_cast<std::uint32_t>(sent - sent_accounted_);
    energy_.Add(energy::Category::kTransmit,
                energy::ToNanojoules(energy::RadioEnergy(energy::kStm32L4R5<float>, bytes)));
    sent_accounted_ = sent;
  }
}

NodeState NodeLoop::state() const {
  if (policy_.fault() != FaultCode::kUnspecified) {
    return NodeState::kFault;
  }
  if (!package_.present) {
    return NodeState::kFallback;
  }
  if (standing()) {
    return NodeState::kAlarm;
  }
  if (package_.trigger && !armed()) {
    return learner_.state(condition_) == message::CommissioningState::kOnRules
               ? NodeState::kFallback
               : NodeState::kCommissioning;
  }
  return NodeState::kNormal;
}

}  // namespace trib::node::app
