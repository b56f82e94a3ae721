// Any bytes as a configuration file: every getter answers, every error is one line.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "trib/common/host/config/config_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using trib::host::config::ConfigFile;
  ConfigFile file =
      ConfigFile::Parse(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz.toml");
  static constexpr std::array<std::string_view, 2> kModes = {"a", "b"};
  file.String("south.bind");
  file.Int("south.port", {1, 65535});
  file.Double("ratio", 0.5, {0, 1});
  file.Number("scale", 1);
  file.Bool("on", true);
  file.Duration("spool.flush", trib::Millis(5), {trib::Millis(1), trib::Millis(1000)});
  file.Size("spool.max_bytes", 1, {1, 1U << 20U});
  file.Enum("mode", "a", kModes);
  file.Path("state");
  file.Strings("peers");
  file.Ints("marks", {0, 100});
  file.Values("conditions");
  for (auto& table : file.Tables("recording")) {
    table.String("file");
    table.Values("conditions");
  }
  const trib::Status status = file.Finish();
  if (status.ok() != file.errors().empty()) {
    std::abort();
  }
  for (const std::string& text : file.errors()) {
    if (text.find('\n') != std::string::npos) {
      std::abort();
    }
  }
  return 0;
}
