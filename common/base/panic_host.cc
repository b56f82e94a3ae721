#include <cstdio>
#include <cstdlib>

#include "trib/common/base/check.h"

namespace trib {

void Panic(const char* file, int line, const char* what) {
  std::fprintf(stderr, "%s:%d: internal error: %s\n", file, line, what);
  std::abort();
}

}  // namespace trib
