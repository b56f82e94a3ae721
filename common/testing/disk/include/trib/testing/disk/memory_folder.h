#pragma once

#include <string>

namespace trib::testing::disk {

/// A folder for files that need not outlive the test, with a slash at its end: in memory, where a
/// sync is 1000 times faster, if there is room; else `otherwise`.
std::string MemoryFolderOr(const std::string& otherwise);

}  // namespace trib::testing::disk
