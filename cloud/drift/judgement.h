#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "cause.h"
#include "cohort.h"
#include "evidence.h"
#include "fleet.h"
#include "trib/cloud/drift/monitor.h"
#include "trib/cloud/drift/types.h"

namespace trib::cloud::drift {

/// The tests of one look and what becomes of them: spends the budget, joins rejections that have
/// one cause, and names it. Reads the fleet, changes nothing of it.
class Judgement {
 public:
  Judgement(const Options& options,
            const KindsOf& kinds_of,
            const Fleet& fleet,
            const std::set<Subject>& open)
      : options_(options), kinds_of_(kinds_of), fleet_(fleet), open_(open) {}

  void Run(const Absorbed& absorbed, Look& look);

 private:
  /// Nodes' blocks that were rejected and have an effect.
  struct Rejections {
    std::vector<const NodeTest*> hits;
    std::size_t rejected = 0;  ///< with those without an effect
    double threshold = 0;
  };
  /// A group that was tested as such.
  struct Cohort {
    const SlotTest* slot = nullptr;
    std::vector<Member> members;
    CohortTest test;
  };
  /// What may become a group's alarm.
  struct Candidate {
    Subject subject;
    Family family = Family::kGroup;
    const Cohort* cohort = nullptr;  ///< null: nodes alone make it
    std::vector<Channel> channels;   ///< rejected ones
    double p = 1;
    double threshold = 0;
    std::uint64_t tests = 0;
  };

  [[nodiscard]] bool Silenced(NodeId node, const Block& block) const;
  [[nodiscard]] bool Open(const Subject& subject) const { return open_.count(subject) != 0; }
  [[nodiscard]] double AlphaPerSlot(double share) const;

  void TestNodes(const Absorbed& absorbed, Look& look);
  void TestCohorts(const Absorbed& absorbed);
  void JudgeFamily(Family family, double alpha, Look& look);
  [[nodiscard]] Rejections Reject(std::span<const NodeTest* const> tests, double alpha) const;
  void Propose(const Cohort& cohort, Family family, double p, double threshold, std::size_t tests);
  [[nodiscard]] bool GroupHasEffect(const Cohort& cohort, std::span<const Channel> rejected) const;
  void Coalesce();
  void Raise(Look& look);
  void RaiseFleet(Look& look);
  void RaiseGroups(Look& look);
  void RaiseNodes(Look& look);
  [[nodiscard]] bool GroupsExplain(const Candidate& fleet) const;
  [[nodiscard]] std::vector<Member> RejectedOf(const Subject& subject) const;
  [[nodiscard]] Alarm AlarmOf(const Candidate& candidate);
  void Name(const Division& division,
            const Scored& example,
            std::vector<Evidence> evidence,
            Alarm& alarm) const;

  const Options& options_;
  const KindsOf& kinds_of_;
  const Fleet& fleet_;
  const std::set<Subject>& open_;

  std::vector<const NodeTest*> tested_;
  FamilyLook node_look_;
  Rejections rejections_;
  std::vector<Cohort> cohorts_;
  std::vector<Candidate> candidates_;
  std::set<Subject> raised_;
};

}  // namespace trib::cloud::drift
