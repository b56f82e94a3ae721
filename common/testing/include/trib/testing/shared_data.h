#pragma once

#include <filesystem>
#include <optional>
#include <utility>

namespace trib::testing {

/// The folder with recordings and oracles that is delivered beside the source tree, not in it.
///
/// Looked for in this order: environment TRIB_SHARED; $TRIB_SOURCE_DIR/../shared; `shared` in the
/// working directory and each folder above it. Only a folder that holds docs, oracles or data
/// counts.
std::optional<std::filesystem::path> SharedDir();

}  // namespace trib::testing

/// Declares `const std::filesystem::path name`, or skips the test loudly. In a test body of
/// GoogleTest only, which the including file provides.
#define TRIB_SHARED_DIR_OR_SKIP(name)                                           \
  auto name##_found = ::trib::testing::SharedDir();                             \
  if (!name##_found) {                                                          \
    GTEST_SKIP() << "NOT TESTED: no shared data found; set TRIB_SHARED to the " \
                    "folder that holds data/ and oracles/";                     \
  }                                                                             \
  const std::filesystem::path name = *std::move(name##_found)
