// For this module's oracle tests: the oracle's JSON and its series.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "trib/testing/shared_data.h"

namespace trib::host::drift {

class Oracle : public ::testing::Test {
 protected:
  void SetUp() override {
    TRIB_SHARED_DIR_OR_SKIP(shared);
    folder_ = shared / "oracles";
  }

  nlohmann::json Load(const std::string& name) const {
    std::ifstream in(folder_ / name);
    EXPECT_TRUE(in.is_open()) << name;
    return in.is_open() ? nlohmann::json::parse(in) : nlohmann::json();
  }

  /// The column x of series_<name>.csv.
  const std::vector<double>& Series(const std::string& name) {
    auto& values = series_[name];
    if (values.empty()) {
      std::ifstream in(folder_ / ("series_" + name + ".csv"));
      EXPECT_TRUE(in.is_open()) << name;
      std::string line;
      std::getline(in, line);
      while (std::getline(in, line)) {
        values.push_back(std::stod(line.substr(line.find(',') + 1)));
      }
      EXPECT_GE(values.size(), 1000U) << name;
    }
    return values;
  }

 private:
  std::filesystem::path folder_;
  std::map<std::string, std::vector<double>> series_;
};

/// Near relative to the greater of both, or to `scale` where both are small.
inline void ExpectClose(double ours, double theirs, double relative, double scale = 1e-6) {
  EXPECT_NEAR(ours, theirs, relative * std::max({std::abs(ours), std::abs(theirs), scale}));
}

}  // namespace trib::host::drift
