#include "drift_blocks.h"

#include <algorithm>
#include <bit>
#include <string_view>
#include <utility>

#include "trib/cloud/store/retention.h"
#include "trib/common/host/message/codec.h"

namespace trib::cloud::store {
namespace {

using host::sqlite::Database;
using host::sqlite::Statement;

/// Features of the frame have counts only with a complete baseline, and so has the trigger's score:
/// without it a sketch says nothing that could be compared. One without such histograms always
/// does.
bool HasBaseline(const message::Sketch& sketch) {
  bool features = false;
  for (const message::Histogram& histogram : sketch.histograms) {
    if (histogram.feature == message::kConfidenceFeature) {
      continue;
    }
    features = true;
    if (std::ranges::any_of(histogram.counts, [](std::uint32_t count) { return count != 0; })) {
      return true;
    }
  }
  return !features;
}

void AddHistogram(std::vector<BlockHistogram>& into, const BlockHistogram& from) {
  const auto found = std::ranges::find(into, from.feature, &BlockHistogram::feature);
  if (found == into.end()) {
    if (into.size() < message::kMaxHistograms) {
      into.push_back(from);
    }
    return;
  }
  for (std::size_t i = 0; i < from.counts.size(); ++i) {
    found->counts[i] += from.counts[i];
  }
}

void AddSketch(DriftBlock& block, const message::Sketch& sketch) {
  ++block.sketches;
  block.windows += sketch.windows;
  block.triggered += sketch.triggered;
  block.invalid += sketch.invalid;
  for (std::size_t i = 0; i < sketch.exits.size(); ++i) {
    block.counts.exits[i] += sketch.exits[i];
  }
  for (const message::Histogram& histogram : sketch.histograms) {
    BlockHistogram one;
    one.feature = histogram.feature;
    std::ranges::copy(histogram.counts, one.counts.begin());
    AddHistogram(block.counts.histograms, one);
  }
  for (std::size_t i = 0; i < sketch.labels.size(); ++i) {
    block.counts.labels[i] += sketch.labels[i];
  }
}

void AddBlock(DriftBlock& block, const DriftBlock& from) {
  block.sketches += from.sketches;
  block.windows += from.windows;
  block.triggered += from.triggered;
  block.invalid += from.invalid;
  block.judged += from.judged;
  block.errors += from.errors;
  for (std::size_t i = 0; i < block.counts.exits.size(); ++i) {
    block.counts.exits[i] += from.counts.exits[i];
  }
  for (std::size_t i = 0; i < block.counts.labels.size(); ++i) {
    block.counts.labels[i] += from.counts.labels[i];
  }
  for (const BlockHistogram& histogram : from.counts.histograms) {
    AddHistogram(block.counts.histograms, histogram);
  }
  if (from.sketches > 0 && from.newest_ms >= block.newest_ms) {
    block.newest_ms = from.newest_ms;
    block.recipe = from.recipe;
    block.gateway = from.gateway;
    block.firmware_version = from.firmware_version;
  }
}

}  // namespace

Status DriftBlocks::Prepare(Database& database, Millis length, Millis window) {
  length_ = length;
  window_ = window;
  const std::string columns = kColumns;
  const std::string read = "SELECT id, revision, look, " + columns +
                           " FROM drift_block WHERE node = ? AND length_ms = ? AND begin_ms = ? AND"
                           " package_hash = ?";
  const std::string insert = "INSERT INTO drift_block(" + columns +
                             ", changed_ms, length_ms, late, revision, role)"
                             " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,0,1,0)";
  const std::string update = "UPDATE drift_block SET (" + columns +
                             ", changed_ms, revision) = (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?, revision +"
                             " 1) WHERE id = ?";
  const std::pair<Statement*, std::string_view> all[] = {
      {&read_, read},
      {&insert_, insert},
      {&update_, update},
      {&was_passed_,
       "SELECT 1 FROM drift_block WHERE node = ? AND length_ms = ? AND begin_ms > ? AND look IS NOT"
       " NULL LIMIT 1"},
      {&count_late_, "UPDATE drift_block SET late = late + ? WHERE id = ?"},
      {&add_total_,
       "INSERT INTO drift_total VALUES(?,?) ON CONFLICT(name) DO UPDATE SET value = value +"
       " excluded.value"},
      {&record_,
       "SELECT package_hash, block_begin_ms, received_ms, stored_ms, audit FROM record WHERE id ="
       " ?"},
      {&put_flag_, "INSERT OR REPLACE INTO drift_flag VALUES(?,?,?,?,?,?,?,?,?,?,?)"},
  };
  for (const auto& [statement, sql] : all) {
    TRIB_TRY_ASSIGN(*statement, database.Prepare(sql));
  }
  return {};
}

std::uint64_t DriftBlocks::BeginOf(std::int64_t time_ms,
                                   std::uint64_t received_ms,
                                   std::uint64_t now_ms) const {
  const auto time = SoundTime(time_ms, received_ms, now_ms, window_);
  return static_cast<std::uint64_t>(time / length_.count() * length_.count());
}

DriftBlocks::Pending& DriftBlocks::At(NodeId node, std::uint64_t begin_ms, PackageHash package) {
  Pending& pending = pending_[{node.value(), begin_ms, package.value()}];
  pending.block.node = node;
  pending.block.begin_ms = begin_ms;
  pending.block.package = package;
  return pending;
}

Status DriftBlocks::Add(const RecordRow& row, GatewayId gateway, std::uint64_t now_ms) {
  if (length_.count() == 0) {
    return {};
  }
  if (row.kind == message::RecordKind::kSketch) {
    AddSketchOf(row, gateway, now_ms);
  }
  return row.kind == message::RecordKind::kStatus ? AddFlagsOf(row, gateway, now_ms) : Status();
}

Status DriftBlocks::AddFlagsOf(const RecordRow& row, GatewayId gateway, std::uint64_t now_ms) {
  const auto* status = std::get_if<message::NodeStatus>(&row.body);
  DriftFlag flag;
  flag.node = row.header.key.node;
  flag.time_ms = static_cast<std::uint64_t>(row.header.time.time_since_epoch().count());
  flag.package = row.header.package_hash;
  for (std::uint32_t bits = status != nullptr ? status->drift_flags : 0; bits != 0;
       bits &= bits - 1) {
    flag.index = static_cast<std::uint32_t>(std::countr_zero(bits));
    TRIB_TRY(PutFlag(flag, FlagSource::kNode, gateway, now_ms));
  }
  return {};
}

Status DriftBlocks::PutFlag(const DriftFlag& flag,
                            FlagSource source,
                            GatewayId gateway,
                            std::uint64_t now_ms) {
  put_flag_.BindAll(flag.node.value(),
                    source,
                    flag.channel,
                    flag.index,
                    flag.time_ms,
                    flag.package.value(),
                    static_cast<double>(flag.before),
                    static_cast<double>(flag.after),
                    flag.width,
                    gateway.value(),
                    now_ms);
  return put_flag_.Run();
}

void DriftBlocks::AddSketchOf(const RecordRow& row, GatewayId gateway, std::uint64_t now_ms) {
  if (row.header.package_hash == PackageHash()) {
    return;
  }
  const auto opened = host::message::OpenSealedRecord(row.sealed);
  message::Record record;
  if (opened.ok()) {
    host::message::ReadCheckedRecord(opened->record, record);
  }
  if (!opened.ok() || record.kind != message::RecordKind::kSketch) {
    ++totals_["unreadable"];
    return;
  }
  if (!HasBaseline(record.sketch)) {
    ++totals_["learning"];
    return;
  }
  const auto time = static_cast<std::int64_t>(row.header.block.begin_ms);
  Pending& pending =
      At(row.header.key.node, BeginOf(time, row.received_ms, now_ms), row.header.package_hash);
  pending.changed_ms = now_ms;
  DriftBlock& block = pending.block;
  AddSketch(block, record.sketch);
  if (time >= block.newest_ms) {
    block.newest_ms = time;
    block.recipe = row.header.recipe_id;
    block.gateway = gateway;
    block.firmware_version = row.header.firmware_version;
  }
}

Status DriftBlocks::AddVerdict(const Decided& decided) {
  if (length_.count() == 0 || !decided.verdict || !decided.own_label) {
    return {};
  }
  record_.BindAll(decided.record);
  TRIB_TRY_ASSIGN(const bool found, record_.Step());
  if (found && record_.Int(4) != 0) {
    const std::uint64_t begin_ms = BeginOf(record_.Int(1), record_.Uint(2), record_.Uint(3));
    Pending& pending = At(decided.key.node, begin_ms, PackageHash(record_.Uint(0)));
    pending.changed_ms = decided.verdict->decided_ms;
    ++pending.block.judged;
    pending.block.errors += *decided.own_label != decided.verdict->label ? 1U : 0U;
  }
  record_.Reset();
  return {};
}

void DriftBlocks::CountLate(const DriftBlock& block) {
  totals_["late"] += block.sketches;
  totals_["late_verdicts"] += block.judged;
}

Status DriftBlocks::Write(const Pending& pending) {
  DriftBlock block = pending.block;
  const std::uint64_t node = block.node.value();
  read_.BindAll(node, length_.count(), block.begin_ms, block.package.value());
  TRIB_TRY_ASSIGN(const bool found, read_.Step());
  const std::int64_t id = found ? read_.Int(0) : 0;
  const bool looked = found && !read_.IsNull(2);
  if (found && !looked) {
    DriftBlock stored;
    if (Read(read_, 3, stored).ok()) {
      AddBlock(stored, block);
      block = std::move(stored);
    } else {
      ++totals_["unreadable"];  // a damaged block begins anew: records go on being stored
    }
  }
  read_.Reset();
  if (looked) {
    CountLate(pending.block);
    return count_late_.BindAll(pending.block.sketches, id).Run();
  }
  if (!found) {
    was_passed_.BindAll(node, length_.count(), block.begin_ms);
    const auto passed = was_passed_.Step();
    was_passed_.Reset();
    TRIB_TRY(passed.status());
    if (*passed) {
      CountLate(pending.block);
      return {};
    }
  }
  totals_["sketches"] += pending.block.sketches;
  totals_["judged"] += pending.block.judged;
  const std::string packed = PackCounts(block.counts);
  Statement& statement = found ? update_ : insert_;
  Bind(statement, block, packed);
  statement.Bind(15, pending.changed_ms);
  if (found) {
    return statement.Bind(16, id).Run();
  }
  return statement.Bind(16, length_.count()).Run();
}

Status DriftBlocks::Flush() {
  for (const auto& [key, pending] : pending_) {
    TRIB_TRY(Write(pending));
  }
  pending_.clear();
  for (const auto& [name, value] : totals_) {
    if (value > 0) {
      TRIB_TRY(add_total_.BindAll(std::string_view(name), value).Run());
    }
  }
  totals_.clear();
  return {};
}

void DriftBlocks::Clear() {
  read_.Reset();
  record_.Reset();
  pending_.clear();
  totals_.clear();
}

Status DriftBlocks::Read(const Statement& row, int first, DriftBlock& out) {
  out.node = NodeId(row.Uint(first));
  out.begin_ms = row.Uint(first + 1);
  out.package = PackageHash(row.Uint(first + 2));
  out.recipe = RecipeId(static_cast<std::uint32_t>(row.Int(first + 3)));
  out.gateway = GatewayId(row.Uint(first + 4));
  out.firmware_version = static_cast<std::uint32_t>(row.Int(first + 5));
  out.newest_ms = row.Int(first + 6);
  out.sketches = row.Uint(first + 7);
  out.windows = row.Uint(first + 8);
  out.triggered = row.Uint(first + 9);
  out.invalid = row.Uint(first + 10);
  out.judged = row.Uint(first + 11);
  out.errors = row.Uint(first + 12);
  return UnpackCounts(row.Blob(first + 13), out.counts);
}

void DriftBlocks::Bind(Statement& statement, const DriftBlock& block, const std::string& packed) {
  statement
      .BindAll(block.node.value(),
               block.begin_ms,
               block.package.value(),
               block.recipe.value(),
               block.gateway.value(),
               block.firmware_version,
               block.newest_ms,
               block.sketches,
               block.windows,
               block.triggered,
               block.invalid,
               block.judged,
               block.errors)
      .BindBlob(14, packed);
}

}  // namespace trib::cloud::store
