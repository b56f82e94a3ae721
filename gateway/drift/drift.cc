#include "trib/gateway/drift/drift.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "trib/common/host/message/codec.h"

namespace trib::gateway::drift {
namespace {

constexpr host::drift::AdwinOptions kOptions{
    .delta = 0.002,
    // Sketches come a few in an hour: waiting for 32 of them would cost a working day.
    .clock = 8,
    .max_rows = Drift::kRows,
    // One change, one flag: what is left after the cut is mixed and would be cut again and again.
    .restart = true,
};

constexpr std::array<std::pair<Channel, std::uint32_t>, Drift::kStreams> kChannels{{
    {Channel::kConfidence, 0},
    {Channel::kTriggered, 0},
    {Channel::kExits, static_cast<std::uint32_t>(message::Tier::kGateway)},
    {Channel::kLabel, 0},
}};

using Value = std::optional<double>;

/// Nothing where there is nothing to share.
Value ShareOf(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? Value() : Value(static_cast<double>(part) / static_cast<double>(whole));
}

/// Arcsine of the root, 0..1: a share scatters alike wherever it lies, and a rare thing that
/// doubles moves it as far as a frequent one's share that halves.
double Stretched(double share) {
  return std::asin(std::sqrt(share)) * 2 / std::numbers::pi;
}
double Share(double stretched) {
  const double root = std::sin(std::clamp(stretched, 0.0, 1.0) * std::numbers::pi / 2);
  return std::min(root * root, 1.0);
}

template <typename Counts>
std::uint64_t SumOf(const Counts& counts, std::size_t from = 0) {
  const auto first = std::next(counts.begin(), static_cast<std::ptrdiff_t>(from));
  return std::accumulate(first, counts.end(), std::uint64_t{0});
}

/// Mean place among the bins, 0 in the lowest and 1 in the highest: the edges are the package's,
/// which is not here.
Value ConfidenceOf(const message::Sketch& sketch) {
  const auto histogram = std::find_if(
      sketch.histograms.begin(), sketch.histograms.end(), [](const message::Histogram& one) {
        return one.feature == message::kConfidenceFeature;
      });
  if (histogram == sketch.histograms.end()) {
    return std::nullopt;
  }
  std::uint64_t places = 0;
  for (std::uint64_t bin = 0; bin < message::kHistogramBins; ++bin) {
    places += bin * histogram->counts[bin];
  }
  return ShareOf(places, SumOf(histogram->counts) * (message::kHistogramBins - 1));
}

/// The machine is not known yet, or the sensor is broken: what comes after is another stream.
bool RulesDecided(const message::Sketch& sketch) {
  const auto fallback = static_cast<std::size_t>(message::Tier::kFallback);
  return 2 * std::uint64_t{sketch.exits[fallback]} > SumOf(sketch.exits);
}

std::array<Value, Drift::kStreams> ValuesOf(const message::Sketch& sketch) {
  const std::uint64_t valid = sketch.windows - std::min(sketch.windows, sketch.invalid);
  const auto gateway = static_cast<std::size_t>(message::Tier::kGateway);
  return {ConfidenceOf(sketch),
          ShareOf(std::min<std::uint64_t>(sketch.triggered, valid), valid),
          ShareOf(SumOf(sketch.exits, gateway), SumOf(sketch.exits)),
          sketch.labels.empty() ? Value() : ShareOf(sketch.labels[0], SumOf(sketch.labels))};
}

}  // namespace

void Drift::Add(std::string_view sealed) {
  const auto opened = host::message::OpenSealedRecord(sealed);
  message::Record record;
  if (opened.ok()) {
    host::message::ReadCheckedRecord(opened->record, record);
  }
  if (record.kind == message::RecordKind::kNone || !roster_.contains(record.header.key.node)) {
    ++metrics_.sketches_strange;
  } else if (record.kind == message::RecordKind::kSketch) {
    AddSketch(record.header, record.sketch);
  }
}

void Drift::AddSketch(const message::RecordHeader& header, const message::Sketch& sketch) {
  if (header.package_hash == PackageHash() || sketch.windows == 0 || RulesDecided(sketch)) {
    ++metrics_.sketches_left;
    return;
  }
  ++metrics_.sketches;
  Node& node = nodes_[header.key.node];
  if (node.streams.empty() || node.package_hash != header.package_hash) {
    node.package_hash = header.package_hash;
    node.streams.assign(kChannels.size(), host::drift::Adwin(kOptions));
  }
  const auto values = ValuesOf(sketch);
  for (std::size_t i = 0; i < kChannels.size(); ++i) {
    if (!values[i]) {
      continue;
    }
    host::drift::Adwin& stream = node.streams[i];
    const double value = Stretched(*values[i]);
    const double total = stream.total() + value;
    const double width = stream.width() + 1;
    if (!stream.Push(value)) {
      continue;
    }
    ++metrics_.flags;
    if (flags_.size() == message::kMaxSiteFlags) {
      ++metrics_.flags_dropped;
      continue;
    }
    flags_.push_back({.node = header.key.node,
                      .channel = kChannels[i].first,
                      .index = kChannels[i].second,
                      .time_ms = header.block.begin_ms,
                      .before = Share((total - stream.total()) / (width - stream.width())),
                      .after = Share(stream.mean()),
                      .width = static_cast<std::uint32_t>(stream.width()),
                      .package_hash = header.package_hash});
  }
}

void Drift::Keep(const std::set<NodeId>& nodes) {
  roster_ = nodes;
  std::erase_if(nodes_, [&](const auto& entry) { return !nodes.contains(entry.first); });
}

std::vector<NodeFlag> Drift::TakeFlags() {
  return std::exchange(flags_, {});
}

Metrics Drift::metrics() const {
  Metrics metrics = metrics_;
  metrics.nodes = nodes_.size();
  return metrics;
}

}  // namespace trib::gateway::drift
