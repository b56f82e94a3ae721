#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "trib/common/base/random.h"
#include "trib/common/host/message/codec.h"

// Messages for this module's tests and fuzz targets: random lawful ones, and comparison of unions.
namespace trib::host::message::test {

bool Same(const Record& a, const Record& b);
bool Same(const Downlink& a, const Downlink& b);

/// The node's encoders, with room for the largest message. Empty when they fail.
std::string NodeEncode(const Record& record);
std::string NodeEncode(NodeId node, const Hello& hello);
std::string NodeEncode(NodeId node, const Chunk& chunk);
std::string NodeEncode(NodeId node, const std::vector<SealedRecord>& records);

/// Lawful messages that lean towards the edges: zero, one, the largest, every varint width, -0.0.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  std::uint64_t Below(std::uint64_t limit) { return random_.Next() % limit; }
  std::uint64_t U64();
  std::uint32_t U32() { return static_cast<std::uint32_t>(U64()); }
  float Finite();
  std::string Bytes(std::size_t size);

  RecordHeader NextHeader();
  /// An activation's payload lives until the next call.
  Record NextRecord(RecordKind kind);
  Record NextRecord();
  Hello NextHello();
  /// An update chunk's data lives until the next call.
  Downlink NextDownlink();
  Uplink::ChunkData NextChunk();
  std::string NextSealed();
  /// Damages a message the way links and attackers do.
  std::string Mutate(std::string bytes, const std::string& other);

 private:
  std::uint64_t NonZero64();
  std::uint32_t NonZero32();
  void Fill(Event& event);
  void Fill(Sketch& sketch);

  SplitMix64 random_;
  std::string payload_;
};

}  // namespace trib::host::message::test
