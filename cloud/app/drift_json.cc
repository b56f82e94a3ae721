#include "drift_json.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "trib/common/host/control/types.h"

namespace trib::cloud {
namespace {

using drift::Cause;
using drift::Channel;
using drift::Family;
using drift::SubjectKind;
using nlohmann::json;

constexpr const char* kTriggerScore = "trigger_score";

const char* NameOf(Channel::Kind kind) {
  switch (kind) {
    case Channel::Kind::kFeature:
      return "feature";
    case Channel::Kind::kConfidence:
      return "confidence";
    case Channel::Kind::kTriggerRate:
      return "trigger_rate";
    case Channel::Kind::kExitRate:
      return "exit_rate";
    case Channel::Kind::kLabelRate:
      return "label_rate";
    case Channel::Kind::kErrorRate:
      break;
  }
  return "error_rate";
}

const char* TierName(std::uint64_t tier) {
  constexpr std::array kNames{
      "unspecified", "fallback", "trigger", "classifier", "gateway", "cloud"};
  static_assert(kNames.size() == message::kTierCount);
  return tier < kNames.size() ? kNames[tier] : "";
}

template <typename Names>
std::string At(const Names& names, std::uint64_t index) {
  return index < names.size() ? names[index] : std::string();
}

/// "" where nobody knows it.
std::string ChannelName(const std::string& channel,
                        std::uint64_t index,
                        const PackageFacts* facts) {
  if (channel == "exit_rate") {
    return TierName(index);
  }
  if (channel == "feature" && index == message::kTriggerScoreFeature) {
    return kTriggerScore;
  }
  if (facts == nullptr) {
    return "";
  }
  if (channel == "label_rate") {
    return At(facts->labels, index);
  }
  return channel == "feature" ? At(facts->features, index) : "";
}

double Finite(double value) {
  return std::isfinite(value) ? value : 0;
}

json CountsJson(const drift::Block& block, std::uint32_t feature) {
  for (const drift::Block::Histogram& histogram : block.histograms) {
    if (histogram.feature == feature) {
      return histogram.counts;
    }
  }
  return std::array<std::uint64_t, message::kHistogramBins>{};
}

json EdgesJson(const PackageFacts* facts, std::uint32_t feature) {
  if (facts != nullptr) {
    for (const PackageFacts::Histogram& histogram : facts->histograms) {
      if (histogram.feature == feature) {
        return histogram.edges;
      }
    }
  }
  return nullptr;
}

json HeadOf(std::uint32_t feature, const PackageFacts* facts) {
  const bool confidence = feature == message::kConfidenceFeature;
  json head{{"channel", confidence ? "confidence" : "feature"},
            {"index", confidence ? 0U : feature}};
  if (const std::string name = ChannelName(head["channel"], feature, facts); !name.empty()) {
    head["name"] = name;
  }
  return head;
}

}  // namespace

const char* NameOf(store::AlarmState state) {
  switch (state) {
    case store::AlarmState::kOpen:
      return "open";
    case store::AlarmState::kAcknowledged:
      return "acknowledged";
    case store::AlarmState::kSilenced:
      return "silenced";
    case store::AlarmState::kResolved:
      break;
  }
  return "resolved";
}

std::string TextOf(const drift::Subject& subject) {
  const bool whole = subject.kind == SubjectKind::kFleet || subject.kind == SubjectKind::kModel;
  return whole ? std::string("the ") + NameOf(subject.kind)
               : std::string(NameOf(subject.kind)) + " " + std::to_string(subject.id);
}

json ToJson(const drift::Evidence& evidence) {
  return {{"channel", NameOf(evidence.channel.kind)},
          {"index", evidence.channel.index},
          {"reference", evidence.reference},
          {"now", evidence.now},
          {"z", evidence.z},
          {"psi", evidence.psi},
          {"psi_critical", evidence.psi_critical},
          {"ks", evidence.ks},
          {"ks_p", evidence.ks_p}};
}

json ToJson(const drift::FamilyLook& family) {
  return {{"family", NameOf(family.family)},
          {"tests", family.tests},
          {"rejected", family.rejected},
          {"alpha", family.alpha},
          {"least_p", family.least_p},
          {"resolution", family.resolution}};
}

void AddNames(json& evidence, const PackageFacts* facts) {
  for (json& item : evidence) {
    if (!item.is_object()) {
      continue;
    }
    const std::string name =
        ChannelName(item.value("channel", ""), item.value("index", std::uint64_t{0}), facts);
    if (!name.empty()) {
      item["name"] = name;
    }
  }
}

json Parsed(const std::string& text, json fallback) {
  json parsed = json::parse(text, nullptr, false);
  return parsed.is_discarded() || parsed.type() != fallback.type() ? std::move(fallback)
                                                                   : std::move(parsed);
}

json ToJson(const store::DriftAlarmRow& alarm, const PackageFacts* facts) {
  json evidence = Parsed(alarm.evidence, json::array());
  AddNames(evidence, facts);
  const drift::Subject subject = SubjectOf(alarm);
  return {{"alarm", alarm.id},
          {"state", NameOf(alarm.state)},
          {"subject", {{"kind", NameOf(subject.kind)}, {"id", host::control::IdText(subject.id)}}},
          {"family", NameOf(static_cast<Family>(alarm.family))},
          {"cause", NameOf(static_cast<Cause>(alarm.cause))},
          {"reasoning", alarm.reasoning},
          {"package_hash", host::control::HashText(alarm.package.value())},
          {"begin_ms", alarm.begin_ms},
          {"raised_ms", alarm.raised_ms},
          {"p", alarm.p},
          {"threshold", alarm.threshold},
          {"resolution", alarm.resolution},
          {"tests", alarm.tests},
          {"nodes", Parsed(alarm.nodes, json::array())},
          {"evidence", std::move(evidence)},
          {"note", alarm.note},
          {"acknowledged_ms", alarm.acknowledged_ms},
          {"silenced_until_ms", alarm.silenced_until_ms},
          {"resolved_ms", alarm.resolved_ms}};
}

json ToJson(const store::DriftLookRow& look, const std::vector<std::int64_t>& alarms) {
  return {{"look", look.id},
          {"at_ms", look.at_ms},
          {"blocks", look.blocks},
          {"too_small", look.too_small},
          {"learning", look.learning},
          {"watched", look.watched},
          {"families", Parsed(look.families, json::array())},
          {"alarms", alarms}};
}

json ToJson(const drift::NodeStanding& standing, const PackageFacts* facts) {
  json evidence = json::array();
  for (const drift::Evidence& item : standing.evidence) {
    evidence.push_back(ToJson(item));
  }
  AddNames(evidence, facts);
  return {{"node", host::control::IdText(standing.node.value())},
          {"package_hash", host::control::HashText(standing.package.value())},
          {"reference_blocks", standing.reference_blocks},
          {"watched", standing.watched},
          {"last_block_ms", standing.last_block_ms},
          {"p", standing.p},
          {"evidence", std::move(evidence)}};
}

json ToJson(const drift::ErrorStanding& errors) {
  json detectors = json::array();
  for (const drift::DetectorFlags& one : errors.detectors) {
    const bool flagged = one.flags > 0;
    detectors.push_back({{"detector", NameOf(one.detector)},
                         {"flags", one.flags},
                         {"begin_ms", flagged ? json(one.begin_ms) : json()},
                         {"before", flagged ? json(one.before) : json()},
                         {"after", flagged ? json(one.after) : json()}});
  }
  return {{"package_hash", host::control::HashText(errors.package.value())},
          {"judged", errors.judged},
          {"errors", errors.errors},
          {"begin_ms", errors.begin_ms},
          {"judged_now", errors.judged_now},
          {"errors_now", errors.errors_now},
          {"detectors", std::move(detectors)}};
}

json ToJson(const store::StoredFlag& stored, const PackageFacts* facts) {
  constexpr std::array kChannels{
      "histogram", "feature", "confidence", "trigger_rate", "exit_rate", "label_rate"};
  const DriftFlag& flag = stored.flag;
  json out{{"node", host::control::IdText(flag.node.value())},
           {"source", stored.source == store::FlagSource::kNode ? "node" : "gateway"},
           {"channel", flag.channel < kChannels.size() ? kChannels[flag.channel] : "unknown"},
           {"index", flag.index},
           {"time_ms", flag.time_ms},
           {"package_hash", host::control::HashText(flag.package.value())},
           {"before", flag.before},
           {"after", flag.after},
           {"width", flag.width},
           {"stored_ms", stored.stored_ms}};
  // A node names the place of a histogram in its package's list.
  if (flag.channel == 0 && facts != nullptr && flag.index < facts->histograms.size()) {
    out.update(HeadOf(facts->histograms[flag.index].feature, facts));
  } else if (const std::string name = ChannelName(out["channel"], flag.index, facts);
             !name.empty()) {
    out["name"] = name;
  }
  return out;
}

json HistogramsJson(const drift::Block& then, const drift::Block& now, const PackageFacts* facts) {
  json out = json::array();
  for (const drift::Block::Histogram& histogram : then.histograms) {
    json item = HeadOf(histogram.feature, facts);
    item["edges"] = EdgesJson(facts, histogram.feature);
    item["then"] = histogram.counts;
    item["now"] = CountsJson(now, histogram.feature);
    out.push_back(std::move(item));
  }
  return out;
}

std::string NodesText(const std::vector<NodeId>& nodes) {
  json out = json::array();
  for (const NodeId node : nodes) {
    out.push_back(host::control::IdText(node.value()));
  }
  return out.dump();
}

std::vector<NodeId> NodesOf(const store::DriftAlarmRow& alarm) {
  std::vector<NodeId> out;
  for (const json& item : Parsed(alarm.nodes, json::array())) {
    if (const auto id = host::control::ReadId(item)) {
      out.emplace_back(*id);
    }
  }
  return out;
}

store::DriftAlarmRow RowOf(const drift::Alarm& alarm, std::uint64_t raised_ms) {
  store::DriftAlarmRow row;
  row.subject_kind = static_cast<std::uint8_t>(alarm.subject.kind);
  row.subject = alarm.subject.id;
  row.family = static_cast<std::uint8_t>(alarm.family);
  row.cause = static_cast<std::uint8_t>(alarm.cause);
  row.package = alarm.package;
  row.begin_ms = alarm.begin_ms;
  row.raised_ms = raised_ms;
  row.p = Finite(alarm.p);
  row.threshold = Finite(alarm.threshold);
  row.resolution = Finite(alarm.resolution);
  row.tests = alarm.tests;
  row.reasoning = alarm.reasoning;
  row.nodes = NodesText(alarm.nodes);
  json evidence = json::array();
  for (const drift::Evidence& item : alarm.evidence) {
    evidence.push_back(ToJson(item));
  }
  row.evidence = evidence.dump();
  return row;
}

store::DriftLookRow RowOf(const drift::Look& look) {
  json families = json::array();
  for (const drift::FamilyLook& family : look.families) {
    families.push_back(ToJson(family));
  }
  return {0, look.at_ms, look.blocks, look.too_small, look.learning, look.watched, families.dump()};
}

drift::Subject SubjectOf(const store::DriftAlarmRow& alarm) {
  return {static_cast<SubjectKind>(alarm.subject_kind), alarm.subject};
}

drift::Block BlockOf(const store::DriftBlock& stored) {
  drift::Block block;
  block.node = stored.node;
  block.gateway = stored.gateway;
  block.package = stored.package;
  block.recipe = stored.recipe;
  block.firmware_version = stored.firmware_version;
  block.begin_ms = stored.begin_ms;
  block.sketches = static_cast<std::uint32_t>(stored.sketches);
  block.windows = stored.windows;
  block.triggered = stored.triggered;
  block.invalid = stored.invalid;
  block.exits = stored.counts.exits;
  block.labels = stored.counts.labels;
  block.judged = stored.judged;
  block.errors = stored.errors;
  block.histograms.reserve(stored.counts.histograms.size());
  for (const store::BlockHistogram& histogram : stored.counts.histograms) {
    block.histograms.push_back({histogram.feature, histogram.counts});
  }
  return block;
}

}  // namespace trib::cloud
