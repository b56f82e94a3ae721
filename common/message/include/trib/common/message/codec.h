#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/message/types.h"
#include "trib/common/status/result.h"

/// The node's side of the wire, on nanopb. The host's side, on libprotobuf, is
/// trib/common/host/message/codec.h; both give the same bytes (codec_differential_test).
namespace trib::message {

enum class Reason : std::uint16_t {
  kNone = 0,
  kMalformed = 1,      ///< not this schema, truncated, not canonical, or trailing garbage
  kWrongProtocol = 2,  ///< Envelope.protocol is not kProtocolVersion
  kOutOfBounds = 3,    ///< more elements or bytes than the limits allow
  kUnknownBody = 4,    ///< a body this side does not take
  kInvalidValue = 5,   ///< an enum, range or non-finite number outside its meaning
};

/// Encodes one record. @returns bytes written, or
///   kResourceExhausted  `out` is too small
///   kInvalidArgument    what no decoder would take: kind kNone, a payload over its limit, a number
///                       that is not finite, a key with node, epoch or sequence 0
Result<std::size_t> EncodeRecord(const Record& record, std::span<std::byte> out);

/// Decodes a record; an activation's payload points into `bytes`.
/// @returns kDataLoss with a Reason. Unknown fields are skipped; unknown enum values are refused.
Status DecodeRecord(std::span<const std::byte> bytes, Record& out);

/// A Sketch message alone, as a site's rollup carries it.
Result<std::size_t> EncodeSketch(const Sketch& sketch, std::span<std::byte> out);
Status DecodeSketch(std::span<const std::byte> bytes, Sketch& out);

/// Every envelope encoder returns kResourceExhausted when `out` is too small and kInvalidArgument
/// for what no decoder would take, node 0 among it.
Result<std::size_t> EncodeHello(NodeId node, const Hello& hello, std::span<std::byte> out);

/// A batch of already encoded records.
/// @returns kResourceExhausted when it exceeds `out` or kMaxEnvelopeBytes; EnvelopedBytes() tells
///   before. kInvalidArgument for an empty record or a seal of another length than 0 or kMacBytes.
Result<std::size_t> EncodeRecords(NodeId node,
                                  std::span<const SealedRecord> records,
                                  std::span<std::byte> out);
/// Upper bound of what one record adds to a batch envelope.
std::size_t EnvelopedBytes(const SealedRecord& record);
/// Upper bound of a batch envelope without records.
inline constexpr std::size_t kEnvelopeOverheadBytes = 24;

Result<std::size_t> EncodeChunk(NodeId node, const Chunk& chunk, std::span<std::byte> out);

/// Encodes the SealedRecord itself: what a chunked transfer carries and a spool stores.
Result<std::size_t> EncodeSealedRecord(const SealedRecord& record, std::span<std::byte> out);

/// Decodes a message from the gateway. Spans in `out` point into `bytes`.
/// @returns kDataLoss with a Reason; nothing in `out` is then meaningful.
Status DecodeDownlink(std::span<const std::byte> bytes, Downlink& out);

}  // namespace trib::message
