#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace trib::integration {

/// What a program that ended by itself left behind.
struct Ran {
  int code = -1;  ///< -1 when a signal ended it, or it had to be killed
  std::string out;
  std::string err;
};

/// Runs `argv` to its end; `folder` takes its standard error meanwhile.
Ran RunProgram(const std::vector<std::string>& argv, const std::filesystem::path& folder);

/// How many lines `text` has.
std::size_t LineCount(const std::string& text);

}  // namespace trib::integration
