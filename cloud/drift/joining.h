#pragma once

#include <array>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "fleet.h"
#include "rejections.h"
#include "trib/cloud/drift/monitor.h"
#include "trib/cloud/drift/types.h"

namespace trib::cloud::drift {

/// The sites and firmware versions that a block speaks for.
std::array<Subject, 2> GroupsOfBlock(const Block& block);

/// Makes alarms of rejections: one for each cause, of the widest subject that the rejections speak
/// for, with its cause named. There is never an alarm without a rejection, and never one more than
/// the rejections alone would make.
class Joining {
 public:
  Joining(const Options& options,
          const KindsOf& kinds_of,
          const Fleet& fleet,
          const std::set<Subject>& open,
          const NodeFindings& nodes,
          const NodeFindings& weeks,
          std::vector<Candidate> candidates)
      : options_(options),
        kinds_of_(kinds_of),
        fleet_(fleet),
        open_(open),
        nodes_(nodes),
        weeks_(weeks),
        candidates_(std::move(candidates)) {}

  void Raise(Look& look);

 private:
  void ProposeOfNodes();
  void ProposeOfGroups();
  void KeepThoseWithAnEffect();
  void RaiseFleet(Look& look);
  void RaiseGroups(Look& look);
  void RaiseNodes(const NodeFindings& findings, Look& look);
  bool Tell(Alarm alarm, Look& look);
  [[nodiscard]] std::set<NodeId> NodesOfGroups() const;
  [[nodiscard]] std::set<NodeId> HitsOf(const Candidate& candidate) const;
  [[nodiscard]] bool PartsHaveEffect(const Candidate& candidate) const;
  [[nodiscard]] bool GroupsExplain(const Candidate& fleet) const;
  [[nodiscard]] std::vector<Member> RejectedOf(const Subject& subject) const;
  [[nodiscard]] Alarm AlarmOf(const Candidate& candidate) const;
  [[nodiscard]] Alarm AlarmOf(const NodeTest& hit, double threshold, std::uint64_t tests) const;
  void Name(const Division& division,
            const Scored& example,
            std::vector<Evidence> evidence,
            Alarm& alarm) const;

  const Options& options_;
  const KindsOf& kinds_of_;
  const Fleet& fleet_;
  const std::set<Subject>& open_;
  const NodeFindings& nodes_;
  const NodeFindings& weeks_;
  std::vector<Candidate> candidates_;
  std::set<Subject> raised_;
  std::set<NodeId> told_;  // as single nodes
};

}  // namespace trib::cloud::drift
