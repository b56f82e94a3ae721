#include <algorithm>

#include "trib/tools/evaluation/report.h"

namespace trib::tools::evaluation {

namespace calibration = host::calibration;

Scores ScoresOf(std::size_t classes, std::span<const Answered> windows) {
  Scores out;
  out.confusion = calibration::Confusion(classes);
  for (const Answered& window : windows) {
    out.confusion.Add(window.truth, window.answer, window.weight);
  }
  out.classes = calibration::Scores(out.confusion);
  out.accuracy = out.confusion.accuracy();
  out.macro_f1 = calibration::MacroF1(out.confusion);
  const auto rank = [&](auto score, auto positive) {
    std::vector<calibration::Ranked> ranked;
    for (const Answered& window : windows) {
      if (!window.probabilities.empty()) {
        ranked.push_back({score(window), positive(window), window.weight});
      }
    }
    return calibration::Auroc(ranked);
  };
  double sum = 0;
  int faults = 0;
  for (std::size_t c = 0; c < classes; ++c) {
    out.auroc.push_back(rank([c](const Answered& w) { return w.probabilities[c]; },
                             [c](const Answered& w) { return w.truth == c; }));
    if (c != 0 && out.auroc[c]) {
      sum += *out.auroc[c];
      ++faults;
    }
  }
  if (faults != 0) {
    out.macro_fault_auroc = sum / faults;
  }
  out.fault_auroc = rank([](const Answered& w) { return -w.probabilities[0]; },
                         [](const Answered& w) { return w.truth != 0; });
  return out;
}

std::vector<Ended> Cascade(const Outcome& run,
                           std::size_t exits,
                           bool with_trigger,
                           std::size_t heartbeat_every) {
  std::vector<Ended> out(run.windows.size());
  std::size_t since = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const WindowResult& window = run.windows[i];
    if (i != 0 && run.windows[i - 1].source != window.source) {
      since = 0;
    }
    if (window.refused) {
      continue;
    }
    ++since;
    Ended& ended = out[i];
    const bool woken = !with_trigger || window.over;
    ended.heartbeat = !woken && heartbeat_every != 0 && since >= heartbeat_every;
    if (!woken && !ended.heartbeat) {
      continue;
    }
    since = 0;
    std::size_t exit = 0;
    while (exit + 1 < exits && !window.exits[exit].accepted) {
      ++exit;
    }
    ended.exit = static_cast<int>(exit);
    ended.deferred = exit > 0;
    ended.answer = window.exits[exit].class_index;
    ended.anomaly = with_trigger && window.over && ended.answer == 0;
  }
  return out;
}

std::optional<std::vector<double>> WeightsFor(std::span<const std::size_t> windows_per_class,
                                              double healthy) {
  double all = 0;
  for (const std::size_t count : windows_per_class) {
    all += static_cast<double>(count);
  }
  const double normal = static_cast<double>(windows_per_class[0]);
  if (normal == 0 || normal == all) {
    return std::nullopt;
  }
  std::vector<double> out(windows_per_class.size(), (1 - healthy) * all / (all - normal));
  out[0] = healthy * all / normal;
  return out;
}

}  // namespace trib::tools::evaluation
