#include "window.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
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
    {"statistics", "trib::node::app::NodeLoop::Describe("},
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
constexpr const char* kSensor = "trib::bench::mcu::WindowSensor::Read(";
constexpr const char* kActuator = "trib::bench::mcu::WindowActuator::Set(";

crypto::KeyPair ThrowawayKey() {
  crypto::SecretSeed seed;
  seed.bytes.fill(std::byte{0x42});
  return crypto::Ed25519KeyPairFromSeed(seed);
}

std::vector<std::int16_t> Play(const WindowScene& scene) {
  simulation::MachineConfig config = simulation::DefaultMachine();
  config.sample_rate_hz = scene.sample_rate_hz;
  (void)config.faults.push_back(simulation::FaultOf(simulation::FaultKind::kOuterRace));
  simulation::Machine machine(config, 7);
  machine.SetSeverity(0, 0);
  std::vector<std::int16_t> samples(std::size_t{scene.sample_rate_hz} *
                                    (scene.healthy_s + scene.faulty_s));
  const std::size_t healthy = std::size_t{scene.sample_rate_hz} * scene.healthy_s;
  (void)machine.Read(std::span(samples).first(healthy));
  machine.SetSeverity(0, 1);
  (void)machine.Read(std::span(samples).subspan(healthy));
  return samples;
}

/// The specification with another window. @returns false with one line in `error`.
bool WriteWithWindow(const WindowScene& scene,
                     const std::filesystem::path& to,
                     std::string& error) {
  constexpr std::string_view kLine = "\nwindow = 1024\n";
  std::ifstream in(scene.package);
  std::string text(std::istreambuf_iterator<char>(in), {});
  const auto at = text.find(kLine);
  if (at == std::string::npos) {
    error = scene.package.string() + ": has no line \"window = 1024\"";
    return false;
  }
  text.replace(at, kLine.size(), "\nwindow = " + std::to_string(scene.window_frames) + "\n");
  std::ofstream(to) << text;
  return true;
}

/// @returns nullopt with one line in `error`.
std::optional<std::vector<std::byte>> PackageOf(const WindowScene& scene, std::string& error) {
  const ScratchFolder folder;
  std::filesystem::path spec = scene.package;
  if (scene.window_frames != 0) {
    spec = folder.path() / "package.toml";
    if (!WriteWithWindow(scene, spec, error)) {
      return std::nullopt;
    }
  }
  auto file = spec.extension() == ".toml" ? host::package::BuildPackage(spec, &error)
                                          : host::package::ReadPackageFile(spec, &error);
  if (!file.ok()) {
    return std::nullopt;
  }
  return *std::move(file);
}

/// The memory that the image finds. @returns nullopt with one line in `error`.
std::optional<std::vector<std::byte>> MemoryOf(const WindowScene& scene, std::string& error) {
  const auto file = PackageOf(scene, error);
  if (!file) {
    return std::nullopt;
  }
  const crypto::KeyPair key = ThrowawayKey();
  const auto signed_file = host::package::SignPackage(*file, key.seed, &error);
  if (!signed_file.ok()) {
    return std::nullopt;
  }
  WindowJob job;
  job.sample_rate_hz = scene.sample_rate_hz;
  const auto samples = Play(scene);
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

/// From where the sensor returns to where the actuator is called.
std::optional<Span> PathOf(const Listing& listing, std::string& error) {
  const auto sensor = listing.Find(kSensor, error);
  const auto actuator = listing.Find(kActuator, error);
  if (!sensor || !actuator) {
    return std::nullopt;
  }
  Span path{
      .name = "from the sensor's return to the Actuator", .begins = {}, .ends = {actuator->begin}};
  for (const Instruction& instruction : listing.instructions()) {
    const bool inside = instruction.address >= sensor->begin && instruction.address < sensor->end;
    if (inside && (instruction.operands.ends_with("pc}") || instruction.operands == "lr")) {
      // A block that fills no window is followed by another; the last before a decision counts.
      path.anew.push_back(instruction.address);
    }
  }
  if (path.anew.empty()) {
    error = std::string(kSensor) + ": it never returns";
    return std::nullopt;
  }
  return path;
}

/// The stages, and last the path.
std::optional<std::vector<Span>> SpansOf(const Listing& listing, std::string& error) {
  std::vector<Span> spans;
  for (const Stage& stage : kStages) {
    auto span = CallOf(listing, stage.function, error);
    if (!span) {
      return std::nullopt;
    }
    spans.push_back(*std::move(span));
  }
  auto path = PathOf(listing, error);
  if (!path) {
    return std::nullopt;
  }
  spans.push_back(*std::move(path));
  for (Span& span : spans) {
    span.after = kTrigger;
  }
  return spans;
}

/// Only what the path takes: its blocks may be of one sample, and each span costs at each.
std::optional<std::vector<Span>> PathAndTriggerOf(const Listing& listing, std::string& error) {
  auto trigger = CallOf(listing, kStages[kTrigger].function, error);
  auto path = PathOf(listing, error);
  if (!trigger || !path) {
    return std::nullopt;
  }
  path->after = 0;
  return std::vector<Span>{*std::move(trigger), *std::move(path)};
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

struct Counted {
  WindowCost cost;  ///< without its stages
  Listing listing;
  std::vector<Span> spans;
  std::vector<SpanCounts> counts;
};

/// @param spans_of  what to count, of the image's listing
std::optional<Counted> Count(const Board& board,
                             const WindowScene& scene,
                             std::optional<std::vector<Span>> (*spans_of)(const Listing&,
                                                                          std::string&),
                             std::string& error) {
  const auto memory = MemoryOf(scene, error);
  const auto expected = memory ? RunHere(*memory, error) : std::nullopt;
  auto listing = expected ? ListingOf(board, kImage, error) : std::nullopt;
  auto spans = listing ? spans_of(*listing, error) : std::nullopt;
  if (!spans) {
    return std::nullopt;
  }
  const ScratchFolder folder;
  auto run =
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
  return Counted{std::move(cost), *std::move(listing), *std::move(spans), std::move(run->spans)};
}

StageCost PathCostOf(const Board& board, const Counted& counted) {
  StageCost path = CostOf(board, counted.listing, counted.counts.back());
  path.name = "path";
  path.what = counted.spans.back().name;
  return path;
}

}  // namespace

std::vector<PathCase> PathCases() {
  const auto time = [](std::uint32_t window, std::uint32_t block) {
    return WindowScene{.package = "bench/mcu/trigger.toml",
                       .block_samples = block,
                       .sample_rate_hz = 10'000,
                       .window_frames = window};
  };
  const auto full = [](std::uint32_t block) {
    return WindowScene{.package = kPackages[0].file, .block_samples = block};
  };
  return {{"time, window 1,024, blocks of 1", time(1024, 1)},
          {"time, window 1,024, blocks of 16", time(1024, 16)},
          {"time, window 1,024, blocks of 64", time(1024, 64)},
          {"time, window 2,048, blocks of 1", time(2048, 1)},
          {"time, window 2,048, blocks of 16", time(2048, 16)},
          {"time, window 2,048, blocks of 64", time(2048, 64)},
          {"full bearing recipe, blocks of 16", full(16)}};
}

std::optional<WindowCost> CountWindow(const Board& board,
                                      const WindowScene& scene,
                                      std::string& error) {
  const auto counted = Count(board, scene, SpansOf, error);
  if (!counted) {
    return std::nullopt;
  }
  WindowCost cost = counted->cost;
  for (std::size_t i = 0; i < std::size(kStages); ++i) {
    StageCost stage = CostOf(board, counted->listing, counted->counts[i]);
    stage.name = kStages[i].name;
    stage.what = counted->spans[i].name;
    cost.stages.push_back(std::move(stage));
  }
  cost.stages.push_back(PathCostOf(board, *counted));
  return cost;
}

std::optional<StageCost> CountPath(const Board& board,
                                   const WindowScene& scene,
                                   std::string& error) {
  const auto counted = Count(board, scene, PathAndTriggerOf, error);
  if (!counted) {
    return std::nullopt;
  }
  if (counted->counts.back().instructions.empty()) {
    error = scene.package.string() + ": no window since a baseline was learned";
    return std::nullopt;
  }
  return PathCostOf(board, *counted);
}

}  // namespace trib::bench::mcu
