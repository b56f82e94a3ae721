#include "joining.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

#include "cause.h"
#include "cohort.h"
#include "evidence.h"

namespace trib::cloud::drift {
namespace {

constexpr std::size_t kAlarmEvidence = 8;
/// A member has moved with its group when its own block has, by so many spreads.
constexpr float kMovedAlong = 2;
/// What a group left behind when it is taken out is no sign any more.
constexpr double kNoSign = 0.05;
/// Of a group: so many of its nodes must have an effect where the group as a whole has none.
constexpr std::size_t kLeastPartPercent = 10;

bool IsAnyGroup(const Subject& subject) {
  return subject.kind == SubjectKind::kSite || subject.kind == SubjectKind::kFirmware;
}

bool Contains(std::span<const Channel> channels, const Channel& channel) {
  return std::find(channels.begin(), channels.end(), channel) != channels.end();
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

/// Whether the candidate's group without some of its nodes still shows a sign in what was rejected
/// of it. Too few that are left show none.
bool ShowsWithout(const Candidate& candidate, const std::set<NodeId>& nodes) {
  std::vector<Member> rest;
  for (const Member& member : candidate.cohort->members) {
    if (nodes.count(member.node) == 0) {
      rest.push_back(member);
    }
  }
  const auto test = TestCohort(candidate.cohort->slot->division->pool.channels(), rest);
  return std::any_of(test.channels.begin(), test.channels.end(), [&](const ChannelTest& one) {
    return one.p < kNoSign && Contains(candidate.channels, one.channel);
  });
}

void AddNodes(std::span<const NodeId> nodes, Alarm& alarm) {
  std::set<NodeId> all(alarm.nodes.begin(), alarm.nodes.end());
  all.insert(nodes.begin(), nodes.end());
  alarm.nodes.assign(all.begin(), all.end());
}

}  // namespace

std::array<Subject, 2> GroupsOfBlock(const Block& block) {
  return {{{SubjectKind::kFirmware, block.firmware_version},
           {SubjectKind::kSite, block.gateway.value()}}};
}

void Joining::Raise(Look& look) {
  ProposeOfNodes();
  KeepThoseWithAnEffect();
  // Firmware before sites: the more special explanation, when both are as good.
  std::stable_sort(
      candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
        const bool firmware = a.subject.kind == SubjectKind::kFirmware;
        return a.p != b.p ? a.p < b.p : firmware && b.subject.kind != SubjectKind::kFirmware;
      });
  RaiseFleet(look);
  if (raised_.count(kFleetSubject) == 0) {
    RaiseGroups(look);
    RaiseNodes(nodes_, look);
    RaiseNodes(weeks_, look);
  }
}

/// Half of a group's nodes are the group.
void Joining::ProposeOfNodes() {
  std::map<Subject, std::pair<std::size_t, std::size_t>> counts;  // tested, hit
  const auto count = [&](const NodeTest& test, bool hit) {
    const auto groups = GroupsOfBlock(test.scored->block);
    for (const Subject& subject : {groups[0], groups[1], kFleetSubject}) {
      ++(hit ? counts[subject].second : counts[subject].first);
    }
  };
  for (const NodeTest* test : nodes_.tested) {
    count(*test, false);
  }
  for (const NodeTest* hit : nodes_.rejections.hits) {
    count(*hit, true);
  }
  for (const auto& [subject, of] : counts) {
    if (of.second < kLeastMembers || 2 * of.second < of.first) {
      continue;
    }
    Candidate out;
    out.subject = subject;
    out.family = Family::kNode;
    out.p = nodes_.look.least_p;
    out.threshold = nodes_.rejections.threshold;
    out.tests = nodes_.look.tests;
    candidates_.push_back(std::move(out));
  }
}

/// The effect is asked for where it is largest: a group whose test was rejected has it when enough
/// of its parts do, and when they are not all that there is to it.
void Joining::KeepThoseWithAnEffect() {
  // Groups before the fleet, which may consist of them.
  for (const bool groups : {true, false}) {
    std::erase_if(candidates_, [&](const Candidate& one) {
      return IsAnyGroup(one.subject) == groups && !one.effect && !PartsHaveEffect(one);
    });
  }
}

bool Joining::PartsHaveEffect(const Candidate& candidate) const {
  std::set<NodeId> parts = HitsOf(candidate);
  if (candidate.subject == kFleetSubject) {
    parts.merge(NodesOfGroups());
  }
  const std::size_t all = candidate.cohort->members.size();
  return parts.size() >= kLeastMembers && 100 * parts.size() >= kLeastPartPercent * all &&
         (2 * parts.size() > all || ShowsWithout(candidate, parts));
}

/// The candidate's nodes that were rejected in what it was; of groups and the fleet in anything.
std::set<NodeId> Joining::HitsOf(const Candidate& candidate) const {
  std::set<NodeId> out;
  for (const NodeTest* hit : nodes_.rejections.hits) {
    const auto& members = candidate.cohort->members;
    const bool member = std::any_of(
        members.begin(), members.end(), [&](const Member& one) { return one.node == hit->node; });
    const Channel& leading = hit->division->pool.channels()[hit->scored->leading];
    if (member && (candidate.subject != kModelSubject || Contains(candidate.channels, leading))) {
      out.insert(hit->node);
    }
  }
  return out;
}

/// Of all groups that may be alarmed.
std::set<NodeId> Joining::NodesOfGroups() const {
  std::set<NodeId> out;
  for (const Candidate& candidate : candidates_) {
    if (candidate.family == Family::kGroup) {
      for (const Member& member : candidate.cohort->members) {
        out.insert(member.node);
      }
    }
  }
  return out;
}

/// Whether the rest of the fleet shows nothing once the groups that may be alarmed are taken out,
/// and is not the smaller part: what moved most of the fleet is the fleet's.
bool Joining::GroupsExplain(const Candidate& fleet) const {
  if (fleet.cohort == nullptr) {
    return false;
  }
  const auto explained = NodesOfGroups();
  return !explained.empty() && 2 * explained.size() <= fleet.cohort->members.size() &&
         !ShowsWithout(fleet, explained);
}

void Joining::RaiseFleet(Look& look) {
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

/// What the model does, sites and nodes do with it: as long as its alarm stands, theirs would say
/// the same.
///
/// @returns whether the alarm is raised
bool Joining::Tell(Alarm alarm, Look& look) {
  const auto teller = std::find_if(look.alarms.begin(), look.alarms.end(), [](const Alarm& one) {
    return one.subject == kModelSubject;
  });
  if (alarm.cause != Cause::kModel ||
      (teller == look.alarms.end() && open_.count(kModelSubject) == 0)) {
    look.alarms.push_back(std::move(alarm));
    return true;
  }
  if (teller != look.alarms.end()) {
    AddNodes(alarm.nodes, *teller);
  }
  look.absorptions.push_back({alarm.subject, kModelSubject, std::move(alarm.nodes)});
  return false;
}

void Joining::RaiseGroups(Look& look) {
  std::set<NodeId> told;
  for (const Candidate& candidate : candidates_) {
    if (!IsAnyGroup(candidate.subject)) {
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
    if (Tell(std::move(alarm), look)) {
      raised_.insert(candidate.subject);
    }
  }
}

/// Nodes of a group that is alarmed are told with it. They also made the others' threshold less
/// strict; so these are judged again, among themselves and with their part of the budget.
void Joining::RaiseNodes(const NodeFindings& findings, Look& look) {
  std::vector<const NodeTest*> rest;
  for (const NodeTest* test : findings.tested) {
    const auto groups = GroupsOfBlock(test->scored->block);
    if (raised_.count(groups[0]) == 0 && raised_.count(groups[1]) == 0) {
      rest.push_back(test);
    }
  }
  if (rest.empty()) {
    return;
  }
  const double part =
      static_cast<double>(rest.size()) / static_cast<double>(findings.tested.size());
  const Rejections again = Reject(fleet_, rest, findings.look.alpha * part, options_.min_psi);
  for (const NodeTest* hit : again.hits) {
    if (told_.insert(hit->node).second) {
      (void)Tell(AlarmOf(*hit, again.threshold, findings.look.tests), look);
    }
  }
}

Alarm Joining::AlarmOf(const NodeTest& hit, double threshold, std::uint64_t tests) const {
  const Scored& scored = *hit.scored;
  Alarm alarm;
  alarm.subject = {SubjectKind::kNode, hit.node.value()};
  alarm.family = Family::kNode;
  alarm.package = scored.block.package;
  alarm.begin_ms = scored.block.begin_ms;
  alarm.p = scored.p;
  alarm.threshold = threshold;
  alarm.resolution = hit.resolution;
  alarm.tests = tests;
  alarm.nodes = {hit.node};
  Name(*hit.division,
       scored,
       EvidenceOf(*fleet_.Find(hit.node)->reference, hit.division->pool.channels(), scored),
       alarm);
  return alarm;
}

/// The group's nodes that were rejected, of one division.
std::vector<Member> Joining::RejectedOf(const Subject& subject) const {
  std::vector<Member> out;
  const Division* division = nullptr;
  for (const NodeTest* hit : nodes_.rejections.hits) {
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

Alarm Joining::AlarmOf(const Candidate& candidate) const {
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

void Joining::Name(const Division& division,
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
