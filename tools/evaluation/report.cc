#include "trib/tools/evaluation/report.h"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "costs.h"
#include "trib/common/host/calibration/calibration.h"

namespace trib::tools::evaluation {
namespace {

using Json = nlohmann::ordered_json;
namespace calibration = host::calibration;

constexpr double kHealthyShare = 0.99;
constexpr std::array<const char*, 3> kTiers = {"node", "gateway", "cloud"};

Json OrNull(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json ScoresJson(const Subject& subject, const Scores& scores) {
  Json classes = Json::array();
  Json confusion = Json::array();
  const std::size_t count = scores.classes.size();
  for (std::size_t c = 0; c < count; ++c) {
    classes.push_back({{"class", subject.class_name(c)},
                       {"windows", scores.classes[c].support},
                       {"precision", scores.classes[c].precision},
                       {"recall", scores.classes[c].recall},
                       {"f1", scores.classes[c].f1},
                       {"auroc", OrNull(scores.auroc[c])}});
    Json row = Json::array();
    for (std::size_t a = 0; a < count; ++a) {
      row.push_back(scores.confusion.at(c, a));
    }
    confusion.push_back(std::move(row));
  }
  return {{"accuracy", scores.accuracy},
          {"macro_f1", scores.macro_f1},
          {"macro_fault_auroc", OrNull(scores.macro_fault_auroc)},
          {"fault_auroc", OrNull(scores.fault_auroc)},
          {"classes", std::move(classes)},
          {"confusion", std::move(confusion)}};
}

/// Everything that one report is computed from.
class Reporter {
 public:
  Reporter(const Subject& subject, const Outcome& run, bool with_trigger)
      : subject_(subject),
        run_(run),
        trigger_(with_trigger),
        classes_(subject.classifier.labels.size()),
        exits_(subject.exits()),
        sizes_(subject),
        energy_(subject),
        ended_(Cascade(run, exits_, with_trigger, HeartbeatEvery())),
        counts_(classes_),
        own_(classes_, 1.0) {
    for (const WindowResult& window : run.windows) {
      counts_[window.truth] += window.refused ? 0 : 1;
    }
    SpendBytes();
  }

  Json Make() const {
    Json always = Json::array();
    for (std::size_t exit = 0; exit < exits_; ++exit) {
      Json scores = ScoresJson(subject_, AlwaysScores(exit, own_));
      Json entry = {{"exit", exit + 1},
                    {"tier", kTiers[subject_.classifier.exits[exit].tier - 3U]},
                    {"macs", subject_.macs(exit)},
                    {"accepted", AcceptedShare(exit)}};
      entry.update(scores);
      always.push_back(std::move(entry));
    }
    Json cascade = {{"own_mix", MixJson(own_)}};
    const auto healthy = WeightsFor(counts_, kHealthyShare);
    cascade["healthy_99_percent"] = healthy ? MixJson(*healthy) : Json(nullptr);
    return {{"data", DataJson()},
            {"trigger", trigger_ ? TriggerJson() : Json(nullptr)},
            {"always", std::move(always)},
            {"cascade", std::move(cascade)}};
  }

 private:
  struct Bytes {
    double event = 0;
    double activation = 0;
  };

  double HopMs() const {
    return 1000.0 * subject_.recipe.hop_frames /
           static_cast<double>(subject_.recipe.sample_rate_hz);
  }
  std::size_t HeartbeatEvery() const {
    return std::max<std::size_t>(1,
                                 static_cast<std::size_t>(subject_.policy.heartbeat_ms / HopMs()));
  }
  /// One event when a recording's answer changes, and one per reminder while it is none of normal.
  void SpendBytes() {
    bytes_.resize(run_.windows.size());
    std::size_t state = 0;
    double since_ms = 0;
    for (std::size_t i = 0; i < bytes_.size(); ++i) {
      const WindowResult& window = run_.windows[i];
      if (i == 0 || run_.windows[i - 1].source != window.source) {
        state = 0;
        since_ms = 0;
      }
      if (window.refused) {
        continue;
      }
      since_ms += HopMs();
      const std::size_t now = ended_[i].anomaly ? classes_ : ended_[i].answer;
      const bool reminds = now != 0 && since_ms >= subject_.policy.reminder_ms;
      if (now != state || reminds) {
        bytes_[i].event = sizes_.event;
        since_ms = 0;
      }
      state = now;
      if (ended_[i].deferred) {
        bytes_[i].activation = window.activation_bytes + sizes_.around_activation;
      }
    }
  }

  /// Weighted mean over the judged windows of what `of` says of each.
  template <typename Of>
  double Mean(const std::vector<double>& weights, Of of) const {
    double sum = 0;
    double all = 0;
    for (std::size_t i = 0; i < run_.windows.size(); ++i) {
      if (!run_.windows[i].refused) {
        sum += weights[run_.windows[i].truth] * of(i);
        all += weights[run_.windows[i].truth];
      }
    }
    return all > 0 ? sum / all : 0;
  }

  Scores AlwaysScores(std::size_t exit, const std::vector<double>& weights) const {
    std::vector<Answered> answered;
    for (const WindowResult& window : run_.windows) {
      if (!window.refused) {
        const ExitAnswer& answer = window.exits[exit];
        answered.push_back({window.truth,
                            answer.class_index,
                            {answer.probabilities.begin(), answer.probabilities.end()},
                            weights[window.truth]});
      }
    }
    return ScoresOf(classes_, answered);
  }

  /// A quiet window is as normal as can be.
  Scores CascadeScores(const std::vector<double>& weights) const {
    std::vector<Answered> answered;
    for (std::size_t i = 0; i < run_.windows.size(); ++i) {
      const WindowResult& window = run_.windows[i];
      if (window.refused) {
        continue;
      }
      std::vector<double> p(classes_);
      p[0] = 1;
      if (ended_[i].exit != Ended::kQuiet) {
        const auto& own = window.exits[static_cast<std::size_t>(ended_[i].exit)].probabilities;
        p.assign(own.begin(), own.end());
      }
      answered.push_back({window.truth, ended_[i].answer, std::move(p), weights[window.truth]});
    }
    return ScoresOf(classes_, answered);
  }

  double AcceptedShare(std::size_t exit) const {
    return Mean(own_, [&](std::size_t i) { return run_.windows[i].exits[exit].accepted ? 1 : 0; });
  }

  Json DataJson() const {
    Json classes = Json::array();
    std::size_t refused = 0;
    for (std::size_t c = 0; c < classes_; ++c) {
      std::size_t recordings = 0;
      for (const Source& source : run_.sources) {
        recordings += source.truth == c ? 1 : 0;
      }
      classes.push_back(
          {{"class", subject_.class_name(c)}, {"recordings", recordings}, {"windows", counts_[c]}});
    }
    for (const WindowResult& window : run_.windows) {
      refused += window.refused ? 1 : 0;
    }
    return {{"recordings", run_.sources.size()},
            {"windows", run_.windows.size() - refused},
            {"windows_refused", refused},
            {"commissioning_windows", run_.commissioning_windows},
            {"classes", std::move(classes)}};
  }

  /// Faulty is what is of another class than the first; each class has its own share besides.
  Json TriggerJson() const {
    std::vector<std::uint64_t> over(classes_);
    std::map<std::size_t, bool> seen;  // per faulty recording
    std::vector<calibration::Ranked> ranked;
    for (const WindowResult& window : run_.windows) {
      if (window.refused) {
        continue;
      }
      const bool fault = window.truth != 0;
      over[window.truth] += window.over ? 1 : 0;
      ranked.push_back({window.score, fault, 1});
      if (fault) {
        seen[window.source] = seen[window.source] || window.over;
      }
    }
    std::uint64_t recordings_seen = 0;
    for (const auto& [source, noticed] : seen) {
      recordings_seen += noticed ? 1 : 0;
    }
    const auto share = [](std::uint64_t hits, std::uint64_t of) {
      const auto interval = calibration::ShareInterval(hits, of);
      return Json{
          {"hits", hits},
          {"of", of},
          {"share",
           of == 0 ? Json(nullptr) : Json(static_cast<double>(hits) / static_cast<double>(of))},
          {"interval_95", {interval.low, interval.high}}};
    };
    const auto sum = [](const auto& of_classes) {
      return std::accumulate(of_classes.begin() + 1, of_classes.end(), std::uint64_t{0});
    };
    Json classes = Json::array();
    for (std::size_t c = 1; c < classes_; ++c) {
      Json one = {{"class", subject_.class_name(c)}};
      one.update(share(over[c], counts_[c]));
      classes.push_back(std::move(one));
    }
    return {{"recall_windows", share(sum(over), sum(counts_))},
            {"recall_recordings", share(recordings_seen, seen.size())},
            {"over_threshold_healthy_windows", share(over[0], counts_[0])},
            {"recall_classes", std::move(classes)},
            {"fault_auroc", OrNull(calibration::Auroc(ranked))}};
  }

  Json ExitsJson(const std::vector<double>& weights) const {
    const auto share = [&](int exit) {
      return Mean(weights, [&](std::size_t i) { return ended_[i].exit == exit ? 1 : 0; });
    };
    Json out = {{"quiet", share(Ended::kQuiet)}};
    double on_node = share(Ended::kQuiet) + share(0);
    for (std::size_t exit = 0; exit < exits_; ++exit) {
      out[kTiers[subject_.classifier.exits[exit].tier - 3U]] = share(static_cast<int>(exit));
    }
    out["ends_on_node"] = on_node;
    out["anomalies"] = Mean(weights, [&](std::size_t i) { return ended_[i].anomaly ? 1 : 0; });
    return out;
  }

  Json BytesJson(const std::vector<double>& weights) const {
    const dsp::Recipe& recipe = subject_.recipe;
    const double raw = 2.0 * std::min(recipe.hop_frames, recipe.window_frames) * recipe.channels;
    const double event = Mean(weights, [&](std::size_t i) { return bytes_[i].event; });
    const double activation = Mean(weights, [&](std::size_t i) { return bytes_[i].activation; });
    const double total = event + activation + sizes_.background;
    return {
        {"event", event},
        {"activation", activation},
        {"background", sizes_.background},
        {"total", total},
        {"raw", raw},
        {"coded_raw",
         Mean(weights, [&](std::size_t i) { return double{1} * run_.windows[i].coded_raw_bytes; })},
        {"features_only", sizes_.feature_frame},
        {"always_deferred",
         Mean(weights,
              [&](std::size_t i) {
                return double{1} * run_.windows[i].activation_bytes + sizes_.around_activation;
              })},
        {"raw_over_total", raw / total},
        {"raw_over_decisions",
         event + activation > 0 ? Json(raw / (event + activation)) : Json(nullptr)}};
  }

  double TransmitOf(std::size_t i) const {
    const auto send = [&](double bytes) {
      return bytes > 0 ? energy_.Transmit(static_cast<std::uint32_t>(bytes)) : 0.0;
    };
    return send(bytes_[i].event) + send(bytes_[i].activation);
  }

  Json EnergyJson(const std::vector<double>& weights) const {
    const bool frames = trigger_ || subject_.classifier.input == package::NetworkInput::kFeatures;
    const double acquire = energy_.guard + (frames ? energy_.features : 0);
    const double background =
        HopMs() * (energy_.Transmit(sizes_.sketch) / subject_.policy.block_ms +
                   energy_.Transmit(sizes_.status) / subject_.policy.status_ms);
    // Recordings may be shorter than a heartbeat: a quiet window pays its share of one.
    const double heartbeat = energy_.classify / static_cast<double>(HeartbeatEvery());
    const double classify = Mean(weights, [&](std::size_t i) {
      return run_.windows[i].over || !trigger_ ? energy_.classify : heartbeat;
    });
    const double transmit = Mean(weights, [&](std::size_t i) { return TransmitOf(i); });
    const double trigger = trigger_ ? energy_.trigger : 0;
    const double cascade = energy_.sense + acquire + trigger + classify + transmit + background;
    // Every window through the node's part; what it does not accept is sent on.
    const bool features = subject_.classifier.input == package::NetworkInput::kFeatures;
    const double everything_transmits = Mean(weights, [&](std::size_t i) {
      return exits_ > 1 && !run_.windows[i].exits[0].accepted
                 ? energy_.Transmit(run_.windows[i].activation_bytes + sizes_.around_activation)
                 : 0.0;
    });
    const double everything = energy_.sense + energy_.guard + (features ? energy_.features : 0) +
                              energy_.classify + everything_transmits + background;
    const dsp::Recipe& recipe = subject_.recipe;
    const double raw =
        energy_.sense +
        energy_.Transmit(2 * std::min(recipe.hop_frames, recipe.window_frames) * recipe.channels);
    return {{"model",
             "operation counts times a table of an STM32L4R5-like board with 802.15.4; "
             "nothing is measured"},
            {"sense_and_sleep", energy_.sense},
            {"features_and_guardrails", acquire},
            {"trigger", trigger},
            {"classifier", classify},
            {"transmit", transmit + background},
            {"total", cascade},
            {"classify_everything", everything},
            {"send_raw", raw},
            {"below_classify_everything", 1 - cascade / everything}};
  }

  Json MixJson(const std::vector<double>& weights) const {
    const Scores scores = CascadeScores(weights);
    const Scores last = AlwaysScores(exits_ - 1, weights);
    Json out = {{"healthy_share",
                 Mean(weights, [&](std::size_t i) { return run_.windows[i].truth == 0 ? 1 : 0; })},
                {"exits", ExitsJson(weights)},
                {"accuracy_of_the_last_exit_alone", last.accuracy},
                {"accuracy_loss_points", 100 * (last.accuracy - scores.accuracy)},
                {"bytes_per_window", BytesJson(weights)},
                {"energy_uj_per_window", EnergyJson(weights)}};
    out.update(ScoresJson(subject_, scores));
    return out;
  }

  const Subject& subject_;
  const Outcome& run_;
  const bool trigger_;
  const std::size_t classes_;
  const std::size_t exits_;
  const RecordSizes sizes_;
  const EnergyModel energy_;
  const std::vector<Ended> ended_;
  std::vector<std::size_t> counts_;
  const std::vector<double> own_;
  std::vector<Bytes> bytes_;
};

}  // namespace

Json Report(const Subject& subject, const Outcome& run, bool with_trigger) {
  return Reporter(subject, run, with_trigger).Make();
}

}  // namespace trib::tools::evaluation
