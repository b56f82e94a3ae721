#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/base/fixed_vector.h"
#include "trib/common/base/ids.h"
#include "trib/common/base/time.h"
#include "trib/common/crypto/crypto.h"
#include "trib/common/status/result.h"

namespace trib::node::board {

inline constexpr std::size_t kMostPackageKeys = 4;
inline constexpr std::uint16_t kLeastMtu = 51;
inline constexpr std::uint16_t kMostMtu = 1024;

/// Who a board is: docs/formats/board_memory.md, section 2.
struct IdentityPage {
  NodeId node;
  std::uint64_t seed = 0;  ///< of the audit sample
  LogicalTime start{};     ///< the epoch itself: unknown
  bool own_time = false;   ///< logical time is `start` plus the samples delivered
  bool hold_for_verdicts = false;
  bool full_speed = false;
  std::uint32_t package_bytes = 0;  ///< in slot A; 0 = none
  std::uint16_t mtu = 256;          ///< of the serial link
  FixedVector<crypto::PublicKey, kMostPackageKeys> package_keys;
};

/// Why a page is refused.
enum class PageReason : std::uint16_t {
  kNone = 0,
  kBlank = 1,   ///< nobody has written it
  kLength = 2,  ///< its length is not that of its keys, or beyond the area
  kChecksum = 3,
  kValue = 4,  ///< a field is outside its range
};

/// @returns kNotFound (blank) or kDataLoss, with a PageReason.
Result<IdentityPage> DecodeIdentity(std::span<const std::byte> area);

/// @returns the length of the page; kInvalidArgument when DecodeIdentity() would refuse it, or
///   `area` is too short.
Result<std::size_t> EncodeIdentity(const IdentityPage& page, std::span<std::byte> area);

}  // namespace trib::node::board
