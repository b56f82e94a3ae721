#include "window.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "run_window.h"
#include "scratch_folder.h"
#include "trib/common/host/package/package.h"
#include "trib/common/simulation/machine.h"

namespace trib::bench::mcu {
namespace {

constexpr std::string_view kImage = "mcu_window";
constexpr std::size_t kAlignment = 16;
constexpr float kScale = 16.0F / 32768.0F;

struct Stage {
  const char* name;
  const char* function;
};
constexpr Stage kStages[] = {
    {"buffer", "trib::node::sensing::WindowBuffer::Commit("},
    {"guardrails", "trib::node::sensing::Judge("},
    {"statistics", "trib::node::cascade::Measure("},
    {"features", "trib::node::features::FeatureStage::Extract("},
    {"trigger", "trib::node::cascade::Trigger::Step("},
    {"classifier", "trib::node::cascade::Classifier::Step("},
    {"sketch", "trib::sketch::SketchBuilder::AddWindow("},
    {"drift", "trib::node::cascade::DriftWatch::Step("},
    {"record", "trib::node::uplink::Uplink::Append("},
    {"encode", "trib::message::EncodeRecord("},
    {"backlog", "trib::node::uplink::Backlog::Append("},
    {"decision", "trib::node::app::NodeLoop::Decide("},
};
// The trigger is called for each window once the baseline is there.
constexpr std::size_t kTrigger = 4;
static_assert(std::string_view(kStages[kTrigger].name) == "trigger");
constexpr const char* kCommit = kStages[0].function;
constexpr const char* kActuator = "trib::bench::mcu::WindowActuator::Set(";

crypto::KeyPair ThrowawayKey() {
  crypto::SecretSeed seed;
  seed.bytes.fill(std::byte{0x42});
  return crypto::Ed25519KeyPairFromSeed(seed);
}

std::vector<std::int16_t> Play(const WindowScene& scene, std::uint32_t& rate_hz) {
  simulation::MachineConfig config = simulation::DefaultMachine();
  (void)config.faults.push_back(simulation::FaultOf(simulation::FaultKind::kOuterRace));
  rate_hz = config.sample_rate_hz;
  simulation::Machine machine(config, 7);
  machine.SetSeverity(0, 0);
  std::vector<std::int16_t> samples(std::size_t{rate_hz} * (scene.healthy_s + scene.faulty_s));
  const std::size_t healthy = std::size_t{rate_hz} * scene.healthy_s;
  (void)machine.Read(std::span(samples).first(healthy));
  machine.SetSeverity(0, 1);
  (void)machine.Read(std::span(samples).subspan(healthy));
  return samples;
}

/// The memory that the image finds. @returns nullopt with one line in `error`.
std::optional<std::vector<std::byte>> MemoryOf(const WindowScene& scene, std::string& error) {
  const auto file = scene.package.extension() == ".toml"
                        ? host::package::BuildPackage(scene.package, &error)
                        : host::package::ReadPackageFile(scene.package, &error);
  if (!file.ok()) {
    return std::nullopt;
  }
  const crypto::KeyPair key = ThrowawayKey();
  const auto signed_file = host::package::SignPackage(*file, key.seed, &error);
  if (!signed_file.ok()) {
    return std::nullopt;
  }
  WindowJob job;
  const auto samples = Play(scene, job.sample_rate_hz);
  std::vector<std::byte> memory(sizeof job);
  const auto place = [&memory](std::span<const std::byte> bytes) {
    memory.resize((memory.size() + kAlignment - 1) / kAlignment * kAlignment);
    const std::size_t offset = memory.size();
    memory.insert(memory.end(), bytes.begin(), bytes.end());
    return static_cast<std::uint32_t>(offset);
  };
  job.magic = kWindowMagic;
  job.package_offset = place(*signed_file);
  job.package_bytes = static_cast<std::uint32_t>(signed_file->size());
  job.samples_offset = place(std::as_bytes(std::span(samples)));
  job.samples = static_cast<std::uint32_t>(samples.size());
  job.block_samples = scene.block_samples;
  job.scale = kScale;
  job.node = 77;
  job.package_key = key.public_key.bytes;
  job.bytes = static_cast<std::uint32_t>(memory.size());
  std::memcpy(memory.data(), &job, sizeof job);
  return memory;
}

WindowJob JobOf(std::span<const std::byte> memory) {
  WindowJob job;
  std::memcpy(&job, memory.data(), sizeof job);
  return job;
}

/// What must come out.
std::optional<WindowReport> RunHere(std::span<const std::byte> memory, std::string& error) {
  // Aligned as a board's memory is: a network is read in place.
  std::vector<std::max_align_t> copy(memory.size() / sizeof(std::max_align_t) + 1);
  const auto bytes = std::as_writable_bytes(std::span(copy)).first(memory.size());
  std::copy(memory.begin(), memory.end(), bytes.begin());
  const auto node = std::make_unique<WindowMemory>();
  std::vector<std::byte> flash(kFlashBytes);
  const bool done = RunWindow(bytes, *node, flash);
  const WindowJob job = JobOf(bytes);
  if (!done || job.done != 1) {
    error = "the node does not take the package: status " + std::to_string(job.status >> 16U) +
            ", reason " + std::to_string(job.status & 0xFFFFU);
    return std::nullopt;
  }
  return job.report;
}

std::optional<std::vector<Span>> SpansOf(const Listing& listing, std::string& error) {
  std::vector<Span> spans;
  for (const Stage& stage : kStages) {
    auto span = CallOf(listing, stage.function, error);
    if (!span) {
      return std::nullopt;
    }
    spans.push_back(*std::move(span));
  }
  const auto commit = listing.Find(kCommit, error);
  const auto actuator = listing.Find(kActuator, error);
  if (!commit || !actuator) {
    return std::nullopt;
  }
  // A block that fills no window is followed by another; the last one before a decision counts.
  spans.push_back({"path", {}, {actuator->begin}, {commit->begin}});
  for (Span& span : spans) {
    span.after = kTrigger;
  }
  return spans;
}

StageCost CostOf(const Board& board, const Listing& listing, const SpanCounts& counts) {
  StageCost cost;
  std::vector<std::uint64_t> sorted = counts.instructions;
  if (sorted.empty()) {
    return cost;
  }
  std::sort(sorted.begin(), sorted.end());
  cost.calls = sorted.size();
  cost.least = sorted.front();
  cost.median = sorted[sorted.size() / 2];
  cost.most = sorted.back();
  if (board.cortex_m4) {
    cost.cycles = EstimateCortexM4Cycles(listing, counts.executions) / sorted.size();
  }
  return cost;
}

std::uint32_t StackOf(const std::string& console) {
  const auto at = console.find("stack ");
  return at == std::string::npos
             ? 0
             : static_cast<std::uint32_t>(std::strtoul(console.c_str() + at + 6, nullptr, 10));
}

}  // namespace

std::optional<WindowCost> CountWindow(const Board& board,
                                      const WindowScene& scene,
                                      std::string& error) {
  const auto memory = MemoryOf(scene, error);
  const auto expected = memory ? RunHere(*memory, error) : std::nullopt;
  const auto listing = expected ? ListingOf(board, kImage, error) : std::nullopt;
  const auto spans = listing ? SpansOf(*listing, error) : std::nullopt;
  if (!spans) {
    return std::nullopt;
  }
  const ScratchFolder folder;
  const auto run =
      RunImage(board, {.image = kImage, .folder = folder.path(), .spans = *spans}, *memory, error);
  if (!run) {
    return std::nullopt;
  }
  WindowCost cost;
  cost.report = JobOf(run->memory).report;
  cost.stack_bytes = StackOf(run->console);
  if (!(cost.report == *expected)) {
    error = std::string(board.name) + ": the node did or wrote something else than it does here";
    return std::nullopt;
  }
  for (std::size_t i = 0; i < spans->size(); ++i) {
    StageCost stage = CostOf(board, *listing, run->spans[i]);
    const bool path = i == std::size(kStages);
    stage.name = path ? "path" : kStages[i].name;
    stage.what = path ? "from a window's last block to the Actuator" : spans->at(i).name;
    cost.stages.push_back(std::move(stage));
  }
  return cost;
}

}  // namespace trib::bench::mcu
