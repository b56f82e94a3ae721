#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "trib/common/base/ids.h"
#include "trib/common/classify/classify.h"
#include "trib/common/crypto/crypto.h"
#include "trib/common/nn/plan.h"
#include "trib/common/nn/runner.h"
#include "trib/common/package/package.h"
#include "trib/common/package/sections.h"
#include "trib/common/status/result.h"

/// Above the node: networks by the hash of their head package, and the rest of a network on what a
/// node deferred. docs/decisions/0011-cascade-and-split.md.
namespace trib::host::tail {

/// A head and its tail that were found to belong together. Knows a network as everyone above the
/// node does: by the hash of its head.
///
/// Memory   Both files.
/// Threads  Immutable.
class Network {
 public:
  /// Checks that both are sound packages and belong together: the tail's digest is the one that the
  /// head's split points name; classifier, recipe, labels and normalisation are equal; each plan
  /// fits the classifier, the head's ends at the first exit and begins the tail's (operators,
  /// tensors, weights); nothing is remembered between windows. Says nothing about signatures.
  ///
  /// @returns kDataLoss, and one line in `error`
  static Result<std::shared_ptr<const Network>> Join(std::vector<std::byte> head,
                                                     std::vector<std::byte> tail,
                                                     std::string& error);

  [[nodiscard]] PackageHash hash() const { return head_->hash(); }  ///< of the head
  [[nodiscard]] const package::PackageView& head() const { return *head_; }
  [[nodiscard]] const package::PackageView& tail() const { return *tail_; }
  [[nodiscard]] const nn::Plan& head_plan() const { return *head_plan_; }
  [[nodiscard]] const nn::Plan& plan() const { return *plan_; }  ///< the whole
  [[nodiscard]] const package::ClassifierSpec& classifier() const { return classifier_; }
  [[nodiscard]] const package::Labels& labels() const { return labels_; }
  [[nodiscard]] const package::SplitPoints& split() const { return split_; }
  [[nodiscard]] const package::Manifest& manifest() const { return manifest_; }  ///< of the head
  [[nodiscard]] std::size_t bytes() const { return head_file_.size() + tail_file_.size(); }

  /// The exit that a tier (message::Tier, 3..5) decides at: the last that is not above it.
  [[nodiscard]] std::size_t ExitOf(std::uint8_t tier) const;
  [[nodiscard]] std::size_t last_exit() const { return classifier_.exits.size() - 1; }
  /// A decision's probabilities as messages carry them: one per label of the package, 0 for a label
  /// without a class.
  [[nodiscard]] FixedVector<float, package::kMaxLabels> ScoresOf(
      const classify::Decision& decision) const;

  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

 private:
  Network() = default;
  Status Load(std::string& error);
  Status LoadClassifier(std::string& error);
  Status ComparePlans(std::string& error) const;

  std::vector<std::byte> head_file_;  // aligned as a package has to be: vectors start at 16
  std::vector<std::byte> tail_file_;
  std::optional<package::PackageView> head_;
  std::optional<package::PackageView> tail_;
  std::optional<nn::Plan> head_plan_;
  std::optional<nn::Plan> plan_;
  package::ClassifierSpec classifier_;
  package::Labels labels_;
  package::SplitPoints split_;
  package::Manifest manifest_;
};

struct StoreOptions {
  std::filesystem::path folder;
  /// A head is taken when one of these has signed it. The head vouches for its tail.
  std::vector<crypto::PublicKey> keys;
  /// Takes heads that nobody signed, too: for evaluation and tests.
  bool accept_unsigned = false;
  std::size_t max_networks = 8;  ///< the running, the previous and the candidate, for some fleets
  std::uint64_t max_bytes = 64U << 20U;
};

/// The networks of a folder of packages (`*.trib`, heads and tails in any order).
///
/// Memory   At most max_bytes of packages, and the stamps of the folder's files.
/// Threads  Find() and List() from any thread; Rescan() from one at a time.
class TailStore {
 public:
  explicit TailStore(StoreOptions options);

  struct Report {
    std::size_t networks = 0;  ///< after it
    std::size_t added = 0;
    std::size_t dropped = 0;
    /// One line for each file that cannot be used and for each network that had to go; a file is
    /// named again only after it has changed.
    std::vector<std::string> lines;
  };
  /// Reads what is new or changed. What was good stays until its head is taken out of the folder,
  /// or newer heads need the room (the oldest file time goes first): a bad or half-written file
  /// changes nothing. Packages that are neither head nor tail are passed over.
  ///
  /// Blocks   For as long as reading takes: call it where waiting does no harm.
  Report Rescan();

  /// The network whose head has this hash; null when there is none. The answer stays whole however
  /// long it is kept.
  [[nodiscard]] std::shared_ptr<const Network> Find(PackageHash head) const;
  /// Newest head file first.
  [[nodiscard]] std::vector<std::shared_ptr<const Network>> List() const;

 private:
  struct Stamp {
    std::filesystem::file_time_type time;
    std::uintmax_t bytes = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  enum class State : std::uint8_t {
    kNoHead,   ///< a tail, or of no use
    kHead,     ///< sound and trusted
    kWaiting,  ///< a head whose tail is not here, and that was said
    kJoined,
    kRefused,  ///< does not belong to its tail
    kLeftOut,  ///< for want of room
  };
  struct File {
    Stamp stamp;
    bool seen = false;  ///< in this scan
    State state = State::kNoHead;
    package::Digest digest{};
    package::Digest tail{};  ///< of a head
  };
  struct Entry {
    std::filesystem::path head_path;
    std::filesystem::file_time_type time;
    std::shared_ptr<const Network> network;
  };

  void ReadFolder(Report& report);
  void ReadFile(const std::filesystem::path& path, File& file, Report& report);
  void Join(const std::filesystem::path& path, File& file, Report& report);
  void Bound(Report& report);

  const StoreOptions options_;
  std::map<std::filesystem::path, File> files_;  // Rescan() alone
  bool folder_failed_ = false;                   // Rescan() alone
  mutable std::mutex mutex_;                     // guards entries_
  std::vector<Entry> entries_;                   // newest first
};

/// Runs the rest of networks. One arena serves all of them.
///
/// Memory   As much as the largest network asked for so far.
/// Threads  One caller at a time; several runners may share networks.
class TailRunner {
 public:
  struct Answer {
    classify::Decision decision;
    /// It stands: accepted, or there is no later exit to ask.
    bool final = false;
  };
  /// From what a node deferred to the answer of exit `exit`. Equal bytes give equal answers.
  ///
  /// Requires  exit < network.classifier().exits.size().
  /// @returns kDataLoss when the bytes are no activation of this network at its cut.
  Result<Answer> Decide(const Network& network,
                        std::span<const std::byte> activation,
                        std::size_t exit);

  /// The same for several exits in rising order, as one run through the network; out[i] for
  /// exits[i].
  Status Decide(const Network& network,
                std::span<const std::byte> activation,
                std::span<const std::size_t> exits,
                std::span<Answer> out);

  /// What a node's network had computed at the cut, as numbers: the values of the int8 tensors that
  /// live there, one after the other, averaged to at most `most` numbers of as many values each.
  ///
  /// Requires  most > 0.
  /// @returns kDataLoss as Decide() does.
  Result<std::vector<float>> Numbers(const Network& network,
                                     std::span<const std::byte> activation,
                                     std::size_t most);

 private:
  Result<nn::Runner> Open(const Network& network,
                          std::span<const std::byte> activation,
                          std::size_t& cut);

  std::vector<std::uint64_t> arena_;
};

}  // namespace trib::host::tail
