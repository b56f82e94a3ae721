#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "trib/common/crypto/crypto.h"
#include "trib/common/package/package.h"
#include "trib/common/status/result.h"

/// Building, signing and looking into packages on a host. Specification:
/// docs/formats/package_spec.md.
///
/// Errors   `error`, if not null, gets the text for the operator: one line per mistake, with file
///          and line where there is one.
/// Threads  Everything is re-entrant.
namespace trib::host::package {

using namespace trib::package;  // NOLINT(google-build-using-namespace): same vocabulary, more
                                // memory

/// Builds an unsigned package from a specification. Equal specifications give equal bytes. `model`,
/// if not empty, is the network, instead of the specification's; an empty `spec` then gives a
/// package that carries the network and nothing else.
///
/// @returns kNotFound         no such file
///          kInvalidArgument  a mistake in the specification, or a model that cannot be run
Result<std::vector<std::byte>> BuildPackage(const std::filesystem::path& spec,
                                            std::string* error = nullptr,
                                            const std::filesystem::path& model = {});

/// A copy with this key's signature; other signatures stay.
///
/// @returns what PackageView::Open() refuses, or kResourceExhausted when two other keys signed.
Result<std::vector<std::byte>> SignPackage(std::span<const std::byte> file,
                                           const crypto::SecretSeed& seed,
                                           std::string* error = nullptr);

/// The package as a JSON object: digest, hash, signatures, sections, and the contents of those that
/// decode. "refusal" is null or the reason of CheckContents(); signatures are listed, not checked.
///
/// @returns what PackageView::Open() refuses.
Result<std::string> InspectPackage(std::span<const std::byte> file, std::string* error = nullptr);

/// "wrong hardware class (80)": for people.
std::string DescribeRefusal(Status status);

/// Reads at most kMaxPackageBytes.
///
/// @returns kNotFound, kPermissionDenied, kDataLoss (longer, or no regular file)
Result<std::vector<std::byte>> ReadPackageFile(const std::filesystem::path& path,
                                               std::string* error = nullptr);

/// Replaces `path` as a whole.
///
/// Durable  The new file is on disk at return; after a failure or power cut the old one is.
Status WritePackageFile(const std::filesystem::path& path,
                        std::span<const std::byte> file,
                        std::string* error = nullptr);

}  // namespace trib::host::package
