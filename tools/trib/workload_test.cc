#include <gmock/gmock.h>

#include "trib_fixture.h"

namespace trib::tools::trib_cli {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

/// Two states on two days, two channels, records of 200 frames.
class TribWorkload : public Trib {
 protected:
  TribWorkload() { Record("worn", "0.001"); }

  /// Replaces the folder by one whose second state and scale are these.
  void Record(const std::string& worn, const std::string& scale) {
    std::filesystem::create_directories(Path("pump"));
    std::string manifest = "format = \"trib.recording\"\nversion = 1\n";
    for (const std::string& label : {std::string("healthy"), worn}) {
      for (const char* split : {"train", "test"}) {
        const std::string file =
            (label == "healthy" ? "healthy_" : "worn_") + std::string(split) + ".i16";
        Write("pump/" + file, std::string(4 * 1000, '\x01'));
        manifest += "[[recording]]\nfile = \"" + file +
                    "\"\nencoding = \"int16le\"\nchannels = [\"x\", \"y\"]\nfs_hz = 400\n"
                    "scale = " +
                    scale + "\nunit = \"g\"\nlabel = \"" + label +
                    "\"\nrecord_frames = 200\nconditions = { day = \"" + split + "\" }\n";
      }
    }
    Write("pump/manifest.toml", manifest);
  }
  Ended New(const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"workload",
                                      "new",
                                      "pump",
                                      "--data",
                                      Path("pump"),
                                      "--normal",
                                      "healthy",
                                      "-o",
                                      Path("out")};
    words.insert(words.end(), more.begin(), more.end());
    return Run(words);
  }
};

TEST_F(TribWorkload, NewWritesSpecificationsThatCanBeBuilt) {
  const json made = RunJson({"workload",
                             "new",
                             "pump",
                             "--data",
                             Path("pump"),
                             "--normal",
                             "healthy",
                             "-o",
                             Path("out")});
  EXPECT_EQ(made["window"], 128);  // the largest power of two that a record holds
  EXPECT_EQ(made["labels"], json({"healthy", "worn"}));
  EXPECT_EQ(made["split"], "day");
  EXPECT_THAT(Read("out/train.toml"), HasSubstr("train = [\"train\"]"));
  const json built =
      RunJson({"package", "build", Path("out/package.toml"), "-o", Path("pump.trib")});
  EXPECT_GT(built["bytes"], 0);

  const Ended again = New();
  EXPECT_EQ(again.code, 3);
  EXPECT_THAT(again.error, HasSubstr("exists already"));
}

TEST_F(TribWorkload, NewSaysWhatIsWrong) {
  const Ended label = Run({"workload", "new", "pump", "--data", Path("pump"), "-o", Path("out")});
  EXPECT_EQ(label.code, 2);
  EXPECT_THAT(label.error, HasSubstr("--normal normal: no recording has this label"));
  EXPECT_THAT(label.error, HasSubstr("healthy, worn"));
  EXPECT_FALSE(std::filesystem::exists(Path("out")));
  const Ended name = Run({"workload", "new", "A pump", "--data", Path("pump")});
  EXPECT_EQ(name.code, 2);
  EXPECT_THAT(name.error, HasSubstr("is no name"));
  const Ended folder = Run({"workload", "new", "pump", "--data", Path("nowhere")});
  EXPECT_EQ(folder.code, 2);
  EXPECT_THAT(folder.error, HasSubstr("manifest.toml"));
  const Ended quiet = New({"--no-alarm", "wron"});
  EXPECT_EQ(quiet.code, 2);
  EXPECT_THAT(quiet.error, HasSubstr("--no-alarm wron: no recording has this label"));
  EXPECT_THAT(New({"--no-alarm", "healthy"}).error, HasSubstr("is the normal state"));
}

TEST_F(TribWorkload, NewTakesTheManifestForItsFolder) {
  const json made = RunJson({"workload",
                             "new",
                             "pump",
                             "--data",
                             Path("pump/manifest.toml"),
                             "--normal",
                             "healthy",
                             "-o",
                             Path("out")});
  EXPECT_EQ(made["labels"], json({"healthy", "worn"}));
  EXPECT_THAT(Read("out/train.toml"), HasSubstr("folder = \"pump\""));
  EXPECT_THAT(Run({"workload", "new", "x", "--data", Path("pump/worn_test.i16")}).error,
              HasSubstr("is no manifest.toml"));
  const Ended empty = Run({"workload", "new", "x", "--data", ""});
  EXPECT_EQ(empty.code, 2);
  EXPECT_THAT(empty.error, HasSubstr("--data: is empty"));
}

// Said before anything is written: what is written can be built.
TEST_F(TribWorkload, NewSaysWhatNoPackageCanHold) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "a recording has no label"},
      {"anomaly", "\"anomaly\" is what the trigger reports"},
      {"sensor_fault", "\"sensor_fault\" is what the guardrails report"},
      {"outer race of the drive end's bearing", "is longer than 31 bytes"},
  };
  for (const auto& [label, text] : cases) {
    Record(label, "0.001");
    const Ended ended = New();
    EXPECT_EQ(ended.code, 2) << label;
    EXPECT_THAT(ended.error, HasSubstr(text));
    EXPECT_FALSE(std::filesystem::exists(Path("out"))) << label;
  }
  for (const char* scale : {"nan", "0", "-1"}) {
    Record("worn", scale);
    const Ended ended = New();
    EXPECT_EQ(ended.code, 2) << scale;
    EXPECT_THAT(ended.error, HasSubstr("the scale must be a number above 0"));
    EXPECT_FALSE(std::filesystem::exists(Path("out"))) << scale;
  }
}

}  // namespace
}  // namespace trib::tools::trib_cli
