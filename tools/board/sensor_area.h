#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "trib/tools/board/image.h"

namespace trib::tools::board {

/// Reads the source of `request` as a node at full speed would, and writes what it gave.
///
/// @returns kInvalidArgument, with one-line texts in `errors`: no such source, a fault in it that
///   memory cannot say, more than `area` holds, or nothing at all.
Status PutSensor(const ImageRequest& request,
                 std::span<std::byte> area,
                 std::vector<std::string>& errors);

}  // namespace trib::tools::board
