#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

/// What inference of int8 networks costs on boards that others measured: a model, made of published
/// figures (docs/formats/model_profile.md), never a measurement of ours.
namespace trib::tools::trib_cli {

/// The networks of MLPerf Tiny and their multiplications.
struct PublishedNetwork {
  std::string_view name;
  std::uint64_t macs;
};
inline constexpr std::array kPublishedNetworks = {
    PublishedNetwork{"ad", 264'192},
    PublishedNetwork{"kws", 2'656'768},
    PublishedNetwork{"ic", 12'501'632},
    PublishedNetwork{"vww", 7'489'664},
};

struct PublishedRun {
  double milliseconds;
  double microjoules;
};

struct PublishedBoard {
  std::string_view name;    ///< for people
  std::string_view system;  ///< as in the results
  double hertz;
  std::array<PublishedRun, kPublishedNetworks.size()> runs;  ///< in the order of the networks
};
/// Round v1.2, closed division, STMicroelectronics.
std::span<const PublishedBoard> PublishedBoards();

/// Over the published networks: the least, the geometric mean, and the most.
struct Range {
  double least = 0;
  double middle = 0;
  double most = 0;
};
Range CyclesPerMac(const PublishedBoard& board);
Range NanojoulesPerMac(const PublishedBoard& board);

}  // namespace trib::tools::trib_cli
