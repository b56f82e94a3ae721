#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <vector>

#include "trib/cloud/drift/types.h"
#include "trib/common/base/ids.h"

namespace trib::cloud::drift {

/// One audited window as the network saw it: a feature frame or an embedding, of one package.
struct EmbeddingRow {
  NodeId node;
  std::uint64_t block_ms = 0;  ///< begin of the block it fell into
  std::vector<float> values;
};

struct EmbeddingOptions {
  /// Chance of a false alarm of one test: EmbeddingAlpha() of the monitor's options.
  double alpha = 0.05;
  std::size_t permutations = 200;  ///< p-values have the resolution 1 / (1 + permutations)
  std::size_t max_rows = 400;      ///< of either side; more are thinned by whole node-blocks
  std::size_t min_rows = 2;        ///< of a node, to learn its centre and scale from
  std::uint64_t seed = 1;
};

/// What is left for one weekly test.
double EmbeddingAlpha(const Options& options);

/// Tests what was read for a plan, and adds the test and, when it is rejected, the model's alarm to
/// the look. Not when the model's or the fleet's alarm is `open` or raised in this look: they tell
/// it. Blocks as EmbeddingTest does.
void JudgeEmbeddings(const EmbeddingPlan& plan,
                     std::span<const EmbeddingRow> reference,
                     std::span<const EmbeddingRow> now,
                     const std::set<Subject>& open,
                     Look& look);

struct EmbeddingLook {
  bool tested = false;  ///< false: too little of either side
  bool rejected = false;
  std::size_t rows = 0;    ///< compared now
  std::size_t blocks = 0;  ///< node-blocks they came from
  double distance = 0;     ///< MMD squared, unbiased: about 0 when nothing changed
  double threshold = 0;    ///< it was above, when rejected
  double p = 1;
  double resolution = 1;
};

/// Says whether windows look different from those of the reference in any respect, also how
/// features go together, which no histogram shows: maximum mean discrepancy of one package's rows.
///
/// Of each node every other reference block teaches its centre and scale; what is compared are the
/// rest, so that reference and present are scaled by the same stranger. The threshold comes from
/// the reference alone: as many of its node-blocks as there are now, drawn against the others.
/// Windows of a node-block stay together, for they are alike.
///
/// Memory   4 bytes a number of the kept reference rows.
/// Threads  One caller at a time.
/// State    The same rows in the same order and the same seed give the same answers.
class EmbeddingTest {
 public:
  /// @param reference  of one width, finite; others are left out
  EmbeddingTest(const EmbeddingOptions& options, std::span<const EmbeddingRow> reference);

  /// Whether there is enough to test against: four node-blocks and eight rows.
  [[nodiscard]] bool ready() const;
  /// Tests the rows of nodes that are in the reference. Blocks for permutations x rows squared
  /// steps.
  [[nodiscard]] EmbeddingLook Judge(std::span<const EmbeddingRow> current) const;

 private:
  struct Scale {
    std::vector<double> centre;
    std::vector<double> per_deviation;
  };
  struct NodeBlock {
    NodeId node;
    std::uint64_t block_ms = 0;
    std::vector<double> values;  ///< rows one after the other
  };

  [[nodiscard]] bool Usable(const EmbeddingRow& row) const;
  void LearnScales(std::span<const EmbeddingRow> rows);
  [[nodiscard]] std::vector<NodeBlock> Scaled(std::span<const EmbeddingRow> rows) const;
  void Thin(std::vector<NodeBlock>& blocks) const;
  [[nodiscard]] double Distance(std::span<const NodeBlock* const> x,
                                std::span<const NodeBlock* const> y) const;

  EmbeddingOptions options_;
  std::size_t width_ = 0;
  std::map<NodeId, Scale> scales_;
  std::vector<NodeBlock> reference_;
  double bandwidth_ = 0;
};

}  // namespace trib::cloud::drift
