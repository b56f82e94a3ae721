#include "picture.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace trib::cloud::train {
namespace {

constexpr std::array kColours = {"#1b6ca8", "#d1495b", "#2e933c", "#b07d12", "#6a4c93", "#4f5d75"};
constexpr double kLeft = 56;
constexpr double kTop = 28;
constexpr double kSize = 220;

std::string Escape(const std::string& text) {
  std::string out;
  for (const char c : text) {
    out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : std::string(1, c);
  }
  return out;
}

class Picture {
 public:
  Picture(double width, double height, const std::string& title) {
    out_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + Fixed(width, 0) + "\" height=\"" +
           Fixed(height, 0) +
           "\" font-family=\"sans-serif\" font-size=\"11\">\n"
           "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
    Text(width / 2, 16, title, "middle");
  }
  void Text(double x,
            double y,
            const std::string& text,
            const char* anchor = "start",
            const char* fill = "#222") {
    out_ += "<text x=\"" + Fixed(x, 1) + "\" y=\"" + Fixed(y, 1) + "\" text-anchor=\"" + anchor +
            "\" fill=\"" + fill + "\">" + Escape(text) + "</text>\n";
  }
  void Box(double x, double y, double width, double height, const std::string& fill) {
    out_ += "<rect x=\"" + Fixed(x, 1) + "\" y=\"" + Fixed(y, 1) + "\" width=\"" + Fixed(width, 1) +
            "\" height=\"" + Fixed(height, 1) + "\" fill=\"" + fill + "\" stroke=\"#bbb\"/>\n";
  }
  /// Points in 0..1 of the plot.
  void Line(const std::vector<CurvePoint>& points, const char* colour, bool dashed = false) {
    out_ += "<polyline fill=\"none\" stroke-width=\"1.5\" stroke=\"" + std::string(colour) + "\"" +
            (dashed ? " stroke-dasharray=\"4 3\"" : "") + " points=\"";
    const CurvePoint* drawn = nullptr;
    for (const CurvePoint& point : points) {
      // A step that nobody could see is left out; the end is not.
      constexpr double kStep = 0.004;
      if (drawn != nullptr && &point != &points.back() &&
          std::abs(point.false_rate - drawn->false_rate) < kStep &&
          std::abs(point.true_rate - drawn->true_rate) < kStep) {
        continue;
      }
      drawn = &point;
      out_ += Fixed(kLeft + kSize * point.false_rate, 1) + "," +
              Fixed(kTop + kSize * (1 - point.true_rate), 1) + " ";
    }
    out_ += "\"/>\n";
  }
  /// The plot's frame; labels at its ends.
  void Axes(const std::string& x, const std::string& y, double x_low, double y_low) {
    Box(kLeft, kTop, kSize, kSize, "none");
    Text(kLeft, kTop + kSize + 14, Fixed(x_low, 1), "middle");
    Text(kLeft + kSize, kTop + kSize + 14, "1", "middle");
    Text(kLeft + kSize / 2, kTop + kSize + 28, x, "middle");
    Text(kLeft - 6, kTop + kSize, Fixed(y_low, 1), "end");
    Text(kLeft - 6, kTop + 8, "1", "end");
    Text(kLeft + 4, kTop + 12, y);
  }
  std::string Take() { return out_ + "</svg>\n"; }

 private:
  std::string out_;
};

}  // namespace

std::string Fixed(double value, int decimals) {
  std::array<char, 64> text{};
  const auto end = std::to_chars(
      text.data(), text.data() + text.size(), value, std::chars_format::fixed, decimals);
  return {text.data(), end.ptr};
}

std::string ConfusionPicture(const std::vector<std::string>& classes,
                             const std::vector<std::vector<std::size_t>>& confusion) {
  constexpr double kCell = 64;
  constexpr double kNames = 90;
  const auto count = static_cast<double>(classes.size());
  Picture picture(
      kNames + kCell * count + 16, 64 + kCell * count, "true class in rows, answer in columns");
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const double y = 44 + kCell * static_cast<double>(i);
    double sum = 0;
    for (const std::size_t cell : confusion[i]) {
      sum += static_cast<double>(cell);
    }
    picture.Text(kNames - 6, y + kCell / 2, classes[i], "end");
    picture.Text(kNames + kCell * (static_cast<double>(i) + 0.5), 38, classes[i], "middle");
    for (std::size_t j = 0; j < classes.size(); ++j) {
      const double share = sum > 0 ? static_cast<double>(confusion[i][j]) / sum : 0;
      const int shade = 255 - static_cast<int>(200 * share);
      const std::string fill = "rgb(" + std::to_string(shade) + "," +
                               std::to_string(std::min(255, shade + 20)) + ",255)";
      const double x = kNames + kCell * static_cast<double>(j);
      picture.Box(x, y, kCell, kCell, fill);
      picture.Text(x + kCell / 2,
                   y + kCell / 2 + 4,
                   std::to_string(confusion[i][j]),
                   "middle",
                   share > 0.6 ? "white" : "#222");
    }
  }
  return picture.Take();
}

std::string RocPicture(const std::vector<std::string>& classes,
                       const std::vector<std::vector<CurvePoint>>& curves) {
  Picture picture(kLeft + kSize + 20, kTop + kSize + 40, "ROC, class against the rest");
  picture.Axes("false alarms", "recall", 0, 0);
  picture.Line({{0, 0}, {1, 1}}, "#999", true);
  for (std::size_t k = 0; k < curves.size(); ++k) {
    const char* colour = kColours[k % kColours.size()];
    picture.Line(curves[k], colour);
    picture.Text(kLeft + kSize - 6,
                 kTop + kSize - 8 - 14 * static_cast<double>(curves.size() - 1 - k),
                 classes[k],
                 "end",
                 colour);
  }
  return picture.Take();
}

std::string ReliabilityPicture(const std::vector<host::calibration::Bin>& bins) {
  Picture picture(kLeft + kSize + 20, kTop + kSize + 40, "reliability");
  picture.Axes("confidence", "share of right answers", 0, 0);
  for (const auto& bin : bins) {
    if (bin.count != 0) {
      picture.Box(kLeft + kSize * bin.low,
                  kTop + kSize * (1 - bin.accuracy),
                  kSize * (bin.high - bin.low),
                  kSize * bin.accuracy,
                  "#a8c8e4");
      picture.Text(kLeft + kSize * (bin.low + bin.high) / 2,
                   kTop + kSize - 4,
                   std::to_string(bin.count),
                   "middle");
    }
  }
  picture.Line({{0, 0}, {1, 1}}, "#999", true);
  return picture.Take();
}

std::string ExitPicture(const std::vector<ColumnReport::ExitPoint>& curve) {
  Picture picture(kLeft + kSize + 20, kTop + kSize + 40, "what a threshold on confidence gives");
  picture.Axes("confidence from which an answer stands", "", 0.5, 0);
  std::vector<CurvePoint> share;
  std::vector<CurvePoint> accuracy;
  for (const auto& point : curve) {
    share.push_back({2 * (point.threshold - 0.5), point.share});
    accuracy.push_back({2 * (point.threshold - 0.5), point.accuracy});
  }
  picture.Line(share, kColours[0]);
  picture.Line(accuracy, kColours[1]);
  picture.Text(kLeft + 6, kTop + kSize - 22, "windows that end here", "start", kColours[0]);
  picture.Text(kLeft + 6,
               kTop + kSize - 8,
               "accuracy with the last exit for the rest",
               "start",
               kColours[1]);
  return picture.Take();
}

}  // namespace trib::cloud::train
