#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bare_curve.h"
#include "measure.h"

/// Raw sides that more than one question needs.
namespace trib::bench::path {

/// One full envelope per node.
std::vector<std::string> FullEnvelopes(std::uint64_t first, std::size_t nodes);

struct RawRate {
  double per_s = 0;        ///< by wall clock
  double bound_per_s = 0;  ///< what the CPU time of the busiest thread allows
};

/// Records that a bare CURVE ROUTER receives in envelopes of 16 (ingest.cc).
RawRate RawIngestRate(const Run& run,
                      Dealers& dealers,
                      const BareServer& server,
                      std::span<const std::string> messages);

/// The bare SQLite loop of store.cc, commits of 4,096.
class RawStore {
 public:
  RawStore(const Run& run, const std::string& name);
  ~RawStore();
  RawRate Rate(const Run& run);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace trib::bench::path
