#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "trib/cloud/drift/types.h"
#include "trib/common/base/random.h"
#include "trib/common/host/drift/adwin.h"
#include "trib/common/host/drift/ddm.h"
#include "trib/common/host/drift/page_hinkley.h"

namespace trib::cloud::drift {

/// Flags from labelled errors: whether an audited window's own answer was the last one's, block
/// after block, through ADWIN, Page-Hinkley and DDM.
///
/// Of a block is known how many windows were judged and how many of them were wrong, not which: the
/// answers of all nodes in a slot come in an order drawn from package and slot, so that neither a
/// block nor a node of many errors looks like a change.
///
/// Memory   4 kB a package; of more than kMaxPackages the one longest without a block is forgotten.
/// State    The same blocks in the same looks give the same flags.
class ErrorWatch {
 public:
  static constexpr std::size_t kMaxPackages = 64;
  /// Answers from which Page-Hinkley's unit is learned, and before which DDM says nothing.
  static constexpr std::uint64_t kWarmUp = 500;
  /// Of a package and slot in one look; more are thinned in proportion.
  static constexpr std::uint64_t kMaxAnswers = 100'000;

  /// Takes the blocks of one look, by time.
  void Take(std::span<const Block> blocks);

  /// By package.
  [[nodiscard]] std::vector<ErrorStanding> Standings() const;

 private:
  struct Answers {
    std::uint64_t judged = 0;
    std::uint64_t errors = 0;
    [[nodiscard]] double share() const;
  };
  class Stream {
   public:
    explicit Stream(PackageHash package);
    void Take(std::uint64_t begin_ms, const Answers& answers);
    [[nodiscard]] const ErrorStanding& standing() const { return standing_; }

   private:
    void Push(bool wrong);
    [[nodiscard]] double Standardised(bool wrong) const;

    ErrorStanding standing_;
    double before_ = 0;
    double after_ = 0;
    Answers warm_up_;
    host::drift::Adwin adwin_;
    /// Single answers are skewed: with the usual 50 they would be flagged five times as often.
    host::drift::PageHinkley page_hinkley_{{.threshold = 100}};
    host::drift::Ddm ddm_{{.min_answers = kWarmUp}};
  };

  std::map<PackageHash, Stream> streams_;
};

}  // namespace trib::cloud::drift
