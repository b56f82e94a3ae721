#include "tail_loop.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "clock.h"
#include "trib/common/host/logging/log.h"
#include "trib/common/host/message/codec.h"

namespace trib::gateway {
namespace {

using host::logging::Level;
using host::logging::Log;

constexpr Millis kRescanInterval{5'000};

forward::Downlink Encode(const tail::Answer& answer) {
  message::Downlink down;
  down.node = answer.node;
  down.kind = message::Downlink::Kind::kVerdict;
  down.verdict = answer.verdict;
  return {answer.node, answer.epoch, host::message::EncodeDownlink(down)};
}

}  // namespace

TailLoop::TailLoop(const TailsConfig& config, Callbacks callbacks)
    : config_(config),
      callbacks_(std::move(callbacks)),
      store_({.folder = config.directory, .keys = config.package_keys}),
      tail_(config.options, [this](PackageHash package, std::span<const std::byte> activation) {
        return Finish(package, activation);
      }) {}

void TailLoop::Run() {
  Publish();  // that there is one; which networks it has found takes it a while to say
  thread_ = std::thread([this] { Work(); });
}

void TailLoop::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void TailLoop::Deferred(std::vector<spool::Stored> records) {
  {
    const std::lock_guard lock(mutex_);
    inbox_.records = std::move(records);
    inbox_.answered = true;
  }
  changed_.notify_one();
}

void TailLoop::Committed(std::size_t outcomes) {
  {
    const std::lock_guard lock(mutex_);
    inbox_.committed += outcomes;
  }
  changed_.notify_one();
}

Result<tail::Finished> TailLoop::Finish(PackageHash package,
                                        std::span<const std::byte> activation) {
  const auto network = store_.Find(package);
  if (network == nullptr) {
    return Code::kNotFound;
  }
  // The first exit is the node's own: it has said what it has to say.
  const std::size_t exit = network->ExitOf(static_cast<std::uint8_t>(message::Tier::kGateway));
  if (exit == 0) {
    return Code::kFailedPrecondition;
  }
  TRIB_TRY_ASSIGN(const auto answer, runner_.Decide(*network, activation, exit));
  return tail::Finished{answer.decision, network->ScoresOf(answer.decision), answer.final};
}

/// Waits for mail, a batch that is due, or the time to look for new packages.
TailLoop::Inbox TailLoop::Next(bool& stopping) {
  const MonotonicTime until = std::min(tail_.due().value_or(next_rescan_), next_rescan_);
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::max(until - MonotonicNow(), Millis(0)), [this] {
    return stopping_ || inbox_.answered || inbox_.committed > 0;
  });
  stopping = stopping_;
  return std::exchange(inbox_, {});
}

void TailLoop::Work() {
  Rescan();
  Publish();
  while (true) {
    if (const auto wanted = tail_.Want()) {
      callbacks_.ask(*wanted);
    }
    bool stopping = false;
    Inbox inbox = Next(stopping);
    if (stopping) {
      break;
    }
    tail_.Committed(inbox.committed);
    if (inbox.answered) {
      std::vector<tail::Deferred> records;
      records.reserve(inbox.records.size());
      for (spool::Stored& stored : inbox.records) {
        records.push_back({stored.id, stored.received_ms, std::move(stored.sealed)});
      }
      tail_.Offer(std::move(records), MonotonicNow());
    }
    RunDue();
    if (MonotonicNow() >= next_rescan_) {
      Rescan();
    }
    Publish();
  }
  Publish();
}

/// One batch at a time: between batches the mail is looked at.
void TailLoop::RunDue() {
  const auto due = tail_.due();
  if (!due || MonotonicNow() < *due) {
    return;
  }
  tail::Output out;
  tail_.Run({MonotonicNow(), UnixNowMs()}, out);
  std::vector<spool::Decided> decided;
  decided.reserve(out.outcomes.size());
  for (tail::Outcome& outcome : out.outcomes) {
    decided.push_back({outcome.id, std::move(outcome.verdict)});
  }
  callbacks_.decide(std::move(decided));
  // At once: what a node hears needs no disk, since the same bytes give the same answer.
  for (const tail::Answer& answer : out.answers) {
    ++answers_;
    answers_dropped_ += callbacks_.answer(Encode(answer)) ? 0U : 1U;
  }
  tail_.Answered(UnixNowMs());
}

void TailLoop::Rescan() {
  next_rescan_ = MonotonicNow() + kRescanInterval;
  const auto report = store_.Rescan();
  for (const std::string& line : report.lines) {
    Log(Level::kWarn, "tail", line);
  }
  if (report.added > 0 || report.dropped > 0) {
    Log(Level::kInfo, "tail", report.networks, " networks in ", config_.directory.string());
  }
}

void TailLoop::Publish() {
  TailSnapshot snapshot;
  snapshot.configured = true;
  snapshot.metrics = tail_.metrics();
  snapshot.queued = tail_.queued();
  snapshot.uncommitted = tail_.uncommitted();
  snapshot.answers = answers_;
  snapshot.answers_dropped = answers_dropped_;
  for (const auto& network : store_.List()) {
    snapshot.networks.push_back(network->hash());
  }
  published_.Set(std::move(snapshot));
}

}  // namespace trib::gateway
