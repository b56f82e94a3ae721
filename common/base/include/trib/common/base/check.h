#pragma once

namespace trib {

/// Ends the program after a broken promise of our own code; never called for bad outside input.
/// Link-time port: each image defines it once (host: message and abort; board: record and reset).
[[noreturn]] void Panic(const char* file, int line, const char* what);

}  // namespace trib

/// Guards a promise between our own functions at set-up; stays in release builds.
#define TRIB_CHECK(condition)                        \
  do {                                               \
    if (!(condition)) {                              \
      ::trib::Panic(__FILE__, __LINE__, #condition); \
    }                                                \
  } while (false)

/// As TRIB_CHECK, on paths that run every step; gone with NDEBUG.
#ifdef NDEBUG
#define TRIB_DCHECK(condition) \
  do {                         \
    (void)sizeof(condition);   \
  } while (false)
#else
#define TRIB_DCHECK(condition) TRIB_CHECK(condition)
#endif
