#pragma once

#include <cstddef>

/// What a board's node has memory for. The host's twin of a board has the same, so that both take
/// and refuse the same packages.
namespace trib::node::board {

inline constexpr std::size_t kWindowSamples = 4096;    ///< of the longest window
inline constexpr std::size_t kNetworkBytes = 65'536;   ///< arena and state of a network
inline constexpr std::size_t kActivationBytes = 3072;  ///< of the longest activation

}  // namespace trib::node::board
