#include "tail_loop.h"

#include <algorithm>
#include <array>
#include <span>

#include "clock.h"

namespace trib::cloud {
namespace {

using host::logging::Level;
using host::logging::Log;

constexpr Millis kRescanInterval{5'000};
constexpr Millis kIdle{250};
constexpr Millis kRetry{250};

}  // namespace

TailLoop::TailLoop(const TailsConfig& config,
                   StoreLoop& store,
                   std::unique_ptr<store::DeferredReader> reader,
                   SendDown send_down)
    : config_(config),
      store_(store),
      reader_(std::move(reader)),
      send_down_(std::move(send_down)),
      networks_({.folder = config.directory, .keys = config.package_keys}),
      tail_(config.options,
            [this](PackageHash package,
                   std::span<const std::byte> activation) -> Result<tail::Finished> {
              const auto network = networks_.Find(package);
              if (network == nullptr) {
                return Code::kNotFound;
              }
              const std::array<std::size_t, 2> exits{0, network->last_exit()};
              std::array<host::tail::TailRunner::Answer, 2> answers;
              TRIB_TRY(runner_.Decide(*network, activation, exits, answers));
              return tail::Finished{answers[1].decision,
                                    network->ScoresOf(answers[1].decision),
                                    answers[0].decision.label};
            }) {}

void TailLoop::Start() {
  Publish();  // that there is one; which networks it has found takes it a while to say
  thread_ = std::thread([this] { Work(); });
}

void TailLoop::Stop() {
  stopping_ = true;
  if (thread_.joinable()) {
    thread_.join();
  }
}

TailSnapshot TailLoop::snapshot() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

void TailLoop::Work() {
  std::uint64_t seen = 0;
  while (!stopping_) {
    if (SteadyNow() >= next_rescan_) {
      Rescan();
    }
    const Millis rest = Sweep();
    Publish();
    seen = store_.WaitForCommit(seen, rest);
  }
}

void TailLoop::Rescan() {
  next_rescan_ = SteadyNow() + kRescanInterval;
  const auto report = networks_.Rescan();
  for (const std::string& line : report.lines) {
    Log(Level::kWarn, "tail", line);
  }
  if (report.added > 0 || report.dropped > 0) {
    Log(Level::kInfo, "tail", report.networks, " networks in ", config_.directory.string());
  }
  after_.clear();
}

/// One batch of each package: one whose windows come faster than they can be decided keeps neither
/// the others nor the scan for packages waiting.
Millis TailLoop::Sweep() {
  Millis rest = kIdle;
  for (const auto& network : networks_.List()) {
    if (stopping_) {
      break;
    }
    rest = std::min(rest, WorkOn(network->hash()));
  }
  return rest;
}

Millis TailLoop::WorkOn(PackageHash package) {
  const tail::Options& options = tail_.options();
  std::int64_t& after = after_[package];
  const auto waiting = reader_->ReadUndecided(package, after, options.batch, options.batch_bytes);
  if (!waiting.ok()) {
    ++read_failures_;
    LogFailure("deferred windows could not be read: ", waiting.status(), reader_->last_error());
    return kRetry;
  }
  if (waiting->empty()) {
    return kIdle;
  }
  const Millis rest = tail_.Rest(waiting->size(), waiting->front().stored_ms, WallMs());
  if (rest.count() > 0) {
    return rest;
  }
  if (!Decide(*waiting)) {
    return kRetry;
  }
  after = waiting->back().record;
  return Millis(0);
}

bool TailLoop::Decide(const std::vector<Undecided>& batch) {
  const tail::Output out = tail_.Run(batch, WallMs());
  Status status = Code::kUnavailable;  // stays so when the store is stopping, or too busy
  std::string error = "the store takes no more work";
  store_.Call([&](registry::Registry&, store::Writer& writer) {
    status = writer.PutVerdicts(out.decided);
    error = writer.last_error();
  });
  if (!status.ok()) {
    ++put_failures_;
    LogFailure("verdicts could not be stored, their windows wait: ", status, error);
    return false;
  }
  tail_.Stored(WallMs());
  for (const tail::Answer& answer : out.answers) {
    ++answers_;
    send_down_(answer);
  }
  return true;
}

void TailLoop::LogFailure(const char* what, Status status, const std::string& error) {
  if (stopping_) {
    return;
  }
  if (const auto held = failure_log_.Admit(SteadyNow())) {
    Log(Level::kError,
        "tail",
        what,
        status,
        ": ",
        error,
        " (",
        *held,
        " more since the last line)");
  }
}

void TailLoop::Publish() {
  TailSnapshot snapshot{true, tail_.metrics(), answers_, put_failures_, read_failures_, {}};
  for (const auto& network : networks_.List()) {
    snapshot.networks.push_back(network->hash());
  }
  const std::lock_guard lock(mutex_);
  published_ = std::move(snapshot);
}

}  // namespace trib::cloud
