#include "trib/common/host/recording/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace trib::host::recording {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kHead = "format = \"trib.recording\"\nversion = 1\n";
constexpr std::string_view kRequired =
    "[[recording]]\nfile = \"a.i16\"\nencoding = \"int16le\"\nchannels = [\"x\"]\n"
    "fs_hz = 100\nscale = 0.5\n";

class ManifestText : public ::testing::Test {
 protected:
  Result<Manifest> Parse(const std::string& text) {
    errors_.clear();
    return Manifest::Parse(text, "m.toml", "/data", errors_);
  }
  Result<Manifest> With(const std::string& more) {
    return Parse(std::string(kHead) + std::string(kRequired) + more);
  }

  std::vector<std::string> errors_;
};

TEST_F(ManifestText, ReadsAllKeysAndWritesThemBack) {
  const auto manifest = With(
      "unit = \"g\"\nlabel = \"nor\\\"mal\"\nframes = 1000\nbegin_frame = 10\nend_frame = 900\n"
      "record_frames = 100\nboundaries = [5, 17]\n"
      "conditions = { load_hp = 2, ratio = 0.25, split = \"train\", ok = true }\n");
  ASSERT_TRUE(manifest.ok()) << ::testing::PrintToString(errors_);
  const Recording& r = manifest->recordings.at(0);
  EXPECT_EQ(r.file, "/data/a.i16");
  EXPECT_EQ(r.label, "nor\"mal");
  EXPECT_EQ(r.end_frame, 900U);
  EXPECT_THAT(r.boundaries, ElementsAre(5U, 17U));
  EXPECT_EQ(r.conditions.at("load_hp"), Condition(std::int64_t{2}));
  EXPECT_EQ(r.conditions.at("split"), Condition(std::string("train")));

  const std::string text = manifest->ToToml();
  const auto again = Manifest::Parse(text, "again.toml", "/elsewhere", errors_);
  ASSERT_TRUE(again.ok()) << ::testing::PrintToString(errors_);
  EXPECT_EQ(again->ToToml(), text);
  EXPECT_EQ(again->recordings.at(0).conditions, r.conditions);
}

TEST_F(ManifestText, NamesLineAndNearestKey) {
  EXPECT_FALSE(With("lable = \"x\"\n").ok());
  EXPECT_THAT(errors_,
              ElementsAre("m.toml:9: unknown key \"recording[0].lable\"; did you mean "
                          "\"recording[0].label\"?"));
}

TEST_F(ManifestText, CollectsEveryMistake) {
  EXPECT_EQ(Parse("format = \"other\"\nversion = 2\n[[recording]]\nfile = \"\"\n"
                  "encoding = \"wav\"\nchannels = [\"x\", \"x\"]\nfs_hz = 0\nscale = \"big\"\n"
                  "begin_frame = 5\nend_frame = 5\nboundaries = [3, 3]\n")
                .status(),
            Status(Code::kInvalidArgument));
  EXPECT_THAT(errors_,
              ElementsAre(HasSubstr("m.toml:1: \"format\" is \"other\""),
                          HasSubstr("m.toml:2: \"version\" is 2"),
                          HasSubstr("m.toml:4: \"recording[0].file\" is empty"),
                          HasSubstr("m.toml:5: \"recording[0].encoding\" is \"wav\"; it must be "
                                    "one of \"int16le\", \"float32le\""),
                          HasSubstr("m.toml:6: \"recording[0].channels\" must be"),
                          HasSubstr("m.toml:7: \"recording[0].fs_hz\" must be above 0"),
                          HasSubstr("m.toml:8: \"recording[0].scale\" is a string"),
                          HasSubstr("m.toml:10: \"recording[0].end_frame\" must be above"),
                          HasSubstr("m.toml:11: \"recording[0].boundaries\" must rise")));
}

TEST_F(ManifestText, AScaleOfNanIsAllowedForCountsOnly) {
  std::string text = std::string(kHead) + std::string(kRequired);
  text.replace(text.find("0.5"), 3, "nan");
  const auto manifest = Parse(text);
  ASSERT_TRUE(manifest.ok());
  EXPECT_TRUE(std::isnan(manifest->recordings.at(0).scale));
  EXPECT_THAT(manifest->ToToml(), HasSubstr("scale = nan"));
  text.replace(text.find("int16le"), 7, "float32le");
  EXPECT_FALSE(Parse(text).ok());
  EXPECT_THAT(errors_, ElementsAre(HasSubstr("\"recording[0].scale\" must be finite")));
}

TEST_F(ManifestText, AManifestWithoutRecordingsIsRefused) {
  EXPECT_FALSE(Parse(std::string(kHead)).ok());
  EXPECT_THAT(errors_, ElementsAre(HasSubstr("\"recording\" must be there")));
}

TEST_F(ManifestText, AMissingManifestIsNotFound) {
  EXPECT_EQ(Manifest::Load("/nonexistent/m.toml", errors_).status(), Status(Code::kNotFound));
  EXPECT_THAT(errors_, ElementsAre("/nonexistent/m.toml: no such file"));
}

TEST(Conditions, AreTextAsPeopleWriteThem) {
  EXPECT_EQ(ConditionText(Condition(std::int64_t{2})), "2");
  EXPECT_EQ(ConditionText(Condition(0.014)), "0.014");
  EXPECT_EQ(ConditionText(Condition(0.1)), "0.1");
  EXPECT_EQ(ConditionText(Condition(1.0)), "1.0");
  EXPECT_EQ(ConditionText(Condition(true)), "true");
  EXPECT_EQ(ConditionText(Condition(std::string("monday"))), "monday");
}

TEST(Recording, NextBoundaryJoinsRegularAndListedOnes) {
  Recording recording;
  EXPECT_EQ(recording.NextBoundary(0), std::nullopt);
  recording.boundaries = {3, 30};
  recording.record_frames = 10;
  EXPECT_EQ(recording.NextBoundary(0), 3U);
  EXPECT_EQ(recording.NextBoundary(3), 10U);
  EXPECT_EQ(recording.NextBoundary(10), 20U);
  EXPECT_EQ(recording.NextBoundary(29), 30U);
  EXPECT_EQ(recording.NextBoundary(30), 40U);
}

}  // namespace
}  // namespace trib::host::recording
