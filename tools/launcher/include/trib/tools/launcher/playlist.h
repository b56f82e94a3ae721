#pragma once

#include <cstddef>
#include <string>

#include "trib/common/host/recording/manifest.h"
#include "trib/common/status/result.h"

namespace trib::tools::launcher {

/// One machine's life, told with recordings of a data set: the first part of every normal recording
/// (to commission on, several of them in turns), a gap, what is left of the normal ones, then
/// faults, with a stretch of normal between two faults. Recordings follow each other with a
/// boundary, so no window mixes two.
struct PlaylistOptions {
  double commissioning_share = 0.64;  ///< of each normal recording, from its start
  double gap_share = 0.02;            ///< after it, played by nobody
  std::size_t faults = 2;             ///< different fault recordings to play
  /// Faults only of recordings with the condition `test_split` = "test", if the data set has such:
  /// what the network was trained on says nothing about how right it is. Empty: any.
  std::string test_split = {};
};

/// `variant` chooses the channel and the faults, so that a fleet sees every kind.
///
/// @returns the manifest; or, with a line in `error`,
///   kNotFound  no normal or no faulty recording, or they cannot be measured
Result<host::recording::Manifest> BearingPlaylist(const host::recording::Manifest& data,
                                                  std::size_t variant,
                                                  const PlaylistOptions& options,
                                                  std::string& error);

/// Seconds of signal in a manifest. Requires  Its files can be measured.
double SignalSeconds(const host::recording::Manifest& manifest);

}  // namespace trib::tools::launcher
