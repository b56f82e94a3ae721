#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "trib/common/base/time.h"
#include "trib/common/host/message/codec.h"
#include "trib/common/status/result.h"

namespace trib::host::message {

/// Why a chunk was refused, in the Status of ChunkAssembler::Add.
enum class ChunkReason : std::uint16_t {
  kNone = 0,
  kOutOfBounds = 1,       ///< beyond its total, empty, or a total over kMaxTransferBytes
  kInconsistent = 2,      ///< contradicts chunks of the same transfer; the transfer is dropped
  kChecksum = 3,          ///< complete, but the CRC-32C differs; the transfer is dropped
  kTooManyTransfers = 4,  ///< this node has as many unfinished transfers as it may
  kNoMemory = 5,          ///< all nodes together hold as many bytes as they may
  kScattered = 6,         ///< more separate pieces than kMaxPieces; the transfer is dropped
};

/// Puts chunks of sealed records together again, for all nodes of a gateway.
///
/// Memory   Bounded by Limits: a transfer counts with its total from its first chunk on. On top
/// come at
///          most kMaxPieces x 64 B for each transfer's list of pieces.
/// Threads  One caller at a time.
/// Order    Chunks come in any order and repeatedly; a repeat changes nothing. A transfer that was
///          completed and comes again is put together again: the record's key finds the duplicate.
class ChunkAssembler {
 public:
  struct Limits {
    std::size_t transfers_per_node = 4;
    std::size_t total_bytes = 4U << 20U;
    /// A transfer that got nothing new for this long is dropped.
    Millis stale_after{600'000};
  };
  struct Counters {
    std::uint64_t completed = 0;
    std::uint64_t repeated = 0;  ///< chunks that brought nothing new
    std::uint64_t refused = 0;   ///< chunks
    std::uint64_t dropped = 0;   ///< unfinished transfers: inconsistent, bad checksum
    std::uint64_t stale = 0;     ///< unfinished transfers given up because of time
  };

  /// Pieces of one transfer that do not touch. The narrowest link cuts a transfer into 1,536
  /// chunks; even if every second is lost, fewer pieces come of it.
  static constexpr std::size_t kMaxPieces = 800;

  explicit ChunkAssembler(Limits limits) : limits_(limits) {}

  /// Takes one chunk of an authenticated node.
  ///
  /// @returns the encoded SealedRecord when this chunk completes it, with a lawful seal not yet
  ///   checked; or
  ///   kUnavailable        taken, more chunks needed; not a fault
  ///   kDataLoss           refused with a ChunkReason; counted
  ///   kResourceExhausted  refused with a ChunkReason; counted; the node may send it again later
  Result<std::string> Add(NodeId node, const Uplink::ChunkData& chunk, MonotonicTime now);

  /// Drops stale transfers. Add() does it by itself before it refuses for lack of room.
  void Evict(MonotonicTime now);
  /// Drops what a node has unfinished, e.g. when it is revoked.
  void Forget(NodeId node);

  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] std::size_t held_bytes() const { return held_bytes_; }
  [[nodiscard]] std::size_t transfers() const { return transfers_.size(); }

 private:
  struct Key {
    NodeId node;
    std::uint32_t boot;
    std::uint32_t transfer;
    // NOLINTNEXTLINE(modernize-use-nullptr): clang 14 misreads the 0 inside a defaulted <=>.
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Transfer {
    std::string bytes;
    std::map<std::uint32_t, std::uint32_t> extents;  // begin -> end, disjoint, not touching
    std::uint32_t crc32c = 0;
    MonotonicTime touched{};
  };
  using Transfers = std::map<Key, Transfer>;

  Result<Transfers::iterator> FindOrStart(const Key& key,
                                          const Uplink::ChunkData& chunk,
                                          MonotonicTime now);
  void Drop(Transfers::iterator transfer);
  Status Refuse(Code code, ChunkReason reason);

  Limits limits_;
  // 1. held_bytes_ is the sum of bytes.size() over transfers_ and never above limits_.total_bytes.
  // 2. No transfer in transfers_ is complete.
  Transfers transfers_;
  std::size_t held_bytes_ = 0;
  Counters counters_;
};

}  // namespace trib::host::message
