#include "trib/cloud/train/config.h"

#include <gtest/gtest.h>

namespace trib::cloud::train {
namespace {

constexpr std::string_view kSmall = R"toml(
base = "package.toml"
version = "1"
classes = ["normal", "broken"]
[[data]]
folder = "recordings"
[data.labels]
healthy = "normal"
[[split]]
name = "by_day"
by = "day"
train = ["1"]
test = ["2"]
ship = true
[network.stem]
kernel = 8
stride = 2
channels = 4
[[network.block]]
part = "node"
kernel = 5
stride = 2
channels = 8
[[network.block]]
part = "gateway"
kernel = 3
channels = 8
)toml";

std::string Replaced(std::string_view from, std::string_view to) {
  std::string text(kSmall);
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

/// The one error of a configuration.
std::string ErrorOf(const std::string& text) {
  std::vector<std::string> errors;
  EXPECT_FALSE(ParseConfig(text, "train.toml", errors).ok());
  return errors.empty() ? "" : errors[0];
}

TEST(TrainConfiguration, ReadsWhatIsThereAndHasDefaultsForTheRest) {
  std::vector<std::string> errors;
  const auto config = ParseConfig(kSmall, "train.toml", errors);
  ASSERT_TRUE(config.ok()) << (errors.empty() ? "" : errors[0]);
  EXPECT_EQ(config->classes.size(), 2U);
  EXPECT_EQ(config->data[0].labels.at("healthy"), "normal");
  EXPECT_EQ(config->splits[0].train, std::vector<std::string>{"1"});
  ASSERT_EQ(config->network.blocks.size(), 2U);
  EXPECT_EQ(config->network.blocks[1].part, 1U);
  // Two parts, so two exits.
  EXPECT_EQ(config->fit.loss_weights.size(), 2U);
  EXPECT_EQ(config->simulator.share, 0);
}

TEST(TrainConfiguration, NamesEveryMistakeWithItsLine) {
  EXPECT_NE(ErrorOf(Replaced("version = \"1\"", "versoin = \"1\"")).find("train.toml:"),
            std::string::npos);
  EXPECT_NE(ErrorOf(Replaced("ship = true", "ship = false")).find("exactly one"),
            std::string::npos);
  EXPECT_NE(ErrorOf(Replaced("part = \"gateway\"", "part = \"cloud\"")).find("out of order"),
            std::string::npos);
  EXPECT_NE(ErrorOf(Replaced("test = [\"2\"]", "")).find("needs values"), std::string::npos);
  EXPECT_NE(ErrorOf(Replaced("test = [\"2\"]", "test = [\"2\", \"1\"]"))
                .find("has \"1\", which is in test, too"),
            std::string::npos);
  EXPECT_NE(ErrorOf(Replaced("\"broken\"]", "\"broken\", \"normal\"]")).find("a class twice"),
            std::string::npos);
  EXPECT_NE(
      ErrorOf(std::string(kSmall) + "[fit]\nloss_weights = [1]\n").find("one number per exit"),
      std::string::npos);
  EXPECT_NE(ErrorOf(std::string(kSmall) + "[augment]\nsnr_db = [40, 10]\n").find("the lower one"),
            std::string::npos);
}

}  // namespace
}  // namespace trib::cloud::train
