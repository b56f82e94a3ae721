#include "decision_tally.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "trib/node/sim/sim_clock.h"

namespace trib::node::images {
namespace {

/// 100 frames of each label in turn.
class LabelledSource final : public sim::SampleSource {
 public:
  explicit LabelledSource(std::vector<std::string> labels) : labels_(std::move(labels)) {}
  Result<Block> Read(std::span<std::int16_t> /*memory*/) override {
    if (next_ == labels_.size()) {
      return Code::kOutOfRange;
    }
    label_ = labels_[next_++];
    return Block{.frames = 100, .scale = 1, .non_finite_frames = 0, .boundary = true};
  }
  [[nodiscard]] std::uint32_t sample_rate_hz() const override { return 1000; }
  [[nodiscard]] std::uint32_t channels() const override { return 1; }
  [[nodiscard]] std::string_view label() const override { return label_; }

 private:
  std::vector<std::string> labels_;
  std::string label_;
  std::size_t next_ = 0;
};

package::Labels Names() {
  package::Labels labels;
  for (const char* name : {"normal", "abnormal", "inner"}) {
    (void)labels.labels.push_back({.name = package::ShortText(name), .actuator = 1});
  }
  return labels;
}

class DecisionTallyTest : public ::testing::Test {
 protected:
  void Play(std::vector<std::string> labels) {
    sensor_ =
        std::make_unique<sim::PacedSensor>(std::make_unique<LabelledSource>(std::move(labels)),
                                           clock_,
                                           sim::PacedSensor::Options{.pace = 0});
    std::vector<std::int16_t> memory(100);
    while (sensor_->Read(memory).ok()) {
    }
    tally_ = std::make_unique<DecisionTally>(*sensor_);
  }
  void Decide(std::uint64_t frame, message::Tier tier, std::uint32_t label) {
    tally_->OnDecision({.first_frame = frame, .tier = tier, .label = label});
  }

  sim::SimClock clock_{{.pace = 0}};
  std::unique_ptr<sim::PacedSensor> sensor_;
  std::unique_ptr<DecisionTally> tally_;
};

TEST_F(DecisionTallyTest, CountsTruthLabelAndTierInAnyOrder) {
  Play({"normal", "inner"});
  Decide(150, message::Tier::kClassifier, 2);
  Decide(199, message::Tier::kClassifier, 2);
  Decide(0, message::Tier::kTrigger, 0);
  Decide(100, message::Tier::kCloud, 1);  // its verdict came later
  const auto json = tally_->ToJson(Names());
  EXPECT_EQ(json["inner"]["inner"]["classifier"], 2);
  EXPECT_EQ(json["inner"]["abnormal"]["cloud"], 1);
  EXPECT_EQ(json["normal"]["normal"]["trigger"], 1);
  EXPECT_EQ(json.size(), 2U);
  EXPECT_EQ(tally_->RightPermille(Names()), 750);
}

TEST_F(DecisionTallyTest, SaysNothingAboutSamplesThatNobodyLabelled) {
  Play({"", "inner"});
  Decide(10, message::Tier::kTrigger, 0);
  EXPECT_TRUE(tally_->ToJson(Names()).is_null());
  EXPECT_TRUE(tally_->RightPermille(Names()).is_null());
  Decide(110, message::Tier::kTrigger, 0);
  EXPECT_EQ(tally_->RightPermille(Names()), 0);
}

TEST_F(DecisionTallyTest, NamesLabelsWithoutAPackage) {
  Play({"normal"});
  Decide(0, message::Tier::kFallback, 0);
  Decide(10, message::Tier::kFallback, 1);
  const auto json = tally_->ToJson({});
  EXPECT_EQ(json["normal"]["normal"]["fallback"], 1);
  EXPECT_EQ(json["normal"]["label 1"]["fallback"], 1);
}

}  // namespace
}  // namespace trib::node::images
