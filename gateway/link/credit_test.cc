#include "trib/gateway/link/credit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

namespace trib::gateway::link {
namespace {

constexpr MonotonicTime At(std::int64_t ms) {
  return MonotonicTime(Millis(ms));
}

constexpr std::uint64_t kKib = 1024;
constexpr CreditOptions kOptions{
    .most_bytes = 64 * kKib, .least_bytes = 4 * kKib, .memory_bytes = 256 * kKib};

TEST(CreditBook, OneNodeGetsTheMost) {
  CreditBook book(kOptions);
  CreditBook::Account node;
  book.Heard(node, At(0));
  EXPECT_EQ(book.Grant(NodeId(1), node, At(0)), kOptions.most_bytes);
  EXPECT_EQ(book.committed(), kOptions.most_bytes);
  EXPECT_EQ(book.Allowed(node, At(0)), kOptions.most_bytes);
}

TEST(CreditBook, SharesAreFairAndNeverPromiseMoreThanThereIs) {
  CreditBook book(kOptions);
  std::vector<CreditBook::Account> nodes(40);
  std::uint64_t id = 0;
  for (auto& node : nodes) {
    book.Heard(node, At(0));
    (void)book.Grant(NodeId(++id), node, At(0));
    EXPECT_LE(book.committed(), kOptions.memory_bytes);
  }
  // After everyone was answered once more, each has the share of the forty.
  for (int round = 0; round < 3; ++round) {
    id = 0;
    for (auto& node : nodes) {
      (void)book.Grant(NodeId(++id), node, At(0));
    }
    book.BeginSecond();
    while (const auto turn = book.NextWaiting()) {
      (void)book.GrantTurn(nodes[turn->value() - 1], At(0));
    }
  }
  for (const auto& node : nodes) {
    EXPECT_EQ(node.granted(), kOptions.memory_bytes / nodes.size());
  }
}

TEST(CreditBook, WithoutRoomIsAPauseAndTheFirstToWaitIsServedFirst) {
  CreditBook book(kOptions);
  CreditBook::Account first;
  CreditBook::Account second;
  book.Heard(first, At(0));
  book.Heard(second, At(0));
  book.SetRoom(0);
  EXPECT_EQ(book.Grant(NodeId(1), first, At(0)), 0U);
  EXPECT_EQ(book.Grant(NodeId(2), second, At(0)), 0U);
  EXPECT_EQ(book.Grant(NodeId(1), first, At(1)), 0U) << "asking again is no second place";
  EXPECT_EQ(book.waiting(), 2U);
  EXPECT_FALSE(book.NextWaiting());
  book.SetRoom(kOptions.least_bytes);
  EXPECT_EQ(book.NextWaiting(), NodeId(1));
  EXPECT_EQ(book.GrantTurn(first, At(1)), kOptions.least_bytes);
  EXPECT_FALSE(book.NextWaiting()) << "all room is promised to the first";
  EXPECT_EQ(book.Grant(NodeId(1), first, At(2)), 0U) << "it has had its turn, another waits";
  EXPECT_EQ(book.NextWaiting(), NodeId(2));
}

TEST(CreditBook, AnUnusedPromiseLapses) {
  CreditBook book(kOptions);
  CreditBook::Account silent;
  CreditBook::Account waiting;
  book.SetRoom(kOptions.least_bytes);
  book.Heard(silent, At(0));
  EXPECT_EQ(book.Grant(NodeId(1), silent, At(0)), kOptions.least_bytes);
  book.Heard(waiting, At(10));
  EXPECT_EQ(book.Grant(NodeId(2), waiting, At(10)), 0U);
  book.Expire(silent, At(59'999));
  EXPECT_FALSE(book.NextWaiting());
  book.Expire(silent, At(60'000));
  EXPECT_EQ(book.NextWaiting(), NodeId(2));
}

TEST(CreditBook, WhatWasToldBeforeStillCountsForAWhile) {
  CreditBook book(kOptions);
  CreditBook::Account node;
  EXPECT_EQ(book.Allowed(node, At(0)), kOptions.most_bytes) << "told by the process before this";
  book.Heard(node, At(0));
  (void)book.Grant(NodeId(1), node, At(0));
  book.SetRoom(8 * kKib);
  EXPECT_EQ(book.Grant(NodeId(1), node, At(100)), 8U * 1024);
  EXPECT_EQ(book.Allowed(node, At(200)), kOptions.most_bytes);
  EXPECT_EQ(book.Allowed(node, At(10'100)), 8U * 1024);
}

TEST(CreditBook, SessionsBeginAtTheRateAllowed) {
  CreditOptions options = kOptions;
  options.memory_bytes = std::uint64_t{1} << 30U;
  options.grants_per_second = 10;
  CreditBook book(options);
  std::vector<CreditBook::Account> nodes(95);
  std::uint64_t id = 0;
  for (auto& node : nodes) {
    book.Heard(node, At(0));
    (void)book.Grant(NodeId(++id), node, At(0));
  }
  EXPECT_EQ(book.waiting(), 85U);
  int seconds = 0;
  for (; book.waiting() > 0; ++seconds) {
    book.BeginSecond();
    while (const auto turn = book.NextWaiting()) {
      EXPECT_GT(book.GrantTurn(nodes[turn->value() - 1], At(0)), 0U);
    }
  }
  EXPECT_EQ(seconds, 9);
}

// Random peers against random room: the promise never exceeds the room by more than what was held
// or promised when it shrank, and once there is room, everyone is served.
TEST(CreditBook, NobodyWaitsForEverAndTheBookBalances) {
  constexpr std::uint64_t kSeed = 7;
  std::mt19937_64 random(kSeed);
  CreditBook book(kOptions);
  std::map<std::uint64_t, CreditBook::Account> nodes;
  std::map<std::uint64_t, std::uint64_t> held;
  std::int64_t now = 0;
  for (int step = 0; step < 20'000; ++step) {
    now += 50;
    const std::uint64_t id = 1 + random() % 300;
    auto& node = nodes[id];
    book.Heard(node, At(now));
    switch (random() % 4) {
      case 0:
        book.SetRoom(random() % 3 == 0 ? 0 : random() % (512 * kKib));
        break;
      case 1: {
        const std::uint64_t bytes = std::min<std::uint64_t>(book.Allowed(node, At(now)), 3'000);
        book.Hold(node, bytes);
        held[id] += bytes;
        break;
      }
      case 2:
        book.Release(node, held[id]);
        held[id] = 0;
        (void)book.Grant(NodeId(id), node, At(now));
        break;
      default: {
        const std::uint64_t before = book.committed();
        (void)book.Grant(NodeId(id), node, At(now));
        EXPECT_LE(book.committed(), std::max(before, book.room())) << "seed " << kSeed;
      }
    }
  }
  for (auto& [id, node] : nodes) {
    book.Release(node, held[id]);
  }
  book.SetRoom(CreditBook::kUnlimited);
  for (int second = 0; second < 1000 && book.waiting() > 0; ++second) {
    now += 1000;
    book.BeginSecond();
    for (auto& [id, node] : nodes) {
      book.Expire(node, At(now));
    }
    while (const auto turn = book.NextWaiting()) {
      EXPECT_GT(book.GrantTurn(nodes[turn->value()], At(now)), 0U);
    }
  }
  EXPECT_EQ(book.waiting(), 0U) << book.committed() << " of " << book.room() << " promised";
  std::uint64_t sum = 0;
  for (auto& [id, node] : nodes) {
    sum += node.active() ? node.granted() : 0;
  }
  EXPECT_EQ(book.committed(), sum);
  for (auto& [id, node] : nodes) {
    book.Close(node);
  }
  EXPECT_EQ(book.committed(), 0U);
  EXPECT_EQ(book.active(), 0U);
}

}  // namespace
}  // namespace trib::gateway::link
