// A hostile or confused stream of chunks: memory stays bounded, and what comes out is what the
// checksum promised. Honest chunks of a known pattern are mixed with dishonest ones.
#include <cstddef>
#include <cstdint>
#include <string>

#include "convert.h"
#include "trib/common/base/check.h"
#include "trib/common/bytes/crc32c.h"
#include "trib/common/bytes/reader.h"
#include "trib/common/host/message/chunk_assembler.h"

namespace {

std::string Pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>(i * 131 + (i >> 8U));
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trib::host::message;  // NOLINT(google-build-using-namespace)
  trib::ByteReader in(std::as_bytes(std::span(data, size)));
  const ChunkAssembler::Limits limits{
      .transfers_per_node = 2, .total_bytes = 20'000, .stale_after = trib::Millis(1000)};
  ChunkAssembler assembler(limits);
  std::int64_t now_ms = 0;
  while (in.remaining() >= 8) {
    const std::uint8_t what = in.U8();
    now_ms += in.U8();
    Uplink::ChunkData chunk;
    chunk.transfer = 1 + (what & 3U);
    chunk.total_bytes = in.U16() % 17'000U;
    chunk.offset = in.U16();
    const std::size_t length = in.U16();
    const std::string whole = Pattern(chunk.total_bytes);
    if (chunk.offset < whole.size()) {
      chunk.data = whole.substr(chunk.offset, length);
    }
    chunk.crc32c = trib::Crc32c(internal::AsBytes(whole));
    if ((what & 0x80U) != 0 && !chunk.data.empty()) {
      chunk.data[0] = static_cast<char>(chunk.data[0] ^ 0x40);
    }
    if ((what & 0x40U) != 0) {
      chunk.offset += 0xFFFF'0000U;
    }
    const auto result = assembler.Add(
        trib::NodeId(1 + (what >> 2U & 3U)), chunk, trib::MonotonicTime(trib::Millis(now_ms)));
    TRIB_CHECK(!result.ok() || *result == whole);
    TRIB_CHECK(assembler.held_bytes() <= limits.total_bytes);
    TRIB_CHECK(assembler.transfers() <= 4 * limits.transfers_per_node);
  }
  return 0;
}
