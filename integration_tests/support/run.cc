#include "run.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "river.h"
#include "trib/tools/launcher/process.h"

namespace trib::integration {

Ran RunProgram(const std::vector<std::string>& argv, const std::filesystem::path& folder) {
  const auto log = folder / "run.stderr";
  std::filesystem::remove(log);
  std::string error;
  auto process =
      tools::launcher::Process::Start({.argv = argv, .log = log, .capture_stdout = true}, error);
  EXPECT_TRUE(process) << error;
  Ran ran;
  if (!process) {
    return ran;
  }
  const auto read = [&] {
    for (const std::string& line : process->ReadLines()) {
      ran.out += line + "\n";
    }
  };
  const bool ended = tools::launcher::WaitUntil(
      [&] {
        read();
        return process->Poll().has_value();
      },
      kLong);
  EXPECT_TRUE(ended) << argv.front() << " does not end";
  read();
  ran.code = ended ? process->Poll()->code : -1;
  std::ifstream in(log);
  ran.err = {std::istreambuf_iterator<char>(in), {}};
  return ran;
}

std::size_t LineCount(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace trib::integration
