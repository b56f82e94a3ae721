#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "cohort.h"
#include "fleet.h"
#include "rejections.h"
#include "trib/cloud/drift/monitor.h"
#include "trib/cloud/drift/types.h"

namespace trib::cloud::drift {

/// The tests of one look: spends the budget, and hands what was rejected on to be joined. Reads the
/// fleet, changes nothing of it.
class Judgement {
 public:
  Judgement(const Options& options,
            const KindsOf& kinds_of,
            const Fleet& fleet,
            const std::set<Subject>& open)
      : options_(options), kinds_of_(kinds_of), fleet_(fleet), open_(open) {}

  void Run(const Absorbed& absorbed, Look& look);

 private:
  [[nodiscard]] bool Silenced(NodeId node, const Block& block) const;
  [[nodiscard]] bool Open(const Subject& subject) const { return open_.count(subject) != 0; }
  [[nodiscard]] double AlphaPerSlot(double share) const;

  /// Spends what `alpha` leaves when all watched nodes are tested.
  [[nodiscard]] NodeFindings TestNodes(std::span<const NodeTest> tests,
                                       double alpha,
                                       Look& look) const;
  void TestCohorts(const Absorbed& absorbed);
  void JudgeFamily(Family family, double alpha, Look& look);
  void Propose(const Cohort& cohort, Family family, double p, double threshold, std::size_t tests);
  [[nodiscard]] bool GroupHasEffect(const Cohort& cohort, std::span<const Channel> rejected) const;

  const Options& options_;
  const KindsOf& kinds_of_;
  const Fleet& fleet_;
  const std::set<Subject>& open_;

  std::vector<Cohort> cohorts_;
  std::vector<Candidate> candidates_;
};

}  // namespace trib::cloud::drift
