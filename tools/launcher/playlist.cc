#include "trib/tools/launcher/playlist.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <variant>
#include <vector>

namespace trib::tools::launcher {
namespace {

using host::recording::Manifest;
using host::recording::Measure;
using host::recording::Recording;

constexpr const char* kNormal = "normal";
constexpr int kCommissioningTurns = 3;

/// The part [from, to) of `whole`, as shares of its frames.
Result<Recording> Part(const Recording& whole, double from, double to, std::string& error) {
  std::vector<std::string> errors;
  const auto extent = Measure(whole, errors);
  if (!extent.ok()) {
    error = errors.empty() ? "cannot measure " + whole.file.string() : errors.front();
    return extent.status();
  }
  const auto at = [&](double share) {
    return extent->begin +
           static_cast<std::uint64_t>(std::floor(share * static_cast<double>(extent->frames())));
  };
  Recording part = whole;
  part.begin_frame = at(from);
  part.end_frame = at(to);
  return part;
}

std::string ChannelOf(const Recording& recording) {
  return recording.channels.front();
}

/// Leaves the recordings that are for tests, where any is marked so.
void KeepTests(const std::string& split, std::vector<Recording>& recordings) {
  const auto for_tests = [&](const Recording& recording) {
    const auto found = recording.conditions.find(split);
    const auto* text =
        found != recording.conditions.end() ? std::get_if<std::string>(&found->second) : nullptr;
    return text != nullptr && *text == "test";
  };
  if (std::ranges::any_of(recordings, for_tests)) {
    std::erase_if(recordings, [&](const Recording& recording) { return !for_tests(recording); });
  }
}

}  // namespace

Result<Manifest> BearingPlaylist(const Manifest& data,
                                 std::size_t variant,
                                 const PlaylistOptions& options,
                                 std::string& error) {
  std::set<std::string> channels;
  for (const auto& recording : data.recordings) {
    if (recording.label == kNormal) {
      channels.insert(ChannelOf(recording));
    }
  }
  if (channels.empty()) {
    error = "no recording is labelled \"normal\"";
    return Code::kNotFound;
  }
  const std::string channel =
      *std::next(channels.begin(), static_cast<std::ptrdiff_t>(variant % channels.size()));
  std::vector<Recording> normal;
  std::vector<Recording> faulty;
  for (const auto& recording : data.recordings) {
    if (ChannelOf(recording) == channel) {
      (recording.label == kNormal ? normal : faulty).push_back(recording);
    }
  }
  if (faulty.empty()) {
    error = "no faulty recording of channel " + channel;
    return Code::kNotFound;
  }

  KeepTests(options.test_split, faulty);

  Manifest playlist;
  // Normal recordings are of different loads. In turns, so that the baseline sees them mixed: one
  // after the other they are two states of the machine, and a node refuses to learn from these.
  const int turns = normal.size() > 1 ? kCommissioningTurns : 1;
  for (int turn = 0; turn < turns; ++turn) {
    const double step = options.commissioning_share / turns;
    for (const auto& recording : normal) {
      TRIB_TRY_ASSIGN(const auto part, Part(recording, step * turn, step * (turn + 1), error));
      playlist.recordings.push_back(part);
    }
  }
  // The rest of the normal recordings: one stretch before each fault.
  const double rest = options.commissioning_share + options.gap_share;
  const auto stretches = static_cast<double>(options.faults);
  for (std::size_t i = 0; i < options.faults; ++i) {
    const double step = (1.0 - rest) / stretches;
    for (const auto& recording : normal) {
      const double from = rest + step * static_cast<double>(i);
      TRIB_TRY_ASSIGN(const auto part, Part(recording, from, from + step, error));
      playlist.recordings.push_back(part);
    }
    // Strides that share no factor with the usual counts spread a fleet over all faults.
    const std::size_t pick = variant / channels.size() * 10 + i * 7;
    playlist.recordings.push_back(faulty[pick % faulty.size()]);
  }
  return playlist;
}

double SignalSeconds(const Manifest& manifest) {
  double seconds = 0;
  std::vector<std::string> errors;
  for (const auto& recording : manifest.recordings) {
    const auto extent = Measure(recording, errors);
    if (extent.ok()) {
      seconds += static_cast<double>(extent->frames()) / recording.fs_hz;
    }
  }
  return seconds;
}

}  // namespace trib::tools::launcher
