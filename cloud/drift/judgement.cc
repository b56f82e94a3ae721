#include "judgement.h"

#include <algorithm>
#include <array>
#include <map>

#include "trib/common/host/drift/statistics.h"

namespace trib::cloud::drift {
namespace {

constexpr std::size_t kAlarmEvidence = 8;
/// A member has moved with its group when its own block has, by so many spreads.
constexpr double kMovedAlong = 2;
/// What a group left behind when it is taken out is no sign any more.
constexpr double kNoSign = 0.05;

bool IsModelChannel(const Channel& channel) {
  return channel.kind != Channel::Kind::kFeature && channel.kind != Channel::Kind::kTriggerRate;
}

bool InFamily(const Subject& subject, const Channel& channel, Family family) {
  if (subject.kind != SubjectKind::kFleet) {
    return family == Family::kGroup;
  }
  return family == (IsModelChannel(channel) ? Family::kModel : Family::kFleet);
}

std::array<Subject, 2> GroupsOfBlock(const Block& block) {
  return {{{SubjectKind::kFirmware, block.firmware_version},
           {SubjectKind::kSite, block.gateway.value()}}};
}

/// Benjamini and Hochberg's line at the last rejection, or at the first when there is none.
double ThresholdOf(double alpha, std::size_t rejected, std::size_t tests) {
  return alpha * static_cast<double>(std::max<std::size_t>(1, rejected)) /
         static_cast<double>(std::max<std::size_t>(1, tests));
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
  TestNodes(absorbed, look);
  TestCohorts(absorbed);
  std::map<Family, double> alpha;
  for (const Cohort& cohort : cohorts_) {
    if (cohort.slot->subject.kind != SubjectKind::kFleet) {
      alpha[Family::kGroup] +=
          AlphaPerSlot(options_.shares.group) / static_cast<double>(absorbed.groups);
    } else {
      const auto parts = static_cast<double>(absorbed.divisions);
      alpha[Family::kFleet] += AlphaPerSlot(options_.shares.fleet) / parts;
      alpha[Family::kModel] += AlphaPerSlot(options_.shares.model) / parts;
    }
  }
  for (const auto& [family, spent] : alpha) {
    JudgeFamily(family, std::min(spent, 1.0), look);
  }
  Coalesce();
  Raise(look);
}

void Judgement::TestNodes(const Absorbed& absorbed, Look& look) {
  std::vector<double> p;
  for (const NodeTest& test : absorbed.nodes) {
    if (!Silenced(test.node, test.scored->block)) {
      tested_.push_back(&test);
      p.push_back(test.scored->p);
    }
  }
  if (tested_.empty()) {
    return;
  }
  const auto tests = static_cast<double>(tested_.size());
  FamilyLook& family = node_look_;
  family.tests = tested_.size();
  family.alpha = std::min(
      1.0, AlphaPerSlot(options_.shares.node) * tests / static_cast<double>(fleet_.watched()));
  family.least_p = *std::min_element(p.begin(), p.end());
  for (const NodeTest* test : tested_) {
    family.resolution = std::max(family.resolution, test->division->pool.resolution());
  }
  std::vector<bool> rejected;
  family.rejected = host::drift::BenjaminiHochberg(p, family.alpha, rejected);
  node_threshold_ = ThresholdOf(family.alpha, family.rejected, tested_.size());
  for (std::size_t i = 0; i < tested_.size(); ++i) {
    const NodeTest& test = *tested_[i];
    if (rejected[i] && NodeHasEffect(*fleet_.Find(test.node)->reference,
                                     test.division->pool.channels(),
                                     *test.scored,
                                     options_.min_psi)) {
      hits_.push_back({&test, false});
    }
  }
  look.families.push_back(family);
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

void Judgement::JudgeFamily(Family family, double alpha, Look& look) {
  std::vector<double> p;
  std::vector<std::pair<std::size_t, std::size_t>> of;  // cohort, its channel
  for (std::size_t i = 0; i < cohorts_.size(); ++i) {
    const Subject& subject = cohorts_[i].slot->subject;
    for (std::size_t c = 0; c < cohorts_[i].test.channels.size(); ++c) {
      const ChannelTest& test = cohorts_[i].test.channels[c];
      if (InFamily(subject, test.channel, family) &&
          !(family == Family::kModel && Open(kModelSubject))) {
        p.push_back(test.p);
        of.emplace_back(i, c);
      }
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
  std::map<std::size_t, std::vector<std::size_t>> by_cohort;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (rejected[i]) {
      by_cohort[of[i].first].push_back(of[i].second);
    }
  }
  for (const auto& [cohort, channels] : by_cohort) {
    Propose(cohorts_[cohort], family, channels, out, threshold);
  }
  look.families.push_back(out);
}

void Judgement::Propose(const Cohort& cohort,
                        Family family,
                        std::span<const std::size_t> rejected,
                        const FamilyLook& look,
                        double threshold) {
  Candidate out;
  out.subject = family == Family::kModel ? kModelSubject : cohort.slot->subject;
  out.family = family;
  out.cohort = &cohort;
  out.threshold = threshold;
  out.tests = look.tests;
  for (const std::size_t i : rejected) {
    out.channels.push_back(cohort.test.channels[i].channel);
    out.p = std::min(out.p, cohort.test.channels[i].p);
  }
  const auto channels = cohort.slot->division->pool.channels();
  // Strongest first: the first histogram and the first channel are those that lead.
  bool histogram_seen = false;
  bool first = true;
  bool effect = false;
  for (const Evidence& evidence :
       EvidenceOf(channels, cohort.test, CountCohort(channels, cohort.members))) {
    const bool is_rejected =
        std::find(out.channels.begin(), out.channels.end(), evidence.channel) != out.channels.end();
    if (!is_rejected) {
      continue;
    }
    const bool leads = IsHistogram(evidence.channel) ? !histogram_seen : first;
    effect = effect || (leads && HasEffect(evidence, options_.min_psi));
    histogram_seen = histogram_seen || IsHistogram(evidence.channel);
    first = false;
  }
  if (effect) {
    candidates_.push_back(std::move(out));
  }
}

void Judgement::Coalesce() {
  std::map<Subject, std::pair<std::size_t, std::size_t>> counts;  // tested, hit
  const auto count = [&](const NodeTest& test, bool hit) {
    const auto groups = GroupsOfBlock(test.scored->block);
    for (const Subject& subject : {groups[0], groups[1], kFleetSubject}) {
      ++(hit ? counts[subject].second : counts[subject].first);
    }
  };
  for (const NodeTest* test : tested_) {
    count(*test, false);
  }
  for (const Hit& hit : hits_) {
    count(*hit.test, true);
  }
  for (const auto& [subject, of] : counts) {
    const bool known =
        std::any_of(candidates_.begin(), candidates_.end(), [&](const Candidate& candidate) {
          return candidate.subject == subject && candidate.cohort == nullptr;
        });
    if (known || of.second < kLeastMembers || 2 * of.second < of.first) {
      continue;
    }
    Candidate out;
    out.subject = subject;
    out.family = Family::kNode;
    out.p = node_look_.least_p;
    out.threshold = node_threshold_;
    out.tests = node_look_.tests;
    candidates_.push_back(std::move(out));
  }
}

void Judgement::Raise(Look& look) {
  // Firmware before sites: the more special explanation, when both are as good.
  std::stable_sort(
      candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
        const bool firmware = a.subject.kind == SubjectKind::kFirmware;
        return a.p != b.p ? a.p < b.p : firmware && b.subject.kind != SubjectKind::kFirmware;
      });
  RaiseFleet(look);
  if (!fleet_raised_) {
    RaiseGroups(look);
    RaiseNodes(look);
  }
}

/// Whether the rest of the fleet shows nothing once the groups that may be alarmed are taken out.
bool Judgement::GroupsExplain(const Candidate& fleet) const {
  if (fleet.cohort == nullptr) {
    return false;
  }
  std::set<NodeId> explained;
  for (const Candidate& candidate : candidates_) {
    if (candidate.family == Family::kGroup) {
      for (const Member& member : candidate.cohort->members) {
        explained.insert(member.node);
      }
    }
  }
  std::vector<Member> rest;
  for (const Member& member : fleet.cohort->members) {
    if (explained.count(member.node) == 0) {
      rest.push_back(member);
    }
  }
  if (explained.empty()) {
    return false;
  }
  const auto test = TestCohort(fleet.cohort->slot->division->pool.channels(), rest);
  return std::none_of(test.channels.begin(), test.channels.end(), [&](const ChannelTest& one) {
    return one.p < kNoSign &&
           std::find(fleet.channels.begin(), fleet.channels.end(), one.channel) !=
               fleet.channels.end();
  });
}

void Judgement::RaiseFleet(Look& look) {
  for (const Candidate& candidate : candidates_) {
    if (candidate.subject.kind == SubjectKind::kFleet && !fleet_raised_ &&
        !GroupsExplain(candidate)) {
      look.alarms.push_back(AlarmOf(candidate));
      fleet_raised_ = true;
    }
  }
  for (const Candidate& candidate : candidates_) {
    if (candidate.subject.kind == SubjectKind::kModel && !fleet_raised_ &&
        !GroupsExplain(candidate)) {
      look.alarms.push_back(AlarmOf(candidate));
      return;
    }
  }
}

void Judgement::RaiseGroups(Look& look) {
  std::set<NodeId> told;
  for (const Candidate& candidate : candidates_) {
    if (candidate.subject.kind != SubjectKind::kSite &&
        candidate.subject.kind != SubjectKind::kFirmware) {
      continue;
    }
    Alarm alarm = AlarmOf(candidate);
    const auto again = static_cast<std::size_t>(
        std::count_if(alarm.nodes.begin(), alarm.nodes.end(), [&](NodeId node) {
          return told.count(node) != 0;
        }));
    if (!told.empty() && 2 * again >= alarm.nodes.size()) {
      continue;
    }
    told.insert(alarm.nodes.begin(), alarm.nodes.end());
    for (Hit& hit : hits_) {
      const auto groups = GroupsOfBlock(hit.test->scored->block);
      hit.told = hit.told || groups[0] == alarm.subject || groups[1] == alarm.subject;
    }
    look.alarms.push_back(std::move(alarm));
  }
}

void Judgement::RaiseNodes(Look& look) {
  std::set<NodeId> told;
  for (const Hit& hit : hits_) {
    if (hit.told || !told.insert(hit.test->node).second) {
      continue;
    }
    const Scored& scored = *hit.test->scored;
    Alarm alarm;
    alarm.subject = {SubjectKind::kNode, hit.test->node.value()};
    alarm.family = Family::kNode;
    alarm.package = scored.block.package;
    alarm.begin_ms = scored.block.begin_ms;
    alarm.p = scored.p;
    alarm.threshold = node_threshold_;
    alarm.resolution = hit.test->division->pool.resolution();
    alarm.tests = node_look_.tests;
    alarm.nodes = {hit.test->node};
    Name(*hit.test->division,
         scored,
         EvidenceOf(
             *fleet_.Find(hit.test->node)->reference, hit.test->division->pool.channels(), scored),
         alarm);
    look.alarms.push_back(std::move(alarm));
  }
}

Alarm Judgement::AlarmOf(const Candidate& candidate) {
  Alarm alarm;
  alarm.subject = candidate.subject;
  alarm.family = candidate.family;
  alarm.p = candidate.p;
  alarm.threshold = candidate.threshold;
  alarm.tests = candidate.tests;
  std::vector<Member> members;
  const Division* division = nullptr;
  std::set<NodeId> nodes;
  for (const Hit& hit : hits_) {
    const auto groups = GroupsOfBlock(hit.test->scored->block);
    if (candidate.subject.kind == SubjectKind::kFleet || groups[0] == candidate.subject ||
        groups[1] == candidate.subject) {
      nodes.insert(hit.test->node);
      division = division == nullptr ? hit.test->division : division;
      if (hit.test->division == division) {
        const auto past = division->pool.members().find(hit.test->node);
        members.push_back({hit.test->node, hit.test->scored.get(), &past->second});
      }
    }
  }
  CohortTest test;
  if (candidate.cohort != nullptr) {
    division = candidate.cohort->slot->division;
    members = candidate.cohort->members;
    test = candidate.cohort->test;
  } else {
    alarm.resolution = division->pool.resolution();
    test = TestCohort(division->pool.channels(), members);
  }
  const Scored& example = *members.front().now;
  alarm.package = example.block.package;
  alarm.begin_ms = example.block.begin_ms;
  const auto channels = division->pool.channels();
  auto evidence = EvidenceOf(channels, test, CountCohort(channels, members));
  if (!evidence.empty()) {
    const auto leading = std::find(channels.begin(), channels.end(), evidence.front().channel);
    const auto c = static_cast<std::size_t>(leading - channels.begin());
    for (const Member& member : members) {
      if (c < channels.size() &&
          member.now->z[c] * (evidence.front().z < 0 ? -1 : 1) >= kMovedAlong) {
        nodes.insert(member.node);
      }
    }
  }
  alarm.nodes.assign(nodes.begin(), nodes.end());
  Name(*division, example, std::move(evidence), alarm);
  return alarm;
}

void Judgement::Name(const Division& division,
                     const Scored& example,
                     std::vector<Evidence> evidence,
                     Alarm& alarm) const {
  Findings findings;
  findings.subject = alarm.subject.kind;
  findings.kinds = kinds_of_ ? kinds_of_(example.block.package, example.block.recipe)
                             : std::vector<FeatureKind>();
  const std::set<NodeId> moved(alarm.nodes.begin(), alarm.nodes.end());
  for (const auto& [node, member] : division.pool.members()) {
    const NodeState& state = *fleet_.Find(node);
    if (state.now->z.empty()) {
      continue;  // no block since its reference
    }
    const bool changed = state.FirmwareChanged();
    if (moved.count(node) != 0) {
      ++(changed ? findings.moved_changed : findings.moved_kept);
      if (changed) {
        findings.firmware_before = state.reference->sum().firmware_version;
        findings.firmware_now = state.now->block.firmware_version;
      }
    } else {
      ++(changed ? findings.still_changed : findings.still_kept);
    }
  }
  alarm.evidence.assign(
      evidence.begin(),
      evidence.begin() + static_cast<std::ptrdiff_t>(std::min(kAlarmEvidence, evidence.size())));
  findings.evidence = std::move(evidence);
  Named named = NameCause(findings);
  alarm.cause = named.cause;
  alarm.reasoning = std::move(named.reasoning);
}

}  // namespace trib::cloud::drift
