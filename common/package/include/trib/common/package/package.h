#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/base/ids.h"
#include "trib/common/crypto/crypto.h"
#include "trib/common/package/types.h"
#include "trib/common/status/result.h"

namespace trib::package {

/// First 32 bytes of the SHA-512 of everything before the trailer: signing does not change it.
using Digest = std::array<std::byte, 32>;

PackageHash HashOf(const Digest& digest);
/// First four bytes of the SHA-512 of a recipe section.
RecipeId RecipeIdOf(std::span<const std::byte> recipe);

struct SectionInfo {
  SectionType type = SectionType::kUnspecified;  ///< may be a number this code does not know
  Target target = Target::kPortable;
  bool critical = false;
  std::span<const std::byte> bytes;
};

struct PackageSignature {
  crypto::KeyId key;
  crypto::Signature signature;
};

/// A package whose frame is sound: every offset, length, count, padding byte and checksum holds,
/// and no critical section is unknown. Says nothing about its origin: Verify() does.
///
/// Memory   Borrows the file, which stays unchanged and in place for the view's life.
/// Threads  Immutable after Open().
class PackageView {
 public:
  /// @returns kDataLoss with a Reason; kUnimplemented for kBadVersion and kUnknownCriticalSection,
  ///   which newer firmware may accept.
  static Result<PackageView> Open(std::span<const std::byte> file);

  [[nodiscard]] std::span<const std::byte> bytes() const { return file_; }
  [[nodiscard]] const Digest& digest() const { return digest_; }
  [[nodiscard]] PackageHash hash() const { return HashOf(digest_); }

  /// All sections in table order, unknown ignorable ones included.
  [[nodiscard]] std::size_t section_count() const { return section_count_; }
  /// Requires  index < section_count().
  [[nodiscard]] SectionInfo section(std::size_t index) const;
  /// The section's bytes, at a multiple of 16 from the file's start; empty when absent (no section
  /// is empty).
  [[nodiscard]] std::span<const std::byte> Find(SectionType type,
                                                Target target = Target::kPortable) const;

  [[nodiscard]] std::size_t signature_count() const { return signature_count_; }
  /// Requires  index < signature_count().
  [[nodiscard]] PackageSignature signature(std::size_t index) const;
  /// What a signature is over: SHA-512 of everything before the trailer.
  [[nodiscard]] const crypto::Digest& signed_digest() const { return full_digest_; }

 private:
  PackageView() = default;

  std::span<const std::byte> file_;
  std::size_t section_count_ = 0;
  std::size_t signature_count_ = 0;
  crypto::Digest full_digest_;
  Digest digest_{};
};

/// What a package is asked to run on.
struct Platform {
  HardwareClass hardware_class = HardwareClass::kLinux;
  std::uint16_t firmware_abi = kFirmwareAbi;
  std::uint64_t operators = 0;    ///< network operators that the firmware has
  std::uint32_t arena_bytes = 0;  ///< memory it gives to a network
  std::uint32_t min_security_counter = 0;
};

/// Decodes every section and checks what they say about each other. Needs no key and no platform.
/// The recipe's inside is common/dsp's to judge.
Status CheckContents(const PackageView& package);

/// At least one signature is by a pinned key, and every signature by a pinned key is good.
/// @returns kUnauthenticated with kNoSignature, kUnknownKey or kBadSignature
Status CheckSignature(const PackageView& package, std::span<const crypto::PublicKey> pinned);

/// kFailedPrecondition with the Reason that keeps the package from running here.
Status CheckPlatform(const PackageView& package, const Platform& platform);

/// What trigger, distance, commissioning, severity, normalisation, sketch edges and rules name is
/// among the `features` and `channels` that the package's recipe gives: a trigger on a feature that
/// never comes would never speak. Apart from the others because only common/dsp can read a recipe.
///
/// @returns kDataLoss with kFeatureAbsent or kRuleChannelAbsent
Status CheckReferences(const PackageView& package, std::size_t features, std::size_t channels);

/// All a node asks before it decodes the recipe: signature first, so that nothing of an unsigned
/// package is interpreted; then contents, then platform.
Status Verify(const PackageView& package,
              std::span<const crypto::PublicKey> pinned,
              const Platform& platform);

// ---- writing ----------------------------------------------------------------------------------

struct SectionInput {
  SectionType type = SectionType::kUnspecified;
  Target target = Target::kPortable;
  std::span<const std::byte> bytes;
  bool critical = true;  ///< for unknown types; known ones have theirs fixed
};

std::size_t PackageBytes(std::span<const SectionInput> sections);

/// Lays an unsigned package out; sections are given in rising (type, target) order. Gives what
/// Open() accepts, or a failure with the Reason that Open() would give.
Result<std::size_t> WritePackage(std::span<const SectionInput> sections, std::span<std::byte> out);

/// Signs in place. Signing again with the same key replaces its signature (they are equal).
/// @returns kResourceExhausted/kTrailerFull when two other keys have signed already.
Status SignPackage(std::span<std::byte> file, const crypto::SecretSeed& seed);
/// Takes all signatures off in place.
Status StripSignatures(std::span<std::byte> file);

}  // namespace trib::package
