// Specifications of a head and its tail, from one model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "trib/common/classify/classify.h"
#include "trib/common/host/identity/identity.h"
#include "trib/common/host/package/package.h"
#include "trib/testing/small_networks.h"
#include "trib/testing/tflite_writer.h"

namespace trib::host::package {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kCommon = R"toml(
[manifest]
name = "split"
version = "1"
hardware_class = "any"
[recipe]
sample_rate_hz = 1000
window = 64
hop = 64
[[recipe.op]]
op = "rms"
[[guardrails]]
clip_level_raw = 32767
max_clipped_permille = 1000
max_stuck_run = 0
min_peak_to_peak_raw = 0
max_missing_permille = 0
scale_min = 1e-9
scale_max = 1e9
[exit_policy]
heartbeat = "1m"
reminder = "10m"
block = "1m"
status = "5m"
audit_permille = 0
[[label]]
name = "normal"
actuator = "normal"
[[label]]
name = "unknown"
actuator = "warn"
alarm = true
[[label]]
name = "inner"
actuator = "warn"
alarm = true
[[label]]
name = "worn"
actuator = "normal"
[[fallback_rule]]
source = "any_fault"
actuator = "warn"
label = "normal"
[classifier]
input = "window"
verdict_wait = "5s"
classes = ["normal", "worn", "inner"]
[[classifier.exit]]
tier = "node"
operators = 4
temperature = 2
accept = [0.9, 0.8, 0.5]
reject = [1, 1, 0.05]
[[classifier.exit]]
tier = "gateway"
operators = 8
accept = [0.9, 0.8, 0.5]
[[classifier.exit]]
tier = "cloud"
operators = 11
accept = [0, 0, 0]
)toml";

class SplitSpecification : public ::testing::Test {
 protected:
  SplitSpecification() {
    std::string pattern = (fs::temp_directory_path() / "trib_split_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    const auto network = trib::testing::ThreeExitNetwork();
    trib::testing::TfliteFile file;
    file.model = network.model;
    const auto bytes = trib::testing::WriteTflite(file);
    std::ofstream(folder_ / "model.tflite", std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  ~SplitSpecification() override { fs::remove_all(folder_); }

  Result<std::vector<std::byte>> Build(const std::string& text) {
    std::ofstream(folder_ / "package.toml") << text;
    error_.clear();
    return BuildPackage(folder_ / "package.toml", &error_);
  }
  static std::string Tail() {
    return std::string("[network]\nmodel = \"model.tflite\"\n") + kCommon;
  }
  std::string Head() {
    const auto tail = Build(Tail());
    EXPECT_TRUE(tail.ok()) << error_;
    EXPECT_TRUE(WritePackageFile(folder_ / "tail.trib", *tail).ok());
    return "[network]\nmodel = \"model.tflite\"\noperators = 4\n"
           "[split_points]\ntail = \"tail.trib\"\n" +
           std::string(kCommon);
  }
  void Refuses(std::string text,
               const std::string& from,
               const std::string& to,
               const std::string& says) {
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    EXPECT_EQ(Build(text).status().code(), Code::kInvalidArgument) << to;
    EXPECT_THAT(error_, HasSubstr(says));
  }

  fs::path folder_;
  std::string error_;
};

TEST_F(SplitSpecification, HeadNamesItsTail) {
  const auto head = Build(Head());
  ASSERT_TRUE(head.ok()) << error_;
  const auto view = PackageView::Open(*head);
  ASSERT_TRUE(view.ok());
  EXPECT_TRUE(CheckContents(*view).ok());
  const auto tail_file = ReadPackageFile(folder_ / "tail.trib");
  ASSERT_TRUE(tail_file.ok());
  const auto tail = PackageView::Open(*tail_file);
  ASSERT_TRUE(tail.ok());
  SplitPoints split;
  ASSERT_TRUE(Decode(view->Find(SectionType::kSplitPoints), split).ok());
  EXPECT_EQ(split.tail_digest, tail->digest());
  EXPECT_EQ(split.tail_bytes, tail_file->size());
  EXPECT_EQ(split.cut, 4);
  EXPECT_EQ(split.max_activation_bytes, 12U + 8 + 16 * 6 + 8 + 3);
  ClassifierSpec classifier;
  ASSERT_TRUE(Decode(view->Find(SectionType::kClassifier), classifier).ok());
  EXPECT_EQ(classifier.labels[1], 3);
  EXPECT_EQ(classifier.exits[0].inverse_temperature, 0.5F);
  EXPECT_EQ(classifier.exits[0].reject[2], 0.05F);
  EXPECT_EQ(classifier.exits[1].reject[2], 1.0F);
  EXPECT_EQ(classifier.exits[2].output, 2);
  EXPECT_EQ(classifier.verdict_wait_ms, 5000U);
  EXPECT_TRUE(std::ranges::equal(view->Find(SectionType::kClassifier),
                                 tail->Find(SectionType::kClassifier)));
}

TEST_F(SplitSpecification, InspectionShowsBoth) {
  const auto head = Build(Head());
  ASSERT_TRUE(head.ok()) << error_;
  const auto text = InspectPackage(*head);
  ASSERT_TRUE(text.ok());
  const auto json = nlohmann::json::parse(*text);
  EXPECT_TRUE(json.at("refusal").is_null());
  bool split = false;
  bool classifier = false;
  for (const auto& section : json.at("sections")) {
    const auto& content = section.at("content");
    if (section.at("name") == "split_points") {
      split = true;
      EXPECT_EQ(content.at("cut"), 4);
      const auto tail = ReadPackageFile(folder_ / "tail.trib");
      ASSERT_TRUE(tail.ok());
      EXPECT_EQ(content.at("tail_bytes"), tail->size());
      EXPECT_EQ(content.at("tail_digest"), identity::ToHex(PackageView::Open(*tail)->digest()));
    } else if (section.at("name") == "classifier") {
      classifier = true;
      EXPECT_EQ(content.at("input"), "window");
      EXPECT_EQ(content.at("labels"), (std::vector<int>{0, 3, 2}));
      EXPECT_EQ(content.at("exits")[0].at("temperature"), 2.0);
      EXPECT_EQ(content.at("exits")[2].at("tier"), "cloud");
    }
  }
  EXPECT_TRUE(split && classifier);
}

TEST_F(SplitSpecification, EachMistakeIsNamed) {
  const std::string tail = Tail();
  Refuses(tail,
          "classes = [\"normal\", \"worn\"",
          "classes = [\"normal\", \"warn\"",
          "did you mean \"worn\"");
  Refuses(tail, "accept = [0.9, 0.8, 0.5]", "accept = [0.9, 0.8]", "one number per class");
  Refuses(tail, "reject = [1, 1, 0.05]", "reject = [1, 0.5, 0.05]", "no alarm");
  Refuses(tail, "input = \"window\"", "input = \"window\"\ngain = 2", "\"scaled_window\" alone");
  Refuses(tail, "tier = \"gateway\"", "tier = \"node\"", "classifier malformed");
  Refuses(tail, "operators = 8", "operators = 7", "classifier and plan do not match");
  Refuses(tail, "window = 64", "window = 128", "takes 64 int8 and gives ");
  Refuses(tail, "window = 64", "window = 128", "the recipe makes windows of 128 values");
  Refuses(tail, "verdict_wait = \"5s\"", "verdict_wait = \"1h\"", "verdict_wait");
  Refuses(tail, "[network]\nmodel = \"model.tflite\"\n", "", "required section missing");
  const std::string head = Head();
  Refuses(head, "\"tail.trib\"", "\"absent.trib\"", "cannot be used");
  Refuses(head, "operators = 4\n[split", "operators = 5\n[split", "do not match");
  Refuses(head, "operators = 4\n[split", "operators = 11\n[split", "the model has 11");
  Refuses(head, "[network]\nmodel = \"model.tflite\"\noperators = 4\n", "", "needs a plan");
}

}  // namespace
}  // namespace trib::host::package
