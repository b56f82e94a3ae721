// The packages that the tree holds, and whether their model cards tell the truth.
#include "trib/cloud/train/packages.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "trib/cloud/train/exits.h"
#include "trib/cloud/train/metrics.h"
#include "trib/common/classify/classify.h"
#include "trib/common/dsp/recipe.h"
#include "trib/common/host/package/package.h"
#include "trib/testing/shared_data.h"

namespace trib::cloud::train {
namespace {

namespace fs = std::filesystem;
using package::PackageView;
using package::SectionType;

class CommittedPackages : public ::testing::TestWithParam<const char*> {
 protected:
  CommittedPackages() {
    const char* root = std::getenv("TRIB_SOURCE_DIR");
    folder_ = fs::path(root != nullptr ? root : ".") / "workloads" / GetParam();
    head_ = Read(".trib");
    tail_ = Read("-tail.trib");
  }
  std::vector<std::byte> Read(const std::string& end) const {
    std::string error;
    auto file = host::package::ReadPackageFile(folder_ / (GetParam() + end), &error);
    EXPECT_TRUE(file.ok()) << error;
    return file.ok() ? *std::move(file) : std::vector<std::byte>();
  }
  Result<TrainConfig> Config() const {
    std::vector<std::string> errors;
    auto config = LoadConfig(folder_ / "train.toml", errors);
    EXPECT_TRUE(config.ok()) << (errors.empty() ? "" : errors[0]);
    return config;
  }

  fs::path folder_;
  std::vector<std::byte> head_;
  std::vector<std::byte> tail_;
};

nn::Plan PlanOf(const PackageView& view) {
  return *nn::Plan::Load(view.Find(SectionType::kPlan), view.Find(SectionType::kWeights));
}

TEST_P(CommittedPackages, AreAHeadAndItsTailAndFitTheirPlans) {
  const auto head = PackageView::Open(head_);
  const auto tail = PackageView::Open(tail_);
  ASSERT_TRUE(head.ok() && tail.ok());
  EXPECT_TRUE(package::CheckContents(*head).ok());
  EXPECT_TRUE(package::CheckContents(*tail).ok());
  EXPECT_EQ(head->signature_count(), 0U);
  package::SplitPoints split;
  ASSERT_TRUE(package::Decode(head->Find(SectionType::kSplitPoints), split).ok());
  EXPECT_EQ(split.tail_digest, tail->digest());
  EXPECT_EQ(split.tail_bytes, tail_.size());
  EXPECT_TRUE(tail->Find(SectionType::kSplitPoints).empty());
  package::ClassifierSpec spec;
  ASSERT_TRUE(package::Decode(head->Find(SectionType::kClassifier), spec).ok());
  const auto config = Config();
  ASSERT_TRUE(config.ok());
  std::vector<std::string> errors;
  const auto base = LoadBase(*config, errors);
  ASSERT_TRUE(base.ok()) << (errors.empty() ? "" : errors[0]);
  const std::size_t samples = base->shape.frames * base->shape.channels;
  EXPECT_TRUE(classify::CheckFit(spec, PlanOf(*head), samples, 0).ok());
  EXPECT_TRUE(classify::CheckFit(spec, PlanOf(*tail), samples, 0).ok());
  EXPECT_TRUE(classify::CheckSplit(split, PlanOf(*head)).ok());
  for (const SectionType same : {SectionType::kRecipe,
                                 SectionType::kClassifier,
                                 SectionType::kLabels,
                                 SectionType::kSketchEdges}) {
    const auto a = head->Find(same);
    const auto b = tail->Find(same);
    EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end()));
  }
  // What they were made of is what the tree holds.
  const auto origin = PackageView::Open(base->file);
  ASSERT_TRUE(origin.ok());
  for (const SectionType same : {SectionType::kRecipe,
                                 SectionType::kTrigger,
                                 SectionType::kLabels,
                                 SectionType::kFallbackRules,
                                 SectionType::kGuardrails,
                                 SectionType::kExitPolicy}) {
    const auto a = head->Find(same);
    const auto b = origin->Find(same);
    EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end()))
        << package::SectionName(same) << ": train anew after changing package.toml";
  }
}

// Said before the training, not after it.
TEST_P(CommittedPackages, NeedAVersionAndANameThatAManifestCanHold) {
  auto config = Config();
  ASSERT_TRUE(config.ok());
  std::vector<std::string> errors;
  for (const char* version : {"", "1.0 beta", "1.0.0-a-version-that-nobody-can-read"}) {
    config->version = version;
    EXPECT_FALSE(LoadBase(*config, errors).ok()) << version;
    ASSERT_FALSE(errors.empty());
    EXPECT_EQ(errors.back(),
              "version \"" + std::string(version) + "\": must be 1 to 31 of [A-Za-z0-9.+_-]");
  }
  config->version = "2.0.0-rc.1+x";
  errors.clear();
  EXPECT_TRUE(LoadBase(*config, errors).ok());
  // The tail's name is this one and "-tail".
  std::ifstream in(config->base);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::string name = "name = \"" + std::string(GetParam()) + "\"";
  ASSERT_NE(text.find(name), std::string::npos);
  text.replace(text.find(name), name.size(), "name = \"twenty-seven.characters.long\"");
  config->base = fs::path(::testing::TempDir()) / ("long." + std::string(GetParam()) + ".toml");
  std::ofstream(config->base) << text;
  EXPECT_FALSE(LoadBase(*config, errors).ok());
  ASSERT_FALSE(errors.empty());
  EXPECT_NE(errors.back().find("at most 26"), std::string::npos) << errors.back();
  fs::remove(config->base);
}

TEST_P(CommittedPackages, KeepTheEdgesOfABaseThatHasSomeForTheConfidence) {
  auto config = Config();
  ASSERT_TRUE(config.ok());
  std::ifstream in(config->base);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::string_view section = "[sketch_edges]\n";
  const auto at = text.find(section);
  ASSERT_NE(at, std::string::npos);
  std::vector<std::string> errors;
  const auto has_reference = [&] {
    const auto base = LoadBase(*config, errors);
    if (!base.ok()) {
      ADD_FAILURE() << (errors.empty() ? "" : errors.back());
      return false;
    }
    const auto view = package::PackageView::Open(base->file);
    const auto recipe = dsp::DecodeRecipe(view->Find(package::SectionType::kRecipe));
    Material material;
    material.shape = {recipe->window_frames, recipe->hop_frames, recipe->channels, 12'000};
    Source& source = material.sources.emplace_back();
    for (std::size_t i = 0; i < std::size_t{2} * recipe->window_frames * recipe->channels; ++i) {
      source.samples.push_back(static_cast<std::int16_t>((i * 7'919) % 1'000));
    }
    const auto frames = std::uint32_t{2} * recipe->window_frames;
    source.segments.push_back({0, frames});
    return MakeReference(*base,
                         material,
                         {{.source = 0, .begin = 0, .low = 0, .high = frames},
                          {.source = 0, .begin = frames / 2, .low = 0, .high = frames}})
        .has_value();
  };
  EXPECT_TRUE(has_reference());
  text.insert(at + section.size(),
              "confidence_edges = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.92, 0.94, "
              "0.96, 0.98, 0.99]\n");
  config->base = fs::path(::testing::TempDir()) / ("edges." + std::string(GetParam()) + ".toml");
  std::ofstream(config->base) << text;
  EXPECT_FALSE(has_reference());
  fs::remove(config->base);
}

TEST_P(CommittedPackages, FitASmallNode) {
  const auto head = PackageView::Open(head_);
  ASSERT_TRUE(head.ok());
  const std::size_t network =
      head->Find(SectionType::kPlan).size() + head->Find(SectionType::kWeights).size();
  EXPECT_LE(network, 30'000U);
}

TEST_P(CommittedPackages, GiveTheFiguresOfTheirCardAgain) {
  TRIB_SHARED_DIR_OR_SKIP(shared);
  auto config = Config();
  ASSERT_TRUE(config.ok());
  std::vector<std::string> errors;
  const auto base = LoadBase(*config, errors);
  ASSERT_TRUE(base.ok());
  config->simulator.machines = 0;  // only recordings are tested here
  const auto material = Gather(*config, base->shape, {shared / "data"}, errors);
  ASSERT_TRUE(material.ok()) << (errors.empty() ? "" : errors[0]);
  const auto ship = std::find_if(
      config->splits.begin(), config->splits.end(), [](const Split& s) { return s.ship; });
  std::ifstream in(folder_ / "card" / "figures.json");
  const auto figures = nlohmann::json::parse(in);
  const auto column = std::find_if(figures["columns"].begin(),
                                   figures["columns"].end(),
                                   [&](const auto& c) { return c["split"] == ship->name; });
  ASSERT_NE(column, figures["columns"].end());

  const Plan plan = MakePlan(*material, *config, *ship);
  const auto tail = PackageView::Open(tail_);
  ASSERT_TRUE(tail.ok());
  const auto engine =
      Engine::Open(tail->Find(SectionType::kPlan), tail->Find(SectionType::kWeights));
  ASSERT_TRUE(engine.ok());
  const std::size_t classes = config->classes.size();
  const std::size_t exits = (*column)["test"]["exits"].size();
  const Answers answers = Ask(**engine, *material, plan.parts.test, exits);
  for (std::size_t e = 0; e < exits; ++e) {
    const ExitMetrics m = Measure(LogitsOf(answers, e, classes), 1);
    std::printf("%s, exit %zu: macro-F1 %.4f on %zu windows\n",
                GetParam(),
                e + 1,
                m.macro_f1,
                answers.truth.size());
    EXPECT_EQ(nlohmann::json(m.confusion), (*column)["test"]["exits"][e]["confusion"]);
  }
  package::ClassifierSpec spec;
  ASSERT_TRUE(package::Decode(tail->Find(SectionType::kClassifier), spec).ok());
  const CascadeResult cascade = RunCascade(answers, {spec.exits.begin(), spec.exits.end()});
  EXPECT_EQ(nlohmann::json(cascade.taken), (*column)["cascade"]["taken"]);
  EXPECT_EQ(nlohmann::json(cascade.right), (*column)["cascade"]["right"]);
}

INSTANTIATE_TEST_SUITE_P(Workloads, CommittedPackages, ::testing::Values("bearing", "fan"));

}  // namespace
}  // namespace trib::cloud::train
