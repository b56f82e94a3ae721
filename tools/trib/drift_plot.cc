#include "drift_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>

#include "render.h"
#include "trib/common/host/cli/output.h"

namespace trib::tools::trib_cli {
namespace {

using host::cli::Align;
using host::cli::Color;
using host::cli::Table;
using nlohmann::json;

constexpr const char* kOfFeature = "standard deviations from the node's baseline";
constexpr std::size_t kMaxBins = 64;

std::string Format(const char* format, double value) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

/// The numbers of a list; empty when it is none.
std::vector<double> NumbersAt(const json& object, const char* key) {
  std::vector<double> out;
  const auto list = object.find(key);
  if (list == object.end() || !list->is_array()) {
    return out;
  }
  for (const json& number : *list) {
    if (!number.is_number()) {
      return {};
    }
    out.push_back(number.get<double>());
  }
  return out;
}

std::string UnitOf(const std::string& channel, const std::string& name) {
  if (channel == "confidence") {
    return "confidence of the node's network, 0 to 1";
  }
  return name == "trigger_score" ? "score of the trigger" : kOfFeature;
}

std::optional<ThenAndNow> Read(const json& item) {
  if (!item.is_object()) {
    return std::nullopt;
  }
  ThenAndNow out;
  const std::string channel = FieldText(item, "channel", Show::kText);
  out.name = FieldText(item, "name", Show::kText);
  if (out.name == "-") {
    out.name =
        channel == "confidence" ? channel : channel + " " + FieldText(item, "index", Show::kText);
  }
  out.unit = UnitOf(channel, out.name);
  out.edges = NumbersAt(item, "edges");
  out.then = NumbersAt(item, "then");
  out.now = NumbersAt(item, "now");
  if (out.then.empty() || out.then.size() > kMaxBins || out.now.size() != out.then.size()) {
    return std::nullopt;
  }
  if (out.edges.size() + 1 != out.then.size()) {
    out.edges.clear();
  }
  return out;
}

bool SameChannel(const json& a, const json& b) {
  return FieldText(a, "channel", Show::kText) == FieldText(b, "channel", Show::kText) &&
         FieldText(a, "index", Show::kText) == FieldText(b, "index", Show::kText);
}

/// A list that lives as long as `object`, or nothing to go through.
const json& ListAt(const json& object, const char* key) {
  static const json kNone = json::array();
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_array() ? *found : kNone;
}

double Sum(const std::vector<double>& counts) {
  return std::accumulate(counts.begin(), counts.end(), 0.0);
}

std::vector<double> Shares(const std::vector<double>& counts) {
  const double sum = Sum(counts);
  std::vector<double> out(counts.size());
  std::ranges::transform(
      counts, out.begin(), [&](double count) { return sum > 0 ? count / sum : 0; });
  return out;
}

/// "below -8", "-8 .. -4", "8 and above"; "bin 3" without edges.
std::string BinText(const ThenAndNow& histogram, std::size_t bin) {
  if (histogram.edges.empty()) {
    return "bin " + std::to_string(bin);
  }
  if (bin == 0) {
    return "below " + Format("%g", histogram.edges.front());
  }
  const std::string low = Format("%g", histogram.edges[bin - 1]);
  return bin == histogram.edges.size() ? low + " and above"
                                       : low + " .. " + Format("%g", histogram.edges[bin]);
}

std::string Bar(double share, double longest) {
  constexpr double kWidth = 24;
  const double length = longest > 0 ? share / longest * kWidth : 0;
  // Something is never drawn as nothing.
  const auto full = static_cast<std::size_t>(share > 0 ? std::max(1.0, std::round(length)) : 0);
  return std::string(full, '#');
}

// ---- SVG ----------------------------------------------------------------------------------------

/// Text as XML may hold it: markup escaped, characters that XML does not know left out.
std::string Escaped(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (text.compare(i, 3, "\xEF\xBF\xBE") == 0 || text.compare(i, 3, "\xEF\xBF\xBF") == 0) {
      i += 2;
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) {
      out += c;
    }
  }
  return out;
}

constexpr double kPanelWidth = 760;
constexpr double kPanelHeight = 250;
constexpr double kLeft = 60;
constexpr double kTop = 44;
constexpr double kPlotWidth = 680;
constexpr double kPlotHeight = 140;
constexpr const char* kThenColor = "#8a97a8";
constexpr const char* kNowColor = "#d1603d";

std::string Number(double value) {
  return Format("%.1f", value);
}

std::string Text(double x, double y, const std::string& more, const std::string& content) {
  return "<text x=\"" + Number(x) + "\" y=\"" + Number(y) + "\" " + more + ">" + Escaped(content) +
         "</text>\n";
}

std::string Rect(
    double x, double y, double width, double height, const char* fill, const std::string& tooltip) {
  return "<rect x=\"" + Number(x) + "\" y=\"" + Number(y) + "\" width=\"" + Number(width) +
         "\" height=\"" + Number(height) + "\" fill=\"" + fill + "\">" +
         (tooltip.empty() ? "" : "<title>" + Escaped(tooltip) + "</title>") + "</rect>\n";
}

std::string Line(double x1, double y1, double x2, double y2, const char* stroke) {
  return "<line x1=\"" + Number(x1) + "\" y1=\"" + Number(y1) + "\" x2=\"" + Number(x2) +
         "\" y2=\"" + Number(y2) + "\" stroke=\"" + stroke + "\"/>\n";
}

std::string PercentAxis(double most) {
  std::string out;
  for (const double part : {0.0, 0.5, 1.0}) {
    const double y = kTop + kPlotHeight * (1 - part);
    out += Line(kLeft, y, kLeft + kPlotWidth, y, part == 0 ? "#333333" : "#dddddd");
    out += Text(kLeft - 6, y + 4, "text-anchor=\"end\"", Format("%.0f %%", 100 * most * part));
  }
  return out + Text(12,
                    kTop + kPlotHeight / 2,
                    "text-anchor=\"middle\" transform=\"rotate(-90 12 " +
                        Number(kTop + kPlotHeight / 2) + ")\"",
                    "share of windows");
}

std::string Bars(const ThenAndNow& histogram, double most) {
  const auto then = Shares(histogram.then);
  const auto now = Shares(histogram.now);
  const double step = kPlotWidth / static_cast<double>(then.size());
  std::string out;
  const auto bar = [&](double x, double share, const char* color, const std::string& what) {
    const double height = kPlotHeight * share / most;
    return Rect(x, kTop + kPlotHeight - height, step * 0.4, height, color, what);
  };
  for (std::size_t bin = 0; bin < then.size(); ++bin) {
    const double x = kLeft + step * static_cast<double>(bin);
    const std::string where = BinText(histogram, bin);
    out += bar(x + step * 0.08,
               then[bin],
               kThenColor,
               where + ": then " + Format("%.1f %%", 100 * then[bin]));
    out += bar(
        x + step * 0.52, now[bin], kNowColor, where + ": now " + Format("%.1f %%", 100 * now[bin]));
  }
  // An edge stands between its two bins.
  for (std::size_t edge = 0; edge < histogram.edges.size(); ++edge) {
    out += Text(kLeft + step * static_cast<double>(edge + 1),
                kTop + kPlotHeight + 16,
                "text-anchor=\"middle\"",
                Format("%g", histogram.edges[edge]));
  }
  return out;
}

std::string Panel(const ThenAndNow& histogram, double y) {
  const auto then = Shares(histogram.then);
  const auto now = Shares(histogram.now);
  const double most =
      std::max({*std::ranges::max_element(then), *std::ranges::max_element(now), 1e-9});
  std::string out = "<g transform=\"translate(0 " + Number(y) + ")\">\n<title>" +
                    Escaped(histogram.name) + "</title>\n";
  out += Text(kLeft, 24, "font-weight=\"bold\" font-size=\"14\"", histogram.name);
  out += Rect(kLeft + 380, 14, 10, 10, kThenColor, "");
  out += Text(kLeft + 395, 23, "", "then: " + Format("%.0f windows", Sum(histogram.then)));
  out += Rect(kLeft + 540, 14, 10, 10, kNowColor, "");
  out += Text(kLeft + 555, 23, "", "now: " + Format("%.0f windows", Sum(histogram.now)));
  out += PercentAxis(most);
  out += Bars(histogram, most);
  out += Text(
      kLeft + kPlotWidth / 2,
      kTop + kPlotHeight + 36,
      "text-anchor=\"middle\"",
      histogram.edges.empty() ? "bins of the sketch; their edges are not known" : histogram.unit);
  return out + "</g>\n";
}

}  // namespace

std::vector<ThenAndNow> HistogramsOf(const json& explained, std::size_t most) {
  std::vector<const json*> order;
  const json& histograms = ListAt(explained, "histograms");
  for (const json& evidence : ListAt(explained, "evidence")) {
    for (const json& item : histograms) {
      if (SameChannel(evidence, item)) {
        order.push_back(&item);
      }
    }
  }
  for (const json& item : histograms) {
    order.push_back(&item);
  }
  std::vector<ThenAndNow> out;
  for (auto item = order.begin(); item != order.end() && out.size() < most; ++item) {
    const bool taken = std::find(order.begin(), item, *item) != item;
    if (auto histogram = taken ? std::nullopt : Read(**item)) {
      out.push_back(*std::move(histogram));
    }
  }
  return out;
}

std::string PlotText(const ThenAndNow& histogram, bool color) {
  const auto then = Shares(histogram.then);
  const auto now = Shares(histogram.now);
  const double longest = std::max(*std::ranges::max_element(then), *std::ranges::max_element(now));
  Table table({{histogram.edges.empty() ? "BIN" : "FROM .. TO", Align::kRight},
               {"THEN", Align::kRight},
               {Format("of %.0f windows", Sum(histogram.then))},
               {"NOW", Align::kRight},
               {Format("of %.0f windows", Sum(histogram.now))}});
  constexpr double kMoved = 0.05;
  for (std::size_t bin = 0; bin < then.size(); ++bin) {
    const bool moved = std::abs(now[bin] - then[bin]) >= kMoved;
    table.Add({BinText(histogram, bin),
               Format("%.1f %%", 100 * then[bin]),
               Bar(then[bin], longest),
               Format("%.1f %%", 100 * now[bin]),
               {Bar(now[bin], longest), moved ? Color::kYellow : Color::kNone}});
  }
  std::string name = histogram.name;
  std::erase_if(name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  return host::cli::Paint(name, Color::kBold, color) +
         (histogram.edges.empty() ? "" : ", in " + histogram.unit) + "\n" + table.ToText(color);
}

std::string PlotSvg(const std::string& title, const std::vector<ThenAndNow>& histograms) {
  const double height = 40 + kPanelHeight * static_cast<double>(histograms.size());
  std::string out =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
      "width=\"" +
      Number(kPanelWidth) + "\" height=\"" + Number(height) + "\" viewBox=\"0 0 " +
      Number(kPanelWidth) + " " + Number(height) +
      "\" font-family=\"sans-serif\" font-size=\"11\">\n<title>" + Escaped(title) + "</title>\n";
  out += Rect(0, 0, kPanelWidth, height, "#ffffff", "");
  out += Text(kLeft, 26, "font-size=\"16\"", title);
  for (std::size_t i = 0; i < histograms.size(); ++i) {
    out += Panel(histograms[i], 40 + kPanelHeight * static_cast<double>(i));
  }
  return out + "</svg>\n";
}

}  // namespace trib::tools::trib_cli
