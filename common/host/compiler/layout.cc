// Where each value lies in the arena.
#include <algorithm>
#include <limits>
#include <numeric>
#include <random>

#include "graph.h"

namespace trib::host::compiler {
namespace {

constexpr std::int64_t kFree = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kAlignment = 4;
constexpr int kTries = 4000;

bool HasTwoInputs(const nn::Operator& op) {
  return op.opcode == nn::Opcode::kAdd;
}

/// Of conv and pool: how far below its input an output must start so that, pixel by pixel in raster
/// order, nothing is overwritten that a later pixel reads. The pixel itself is staged.
std::int64_t PixelDistance(const nn::Operator& op, const nn::Tensor& in, const nn::Tensor& out) {
  const nn::Geometry& g = op.geometry;
  const std::int64_t channels = out.channels();
  // Lowest input byte that the pixels from (b, y, x) on read.
  const auto needed = [&](std::int64_t b, std::int64_t y, std::int64_t x) {
    const auto row = std::clamp<std::int64_t>(y * g.stride_height - g.pad_top, 0, in.height() - 1);
    const auto column =
        std::clamp<std::int64_t>(x * g.stride_width - g.pad_left, 0, in.width() - 1);
    return ((b * in.height() + row) * in.width() + column) * in.channels();
  };
  std::int64_t distance = kFree;
  std::int64_t end = 0;
  for (std::int64_t b = 0; b < out.dims[0]; ++b) {
    for (std::int64_t y = 0; y < out.height(); ++y) {
      for (std::int64_t x = 0; x < out.width(); ++x) {
        end += channels;
        std::int64_t lowest = std::numeric_limits<std::int64_t>::max();
        if (x + 1 < out.width()) {
          lowest = needed(b, y, x + 1);
        }
        // A later row may reach further back than the rest of this one.
        if (y + 1 < out.height()) {
          lowest = std::min(lowest, needed(b, y + 1, 0));
        } else if (b + 1 < out.dims[0]) {
          lowest = std::min(lowest, needed(b + 1, 0, 0));
        }
        if (lowest != std::numeric_limits<std::int64_t>::max()) {
          distance = std::max(distance, end - lowest);
        }
      }
    }
  }
  return distance;
}

/// As PixelDistance, for kernels that go element by element (or step by step) through both.
std::int64_t ElementDistance(std::int64_t steps, std::int64_t in_bytes, std::int64_t out_bytes) {
  if (steps <= 1) {
    return kFree;
  }
  const std::int64_t growth = out_bytes - in_bytes;
  return growth > 0 ? (steps - 1) * growth : growth;
}

struct Distance {
  bool allowed = false;
  std::int64_t bytes = 0;  ///< output offset <= input offset - bytes; kFree = anywhere
  bool staged = false;
};

/// How the node's output may lie over an input that ends with it.
Distance DistanceOf(const Node& node, const nn::Tensor& in, const nn::Tensor& out) {
  switch (node.op.opcode) {
    case nn::Opcode::kConv2D:
    case nn::Opcode::kDepthwiseConv2D:
    case nn::Opcode::kAveragePool2D:
      return {true, PixelDistance(node.op, in, out), true};
    case nn::Opcode::kAdd:
      return {true, 0, false};
    case nn::Opcode::kCopy:
    case nn::Opcode::kSvdf:  // all of the input is in the state before the first output
      return {true, kFree, false};
    case nn::Opcode::kSoftmax:
      return {in.type == out.type, 0, false};
    case nn::Opcode::kRequantize:
      return {true,
              ElementDistance(static_cast<std::int64_t>(out.elements()),
                              static_cast<std::int64_t>(nn::BytesOf(in.type)),
                              static_cast<std::int64_t>(nn::BytesOf(out.type))),
              false};
    case nn::Opcode::kLstm:
      return {true,
              ElementDistance(static_cast<std::int64_t>(out.elements() / out.channels()),
                              in.channels(),
                              out.channels()),
              false};
    case nn::Opcode::kFullyConnected:
    case nn::Opcode::kForest:
    case nn::Opcode::kLinear:
    case nn::Opcode::kBinary:
      break;  // every output needs every input: a staged row would cost as much as it saves
  }
  return {};
}

/// From the node that writes a value (-1 = an input) to the last that reads it.
struct Life {
  int begin = -1;
  int end = -1;
};

/// Bytes between an allowed pair: value `low` may start at or below `high` - distance.
struct Pair {
  bool conflict = false;
  bool overlap = false;
  bool i_is_output = false;
  std::int64_t distance = 0;
};

class Planner {
 public:
  Planner(Graph& graph, bool overlap) : graph_(graph), count_(graph.values.size()) {
    FindLives();
    FindPairs(overlap);
  }
  void Run();
  void Apply(Layout& layout);

 private:
  void FindLives();
  void FindPairs(bool overlap);
  [[nodiscard]] std::int64_t SizeOf(std::size_t i) const {
    return static_cast<std::int64_t>(graph_.values[i].tensor.bytes());
  }
  [[nodiscard]] Pair& At(std::size_t i, std::size_t j) { return pairs_[i * count_ + j]; }
  /// Open intervals of offsets where value `i` cannot start, in rising order.
  void FindForbidden(std::size_t i,
                     const std::vector<std::int64_t>& offsets,
                     std::vector<std::pair<std::int64_t, std::int64_t>>& forbidden);
  std::int64_t Place(const std::vector<std::size_t>& order, std::vector<std::int64_t>& offsets);

  Graph& graph_;
  const std::size_t count_;
  std::vector<Life> lives_;
  std::vector<bool> used_;
  std::vector<Pair> pairs_;
  std::vector<std::int64_t> best_;
  std::int64_t best_end_ = std::numeric_limits<std::int64_t>::max();
};

void Planner::FindLives() {
  lives_.resize(count_);
  used_.resize(count_);
  for (const auto input : graph_.inputs) {
    used_[input] = true;
  }
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    const nn::Operator& op = graph_.nodes[n].op;
    const int now = static_cast<int>(n);
    lives_[op.output] = {now, now};
    used_[op.output] = true;
    lives_[op.input].end = now;
    if (HasTwoInputs(op)) {
      lives_[op.input2].end = now;
    }
  }
  for (const auto output : graph_.outputs) {
    lives_[output].end = static_cast<int>(graph_.nodes.size());
  }
}

void Planner::FindPairs(bool overlap) {
  pairs_.resize(count_ * count_);
  for (std::size_t i = 0; i < count_; ++i) {
    for (std::size_t j = 0; j < count_; ++j) {
      At(i, j).conflict =
          i != j && lives_[i].begin <= lives_[j].end && lives_[j].begin <= lives_[i].end;
    }
  }
  for (std::size_t n = 0; overlap && n < graph_.nodes.size(); ++n) {
    const Node& node = graph_.nodes[n];
    const nn::Tensor& out = graph_.values[node.op.output].tensor;
    for (const auto input : {node.op.input, node.op.input2}) {
      if (input == nn::kNoTensor || lives_[input].end != static_cast<int>(n)) {
        continue;
      }
      const Distance distance = DistanceOf(node, graph_.values[input].tensor, out);
      if (distance.allowed) {
        At(node.op.output, input) = {true, true, true, distance.bytes};
        At(input, node.op.output) = {true, true, false, distance.bytes};
      }
    }
  }
}

std::int64_t AlignUp(std::int64_t value) {
  return (value + kAlignment - 1) / kAlignment * kAlignment;
}

void Planner::FindForbidden(std::size_t i,
                            const std::vector<std::int64_t>& offsets,
                            std::vector<std::pair<std::int64_t, std::int64_t>>& forbidden) {
  forbidden.clear();
  for (std::size_t j = 0; j < count_; ++j) {
    if (offsets[j] < 0 || !At(i, j).conflict) {
      continue;
    }
    std::int64_t low = offsets[j] - SizeOf(i);
    std::int64_t high = offsets[j] + SizeOf(j);
    const Pair& pair = At(i, j);
    if (pair.overlap && pair.distance == kFree) {
      continue;
    }
    if (pair.overlap && pair.i_is_output) {
      low = std::max(low, offsets[j] - pair.distance);
    } else if (pair.overlap) {
      high = std::min(high, offsets[j] + pair.distance);
    }
    if (low < high) {
      forbidden.emplace_back(low, high);
    }
  }
  std::sort(forbidden.begin(), forbidden.end());
}

/// Places values one after the other, each as low as those before it allow. @returns the end.
std::int64_t Planner::Place(const std::vector<std::size_t>& order,
                            std::vector<std::int64_t>& offsets) {
  offsets.assign(count_, -1);
  std::int64_t end = 0;
  std::vector<std::pair<std::int64_t, std::int64_t>> forbidden;
  for (const std::size_t i : order) {
    FindForbidden(i, offsets, forbidden);
    std::int64_t offset = 0;
    for (bool moved = true; moved;) {
      moved = false;
      for (const auto& [low, high] : forbidden) {
        if (offset > low && offset < high) {
          offset = AlignUp(high);
          moved = true;
        }
      }
    }
    offsets[i] = offset;
    end = std::max(end, offset + SizeOf(i));
    if (end >= best_end_) {
      return end;  // no better than what there is
    }
  }
  return end;
}

void Planner::Run() {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < count_; ++i) {
    if (used_[i]) {
      order.push_back(i);
    }
  }
  std::vector<std::int64_t> offsets;
  const auto attempt = [&] {
    const std::int64_t end = Place(order, offsets);
    if (end < best_end_) {
      best_end_ = end;
      best_ = offsets;
    }
  };
  const auto by_size = [&](std::size_t a, std::size_t b) {
    return SizeOf(a) != SizeOf(b) ? SizeOf(a) > SizeOf(b) : a < b;
  };
  attempt();
  std::reverse(order.begin(), order.end());
  attempt();
  std::sort(order.begin(), order.end(), by_size);
  attempt();
  // Then neighbours of the best order found so far, from a fixed seed: equal models, equal plans.
  std::mt19937 random(1);
  std::vector<std::size_t> best_order = order;
  for (int i = 0; i < kTries && order.size() > 1; ++i) {
    const std::int64_t before = best_end_;
    order = best_order;
    const int swaps = 1 + static_cast<int>(random() % 4);
    for (int s = 0; s < swaps; ++s) {
      std::swap(order[random() % order.size()], order[random() % order.size()]);
    }
    attempt();
    if (best_end_ < before) {
      best_order = order;
    }
  }
}

void Planner::Apply(Layout& layout) {
  for (std::size_t i = 0; i < count_; ++i) {
    graph_.values[i].tensor.offset = used_[i] ? static_cast<std::uint32_t>(best_[i]) : 0;
  }
  std::int64_t scratch = 0;
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    Node& node = graph_.nodes[n];
    const nn::Tensor& out = graph_.values[node.op.output].tensor;
    const nn::Tensor& in = graph_.values[node.op.input].tensor;
    scratch = std::max(scratch, static_cast<std::int64_t>(node.scratch_bytes));
    const bool apart =
        out.offset + out.bytes() <= in.offset || in.offset + in.bytes() <= out.offset;
    const Distance distance = DistanceOf(node, in, out);
    if (distance.staged && !apart) {
      node.op.flags |= nn::op_flag::kStaged;
      scratch = std::max<std::int64_t>(scratch, out.channels());
    }
    // Bytes covered by what is alive while this node runs, without counting overlaps twice.
    std::vector<std::pair<std::int64_t, std::int64_t>> spans;
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      if (used_[i] && lives_[i].begin <= static_cast<int>(n) &&
          lives_[i].end >= static_cast<int>(n)) {
        spans.emplace_back(best_[i], best_[i] + SizeOf(i));
        sum += static_cast<std::uint64_t>(SizeOf(i));
      }
    }
    std::sort(spans.begin(), spans.end());
    std::int64_t covered = 0;
    std::int64_t end = 0;
    for (const auto& [from, to] : spans) {
      covered += std::max<std::int64_t>(0, to - std::max(from, end));
      end = std::max(end, to);
    }
    layout.alive.push_back(static_cast<std::uint64_t>(covered));
    layout.liveness_peak = std::max(layout.liveness_peak, sum);
  }
  layout.scratch_offset = static_cast<std::uint32_t>(AlignUp(best_end_));
  layout.arena_bytes = static_cast<std::uint32_t>((layout.scratch_offset + scratch + 15) / 16 * 16);
}

}  // namespace

Layout PlaceValues(Graph& graph, bool overlap) {
  Planner planner(graph, overlap);
  planner.Run();
  Layout layout;
  planner.Apply(layout);
  return layout;
}

void RemoveCopies(Graph& graph) {
  for (std::size_t n = 0; n < graph.nodes.size();) {
    const nn::Operator copy = graph.nodes[n].op;
    const bool is_output =
        std::find(graph.outputs.begin(), graph.outputs.end(), copy.output) != graph.outputs.end();
    const bool same = graph.values[copy.input].tensor.dims == graph.values[copy.output].tensor.dims;
    bool readers_agree = copy.opcode == nn::Opcode::kCopy && !is_output;
    for (std::size_t r = n + 1; r < graph.nodes.size() && readers_agree; ++r) {
      const nn::Operator& op = graph.nodes[r].op;
      if (op.input == copy.output || op.input2 == copy.output) {
        readers_agree =
            same || op.opcode == nn::Opcode::kFullyConnected || op.opcode == nn::Opcode::kCopy;
      }
    }
    if (!readers_agree) {
      ++n;
      continue;
    }
    for (std::size_t r = n + 1; r < graph.nodes.size(); ++r) {
      nn::Operator& op = graph.nodes[r].op;
      op.input = op.input == copy.output ? copy.input : op.input;
      op.input2 = op.input2 == copy.output ? copy.input : op.input2;
    }
    graph.nodes.erase(graph.nodes.begin() + static_cast<std::ptrdiff_t>(n));
  }
}

}  // namespace trib::host::compiler
