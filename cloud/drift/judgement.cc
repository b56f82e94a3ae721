#include "judgement.h"

#include <algorithm>
#include <array>
#include <map>

#include "trib/common/host/drift/statistics.h"

namespace trib::cloud::drift {
namespace {

constexpr std::size_t kAlarmEvidence = 8;
/// A member has moved with its group when its own block has, by so many spreads.
constexpr float kMovedAlong = 2;
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

/// Adds the members that moved in the leading channel and its direction.
void AddMoved(const Evidence& leading,
              std::span<const Channel> channels,
              std::span<const Member> members,
              std::set<NodeId>& nodes) {
  const auto c = static_cast<std::size_t>(
      std::find(channels.begin(), channels.end(), leading.channel) - channels.begin());
  const float sign = leading.z < 0 ? -1.0F : 1.0F;
  for (const Member& member : members) {
    if (c < channels.size() && member.now->z[c] * sign >= kMovedAlong) {
      nodes.insert(member.node);
    }
  }
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
      alpha[Family::kModel] +=
          AlphaPerSlot(options_.shares.model * (1 - options_.embedding_part)) / parts;
    }
  }
  for (const auto& [family, spent] : alpha) {
    JudgeFamily(family, std::min(spent, 1.0), look);
  }
  Coalesce();
  Raise(look);
}

void Judgement::TestNodes(const Absorbed& absorbed, Look& look) {
  double least_p = 1;
  for (const NodeTest& test : absorbed.nodes) {
    if (!Silenced(test.node, test.scored->block)) {
      tested_.push_back(&test);
      least_p = std::min(least_p, test.scored->p);
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
  family.family = Family::kNode;
  family.least_p = least_p;
  for (const NodeTest* test : tested_) {
    family.resolution = std::max(family.resolution, test->division->pool.resolution());
  }
  rejections_ = Reject(tested_, family.alpha);
  family.rejected = rejections_.rejected;
  look.families.push_back(family);
}

Judgement::Rejections Judgement::Reject(std::span<const NodeTest* const> tests,
                                        double alpha) const {
  std::vector<double> p;
  for (const NodeTest* test : tests) {
    p.push_back(test->scored->p);
  }
  std::vector<bool> rejected;
  Rejections out;
  out.rejected = host::drift::BenjaminiHochberg(p, alpha, rejected);
  out.threshold = ThresholdOf(alpha, out.rejected, tests.size());
  for (std::size_t i = 0; i < tests.size(); ++i) {
    const NodeTest& test = *tests[i];
    if (rejected[i] && NodeHasEffect(*fleet_.Find(test.node)->reference,
                                     test.division->pool.channels(),
                                     *test.scored,
                                     options_.min_psi)) {
      out.hits.push_back(&test);
    }
  }
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
  if (GroupHasEffect(cohort, out.channels)) {
    candidates_.push_back(std::move(out));
  }
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
  for (const NodeTest* hit : rejections_.hits) {
    count(*hit, true);
  }
  for (const auto& entry : counts) {
    const Subject& subject = entry.first;
    const auto& of = entry.second;
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
    out.threshold = rejections_.threshold;
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
  if (raised_.count(kFleetSubject) == 0) {
    RaiseGroups(look);
    RaiseNodes(look);
  }
}

/// Whether the rest of the fleet shows nothing once the groups that may be alarmed are taken out,
/// and is not the smaller part: what moved most of the fleet is the fleet's.
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
  if (explained.empty() || explained.size() > rest.size()) {
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
  for (const Subject& subject : {kFleetSubject, kModelSubject}) {
    const auto candidate =
        std::find_if(candidates_.begin(), candidates_.end(), [&](const Candidate& one) {
          return one.subject == subject && !GroupsExplain(one);
        });
    if (candidate != candidates_.end() && raised_.empty()) {
      look.alarms.push_back(AlarmOf(*candidate));
      raised_.insert(subject);
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
    raised_.insert(alarm.subject);
    look.alarms.push_back(std::move(alarm));
  }
}

/// Nodes of a group that is alarmed are told with it. They also made the others' threshold less
/// strict; so these are judged again, among themselves and with their part of the budget.
void Judgement::RaiseNodes(Look& look) {
  std::vector<const NodeTest*> rest;
  for (const NodeTest* test : tested_) {
    const auto groups = GroupsOfBlock(test->scored->block);
    if (raised_.count(groups[0]) == 0 && raised_.count(groups[1]) == 0) {
      rest.push_back(test);
    }
  }
  if (rest.empty()) {
    return;
  }
  const double part = static_cast<double>(rest.size()) / static_cast<double>(tested_.size());
  const Rejections again = Reject(rest, node_look_.alpha * part);
  std::set<NodeId> told;
  for (const NodeTest* hit : again.hits) {
    if (!told.insert(hit->node).second) {
      continue;
    }
    const Scored& scored = *hit->scored;
    Alarm alarm;
    alarm.subject = {SubjectKind::kNode, hit->node.value()};
    alarm.family = Family::kNode;
    alarm.package = scored.block.package;
    alarm.begin_ms = scored.block.begin_ms;
    alarm.p = scored.p;
    alarm.threshold = again.threshold;
    alarm.resolution = hit->division->pool.resolution();
    alarm.tests = node_look_.tests;
    alarm.nodes = {hit->node};
    Name(*hit->division,
         scored,
         EvidenceOf(*fleet_.Find(hit->node)->reference, hit->division->pool.channels(), scored),
         alarm);
    look.alarms.push_back(std::move(alarm));
  }
}

/// The group's nodes that were rejected, of one division.
std::vector<Member> Judgement::RejectedOf(const Subject& subject) const {
  std::vector<Member> out;
  const Division* division = nullptr;
  for (const NodeTest* hit : rejections_.hits) {
    const auto groups = GroupsOfBlock(hit->scored->block);
    const bool inside =
        subject.kind == SubjectKind::kFleet || groups[0] == subject || groups[1] == subject;
    division = inside && division == nullptr ? hit->division : division;
    if (inside && hit->division == division) {
      const auto past = division->pool.members().find(hit->node);
      out.push_back({hit->node, hit->scored.get(), &past->second});
    }
  }
  return out;
}

Alarm Judgement::AlarmOf(const Candidate& candidate) {
  Alarm alarm;
  alarm.subject = candidate.subject;
  alarm.family = candidate.family;
  alarm.p = candidate.p;
  alarm.threshold = candidate.threshold;
  alarm.tests = candidate.tests;
  std::vector<Member> members = RejectedOf(candidate.subject);
  std::set<NodeId> nodes;
  for (const Member& member : members) {
    nodes.insert(member.node);
  }
  const Division* division = nullptr;
  CohortTest test;
  if (candidate.cohort != nullptr) {
    division = candidate.cohort->slot->division;
    members = candidate.cohort->members;
    test = candidate.cohort->test;
  } else {
    division = fleet_.Find(members.front().node)->division;
    alarm.resolution = division->pool.resolution();
    test = TestCohort(division->pool.channels(), members);
  }
  const Scored& example = *members.front().now;
  alarm.package = example.block.package;
  alarm.begin_ms = example.block.begin_ms;
  const auto channels = division->pool.channels();
  auto evidence = EvidenceOf(channels, test, CountCohort(channels, members));
  if (!evidence.empty()) {
    AddMoved(evidence.front(), channels, members, nodes);
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
