#include <algorithm>

#include "trib/common/dsp/recipe.h"
#include "trib/common/host/identity/identity.h"
#include "trib/common/host/package/package.h"
#include "trib/common/host/tail/tail.h"

namespace trib::host::tail {
namespace {

using trib::package::PackageView;
using trib::package::SectionType;

Status Refuse(std::string& error, std::string reason) {
  error = std::move(reason);
  return Code::kDataLoss;
}

std::string Describe(Status status) {
  return host::package::DescribeRefusal(status);
}

Result<PackageView> OpenSound(std::span<const std::byte> file,
                              const char* which,
                              std::string& error) {
  const auto view = PackageView::Open(file);
  const Status status = view.ok() ? CheckContents(*view) : view.status();
  if (!status.ok()) {
    return Refuse(error, std::string("the ") + which + " is refused: " + Describe(status));
  }
  return *view;
}

Result<nn::Plan> LoadPlan(const PackageView& view, const char* which, std::string& error) {
  const auto plan = nn::Plan::Load(view.Find(SectionType::kPlan), view.Find(SectionType::kWeights));
  if (!plan.ok()) {
    return Refuse(
        error,
        std::string("the ") + which + " has no plan for the portable kernels: " +
            std::string(nn::PlanReasonName(static_cast<nn::PlanReason>(plan.status().reason()))));
  }
  if (plan->state_bytes() != 0) {
    return Refuse(error,
                  std::string("the ") + which +
                      " remembers between windows: what a node deferred cannot be gone on with");
  }
  return *plan;
}

bool SameTensor(const nn::Tensor& a, const nn::Tensor& b) {
  return a.dims == b.dims && a.zero_point == b.zero_point && a.type == b.type;
}

}  // namespace

Result<std::shared_ptr<const Network>> Network::Join(std::vector<std::byte> head,
                                                     std::vector<std::byte> tail,
                                                     std::string& error) {
  std::shared_ptr<Network> network(new Network);
  network->head_file_ = std::move(head);
  network->tail_file_ = std::move(tail);
  TRIB_TRY(network->Load(error));
  return std::shared_ptr<const Network>(std::move(network));
}

Status Network::Load(std::string& error) {
  TRIB_TRY_ASSIGN(head_, OpenSound(head_file_, "head", error));
  TRIB_TRY_ASSIGN(tail_, OpenSound(tail_file_, "tail", error));
  if (head_->Find(SectionType::kSplitPoints).empty()) {
    return Refuse(error, "no head: it has no split points");
  }
  TRIB_TRY(Decode(head_->Find(SectionType::kSplitPoints), split_));
  if (split_.tail_digest != tail_->digest()) {
    return Refuse(error,
                  "its tail is " + identity::ToHex(split_.tail_digest).substr(0, 16) + ", not " +
                      identity::ToHex(tail_->digest()).substr(0, 16));
  }
  for (const SectionType type : {SectionType::kClassifier,
                                 SectionType::kRecipe,
                                 SectionType::kLabels,
                                 SectionType::kNormalisation}) {
    if (!std::ranges::equal(head_->Find(type), tail_->Find(type))) {
      return Refuse(
          error,
          "head and tail differ in their section " + std::string(trib::package::SectionName(type)));
    }
  }
  if (!tail_->Find(SectionType::kSplitPoints).empty()) {
    return Refuse(error, "its tail is a head itself");
  }
  TRIB_TRY(Decode(head_->Find(SectionType::kLabels), labels_));
  TRIB_TRY(Decode(head_->Find(SectionType::kManifest), manifest_));
  TRIB_TRY(LoadClassifier(error));
  return ComparePlans(error);
}

Status Network::LoadClassifier(std::string& error) {
  TRIB_TRY(Decode(head_->Find(SectionType::kClassifier), classifier_));
  TRIB_TRY_ASSIGN(head_plan_, LoadPlan(*head_, "head", error));
  TRIB_TRY_ASSIGN(plan_, LoadPlan(*tail_, "tail", error));
  const auto recipe = dsp::DecodeRecipe(head_->Find(SectionType::kRecipe));
  if (!recipe.ok()) {
    return Refuse(error, "its recipe is malformed");
  }
  const std::size_t samples = std::size_t{recipe->window_frames} * recipe->channels;
  const std::size_t features = dsp::OutputCount(*recipe);
  if (!classify::CheckFit(classifier_, *head_plan_, samples, features).ok() ||
      !classify::CheckSplit(split_, *head_plan_).ok()) {
    return Refuse(error, "the head's plan does not match its classifier and split points");
  }
  if (!classify::CheckFit(classifier_, *plan_, samples, features).ok() ||
      classify::ReachableExits(classifier_, *plan_) != classifier_.exits.size()) {
    return Refuse(error, "the tail's plan does not match the classifier, to its last exit");
  }
  return {};
}

/// The compiler numbers tensors and lays weights in the order of operators, so that a head is the
/// beginning of its tail to the byte but for where tensors lie.
Status Network::ComparePlans(std::string& error) const {
  const auto refuse = [&](const std::string& what) {
    return Refuse(error, "the head's plan is not the beginning of the tail's: " + what);
  };
  nn::Plan::Walk in_head(*head_plan_);
  nn::Plan::Walk in_tail(*plan_);
  for (std::size_t i = 0; i < head_plan_->operators(); ++i) {
    const nn::Operator a = in_head.Next();
    const nn::Operator b = in_tail.Next();
    if (a.opcode != b.opcode || a.input != b.input || a.input2 != b.input2 ||
        a.output != b.output || a.weights != b.weights ||
        !SameTensor(head_plan_->tensor(a.output), plan_->tensor(b.output))) {
      return refuse("operator " + std::to_string(i) + " differs");
    }
  }
  const auto weights = head_plan_->weights();
  if (weights.size() > plan_->weights().size() ||
      !std::ranges::equal(weights, plan_->weights().first(weights.size()))) {
    return refuse("weights differ");
  }
  const auto live_in_head = head_plan_->LiveAt(split_.cut);
  const auto live_in_tail = plan_->LiveAt(split_.cut);
  if (!live_in_head.ok() || !live_in_tail.ok() || !(*live_in_head == *live_in_tail)) {
    return refuse("other tensors live at the cut");
  }
  for (const nn::TensorIndex index : *live_in_head) {
    if (!SameTensor(head_plan_->tensor(index), plan_->tensor(index))) {
      return refuse("tensor " + std::to_string(index) + " differs");
    }
  }
  return {};
}

std::size_t Network::ExitOf(std::uint8_t tier) const {
  std::size_t exit = 0;
  while (exit + 1 < classifier_.exits.size() && classifier_.exits[exit + 1].tier <= tier) {
    ++exit;
  }
  return exit;
}

FixedVector<float, package::kMaxLabels> Network::ScoresOf(
    const classify::Decision& decision) const {
  FixedVector<float, package::kMaxLabels> scores;
  for (std::size_t label = 0; label < labels_.labels.size(); ++label) {
    (void)scores.push_back(0);
  }
  for (std::size_t i = 0; i < decision.probabilities.size(); ++i) {
    scores[classifier_.labels[i]] = decision.probabilities[i];
  }
  return scores;
}

}  // namespace trib::host::tail
