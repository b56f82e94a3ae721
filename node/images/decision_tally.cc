#include "decision_tally.h"

namespace trib::node::images {
namespace {

std::string NameOf(std::uint32_t label, const package::Labels& labels) {
  if (label < labels.labels.size()) {
    return std::string(labels.labels[label].name.view());
  }
  return label == 0 ? "normal" : "label " + std::to_string(label);
}

}  // namespace

std::string_view TierName(message::Tier tier) {
  switch (tier) {
    case message::Tier::kFallback:
      return "fallback";
    case message::Tier::kTrigger:
      return "trigger";
    case message::Tier::kClassifier:
      return "classifier";
    case message::Tier::kGateway:
      return "gateway";
    case message::Tier::kCloud:
      return "cloud";
    case message::Tier::kUnspecified:
      break;
  }
  return "unspecified";
}

void DecisionTally::OnDecision(const app::SettledDecision& decision) {
  const std::string_view truth =
      sensor_ == nullptr ? std::string_view() : sensor_->LabelAt(decision.first_frame);
  if (!truth.empty()) {
    ++counts_[Triple(truth, decision.label, decision.tier)];
  }
}

nlohmann::ordered_json DecisionTally::ToJson(const package::Labels& labels) const {
  nlohmann::ordered_json out;
  for (const auto& [triple, windows] : counts_) {
    const auto& [truth, label, tier] = triple;
    out[truth][NameOf(label, labels)][std::string(TierName(tier))] = windows;
  }
  return out;
}

nlohmann::ordered_json DecisionTally::RightPermille(const package::Labels& labels) const {
  std::uint64_t right = 0;
  std::uint64_t all = 0;
  for (const auto& [triple, windows] : counts_) {
    const auto& [truth, label, tier] = triple;
    all += windows;
    right += NameOf(label, labels) == truth ? windows : 0;
  }
  return all == 0 ? nlohmann::ordered_json() : nlohmann::ordered_json(right * 1000 / all);
}

}  // namespace trib::node::images
