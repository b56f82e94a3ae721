#include "store_loop.h"

#include <future>
#include <iterator>
#include <utility>

#include "clock.h"

namespace trib::cloud {
namespace {

constexpr std::size_t kMaxOthers = 4 * StoreLoop::kMaxQueued;
constexpr Millis kRetry{250};
constexpr Millis kRetainEvery{1'000};
// A report of a minute further off is not kept: its gateway's clock is wrong, or it wants to fill
// us.
constexpr std::uint64_t kReportAheadMs = 86'400'000;
constexpr std::uint64_t kReportBehindMs = std::uint64_t{400} * 86'400'000;

}  // namespace

using host::logging::Level;
using host::logging::Log;

StoreLoop::StoreLoop(std::unique_ptr<store::Writer> writer,
                     const Config& config,
                     std::function<void()> wake_south,
                     std::function<void(std::shared_ptr<const registry::Snapshot>)> on_roster)
    : writer_(std::move(writer)),
      registry_(*writer_),
      config_(config),
      wake_south_(std::move(wake_south)),
      on_roster_(std::move(on_roster)) {}

StoreLoop::~StoreLoop() {
  Stop();
}

Status StoreLoop::Start() {
  TRIB_TRY(registry_.Load());
  PublishIfChanged();
  TRIB_TRY_ASSIGN(const auto retention_time, writer_->RetentionTime());
  retention_clock_ = store::RetentionClock(retention_time);
  {
    const std::lock_guard lock(mutex_);
    started_ = true;
  }
  thread_ = std::thread([this] { Run(); });
  return {};
}

void StoreLoop::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  committed_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
    if (const Status status = writer_->Checkpoint(); !status.ok()) {
      LogFailure("checkpoint", status);
    }
  }
}

bool StoreLoop::Offer(PendingBatch& batch) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || batches_.size() >= kMaxQueued || queued_bytes_ >= kMaxQueuedBytes) {
      return false;
    }
    queued_rows_ += batch.batch.records.size();
    queued_bytes_ += batch.bytes;
    batches_.push_back(std::move(batch));
  }
  work_.notify_one();
  return true;
}

std::size_t StoreLoop::Room() const {
  const std::lock_guard lock(mutex_);
  if (stopping_ || blocked_ || batches_.size() >= kMaxQueued || queued_bytes_ >= kMaxQueuedBytes) {
    return 0;
  }
  return kMaxQueued - batches_.size();
}

void StoreLoop::OfferReport(SiteReportRow report) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || others_.size() >= kMaxQueued) {
      ++reports_refused_;
      return;
    }
    others_.emplace_back(std::move(report));
  }
  work_.notify_one();
}

void StoreLoop::CountRefused(GatewayId gateway, const char* reason) {
  {
    const std::lock_guard lock(mutex_);
    // Bounded: authenticated gateways times the fixed list of reasons.
    ++refused_[{gateway.value(), reason}];
    ++refused_since_start_[{gateway.value(), reason}];
  }
  work_.notify_one();
}

bool StoreLoop::Post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || !started_ || others_.size() >= kMaxOthers) {
      return false;
    }
    others_.emplace_back(std::move(task));
  }
  work_.notify_one();
  return true;
}

bool StoreLoop::Call(const Task& task) {
  std::promise<void> done;
  if (!Post([&](registry::Registry& registry, store::Writer& writer) {
        task(registry, writer);
        PublishIfChanged();
        done.set_value();
      })) {
    return false;
  }
  done.get_future().wait();
  return true;
}

std::vector<Answer> StoreLoop::TakeAnswers() {
  const std::lock_guard lock(mutex_);
  return std::exchange(answers_, {});
}

std::uint64_t StoreLoop::WaitForCommit(std::uint64_t seen, Millis at_most) {
  std::unique_lock lock(mutex_);
  committed_.wait_for(lock, at_most, [&] { return commits_ > seen || stopping_; });
  return commits_;
}

std::uint64_t StoreLoop::commits() const {
  const std::lock_guard lock(mutex_);
  return commits_;
}

StoreLoop::RefusedCounts StoreLoop::refused_since_start() const {
  const std::lock_guard lock(mutex_);
  return refused_since_start_;
}

std::size_t StoreLoop::queued() const {
  const std::lock_guard lock(mutex_);
  return batches_.size();
}

/// Waits until there is something to do, or time to look for what is too old.
void StoreLoop::WaitForWork(std::unique_lock<std::mutex>& lock) {
  if (!held_.empty()) {
    work_.wait_for(lock, kRetry, [&] { return stopping_ || !others_.empty(); });
    return;
  }
  work_.wait_for(lock, retain_more_ ? Millis(0) : kRetainEvery, [&] {
    return stopping_ || !batches_.empty() || !others_.empty() || !refused_.empty();
  });
  // A short wait lets more gateways share one disk flush; an operator does not wait for it.
  work_.wait_for(lock, batches_.empty() ? Millis(0) : config_.commit_interval, [&] {
    return stopping_ || !others_.empty() || queued_rows_ >= config_.commit_rows ||
           batches_.size() >= kMaxQueued;
  });
}

/// What the disk refused before, else what is queued.
std::vector<PendingBatch> StoreLoop::NextBatches() {
  if (stopping_) {
    // One more try, together with what is queued; then the gateways keep what is left.
    std::move(batches_.begin(), batches_.end(), std::back_inserter(held_));
    batches_.clear();
  }
  if (!held_.empty()) {
    return std::exchange(held_, {});
  }
  queued_rows_ = 0;
  queued_bytes_ = 0;
  return std::exchange(batches_, {});
}

void StoreLoop::Run() {
  while (true) {
    std::vector<PendingBatch> batches;
    std::deque<Other> others;
    RefusedCounts refused;
    {
      std::unique_lock lock(mutex_);
      WaitForWork(lock);
      batches = NextBatches();
      others.swap(others_);
      refused.swap(refused_);
      if (stopping_ && batches.empty() && others.empty() && refused.empty()) {
        return;
      }
    }
    if (!batches.empty()) {
      wake_south_();  // there is room again
      CommitAll(std::move(batches));
    }
    RecordRefused(refused);
    RunOthers(others);
    Retain();
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      held_.clear();
    }
  }
}

void StoreLoop::RecordRefused(const RefusedCounts& refused) {
  for (const auto& [where, count] : refused) {
    const Status status =
        writer_->CountRefusedEnvelope(GatewayId(where.first), where.second, count);
    if (!status.ok()) {
      LogFailure("counting refused envelopes", status);
    }
  }
}

void StoreLoop::CommitAll(std::vector<PendingBatch> batches) {
  const bool was_blocked = blocked_;
  std::size_t first = 0;
  std::size_t rows = 0;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    rows += batches[i].batch.records.size();
    if (rows >= config_.commit_rows || i + 1 == batches.size()) {
      CommitGroup(std::span(batches).subspan(first, i + 1 - first));
      first = i + 1;
      rows = 0;
    }
  }
  blocked_ = !held_.empty();
  if (was_blocked && !blocked_) {
    Log(Level::kInfo, "store", "the database takes writes again");
  }
  if (was_blocked != blocked_) {
    wake_south_();
  }
}

void StoreLoop::CommitGroup(std::span<PendingBatch> batches) {
  std::vector<Batch> group;
  group.reserve(batches.size());
  for (PendingBatch& pending : batches) {
    group.push_back(std::move(pending.batch));
  }
  // Once one had to wait, the others of this turn wait too: they keep their order.
  const bool whole =
      group.size() > 1 && held_.empty() && CommitAndAnswer(group, batches) == Committed::kDone;
  // Not the whole group: one of the batches may be at fault, and must not keep the others from
  // being stored; or what is too much at once may fit in parts.
  for (std::size_t i = 0; i < group.size() && !whole; ++i) {
    if (!held_.empty() || CommitAndAnswer(std::span(group).subspan(i, 1), batches.subspan(i, 1)) ==
                              Committed::kLater) {
      batches[i].batch = std::move(group[i]);
      held_.push_back(std::move(batches[i]));
    }
  }
}

StoreLoop::Committed StoreLoop::CommitAndAnswer(std::span<const Batch> group,
                                                std::span<const PendingBatch> from) {
  Result<std::vector<BatchOutcome>> outcomes = writer_->Commit(group, WallMs());
  if (!outcomes.ok()) {
    const Code code = outcomes.status().code();
    const bool passes = code == Code::kResourceExhausted || code == Code::kUnavailable;
    if (group.size() > 1) {
      return passes ? Committed::kLater : Committed::kFaulty;
    }
    // No acknowledgement: what passes is tried again here, the rest by the gateway.
    commit_failures_ += 1;
    LogFailure("commit", outcomes.status());
    if (passes) {
      return Committed::kLater;
    }
    {
      const std::lock_guard lock(mutex_);
      answers_.push_back({from[0].routing_id, group[0].gateway, group[0].batch_id, std::nullopt});
    }
    wake_south_();
    return Committed::kFaulty;
  }
  {
    const std::lock_guard lock(mutex_);
    ++commits_;
    for (std::size_t i = 0; i < group.size(); ++i) {
      answers_.push_back(
          {from[i].routing_id, group[i].gateway, group[i].batch_id, std::move((*outcomes)[i])});
    }
  }
  committed_.notify_all();
  wake_south_();
  return Committed::kDone;
}

void StoreLoop::Retain() {
  const MonotonicTime now = SteadyNow();
  if (!retain_more_ && now < next_retain_) {
    return;
  }
  next_retain_ = now + kRetainEvery;
  const std::uint64_t time_ms = retention_clock_.Advance(WallMs(), now);
  clock_ahead_ms_ = retention_clock_.behind_ms();
  clock_jumps_ = retention_clock_.jumps();
  const Result<store::RetentionStep> step = writer_->Retain(config_.retention, time_ms);
  retain_more_ = step.ok() && step->more;
  if (!step.ok()) {
    LogFailure("deleting what is too old", step.status());
  }
}

void StoreLoop::RunOthers(std::deque<Other>& others) {
  for (Other& other : others) {
    if (auto* task = std::get_if<Task>(&other)) {
      (*task)(registry_, *writer_);
      PublishIfChanged();
      continue;
    }
    const auto& report = std::get<SiteReportRow>(other);
    const std::uint64_t now = WallMs();
    if (report.minute_ms > now + kReportAheadMs || report.minute_ms + kReportBehindMs < now) {
      ++reports_refused_;
      continue;
    }
    const Status status = writer_->PutSiteReport(report, now);
    if (!status.ok()) {
      ++reports_refused_;
      LogFailure("site report", status);
    }
  }
}

void StoreLoop::PublishIfChanged() {
  if (published_ != registry_.snapshot()) {
    published_ = registry_.snapshot();
    on_roster_(published_);
    wake_south_();
  }
}

void StoreLoop::LogFailure(const char* what, Status status) {
  if (const auto held = failure_log_.Admit(SteadyNow())) {
    Log(Level::kError,
        "store",
        what,
        " failed, nothing was stored or acknowledged: ",
        status,
        ": ",
        writer_->last_error(),
        " (",
        *held,
        " more since the last line)");
  }
}

}  // namespace trib::cloud
