#include "trib/common/energy/ledger.h"

#include <gtest/gtest.h>

namespace trib::energy {
namespace {

TEST(EnergyLedger, KeepsCategoriesApartAndSumsThem) {
  EnergyLedger ledger;
  ledger.Add(Category::kSense, 5);
  ledger.Add(Category::kTransmit, 7);
  ledger.Add(Category::kTransmit, 1);
  EXPECT_EQ(ledger.spent_nj(Category::kSense), 5U);
  EXPECT_EQ(ledger.spent_nj(Category::kTransmit), 8U);
  EXPECT_EQ(ledger.spent_nj(Category::kSleep), 0U);
  EXPECT_EQ(ledger.total_nj(), 13U);
}

TEST(EnergyLedger, GivesEveryNanojouleToExactlyOneRecord) {
  EnergyLedger ledger;
  ledger.Add(Category::kTrigger, 10);
  EXPECT_EQ(ledger.TakeSinceLast(), 10U);
  EXPECT_EQ(ledger.TakeSinceLast(), 0U);
  ledger.Add(Category::kSleep, 4);
  EXPECT_EQ(ledger.TakeSinceLast(), 4U);
}

TEST(EnergyLedger, StopsAtTheMaximum) {
  EnergyLedger ledger;
  ledger.Add(Category::kSense, UINT64_MAX - 1);
  ledger.Add(Category::kSense, 5);
  EXPECT_EQ(ledger.spent_nj(Category::kSense), UINT64_MAX);
  ledger.Add(Category::kSleep, 5);
  EXPECT_EQ(ledger.total_nj(), UINT64_MAX);
  EXPECT_EQ(ledger.TakeSinceLast(), UINT64_MAX);
  EXPECT_EQ(ledger.TakeSinceLast(), 0U);
}

TEST(EnergyLedger, WhatIsSavedIsNotSpent) {
  EnergyLedger ledger;
  ledger.Add(Category::kPeripherals, 3);
  ledger.AddSaved(7);
  ledger.AddTime(10);
  ledger.AddTime(5);
  EXPECT_EQ(ledger.total_nj(), 3U);
  EXPECT_EQ(ledger.TakeSinceLast(), 3U);
  EXPECT_EQ(ledger.saved_nj(), 7U);
  EXPECT_EQ(ledger.time_us(), 15U);
  ledger.AddSaved(UINT64_MAX);
  EXPECT_EQ(ledger.saved_nj(), UINT64_MAX);
}

}  // namespace
}  // namespace trib::energy
