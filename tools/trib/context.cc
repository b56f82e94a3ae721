#include "context.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "trib/common/host/cli/output.h"

namespace trib::tools::trib_cli {

bool Context::color() const {
  return host::cli::UseColor(common.no_color, STDOUT_FILENO);
}

int Fail(const Context& context, int exit_code, Code code, const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) {
    host::cli::PrintError("trib", text);
    joined += (joined.empty() ? "" : "\n") + text;
  }
  if (context.json) {
    host::cli::PrintJson({{"error", {{"code", CodeName(code)}, {"message", joined}}}});
  }
  return exit_code;
}

int Fail(const Context& context, int exit_code, Code code, const std::string& text) {
  return Fail(context, exit_code, code, std::vector<std::string>{text});
}

}  // namespace trib::tools::trib_cli
