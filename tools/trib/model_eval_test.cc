// trib model eval: a small network's packages on recordings made here, and what it says to
// mistakes.
#include <fstream>

#include "trib/common/host/recording/manifest.h"
#include "trib/testing/split_packages.h"
#include "trib_fixture.h"

namespace trib::tools::trib_cli {
namespace {

using nlohmann::json;

class ModelEval : public Trib {
 protected:
  void SetUp() override {
    const auto made = testing::MakeSplitPackages();
    Write("head.trib", made.head);
    Write("tail.trib", made.tail);
    host::recording::Manifest manifest;
    for (unsigned kind = 0; kind < 3; ++kind) {
      std::vector<std::int16_t> samples;
      for (std::uint32_t window = 0; window < 60; ++window) {
        for (const std::int16_t x : testing::ToneWindow({}, kind, window)) {
          samples.push_back(static_cast<std::int16_t>(x * (kind == 0 ? 1 : 4)));
        }
      }
      const std::string name = "tone" + std::to_string(kind) + ".i16";
      Write(name, std::as_bytes(std::span(samples)));
      host::recording::Recording recording;
      recording.file = name;
      recording.channels = {"x"};
      recording.fs_hz = 1000;
      recording.scale = 0.001;
      recording.label = kind == 0 ? "normal" : "fault_" + std::to_string(kind);
      recording.conditions["split_by_load"] = std::string(kind == 2 ? "train" : "test");
      manifest.recordings.push_back(recording);
    }
    std::ofstream(Path("manifest.toml")) << manifest.ToToml();
  }
  void Write(const std::string& name, std::span<const std::byte> bytes) {
    std::ofstream(Path(name), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  std::vector<std::string> Eval(std::vector<std::string> more) {
    std::vector<std::string> out = {
        "model", "eval", Path("head.trib"), "--data", Path("manifest.toml")};
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }
  void ExpectMistake(std::vector<std::string> arguments, const std::string& says) {
    const Ended ended = Run(std::move(arguments));
    EXPECT_NE(ended.code, 0);
    EXPECT_NE(ended.error.find(says), std::string::npos) << ended.error;
  }
};

TEST_F(ModelEval, ReportsEachExitAloneAndTheCascade) {
  const json report = RunJson(Eval({"--tail", Path("tail.trib")}));
  EXPECT_EQ(report["package"], "small 1");
  EXPECT_EQ(report["part"], "all");
  EXPECT_EQ(report["data"]["recordings"], 3);
  EXPECT_EQ(report["data"]["windows"], 2 * 60 + 24);
  EXPECT_EQ(report["always"].size(), 3U);
  EXPECT_EQ(report["always"][1]["tier"], "gateway");
  EXPECT_EQ(report["always"][2]["classes"][2]["class"], "fault_2");
  EXPECT_EQ(report["cascade"]["own_mix"]["bytes_per_window"]["raw"], 128);
  EXPECT_EQ(report["trigger"]["recall_recordings"]["of"], 2);
  // The same again, from the folder, gives the same.
  auto from_folder = Eval({"--tail", Path("tail.trib")});
  from_folder[4] = Path("");
  EXPECT_EQ(RunJson(from_folder), report);
}

TEST_F(ModelEval, TextNamesWhatIsAModel) {
  const Ended text = Run(Eval({"--tail", Path("tail.trib")}));
  EXPECT_EQ(text.code, 0) << text.error;
  EXPECT_EQ(text.error, "");  // no bar where nobody looks
  for (const char* says : {"every window at exit 3, the cloud's",
                           "99 % healthy",
                           "nothing is measured",
                           "raw, delta and Rice coded"}) {
    EXPECT_NE(text.out.find(says), std::string::npos) << says;
  }
}

TEST_F(ModelEval, TakesAPartAFilterAndALimit) {
  EXPECT_EQ(RunJson(Eval({"--split", "by_load"}))["data"]["recordings"], 2);
  EXPECT_EQ(RunJson(Eval({"--split", "by_load", "--part", "train"}))["data"]["windows"], 60);
  const json limited = RunJson(Eval({"--limit", "5", "--no-trigger", "--only", "label=fault_*"}));
  EXPECT_EQ(limited["data"]["windows"], 10);
  EXPECT_TRUE(limited["trigger"].is_null());
  EXPECT_TRUE(limited["cascade"]["healthy_99_percent"].is_null());
  EXPECT_EQ(RunJson(Eval({"--map", "fault_2=-"}))["data"]["recordings"], 2);
}

TEST_F(ModelEval, EachMistakeIsOneLine) {
  ExpectMistake(Eval({"--split", "by_moon"}),
                "no recording has the condition split_by_moon or by_moon");
  ExpectMistake(Eval({"--map", "fault_2=bang"}), "label \"fault_2\" is no class of the package");
  ExpectMistake(Eval({"--map", "fault_2"}), "is not FROM=TO");
  ExpectMistake(Eval({"--tail", Path("head.trib")}), "its tail is ");
  ExpectMistake(Eval({"--tail", Path("absent.trib")}), "absent.trib");
  ExpectMistake(Eval({"--only", "label=normal", "--only", "label=x"}),
                "takes none of what is left");
  ExpectMistake({"model", "eval", Path("tone0.i16"), "--data", Path("")}, "not a package");
  ExpectMistake({"model", "eval", Path("head.trib"), "--data", Path("absent")}, "absent");
  // What was typed wrongly is told from what could not be done.
  EXPECT_EQ(Run(Eval({"--split", "by_moon"})).code, 2);
  EXPECT_EQ(Run(Eval({"--map", "fault_2"})).code, 2);
  EXPECT_EQ(Run(Eval({"--only", "label=x"})).code, 2);
  ExpectMistake(Eval({"--node", "mashine"}), "--node mashine: no recording has this condition");
  EXPECT_EQ(Run({"model", "eval", Path("head.trib"), "--data", Path("absent")}).code, 1);
}

TEST_F(ModelEval, SaysWhenTrainingRecordingsAreAmongThem) {
  constexpr const char* kSays = "if the network was trained on some";
  EXPECT_NE(Run(Eval({})).out.find(kSays), std::string::npos);
  EXPECT_EQ(Run(Eval({"--split", "by_load"})).out.find(kSays), std::string::npos);
}

}  // namespace
}  // namespace trib::tools::trib_cli
