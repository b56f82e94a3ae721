#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "trib/common/base/check.h"
#include "trib/common/host/control/registry.h"

// Whatever an operator's machine sends, the answer is one well-formed reply.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using trib::host::control::Outcome;
  static const trib::host::control::Registry registry = [] {
    trib::host::control::Registry made;
    made.Add("echo", [](const nlohmann::json& args) -> Outcome {
      return nlohmann::json(args.at("text").get<std::string>());
    });
    return made;
  }();
  const std::string reply =
      registry.Answer({reinterpret_cast<const char*>(data), size});  // NOLINT: bytes as text
  const auto parsed = nlohmann::json::parse(reply, nullptr, false);
  TRIB_CHECK(parsed.is_object() && parsed.contains("ok"));
  return 0;
}
