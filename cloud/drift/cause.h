#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trib/cloud/drift/types.h"

namespace trib::cloud::drift {

/// What a cause is named from.
struct Findings {
  SubjectKind subject = SubjectKind::kNode;
  std::vector<Evidence> evidence = {};  ///< all channels
  std::vector<FeatureKind> kinds = {};  ///< by frame index

  // Nodes of the subject's recipe that are watched. Moved: in the leading channel and direction.
  std::size_t moved_changed = 0;  ///< moved, and their firmware is not that of their reference
  std::size_t moved_kept = 0;
  std::size_t still_changed = 0;
  std::size_t still_kept = 0;
  std::uint32_t firmware_before = 0;  ///< of a node that moved
  std::uint32_t firmware_now = 0;
};

struct Named {
  Cause cause = Cause::kUnknown;
  std::string reasoning;  ///< one line
};

/// First rule that fits: firmware changed where it moved and only there; the network's answers
/// moved and no feature did (model); many nodes (environment); one node: by the kinds of its
/// features (sensor, machine).
Named NameCause(const Findings& findings);

}  // namespace trib::cloud::drift
