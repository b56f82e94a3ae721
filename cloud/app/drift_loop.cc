#include "drift_loop.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "clock.h"
#include "drift_json.h"

namespace trib::cloud {
namespace {

using host::logging::Level;
using host::logging::Log;

constexpr Millis kRetry{1'000};

/// Adds histograms of one package up.
void AddHistograms(drift::Block& into, const drift::Block& from) {
  for (const drift::Block::Histogram& histogram : from.histograms) {
    const auto found =
        std::ranges::find(into.histograms, histogram.feature, &drift::Block::Histogram::feature);
    if (found == into.histograms.end()) {
      into.histograms.push_back(histogram);
      continue;
    }
    for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
      found->counts[i] += histogram.counts[i];
    }
  }
  into.windows += from.windows;
}

drift::Monitor MonitorOf(const drift::Options& options, const PackageNames& names) {
  return {options, [&names](PackageHash package, RecipeId) {
            const auto facts = names.Find(package);
            return facts != nullptr ? facts->kinds : std::vector<drift::FeatureKind>();
          }};
}

/// The nodes of alarms that stand, with those that this look found them to tell.
std::vector<store::DriftLookPut::Told> ToldBy(
    const std::map<drift::Subject, store::DriftAlarmRow>& standing, const drift::Look& look) {
  std::map<std::int64_t, std::set<NodeId>> nodes;
  for (const drift::Absorption& absorption : look.absorptions) {
    const auto teller = standing.find(absorption.teller);
    if (teller != standing.end()) {
      std::set<NodeId>& all = nodes[teller->second.id];
      const auto before = NodesOf(teller->second);
      all.insert(before.begin(), before.end());
      all.insert(absorption.nodes.begin(), absorption.nodes.end());
    }
  }
  std::vector<store::DriftLookPut::Told> out;
  for (const auto& [alarm, all] : nodes) {
    out.push_back({alarm, NodesText({all.begin(), all.end()})});
  }
  return out;
}

template <typename Standing>
std::set<drift::Subject> SubjectsOf(const Standing& standing) {
  std::set<drift::Subject> out;
  for (const auto& [subject, alarm] : standing) {
    out.insert(subject);
  }
  return out;
}

std::vector<drift::Block> BlocksOf(const std::vector<store::StoredBlock>& stored) {
  std::vector<drift::Block> out;
  out.reserve(stored.size());
  for (const store::StoredBlock& one : stored) {
    out.push_back(BlockOf(one.block));
  }
  return out;
}

}  // namespace

DriftLoop::DriftLoop(const DriftConfig& config,
                     StoreLoop& store,
                     std::unique_ptr<store::DriftReader> reader,
                     PackageNames& names,
                     FindNetwork find_network)
    : config_(config),
      store_(store),
      reader_(std::move(reader)),
      embeddings_(*reader_, config.options.block, std::move(find_network)),
      names_(names),
      monitor_(MonitorOf(config.options, names)) {
  published_.enabled = true;
}

void DriftLoop::Start() {
  thread_ = std::thread([this] { Work(); });
}

void DriftLoop::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

DriftSnapshot DriftLoop::snapshot() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

std::vector<drift::NodeStanding> DriftLoop::Standings() const {
  const std::lock_guard lock(monitor_mutex_);
  return monitor_.Standings();
}

std::vector<drift::ErrorStanding> DriftLoop::Errors() const {
  const std::lock_guard lock(monitor_mutex_);
  return monitor_.Errors();
}

std::size_t DriftLoop::ThenAndNow(std::span<const NodeId> nodes,
                                  PackageHash package,
                                  drift::Block& then,
                                  drift::Block& now) const {
  const std::lock_guard lock(monitor_mutex_);
  std::size_t known = 0;
  for (const NodeId node : nodes) {
    drift::Block reference;
    drift::Block newest;
    if (monitor_.ThenAndNow(node, reference, newest) && newest.package == package) {
      AddHistograms(then, reference);
      AddHistograms(now, newest);
      ++known;
    }
  }
  return known;
}

bool DriftLoop::WaitFor(Millis time) {
  std::unique_lock lock(mutex_);
  stop_.wait_for(lock, time, [this] { return stopping_; });
  return !stopping_;
}

void DriftLoop::Work() {
  while (!Restore()) {
    if (!WaitFor(kRetry)) {
      return;
    }
  }
  do {
    while (LookOnce()) {
      if (!WaitFor(Millis(0))) {
        return;
      }
    }
  } while (WaitFor(config_.look));
}

void DriftLoop::Failed(const char* what, Status status, const std::string& text) {
  if (const auto held = failure_log_.Admit(SteadyNow())) {
    Log(Level::kError,
        "drift",
        what,
        " failed, and is tried again: ",
        status,
        ": ",
        text,
        " (",
        *held,
        " more since the last line)");
  }
}

bool DriftLoop::Restore() {
  const Millis length = config_.options.block;
  const auto steps = reader_->ReadSteps();
  if (!steps.ok()) {
    Failed("reading former looks", steps.status(), reader_->last_error());
    return false;
  }
  std::uint64_t blocks = 0;
  {
    const std::lock_guard lock(monitor_mutex_);
    monitor_ = MonitorOf(config_.options, names_);
  }
  relearned_.clear();
  for (const store::DriftReader::Step& step : *steps) {
    const auto looked = reader_->ReadLooked(step.look, length);
    if (!looked.ok()) {
      Failed("reading the blocks of a former look", looked.status(), reader_->last_error());
      return false;
    }
    const std::lock_guard lock(monitor_mutex_);
    for (const store::DriftAlarmRow& alarm : step.relearned) {
      monitor_.Relearn(SubjectOf(alarm));
      if (step.look == 0) {
        relearned_.insert(alarm.id);
      }
    }
    monitor_.Restore(BlocksOf(*looked));
    blocks += looked->size();
  }
  if (const auto others = reader_->CountOthers(length); others.ok() && *others > 0) {
    Log(Level::kWarn,
        "drift",
        *others,
        " blocks in the store are of another length than [drift] block: what is normal is learned "
        "anew");
  }
  if (blocks > 0) {
    Log(Level::kInfo, "drift", blocks, " blocks of ", steps->size() - 1, " looks are known again");
  }
  const std::lock_guard lock(mutex_);
  published_.restored = true;
  return true;
}

void DriftLoop::Relearn(std::span<const store::DriftAlarmRow> alarms) {
  const std::lock_guard lock(monitor_mutex_);
  for (const store::DriftAlarmRow& alarm : alarms) {
    if (relearned_.insert(alarm.id).second) {
      monitor_.Relearn(SubjectOf(alarm));
    }
  }
}

/// Reads what this look is about. @returns false when the store could not be read.
bool DriftLoop::Prepare(store::DriftLookPut& put, Standing& standing, std::uint64_t now_ms) {
  const auto relearn = reader_->ReadToRelearn();
  const auto unresolved = reader_->ReadUnresolved();
  const auto blocks =
      reader_->ReadComplete(config_.options.block, config_.grace, now_ms, kMaxBlocks);
  if (!relearn.ok() || !unresolved.ok() || !blocks.ok()) {
    Failed("reading what is to be looked at",
           !blocks.ok() ? blocks.status() : Status(Code::kUnavailable),
           reader_->last_error());
    return false;
  }
  Relearn(*relearn);
  for (const store::DriftAlarmRow& alarm : *unresolved) {
    if (alarm.state == store::AlarmState::kSilenced && alarm.silenced_until_ms <= now_ms) {
      put.unsilenced.push_back(alarm.id);
    } else {
      standing[SubjectOf(alarm)] = alarm;
    }
  }
  for (const store::StoredBlock& block : *blocks) {
    put.blocks.push_back({block, store::BlockRole::kCompared});
  }
  return true;
}

drift::Look DriftLoop::Judge(store::DriftLookPut& put, const Standing& standing) {
  std::vector<drift::Block> blocks;
  blocks.reserve(put.blocks.size());
  for (const store::LookedBlock& looked : put.blocks) {
    blocks.push_back(BlockOf(looked.stored.block));
  }
  drift::Look look;
  {
    const std::lock_guard lock(monitor_mutex_);
    NameRoles(put);
    look = monitor_.Judge(blocks, SubjectsOf(standing), put.look.at_ms);
  }
  JudgeEmbeddings(standing, look);
  return look;
}

void DriftLoop::JudgeEmbeddings(const Standing& standing, drift::Look& look) {
  for (const drift::EmbeddingPlan& plan : look.embeddings) {
    const auto reference = embeddings_.Read(plan.package, plan.reference);
    const auto now = embeddings_.Read(plan.package, plan.now);
    if (!reference.ok() || !now.ok()) {
      // Not tested and nothing spent: the next week is.
      Log(Level::kWarn,
          "drift",
          "a week's audited windows could not be read: ",
          reader_->last_error());
      continue;
    }
    drift::JudgeEmbeddings(plan, *reference, *now, SubjectsOf(standing), look);
  }
}

/// Which blocks may become part of a reference: those of nodes that are not watched yet.
void DriftLoop::NameRoles(store::DriftLookPut& put) const {
  std::map<NodeId, PackageHash> watched;
  for (const drift::NodeStanding& node : monitor_.Standings()) {
    if (node.watched) {
      watched[node.node] = node.package;
    }
  }
  for (store::LookedBlock& looked : put.blocks) {
    const store::DriftBlock& block = looked.stored.block;
    const auto found = watched.find(block.node);
    if (block.windows >= config_.options.min_windows &&
        (found == watched.end() || found->second != block.package)) {
      looked.role = store::BlockRole::kReference;
    }
  }
}

bool DriftLoop::LookOnce() {
  const MonotonicTime began = SteadyNow();
  for (const std::string& line : names_.Rescan()) {
    Log(Level::kWarn, "drift", line);
  }
  store::DriftLookPut put;
  Standing standing;
  put.look.at_ms = WallMs();
  if (!Prepare(put, standing, put.look.at_ms)) {
    return false;
  }
  if (put.blocks.empty() && put.unsilenced.empty()) {
    const std::lock_guard lock(mutex_);
    ++published_.looks;
    published_.looked_ms = put.look.at_ms;
    return false;
  }
  const drift::Look look = Judge(put, standing);
  put.look = RowOf(look);
  for (const drift::Alarm& alarm : look.alarms) {
    put.alarms.push_back(RowOf(alarm, look.at_ms));
  }
  put.told = ToldBy(standing, look);
  put.relearned.assign(relearned_.begin(), relearned_.end());
  // The monitor has taken the blocks: until the store has the look, there is no other one.
  if (!Put(put)) {
    return false;
  }
  relearned_.clear();
  Tell(look, static_cast<std::uint64_t>((SteadyNow() - began).count()));
  return put.blocks.size() >= kMaxBlocks;
}

bool DriftLoop::Put(const store::DriftLookPut& put) {
  do {
    Status status = Code::kUnavailable;  // stays so when the store is stopping
    std::string error = "the store is stopping";
    store_.Call([&](registry::Registry&, store::Writer& writer) {
      status = writer.PutLook(put).status();
      error = status.ok() ? "" : writer.last_error();
    });
    if (status.ok()) {
      return true;
    }
    {
      const std::lock_guard lock(mutex_);
      ++published_.put_failures;
    }
    Failed("storing a look", status, error);
  } while (WaitFor(kRetry));
  return false;
}

void DriftLoop::Tell(const drift::Look& look, std::uint64_t took_ms) {
  for (const drift::Alarm& alarm : look.alarms) {
    Log(Level::kWarn, "drift", "alarm of ", TextOf(alarm.subject), ": ", alarm.reasoning);
  }
  for (const drift::Absorption& absorption : look.absorptions) {
    Log(Level::kInfo,
        "drift",
        TextOf(absorption.subject),
        " moved too: the alarm of ",
        TextOf(absorption.teller),
        " tells it");
  }
  const std::lock_guard lock(mutex_);
  ++published_.looks;
  published_.looked_ms = look.at_ms;
  published_.blocks += look.blocks;
  published_.alarms += look.alarms.size();
  published_.stale += look.stale;
  published_.unlike += look.unlike;
  published_.not_kept += look.not_kept;
  published_.last_took_ms = took_ms;
  published_.most_took_ms = std::max(published_.most_took_ms, took_ms);
}

}  // namespace trib::cloud
