#include "trib/cloud/train/exits.h"

#include <algorithm>

namespace trib::cloud::train {
namespace {

namespace calibration = host::calibration;

/// Confidences that a promise is tried at: few, as each tightens the bound.
constexpr std::array kGrid = {0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98};

std::size_t Best(std::span<const double> values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

double ErrorRate(const calibration::LogitSet& set) {
  return 1 - calibration::Accuracy(calibration::Answers(set, 1));
}

/// Whether no class beside `best` is more probable than its own limit allows.
template <typename Limits>
bool NoneRejects(std::span<const double> p, std::size_t best, const Limits& reject) {
  for (std::size_t k = 0; k < p.size(); ++k) {
    if (k != best && p[k] > double{reject[k]}) {
      return false;
    }
  }
  return true;
}

/// Answers of one class that no alarm beside it defers.
std::vector<calibration::Answer> AnswersOf(const calibration::LogitSet& set,
                                           double temperature,
                                           std::size_t wanted,
                                           std::span<const float> reject) {
  std::vector<calibration::Answer> out;
  for (std::size_t i = 0; i < set.size(); ++i) {
    const auto p = calibration::Softmax(set.row(i), temperature);
    if (Best(p) == wanted && NoneRejects(p, wanted, reject)) {
      out.push_back({.confidence = p[wanted], .right = set.labels[i] == wanted});
    }
  }
  return out;
}

double AcceptOf(const calibration::LogitSet& set,
                double temperature,
                std::size_t class_index,
                std::span<const float> reject,
                double error_above,
                const ExitConfig& config) {
  if (config.method == ExitConfig::Method::kCosts) {
    return calibration::CostThreshold(
        error_above, config.ask, class_index == 0 ? config.missed : config.wrong);
  }
  const auto threshold =
      calibration::ThresholdForRisk(AnswersOf(set, temperature, class_index, reject),
                                    class_index == 0 ? config.healthy_risk : config.risk,
                                    config.delta,
                                    kGrid);
  return threshold ? threshold->threshold : 1.0;
}

}  // namespace

calibration::LogitSet LogitsOf(const Answers& answers, std::size_t exit, std::size_t classes) {
  calibration::LogitSet set{.classes = classes, .logits = {}, .labels = answers.truth};
  for (const auto& logits : answers.logits[exit]) {
    set.logits.insert(set.logits.end(), logits.begin(), logits.end());
  }
  return set;
}

std::size_t CalibrationRounds(const ExitConfig& config) {
  return config.method == ExitConfig::Method::kRisk ? 1 : 2;
}

std::vector<package::ExitSpec> ChooseExits(const Answers& answers,
                                           const FloatNetwork& network,
                                           const ExitConfig& config,
                                           const std::vector<bool>& alarm) {
  const std::size_t classes = network.classes;
  const std::size_t exits = network.heads.size();
  const double error_above = ErrorRate(LogitsOf(answers, exits - 1, classes));
  std::vector<package::ExitSpec> out;
  for (std::size_t e = 0; e < exits; ++e) {
    const auto set = LogitsOf(answers, e, classes);
    const double temperature = calibration::FitTemperature(set);
    package::ExitSpec& exit = out.emplace_back();
    exit.tier = static_cast<std::uint8_t>(3 + e);
    exit.output = static_cast<std::uint8_t>(e);
    exit.operators = static_cast<std::uint16_t>(OperatorsUpTo(network, e));
    exit.inverse_temperature = static_cast<float>(1 / temperature);
    const bool last = e + 1 == exits;
    const double limit = std::clamp(config.ask / config.missed, 0.0, 1.0);
    std::vector<float> reject(classes, 1.0F);
    for (std::size_t k = 0; k < classes; ++k) {
      reject[k] = last || !alarm[k] ? 1.0F : static_cast<float>(limit);
    }
    for (std::size_t k = 0; k < classes; ++k) {
      (void)exit.accept.push_back(
          last ? 0.0F
               : static_cast<float>(AcceptOf(set, temperature, k, reject, error_above, config)));
      (void)exit.reject.push_back(reject[k]);
    }
  }
  return out;
}

CascadeResult RunCascade(const Answers& answers, const std::vector<package::ExitSpec>& exits) {
  CascadeResult out;
  out.taken.resize(exits.size());
  out.normal_taken.resize(exits.size());
  out.windows = answers.truth.size();
  for (std::size_t i = 0; i < answers.truth.size(); ++i) {
    const std::size_t truth = answers.truth[i];
    for (std::size_t e = 0; e < exits.size(); ++e) {
      const auto& logits = answers.logits[e][i];
      const auto p = calibration::Softmax(std::vector<double>(logits.begin(), logits.end()),
                                          1 / double{exits[e].inverse_temperature});
      const std::size_t best = Best(p);
      const bool accepted =
          p[best] >= double{exits[e].accept[best]} && NoneRejects(p, best, exits[e].reject);
      if (!accepted && e + 1 != exits.size()) {
        continue;
      }
      ++out.taken[e];
      out.normal_taken[e] += truth == 0 ? 1 : 0;
      out.right += best == truth ? 1 : 0;
      out.missed += best == 0 && truth != 0 ? 1 : 0;
      break;
    }
    out.normal += truth == 0 ? 1 : 0;
  }
  return out;
}

}  // namespace trib::cloud::train
