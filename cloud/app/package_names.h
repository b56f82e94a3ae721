#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "trib/cloud/drift/types.h"
#include "trib/common/base/ids.h"
#include "trib/common/crypto/crypto.h"
#include "trib/common/message/limits.h"
#include "trib/common/status/status.h"

namespace trib::cloud {

/// What a package says about the things that drift is judged by.
struct PackageFacts {
  struct Histogram {
    std::uint32_t feature = 0;
    std::array<float, message::kHistogramBins - 1> edges{};
  };
  std::vector<std::string> features;  ///< by frame index, as `trib` prints them
  std::vector<drift::FeatureKind> kinds;
  std::vector<std::string> labels;
  std::vector<Histogram> histograms;  ///< in the order of the package's sketch edges
};

/// The packages of some folders (*.trib) by hash: names and kinds, nothing that decides.
///
/// Memory   A few kB for each of at most kMaxPackages; further ones are named in the log.
/// Threads  Find() from any thread; Rescan() from one at a time.
class PackageNames {
 public:
  static constexpr std::size_t kMaxPackages = 256;

  /// Takes packages that one of `keys` has signed.
  PackageNames(std::vector<std::filesystem::path> folders, std::vector<crypto::PublicKey> keys);

  /// Reads what is new or changed. @returns one line for each file that cannot be used; a file is
  /// named again only after it has changed.
  std::vector<std::string> Rescan();

  /// null for a package that is not here.
  [[nodiscard]] std::shared_ptr<const PackageFacts> Find(PackageHash package) const;
  [[nodiscard]] std::size_t size() const;

 private:
  struct Stamp {
    std::filesystem::file_time_type time;
    std::uintmax_t bytes = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  void RescanFolder(const std::filesystem::path& folder, std::vector<std::string>& lines);
  Status Load(const std::filesystem::path& path, std::string& error);

  const std::vector<std::filesystem::path> folders_;
  const std::vector<crypto::PublicKey> keys_;
  std::map<std::filesystem::path, Stamp> files_;  // Rescan() alone
  mutable std::mutex mutex_;                      // guards packages_
  std::map<PackageHash, std::shared_ptr<const PackageFacts>> packages_;
};

}  // namespace trib::cloud
