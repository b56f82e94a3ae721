#include <gmock/gmock.h>

#include "trib_fixture.h"

namespace trib::tools::trib_cli {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

/// Two states on two days, two channels, records of 200 frames.
class TribWorkload : public Trib {
 protected:
  TribWorkload() {
    std::filesystem::create_directories(Path("pump"));
    std::string manifest = "format = \"trib.recording\"\nversion = 1\n";
    for (const char* label : {"healthy", "worn"}) {
      for (const char* split : {"train", "test"}) {
        const std::string file = std::string(label) + "_" + split + ".i16";
        Write("pump/" + file, std::string(4 * 1000, '\x01'));
        manifest += "[[recording]]\nfile = \"" + file +
                    "\"\nencoding = \"int16le\"\nchannels = [\"x\", \"y\"]\nfs_hz = 400\n"
                    "scale = 0.001\nunit = \"g\"\nlabel = \"" +
                    std::string(label) + "\"\nrecord_frames = 200\nconditions = { day = \"" +
                    split + "\" }\n";
      }
    }
    Write("pump/manifest.toml", manifest);
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

  const Ended again = Run({"workload",
                           "new",
                           "pump",
                           "--data",
                           Path("pump"),
                           "--normal",
                           "healthy",
                           "-o",
                           Path("out")});
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
}

}  // namespace
}  // namespace trib::tools::trib_cli
