#include "trib/common/host/cli/daemon.h"

#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
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
  {
    std::ofstream file(draft, std::ios::trunc);
    file << content.dump() << "\n";
    if (!file.flush()) {
      std::filesystem::remove(draft, failed);
      return Code::kUnavailable;
    }
  }
  std::filesystem::rename(draft, path, failed);
  if (failed) {
    std::filesystem::remove(draft, failed);
    return Code::kUnavailable;
  }
  return {};
}

}  // namespace trib::host::cli
