#include "trib/common/host/cli/daemon.h"

#include <fcntl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>
#include <system_error>

#include "trib/common/host/cli/output.h"
#include "trib/common/host/cli/program.h"

namespace trib::host::cli {

int ReportConfigErrors(std::string_view program,
                       const std::vector<std::string>& errors,
                       bool json) {
  for (const std::string& error : errors) {
    PrintError(program, error);
  }
  if (json) {
    PrintJson({{"ok", errors.empty()}, {"errors", errors}});
  }
  return errors.empty() ? kExitOk : kExitUsage;
}

Status WriteReadyFile(const std::filesystem::path& path, const nlohmann::json& content) {
  const std::filesystem::path draft = path.string() + ".tmp" + std::to_string(::getpid());
  std::error_code failed;
  const std::string text = content.dump() + "\n";
  (void)::unlink(draft.c_str());  // of a killed process that had our number
  const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) {
    return Code::kUnavailable;
  }
  const ::ssize_t wrote = ::write(file, text.data(), text.size());
  if (::close(file) != 0 || wrote != static_cast<::ssize_t>(text.size())) {
    std::filesystem::remove(draft, failed);
    return Code::kUnavailable;
  }
  std::filesystem::rename(draft, path, failed);
  if (failed) {
    std::filesystem::remove(draft, failed);
    return Code::kUnavailable;
  }
  return {};
}

}  // namespace trib::host::cli
