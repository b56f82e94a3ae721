#include "trib/node/state/identity.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <utility>

#include "trib/testing/fake_flash.h"
#include "trib/testing/fake_ports.h"

namespace trib::node::state {
namespace {

using testing::FakeEntropy;
using testing::FakeFlash;

constexpr StateRegion kRegion{SectorIndex(0), 2, 1};
constexpr Flash::Geometry kGeometry{256, 2, 8};

Result<Identity> Boot(FakeFlash& flash, FakeEntropy& entropy) {
  std::array<std::byte, StateStore::kScratchBytes> scratch{};
  StateStore store(flash, kRegion, scratch);
  if (const Status opened = store.Open(); !opened.ok() && opened != Code::kDataLoss) {
    return opened;
  }
  auto identity = OpenIdentity(store, entropy);
  if (identity.ok()) {
    // Another value on top, so that damage can also hit a boot count inside the log.
    std::array<std::byte, 8> baseline{};
    (void)entropy.Fill(baseline);
    (void)store.Put(StateKey::kBaseline, identity->boot % 2, baseline);
  }
  return identity;
}

TEST(Identity, DrawsAnEpochOnceAndCountsBoots) {
  FakeFlash flash(kGeometry);
  FakeEntropy entropy(1);
  entropy.GiveZeros(2);  // 0 is never an epoch
  const auto first = Boot(flash, entropy);
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(first->fresh);
  EXPECT_EQ(first->boot, 1U);
  EXPECT_NE(first->epoch.value(), 0U);
  for (std::uint32_t boot = 2; boot < 100; ++boot) {
    const auto next = Boot(flash, entropy);
    ASSERT_TRUE(next.ok());
    EXPECT_FALSE(next->fresh);
    EXPECT_EQ(next->epoch, first->epoch);
    EXPECT_EQ(next->boot, boot);
  }
  EXPECT_EQ(entropy.fills(), 3U + 99U) << "three draws for the epoch, then baselines";
}

TEST(Identity, AWipedNodeIsAnotherOne) {
  FakeFlash flash(kGeometry);
  FakeEntropy entropy(1);
  const auto first = Boot(flash, entropy);
  ASSERT_TRUE(flash.Erase(SectorIndex(0), 2).ok());
  const auto second = Boot(flash, entropy);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE(first->epoch, second->epoch);
  EXPECT_EQ(second->boot, 1U);
}

TEST(Identity, NeedsEntropyOnlyForANewEpoch) {
  FakeFlash flash(kGeometry);
  FakeEntropy entropy(1);
  entropy.SetSeeded(false);
  EXPECT_EQ(Boot(flash, entropy).status().code(), Code::kFailedPrecondition);
  entropy.SetSeeded(true);
  ASSERT_TRUE(Boot(flash, entropy).ok());
  entropy.SetSeeded(false);
  EXPECT_TRUE(Boot(flash, entropy).ok());
}

TEST(Identity, NeverRepeatsABootWhereverPowerGoesAndWhicheverBytesRot) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    FakeFlash flash(kGeometry, seed);
    FakeEntropy entropy(seed);
    SplitMix64 random(seed);
    std::set<std::pair<std::uint64_t, std::uint32_t>> seen;
    for (int boot = 0; boot < 40; ++boot) {
      if (random.Next() % 2 == 0) {
        flash.CutPowerAt(1 + random.Next() % 4);
      } else if (random.Next() % 4 == 0) {
        const auto at = static_cast<std::uint32_t>(random.Next() % 512);
        flash.Corrupt(at, static_cast<std::byte>(1U << (random.Next() % 8)));
      }
      const auto identity = Boot(flash, entropy);
      if (identity.ok()) {
        EXPECT_TRUE(seen.emplace(identity->epoch.value(), identity->boot).second)
            << "seed " << seed << " boot " << boot;
      } else {
        EXPECT_FALSE(flash.powered()) << "seed " << seed << " boot " << boot;
      }
      flash.Reboot();
    }
  }
}

}  // namespace
}  // namespace trib::node::state
