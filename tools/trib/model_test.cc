// trib model: a network of our own making through every command, and what it says to mistakes.
#include <fstream>

#include "trib/testing/tflite_writer.h"
#include "trib_fixture.h"

namespace trib::tools::trib_cli {
namespace {

using nlohmann::json;

class Model : public Trib {
 protected:
  void SetUp() override {
    std::vector<std::vector<std::byte>> storage;
    const auto bytes = testing::WriteTflite(testing::SmallConvNet(1, storage));
    Write("net.tflite", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(Path(name), std::ios::binary) << text;
  }
  void ExpectMistake(std::vector<std::string> arguments, const std::string& says) {
    const Ended ended = Run(std::move(arguments));
    EXPECT_EQ(ended.code, 2) << ended.error;
    EXPECT_NE(ended.error.find(says), std::string::npos) << ended.error;
  }
};

TEST_F(Model, ProfilesWhatAModelCosts) {
  const json profile = RunJson({"model", "profile", Path("net.tflite")});
  EXPECT_EQ(profile["operators"].size(), 6U);  // the reshape is gone
  EXPECT_EQ(profile["totals"]["macs"], 648 + 324 + 12);
  EXPECT_GE(profile["totals"]["arena_bytes"].get<int>(), 72);
  EXPECT_EQ(profile["cuts"].size(), 5U);
  EXPECT_EQ(RunJson({"model", "profile", Path("net.tflite"), "--unfused"})["operators"].size(), 7U);
  ASSERT_FALSE(profile["boards_modelled"].empty());
  for (const json& board : profile["boards_modelled"]) {
    EXPECT_LT(board["cycles_least"], board["cycles"]) << board;
    EXPECT_LT(board["cycles"], board["cycles_most"]) << board;
    EXPECT_LT(board["energy_uj_least"], board["energy_uj"]) << board;
    EXPECT_LT(board["energy_uj"], board["energy_uj_most"]) << board;
  }
  EXPECT_EQ(profile["advice"], json::array());  // three classes are no matter of padding
  const Ended text = Run({"model", "profile", Path("net.tflite")});
  EXPECT_NE(text.out.find("not a measurement"), std::string::npos) << text.out;
}

TEST_F(Model, AdvisesToFillWordsOfFour) {
  // One more dense layer, so that the one with three channels is not the last.
  std::vector<std::vector<std::byte>> storage;
  auto file = testing::SmallConvNet(1, storage);
  auto& tensors = file.model.tensors;
  const auto dense = file.model.operators[5];
  storage.emplace_back(9, std::byte{1});
  tensors.push_back(testing::MakeTensor("weights", {3, 3}));
  tensors.back().data = storage.back();
  tensors.push_back(testing::MakeTensor("h", {1, 3}));
  const auto last = static_cast<std::int32_t>(tensors.size());
  auto more = dense;
  more.inputs = {dense.outputs[0], last - 2, host::tflite::kAbsent};
  more.outputs = {last - 1};
  file.model.operators[6].inputs = more.outputs;
  file.model.operators.insert(file.model.operators.begin() + 6, more);
  const auto bytes = testing::WriteTflite(file);
  Write("deep.tflite", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  const json advice = RunJson({"model", "profile", Path("deep.tflite")})["advice"];
  ASSERT_EQ(advice.size(), 1U) << advice;
  EXPECT_EQ(advice[0].get<std::string>().find("FULLY_CONNECTED 5: 3 output channels; 4 would"), 0U)
      << advice;
}

TEST_F(Model, RunsFusedAndUnfusedAlikeAndWritesLayers) {
  Write("in.bin", std::string(72, '\x11'));
  RunJson(
      {"model", "run", Path("net.tflite"), "--input", Path("in.bin"), "--output", Path("a.bin")});
  RunJson({"model",
           "run",
           Path("net.tflite"),
           "--unfused",
           "--input",
           Path("in.bin"),
           "--output",
           Path("b.bin"),
           "--layers",
           Path("layers")});
  EXPECT_EQ(Read("a.bin").size(), 3U);
  EXPECT_EQ(Read("a.bin"), Read("b.bin"));
  EXPECT_EQ(Read("layers/006_softmax.bin"), Read("a.bin"));
  EXPECT_EQ(Read("layers/000_conv_2d.bin").size(), 36U);
}

TEST_F(Model, BuildsAPackageAndExportsIt) {
  RunJson({"model", "build", Path("net.tflite"), "-o", Path("net.trib")});
  const json inspected = RunJson({"package", "inspect", Path("net.trib")});
  EXPECT_TRUE(inspected["refusal"].is_null());
  EXPECT_GT(inspected["sections"][0]["content"]["arena_bytes"].get<int>(), 0);
  EXPECT_EQ(Run({"model",
                 "export",
                 Path("net.trib"),
                 "--c-array",
                 "--name",
                 "first_flash",
                 "-o",
                 Path("net.h")})
                .code,
            0);
  EXPECT_NE(Read("net.h").find("alignas(16) inline constexpr std::uint8_t first_flash[] = {"),
            std::string::npos);
  // The same from the model itself.
  const json exported = RunJson({"model",
                                 "export",
                                 Path("net.tflite"),
                                 "--c-array",
                                 "--name",
                                 "first_flash",
                                 "-o",
                                 Path("same.h")});
  EXPECT_EQ(exported["bytes"], Read("net.trib").size());
  EXPECT_EQ(Read("net.h"), Read("same.h"));
}

TEST_F(Model, TakesSmallModelsAsJson) {
  Write("tree.json",
        R"({"type": "linear", "weights": [[1, -2]], "bias": [0.5], "link": "logistic"})");
  const json profile = RunJson({"model", "profile", Path("tree.json")});
  EXPECT_EQ(profile["operators"][0]["name"], "LINEAR");
  EXPECT_EQ(profile["boards_modelled"], json::array());
  EXPECT_NE(Run({"model", "profile", Path("tree.json")}).out.find("nothing is published"),
            std::string::npos);
  EXPECT_EQ(Run({"model", "build", Path("tree.json"), "-o", Path("tree.trib")}).code, 0);
  Write("bad.json", R"({"type": "svm"})");
  ExpectMistake({"model", "profile", Path("bad.json")}, "bad.json: type: must be");
}

TEST_F(Model, SaysWhatIsWrong) {
  Write("short.bin", "abc");
  Write("text.tflite", "this is no model");
  ExpectMistake({"model", "profile", Path("none.tflite")}, "cannot be opened");
  ExpectMistake({"model", "profile", Path("text.tflite")}, "not a .tflite file");
  ExpectMistake({"model", "profile", Path("")}, "is a folder");
  ExpectMistake(
      {"model", "run", Path("net.tflite"), "--input", Path(""), "--output", Path("o.bin")},
      "cannot be opened and read");
  Write("in.bin", std::string(72, '\x11'));
  ExpectMistake({"model",
                 "run",
                 Path("net.tflite"),
                 "--input",
                 Path("in.bin"),
                 "--output",
                 Path("o.bin"),
                 "--layers",
                 Path("text.tflite")},
                "is no folder");
  ExpectMistake(
      {"model", "run", Path("net.tflite"), "--input", Path("short.bin"), "--output", Path("o.bin")},
      "72 bytes; it has 3");
  ExpectMistake({"model", "build", Path("text.tflite"), "-o", Path("x.trib")}, "no mark TFL3");
  ExpectMistake(
      {"model", "export", Path("net.tflite"), "--c-array", "--name", "7up", "-o", Path("x.h")},
      "no C++ identifier");
}

}  // namespace
}  // namespace trib::tools::trib_cli
