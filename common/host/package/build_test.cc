#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "trib/common/dsp/recipe.h"
#include "trib/common/host/identity/identity.h"
#include "trib/common/host/package/package.h"
#include "trib/common/package/sections.h"

namespace trib::host::package {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class BuildPackageTest : public ::testing::Test {
 protected:
  BuildPackageTest() {
    std::string pattern = (fs::temp_directory_path() / "trib_build_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    const char* source = std::getenv("TRIB_SOURCE_DIR");
    EXPECT_NE(source, nullptr) << "run through ctest";
    bearing_ = fs::path(source == nullptr ? "." : source) / "workloads/bearing/package.toml";
    std::ifstream in(bearing_);
    text_.assign(std::istreambuf_iterator<char>(in), {});
  }
  ~BuildPackageTest() override { fs::remove_all(folder_); }

  /// The bearing specification with one piece of text replaced, or more text at its end.
  void Change(const std::string& from, const std::string& to) {
    const auto at = text_.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text_.replace(at, from.size(), to);
  }
  Result<std::vector<std::byte>> Build() {
    const fs::path path = folder_ / "package.toml";
    std::ofstream(path) << text_;
    error_.clear();
    return BuildPackage(path, &error_);
  }
  void Refuses(const std::string& from, const std::string& to, const std::string& says) {
    const std::string good = text_;
    Change(from, to);
    EXPECT_EQ(Build().status().code(), Code::kInvalidArgument) << to;
    EXPECT_THAT(error_, HasSubstr(says));
    text_ = good;
  }

  fs::path folder_;
  fs::path bearing_;
  std::string text_;
  std::string error_;
};

TEST_F(BuildPackageTest, BearingBuildsSignsAndVerifies) {
  const auto built = BuildPackage(bearing_, &error_);
  ASSERT_TRUE(built.ok()) << error_;
  const auto key = identity::GenerateKeyPair();
  const auto stranger = identity::GenerateKeyPair();
  ASSERT_TRUE(key.ok() && stranger.ok());
  const auto file = SignPackage(*built, key->seed, &error_);
  ASSERT_TRUE(file.ok()) << error_;
  const auto view = PackageView::Open(*file);
  ASSERT_TRUE(view.ok());
  const Platform platform{.hardware_class = HardwareClass::kMps2An386};
  EXPECT_TRUE(Verify(*view, {&key->public_key, 1}, platform).ok());
  EXPECT_EQ(Verify(*view, {&stranger->public_key, 1}, platform),
            Status(Code::kUnauthenticated, Reason::kUnknownKey));
  const auto unsigned_view = PackageView::Open(*built);
  ASSERT_TRUE(unsigned_view.ok());
  EXPECT_EQ(unsigned_view->digest(), view->digest());
}

TEST_F(BuildPackageTest, BearingSaysWhatItsComments) {
  const auto built = BuildPackage(bearing_, &error_);
  ASSERT_TRUE(built.ok()) << error_;
  const auto view = PackageView::Open(*built);
  ASSERT_TRUE(view.ok());
  const auto recipe = dsp::DecodeRecipe(view->Find(SectionType::kRecipe));
  ASSERT_TRUE(recipe.ok());
  const std::size_t outputs = dsp::OutputCount(*recipe);

  TriggerSpec trigger;
  ASSERT_TRUE(Decode(view->Find(SectionType::kTrigger), trigger).ok());
  // All but the velocity, which is the last.
  EXPECT_EQ(trigger.feature_mask, (std::uint64_t{1} << (outputs - 1)) - 1);
  DistanceSpec distance;
  ASSERT_TRUE(Decode(view->Find(SectionType::kDistance), distance).ok());
  EXPECT_EQ(distance.feature_mask, trigger.feature_mask);
  EXPECT_EQ(distance.shrinkage, DistanceSpec::kAutomatic);
  SeveritySpec severity;
  ASSERT_TRUE(Decode(view->Find(SectionType::kSeverity), severity).ok());
  EXPECT_EQ(severity.feature, outputs - 1);
  EXPECT_EQ(severity.label, (std::array<std::uint8_t, 4>{0, 0, 3, 3}));
  EXPECT_EQ(severity.actuator, (std::array<std::uint8_t, 4>{1, 1, 2, 3}));
  CommissioningSpec commissioning;
  ASSERT_TRUE(Decode(view->Find(SectionType::kCommissioning), commissioning).ok());
  EXPECT_EQ(commissioning.limits.size(), 2U);
  EXPECT_EQ(commissioning.max_zone, 3);
  auto edges = std::make_unique<SketchEdges>();
  ASSERT_TRUE(Decode(view->Find(SectionType::kSketchEdges), *edges).ok());
  EXPECT_EQ(edges->histograms.size(), outputs);
  EXPECT_EQ(edges->histograms[outputs - 1].feature, kTriggerScoreFeature);

  // Most bytes per second that the exit policy allows a quiet node, records at their fullest: a
  // histogram is 16 counts of up to 2 bytes and 8 of framing, a frame 4 bytes a feature, and each
  // record carries at most 100 bytes of header. Raw is two bytes per sample.
  ExitPolicy policy;
  ASSERT_TRUE(Decode(view->Find(SectionType::kExitPolicy), policy).ok());
  const double windows_per_s = static_cast<double>(recipe->sample_rate_hz) / recipe->hop_frames;
  const double sketch = 100.0 + 40.0 * static_cast<double>(edges->histograms.size());
  const double frame = 100.0 + 4.0 * static_cast<double>(outputs);
  const double up = sketch * 1000 / policy.block_ms + 300.0 * 1000 / policy.status_ms +
                    frame * windows_per_s * policy.audit_permille / 1000;
  const double raw = 2.0 * recipe->sample_rate_hz * recipe->channels;
  EXPECT_GT(raw / up, 500) << up << " bytes/s";
}

TEST_F(BuildPackageTest, SameSpecificationGivesSameBytes) {
  const auto one = BuildPackage(bearing_);
  const auto two = Build();
  ASSERT_TRUE(one.ok() && two.ok()) << error_;
  EXPECT_EQ(*one, *two);
}

TEST_F(BuildPackageTest, MistakesInWhatIsLearnedNameTheirKey) {
  Refuses("threshold_scale = 1.5\n\n# What a baseline",
          "shrinkage = 1.5\n\n# What a baseline",
          "distance.shrinkage");
  Refuses("then = \"accept_with_warning\"", "then = \"give_up\"", "commissioning.then");
  Refuses("max_zone = \"C\"", "max_zone = \"E\"", "commissioning.max_zone");
  Refuses("max_std = 1.0", "max_std = 0.0001", "commissioning malformed");
  Refuses("feature = \"ch0.log_kurtosis\"",
          "feature = \"ch0.log_kurtsis\"",
          "did you mean \"ch0.log_kurtosis\"?");
  Refuses("above = 1.79", "above = 1.79\nbelow = 1", "either \"above\" or \"below\"");
  Refuses("feature = \"ch0.velocity_rms\"", "feature = \"ch0.log_rms\"", "is no velocity");
  Refuses("boundaries_mm_s = [1.4, 2.8, 4.5]", "boundaries_mm_s = [1.4, 2.8]", "three rising");
  Refuses("boundaries_mm_s = [1.4, 2.8, 4.5]",
          "boundaries_mm_s = [2.8, 1.4, 4.5]",
          "severity malformed");
  Refuses("labels = [\"normal\", \"normal\"", "labels = [\"normal\", \"norml\"", "no [[label]]");
  Refuses("actuators = [\"normal\"", "actuators = [\"wait\"", "no actuator state");
  Refuses("# What leaves the node. Raw", "[[condition]]\nspeed_hz = [20]\n#", "two numbers");
  Refuses("# What leaves the node. Raw",
          "[[condition]]\nspeed_hz = [20, 30]\n[[condition]]\nspeed_hz = [25, 40]\n#",
          "conditions malformed");
}

TEST_F(BuildPackageTest, InspectionSaysWhatTheRatesAreWorth) {
  const auto file = Build();
  ASSERT_TRUE(file.ok()) << error_;
  const auto text = InspectPackage(*file);
  ASSERT_TRUE(text.ok());
  const auto claims = nlohmann::json::parse(*text)["claims"];
  // Two per mille of 12,000 / 1,024 windows a second; 0.998^1,497 is 0.05.
  EXPECT_NEAR(claims["false_alarm_rate_at_most"], 0.002, 1e-9);
  EXPECT_NEAR(claims["windows_per_day"], 1'012'500, 1e-6);
  EXPECT_NEAR(claims["windows_over_threshold_per_day_at_most"], 2025, 1e-3);
  EXPECT_EQ(claims["clean_windows_that_confirm_it"], 1497);
  EXPECT_EQ(claims["overlapping_windows"], true);
}

TEST_F(BuildPackageTest, ConditionsAreTakenInTheirOrder) {
  Change("# What leaves the node. Raw",
         "[[condition]]\nspeed_hz = [20, 25]\n[[condition]]\nspeed_hz = [25, 40.5]\n#");
  const auto file = Build();
  ASSERT_TRUE(file.ok()) << error_;
  ConditionSpec conditions;
  ASSERT_TRUE(Decode(PackageView::Open(*file)->Find(SectionType::kConditions), conditions).ok());
  ASSERT_EQ(conditions.ranges.size(), 2U);
  EXPECT_EQ(conditions.ranges[1], (ConditionSpec::Range{25, 40.5F}));
}

TEST_F(BuildPackageTest, MistakesNameLineKeyAndWhatIsNear) {
  Refuses("security_counter", "security_countr", "did you mean \"manifest.security_counter\"?");
  Refuses("security_counter", "security_countr", "package.toml:");
  Refuses("\"log_rms\"", "\"log_rsm\"", "did you mean \"log_rms\"?");
  Refuses("\"log_shape\"", "\"log_mean\"", "can be negative");
  Refuses("window = 2048", "window = 2000", "power of two");
  Refuses("sample_rate_hz = 12000", "sample_rate_hz = 8000", "band edges");
  Refuses("clip_level_raw = 32760", "clip_level_raw = 40000", "clip_level_raw");
  Refuses("hardware_class = \"any\"", "hardware_class = \"toaster\"", "mps2-an386");
  Refuses("heartbeat = \"60s\"", "heartbeat = 60", "duration");
  Refuses("label = \"sensor_fault\"", "label = \"sensor_fautl\"", "did you mean \"sensor_fault\"?");
  Refuses("actuator = \"stop\"", "actuator = \"explode\"", "reduce");
  Refuses("comparison = \">\"\n", "", "comparison");
  Refuses("enter_m = 3", "enter_m = 6", "trigger");
  Refuses("false_alarm_rate = 0.001", "false_alarm_rate = nan", "false_alarm_rate");
  Refuses("[-8, -4,", "[-8, -8,", "sketch edges malformed");
  Refuses("[-8, -4,", "[-4,", "15 rising numbers");
  Refuses("skip_windows = 2", "features = [\"ch0.log_rmss\"]", "did you mean \"ch0.log_rms\"?");
  Refuses("audit_permille = 5", "audit_permille = 5\nthresholds = [0.5]", "one number per label");
  Refuses("name = \"bearing\"", "name = \"Bearing!\"", "manifest malformed");
  Refuses("abi_min = 2", "parent = \"12\"", "64 hex digits");
  Refuses("name = \"anomaly\"", "name = \"normal\"", "labels malformed");
  Refuses("[[guardrails]]", "[recipe2]\n[[guardrails]]", "recipe2");
  EXPECT_TRUE(Build().ok()) << error_;
}

TEST_F(BuildPackageTest, AMissingOrBrokenFileIsOneLine) {
  EXPECT_EQ(BuildPackage(folder_ / "absent.toml", &error_).status().code(), Code::kNotFound);
  EXPECT_THAT(error_, HasSubstr("absent.toml"));
  EXPECT_EQ(error_.find('\n'), std::string::npos) << error_;
  text_ = "[manifest\n";
  EXPECT_EQ(Build().status().code(), Code::kInvalidArgument);
  EXPECT_EQ(error_.find('\n'), std::string::npos) << error_;
}

TEST_F(BuildPackageTest, TakesOpaqueSectionsFromFiles) {
  std::ofstream(folder_ / "plan.bin") << "plan";
  std::ofstream(folder_ / "weights.bin") << "weights";
  Change("abi_min = 2", "operators = [0, 5]\narena_bytes = 4096");
  text_ +=
      "\n[[section]]\ntype = \"weights\"\ntarget = \"armv7em-dsp\"\nfile = \"weights.bin\"\n"
      "[[section]]\ntype = \"plan\"\ntarget = \"armv7em-dsp\"\nfile = \"plan.bin\"\n";
  const auto file = Build();
  ASSERT_TRUE(file.ok()) << error_;
  const auto view = PackageView::Open(*file);
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view->Find(SectionType::kPlan, Target::kArmv7emDsp).size(), 4U);
  EXPECT_EQ(view->Find(SectionType::kWeights, Target::kArmv7emDsp).size(), 7U);
  Refuses("\"plan.bin\"", "\"gone.bin\"", "gone.bin");
  Refuses("\"plan\"\ntarget = \"armv7em-dsp\"", "\"plan\"", "plan, weights and operators");
}

TEST_F(BuildPackageTest, TakesEdgesOfTheConfidence) {
  Change(
      "[sketch_edges]",
      "[sketch_edges]\nconfidence_edges = [0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, "
      "0.9, 0.95, 0.97, 0.98, 0.99]");
  const auto file = Build();
  ASSERT_TRUE(file.ok()) << error_;
  const auto view = PackageView::Open(*file);
  ASSERT_TRUE(view.ok());
  auto edges = std::make_unique<SketchEdges>();
  ASSERT_TRUE(Decode(view->Find(SectionType::kSketchEdges), *edges).ok());
  const std::size_t last = edges->histograms.size() - 1;
  EXPECT_EQ(edges->histograms[last].feature, kTriggerScoreFeature);
  EXPECT_EQ(edges->histograms[last - 1].feature, kConfidenceFeature);
  EXPECT_EQ(edges->histograms[last - 1].edges[14], 0.99F);
  Refuses("0.98, 0.99]", "0.98]", "15 rising numbers");
}

TEST_F(BuildPackageTest, TakesNormalisationAndDriftReference) {
  Change("[sketch_edges]",
         "[drift_reference]\nwindows = 3\n"
         "[[drift_reference.histogram]]\nfeature = \"ch0.log_crest\"\n"
         "counts = [0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0]\n"
         "[sketch_edges]\nfeatures = [\"ch0.log_crest\"]");
  const auto score = text_.find("score_edges");
  text_.erase(score);
  const auto file = Build();
  ASSERT_TRUE(file.ok()) << error_;
  const auto view = PackageView::Open(*file);
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view->Find(SectionType::kDriftReference).size(), 76U);
  Refuses(
      "[0, 0, 0, 0, 0, 0, 0, 1, 2,", "[0, 0, 0, 0, 0, 0, 0, 1, 3,", "drift reference malformed");
  Refuses("features = [\"ch0.log_crest\"]",
          "features = [\"ch0.log_rms\"]",
          "drift reference does not match edges");
  text_ += "\n[normalisation]\nmean = [1]\ndeviation = [2]\n";
  EXPECT_FALSE(Build().ok());
  EXPECT_THAT(error_, HasSubstr("per output of the recipe"));
}

TEST_F(BuildPackageTest, InspectShowsWhatIsInIt) {
  const auto built = BuildPackage(bearing_, &error_);
  ASSERT_TRUE(built.ok()) << error_;
  const auto key = identity::GenerateKeyPair();
  ASSERT_TRUE(key.ok());
  const auto file = SignPackage(*built, key->seed);
  ASSERT_TRUE(file.ok());
  const auto text = InspectPackage(*file, &error_);
  ASSERT_TRUE(text.ok()) << error_;
  const auto json = nlohmann::json::parse(*text);
  EXPECT_EQ(json["refusal"], nullptr);
  EXPECT_EQ(json["bytes"], file->size());
  EXPECT_EQ(json["digest"].get<std::string>().size(), 64U);
  EXPECT_EQ(json["signatures"][0]["key_id"],
            identity::ToHex(crypto::KeyIdOf(key->public_key).bytes));
  EXPECT_EQ(json["sections"][0]["name"], "manifest");
  EXPECT_EQ(json["sections"][0]["content"]["name"], "bearing");
  EXPECT_EQ(json["sections"][1]["content"]["features"][0], "ch0.log_rms");
  for (const auto& section : json["sections"]) {
    EXPECT_FALSE(section["content"].is_null()) << section["name"];
  }
  auto cut = *file;
  cut.pop_back();
  EXPECT_EQ(InspectPackage(cut, &error_).status(), Status(Code::kDataLoss, Reason::kTruncated));
  EXPECT_EQ(error_, "file truncated (1)");
}

TEST_F(BuildPackageTest, FilesAreReadBoundedAndReplacedWhole) {
  const auto built = BuildPackage(bearing_, &error_);
  ASSERT_TRUE(built.ok()) << error_;
  const fs::path path = folder_ / "bearing.trib";
  std::ofstream(path) << "old";
  ASSERT_TRUE(WritePackageFile(path, *built, &error_).ok()) << error_;
  const auto read = ReadPackageFile(path, &error_);
  ASSERT_TRUE(read.ok()) << error_;
  EXPECT_EQ(*read, *built);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);

  EXPECT_EQ(ReadPackageFile(folder_ / "absent", &error_).status().code(), Code::kNotFound);
  EXPECT_EQ(ReadPackageFile(folder_, &error_).status().code(), Code::kDataLoss);
  fs::resize_file(path, kMaxPackageBytes + 1);
  EXPECT_EQ(ReadPackageFile(path, &error_).status(), Status(Code::kDataLoss, Reason::kTooLarge));
  EXPECT_EQ(WritePackageFile(folder_ / "no" / "where", *built, &error_).code(), Code::kUnavailable);
}

}  // namespace
}  // namespace trib::host::package
