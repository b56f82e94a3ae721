#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "trib/common/dsp/recipe.h"
#include "trib/common/host/message/chunk_assembler.h"
#include "trib/common/host/message/codec.h"
#include "trib/common/package/package.h"
#include "trib/common/package/sections.h"
#include "trib/node/app/node_loop.h"
#include "trib/testing/fake_clock.h"
#include "trib/testing/fake_flash.h"
#include "trib/testing/fake_ports.h"
#include "trib/testing/lossy_link.h"

/// A node with everything around it, for the tests of this folder.
namespace trib::node::app::testing {

inline constexpr NodeId kNode(77);
inline constexpr std::uint32_t kRate = 12'000;
inline constexpr std::uint32_t kFrames = 1024;
inline constexpr std::uint32_t kSectorBytes = 8192;
inline constexpr std::uint32_t kStateSectors = 2;
inline constexpr std::uint32_t kBacklogSectors = 32;
inline constexpr std::size_t kNetworkBytes = 16'384;
inline constexpr std::size_t kActivationBytes = 7'168;

inline crypto::SecretSeed Seed(unsigned char number) {
  crypto::SecretSeed seed;
  seed.bytes.fill(static_cast<std::byte>(number));
  return seed;
}
inline crypto::PublicKey KeyOf(unsigned char number) {
  return crypto::Ed25519KeyPairFromSeed(Seed(number)).public_key;
}

struct PackageParts {
  package::Manifest manifest;
  dsp::Recipe recipe;
  package::TriggerSpec trigger;
  package::ExitPolicy policy;
  package::FallbackRules rules;
  package::Guardrails guardrails;
  package::Labels labels;
  package::SketchEdges edges;
  std::optional<package::DistanceSpec> distance;
  std::optional<package::CommissioningSpec> commissioning;
  std::optional<package::SeveritySpec> severity;
  std::optional<package::ConditionSpec> conditions;
  bool with_trigger = true;
  // Of a network; see network_bench.h.
  std::optional<package::Normalisation> normalisation;
  std::vector<std::byte> plan;
  std::vector<std::byte> weights;
  std::optional<package::ClassifierSpec> classifier;
  std::optional<package::SplitPoints> split;

  PackageParts() {
    manifest.name = package::ShortText("test");
    manifest.version = package::ShortText("1");
    recipe.channels = 1;
    recipe.sample_rate_hz = kRate;
    recipe.window_frames = kFrames;
    recipe.hop_frames = kFrames;
    Add(dsp::Op::kRms, {});
    Add(dsp::Op::kKurtosis, {});
    Add(dsp::Op::kCrest, {});
    Add(dsp::Op::kBandEnergy, {50, 300, 800, 1500, 2500, 3500, 4500, 5500});
    trigger = {.commissioning_windows = 30,
               .ewma_alpha = 0.2F,
               .false_alarm_rate = 1e-4F,
               .min_std = 0.02F,
               .enter_m = 2,
               .enter_n = 3,
               .clear_n = 5,
               .feature_mask = ~std::uint64_t{0} >> (64 - dsp::OutputCount(recipe)),
               .threshold_scale = 1.2F};
    policy.heartbeat_ms = 60'000;
    policy.reminder_ms = 2'000;
    policy.block_ms = 1'000;
    policy.status_ms = 5'000;
    policy.audit_permille = 50;
    rules.rules.push_back({.source = package::RuleSource::kAnyFault, .actuator = 2, .label = 0});
    rules.rules.push_back(
        {.source = package::RuleSource::kFaultCode,
         .actuator = 3,
         .fault_code = static_cast<std::uint16_t>(message::FaultCode::kSensorMissing)});
    guardrails.channels.push_back({.min_raw = -20'000,
                                   .max_raw = 20'000,
                                   .clip_level_raw = 32'000,
                                   .max_clipped_permille = 10,
                                   .max_stuck_run = 64,
                                   .max_missing_permille = 10,
                                   .scale_min = 1e-5F,
                                   .scale_max = 1e-2F});
    labels.labels.push_back({.name = package::ShortText("normal"), .actuator = 1});
    labels.labels.push_back(
        {.name = package::ShortText("abnormal"), .actuator = 4, .is_alarm = true});
    for (const std::uint16_t feature : {std::uint16_t{0}, package::kTriggerScoreFeature}) {
      package::SketchEdges::Histogram histogram;
      histogram.feature = feature;
      for (std::size_t i = 0; i < package::kEdges; ++i) {
        histogram.edges[i] = static_cast<float>(i) - 7.0F;
      }
      edges.histograms.push_back(histogram);
    }
  }

  void Add(dsp::Op op, const std::vector<float>& parameters) {
    dsp::Operation operation;
    operation.op = op;
    operation.transform = dsp::Transform::kLog;
    operation.first_parameter = static_cast<std::uint8_t>(recipe.parameters.size());
    operation.parameter_count = static_cast<std::uint8_t>(parameters.size());
    for (const float parameter : parameters) {
      (void)recipe.parameters.push_back(parameter);
    }
    (void)recipe.operations.push_back(operation);
  }

  [[nodiscard]] std::vector<std::byte> Signed(unsigned char signer) const {
    std::vector<std::vector<std::byte>> memory;
    std::vector<package::SectionInput> inputs;
    memory.reserve(20);
    const auto add = [&](package::SectionType type, const auto& value) {
      memory.emplace_back(package::kMaxTypedSectionBytes);
      const auto size = package::Encode(value, memory.back());
      EXPECT_TRUE(size.ok());
      memory.back().resize(*size);
      inputs.push_back({.type = type, .bytes = memory.back()});
    };
    add(package::SectionType::kManifest, manifest);
    memory.emplace_back(dsp::kMaxRecipeBytes);
    const auto recipe_size = dsp::EncodeRecipe(recipe, memory.back());
    EXPECT_TRUE(recipe_size.ok());
    memory.back().resize(*recipe_size);
    inputs.push_back({.type = package::SectionType::kRecipe, .bytes = memory.back()});
    const auto add_if = [&](package::SectionType type, const auto& value) {
      if (value) {
        add(type, *value);
      }
    };
    const auto add_bytes = [&](package::SectionType type, const std::vector<std::byte>& bytes) {
      if (!bytes.empty()) {
        inputs.push_back({.type = type, .bytes = bytes});
      }
    };
    add_if(package::SectionType::kNormalisation, normalisation);
    if (with_trigger) {
      add(package::SectionType::kTrigger, trigger);
    }
    add_bytes(package::SectionType::kPlan, plan);
    add_bytes(package::SectionType::kWeights, weights);
    add(package::SectionType::kExitPolicy, policy);
    add_if(package::SectionType::kSplitPoints, split);
    add(package::SectionType::kFallbackRules, rules);
    add(package::SectionType::kGuardrails, guardrails);
    add(package::SectionType::kLabels, labels);
    if (!edges.histograms.empty()) {
      add(package::SectionType::kSketchEdges, edges);
    }
    add_if(package::SectionType::kDistance, distance);
    add_if(package::SectionType::kCommissioning, commissioning);
    add_if(package::SectionType::kSeverity, severity);
    add_if(package::SectionType::kConditions, conditions);
    add_if(package::SectionType::kClassifier, classifier);
    std::vector<std::byte> file(package::PackageBytes(inputs) + package::kTrailerBytes);
    const auto size = package::WritePackage(inputs, file);
    EXPECT_TRUE(size.ok()) << "reason " << size.status().reason();
    file.resize(*size);
    EXPECT_TRUE(package::SignPackage(file, Seed(signer)).ok());
    return file;
  }
};

/// Answers a node as a gateway does, on the host's codec, and keeps every record once.
class TestGateway {
 public:
  explicit TestGateway(Link& link) : link_(link) {}

  void Step() {
    std::vector<std::byte> memory(message::kMaxEnvelopeBytes);
    for (auto size = link_.Receive(memory); size.ok(); size = link_.Receive(memory)) {
      const std::string_view bytes(reinterpret_cast<const char*>(memory.data()), *size);
      const auto uplink = host::message::DecodeUplink(bytes);
      ASSERT_TRUE(uplink.ok()) << "reason " << uplink.status().reason();
      EXPECT_EQ(uplink->node, kNode);
      if (uplink->kind == host::message::Uplink::Kind::kHello) {
        hello = uplink->hello;
        message::Downlink down;
        down.kind = message::Downlink::Kind::kTime;
        down.time = {
            .unix_ms = unix_ms, .epoch = hello->epoch, .boot = hello->boot, .credit = credit};
        Send(down);
      } else if (uplink->kind == host::message::Uplink::Kind::kRecords) {
        Take(uplink->records);
      } else {
        TakeChunk(uplink->chunk);
      }
    }
  }
  void Answer(const message::Verdict& verdict) {
    message::Downlink down;
    down.kind = message::Downlink::Kind::kVerdict;
    down.verdict = verdict;
    Send(down);
  }
  void Configure(const message::Configuration& configuration) {
    message::Downlink down;
    down.kind = message::Downlink::Kind::kConfiguration;
    down.configuration = configuration;
    Send(down);
  }

  /// Stored records of one kind, in the order of their keys.
  [[nodiscard]] std::vector<message::Record> Of(message::RecordKind kind) const {
    std::vector<message::Record> out;
    for (const auto& [key, record] : records) {
      if (record.kind == kind) {
        out.push_back(record);
      }
    }
    return out;
  }
  [[nodiscard]] std::vector<message::FaultCode> FaultCodes() const {
    std::vector<message::FaultCode> out;
    for (const auto& record : Of(message::RecordKind::kFault)) {
      out.push_back(record.fault.code);
    }
    return out;
  }

  std::map<message::RecordKey, message::Record> records;
  /// Of the activations among them, whose records point at nothing.
  std::map<message::RecordKey, std::vector<std::byte>> payloads;
  std::uint64_t chunks = 0;
  std::optional<message::Hello> hello;
  std::uint64_t unix_ms = 1'700'000'000'000;
  std::uint32_t credit = 65'536;

 private:
  void TakeChunk(const host::message::Uplink::ChunkData& chunk) {
    ++chunks;
    const auto whole = assembler_.Add(kNode, chunk, MonotonicTime());
    if (whole.ok()) {
      Take({{.sealed = *whole}});
    }
  }
  void Take(const std::vector<host::message::Uplink::ReceivedRecord>& received) {
    message::Downlink down;
    down.kind = message::Downlink::Kind::kAck;
    down.ack = {};
    down.ack.credit = credit;
    for (const auto& item : received) {
      const auto opened = host::message::OpenSealedRecord(item.sealed);
      ASSERT_TRUE(opened.ok());
      message::Record record;
      const Status decoded = host::message::DecodeRecord(opened->record, record);
      ASSERT_TRUE(decoded.ok()) << "reason " << decoded.reason();
      EXPECT_EQ(record.header.key.node, kNode);
      down.ack.epoch = record.header.key.epoch;
      const message::RecordKey key = record.header.key;
      if (record.kind == message::RecordKind::kActivation) {
        payloads[key].assign(record.activation.payload.begin(), record.activation.payload.end());
        record.activation = {};
      }
      const auto [at, is_new] = records.emplace(key, record);
      EXPECT_TRUE(is_new || at->second.header == record.header) << "a key was used twice";
      if (down.ack.ranges.full()) {
        Send(down);
        down.ack.ranges.clear();
      }
      (void)down.ack.ranges.push_back(
          {.boot = key.boot, .first = key.sequence, .last = key.sequence});
    }
    Send(down);
  }
  void Send(message::Downlink& down) {
    down.node = kNode;
    const std::string bytes = host::message::EncodeDownlink(down);
    (void)link_.Send(std::as_bytes(std::span(bytes)));
  }

  Link& link_;
  host::message::ChunkAssembler assembler_{host::message::ChunkAssembler::Limits{}};
};

/// Machine signals as counts.
inline std::vector<std::int16_t> Healthy(std::uint64_t& frame, SplitMix64& random) {
  std::vector<std::int16_t> out(kFrames);
  for (auto& sample : out) {
    double noise = 0;
    for (int i = 0; i < 12; ++i) {
      noise += random.Uniform();
    }
    const double t = static_cast<double>(frame++) / kRate;
    sample =
        static_cast<std::int16_t>(400 * std::sin(2 * 3.14159265 * 29.5 * t) + 200 * (noise - 6));
  }
  return out;
}
inline std::vector<std::int16_t> Faulty(std::uint64_t& frame, SplitMix64& random) {
  auto out = Healthy(frame, random);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double t = static_cast<double>((frame + i) % 113) / kRate;
    out[i] = static_cast<std::int16_t>(out[i] + 4000 * std::exp(-800 * t) *
                                                    std::sin(2 * 3.14159265 * 3200 * t));
  }
  return out;
}

/// Ports that outlive the node, so that it can be restarted.
class World {
 public:
  using Storage =
      NodeLoopStorage<2048, kBacklogSectors, kSectorBytes, kNetworkBytes, kActivationBytes>;

  explicit World(crypto::PublicKey pinned = KeyOf(1), trib::testing::LossyLink::Faults faults = {})
      : pinned_(pinned), link(message::kMaxEnvelopeBytes, faults), gateway(link.b()) {}

  NodeId node = kNode;

  Status Boot(std::span<const std::byte> package) {
    loop.reset();
    file_.assign(package.begin(), package.end());
    storage = std::make_unique<Storage>();
    NodeConfig config;
    config.node = node;
    config.state_region = {.first = SectorIndex(0), .sectors = kStateSectors};
    config.backlog_region = {.first = SectorIndex(kStateSectors), .sectors = kBacklogSectors};
    config.seed = 5;
    loop = std::make_unique<NodeLoop>(
        NodePorts{clock, sensor, link.a(), flash, watchdog, actuator, entropy, power, observer},
        config,
        storage->memory());
    return loop->Start(file_, std::span(&pinned_, 1));
  }

  /// Steps until the sensor has nothing more; a window of samples lasts its logical time.
  void Run() {
    for (int idle = 0; idle < 3;) {
      const std::uint64_t before = loop->window_metrics().frames;
      (void)loop->Step();
      const std::uint64_t taken = loop->window_metrics().frames - before;
      clock.Advance(Millis(static_cast<std::int64_t>(taken * 1000 / kRate) + 1));
      idle = taken == 0 ? idle + 1 : 0;
      gateway.Step();
    }
  }
  /// Until the backlog is empty, over any link that delivers at all.
  void Drain() {
    for (int i = 0; i < 20'000 && loop->backlog_metrics().records > 0; ++i) {
      clock.Advance(Millis(50));
      (void)loop->Step();
      gateway.Step();
    }
    EXPECT_EQ(loop->backlog_metrics().records, 0U);
  }
  void PlayHealthy(int windows, float speed_hz = std::numeric_limits<float>::quiet_NaN()) {
    for (int i = 0; i < windows; ++i) {
      sensor.Play({.samples = Healthy(frame, random), .scale = kScale, .speed_hz = speed_hz});
    }
  }
  void PlayFaulty(int windows, float speed_hz = std::numeric_limits<float>::quiet_NaN()) {
    for (int i = 0; i < windows; ++i) {
      sensor.Play({.samples = Faulty(frame, random), .scale = kScale, .speed_hz = speed_hz});
    }
  }

  static constexpr float kScale = 16.0F / 32768.0F;
  crypto::PublicKey pinned_;
  trib::testing::FakeClock clock;
  trib::testing::FakeSensor sensor{kRate, 1};
  trib::testing::FakeFlash flash{{.sector_bytes = kSectorBytes,
                                  .sector_count = kStateSectors + kBacklogSectors,
                                  .program_unit_bytes = 8}};
  trib::testing::LossyLink link;
  trib::testing::FakeActuator actuator;
  trib::testing::FakeWatchdog watchdog;
  trib::testing::FakeEntropy entropy{9};
  trib::testing::FakePower power;
  TestGateway gateway;
  DecisionObserver* observer = nullptr;
  std::vector<std::byte> file_;  // in place for as long as the loop
  std::unique_ptr<Storage> storage;
  std::unique_ptr<NodeLoop> loop;
  std::uint64_t frame = 0;
  SplitMix64 random{3};
};

}  // namespace trib::node::app::testing
