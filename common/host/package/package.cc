#include "trib/common/host/package/package.h"

#include "trib/common/host/files/files.h"

namespace trib::host::package {
namespace {

Status Fail(Status status, std::string* error, const std::string& text) {
  if (error != nullptr) {
    *error = text;
  }
  return status;
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
  TRIB_TRY_ASSIGN(const files::OpenedFile opened, files::Open(path, error));
  if (opened.bytes > kMaxPackageBytes) {
    return Fail(Status(Code::kDataLoss, Reason::kTooLarge),
                error,
                path.string() + ": larger than " + std::to_string(kMaxPackageBytes) + " bytes");
  }
  std::vector<std::byte> bytes(opened.bytes);
  TRIB_TRY_ASSIGN(const std::size_t size, files::Read(opened.file, path, bytes, error));
  if (size < bytes.size()) {
    return Fail(Code::kDataLoss, error, path.string() + ": became shorter while it was read");
  }
  return bytes;
}

Status WritePackageFile(const std::filesystem::path& path,
                        std::span<const std::byte> bytes,
                        std::string* error) {
  return files::Replace(path, 0644, bytes, error);
}

}  // namespace trib::host::package
