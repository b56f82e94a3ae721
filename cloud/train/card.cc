#include "trib/cloud/train/card.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "picture.h"

namespace trib::cloud::train {
namespace {

constexpr std::array kTiers = {"node", "gateway", "cloud"};

std::string Share(double value) {
  return std::isnan(value) ? "-" : Fixed(value, 3);
}

std::string Percent(std::size_t part, std::size_t whole) {
  return whole == 0 ? "-"
                    : Fixed(100.0 * static_cast<double>(part) / static_cast<double>(whole), 1);
}

void SetRows(const ColumnReport& column, const SetReport& set, std::string& out) {
  for (std::size_t e = 0; e < set.exits.size(); ++e) {
    const ExitMetrics& m = set.exits[e];
    out += "| " + column.split.name + " | " + set.name + " | " + kTiers[e] + " | " +
           std::to_string(set.windows) + " | " + std::to_string(set.parts) + " | " +
           Share(m.macro_f1) + " | " + Share(m.macro_auroc) + " | " + Share(m.fault_auroc) + " | " +
           Share(m.fault_recall) + " | " + Share(m.accuracy) + " |\n";
  }
}

void ClassRows(const CardReport& report, const ColumnReport& column, std::string& out) {
  out +=
      "| exit | class | windows | precision | recall | F1 | AUROC "
      "|\n|---|---|---|---|---|---|---|\n";
  for (std::size_t e = 0; e < column.test.exits.size(); ++e) {
    const ExitMetrics& m = column.test.exits[e];
    for (std::size_t k = 0; k < report.classes.size(); ++k) {
      out += "| " + std::string(kTiers[e]) + " | " + report.classes[k] + " | " +
             Fixed(m.scores[k].support, 0) + " | " + Share(m.scores[k].precision) + " | " +
             Share(m.scores[k].recall) + " | " + Share(m.scores[k].f1) + " | " + Share(m.auroc[k]) +
             " |\n";
    }
  }
}

void ExitRows(const CardReport& report, const ColumnReport& column, std::string& out) {
  out +=
      "| exit | temperature | calibration error | accept | reject | windows that end here, % | of "
      "the normal ones, % |\n|---|---|---|---|---|---|---|\n";
  for (std::size_t e = 0; e < column.exits.size(); ++e) {
    const package::ExitSpec& exit = column.exits[e];
    std::string accept;
    std::string reject;
    for (std::size_t k = 0; k < report.classes.size(); ++k) {
      accept += (k == 0 ? "" : ", ") + Fixed(exit.accept[k], 2);
      reject += (k == 0 ? "" : ", ") + Fixed(exit.reject[k], 2);
    }
    out += "| " + std::string(kTiers[e]) + " | " + Fixed(1 / exit.inverse_temperature, 3) + " | " +
           Fixed(column.calibration_error[e], 3) + " | " + accept + " | " + reject + " | " +
           Percent(column.cascade.taken[e], column.cascade.windows) + " | " +
           Percent(column.cascade.normal_taken[e], column.cascade.normal) + " |\n";
  }
}

const ColumnReport& Shown(const CardReport& report) {
  for (const ColumnReport& column : report.columns) {
    if (column.split.ship) {
      return column;
    }
  }
  return report.columns.front();
}

std::string CardText(const CardReport& report) {
  const ColumnReport& shown = Shown(report);
  std::string out = "# Model card: " + report.name + " " + report.version + "\n\n";
  out += "Made by this command, which gives the same bytes again on the same machine (seed " +
         std::to_string(report.seed) + "):\n\n    " + report.command + "\n\n";
  out +=
      "All figures are of the int8 network on the engine that nodes, gateways and clouds run.\n\n";
  out += "## Network\n\n| part | plan and weights, bytes | MACs |\n|---|---|---|\n";
  out += "| node | " + std::to_string(shown.head_bytes) + " | " + std::to_string(shown.head_macs) +
         " |\n| whole | " + std::to_string(shown.whole_bytes) + " | " +
         std::to_string(shown.whole_macs) + " |\n\n";
  out +=
      "## Splits\n\nEach is a training of its own. Parts are distinct physical bearings, machines "
      "or "
      "conditions, as the configuration groups them. A split at random puts windows of one "
      "recording on both sides: it is here "
      "to show what that leaks. AUROC of fault types is the mean over classes against the rest; "
      "fault "
      "is fault against no fault; recall is at 1 % false alarms, from the confidence on that gives "
      "so "
      "many on these very windows. Float is the network before it became int8, on the same int8 "
      "input.\n\n";
  out +=
      "| split | windows of | exit | windows | parts | macro-F1 | AUROC of fault types | AUROC of "
      "fault | recall | accuracy |\n|---|---|---|---|---|---|---|---|---|---|\n";
  for (const ColumnReport& column : report.columns) {
    SetRows(column, column.test, out);
    for (const SetReport& set : column.beside) {
      SetRows(column, set, out);
    }
  }
  out +=
      "\n| split | windows fitted on | parts | windows calibrated on | percentile | same class as "
      "float, %: node, gateway, cloud |\n|---|---|---|---|---|---|\n";
  for (const ColumnReport& column : report.columns) {
    out += "| " + column.split.name + " | " + std::to_string(column.fit) + " | " +
           std::to_string(column.fit_parts) + " | " + std::to_string(column.calibrate) + " | " +
           Fixed(column.percentile, 2) + " |";
    for (std::size_t e = 0; e < column.agreement.size(); ++e) {
      out += (e == 0 ? " " : ", ") + Fixed(100 * column.agreement[e], 2);
    }
    out += " |\n";
  }
  out += "\n## Classes, split " + shown.split.name + "\n\n";
  ClassRows(report, shown, out);
  out += "\n## Exits, split " + shown.split.name + "\n\n";
  ExitRows(report, shown, out);
  out += "\nOf " + std::to_string(shown.cascade.windows) + " windows the exits in turn answer " +
         std::to_string(shown.cascade.right) + " rightly and call " +
         std::to_string(shown.cascade.missed) + " with a fault normal.\n";
  for (std::size_t e = 0; e < shown.test.exits.size(); ++e) {
    const std::string tier = kTiers[e];
    out += "\n### Exit of the " + tier + "\n\n![confusion](confusion-" + tier +
           ".svg) ![ROC](roc-" + tier + ".svg) ![reliability](reliability-" + tier + ".svg)";
    out += e + 1 < shown.test.exits.size() ? " ![exit curve](exit-" + tier + ".svg)\n" : "\n";
  }
  return out;
}

nlohmann::json SetJson(const SetReport& set) {
  nlohmann::json exits = nlohmann::json::array();
  for (const ExitMetrics& m : set.exits) {
    exits.push_back({{"accuracy", m.accuracy},
                     {"macro_f1", m.macro_f1},
                     {"auroc", m.auroc},
                     {"macro_auroc", m.macro_auroc},
                     {"fault_auroc", m.fault_auroc},
                     {"fault_recall", m.fault_recall},
                     {"confusion", m.confusion}});
  }
  return {{"name", set.name}, {"windows", set.windows}, {"parts", set.parts}, {"exits", exits}};
}

}  // namespace

void DrawCurves(const Answers& answers, std::size_t classes, ColumnReport& report) {
  const std::size_t exits = answers.logits.size();
  const auto last = host::calibration::Answers(LogitsOf(answers, exits - 1, classes), 1);
  for (std::size_t e = 0; e < exits; ++e) {
    const auto set = LogitsOf(answers, e, classes);
    const double temperature = 1 / double{report.exits[e].inverse_temperature};
    std::vector<std::vector<double>> p;
    for (std::size_t i = 0; i < set.size(); ++i) {
      p.push_back(host::calibration::Softmax(set.row(i), temperature));
    }
    auto& roc = report.roc.emplace_back();
    for (std::size_t k = 0; k < classes; ++k) {
      std::vector<double> scores;
      std::vector<bool> positive;
      for (std::size_t i = 0; i < set.size(); ++i) {
        scores.push_back(p[i][k]);
        positive.push_back(set.labels[i] == k);
      }
      roc.push_back(RocCurve(scores, positive));
    }
    const auto sure = host::calibration::Answers(set, temperature);
    report.reliability.push_back(host::calibration::Reliability(sure, 10));
    report.calibration_error.push_back(host::calibration::CalibrationError(sure));
    if (e + 1 == exits) {
      break;
    }
    auto& curve = report.curve.emplace_back();
    for (int step = 0; step <= 50; ++step) {
      const double threshold = 0.5 + 0.01 * step;
      double taken = 0;
      double right = 0;
      for (std::size_t i = 0; i < sure.size(); ++i) {
        const bool stays = sure[i].confidence >= threshold;
        taken += stays ? 1 : 0;
        right += (stays ? sure[i].right : last[i].right) ? 1 : 0;
      }
      const auto count = static_cast<double>(std::max<std::size_t>(sure.size(), 1));
      curve.push_back({threshold, taken / count, right / count});
    }
  }
}

std::map<std::string, std::string> RenderCard(const CardReport& report) {
  std::map<std::string, std::string> files;
  const ColumnReport& shown = Shown(report);
  files["card.md"] = CardText(report);
  files["figures.json"] = RenderJson(report) + "\n";
  for (std::size_t e = 0; e < shown.test.exits.size(); ++e) {
    const std::string tier = kTiers[e];
    files["confusion-" + tier + ".svg"] =
        ConfusionPicture(report.classes, shown.test.exits[e].confusion);
    files["roc-" + tier + ".svg"] = RocPicture(report.classes, shown.roc[e]);
    files["reliability-" + tier + ".svg"] = ReliabilityPicture(shown.reliability[e]);
    if (e < shown.curve.size()) {
      files["exit-" + tier + ".svg"] = ExitPicture(shown.curve[e]);
    }
  }
  return files;
}

std::string RenderJson(const CardReport& report) {
  nlohmann::json columns = nlohmann::json::array();
  for (const ColumnReport& column : report.columns) {
    nlohmann::json beside = nlohmann::json::array();
    for (const SetReport& set : column.beside) {
      beside.push_back(SetJson(set));
    }
    columns.push_back({{"split", column.split.name},
                       {"fit", column.fit},
                       {"fit_parts", column.fit_parts},
                       {"calibrate", column.calibrate},
                       {"agreement", column.agreement},
                       {"percentile", column.percentile},
                       {"logit_error", column.logit_error},
                       {"head_bytes", column.head_bytes},
                       {"head_macs", column.head_macs},
                       {"whole_bytes", column.whole_bytes},
                       {"whole_macs", column.whole_macs},
                       {"cascade",
                        {{"windows", column.cascade.windows},
                         {"taken", column.cascade.taken},
                         {"normal", column.cascade.normal},
                         {"normal_taken", column.cascade.normal_taken},
                         {"right", column.cascade.right},
                         {"missed", column.cascade.missed}}},
                       {"test", SetJson(column.test)},
                       {"beside", beside}});
  }
  const nlohmann::json out = {{"name", report.name},
                              {"version", report.version},
                              {"seed", report.seed},
                              {"columns", columns}};
  return out.dump(1);
}

}  // namespace trib::cloud::train
