#include "trib/common/host/sqlite/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace trib::host::sqlite {

Result<FileLock> FileLock::Take(const std::string& path, std::string* error) {
  const auto fail = [&](Code code, const std::string& why) -> Status {
    if (error != nullptr) {
      *error = path + ": " + why;
    }
    return code;
  };
  const std::string name = path + ".lock";
  const int file = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) {
    return fail(Code::kUnavailable,
                "cannot open " + name + ": " + std::generic_category().message(errno));
  }
  FileLock lock(file);
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    return errno == EWOULDBLOCK
               ? fail(Code::kFailedPrecondition, "in use by another process")
               : fail(Code::kUnavailable,
                      "cannot lock " + name + ": " + std::generic_category().message(errno));
  }
  return lock;
}

FileLock::~FileLock() {
  if (file_ >= 0) {
    ::close(file_);
  }
}

}  // namespace trib::host::sqlite
