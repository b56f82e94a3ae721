#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace trib::feature_bits {

struct Output {
  int exit_code = -1;
  std::string text;
};

/// What a shell command prints, both streams, and its exit code.
inline Output RunCommand(const std::string& command) {
  Output out;
  std::FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) {
    return out;
  }
  std::array<char, 4096> buffer{};
  while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    out.text.append(buffer.data(), count);
  }
  const int status = pclose(pipe);
  out.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return out;
}

inline std::string HostProgram(const std::string& level) {
  const char* const folder = std::getenv("TRIB_BIN_DIR");
  return (folder == nullptr ? std::string("bin") : std::string(folder)) + "/feature_bits_" + level;
}

}  // namespace trib::feature_bits
