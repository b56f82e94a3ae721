#include "trib/common/host/identity/identity.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <system_error>

#include "trib/common/host/files/files.h"

namespace trib::host::identity {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSecretTitle = "tributary secret key v1";
constexpr std::string_view kPublicTitle = "tributary public key v1";
constexpr std::string_view kSeedField = "seed: ";
constexpr std::string_view kPublicField = "public: ";
constexpr std::string_view kRoleField = "role: ";
constexpr std::size_t kMaxFileBytes = 1024;
constexpr std::size_t kMaxRoleBytes = 64;

Status Fail(Code code, std::string* error, const std::string& text) {
  if (error != nullptr) {
    *error = text;
  }
  return code;
}

/// Text that may hold a seed; wiped when it goes.
struct SecretText {
  std::array<char, kMaxFileBytes + 1> memory{};
  std::size_t size = 0;
  SecretText() = default;
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;
  ~SecretText() { crypto::Zero(std::as_writable_bytes(std::span(memory))); }

  [[nodiscard]] std::string_view view() const { return {memory.data(), size}; }
  void Append(std::string_view text) {
    const std::size_t count = std::min(text.size(), memory.size() - size);
    std::memcpy(memory.data() + size, text.data(), count);
    size += count;
  }
  void AppendHex(std::span<const std::byte> bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    for (const std::byte b : bytes) {
      const auto value = static_cast<unsigned>(b);
      const std::array<char, 2> pair = {kDigits[value >> 4U], kDigits[value & 15U]};
      Append({pair.data(), pair.size()});
    }
  }
};

bool RoleIsValid(std::string_view role) {
  if (role.empty() || role.size() > kMaxRoleBytes) {
    return false;
  }
  for (const char c : role) {
    if (c < ' ' || c > '~') {
      return false;
    }
  }
  return true;
}

enum class Access { kSecret, kPublic };

Status ReadFile(const fs::path& path, Access access, SecretText& out, std::string* error) {
  TRIB_TRY_ASSIGN(const files::OpenedFile opened, files::Open(path, error));
  const auto memory = std::as_writable_bytes(std::span(out.memory));
  TRIB_TRY_ASSIGN(out.size, files::Read(opened.file, path, memory, error));
  // A public file in a secret one's place is told as such by who parses it; its mode is right.
  if (access == Access::kSecret && (opened.permissions & 077U) != 0 &&
      !out.view().starts_with(kPublicTitle)) {
    return Fail(Code::kPermissionDenied,
                error,
                path.string() + ": secret key is open to group or others; chmod 600 it");
  }
  if (out.size == memory.size()) {
    return Fail(Code::kDataLoss, error, path.string() + ": too long for a key file");
  }
  return {};
}

fs::path PublicPathOf(const fs::path& path) {
  fs::path out = path;
  out += ".pub";
  return out;
}

/// The next line without its end; nothing when no text is left.
std::optional<std::string_view> TakeLine(std::string_view& text) {
  if (text.empty()) {
    return std::nullopt;
  }
  const auto end = text.find('\n');
  const auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

Status Parse(const fs::path& path,
             std::string_view text,
             std::string_view title,
             std::string_view field,
             std::span<std::byte> out,
             std::string* error) {
  const auto first = TakeLine(text);
  if (first != title && first == kPublicTitle) {
    return Fail(Code::kDataLoss,
                error,
                path.string() +
                    ": is a public key file; give the secret one, which trib key new "
                    "wrote beside it without .pub");
  }
  if (first != title && first == kSecretTitle) {
    return Fail(Code::kDataLoss,
                error,
                path.string() + ": is a secret key file; give the public one, " +
                    PublicPathOf(path).string());
  }
  if (first != title) {
    return Fail(
        Code::kDataLoss,
        error,
        path.string() + ": not a key file; expected \"" + std::string(title) + "\" in line 1");
  }
  const auto role = TakeLine(text);
  if (!role || !role->starts_with(kRoleField) || !RoleIsValid(role->substr(kRoleField.size()))) {
    return Fail(Code::kDataLoss, error, path.string() + ": expected \"role: TEXT\" in line 2");
  }
  const auto key = TakeLine(text);
  if (!key || !key->starts_with(field) || !FromHex(key->substr(field.size()), out).ok() ||
      !text.empty()) {
    return Fail(Code::kDataLoss,
                error,
                path.string() + ": expected \"" + std::string(field) +
                    "\" and 64 hex digits in line 3 and nothing after it");
  }
  return {};
}

std::span<const std::byte> BytesOf(std::string_view text) {
  return std::as_bytes(std::span(text));
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

Result<KeyPair> GenerateKeyPair() {
  crypto::SecretSeed seed;
  std::size_t filled = 0;
  while (filled < seed.bytes.size()) {
    const auto got = ::getrandom(seed.bytes.data() + filled, seed.bytes.size() - filled, 0);
    if (got < 0 && errno != EINTR) {
      return Code::kUnavailable;
    }
    filled += got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  return crypto::Ed25519KeyPairFromSeed(seed);
}

Status SaveKeyPair(const fs::path& path,
                   const KeyPair& pair,
                   std::string_view role,
                   std::string* error) {
  if (!RoleIsValid(role)) {
    return Fail(Code::kInvalidArgument, error, "role: 1 to 64 printable ASCII characters");
  }
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(PublicPathOf(path), ignored))) {
    return Fail(Code::kAlreadyExists,
                error,
                PublicPathOf(path).string() + ": exists already and is never overwritten");
  }
  SecretText text;
  text.Append(kSecretTitle);
  text.Append("\nrole: ");
  text.Append(role);
  text.Append("\nseed: ");
  text.AppendHex(pair.seed.bytes);
  text.Append("\n");
  TRIB_TRY(files::WriteNew(path, 0600, BytesOf(text.view()), error));
  return SavePublicKey(PublicPathOf(path), pair.public_key, role, error);
}

Status SavePublicKey(const fs::path& path,
                     const PublicKey& key,
                     std::string_view role,
                     std::string* error) {
  if (!RoleIsValid(role)) {
    return Fail(Code::kInvalidArgument, error, "role: 1 to 64 printable ASCII characters");
  }
  const std::string text = std::string(kPublicTitle) + "\nrole: " + std::string(role) +
                           "\npublic: " + ToHex(key.bytes) + "\n";
  return files::WriteNew(path, 0644, BytesOf(text), error);
}

Result<KeyPair> LoadKeyPair(const fs::path& path, std::string* error) {
  SecretText text;
  TRIB_TRY(ReadFile(path, Access::kSecret, text, error));
  crypto::SecretSeed seed;
  TRIB_TRY(Parse(path, text.view(), kSecretTitle, kSeedField, seed.bytes, error));
  KeyPair pair = crypto::Ed25519KeyPairFromSeed(seed);
  const auto beside = LoadPublicKey(PublicPathOf(path), error);
  if (beside.ok() ? *beside != pair.public_key : beside.status().code() != Code::kNotFound) {
    return beside.ok()
               ? Fail(Code::kDataLoss,
                      error,
                      PublicPathOf(path).string() + ": is not the public key of " + path.string())
               : beside.status();
  }
  if (error != nullptr) {
    error->clear();
  }
  return pair;
}

Result<PublicKey> LoadPublicKey(const fs::path& path, std::string* error) {
  SecretText text;
  TRIB_TRY(ReadFile(path, Access::kPublic, text, error));
  PublicKey key;
  TRIB_TRY(Parse(path, text.view(), kPublicTitle, kPublicField, key.bytes, error));
  if (!ToCurve(key).ok()) {
    return Fail(Code::kDataLoss, error, path.string() + ": not a valid Ed25519 public key");
  }
  return key;
}

Result<PublicKey> ParsePublicKeyHex(std::string_view hex) {
  PublicKey key;
  TRIB_TRY(FromHex(hex, key.bytes));
  TRIB_TRY(ToCurve(key).status());
  return key;
}

Result<PublicKey> ParsePublicKeyArgument(std::string_view argument, std::string* error) {
  PublicKey key;
  if (!FromHex(argument, key.bytes).ok()) {
    return LoadPublicKey(fs::path(argument), error);
  }
  if (!ToCurve(key).ok()) {
    return Fail(
        Code::kInvalidArgument, error, std::string(argument) + ": not a valid Ed25519 public key");
  }
  return key;
}

std::string ToHex(std::span<const std::byte> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::byte b : bytes) {
    const auto value = static_cast<unsigned>(b);
    out += kDigits[value >> 4U];
    out += kDigits[value & 15U];
  }
  return out;
}

Status FromHex(std::string_view hex, std::span<std::byte> out) {
  if (hex.size() != out.size() * 2) {
    return Code::kInvalidArgument;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = HexValue(hex[2 * i]);
    const int low = HexValue(hex[2 * i + 1]);
    if (high < 0 || low < 0) {
      return Code::kInvalidArgument;
    }
    out[i] = static_cast<std::byte>(high * 16 + low);
  }
  return {};
}

CurveKeys ToCurve(const KeyPair& pair) {
  CurveKeys out;
  out.secret_key = crypto::Ed25519ToX25519Secret(pair.seed);
  // A key derived from a seed is always a usable point.
  if (const auto key = crypto::Ed25519ToX25519Public(pair.public_key); key.ok()) {
    out.public_key = *key;
  }
  return out;
}

Result<crypto::X25519Public> ToCurve(const PublicKey& key) {
  return crypto::Ed25519ToX25519Public(key);
}

}  // namespace trib::host::identity
