#include "board_model.h"

#include <algorithm>
#include <cmath>

namespace trib::tools::trib_cli {
namespace {

constexpr std::array kBoards = {
    PublishedBoard{"stm32l4r5 (Cortex-M4, 120 MHz, 1.8 V)",
                   "NUCLEO_L4R5ZI",
                   120e6,
                   {{{5.261, 203.4}, {43.19, 1820}, {165.1, 6919}, {88.93, 3895}}}},
    PublishedBoard{"stm32u575 (Cortex-M33, 160 MHz, 1.8 V)",
                   "NUCLEO_U575ZI_Q",
                   160e6,
                   {{{3.429, 81.88}, {29.06, 656.2}, {111.1, 2579}, {59.28, 1355}}}},
    PublishedBoard{"stm32h7a3 (Cortex-M7, 280 MHz, 3 V)",
                   "NUCLEO_H7A3ZI_Q",
                   280e6,
                   {{{1.225, 165.7}, {11.32, 1376}, {40.84, 5090}, {23.8, 2965}}}},
};

template <typename PerMac>
Range RangeOf(const PublishedBoard& board, const PerMac& per_mac) {
  Range range;
  double logs = 0;
  for (std::size_t i = 0; i < board.runs.size(); ++i) {
    const double value = per_mac(board.runs[i]) / static_cast<double>(kPublishedNetworks[i].macs);
    range.least = i == 0 ? value : std::min(range.least, value);
    range.most = std::max(range.most, value);
    logs += std::log(value);
  }
  range.middle = std::exp(logs / static_cast<double>(board.runs.size()));
  return range;
}

}  // namespace

std::span<const PublishedBoard> PublishedBoards() {
  return kBoards;
}

Range CyclesPerMac(const PublishedBoard& board) {
  return RangeOf(board,
                 [&](const PublishedRun& run) { return run.milliseconds / 1000 * board.hertz; });
}

Range NanojoulesPerMac(const PublishedBoard& board) {
  return RangeOf(board, [](const PublishedRun& run) { return run.microjoules * 1000; });
}

}  // namespace trib::tools::trib_cli
