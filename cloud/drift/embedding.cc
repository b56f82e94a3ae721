#include "trib/cloud/drift/embedding.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <set>
#include <utility>

#include "trib/common/base/random.h"
#include "trib/common/host/drift/mmd.h"

namespace trib::cloud::drift {
namespace {

constexpr std::size_t kLeastBlocks = 4;
constexpr std::size_t kLeastRows = 8;
constexpr double kLeastDeviation = 1e-6;

using Key = std::pair<NodeId, std::uint64_t>;

/// The blocks whose rows teach: of each node the first, third, and so on.
std::set<Key> TeachingBlocks(std::span<const EmbeddingRow> rows) {
  std::map<NodeId, std::set<std::uint64_t>> blocks;
  for (const EmbeddingRow& row : rows) {
    blocks[row.node].insert(row.block_ms);
  }
  std::set<Key> out;
  for (const auto& [node, begins] : blocks) {
    bool teaches = true;
    for (const std::uint64_t begin : begins) {
      if (teaches) {
        out.insert({node, begin});
      }
      teaches = !teaches;
    }
  }
  return out;
}

std::vector<double> MeanOf(std::span<const EmbeddingRow* const> rows, std::size_t width) {
  std::vector<double> out(width, 0);
  for (const EmbeddingRow* row : rows) {
    for (std::size_t i = 0; i < width; ++i) {
      out[i] += static_cast<double>(row->values[i]) / static_cast<double>(rows.size());
    }
  }
  return out;
}

/// Sums of squared differences from the centre.
std::vector<double> SquaresOf(std::span<const EmbeddingRow* const> rows,
                              std::span<const double> centre) {
  std::vector<double> out(centre.size(), 0);
  for (const EmbeddingRow* row : rows) {
    for (std::size_t i = 0; i < centre.size(); ++i) {
      const double d = static_cast<double>(row->values[i]) - centre[i];
      out[i] += d * d;
    }
  }
  return out;
}

}  // namespace

void JudgeEmbeddings(const EmbeddingPlan& plan,
                     std::span<const EmbeddingRow> reference,
                     std::span<const EmbeddingRow> now,
                     const std::set<Subject>& open,
                     Look& look) {
  constexpr std::size_t kMaxRows = 200;  // 200 draws of them are a second's work
  for (const Subject& teller : {Subject{SubjectKind::kModel, 0}, Subject{SubjectKind::kFleet, 0}}) {
    if (open.count(teller) != 0 ||
        std::any_of(look.alarms.begin(), look.alarms.end(), [&](const Alarm& alarm) {
          return alarm.subject == teller;
        })) {
      return;
    }
  }
  const EmbeddingTest test(
      {.alpha = plan.alpha, .max_rows = kMaxRows, .seed = plan.package.value() ^ plan.begin_ms},
      reference);
  const EmbeddingLook seen = test.Judge(now);
  if (!seen.tested) {
    return;
  }
  look.families.push_back(
      {Family::kEmbedding, 1, seen.rejected ? 1U : 0U, plan.alpha, seen.p, seen.resolution});
  if (!seen.rejected) {
    return;
  }
  Alarm alarm;
  alarm.subject = {SubjectKind::kModel, 0};
  alarm.family = Family::kEmbedding;
  alarm.package = plan.package;
  alarm.begin_ms = plan.begin_ms;
  alarm.p = seen.p;
  alarm.threshold = plan.alpha;
  alarm.resolution = seen.resolution;
  alarm.tests = 1;
  std::set<NodeId> nodes;
  for (const EmbeddingRow& row : now) {
    nodes.insert(row.node);
  }
  alarm.nodes.assign(nodes.begin(), nodes.end());
  char line[200];
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): constant format, bounded
  (void)std::snprintf(line,
                      sizeof line,
                      "unknown: what the network sees in %zu audited windows of %zu blocks is not "
                      "like the reference's (MMD squared %.3g, threshold %.3g)",
                      seen.rows,
                      seen.blocks,
                      seen.distance,
                      seen.threshold);
  alarm.reasoning = line;
  look.alarms.push_back(std::move(alarm));
}

double EmbeddingAlpha(const Options& options) {
  return options.budget_per_week * options.shares.model * options.embedding_part;
}

EmbeddingTest::EmbeddingTest(const EmbeddingOptions& options,
                             std::span<const EmbeddingRow> reference)
    : options_(options), width_(reference.empty() ? 0 : reference.front().values.size()) {
  const auto teaching = TeachingBlocks(reference);
  std::vector<EmbeddingRow> teachers;
  std::vector<EmbeddingRow> rest;
  for (const EmbeddingRow& row : reference) {
    if (Usable(row)) {
      (teaching.count({row.node, row.block_ms}) != 0 ? teachers : rest).push_back(row);
    }
  }
  LearnScales(teachers);
  reference_ = Scaled(rest);
  Thin(reference_);
  std::vector<double> all;
  for (const NodeBlock& block : reference_) {
    all.insert(all.end(), block.values.begin(), block.values.end());
  }
  if (ready()) {
    bandwidth_ = host::drift::MedianPairwise({all, width_}, {{}, width_});
  }
}

bool EmbeddingTest::ready() const {
  std::size_t numbers = 0;
  for (const NodeBlock& block : reference_) {
    numbers += block.values.size();
  }
  return reference_.size() >= kLeastBlocks && numbers >= kLeastRows * width_;
}

bool EmbeddingTest::Usable(const EmbeddingRow& row) const {
  return width_ > 0 && row.values.size() == width_ &&
         std::all_of(row.values.begin(), row.values.end(), [](float value) {
           return std::isfinite(value);
         });
}

void EmbeddingTest::LearnScales(std::span<const EmbeddingRow> rows) {
  constexpr double kPriorRows = 4;
  std::map<NodeId, std::vector<const EmbeddingRow*>> by_node;
  for (const EmbeddingRow& row : rows) {
    by_node[row.node].push_back(&row);
  }
  std::erase_if(by_node, [&](const auto& own) {
    return own.second.size() < std::max<std::size_t>(options_.min_rows, 1);
  });
  // The spread within nodes of the whole package: a node alone has too few windows for its own.
  std::vector<double> common(width_, 0);
  double freedom = 0;
  std::map<NodeId, std::vector<double>> squares;
  for (const auto& [node, own] : by_node) {
    scales_[node].centre = MeanOf(own, width_);
    squares[node] = SquaresOf(own, scales_[node].centre);
    std::transform(
        common.begin(), common.end(), squares[node].begin(), common.begin(), std::plus<>());
    freedom += static_cast<double>(own.size() - 1);
  }
  for (auto& [node, scale] : scales_) {
    const double n = static_cast<double>(by_node[node].size() - 1) + kPriorRows;
    for (std::size_t i = 0; i < width_; ++i) {
      const double prior = freedom > 0 ? kPriorRows * common[i] / freedom : 0;
      const double variance = (squares[node][i] + prior) / n;
      scale.per_deviation.push_back(1 / std::max(std::sqrt(variance), kLeastDeviation));
    }
  }
}

std::vector<EmbeddingTest::NodeBlock> EmbeddingTest::Scaled(
    std::span<const EmbeddingRow> rows) const {
  std::map<Key, NodeBlock> blocks;
  for (const EmbeddingRow& row : rows) {
    const auto scale = scales_.find(row.node);
    if (scale == scales_.end() || !Usable(row)) {
      continue;
    }
    NodeBlock& block = blocks[{row.node, row.block_ms}];
    block.node = row.node;
    block.block_ms = row.block_ms;
    for (std::size_t i = 0; i < width_; ++i) {
      block.values.push_back((static_cast<double>(row.values[i]) - scale->second.centre[i]) *
                             scale->second.per_deviation[i]);
    }
  }
  std::vector<NodeBlock> out;
  for (auto& [key, block] : blocks) {
    out.push_back(std::move(block));
  }
  return out;
}

/// Keeps whole node-blocks, which ones is drawn from their names, until there are max_rows.
void EmbeddingTest::Thin(std::vector<NodeBlock>& blocks) const {
  const auto rank = [this](const NodeBlock& block) {
    return SplitMix64::Mix(options_.seed ^ SplitMix64::Mix(block.node.value()) ^
                           SplitMix64::Mix(block.block_ms + 1));
  };
  std::stable_sort(blocks.begin(), blocks.end(), [&](const NodeBlock& a, const NodeBlock& b) {
    return rank(a) < rank(b);
  });
  std::size_t rows = 0;
  const auto end = std::find_if(blocks.begin(), blocks.end(), [&](const NodeBlock& block) {
    rows += block.values.size() / width_;
    return rows > options_.max_rows;
  });
  blocks.erase(end, blocks.end());
}

double EmbeddingTest::Distance(std::span<const NodeBlock* const> x,
                               std::span<const NodeBlock* const> y) const {
  const auto joined = [](std::span<const NodeBlock* const> blocks) {
    std::vector<double> out;
    for (const NodeBlock* block : blocks) {
      out.insert(out.end(), block->values.begin(), block->values.end());
    }
    return out;
  };
  const auto left = joined(x);
  const auto right = joined(y);
  return host::drift::Mmd({left, width_}, {right, width_}, bandwidth_).Unbiased();
}

EmbeddingLook EmbeddingTest::Judge(std::span<const EmbeddingRow> current) const {
  EmbeddingLook out;
  auto now = Scaled(current);
  Thin(now);
  // Half of the reference stays on the other side when the threshold is drawn.
  now.resize(std::min(now.size(), reference_.size() / 2));
  std::vector<const NodeBlock*> present;
  for (const NodeBlock& block : now) {
    present.push_back(&block);
    out.rows += block.values.size() / width_;
  }
  out.blocks = now.size();
  if (!ready() || !(bandwidth_ > 0) || out.blocks < kLeastBlocks / 2 || out.rows < 2) {
    return out;
  }
  out.tested = true;
  // The present faces as many reference blocks as a drawn part does.
  std::vector<const NodeBlock*> all;
  for (const NodeBlock& block : reference_) {
    all.push_back(&block);
  }
  const std::size_t facing = all.size() - out.blocks;
  out.distance = Distance(std::span(all).first(facing), present);
  SplitMix64 random(options_.seed);
  std::vector<double> null;
  for (std::size_t i = 0; i < options_.permutations; ++i) {
    for (std::size_t k = 0; k < out.blocks; ++k) {
      std::swap(all[all.size() - 1 - k], all[random.Next() % (all.size() - k)]);
    }
    null.push_back(Distance(std::span(all).first(facing), std::span(all).subspan(facing)));
  }
  std::sort(null.begin(), null.end());
  const auto larger = static_cast<std::size_t>(
      null.end() - std::lower_bound(null.begin(), null.end(), out.distance));
  out.resolution = 1 / (1 + static_cast<double>(null.size()));
  out.p = (1 + static_cast<double>(larger)) * out.resolution;
  out.rejected = out.p <= options_.alpha;
  // The largest number of draws that may be as large and still leave p at alpha.
  const auto allowed =
      static_cast<std::size_t>(std::max(0.0, std::floor(options_.alpha / out.resolution) - 1));
  out.threshold = allowed < null.size() ? null[null.size() - 1 - allowed] : null.front();
  return out;
}

}  // namespace trib::cloud::drift
