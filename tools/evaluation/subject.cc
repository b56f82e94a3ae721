#include <algorithm>

#include "trib/common/host/package/package.h"
#include "trib/node/cascade/classifier.h"
#include "trib/tools/evaluation/run.h"

namespace trib::tools::evaluation {
namespace {

using package::SectionType;

Status Refuse(std::string& error, std::string text) {
  error = std::move(text);
  return Code::kInvalidArgument;
}

template <typename T>
Status DecodeOptional(const package::PackageView& view, SectionType type, std::optional<T>& out) {
  const auto bytes = view.Find(type);
  if (bytes.empty()) {
    return {};
  }
  out.emplace();
  return Decode(bytes, *out);
}

}  // namespace

Result<std::unique_ptr<Subject>> Subject::Open(std::vector<std::byte> head,
                                               std::vector<std::byte> tail,
                                               std::string& error) {
  std::unique_ptr<Subject> subject(new Subject);
  subject->file = head;
  if (const Status status = subject->Load(error); !status.ok()) {
    error = error.empty() ? host::package::DescribeRefusal(status) : error;
    return status;
  }
  if (!tail.empty()) {
    TRIB_TRY_ASSIGN(subject->network,
                    host::tail::Network::Join(std::move(head), std::move(tail), error));
  }
  return subject;
}

Status Subject::Load(std::string& error) {
  TRIB_TRY_ASSIGN(view, package::PackageView::Open(file));
  TRIB_TRY(CheckContents(*view));
  if (view->Find(SectionType::kClassifier).empty()) {
    return Refuse(error, "it has no classifier: there is nothing to evaluate");
  }
  TRIB_TRY(Decode(view->Find(SectionType::kClassifier), classifier));
  TRIB_TRY(Decode(view->Find(SectionType::kLabels), labels));
  TRIB_TRY(Decode(view->Find(SectionType::kManifest), manifest));
  TRIB_TRY(Decode(view->Find(SectionType::kGuardrails), guardrails));
  TRIB_TRY(Decode(view->Find(SectionType::kExitPolicy), policy));
  TRIB_TRY(DecodeOptional(*view, SectionType::kTrigger, trigger));
  TRIB_TRY(DecodeOptional(*view, SectionType::kDistance, distance));
  std::optional<package::Normalisation> stated;
  TRIB_TRY(DecodeOptional(*view, SectionType::kNormalisation, stated));
  normalisation = stated.value_or(package::Normalisation{});
  const auto edges = view->Find(SectionType::kSketchEdges);
  if (!edges.empty()) {
    const auto sketch = std::make_unique<package::SketchEdges>();
    TRIB_TRY(Decode(edges, *sketch));
    histograms = sketch->histograms.size();
  }
  const auto decoded = dsp::DecodeRecipe(view->Find(SectionType::kRecipe));
  if (!decoded.ok()) {
    return Refuse(error, "its recipe is malformed");
  }
  recipe = *decoded;
  const auto loaded =
      nn::Plan::Load(view->Find(SectionType::kPlan), view->Find(SectionType::kWeights));
  if (!loaded.ok()) {
    return Refuse(error, "it has no plan for the portable kernels");
  }
  plan = *loaded;
  return classify::CheckFit(classifier,
                            *plan,
                            std::size_t{recipe.window_frames} * recipe.channels,
                            dsp::OutputCount(recipe));
}

std::size_t Subject::exits() const {
  return network != nullptr ? classifier.exits.size() : classify::ReachableExits(classifier, *plan);
}

std::uint64_t Subject::macs(std::size_t exit) const {
  const nn::Plan& whole = network != nullptr ? network->plan() : *plan;
  return node::cascade::MacsOf(whole, classifier.exits[exit].operators);
}

std::string Subject::class_name(std::size_t class_index) const {
  return std::string(labels.labels[classifier.labels[class_index]].name.view());
}

std::optional<std::size_t> Subject::ClassOf(const std::string& label) const {
  for (std::size_t i = 0; i < classifier.labels.size(); ++i) {
    if (class_name(i) == label) {
      return i;
    }
  }
  return std::nullopt;
}

}  // namespace trib::tools::evaluation
