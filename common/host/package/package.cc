#include "trib/common/host/package/package.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace trib::host::package {
namespace {

Status Fail(Status status, std::string* error, const std::string& text) {
  if (error != nullptr) {
    *error = text;
  }
  return status;
}

std::string SystemText(int number) {
  return std::error_code(number, std::generic_category()).message();
}

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ >= 0) {
      (void)::close(descriptor_);
    }
  }
  [[nodiscard]] bool ok() const { return descriptor_ >= 0; }
  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_;
};

bool WriteAll(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto wrote = ::write(descriptor, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) {
      continue;
    }
    if (wrote <= 0) {
      return false;
    }
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
  }
  return true;
}

bool SyncFolder(const std::filesystem::path& path) {
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const File file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return file.ok() && ::fsync(file.get()) == 0;
}

}  // namespace

Result<std::vector<std::byte>> SignPackage(std::span<const std::byte> file,
                                           const crypto::SecretSeed& seed,
                                           std::string* error) {
  std::vector<std::byte> out(file.begin(), file.end());
  if (const Status status = trib::package::SignPackage(out, seed); !status.ok()) {
    return Fail(status, error, DescribeRefusal(status));
  }
  return out;
}

std::string DescribeRefusal(Status status) {
  return std::string(ReasonName(static_cast<Reason>(status.reason()))) + " (" +
         std::to_string(status.reason()) + ")";
}

Result<std::vector<std::byte>> ReadPackageFile(const std::filesystem::path& path,
                                               std::string* error) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.ok()) {
    const Code code =
        errno == ENOENT || errno == ENOTDIR ? Code::kNotFound : Code::kPermissionDenied;
    return Fail(code, error, path.string() + ": cannot read: " + SystemText(errno));
  }
  struct stat info {};
  if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return Fail(Code::kDataLoss, error, path.string() + ": not a regular file");
  }
  if (info.st_size > static_cast<off_t>(kMaxPackageBytes)) {
    return Fail(Status(Code::kDataLoss, Reason::kTooLarge),
                error,
                path.string() + ": larger than " + std::to_string(kMaxPackageBytes) + " bytes");
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(info.st_size));
  std::size_t size = 0;
  while (size < bytes.size()) {
    const auto got = ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return Fail(Code::kDataLoss, error, path.string() + ": cannot read all of it");
    }
    size += static_cast<std::size_t>(got);
  }
  return bytes;
}

Status WritePackageFile(const std::filesystem::path& path,
                        std::span<const std::byte> bytes,
                        std::string* error) {
  auto temporary = path;
  temporary += ".new" + std::to_string(::getpid());
  const auto fail = [&](int reason) {
    (void)::unlink(temporary.c_str());
    return Fail(Code::kUnavailable, error, path.string() + ": cannot write: " + SystemText(reason));
  };
  {
    const File file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!file.ok() || !WriteAll(file.get(), bytes) || ::fsync(file.get()) != 0) {
      return fail(errno);
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0 || !SyncFolder(path)) {
    return fail(errno);
  }
  return {};
}

}  // namespace trib::host::package
