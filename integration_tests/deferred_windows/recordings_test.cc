// The shipped bearing network over all recordings: what gateway and cloud say about a window is
// what the uncut network says, to the byte.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <vector>

#include "trib/cloud/tail/tail.h"
#include "trib/common/classify/classify.h"
#include "trib/common/dsp/extractor.h"
#include "trib/common/host/message/codec.h"
#include "trib/common/host/package/package.h"
#include "trib/common/host/recording/player.h"
#include "trib/common/host/tail/tail.h"
#include "trib/common/nn/activation.h"
#include "trib/common/nn/runner.h"
#include "trib/gateway/tail/tail.h"
#include "trib/testing/shared_data.h"
#include "trib/tools/adapters/adapters.h"
#include "tributary/v1/site.pb.h"

namespace trib::integration {
namespace {

namespace fs = std::filesystem;
using host::tail::Network;
using host::tail::TailRunner;
using Bytes = std::vector<std::byte>;

/// Runs a plan, on memory of its own.
class Running {
 public:
  explicit Running(const nn::Plan& plan)
      : plan_(plan),
        arena_(plan.arena_bytes() / 4 + 1),
        runner_(*nn::Runner::Open(plan, std::as_writable_bytes(std::span(arena_)), {})) {}

  nn::Runner& runner() { return runner_; }
  [[nodiscard]] Bytes Output(std::size_t index) {
    const auto bytes = runner_.output(index);
    return {bytes.begin(), bytes.end()};
  }

 private:
  const nn::Plan& plan_;
  std::vector<std::uint32_t> arena_;
  nn::Runner runner_;
};

/// Makes a network's input of a window, as a node does.
class Feeder {
 public:
  explicit Feeder(const Network& network)
      : network_(network),
        recipe_(*dsp::DecodeRecipe(network.head().Find(package::SectionType::kRecipe))),
        scratch_(dsp::Extractor<float>::RequiredReals(recipe_) + 1),
        extractor_(recipe_, scratch_) {
    const auto section = network.head().Find(package::SectionType::kNormalisation);
    has_normalisation_ = package::Decode(section, normalisation_).ok();
  }
  [[nodiscard]] const dsp::Recipe& recipe() const { return recipe_; }

  void Feed(nn::Runner& runner,
            const nn::Plan& plan,
            std::span<const std::int16_t> samples,
            float scale) {
    const nn::Port port = plan.input(0);
    const std::int16_t zero = plan.tensor(port.tensor).zero_point;
    if (network_.classifier().input != package::NetworkInput::kFeatures) {
      classify::QuantiseWindow(
          network_.classifier(), {samples, recipe_.channels, scale}, port, zero, runner.input(0));
      return;
    }
    ASSERT_TRUE(has_normalisation_);
    dsp::FeatureVector<float> features;
    ASSERT_TRUE(extractor_
                    .Extract({.samples = samples,
                              .channels = recipe_.channels,
                              .frames = recipe_.window_frames,
                              .scale = scale,
                              .sample_rate_hz = recipe_.sample_rate_hz},
                             features)
                    .ok());
    classify::QuantiseFeatures(
        normalisation_, {features.begin(), features.end()}, port, zero, runner.input(0));
  }

 private:
  const Network& network_;
  dsp::Recipe recipe_;
  std::vector<float> scratch_;
  dsp::Extractor<float> extractor_;
  package::Normalisation normalisation_;
  bool has_normalisation_ = false;
};

/// Both tiers' stages on one network, asked window by window.
class Tiers {
 public:
  struct Tally {
    std::uint64_t windows = 0;
    std::uint64_t node = 0;     // its exit accepts
    std::uint64_t gateway = 0;  // the gateway's does
    std::uint64_t cloud = 0;    // the cloud's does
    std::uint64_t unsure = 0;
    std::size_t bytes = 0;  // of activations
  };

  explicit Tiers(const Network& network)
      : network_(network),
        feeder_(network),
        head_(network.head_plan()),
        whole_(network.plan()),
        rest_(network.plan()),
        gateway_({.batch = 1},
                 [this](PackageHash,
                        std::span<const std::byte> activation) -> Result<gateway::tail::Finished> {
                   TRIB_TRY_ASSIGN(
                       const auto answer,
                       runner_.Decide(network_, activation, network_.ExitOf(std::uint8_t{4})));
                   return gateway::tail::Finished{
                       answer.decision, network_.ScoresOf(answer.decision), answer.final};
                 }),
        cloud_({.batch = 1},
               [this](PackageHash,
                      std::span<const std::byte> activation) -> Result<cloud::tail::Finished> {
                 const std::array<std::size_t, 2> exits{0, network_.last_exit()};
                 std::array<host::tail::TailRunner::Answer, 2> answers;
                 TRIB_TRY(runner_.Decide(network_, activation, exits, answers));
                 return cloud::tail::Finished{answers[1].decision,
                                              network_.ScoresOf(answers[1].decision),
                                              answers[0].decision.label};
               }) {}

  [[nodiscard]] const dsp::Recipe& recipe() const { return feeder_.recipe(); }
  [[nodiscard]] const Tally& tally() const { return tally_; }

  void Check(std::span<const std::int16_t> samples, float scale) {
    const nn::Plan& plan = network_.plan();
    const auto& exits = network_.classifier().exits;
    feeder_.Feed(whole_.runner(), plan, samples, scale);
    whole_.runner().Run();
    feeder_.Feed(head_.runner(), network_.head_plan(), samples, scale);
    head_.runner().Run();
    ASSERT_EQ(head_.Output(0), whole_.Output(0)) << "the node's logits";
    Bytes activation(network_.split().max_activation_bytes);
    const auto size = nn::EncodeActivation(
        head_.runner(), network_.head_plan(), {network_.hash(), network_.split().cut}, activation);
    ASSERT_TRUE(size.ok());
    activation.resize(*size);
    ASSERT_TRUE(nn::DecodeActivation(activation, plan, rest_.runner()).ok());
    std::size_t at = network_.split().cut;
    for (std::size_t i = 1; i < exits.size(); ++i) {
      rest_.runner().Run(at, exits[i].operators);
      ASSERT_EQ(rest_.Output(i), whole_.Output(i)) << "logits of exit " << i + 1;
      at = exits[i].operators;
    }
    ++tally_.windows;
    tally_.bytes += activation.size();
    tally_.node += Uncut(0).accepted ? 1U : 0U;
    AskStages(activation);
  }

 private:
  classify::Decision Uncut(std::size_t exit) {
    const nn::Port port = network_.plan().output(exit);
    return classify::Judge(network_.classifier(),
                           exit,
                           whole_.Output(exit),
                           port,
                           network_.plan().tensor(port.tensor).zero_point);
  }
  void AskStages(const Bytes& activation) {
    message::Record record;
    record.header.key = {
        NodeId(1), EnrolmentEpoch(1), 1, static_cast<std::uint32_t>(tally_.windows)};
    record.header.package_hash = network_.hash();
    record.kind = message::RecordKind::kActivation;
    record.activation = {activation};
    const std::string sealed =
        host::message::EncodeSealedRecord(host::message::EncodeRecord(record));
    const auto id = static_cast<std::int64_t>(tally_.windows);
    (void)gateway_.Want();
    gateway_.Offer({{id, 1, sealed}}, MonotonicTime());
    gateway::tail::Output out;
    gateway_.Run({MonotonicTime(), 1}, out);
    gateway_.Committed(1);
    ASSERT_EQ(out.outcomes.size(), 1U);
    const classify::Decision middle = Uncut(network_.ExitOf(std::uint8_t{4}));
    ASSERT_EQ(out.outcomes[0].verdict.empty(), !middle.accepted);
    if (middle.accepted) {
      tributary::v1::TierVerdict verdict;
      ASSERT_TRUE(verdict.ParseFromString(out.outcomes[0].verdict));
      EXPECT_EQ(verdict.label(), middle.label);
      const auto scores = network_.ScoresOf(middle);
      ASSERT_TRUE(std::equal(
          verdict.scores().begin(), verdict.scores().end(), scores.begin(), scores.end()));
      ++tally_.gateway;
      return;
    }
    record.header.audit = true;
    const cloud::Undecided waiting[] = {
        {id, 1, host::message::EncodeSealedRecord(host::message::EncodeRecord(record)), false}};
    const auto decided = cloud_.Run(waiting, 1).decided;
    ASSERT_EQ(decided.size(), 1U);
    ASSERT_TRUE(decided[0].verdict.has_value());
    const classify::Decision last = Uncut(network_.last_exit());
    EXPECT_EQ(decided[0].verdict->label, last.label);
    EXPECT_EQ(decided[0].verdict->accepted, last.accepted);
    ASSERT_EQ(decided[0].verdict->scores, network_.ScoresOf(last));
    EXPECT_EQ(decided[0].own_label, Uncut(0).label) << "it comes with the activation";
    ++(last.accepted ? tally_.cloud : tally_.unsure);
  }

  const Network& network_;
  Feeder feeder_;
  Running head_;
  Running whole_;
  Running rest_;
  TailRunner runner_;
  gateway::tail::Tail gateway_;
  cloud::tail::Tail cloud_;
  Tally tally_;
};

/// Every whole window of a recording.
void Play(const host::recording::Manifest& manifest, std::size_t index, Tiers& tiers) {
  host::recording::PlayOptions options;
  options.order = {{.recording = index}};
  std::vector<std::string> errors;
  auto player = host::recording::Player::Open(manifest, options, errors);
  ASSERT_TRUE(player.ok()) << (errors.empty() ? "" : errors[0]);
  const auto& recording = manifest.recordings[index];
  std::vector<std::int16_t> samples(std::size_t{tiers.recipe().window_frames} *
                                    recording.channels.size());
  while (true) {
    const auto block = player->Read(samples);
    if (!block.ok()) {
      ASSERT_EQ(block.status().code(), Code::kOutOfRange);
      return;
    }
    if (block->frames == tiers.recipe().window_frames) {
      ASSERT_NO_FATAL_FAILURE(tiers.Check(samples, static_cast<float>(recording.scale)));
    }
  }
}

TEST(DeferredRecordings, EveryTierSaysWhatTheUncutNetworkSays) {
  const char* source = std::getenv("TRIB_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "ctest sets it";
  const fs::path folder = fs::path(source) / "workloads/bearing";
  ASSERT_TRUE(fs::exists(folder / "bearing-tail.trib")) << "no trained package in " << folder;
  TRIB_SHARED_DIR_OR_SKIP(shared);
  std::string error;
  auto head = host::package::ReadPackageFile(folder / "bearing.trib", &error);
  auto tail = host::package::ReadPackageFile(folder / "bearing-tail.trib", &error);
  ASSERT_TRUE(head.ok() && tail.ok()) << error;
  const auto network = Network::Join(*std::move(head), *std::move(tail), error);
  ASSERT_TRUE(network.ok()) << error;
  std::vector<std::string> errors;
  const auto data = tools::adapters::Import("cwru", shared / "data/cwru", errors);
  ASSERT_TRUE(data.ok()) << (errors.empty() ? "" : errors[0]);
  Tiers tiers(**network);
  std::size_t played = 0;
  for (std::size_t i = 0; i < data->recordings.size(); ++i) {
    const auto& recording = data->recordings[i];
    if (recording.channels.size() != tiers.recipe().channels ||
        recording.fs_hz != tiers.recipe().sample_rate_hz) {
      continue;
    }
    ASSERT_NO_FATAL_FAILURE(Play(*data, i, tiers)) << recording.file;
    ++played;
  }
  const Tiers::Tally& tally = tiers.tally();
  ASSERT_GT(tally.windows, 0U) << "no recording has this sensor's channels and rate";
  std::cout << tally.windows << " windows of " << played << " of " << data->recordings.size()
            << " recordings, all deferred: the gateway decides " << tally.gateway << ", the cloud "
            << tally.cloud << ", nobody is sure of " << tally.unsure
            << "; the node's own exit would "
            << "have taken " << tally.node << "; " << tally.bytes / tally.windows
            << " bytes an activation\n";
}

}  // namespace
}  // namespace trib::integration
