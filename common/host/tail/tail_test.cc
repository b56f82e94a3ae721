#include "trib/common/host/tail/tail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

#include "trib/common/nn/activation.h"
#include "trib/common/nn/runner.h"
#include "trib/testing/split_packages.h"

namespace trib::host::tail {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using trib::package::SectionType;
using trib::testing::MakeSplitPackages;
using trib::testing::SplitPackages;
using trib::testing::SplitShape;
using Bytes = std::vector<std::byte>;

crypto::SecretSeed Seed(unsigned number) {
  crypto::SecretSeed seed;
  seed.bytes.fill(static_cast<std::byte>(number));
  return seed;
}

crypto::PublicKey KeyOf(unsigned number) {
  return crypto::Ed25519KeyPairFromSeed(Seed(number)).public_key;
}

SplitPackages Made(const std::string& version, std::uint32_t network_seed = 1) {
  SplitShape shape;
  shape.version = version;
  shape.network.seed = network_seed;
  auto out = MakeSplitPackages(shape);
  EXPECT_FALSE(out.head.empty());
  EXPECT_TRUE(trib::package::SignPackage(out.head, Seed(1)).ok());
  return out;
}

/// A node of one network: its head, run as a node runs it.
class Head {
 public:
  explicit Head(const Network& network)
      : network_(network),
        arena_(network.head_plan().arena_bytes() / 4),
        runner_(*nn::Runner::Open(
            network.head_plan(), std::as_writable_bytes(std::span(arena_)), {})) {}

  classify::Decision Decide(std::span<const std::int16_t> samples) {
    Feed(network_, runner_, samples);
    runner_.Run();
    const nn::Port port = network_.head_plan().output(0);
    return classify::Judge(network_.classifier(),
                           0,
                           runner_.output(0),
                           port,
                           network_.head_plan().tensor(port.tensor).zero_point);
  }
  /// Of the window decided last.
  Bytes Defer() {
    Bytes out(network_.split().max_activation_bytes);
    const auto size = nn::EncodeActivation(
        runner_, network_.head_plan(), {network_.hash(), network_.split().cut}, out);
    EXPECT_TRUE(size.ok());
    out.resize(size.value_or(0));
    return out;
  }
  static void Feed(const Network& network,
                   nn::Runner& runner,
                   std::span<const std::int16_t> samples) {
    const nn::Plan& plan = network.head_plan();
    classify::QuantiseWindow(network.classifier(),
                             {samples, 1, 0.001F},
                             plan.input(0),
                             plan.tensor(plan.input(0).tensor).zero_point,
                             runner.input(0));
  }

 private:
  const Network& network_;
  std::vector<std::uint32_t> arena_;
  nn::Runner runner_;
};

/// All exits of the uncut network.
std::vector<classify::Decision> Uncut(const Network& network,
                                      std::span<const std::int16_t> samples) {
  const nn::Plan& plan = network.plan();
  std::vector<std::uint32_t> arena(plan.arena_bytes() / 4);
  auto runner = *nn::Runner::Open(plan, std::as_writable_bytes(std::span(arena)), {});
  Head::Feed(network, runner, samples);
  runner.Run();
  std::vector<classify::Decision> out;
  for (std::size_t i = 0; i < network.classifier().exits.size(); ++i) {
    const nn::Port port = plan.output(i);
    out.push_back(classify::Judge(
        network.classifier(), i, runner.output(i), port, plan.tensor(port.tensor).zero_point));
  }
  return out;
}

void ExpectSame(const classify::Decision& a, const classify::Decision& b) {
  EXPECT_EQ(a.probabilities, b.probabilities);
  EXPECT_EQ(a.exit, b.exit);
  EXPECT_EQ(a.class_index, b.class_index);
  EXPECT_EQ(a.label, b.label);
  EXPECT_EQ(a.accepted, b.accepted);
}

TEST(TailRunner, GoesOnAsTheUncutNetworkWould) {
  TailRunner runner;
  std::size_t accepted = 0;
  std::size_t deferred = 0;
  for (const std::uint32_t seed : {1U, 2U, 3U}) {
    const auto made = Made("1", seed);
    std::string error;
    const auto network = Network::Join(made.head, made.tail, error);
    ASSERT_TRUE(network.ok()) << error;
    Head head(**network);
    for (unsigned window = 0; window < 60; ++window) {
      const auto samples = trib::testing::ToneWindow({.seed = seed}, window % 5, window);
      const auto expected = Uncut(**network, samples);
      const auto first = head.Decide(samples);
      ExpectSame(first, expected[0]);
      (first.accepted ? accepted : deferred) += 1;
      const Bytes activation = head.Defer();
      for (const std::size_t exit : {std::size_t{2}, std::size_t{0}, std::size_t{1}}) {
        const auto answer = runner.Decide(**network, activation, exit);
        ASSERT_TRUE(answer.ok());
        ExpectSame(answer->decision, expected[exit]);
        EXPECT_EQ(answer->final, exit == 2 || expected[exit].accepted);
      }
      const std::size_t exits[] = {0, 1, 2};
      std::array<TailRunner::Answer, 3> answers;
      ASSERT_TRUE(runner.Decide(**network, activation, exits, answers).ok());
      for (std::size_t i = 0; i < 3; ++i) {
        ExpectSame(answers[i].decision, expected[i]);
      }
    }
  }
  // Both ways were gone.
  EXPECT_GT(accepted, 10U);
  EXPECT_GT(deferred, 10U);
}

TEST(TailRunner, RefusesWhatIsNotOfThisNetworkAndCut) {
  const auto made = Made("1");
  const auto other = Made("2");
  std::string error;
  const auto network = Network::Join(made.head, made.tail, error);
  const auto stranger = Network::Join(other.head, other.tail, error);
  ASSERT_TRUE(network.ok() && stranger.ok()) << error;
  Head head(**network);
  head.Decide(trib::testing::ToneWindow({}, 1, 1));
  Bytes activation = head.Defer();
  TailRunner runner;
  EXPECT_TRUE(runner.Decide(**network, activation, 1).ok());
  EXPECT_EQ(runner.Decide(**stranger, activation, 1).status().code(), Code::kDataLoss);
  for (std::size_t size = 0; size < activation.size(); ++size) {
    EXPECT_EQ(runner.Decide(**network, std::span(activation).first(size), 1).status().code(),
              Code::kDataLoss);
  }
  activation[2] = std::byte{3};  // another cut
  EXPECT_EQ(runner.Decide(**network, activation, 1).status().code(), Code::kDataLoss);
}

TEST(TailRunner, GivesWhatLivesAtTheCutAsNumbers) {
  const auto made = Made("1");
  std::string error;
  const auto network = Network::Join(made.head, made.tail, error);
  ASSERT_TRUE(network.ok()) << error;
  Head head(**network);
  TailRunner runner;
  head.Decide(trib::testing::ToneWindow({}, 1, 1));
  const Bytes one = head.Defer();
  head.Decide(trib::testing::ToneWindow({}, 4, 2));
  const Bytes other = head.Defer();
  const auto all = runner.Numbers(**network, one, 100'000);
  ASSERT_TRUE(all.ok());
  ASSERT_GT(all->size(), 4U);
  EXPECT_NE(*all, *runner.Numbers(**network, other, 100'000));
  EXPECT_EQ(*all, *runner.Numbers(**network, one, 100'000));
  const auto mean = runner.Numbers(**network, one, 1);
  ASSERT_TRUE(mean.ok());
  ASSERT_EQ(mean->size(), 1U);
  float sum = 0;
  for (const float value : *all) {
    EXPECT_GE(value, -128);
    EXPECT_LE(value, 127);
    sum += value;
  }
  EXPECT_NEAR((*mean)[0], sum / static_cast<float>(all->size()), 1e-3F);
  EXPECT_LE(runner.Numbers(**network, one, 4)->size(), 4U);
  EXPECT_EQ(runner.Numbers(**network, std::span(one).first(5), 4).status().code(), Code::kDataLoss);
}

TEST(Network, KnowsWhichExitATierDecidesAt) {
  const auto made = Made("1");
  std::string error;
  const auto network = Network::Join(made.head, made.tail, error);
  ASSERT_TRUE(network.ok()) << error;
  EXPECT_EQ((*network)->hash(), made.hash);
  EXPECT_EQ((*network)->ExitOf(3), 0U);
  EXPECT_EQ((*network)->ExitOf(4), 1U);
  EXPECT_EQ((*network)->ExitOf(5), 2U);
  EXPECT_EQ((*network)->last_exit(), 2U);
  EXPECT_EQ((*network)->labels().labels[1].name.view(), "anomaly");
}

/// The package with one section replaced, or taken out.
Bytes With(const Bytes& file, SectionType type, const Bytes& replacement) {
  const auto view = trib::package::PackageView::Open(file);
  std::vector<trib::package::SectionInput> sections;
  for (std::size_t i = 0; i < view->section_count(); ++i) {
    const auto info = view->section(i);
    const auto bytes = info.type == type ? std::span<const std::byte>(replacement) : info.bytes;
    if (!bytes.empty()) {
      sections.push_back({.type = info.type, .target = info.target, .bytes = bytes});
    }
  }
  Bytes out(trib::package::PackageBytes(sections));
  EXPECT_TRUE(trib::package::WritePackage(sections, out).ok());
  return out;
}

/// A head that names this tail, whatever it may be.
Bytes Naming(const Bytes& head, const Bytes& tail) {
  const auto view = trib::package::PackageView::Open(head);
  trib::package::SplitPoints split;
  EXPECT_TRUE(Decode(view->Find(SectionType::kSplitPoints), split).ok());
  split.tail_digest = trib::package::PackageView::Open(tail)->digest();
  Bytes bytes(64);
  bytes.resize(*Encode(split, bytes));
  return With(head, SectionType::kSplitPoints, bytes);
}

void ExpectRefused(const Bytes& head, const Bytes& tail, const std::string& says) {
  std::string error;
  EXPECT_EQ(Network::Join(head, tail, error).status().code(), Code::kDataLoss);
  EXPECT_THAT(error, HasSubstr(says));
  EXPECT_EQ(error.find('\n'), std::string::npos);
}

TEST(Network, RefusesWhatDoesNotBelongTogether) {
  const auto made = Made("1");
  const auto other = Made("2", 2);
  ExpectRefused(made.head, other.tail, "its tail is ");
  ExpectRefused(made.tail, made.head, "no split points");
  ExpectRefused(Naming(made.head, made.head), made.head, "its tail is a head itself");
  ExpectRefused(Bytes(100), made.tail, "the head is refused");
  ExpectRefused(made.head, Bytes(100), "the tail is refused");
  // The same shape with other weights.
  ExpectRefused(Naming(made.head, other.tail), other.tail, "weights differ");
  SplitShape shape;
  shape.network.classes = 4;
  const auto four = MakeSplitPackages(shape);
  ExpectRefused(Naming(made.head, four.tail), four.tail, "differ in their section classifier");
  shape = {};
  shape.sample_rate_hz = 2000;
  const auto faster = MakeSplitPackages(shape);
  ExpectRefused(Naming(made.head, faster.tail), faster.tail, "differ in their section recipe");
  // A tail that ends where the head does.
  const auto head_view = trib::package::PackageView::Open(made.head);
  const auto section = [&](SectionType type) {
    const auto bytes = head_view->Find(type);
    return Bytes(bytes.begin(), bytes.end());
  };
  Bytes stub = With(made.tail, SectionType::kPlan, section(SectionType::kPlan));
  stub = With(stub, SectionType::kWeights, section(SectionType::kWeights));
  stub = With(stub, SectionType::kManifest, section(SectionType::kManifest));
  ExpectRefused(Naming(made.head, stub), stub, "to its last exit");
  // Damage to what the head's last operator reads from its weights.
  Bytes weights = section(SectionType::kWeights);
  weights.back() ^= std::byte{1};
  const Bytes damaged = With(made.head, SectionType::kWeights, weights);
  ExpectRefused(damaged, made.tail, "weights differ");
}

class Folder : public ::testing::Test {
 protected:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "trib_tail_XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() override { fs::remove_all(path_); }

  void Put(const std::string& name, std::span<const std::byte> bytes) {
    std::ofstream(path_ / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    // Files of one test are so many seconds apart, whatever the clock says.
    fs::last_write_time(path_ / name, start_ + std::chrono::seconds(++files_));
  }
  void Put(const std::string& name, const SplitPackages& made) {
    Put(name + ".head.trib", made.head);
    Put(name + ".tail.trib", made.tail);
  }
  StoreOptions Options() const {
    StoreOptions options;
    options.folder = path_;
    options.keys = {KeyOf(1)};
    return options;
  }

  fs::path path_;
  fs::file_time_type start_ = fs::file_time_type::clock::now();
  int files_ = 0;
};

TEST_F(Folder, FindsNetworksByTheirHeads) {
  const auto a = Made("1");
  const auto b = Made("2", 2);
  Put("a", a);
  Put("b", b);
  TailStore store(Options());
  EXPECT_EQ(store.Find(a.hash), nullptr);
  const auto report = store.Rescan();
  EXPECT_THAT(report.lines, IsEmpty());
  EXPECT_EQ(report.added, 2U);
  EXPECT_EQ(report.networks, 2U);
  ASSERT_NE(store.Find(a.hash), nullptr);
  EXPECT_EQ(store.Find(a.hash)->manifest().version.view(), "1");
  EXPECT_EQ(store.Find(b.hash)->manifest().version.view(), "2");
  EXPECT_EQ(store.Find(PackageHash(1)), nullptr);
  EXPECT_EQ(store.List()[0]->hash(), b.hash);
  const auto again = store.Rescan();
  EXPECT_EQ(again.added + again.dropped, 0U);
  EXPECT_EQ(again.networks, 2U);
}

TEST_F(Folder, WaitsForATailAndSaysSoOnce) {
  const auto made = Made("1");
  Put("head.trib", made.head);
  TailStore store(Options());
  EXPECT_THAT(store.Rescan().lines, ElementsAre(HasSubstr("is not in the folder")));
  EXPECT_THAT(store.Rescan().lines, IsEmpty());
  Put("tail.trib", made.tail);
  const auto report = store.Rescan();
  EXPECT_THAT(report.lines, IsEmpty());
  EXPECT_EQ(report.added, 1U);
  EXPECT_NE(store.Find(made.hash), nullptr);
}

TEST_F(Folder, TakesWhatAPinnedKeySigned) {
  auto made = Made("1");
  Put("a", made);
  auto options = Options();
  options.keys = {KeyOf(2)};
  TailStore stranger(options);
  EXPECT_THAT(stranger.Rescan().lines, ElementsAre(HasSubstr("signed by no trusted key")));
  EXPECT_TRUE(stranger.List().empty());
  ASSERT_TRUE(trib::package::StripSignatures(made.head).ok());
  Put("a", made);
  TailStore store(Options());
  EXPECT_THAT(store.Rescan().lines, ElementsAre(HasSubstr("not signed")));
  options.accept_unsigned = true;
  TailStore open(options);
  EXPECT_THAT(open.Rescan().lines, IsEmpty());
  EXPECT_NE(open.Find(made.hash), nullptr);
}

TEST_F(Folder, ABadFileChangesNothingAndIsNamedOnce) {
  const auto made = Made("1");
  Put("a", made);
  TailStore store(Options());
  ASSERT_EQ(store.Rescan().networks, 1U);
  const auto held = store.Find(made.hash);
  // The head itself is replaced by half of it, the tail by rubbish, and there is a third file.
  Put("a.head.trib", std::span(made.head).first(made.head.size() / 2));
  Put("a.tail.trib", Bytes(50));
  Put("c.trib", Bytes(10));
  const auto report = store.Rescan();
  EXPECT_EQ(report.lines.size(), 3U);
  EXPECT_EQ(report.networks, 1U);
  EXPECT_EQ(store.Find(made.hash), held);
  EXPECT_THAT(store.Rescan().lines, IsEmpty());
  // When the rest of it has come it is as before.
  Put("a", made);
  EXPECT_THAT(store.Rescan().lines, IsEmpty());
  EXPECT_EQ(store.Find(made.hash), held);
}

TEST_F(Folder, AHeadTakenOutTakesItsNetworkWithIt) {
  const auto made = Made("1");
  Put("a", made);
  TailStore store(Options());
  store.Rescan();
  const auto held = store.Find(made.hash);
  fs::remove(path_ / "a.tail.trib");
  EXPECT_EQ(store.Rescan().networks, 1U);
  fs::remove(path_ / "a.head.trib");
  const auto report = store.Rescan();
  EXPECT_EQ(report.dropped, 1U);
  EXPECT_EQ(store.Find(made.hash), nullptr);
  EXPECT_EQ(held->hash(), made.hash);  // whoever works with it still can
}

TEST_F(Folder, TheOldestGoFirst) {
  std::vector<SplitPackages> made;
  auto options = Options();
  options.max_networks = 2;
  TailStore store(options);
  for (std::uint32_t i = 0; i < 3; ++i) {
    made.push_back(Made(std::to_string(i), i + 1));
    Put(std::to_string(i), made.back());
    const auto report = store.Rescan();
    EXPECT_EQ(report.added, 1U);
    EXPECT_EQ(report.lines.size(), i == 2 ? 1U : 0U);
  }
  EXPECT_EQ(store.Find(made[0].hash), nullptr);
  EXPECT_NE(store.Find(made[1].hash), nullptr);
  EXPECT_NE(store.Find(made[2].hash), nullptr);
  EXPECT_THAT(store.Rescan().lines, IsEmpty());
  // There is room again.
  fs::remove(path_ / "2.head.trib");
  EXPECT_EQ(store.Rescan().networks, 2U);
  EXPECT_NE(store.Find(made[0].hash), nullptr);
}

TEST_F(Folder, HoldsNoMoreBytesThanStated) {
  const auto a = Made("1");
  const auto b = Made("2", 2);
  Put("a", a);
  Put("b", b);
  auto options = Options();
  options.max_bytes = b.head.size() + b.tail.size();
  TailStore store(options);
  const auto report = store.Rescan();
  EXPECT_THAT(report.lines, ElementsAre(HasSubstr("a.head.trib: left out")));
  EXPECT_EQ(store.Find(a.hash), nullptr);
  EXPECT_NE(store.Find(b.hash), nullptr);
}

TEST_F(Folder, WithoutAFolderNothingIsLost) {
  const auto made = Made("1");
  Put("a", made);
  TailStore store(Options());
  store.Rescan();
  fs::rename(path_, path_.string() + ".away");
  EXPECT_THAT(store.Rescan().lines, ElementsAre(HasSubstr("cannot be read")));
  EXPECT_THAT(store.Rescan().lines, IsEmpty());
  EXPECT_NE(store.Find(made.hash), nullptr);
  fs::rename(path_.string() + ".away", path_);
}

}  // namespace
}  // namespace trib::host::tail
