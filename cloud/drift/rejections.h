#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cohort.h"
#include "fleet.h"
#include "trib/cloud/drift/types.h"

namespace trib::cloud::drift {

/// Nodes' blocks that were rejected and have an effect.
struct Rejections {
  std::vector<const NodeTest*> hits;
  std::size_t rejected = 0;  ///< with those without an effect
  double threshold = 0;
};

/// Benjamini and Hochberg over the nodes.
Rejections Reject(const Fleet& fleet,
                  std::span<const NodeTest* const> tests,
                  double alpha,
                  double min_psi);

/// Benjamini and Hochberg's line at the last rejection, or at the first when there is none.
double ThresholdOf(double alpha, std::size_t rejected, std::size_t tests);

/// What the tests of single nodes gave in one look.
struct NodeFindings {
  std::vector<const NodeTest*> tested;
  FamilyLook look;
  Rejections rejections;
};

/// A group that was tested as such.
struct Cohort {
  const SlotTest* slot = nullptr;
  std::vector<Member> members;
  CohortTest test;
};

/// What may become the alarm of a group, the fleet or the model.
struct Candidate {
  Subject subject;
  Family family = Family::kGroup;
  const Cohort* cohort = nullptr;  ///< null: nodes alone make it
  bool effect = true;              ///< its own; without one it needs that of its parts
  std::vector<Channel> channels;   ///< rejected ones
  double p = 1;
  double threshold = 0;
  std::uint64_t tests = 0;
};

}  // namespace trib::cloud::drift
