#include "trib/common/energy/model.h"

#include <gtest/gtest.h>

#include <limits>

#include "trib/common/energy/lora.h"

namespace trib::energy {
namespace {

TEST(EnergyModel, FloatStaysWithinAMillionthOfDouble) {
  const CascadeCost<double> exact{20e-6, 0.05, 200e-6, 300e-6, 0.9, 60000e-6};
  const CascadeCost<float> rounded{20e-6F, 0.05F, 200e-6F, 300e-6F, 0.9F, 60000e-6F};
  const double expected = ExpectedEnergy(exact);
  EXPECT_NEAR(ExpectedEnergy(rounded), expected, 1e-6 * expected);
}

TEST(EnergyModel, ChargesEveryFrameOfATransmission) {
  const auto& table = kStm32L4R5<double>;
  const double byte = table.radio_byte_j.value;
  const double frame = table.radio_frame_j.value;
  EXPECT_DOUBLE_EQ(RadioEnergy(table, 0), 0.0);
  EXPECT_DOUBLE_EQ(RadioEnergy(table, 1), byte + frame);
  EXPECT_DOUBLE_EQ(RadioEnergy(table, 80), 80 * byte + frame);
  EXPECT_DOUBLE_EQ(RadioEnergy(table, 81), 81 * byte + 2 * frame);
}

TEST(EnergyModel, RadioByteIsCurrentTimesVoltageTimesByteTime) {
  EXPECT_DOUBLE_EQ(kStm32L4R5<double>.radio_byte_j.value, 6.4e-3 * 3.0 * 32e-6);
}

TEST(EnergyModel, PeripheralsCostByNumberAndTime) {
  const auto& table = kStm32L4R5<double>;
  const double one = table.peripheral_a.value * table.supply_v.value;
  EXPECT_DOUBLE_EQ(PeripheralEnergy(table, 0, 10.0), 0.0);
  EXPECT_DOUBLE_EQ(PeripheralEnergy(table, 5, 10.0), 50 * one);
}

TEST(ToNanojoules, NeverWrapsAndNeverGoesNegative) {
  EXPECT_EQ(ToNanojoules(1.5e-9F), 1U);
  EXPECT_EQ(ToNanojoules(2.0F), 2'000'000'000U);
  EXPECT_EQ(ToNanojoules(64.0), 64'000'000'000U);
  EXPECT_EQ(ToNanojoules(-1.0F), 0U);
  EXPECT_EQ(ToNanojoules(std::numeric_limits<float>::quiet_NaN()), 0U);
  EXPECT_EQ(ToNanojoules(std::numeric_limits<float>::infinity()), UINT64_MAX);
  EXPECT_EQ(ToNanojoules(1e30F), UINT64_MAX);
}

TEST(Lora, PaysForTheHeaderAndTheChecksumOnlyWhenSent) {
  LoraModem bare;
  bare.explicit_header = false;
  bare.crc = false;
  EXPECT_LT(LoraPayloadSymbols(bare, 20), LoraPayloadSymbols(LoraModem{}, 20));
  // 8 * 0 - 28 + 28 - 20 is negative: nothing but the eight fixed symbols.
  EXPECT_EQ(LoraPayloadSymbols(bare, 0), 8U);
}

}  // namespace
}  // namespace trib::energy
