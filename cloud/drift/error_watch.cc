#include "error_watch.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace trib::cloud::drift {
namespace {

std::uint64_t Thinned(std::uint64_t part, std::uint64_t from, std::uint64_t to) {
  return static_cast<std::uint64_t>(std::llround(
      static_cast<double>(part) * static_cast<double>(to) / static_cast<double>(from)));
}

}  // namespace

double ErrorWatch::Answers::share() const {
  return judged == 0 ? 0 : static_cast<double>(errors) / static_cast<double>(judged);
}

ErrorWatch::Stream::Stream(PackageHash package) {
  standing_.package = package;
  standing_.detectors[0].detector = Detector::kAdwin;
  standing_.detectors[1].detector = Detector::kPageHinkley;
  standing_.detectors[2].detector = Detector::kDdm;
}

/// In deviations of a single answer, as they were in the warm-up; the half keeps one without an
/// error from being infinitely surprised by the first.
double ErrorWatch::Stream::Standardised(bool wrong) const {
  const double rate = (static_cast<double>(warm_up_.errors) + 0.5) / (kWarmUp + 1.0);
  return ((wrong ? 1 : 0) - rate) / std::sqrt(rate * (1 - rate));
}

void ErrorWatch::Stream::Push(bool wrong) {
  const auto flag = [this](std::size_t detector, bool flagged) {
    if (flagged) {
      DetectorFlags& flags = standing_.detectors[detector];
      ++flags.flags;
      flags.begin_ms = standing_.begin_ms;
      flags.before = before_;
      flags.after = after_;
    }
  };
  flag(0, adwin_.Push(wrong ? 1 : 0));
  flag(2, ddm_.Push(wrong) == host::drift::ErrorTrend::kDrift);
  if (warm_up_.judged < kWarmUp) {
    ++warm_up_.judged;
    warm_up_.errors += wrong ? 1U : 0U;
  } else {
    flag(1, page_hinkley_.Push(Standardised(wrong)));
  }
}

void ErrorWatch::Stream::Take(std::uint64_t begin_ms, const Answers& answers) {
  before_ = Answers{standing_.judged, standing_.errors}.share();
  after_ = answers.share();
  if (begin_ms != standing_.begin_ms) {
    standing_.judged_now = standing_.errors_now = 0;
  }
  standing_.begin_ms = begin_ms;
  standing_.judged_now += answers.judged;
  standing_.errors_now += answers.errors;
  const std::uint64_t count = std::min(answers.judged, kMaxAnswers);
  std::uint64_t wrong =
      count < answers.judged ? Thinned(answers.errors, answers.judged, count) : answers.errors;
  SplitMix64 random(SplitMix64::Mix(standing_.package.value()) ^ SplitMix64::Mix(begin_ms + 1) ^
                    standing_.judged);
  for (std::uint64_t left = count; left > 0; --left) {
    const bool is_wrong = random.Next() % left < wrong;
    wrong -= is_wrong ? 1U : 0U;
    Push(is_wrong);
  }
  standing_.judged += answers.judged;
  standing_.errors += answers.errors;
}

void ErrorWatch::Take(std::span<const Block> blocks) {
  std::map<std::pair<std::uint64_t, PackageHash>, Answers> slots;
  for (const Block& block : blocks) {
    if (block.judged > 0) {
      Answers& answers = slots[{block.begin_ms, block.package}];
      answers.judged += block.judged;
      answers.errors += std::min(block.errors, block.judged);
    }
  }
  for (const auto& [slot, answers] : slots) {
    const auto [begin_ms, package] = slot;
    streams_.try_emplace(package, package).first->second.Take(begin_ms, answers);
    if (streams_.size() > kMaxPackages) {
      streams_.erase(
          std::min_element(streams_.begin(), streams_.end(), [](const auto& a, const auto& b) {
            return a.second.standing().begin_ms < b.second.standing().begin_ms;
          }));
    }
  }
}

std::vector<ErrorStanding> ErrorWatch::Standings() const {
  std::vector<ErrorStanding> out;
  for (const auto& [package, stream] : streams_) {
    out.push_back(stream.standing());
  }
  return out;
}

}  // namespace trib::cloud::drift
