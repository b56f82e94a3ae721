// How many bytes go up, against sending the signal: application payload of every message, audit
// sample, status and retransmissions included. The reference package as it is, real recordings.
#include <iomanip>

#include "river.h"

namespace trib::integration {
namespace {

class UplinkBytes : public River {
 protected:
  static constexpr std::uint64_t kNodes = 4;
  static constexpr double kGoal = 100;

  void Measure(const char* mix, const std::vector<host::recording::Manifest>& playlists) {
    StartGateway(1);
    const auto signed_package = ReferencePackage();
    for (std::size_t i = 0; i < playlists.size(); ++i) {
      Admit(101 + i, 1);
      auto arguments = Replay(101 + i, playlists[i]);
      arguments.insert(arguments.end(), {"--time-scale", "100"});
      StartNode(101 + i, arguments, signed_package);
    }
    std::uint64_t sent = 0;
    std::uint64_t raw = 0;
    std::uint64_t windows = 0;
    std::uint64_t triggered = 0;
    std::uint64_t episodes = 0;
    for (std::size_t i = 0; i < playlists.size(); ++i) {
      const auto report = AwaitNode(101 + i);
      sent += report["bytes_sent"].get<std::uint64_t>();
      raw += report["bytes_raw"].get<std::uint64_t>();
      windows += report["windows"].get<std::uint64_t>();
      triggered += report["windows_triggered"].get<std::uint64_t>();
      episodes += report["episodes"].get<std::uint64_t>();
    }
    const double ratio = static_cast<double>(raw) / static_cast<double>(sent);
    std::cout << mix << ": " << windows << " windows, " << std::fixed << std::setprecision(1)
              << 100.0 * static_cast<double>(triggered) / static_cast<double>(windows)
              << " % over the threshold, " << episodes << " episodes, " << sent << " bytes up, "
              << raw << " raw: " << ratio << "x\n";
    EXPECT_GE(ratio, kGoal);
  }
};

TEST_F(UplinkBytes, AtTheRecordingsMix) {
  std::vector<host::recording::Manifest> playlists;
  for (std::size_t i = 0; i < kNodes; ++i) {
    const auto playlist = MachineLife(i);
    if (!playlist) {
      GTEST_SKIP() << "SKIPPED: the CWRU recordings are not here (TRIB_SHARED or ../shared)";
    }
    playlists.push_back(*playlist);
  }
  Measure("recordings' mix", playlists);
}

TEST_F(UplinkBytes, AtNinetyNinePercentHealthy) {
  std::vector<host::recording::Manifest> playlists;
  for (std::size_t i = 0; i < kNodes; ++i) {
    const auto life = MachineLife(i);
    if (!life) {
      GTEST_SKIP() << "SKIPPED: the CWRU recordings are not here (TRIB_SHARED or ../shared)";
    }
    // The healthy parts over and over, then six seconds of a fault: one part in a hundred.
    host::recording::Manifest mix;
    std::vector<host::recording::Recording> rest;
    host::recording::Recording fault;
    for (const auto& recording : life->recordings) {
      if (recording.label != "normal") {
        fault = recording;
      } else if (recording.begin_frame == 0) {
        mix.recordings.push_back(recording);
      } else {
        rest.push_back(recording);
      }
    }
    double healthy_s = 0;
    while (healthy_s < 594) {
      for (const auto& recording : rest) {
        mix.recordings.push_back(recording);
        healthy_s +=
            static_cast<double>(*recording.end_frame - recording.begin_frame) / recording.fs_hz;
      }
    }
    fault.end_frame = fault.begin_frame + static_cast<std::uint64_t>(6 * fault.fs_hz);
    mix.recordings.push_back(fault);
    playlists.push_back(mix);
  }
  Measure("99 % healthy", playlists);
}

}  // namespace
}  // namespace trib::integration
