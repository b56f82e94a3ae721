// The models of shared/golden on the boards: each operator's output and the whole output, bit for
// bit what TFLite's reference kernels gave; and networks cut in two, the head on the board, the
// tail here.
#include "golden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "board.h"
#include "job_memory.h"
#include "scratch_folder.h"
#include "trib/common/nn/activation.h"
#include "trib/common/nn/runner.h"
#include "trib/testing/shared_data.h"

namespace trib::bench::mcu {
namespace {

using host::compiler::Compiled;
using Samples = std::vector<std::size_t>;

// Of each kind of input one that shows something: noise, a walk, all equal.
const Samples kFew = {0, 20, 32};

Samples All() {
  Samples all(kGoldenSamples);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i] = i;
  }
  return all;
}

struct Case {
  const Board* board;
  const GoldenName* golden;
};

/// A tail with memory of exactly the stated size.
class Tail {
 public:
  explicit Tail(const Compiled& compiled)
      : plan_(*nn::Plan::Load(compiled.plan, compiled.weights)),
        arena_(compiled.arena_bytes / 4),
        state_((compiled.state_bytes + 3) / 4),
        runner_(*nn::Runner::Open(plan_,
                                  std::as_writable_bytes(std::span(arena_)),
                                  std::as_writable_bytes(std::span(state_)))) {}
  /// CRC of the output when the network goes on with what a board sent.
  Result<std::uint32_t> Finish(std::span<const std::byte> payload, std::size_t cut) {
    std::fill(arena_.begin(), arena_.end(), 0xEEEEEEEEU);
    runner_.Reset();
    TRIB_TRY(nn::DecodeActivation(payload, plan_, runner_));
    runner_.Run(cut, plan_.operators());
    return Crc32(runner_.output(0));
  }

 private:
  nn::Plan plan_;
  std::vector<std::uint32_t> arena_;
  std::vector<std::uint32_t> state_;
  nn::Runner runner_;
};

class BoardGoldens : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const std::string missing = MissingFor(board(), "mcu_engine", false);
    if (!missing.empty()) {
      GTEST_SKIP() << "NOT TESTED: " << missing;
    }
    TRIB_SHARED_DIR_OR_SKIP(shared);
    std::string error;
    golden_ = ReadGolden(shared / "golden", *GetParam().golden, error);
    ASSERT_TRUE(golden_) << error;
  }

  const Board& board() const { return *GetParam().board; }
  Compiled Make(bool fuse) {
    std::string error;
    auto compiled = host::compiler::Compile(golden_->model, {.fuse = fuse}, error);
    EXPECT_TRUE(compiled.ok()) << error;
    return compiled.ok() ? *std::move(compiled) : Compiled();
  }
  std::vector<std::vector<std::byte>> Inputs(const Samples& samples) const {
    std::vector<std::vector<std::byte>> out;
    for (const std::size_t sample : samples) {
      out.push_back(golden_->inputs[sample]);
    }
    return out;
  }
  /// What the board makes of the jobs.
  std::vector<std::byte> OnBoard(const JobMemory& jobs) {
    std::string error;
    auto run = mcu::RunImage(
        board(), {.image = "mcu_engine", .folder = folder_.path()}, jobs.Build(), error);
    EXPECT_TRUE(run) << error;
    return run ? std::move(run->memory) : std::vector<std::byte>();
  }

  void ExpectOutputs(const JobMemory& jobs,
                     const std::vector<std::byte>& memory,
                     std::size_t job,
                     const Samples& samples);
  void ExpectLayers(const JobMemory& jobs,
                    const std::vector<std::byte>& memory,
                    std::size_t job,
                    const Compiled& compiled,
                    const Samples& samples,
                    bool sequence);
  void ExpectModel(const Samples& samples, const Samples& fused_samples);
  void ExpectCuts(const Samples& samples, const std::vector<std::size_t>& cuts);

  std::unique_ptr<Golden> golden_;
  ScratchFolder folder_;
  std::size_t compared_ = 0;
};

void BoardGoldens::ExpectOutputs(const JobMemory& jobs,
                                 const std::vector<std::byte>& memory,
                                 std::size_t job,
                                 const Samples& samples) {
  std::string error;
  const auto words = jobs.Words(memory, job, error);
  ASSERT_TRUE(words) << error;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ((*words)[i].at(0), golden_->output_crcs[samples[i]]) << "sample " << samples[i];
    ++compared_;
  }
}

void BoardGoldens::ExpectLayers(const JobMemory& jobs,
                                const std::vector<std::byte>& memory,
                                std::size_t job,
                                const Compiled& compiled,
                                const Samples& samples,
                                bool sequence) {
  std::string error;
  const auto words = jobs.Words(memory, job, error);
  ASSERT_TRUE(words) << error;
  const auto& layers = sequence ? golden_->sequence_layer_crcs : golden_->layer_crcs;
  const auto& outputs = sequence ? golden_->sequence_output_crcs : golden_->output_crcs;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto& found = (*words)[i];
    ASSERT_EQ(found.size(), compiled.report.size() + 1);
    for (std::size_t op = 0; op + 1 < found.size(); ++op) {
      const auto& report = compiled.report[op];
      ASSERT_EQ(found[op], layers[report.source][samples[i]])
          << report.name << " " << report.source << ", sample " << samples[i];
      ++compared_;
    }
    EXPECT_EQ(found.back(), outputs[samples[i]]) << "sample " << samples[i];
    ++compared_;
  }
}

/// Of fused plans, whole and by layers, only `fused_samples`.
void BoardGoldens::ExpectModel(const Samples& samples, const Samples& fused_samples) {
  const Compiled layered = Make(false);
  const Compiled fused = Make(true);
  ASSERT_EQ(layered.report.size(), golden_->model.operators.size());
  const auto inputs = Inputs(fused_samples);
  JobMemory jobs;
  const std::size_t layers = jobs.Add(JobKind::kLayers, layered, Inputs(samples));
  const std::size_t fused_layers = jobs.Add(JobKind::kLayers, fused, inputs);
  const std::size_t whole = jobs.Add(JobKind::kWhole, fused, inputs);
  std::size_t sequence = 0;
  std::size_t fused_sequence = 0;
  // What is remembered of the samples before makes the difference, so none is left out.
  const auto all = Inputs(All());
  if (golden_->stateful()) {
    sequence = jobs.Add(JobKind::kSequence, layered, all);
    fused_sequence = jobs.Add(JobKind::kSequence, fused, all);
  }
  const auto memory = OnBoard(jobs);
  if (memory.empty()) {
    return;  // said why
  }
  ExpectLayers(jobs, memory, layers, layered, samples, false);
  ExpectLayers(jobs, memory, fused_layers, fused, fused_samples, false);
  ExpectOutputs(jobs, memory, whole, fused_samples);
  if (golden_->stateful()) {
    ExpectLayers(jobs, memory, sequence, layered, All(), true);
    ExpectLayers(jobs, memory, fused_sequence, fused, All(), true);
  }
  std::printf("%s on %s: %zu checksums compared\n",
              golden_->name.c_str(),
              std::string(board().name).c_str(),
              compared_);
}

void BoardGoldens::ExpectCuts(const Samples& samples, const std::vector<std::size_t>& cuts) {
  const Compiled compiled = Make(true);
  const auto inputs = Inputs(samples);
  JobMemory jobs;
  for (const std::size_t cut : cuts) {
    (void)jobs.Add(JobKind::kHead, compiled, inputs, cut);
  }
  const auto memory = OnBoard(jobs);
  if (memory.empty()) {
    return;  // said why
  }
  Tail tail(compiled);
  std::size_t bytes = 0;
  for (std::size_t job = 0; job < cuts.size(); ++job) {
    std::string error;
    const auto payloads = jobs.Payloads(memory, job, error);
    ASSERT_TRUE(payloads) << error;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const auto crc = tail.Finish((*payloads)[i], cuts[job]);
      ASSERT_TRUE(crc.ok()) << "cut " << cuts[job] << ", sample " << samples[i];
      EXPECT_EQ(*crc, golden_->output_crcs[samples[i]])
          << "cut " << cuts[job] << ", sample " << samples[i];
      bytes += (*payloads)[i].size();
      ++compared_;
    }
  }
  std::printf("%s, head on %s: %zu cuts x %zu samples, %zu bytes of activations\n",
              golden_->name.c_str(),
              std::string(board().name).c_str(),
              cuts.size(),
              samples.size(),
              bytes);
}

std::vector<std::size_t> EveryCut(const Compiled& compiled) {
  std::vector<std::size_t> cuts;
  for (const auto& report : compiled.cuts) {
    if (report.cut > 0 && report.cut < compiled.report.size()) {
      cuts.push_back(report.cut);
    }
  }
  return cuts;
}

TEST_P(BoardGoldens, LayersAndOutputsAreTheReferences) {
  ExpectModel(kFew, {20});
}

TEST_P(BoardGoldens, SlowLayersAndOutputsOfEverySampleAreTheReferences) {
  ExpectModel(All(), All());
}

// The first, the middle and the last cut; inside a residual block two tensors live.
TEST_P(BoardGoldens, TailGoesOnWithWhatTheBoardSends) {
  const auto cuts = EveryCut(Make(true));
  if (cuts.empty()) {
    return;  // one operator
  }
  ExpectCuts({0, 20}, {cuts.front(), cuts[cuts.size() / 2], cuts.back()});
}

TEST_P(BoardGoldens, SlowTailGoesOnFromEveryCut) {
  const auto cuts = EveryCut(Make(true));
  if (!cuts.empty()) {
    ExpectCuts(kFew, cuts);
  }
}

std::vector<Case> EveryCase() {
  std::vector<Case> cases;
  for (const Board& board : kBoards) {
    for (const GoldenName& golden : kGoldens) {
      cases.push_back({&board, &golden});
    }
  }
  return cases;
}

std::string NameOf(const ::testing::TestParamInfo<Case>& info) {
  std::string name = std::string(info.param.board->name) + "_" + info.param.golden->folder;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, BoardGoldens, ::testing::ValuesIn(EveryCase()), NameOf);

}  // namespace
}  // namespace trib::bench::mcu
