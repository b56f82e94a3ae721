#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "trib/cloud/drift/embedding.h"
#include "trib/cloud/store/drift_reader.h"
#include "trib/common/host/tail/tail.h"

namespace trib::cloud {

/// The network of a head package; null where it is not known.
using FindNetwork = std::function<std::shared_ptr<const host::tail::Network>(PackageHash)>;

/// Reads what nodes saw in audited windows: of a package whose network is known what it had
/// computed at the cut, of any other the feature frames.
///
/// Memory   The network's arena; rows of at most kMaxWidth numbers.
/// Threads  The drift thread's.
class EmbeddingRecords {
 public:
  static constexpr std::size_t kMaxWidth = 64;    ///< of a row; activations are averaged to it
  static constexpr std::size_t kRowsOfBlock = 4;  ///< of one node

  EmbeddingRecords(store::DriftReader& reader, Millis block, FindNetwork find_network)
      : reader_(reader), block_(block), find_network_(std::move(find_network)) {}

  /// Blocks for a query each place.
  Result<std::vector<drift::EmbeddingRow>> Read(
      PackageHash package, std::span<const drift::EmbeddingPlan::Place> places);

 private:
  std::vector<float> NumbersOf(const host::tail::Network* network, std::string_view sealed);

  store::DriftReader& reader_;
  const Millis block_;
  const FindNetwork find_network_;
  host::tail::TailRunner runner_;
};

}  // namespace trib::cloud
