#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trib/common/message/codec.h"
#include "trib/common/message/types.h"
#include "trib/common/status/result.h"

/// The gateway's and cloud's side of the wire, on libprotobuf: same schema, same bytes and same
/// refusals as trib/common/message/codec.h. Errors are kDataLoss with a message::Reason.
///
/// Requires  What is encoded is lawful (docs/formats/messages.md): finite numbers, sizes within
///           limits.h, no zero node, epoch or sequence. Anything else ends the program: outside
///           bytes never reach an encoder, so it is our own mistake.
namespace trib::host::message {

using namespace trib::message;  // NOLINT(google-build-using-namespace): same vocabulary, other
                                // runtime

/// What a gateway takes from a node. Exactly the member that `kind` names is set.
struct Uplink {
  enum class Kind : std::uint8_t { kHello = 8, kRecords = 9, kChunk = 10 };
  /// Owns its bytes. `sealed` is the encoded SealedRecord exactly as received.
  struct ReceivedRecord {
    std::string sealed;
  };
  NodeId node;
  Kind kind = Kind::kHello;
  Hello hello;
  std::vector<ReceivedRecord> records;
  struct ChunkData {
    std::uint32_t boot = 0;
    std::uint32_t transfer = 0;
    std::uint32_t total_bytes = 0;
    std::uint32_t offset = 0;
    std::uint32_t crc32c = 0;
    std::string data;
  } chunk;
};

/// Decodes a message from a node. Bounded by kMaxEnvelopeBytes; larger is kOutOfBounds.
Result<Uplink> DecodeUplink(std::string_view bytes);

/// An opened seal. `record` and `mac` point into the bytes given.
struct OpenedRecord {
  std::string_view record;
  std::string_view mac;
};
Result<OpenedRecord> OpenSealedRecord(std::string_view sealed);
std::string EncodeSealedRecord(std::string_view record, std::string_view mac = {});

/// Activation payloads point into `bytes`.
Status DecodeRecord(std::string_view bytes, Record& out);
/// The same for bytes that DecodeRecord() accepted before: they are not judged again. Other bytes
/// give an arbitrary record, perhaps of kind kNone, and do no harm.
void ReadCheckedRecord(std::string_view bytes, Record& out);
std::string EncodeRecord(const Record& record);
/// A Sketch message alone, as SiteSketch carries it.
std::string EncodeSketch(const Sketch& sketch);
Status DecodeSketch(std::string_view bytes, Sketch& out);

std::string EncodeDownlink(const Downlink& downlink);
/// For tools that stand in for a node. Spans in `out` point into `bytes`.
Status DecodeDownlink(std::string_view bytes, Downlink& out);

/// Uplink encoders for tools that stand in for a node.
std::string EncodeHello(NodeId node, const Hello& hello);
std::string EncodeRecords(NodeId node, std::span<const std::string> sealed);
std::string EncodeChunk(NodeId node, const Uplink::ChunkData& chunk);

}  // namespace trib::host::message
