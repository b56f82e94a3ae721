// trib board, by the real binary.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "trib_fixture.h"

namespace trib::tools::trib_cli {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class TribBoard : public Trib {
 protected:
  std::vector<std::string> Image(std::vector<std::string> more) {
    std::vector<std::string> arguments = {
        "board", "image", "--board", "mps2-an386", "--node", "101", "-o", Path("nvm.img")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
};

TEST_F(TribBoard, MakesAnImageAndShowsIt) {
  const json made = RunJson(Image({"--generate", "1", "--phases", "normal:2", "--seed", "5"}));
  EXPECT_THAT(KeysOf(made),
              ElementsAre("board",
                          "entropy",
                          "file",
                          "full_speed",
                          "hold_for_verdicts",
                          "mtu",
                          "node",
                          "own_time",
                          "package",
                          "package_keys",
                          "seed",
                          "sensor",
                          "start_time_ms"));
  EXPECT_EQ(made["node"], 101);
  EXPECT_EQ(made["seed"], 5);
  EXPECT_EQ(made["sensor"]["seconds"], 2.0);
  EXPECT_EQ(RunJson({"board", "inspect", Path("nvm.img")}), made);
  const Ended text = Run({"board", "inspect", Path("nvm.img")});
  EXPECT_THAT(text.out, HasSubstr("mps2-an386"));
}

TEST_F(TribBoard, KeepsAFileThatExists) {
  Write("nvm.img", "x");
  const Ended ended = Run(Image({"--generate", "1"}));
  EXPECT_EQ(ended.code, 3);
  EXPECT_THAT(ended.error, HasSubstr("exists already"));
  EXPECT_EQ(Read("nvm.img"), "x");
}

TEST_F(TribBoard, EqualEntropyGivesEqualBoards) {
  const std::string seed(64, 'a');
  ASSERT_EQ(Run(Image({"--generate", "1", "--phases", "normal:1", "--entropy-seed", seed})).code,
            0);
  std::filesystem::rename(Path("nvm.img"), Path("first.img"));
  ASSERT_EQ(Run(Image({"--generate", "1", "--phases", "normal:1", "--entropy-seed", seed})).code,
            0);
  EXPECT_EQ(Read("nvm.img"), Read("first.img"));
  std::filesystem::remove(Path("nvm.img"));
  ASSERT_EQ(Run(Image({"--generate", "1", "--phases", "normal:1"})).code, 0);
  EXPECT_NE(Read("nvm.img"), Read("first.img"));
}

TEST_F(TribBoard, MistakesAreOneLine) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "trib: give either --replay MANIFEST, or --generate SEED or --machine FILE or both"},
      {{"--generate", "1", "--mtu", "50"}, "trib: --mtu: Value 50 not in range"},
      {{"--generate", "1", "--own-time"}, "trib: the identity is not possible"},
      {{"--generate", "1", "--entropy-seed", "12"}, "trib: --entropy-seed: give 64 hex digits"},
      {{"--generate", "1", "--package", "p.trib"}, "trib: --package-key: give the public key"},
      {{"--generate", "1", "--inject", "stuck"}, "trib: --inject: 'stuck' is neither"},
      {{"--generate", "1", "--phases", "normal:9999"}, "trib: the source is longer than sensor"},
      {{"--replay", "none.toml"}, "trib: none.toml"}};
  for (const auto& [more, text] : cases) {
    const Ended ended = Run(Image(more));
    EXPECT_EQ(ended.code, 2) << text;
    EXPECT_THAT(ended.error, StartsWith(text));
    EXPECT_EQ(std::count(ended.error.begin(), ended.error.end(), '\n'), 1) << ended.error;
  }
  EXPECT_FALSE(std::filesystem::exists(Path("nvm.img")));
  const Ended ended = Run({"board", "inspect", Path("nvm.img")});
  EXPECT_EQ(ended.code, 1);
  EXPECT_THAT(ended.error, HasSubstr("No such file"));
}

}  // namespace
}  // namespace trib::tools::trib_cli
