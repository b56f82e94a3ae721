#include "kill_switch.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#include "trib/common/base/check.h"

namespace trib::integration {

using testing::disk::KillOrder;

KillSwitch::KillSwitch(const std::filesystem::path& folder) : file_(folder / "kill_order.log") {
  const int file = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  TRIB_CHECK(file >= 0 && ::ftruncate(file, sizeof(KillOrder)) == 0);
  void* memory = ::mmap(nullptr, sizeof(KillOrder), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  TRIB_CHECK(memory != MAP_FAILED);
  order_ = static_cast<KillOrder*>(memory);
  const std::string name = folder.string();
  TRIB_CHECK(name.size() < order_->folder.size());
  std::memcpy(order_->folder.data(), name.c_str(), name.size() + 1);
}

KillSwitch::~KillSwitch() {
  ::munmap(order_, sizeof(KillOrder));
}

std::vector<std::string> KillSwitch::Environment() const {
  const char* bin = std::getenv("TRIB_BIN_DIR");
  const auto library =
      std::filesystem::path(bin != nullptr ? bin : "").parent_path() / "lib/libtrib_kill_at.so";
  TRIB_CHECK(std::filesystem::exists(library));
  return {"LD_PRELOAD=" + library.string(),
          "TRIB_KILL_ORDER=" + file_.string(),
          "ASAN_OPTIONS=verify_asan_link_order=0"};
}

void KillSwitch::Arm(std::uint64_t n, testing::disk::Manner manner) {
  order_->killed_at = 0;
  order_->manner = manner;
  order_->kill_at = order_->count + n;
  armed_ = true;
}

bool KillSwitch::Disarm() {
  return std::exchange(armed_, false) && order_->kill_at.exchange(0) == 0;
}

std::optional<KillOrder::Note> KillSwitch::Hit() const {
  const std::uint64_t step = order_->killed_at;
  return step != 0 ? std::optional(order_->note(step)) : std::nullopt;
}

}  // namespace trib::integration
