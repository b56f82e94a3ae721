#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

/// Histograms of a channel then and now, for a terminal and as SVG. From what drift.explain
/// answers; an answer of another shape gives no histograms.
namespace trib::tools::trib_cli {

struct ThenAndNow {
  std::string name;           ///< "ch0.log_rms"
  std::string unit;           ///< of the edges: "standard deviations from the node's baseline"
  std::vector<double> edges;  ///< one fewer than bins; empty where the cloud does not know them
  std::vector<double> then;   ///< counts
  std::vector<double> now;    ///< as many
};

/// Those with evidence, strongest first, then the others; at most `most`.
std::vector<ThenAndNow> HistogramsOf(const nlohmann::json& explained, std::size_t most);

/// A line per bin, a bar for then and one for now, both in per cent of their windows.
std::string PlotText(const ThenAndNow& histogram, bool color);

/// A self-contained drawing with a panel per histogram: titles, axis labels, and a tooltip per bar.
/// Valid XML whatever the names hold.
std::string PlotSvg(const std::string& title, const std::vector<ThenAndNow>& histograms);

}  // namespace trib::tools::trib_cli
