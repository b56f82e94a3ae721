#include "trib/node/state/state_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "trib/testing/fake_flash.h"

namespace trib::node::state {
namespace {

using Bytes = std::vector<std::byte>;
using testing::FakeFlash;
using Name = std::pair<StateKey, std::uint32_t>;
using Model = std::map<Name, Bytes>;

struct Step {
  Name name;
  std::optional<Bytes> value;  // nothing: remove
};

/// Repeated rewrites of a few names, so that the log wraps through every group many times.
std::vector<Step> Script(std::size_t steps) {
  SplitMix64 random(7);
  std::vector<Step> script;
  for (std::size_t i = 0; i < steps; ++i) {
    const auto key = static_cast<StateKey>(16 + random.Next() % 3);
    const auto sub = static_cast<std::uint32_t>(random.Next() % 2);
    if (random.Next() % 8 == 0) {
      script.push_back({{key, sub}, std::nullopt});
      continue;
    }
    Bytes value(random.Next() % 50);
    for (std::byte& b : value) {
      // Many 0xFF, which look like erased flash.
      b = random.Next() % 2 == 0 ? std::byte{0xFF} : static_cast<std::byte>(random.Next());
    }
    script.push_back({{key, sub}, std::move(value)});
  }
  return script;
}

class Store {
 public:
  Store(FakeFlash& flash, StateRegion region) : store_(flash, region, scratch_) {}
  Status Open() { return store_.Open(); }
  Status Apply(const Step& step) {
    return step.value ? store_.Put(step.name.first, step.name.second, *step.value)
                      : store_.Remove(step.name.first, step.name.second);
  }
  std::optional<Bytes> Get(Name name) {
    Bytes out(kMaxValueBytes);
    const auto got = store_.Get(name.first, name.second, out);
    if (!got.ok()) {
      EXPECT_EQ(got.status().code(), Code::kNotFound);
      return std::nullopt;
    }
    out.resize(*got);
    return out;
  }
  StateStore& operator*() { return store_; }
  StateStore* operator->() { return &store_; }

 private:
  std::array<std::byte, StateStore::kScratchBytes> scratch_{};
  StateStore store_;
};

std::optional<Bytes> Find(const Model& model, Name name) {
  const auto at = model.find(name);
  return at == model.end() ? std::nullopt : std::optional(at->second);
}

void ApplyTo(Model& model, const Step& step) {
  if (step.value) {
    model[step.name] = *step.value;
  } else {
    model.erase(step.name);
  }
}

void ExpectHolds(Store& store, const Model& old, const Model& now, const std::string& where) {
  for (std::uint16_t key = 16; key < 19; ++key) {
    for (std::uint32_t sub = 0; sub < 2; ++sub) {
      const Name name{static_cast<StateKey>(key), sub};
      const auto got = store.Get(name);
      EXPECT_TRUE(got == Find(old, name) || got == Find(now, name)) << where << " key " << key;
    }
  }
}

constexpr StateRegion kRegion{SectorIndex(1), 4, 2};
constexpr Flash::Geometry kGeometry{256, 6, 8};

TEST(StateStore, IsBlankOnceAndRemembers) {
  FakeFlash flash(kGeometry);
  Store store(flash, kRegion);
  EXPECT_EQ(store->Put(StateKey::kBaseline, 1, {}).code(), Code::kFailedPrecondition);
  ASSERT_TRUE(store.Open().ok());
  EXPECT_TRUE(store->blank());
  EXPECT_EQ(store.Get({StateKey::kBaseline, 1}), std::nullopt);
  const Bytes value(100, std::byte{0x42});
  ASSERT_TRUE(store->Put(StateKey::kBaseline, 1, value).ok());
  ASSERT_TRUE(store->Put(StateKey::kBaseline, 2, {}).ok());

  Store again(flash, kRegion);
  ASSERT_TRUE(again.Open().ok());
  EXPECT_FALSE(again->blank());
  EXPECT_EQ(again.Get({StateKey::kBaseline, 1}), value);
  EXPECT_EQ(again.Get({StateKey::kBaseline, 2}), Bytes());
  Bytes small(99);
  EXPECT_EQ(again->Get(StateKey::kBaseline, 1, small).status().code(), Code::kResourceExhausted);
  EXPECT_EQ(flash.erases(SectorIndex(0)), 0U);
  EXPECT_EQ(flash.erases(SectorIndex(5)), 0U);
}

TEST(StateStore, RefusesWrongRegionsKeysAndSizes) {
  FakeFlash flash(kGeometry);
  for (const StateRegion region : {StateRegion{SectorIndex(6), 2, 1},
                                   StateRegion{SectorIndex(0), 7, 1},
                                   StateRegion{SectorIndex(0), 3, 2},
                                   StateRegion{SectorIndex(0), 2, 0}}) {
    Store store(flash, region);
    EXPECT_EQ(store.Open().code(), Code::kInvalidArgument);
  }
  Store store(flash, kRegion);
  ASSERT_TRUE(store.Open().ok());
  EXPECT_EQ(store->Put(StateKey::kUnspecified, 0, {}).code(), Code::kInvalidArgument);
  EXPECT_EQ(store->Put(StateKey::kBaseline, 0, Bytes(kMaxValueBytes + 1)).code(),
            Code::kInvalidArgument);
}

TEST(StateStore, WritesNothingForAnUnchangedValue) {
  FakeFlash flash(kGeometry);
  Store store(flash, kRegion);
  ASSERT_TRUE(store.Open().ok());
  const Bytes value(20, std::byte{1});
  ASSERT_TRUE(store->Put(StateKey::kBaseline, 0, value).ok());
  const auto operations = flash.operations();
  ASSERT_TRUE(store->Put(StateKey::kBaseline, 0, value).ok());
  EXPECT_EQ(flash.operations(), operations);
  EXPECT_EQ(store->metrics().puts_unchanged, 1U);
}

TEST(StateStore, RefusesWhatAGroupCannotHoldAndKeepsTheRest) {
  FakeFlash flash(kGeometry);
  Store store(flash, kRegion);
  ASSERT_TRUE(store.Open().ok());
  const Bytes value(200, std::byte{1});
  ASSERT_TRUE(store->Put(StateKey::kBaseline, 0, value).ok());
  ASSERT_TRUE(store->Put(StateKey::kBaseline, 1, value).ok());
  EXPECT_EQ(store->Put(StateKey::kBaseline, 2, value).code(), Code::kResourceExhausted);
  EXPECT_EQ(store.Get({StateKey::kBaseline, 0}), value);
  // A successor fits although old and new together would not.
  const Bytes other(200, std::byte{2});
  ASSERT_TRUE(store->Put(StateKey::kBaseline, 1, other).ok());
  EXPECT_EQ(store.Get({StateKey::kBaseline, 1}), other);
  ASSERT_TRUE(store->Remove(StateKey::kBaseline, 0).ok());
  EXPECT_TRUE(store->Put(StateKey::kBaseline, 2, value).ok());
}

TEST(StateStore, FollowsTheModelOverManyCompactionsForEveryUnit) {
  for (const std::uint32_t unit : {1U, 4U, 8U, 16U, 32U, 64U}) {
    FakeFlash flash({512, 6, unit});
    Model model;
    auto store = std::make_unique<Store>(flash, StateRegion{SectorIndex(1), 5, 2});
    ASSERT_TRUE(store->Open().ok());
    std::size_t n = 0;
    for (const Step& step : Script(400)) {
      ASSERT_TRUE(store->Apply(step).ok()) << "unit " << unit << " step " << n;
      ApplyTo(model, step);
      if (++n % 37 == 0) {
        store = std::make_unique<Store>(flash, StateRegion{SectorIndex(1), 5, 2});
        ASSERT_TRUE(store->Open().ok());
      }
      ExpectHolds(*store, model, model, "step " + std::to_string(n));
    }
    EXPECT_EQ(flash.violations(), 0U);
  }
}

/// Cuts the power at each durable operation of the script, then at each one of the recovery.
TEST(StateStore, PowerCutAtEveryOperationLeavesOldOrNew) {
  const auto script = Script(60);
  std::uint64_t total = 0;
  {
    FakeFlash flash(kGeometry);
    Store store(flash, kRegion);
    ASSERT_TRUE(store.Open().ok());
    for (const Step& step : script) {
      ASSERT_TRUE(store.Apply(step).ok());
    }
    total = flash.operations();
    ASSERT_GT(store->metrics().compactions, 5U);
  }
  std::uint64_t cuts = 0;
  for (std::uint64_t cut = 1; cut <= total; ++cut) {
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
      for (std::uint64_t recovery_cut = 0; recovery_cut <= 4; ++recovery_cut) {
        const std::string where = "cut " + std::to_string(cut) + " seed " + std::to_string(seed) +
                                  " recovery cut " + std::to_string(recovery_cut);
        FakeFlash flash(kGeometry, seed);
        Model before;
        Model after;
        std::size_t done = 0;
        bool formatting = true;
        flash.CutPowerAt(cut);
        {
          Store store(flash, kRegion);
          if (store.Open().ok()) {
            formatting = false;
            for (; done < script.size(); ++done) {
              before = after;
              ApplyTo(after, script[done]);
              if (!store.Apply(script[done]).ok()) {
                break;
              }
              before = after;
            }
          }
        }
        ASSERT_FALSE(flash.powered()) << where;
        ++cuts;
        if (recovery_cut > 0) {
          // The same cut during recovery and the first write after it.
          flash.Reboot();
          flash.CutPowerAt(recovery_cut);
          Store store(flash, kRegion);
          const Status opened = store.Open();
          if (opened.ok()) {
            ExpectHolds(store, before, after, where);
            const Step extra{{StateKey::kBaseline, 0}, Bytes(30, std::byte{0xAB})};
            (void)store.Apply(extra);
            const Model stood = after;
            ApplyTo(after, extra);
            // Three candidates at most for the one name; the others keep two.
            flash.Reboot();
            Store check(flash, kRegion);
            ASSERT_TRUE(check.Open().ok()) << where;
            const auto got = check.Get(extra.name);
            EXPECT_TRUE(got == extra.value || got == Find(before, extra.name) ||
                        got == Find(stood, extra.name))
                << where;
            before[extra.name] = got.value_or(Bytes());
            after[extra.name] = before[extra.name];
            if (!got) {
              before.erase(extra.name);
              after.erase(extra.name);
            }
          }
        }
        flash.Reboot();
        Store store(flash, kRegion);
        const Status opened = store.Open();
        // Only while the very first format is cut may garbage look like damage.
        ASSERT_TRUE(opened.ok() || (formatting && opened == Code::kDataLoss)) << where;
        ExpectHolds(store, before, after, where);
        // And it works on.
        for (std::size_t i = done; i < script.size(); ++i) {
          ASSERT_TRUE(store.Apply(script[i]).ok()) << where;
        }
        ASSERT_EQ(flash.violations(), 0U) << where;
      }
    }
  }
  std::cout << "swept " << total << " operations, " << cuts << " cuts\n";
}

TEST(StateStore, DamageIsReportedKeepsTheReadableAndForgetsTheIdentity) {
  FakeFlash flash(kGeometry);
  const Bytes value(30, std::byte{5});
  {
    Store store(flash, kRegion);
    ASSERT_TRUE(store.Open().ok());
    ASSERT_TRUE(store->Put(StateKey::kBootCount, 0, value).ok());
    ASSERT_TRUE(store->Put(StateKey::kBaseline, 1, value).ok());
    ASSERT_TRUE(store->Put(StateKey::kBaseline, 2, value).ok());
  }
  // Region header 24 + mark 8, then entries of 56: hit the middle one's value.
  flash.Corrupt(256 + 32 + 56 + 30, std::byte{0x10});
  Store store(flash, kRegion);
  EXPECT_EQ(store.Open().code(), Code::kDataLoss);
  EXPECT_EQ(store->metrics().data_losses, 1U);
  EXPECT_EQ(store->metrics().entries_corrupt, 1U);
  EXPECT_EQ(store.Get({StateKey::kBaseline, 1}), std::nullopt);
  EXPECT_EQ(store.Get({StateKey::kBaseline, 2}), value);
  EXPECT_EQ(store.Get({StateKey::kBootCount, 0}), std::nullopt);
  // Reported once: the log is whole again.
  EXPECT_TRUE(store.Open().ok());
}

TEST(StateStore, ALostHeaderDoesNotBringBackAnOlderLog) {
  FakeFlash flash(kGeometry);
  Bytes value;
  std::uint32_t compactions = 0;
  {
    Store store(flash, kRegion);
    ASSERT_TRUE(store.Open().ok());
    for (int i = 0; i < 30; ++i) {
      value.assign(40, static_cast<std::byte>(i));
      ASSERT_TRUE(store->Put(StateKey::kBaseline, 0, value).ok());
      ASSERT_TRUE(store->Put(StateKey::kBootCount, 0, value).ok());
    }
    compactions = store->metrics().compactions;
  }
  const std::uint32_t live = compactions % 2;
  flash.Corrupt((1 + 2 * live) * 256, std::byte{0x01});
  Store store(flash, kRegion);
  EXPECT_EQ(store.Open().code(), Code::kDataLoss);
  EXPECT_EQ(store.Get({StateKey::kBaseline, 0}), value);
  EXPECT_EQ(store.Get({StateKey::kBootCount, 0}), std::nullopt);
}

TEST(StateStore, SurvivesAFlashFullOfGarbage) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    FakeFlash flash(kGeometry);
    SplitMix64 random(seed);
    for (std::uint32_t at = 0; at < 6 * 256; ++at) {
      flash.Corrupt(at, static_cast<std::byte>(random.Next()));
    }
    Store store(flash, kRegion);
    EXPECT_EQ(store.Open().code(), Code::kDataLoss);
    EXPECT_TRUE(store->Put(StateKey::kBaseline, 0, Bytes(10)).ok());
    EXPECT_TRUE(store.Open().ok());
    EXPECT_EQ(store.Get({StateKey::kBaseline, 0}), Bytes(10));
  }
}

TEST(StateStore, PassesOverAWornGroup) {
  FakeFlash flash(kGeometry);
  const StateRegion region{SectorIndex(0), 6, 2};
  Store store(flash, region);
  ASSERT_TRUE(store.Open().ok());
  flash.WearOut(SectorIndex(2));
  for (int i = 0; i < 60; ++i) {
    const Bytes value(40, static_cast<std::byte>(i));
    ASSERT_TRUE(store->Put(StateKey::kBaseline, 0, value).ok()) << i;
    EXPECT_EQ(store.Get({StateKey::kBaseline, 0}), value);
  }
  EXPECT_GT(flash.erases(SectorIndex(4)), 0U);
}

TEST(StateStore, WritesTheBytesOfTheFormatsWorkedExample) {
  const std::array<std::uint8_t, 64> golden = {
      0x54, 0x52, 0x4e, 0x53, 0x01, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00,
      0x01, 0x00, 0x00, 0xc4, 0x08, 0xc5, 0x6e, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7e, 0x5a, 0x02, 0x00, 0x00, 0x00, 0x00,
      0x00, 0x04, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
      0xce, 0x18, 0xc4, 0x0f, 0x07, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff};
  FakeFlash flash({256, 2, 8});
  Store store(flash, {SectorIndex(0), 2, 1});
  ASSERT_TRUE(store.Open().ok());
  const std::array<std::byte, 4> value{std::byte{7}};
  ASSERT_TRUE(store->Put(StateKey::kBootCount, 0, value).ok());
  EXPECT_TRUE(
      std::ranges::equal(flash.contents().first(golden.size()), std::as_bytes(std::span(golden))));
}

}  // namespace
}  // namespace trib::node::state
