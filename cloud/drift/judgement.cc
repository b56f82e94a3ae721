#include "judgement.h"

#include <algorithm>
#include <map>
#include <utility>

#include "evidence.h"
#include "joining.h"
#include "trib/common/host/drift/statistics.h"

namespace trib::cloud::drift {
namespace {

bool IsModelChannel(const Channel& channel) {
  return channel.kind != Channel::Kind::kFeature && channel.kind != Channel::Kind::kTriggerRate;
}

bool InFamily(const Subject& subject, const Channel& channel, Family family) {
  if (subject.kind != SubjectKind::kFleet) {
    return family == Family::kGroup;
  }
  return family == (IsModelChannel(channel) ? Family::kModel : Family::kFleet);
}

/// Simes' p-value that none of several hypotheses is false.
double Simes(std::vector<double> p) {
  std::sort(p.begin(), p.end());
  double least = 1;
  for (std::size_t i = 0; i < p.size(); ++i) {
    least = std::min(least, p[i] * static_cast<double>(p.size()) / static_cast<double>(i + 1));
  }
  return least;
}

}  // namespace

bool Judgement::Silenced(NodeId node, const Block& block) const {
  const auto groups = GroupsOfBlock(block);
  return Open({SubjectKind::kNode, node.value()}) || Open(kFleetSubject) ||
         std::any_of(groups.begin(), groups.end(), [&](const Subject& s) { return Open(s); });
}

double Judgement::AlphaPerSlot(double share) const {
  return options_.budget_per_week * share * static_cast<double>(options_.block.count()) /
         static_cast<double>(options_.week.count());
}

void Judgement::Run(const Absorbed& absorbed, Look& look) {
  const double share = options_.shares.node;
  const auto nodes = TestNodes(absorbed.nodes, AlphaPerSlot(share * (1 - options_.sum_part)), look);
  const auto weeks =
      TestNodes(absorbed.weeks, options_.budget_per_week * share * options_.sum_part, look);
  TestCohorts(absorbed);
  std::map<Family, double> alpha;
  for (const Cohort& cohort : cohorts_) {
    if (cohort.slot->subject.kind != SubjectKind::kFleet) {
      alpha[Family::kGroup] +=
          AlphaPerSlot(options_.shares.group) / static_cast<double>(absorbed.groups);
    } else {
      const auto parts = static_cast<double>(absorbed.divisions);
      alpha[Family::kFleet] += AlphaPerSlot(options_.shares.fleet) / parts;
      alpha[Family::kModel] +=
          AlphaPerSlot(options_.shares.model * (1 - options_.embedding_part)) / parts;
    }
  }
  for (const auto& [family, spent] : alpha) {
    JudgeFamily(family, std::min(spent, 1.0), look);
  }
  Joining(options_, kinds_of_, fleet_, open_, nodes, weeks, std::move(candidates_)).Raise(look);
}

NodeFindings Judgement::TestNodes(std::span<const NodeTest> tests, double alpha, Look& look) const {
  NodeFindings out;
  FamilyLook& family = out.look;
  family.family = Family::kNode;
  for (const NodeTest& test : tests) {
    if (!Silenced(test.node, test.scored->block)) {
      out.tested.push_back(&test);
      family.least_p = std::min(family.least_p, test.scored->p);
      family.resolution = std::max(family.resolution, test.resolution);
    }
  }
  if (out.tested.empty()) {
    return out;
  }
  family.tests = out.tested.size();
  family.alpha = std::min(
      1.0, alpha * static_cast<double>(family.tests) / static_cast<double>(fleet_.watched()));
  out.rejections = Reject(fleet_, out.tested, family.alpha, options_.min_psi);
  family.rejected = out.rejections.rejected;
  look.families.push_back(family);
  return out;
}

void Judgement::TestCohorts(const Absorbed& absorbed) {
  for (const SlotTest& slot : absorbed.slots) {
    if (Open(slot.subject)) {
      continue;
    }
    Cohort cohort;
    cohort.slot = &slot;
    for (const auto& [node, scored] : slot.blocks) {
      const auto past = slot.division->pool.members().find(node);
      if (past != slot.division->pool.members().end() && !Silenced(node, scored->block)) {
        cohort.members.push_back({node, scored.get(), &past->second});
      }
    }
    cohort.test = TestCohort(slot.division->pool.channels(), cohort.members);
    if (!cohort.test.channels.empty()) {
      cohorts_.push_back(std::move(cohort));
    }
  }
}

/// An alarm is of a group, so a group is one test: Simes' p-value of its channels, and Benjamini
/// and Hochberg over the groups. A group whose channels all moved then makes no other group's look
/// less surprising than it is.
void Judgement::JudgeFamily(Family family, double alpha, Look& look) {
  std::vector<double> p;
  std::vector<const Cohort*> of;
  if (family == Family::kModel && Open(kModelSubject)) {
    return;
  }
  for (const Cohort& cohort : cohorts_) {
    std::vector<double> channels;
    for (const ChannelTest& test : cohort.test.channels) {
      if (InFamily(cohort.slot->subject, test.channel, family)) {
        channels.push_back(test.p);
      }
    }
    if (!channels.empty()) {
      p.push_back(Simes(std::move(channels)));
      of.push_back(&cohort);
    }
  }
  if (p.empty()) {
    return;
  }
  std::vector<bool> rejected;
  FamilyLook out;
  out.family = family;
  out.tests = p.size();
  out.alpha = alpha;
  out.least_p = *std::min_element(p.begin(), p.end());
  out.rejected = host::drift::BenjaminiHochberg(p, alpha, rejected);
  const double threshold = ThresholdOf(alpha, out.rejected, p.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (rejected[i]) {
      Propose(*of[i], family, p[i], threshold, p.size());
    }
  }
  look.families.push_back(out);
}

void Judgement::Propose(
    const Cohort& cohort, Family family, double p, double threshold, std::size_t tests) {
  Candidate out;
  out.subject = family == Family::kModel ? kModelSubject : cohort.slot->subject;
  out.family = family;
  out.cohort = &cohort;
  out.p = p;
  out.threshold = threshold;
  out.tests = tests;
  std::vector<double> channel_p;
  std::vector<Channel> in_family;
  for (const ChannelTest& test : cohort.test.channels) {
    if (InFamily(cohort.slot->subject, test.channel, family)) {
      channel_p.push_back(test.p);
      in_family.push_back(test.channel);
    }
  }
  std::vector<bool> rejected;
  (void)host::drift::BenjaminiHochberg(channel_p, threshold, rejected);
  for (std::size_t i = 0; i < in_family.size(); ++i) {
    if (rejected[i]) {
      out.channels.push_back(in_family[i]);
    }
  }
  out.effect = GroupHasEffect(cohort, out.channels);
  candidates_.push_back(std::move(out));
}

/// On the histogram that moved most of those rejected, or on the rate that leads them.
bool Judgement::GroupHasEffect(const Cohort& cohort, std::span<const Channel> rejected) const {
  const auto channels = cohort.slot->division->pool.channels();
  bool histogram_seen = false;
  bool first = true;
  for (const Evidence& evidence :
       EvidenceOf(channels, cohort.test, CountCohort(channels, cohort.members))) {
    if (std::find(rejected.begin(), rejected.end(), evidence.channel) == rejected.end()) {
      continue;
    }
    const bool leads = IsHistogram(evidence.channel) ? !histogram_seen : first;
    if (leads && HasEffect(evidence, options_.min_psi)) {
      return true;
    }
    histogram_seen = histogram_seen || IsHistogram(evidence.channel);
    first = false;
  }
  return false;
}

}  // namespace trib::cloud::drift
