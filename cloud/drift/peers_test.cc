#include "peers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "trib/common/base/random.h"

namespace trib::cloud::drift {
namespace {

float MedianWithout(std::vector<float> scores, std::size_t left_out) {
  scores.erase(scores.begin() + static_cast<std::ptrdiff_t>(left_out));
  std::sort(scores.begin(), scores.end());
  const std::size_t n = scores.size();
  return (scores[(n - 1) / 2] + scores[n / 2]) / 2;
}

TEST(Peers, TheMedianIsOfTheOthers) {
  SplitMix64 random(3);
  for (std::size_t count = Peers::kLeastPeers + 1; count < 40; ++count) {
    std::vector<float> scores;
    for (std::size_t i = 0; i < count; ++i) {
      scores.push_back(1 + static_cast<float>(random.Next() % 12));  // with ties
    }
    const Peers peers(scores);
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(peers.Beyond(scores[i]),
                std::max(0.0F, scores[i] - Peers::kReach * MedianWithout(scores, i)))
          << count << " " << i;
    }
  }
}

TEST(Peers, ExplainAScoreButNeverMakeOne) {
  std::vector<float> scores(20, -2);
  scores[0] = -5;
  scores[1] = -1;
  scores[2] = 0;
  scores[3] = 4;
  const Peers peers(scores);
  EXPECT_EQ(peers.Beyond(-5), -2);
  EXPECT_EQ(peers.Beyond(-2), 0);
  EXPECT_EQ(peers.Beyond(-1), 0);
  EXPECT_EQ(peers.Beyond(0), 0);
  EXPECT_EQ(peers.Beyond(4), 4);
}

TEST(Peers, EightOthersAreTheLeast) {
  EXPECT_EQ(Peers().Beyond(3), 3);
  EXPECT_EQ(Peers(std::vector<float>(Peers::kLeastPeers, 3.0F)).Beyond(3), 3);
  EXPECT_EQ(Peers(std::vector<float>(Peers::kLeastPeers + 1, 3.0F)).Beyond(3), 0);
}

TEST(Peers, TheOrderDoesNotMatter) {
  std::vector<float> scores(33);
  std::iota(scores.begin(), scores.end(), -4.0F);
  const Peers rising(scores);
  std::reverse(scores.begin(), scores.end());
  const Peers falling(scores);
  for (const float score : scores) {
    EXPECT_EQ(rising.Beyond(score), falling.Beyond(score));
  }
}

}  // namespace
}  // namespace trib::cloud::drift
