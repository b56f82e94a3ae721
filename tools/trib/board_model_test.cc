// The table of boards against the published results and the networks they were measured with.
#include "board_model.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "trib/common/host/compiler/compiler.h"
#include "trib/testing/shared_data.h"

namespace trib::tools::trib_cli {
namespace {

TEST(BoardModel, RangesHoldTheRunsTheyAreMadeOf) {
  ASSERT_FALSE(PublishedBoards().empty());
  for (const PublishedBoard& board : PublishedBoards()) {
    const Range cycles = CyclesPerMac(board);
    const Range energy = NanojoulesPerMac(board);
    for (const Range& range : {cycles, energy}) {
      EXPECT_GT(range.least, 0) << board.name;
      EXPECT_LT(range.least, range.middle) << board.name;
      EXPECT_LT(range.middle, range.most) << board.name;
    }
    for (std::size_t i = 0; i < board.runs.size(); ++i) {
      const auto macs = static_cast<double>(kPublishedNetworks[i].macs);
      const double ms = board.runs[i].milliseconds;
      EXPECT_LE(macs * cycles.least / board.hertz * 1000, ms * 1.000001) << board.name;
      EXPECT_GE(macs * cycles.most / board.hertz * 1000, ms * 0.999999) << board.name;
      EXPECT_LE(macs * energy.least / 1000, board.runs[i].microjoules * 1.000001) << board.name;
      EXPECT_GE(macs * energy.most / 1000, board.runs[i].microjoules * 0.999999) << board.name;
    }
  }
}

TEST(BoardModel, IsWhatWasPublished) {
  TRIB_SHARED_DIR_OR_SKIP(shared);
  std::ifstream in(shared / "oracles/mlperf_tiny_energy.csv");
  ASSERT_TRUE(in.is_open());
  std::map<std::string, PublishedRun> published;  // by system and network
  for (std::string line; std::getline(in, line);) {
    std::vector<std::string> cells;
    std::istringstream split(line);
    for (std::string cell; std::getline(split, cell, ',');) {
      cells.push_back(cell);
    }
    if (cells.size() > 5 && cells[0] == "1.2" && cells[1] == "STMicroelectronics") {
      published[cells[2] + " " + cells[3]] = {std::stod(cells[4]), std::stod(cells[5])};
    }
  }
  ASSERT_EQ(published.size(), PublishedBoards().size() * kPublishedNetworks.size());
  for (const PublishedBoard& board : PublishedBoards()) {
    for (std::size_t i = 0; i < board.runs.size(); ++i) {
      const auto key = std::string(board.system) + " " + std::string(kPublishedNetworks[i].name);
      ASSERT_EQ(published.count(key), 1U) << key;
      EXPECT_EQ(published[key].milliseconds, board.runs[i].milliseconds) << key;
      EXPECT_EQ(published[key].microjoules, board.runs[i].microjoules) << key;
    }
  }
}

TEST(BoardModel, CountsTheMultiplicationsOfTheNetworksThatWereMeasured) {
  TRIB_SHARED_DIR_OR_SKIP(shared);
  const std::map<std::string_view, const char*> files = {
      {"ad", "ad01_int8/ad01_int8.tflite"},
      {"kws", "kws/kws_ref_model.tflite"},
      {"ic", "resnet/pretrainedResnet_quant.tflite"},
      {"vww", "vww/vww_96_int8.tflite"},
  };
  for (const PublishedNetwork& network : kPublishedNetworks) {
    std::string error;
    const auto compiled =
        host::compiler::CompileFile(shared / "golden" / files.at(network.name), {}, error);
    ASSERT_TRUE(compiled.ok()) << error;
    std::uint64_t macs = 0;
    for (const auto& op : compiled->report) {
      macs += op.macs;
    }
    EXPECT_EQ(macs, network.macs) << network.name;
  }
}

}  // namespace
}  // namespace trib::tools::trib_cli
