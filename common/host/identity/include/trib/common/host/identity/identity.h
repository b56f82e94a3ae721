#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "trib/common/crypto/crypto.h"
#include "trib/common/status/result.h"

/// Device and signer keys in files (docs/formats/key_file.md).
///
/// Errors   Functions with an `error` out-parameter put one line for the operator there when they
///          fail (what is wrong, with the path), if it is not null; it never holds key material.
/// Threads  Everything is re-entrant.
namespace trib::host::identity {

using crypto::KeyPair;
using crypto::PublicKey;

/// X25519 form of a key pair; ZeroMQ's CURVE options take these 32 raw bytes.
struct CurveKeys {
  crypto::X25519Public public_key;
  crypto::X25519Secret secret_key;
};

/// A fresh pair from the system's generator.
///
/// Blocks   Until the system's generator has been seeded, once after boot.
/// @returns kUnavailable when there is no generator.
Result<KeyPair> GenerateKeyPair();

/// Writes `path` (mode 0600) and `path`.pub.
///
/// Durable  Both are on disk at return. After a power cut the secret file may exist without the
///          public one; SavePublicKey() then makes it again.
/// @returns kAlreadyExists     one of the two exists; nothing was changed
///          kInvalidArgument   `role` is longer than 64 characters or not printable ASCII
///          kUnavailable       the system refused
Status SaveKeyPair(const std::filesystem::path& path,
                   const KeyPair& pair,
                   std::string_view role,
                   std::string* error = nullptr);
Status SavePublicKey(const std::filesystem::path& path,
                     const PublicKey& key,
                     std::string_view role,
                     std::string* error = nullptr);

/// Reads a secret file.
///
/// @returns kNotFound          no such file
///          kPermissionDenied  group or others have access, or it cannot be read
///          kDataLoss          not a secret key file; or the `.pub` beside it is of another key
Result<KeyPair> LoadKeyPair(const std::filesystem::path& path, std::string* error = nullptr);

/// Reads a public file. Errors as above; permissions do not matter.
Result<PublicKey> LoadPublicKey(const std::filesystem::path& path, std::string* error = nullptr);

/// Sixty-four hex digits. @returns kInvalidArgument for anything else.
Result<PublicKey> ParsePublicKeyHex(std::string_view hex);
/// A public key given on a command line: 64 hex digits, or else the path of a public file.
Result<PublicKey> ParsePublicKeyArgument(std::string_view argument, std::string* error = nullptr);

std::string ToHex(std::span<const std::byte> bytes);
/// Fills all of `out`. @returns kInvalidArgument when `hex` has another length or other characters.
Status FromHex(std::string_view hex, std::span<std::byte> out);

CurveKeys ToCurve(const KeyPair& pair);
/// @returns kInvalidArgument when `key` is no usable point.
Result<crypto::X25519Public> ToCurve(const PublicKey& key);

}  // namespace trib::host::identity
