// The models of shared/golden, compiled and run, against what TFLite's reference kernels computed.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "trib/common/host/compiler/compiler.h"
#include "trib/common/host/tflite/model.h"
#include "trib/common/nn/runner.h"
#include "trib/testing/shared_data.h"

namespace trib::host::compiler {
namespace {

constexpr int kSamples = 33;

std::vector<std::byte> ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  std::vector<std::byte> bytes(text.size());
  std::transform(
      text.begin(), text.end(), bytes.begin(), [](char c) { return static_cast<std::byte>(c); });
  return bytes;
}

/// CRC-32 as zlib has it, bit by bit.
std::uint32_t Crc32(std::span<const std::byte> bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const std::byte b : bytes) {
    crc ^= static_cast<std::uint32_t>(b);
    for (int i = 0; i < 8; ++i) {
      crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
    }
  }
  return ~crc;
}

std::string Two(int sample) {
  return (sample < 10 ? "0" : "") + std::to_string(sample);
}

/// crcs[operator][sample] from layers.txt or seqlayers.txt.
std::vector<std::vector<std::uint32_t>> ReadLayers(const std::filesystem::path& path) {
  std::vector<std::vector<std::uint32_t>> layers;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') {
      continue;
    }
    std::istringstream words(line.substr(line.find(';') + 1));
    std::vector<std::uint32_t> crcs;
    for (std::string word; words >> word;) {
      crcs.push_back(static_cast<std::uint32_t>(std::stoul(word, nullptr, 16)));
    }
    layers.push_back(std::move(crcs));
  }
  return layers;
}

/// A compiled model with memory of exactly the stated size.
class Machine {
 public:
  explicit Machine(Compiled compiled)
      : compiled_(std::move(compiled)),
        plan_(Load(compiled_)),
        arena_(compiled_.arena_bytes / 4),
        state_((compiled_.state_bytes + 3) / 4),
        runner_(*nn::Runner::Open(plan_, arena(), std::as_writable_bytes(std::span(state_)))) {}

  std::span<std::byte> arena() { return std::as_writable_bytes(std::span(arena_)); }
  const nn::Plan& plan() const { return plan_; }
  nn::Runner& runner() { return runner_; }
  /// Puts nonsense everywhere: nothing but inputs and state may matter.
  void Soil(std::uint32_t with) { std::fill(arena_.begin(), arena_.end(), with); }
  void Feed(std::span<const std::byte> input) {
    const auto to = runner_.input(0);
    ASSERT_EQ(to.size(), input.size());
    std::copy(input.begin(), input.end(), to.begin());
  }

 private:
  static nn::Plan Load(const Compiled& compiled) {
    const auto plan = nn::Plan::Load(compiled.plan, compiled.weights);
    EXPECT_TRUE(plan.ok());
    return *plan;
  }

  const Compiled compiled_;
  nn::Plan plan_;
  std::vector<std::uint32_t> arena_;
  std::vector<std::uint32_t> state_;
  nn::Runner runner_;
};

struct Golden {
  const char* folder;
  const char* file;
  std::uint32_t most_arena;  ///< 0 = not stated
};

class GoldenModels : public ::testing::TestWithParam<Golden> {
 protected:
  void SetUp() override {
    const auto shared = testing::SharedDir();
    if (!shared || !std::filesystem::exists(*shared / "golden")) {
      GTEST_SKIP() << "NOT TESTED: no golden models here (shared/golden beside the repository)";
    }
    folder_ = *shared / "golden" / GetParam().folder;
    file_ = ReadFile(folder_ / GetParam().file);
    std::string error;
    auto model = tflite::Read(file_, error);
    ASSERT_TRUE(model.ok()) << error;
    model_ = *std::move(model);
    for (int i = 0; i < kSamples; ++i) {
      inputs_.push_back(ReadFile(folder_ / ("in_" + Two(i) + ".bin")));
      outputs_.push_back(ReadFile(folder_ / ("out_" + Two(i) + ".bin")));
    }
    layers_ = ReadLayers(folder_ / "layers.txt");
  }

  Compiled Make(const Options& options) {
    std::string error;
    auto compiled = Compile(model_, options, error);
    EXPECT_TRUE(compiled.ok()) << error;
    return compiled.ok() ? *std::move(compiled) : Compiled();
  }
  static void ExpectOutput(Machine& machine, const std::vector<std::byte>& expected, int sample) {
    const auto out = machine.runner().output(0);
    ASSERT_EQ(out.size(), expected.size());
    EXPECT_TRUE(std::equal(out.begin(), out.end(), expected.begin())) << "sample " << sample;
  }
  /// Runs operator by operator and compares what each leaves with the reference's CRC.
  void ExpectLayers(Machine& machine,
                    int sample,
                    const std::vector<std::vector<std::uint32_t>>& layers) {
    nn::Plan::Walk walk(machine.plan());
    for (std::size_t i = 0; i < machine.plan().operators(); ++i) {
      const nn::Operator op = walk.Next();
      machine.runner().Run(i, i + 1);
      ASSERT_EQ(Crc32(machine.runner().tensor(op.output)),
                layers[op.source][static_cast<std::size_t>(sample)])
          << nn::OpcodeName(op.opcode) << " " << op.source << ", sample " << sample;
    }
  }
  void ExpectEveryCut(const Compiled& compiled);

  std::filesystem::path folder_;
  std::vector<std::byte> file_;
  tflite::Model model_;
  std::vector<std::vector<std::byte>> inputs_;
  std::vector<std::vector<std::byte>> outputs_;
  std::vector<std::vector<std::uint32_t>> layers_;
};

TEST_P(GoldenModels, EveryLayerOfEverySampleIsTheReferences) {
  const Compiled compiled = Make({.fuse = false});
  ASSERT_EQ(layers_.size(), model_.operators.size());
  for (int i = 0; i < kSamples; ++i) {
    Machine machine(compiled);
    ASSERT_EQ(machine.plan().operators(), model_.operators.size());
    machine.Soil(0xA5A5A5A5U);
    machine.runner().Reset();
    machine.Feed(inputs_[static_cast<std::size_t>(i)]);
    ExpectLayers(machine, i, layers_);
    ExpectOutput(machine, outputs_[static_cast<std::size_t>(i)], i);
  }
}

TEST_P(GoldenModels, FusedPlansGiveTheSameOutputsAndSurvivingTensors) {
  for (const bool overlap : {true, false}) {
    Machine machine(Make({.fuse = true, .overlap = overlap}));
    for (int i = 0; i < kSamples; ++i) {
      machine.Soil(0x5A5A5A5AU + static_cast<std::uint32_t>(i));
      machine.runner().Reset();
      machine.Feed(inputs_[static_cast<std::size_t>(i)]);
      ExpectLayers(machine, i, layers_);
      ExpectOutput(machine, outputs_[static_cast<std::size_t>(i)], i);
    }
  }
}

TEST_P(GoldenModels, SequencesWithoutResetAreTheReferences) {
  if (!std::filesystem::exists(folder_ / "seqout_00.bin")) {
    return;  // stateless
  }
  const auto layers = ReadLayers(folder_ / "seqlayers.txt");
  for (const bool fuse : {true, false}) {
    Machine machine(Make({.fuse = fuse}));
    machine.runner().Reset();
    for (int i = 0; i < kSamples; ++i) {
      machine.Soil(0);
      machine.Feed(inputs_[static_cast<std::size_t>(i)]);
      ExpectLayers(machine, i, layers);
      ExpectOutput(machine, ReadFile(folder_ / ("seqout_" + Two(i) + ".bin")), i);
    }
  }
}

void GoldenModels::ExpectEveryCut(const Compiled& compiled) {
  Machine head(compiled);
  Machine tail(compiled);
  const std::size_t operators = head.plan().operators();
  // Layers are compared above; two samples of each kind are enough for what cuts add.
  for (const int i : {0, 20, 32}) {
    for (std::size_t cut = 1; cut < operators; ++cut) {
      const auto live = head.plan().LiveAt(cut);
      ASSERT_TRUE(live.ok());
      head.Soil(0x11111111U);
      tail.Soil(0xEEEEEEEEU);
      head.runner().Reset();
      tail.runner().Reset();
      head.Feed(inputs_[static_cast<std::size_t>(i)]);
      head.runner().Run(0, cut);
      for (const nn::TensorIndex t : *live) {
        const auto from = head.runner().tensor(t);
        std::copy(from.begin(), from.end(), tail.runner().tensor(t).begin());
      }
      tail.runner().Run(cut, operators);
      ExpectOutput(tail, outputs_[static_cast<std::size_t>(i)], i);
    }
  }
}

TEST_P(GoldenModels, EveryCutOfTheUnfusedPlanGivesTheSameBytes) {
  ExpectEveryCut(Make({.fuse = false}));
}

TEST_P(GoldenModels, EveryCutOfTheFusedPlanGivesTheSameBytes) {
  ExpectEveryCut(Make({.fuse = true}));
}

TEST_P(GoldenModels, NeedsNoMoreMemoryThanStated) {
  const Compiled compiled = Make({});
  const Compiled apart = Make({.overlap = false});
  std::printf(
      "%-30s arena %6u (without overlap %6u, liveness peak %6llu), scratch %4u, state %5u, "
      "plan %5zu, weights %6zu\n",
      GetParam().folder,
      compiled.arena_bytes,
      apart.arena_bytes,
      static_cast<unsigned long long>(compiled.liveness_peak),
      compiled.scratch_bytes,
      compiled.state_bytes,
      compiled.plan.size(),
      compiled.weights.size());
  if (GetParam().most_arena != 0) {
    EXPECT_LE(compiled.arena_bytes, GetParam().most_arena);
  }
}

INSTANTIATE_TEST_SUITE_P(All,
                         GoldenModels,
                         ::testing::Values(Golden{"ad01_int8", "ad01_int8.tflite", 1536},
                                           Golden{"kws", "kws_ref_model.tflite", 18000},
                                           Golden{"resnet", "pretrainedResnet_quant.tflite", 53000},
                                           Golden{"vww", "vww_96_int8.tflite", 58000},
                                           Golden{"sww", "str_ww_ref_model.tflite", 9000},
                                           Golden{"hello_world_int8", "hello_world_int8.tflite", 0},
                                           Golden{"keyword_scrambled_8bit_nobias",
                                                  "keyword_scrambled_8bit_nobias.tflite",
                                                  0},
                                           Golden{
                                               "mnist_lstm_int8", "trained_lstm_int8.tflite", 0}),
                         [](const auto& model) { return std::string(model.param.folder); });

}  // namespace
}  // namespace trib::host::compiler
