#include "trib/testing/disk/memory_folder.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdint>

namespace trib::testing::disk {

std::string MemoryFolderOr(const std::string& otherwise) {
  constexpr const char* kMemory = "/dev/shm/";
  constexpr std::uint64_t kEnough_bytes = 512U << 20U;  // containers often have 64 MiB
  struct statvfs info {};
  const bool enough = ::statvfs(kMemory, &info) == 0 && ::access(kMemory, W_OK) == 0 &&
                      std::uint64_t{info.f_bavail} * info.f_frsize >= kEnough_bytes;
  return enough ? kMemory : otherwise;
}

}  // namespace trib::testing::disk
