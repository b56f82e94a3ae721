// Compares the double instantiation with independently computed vectors. Tolerance: relative 1e-12,
// which only allows for another order of the same few operations.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "trib/common/energy/lora.h"
#include "trib/common/energy/model.h"
#include "trib/testing/shared_data.h"

namespace trib::energy {
namespace {

constexpr double kRelative = 1e-12;

void ExpectClose(double actual, double expected) {
  EXPECT_NEAR(actual, expected, kRelative * std::abs(expected));
}

TEST(EnergyOracle, CascadeCostMatches) {
  const auto shared = testing::SharedDir();
  if (!shared.has_value()) {
    GTEST_SKIP() << "NO ORACLE DATA: set TRIB_SHARED to the folder that holds oracles/";
  }
  std::ifstream in(*shared / "oracles" / "cascade_energy.json");
  ASSERT_TRUE(in.is_open());
  const auto oracle = nlohmann::json::parse(in);
  ASSERT_FALSE(oracle.at("cases").empty());
  for (const auto& one : oracle.at("cases")) {
    CascadeCost<double> cost{};
    cost.trigger = one.at("e_sense_trig_uJ").get<double>();
    cost.p_wake = one.at("p_wake").get<double>();
    cost.acquire = one.at("e_acq_feat_uJ").get<double>();
    cost.classify = one.at("e_cnn_uJ").get<double>();
    cost.p_exit = one.at("p_exit").get<double>();
    cost.transmit = one.at("e_tx_uJ").get<double>();
    ExpectClose(ExpectedEnergy(cost), one.at("expected_uJ").get<double>());
  }
}

TEST(EnergyOracle, LoraTimeOnAirAndEnergyMatch) {
  const auto shared = testing::SharedDir();
  if (!shared.has_value()) {
    GTEST_SKIP() << "NO ORACLE DATA: set TRIB_SHARED to the folder that holds oracles/";
  }
  std::ifstream in(*shared / "oracles" / "lora_toa.csv");
  ASSERT_TRUE(in.is_open());
  std::string line;
  ASSERT_TRUE(std::getline(in, line));
  int rows = 0;
  while (std::getline(in, line)) {
    std::vector<double> cells;
    std::istringstream cell_stream(line);
    for (std::string cell; std::getline(cell_stream, cell, ',');) {
      cells.push_back(std::stod(cell));
    }
    ASSERT_EQ(cells.size(), 8U) << line;
    SCOPED_TRACE(line);
    LoraModem modem;
    modem.spreading_factor = static_cast<std::uint32_t>(cells[0]);
    const auto app_bytes = static_cast<std::uint32_t>(cells[1]);
    const std::uint32_t phy_bytes = app_bytes + kLorawanOverheadBytes;
    ASSERT_EQ(phy_bytes, static_cast<std::uint32_t>(cells[2]));
    const auto toa_s = LoraTimeOnAir<double>(modem, phy_bytes);
    ExpectClose(toa_s * 1e3, cells[3]);
    ExpectClose(toa_s / 0.01, cells[4]);
    const double sx1276_j = LoraTransmitEnergy(modem, phy_bytes, 44e-3, 3.3);
    ExpectClose(sx1276_j * 1e3, cells[5]);
    ExpectClose(sx1276_j * 1e6 / app_bytes, cells[6]);
    ExpectClose(LoraTransmitEnergy(modem, phy_bytes, 25.5e-3, 3.3) * 1e3, cells[7]);
    ++rows;
  }
  EXPECT_GE(rows, 20);
}

}  // namespace
}  // namespace trib::energy
