// Activations: what lives at a cut goes over the link as bytes and the tail gives the uncut
// network's output; sizes on the golden models.
#include "trib/common/nn/activation.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "trib/common/host/compiler/compiler.h"
#include "trib/testing/shared_data.h"
#include "trib/testing/tflite_writer.h"

namespace trib::host::compiler {
namespace {

constexpr PackageHash kPackage{0x0123456789ABCDEFU};

class Engine {
 public:
  explicit Engine(const tflite::Model& model) {
    std::string error;
    auto compiled = Compile(model, {}, error);
    EXPECT_TRUE(compiled.ok()) << error;
    compiled_ = *std::move(compiled);
    plan_.push_back(*nn::Plan::Load(compiled_.plan, compiled_.weights));
    for (auto* memory : {&head_, &tail_}) {
      memory->arena.resize(compiled_.arena_bytes / 4 + 1);
      memory->state.resize(compiled_.state_bytes / 4 + 1);
      memory->runner.push_back(*nn::Runner::Open(plan(),
                                                 std::as_writable_bytes(std::span(memory->arena)),
                                                 std::as_writable_bytes(std::span(memory->state))));
      memory->runner[0].Reset();
    }
  }
  const nn::Plan& plan() const { return plan_[0]; }
  nn::Runner& head() { return head_.runner[0]; }
  nn::Runner& tail() { return tail_.runner[0]; }

  std::vector<std::byte> Whole(std::span<const std::byte> input) {
    Feed(input);
    head().Run();
    const auto out = head().output(0);
    return {out.begin(), out.end()};
  }
  std::vector<std::byte> Cut(std::span<const std::byte> input, std::uint16_t cut) {
    Feed(input);
    head().Run(0, cut);
    std::vector<std::byte> bytes(nn::MaxActivationBytes(plan(), cut));
    const auto size = nn::EncodeActivation(head(), plan(), {kPackage, cut}, bytes);
    EXPECT_TRUE(size.ok());
    bytes.resize(size.value_or(0));
    return bytes;
  }
  std::vector<std::byte> Finish(std::span<const std::byte> activation) {
    const auto header = nn::PeekActivation(activation);
    EXPECT_TRUE(header.ok() && header->package == kPackage);
    EXPECT_TRUE(nn::DecodeActivation(activation, plan(), tail()).ok());
    tail().Run(header->cut, plan().operators());
    const auto out = tail().output(0);
    return {out.begin(), out.end()};
  }

 private:
  void Feed(std::span<const std::byte> input) {
    head().Reset();
    std::copy(input.begin(), input.end(), head().input(0).begin());
  }
  struct Memory {
    std::vector<std::uint32_t> arena;
    std::vector<std::uint32_t> state;
    std::vector<nn::Runner> runner;
  };
  Compiled compiled_;
  std::vector<nn::Plan> plan_;
  Memory head_;
  Memory tail_;
};

std::vector<std::byte> RandomInput(std::size_t size, std::mt19937& random) {
  std::vector<std::byte> input(size);
  for (std::byte& b : input) {
    b = static_cast<std::byte>(random() >> 8U);
  }
  return input;
}

TEST(Activation, CarriesEveryCutOfRandomModels) {
  std::mt19937 random(7);
  for (std::uint32_t seed = 0; seed < 100; ++seed) {
    std::vector<std::vector<std::byte>> storage;
    const auto bytes = testing::WriteTflite(testing::SmallConvNet(seed, storage));
    std::string error;
    const auto model = tflite::Read(bytes, error);
    ASSERT_TRUE(model.ok()) << error;
    Engine engine(*model);
    const auto input = RandomInput(engine.head().input(0).size(), random);
    const auto expected = engine.Whole(input);
    for (std::uint16_t cut = 1; cut < engine.plan().operators(); ++cut) {
      EXPECT_EQ(engine.Finish(engine.Cut(input, cut)), expected) << seed << " cut " << cut;
    }
  }
}

TEST(Activation, EveryDamageIsRefusedOrDecodesToTensorsOfTheRightSize) {
  std::vector<std::vector<std::byte>> storage;
  const auto file = testing::WriteTflite(testing::SmallConvNet(3, storage));
  std::string error;
  const auto model = tflite::Read(file, error);
  ASSERT_TRUE(model.ok()) << error;
  Engine engine(*model);
  std::mt19937 random(9);
  const auto whole = engine.Cut(RandomInput(engine.head().input(0).size(), random), 2);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::vector<std::byte> cut(whole.begin(),
                                     whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(nn::DecodeActivation(cut, engine.plan(), engine.tail()).ok()) << size;
  }
  for (int i = 0; i < 20000; ++i) {
    auto broken = whole;
    broken[random() % broken.size()] ^= static_cast<std::byte>(1U << (random() % 8));
    (void)nn::DecodeActivation(broken, engine.plan(), engine.tail());
  }
  auto longer = whole;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(nn::DecodeActivation(longer, engine.plan(), engine.tail()).ok());
}

TEST(Activation, NeedsRoomAndACut) {
  std::vector<std::vector<std::byte>> storage;
  const auto file = testing::WriteTflite(testing::SmallConvNet(3, storage));
  std::string error;
  const auto model = tflite::Read(file, error);
  ASSERT_TRUE(model.ok()) << error;
  Engine engine(*model);
  std::vector<std::byte> out(4096);
  for (const std::uint16_t cut : {std::uint16_t{0}, std::uint16_t{7}, std::uint16_t{999}}) {
    EXPECT_EQ(
        nn::EncodeActivation(engine.head(), engine.plan(), {kPackage, cut}, out).status().code(),
        Code::kOutOfRange);
  }
  for (std::size_t room = 0; room < 20; ++room) {
    EXPECT_EQ(nn::EncodeActivation(
                  engine.head(), engine.plan(), {kPackage, 1}, std::span(out).first(room))
                  .status()
                  .code(),
              Code::kResourceExhausted);
  }
}

TEST(Activation, SizesOnTheGoldenModels) {
  const auto shared = testing::SharedDir();
  if (!shared || !std::filesystem::exists(*shared / "golden")) {
    GTEST_SKIP() << "NOT TESTED: no golden models here (shared/golden beside the repository)";
  }
  for (const char* name : {"kws", "resnet", "vww", "sww"}) {
    std::filesystem::path path;
    for (const auto& entry : std::filesystem::directory_iterator(*shared / "golden" / name)) {
      path = entry.path().extension() == ".tflite" ? entry.path() : path;
    }
    std::string error;
    const auto file = tflite::ModelFile::Load(path, error);
    ASSERT_TRUE(file.ok()) << error;
    Engine engine((*file)->model());
    std::size_t raw = 0;
    std::size_t coded = 0;
    double worst = 0;
    // Random walks: 20..29 are the samples that look like signals.
    for (const int sample : {20, 25}) {
      std::ifstream in(*shared / "golden" / name / ("in_" + std::to_string(sample) + ".bin"),
                       std::ios::binary);
      const std::string text{std::istreambuf_iterator<char>(in), {}};
      const auto input = std::as_bytes(std::span(text));
      const auto expected = engine.Whole(input);
      for (std::uint16_t cut = 1; cut < engine.plan().operators(); ++cut) {
        const auto bytes = engine.Cut(input, cut);
        ASSERT_EQ(engine.Finish(bytes), expected) << name << " cut " << cut;
        const std::size_t most = nn::MaxActivationBytes(engine.plan(), cut);
        ASSERT_LE(bytes.size(), most);
        raw += most;
        coded += bytes.size();
        worst = std::max(worst, static_cast<double>(bytes.size()) / static_cast<double>(most));
      }
    }
    std::printf("%-8s activations coded to %.1f %% of raw over all cuts (worst cut %.1f %%)\n",
                name,
                100.0 * static_cast<double>(coded) / static_cast<double>(raw),
                100 * worst);
    EXPECT_LT(coded, raw);
  }
}

}  // namespace
}  // namespace trib::host::compiler
