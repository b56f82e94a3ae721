#include "trib/common/host/control/types.h"

namespace trib::host::control {

Code CodeFromName(std::string_view name) {
  for (int value = 0; value <= static_cast<int>(Code::kUnauthenticated); ++value) {
    if (CodeName(static_cast<Code>(value)) == name) {
      return static_cast<Code>(value);
    }
  }
  return Code::kUnknown;
}

}  // namespace trib::host::control
