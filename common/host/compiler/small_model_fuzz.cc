// Any text as a small model: compiled or refused with a line that says why.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "trib/common/host/compiler/compiler.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string error;
  const auto compiled =
      trib::host::compiler::CompileSmall({reinterpret_cast<const char*>(data), size}, error);
  if (!compiled.ok() && (error.empty() || compiled.status().code() == trib::Code::kInternal)) {
    std::abort();
  }
  return 0;
}
