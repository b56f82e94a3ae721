// Any bytes as a wire's, and any bytes as a body with the right checksum: what decodes, encodes to
// the same bytes, and the Splitter cuts the same frames however the bytes come.
// Seeds: the worked example of docs/formats/serial_link.md, as a wire and as bodies.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "trib/common/base/check.h"
#include "trib/common/bytes/crc32c.h"
#include "trib/common/frame/frame.h"

namespace {

using namespace trib;
using Bytes = std::vector<std::byte>;

void CheckDecoding(Bytes coded) {
  const Bytes before = coded;
  frame::Frame frame;
  if (!frame::Decode(coded, frame).ok()) {
    return;
  }
  Bytes wire(before.size() + 2);
  const auto length = frame::Encode(frame, wire);
  TRIB_CHECK(length.ok());
  wire.resize(*length);
  TRIB_CHECK(wire.back() == frame::kDelimiter);
  wire.pop_back();
  if (wire.front() == frame::kDelimiter) {
    wire.erase(wire.begin());
  }
  TRIB_CHECK(wire == before);
}

std::vector<Bytes> Split(std::span<const std::byte> wire, std::size_t piece) {
  std::array<std::byte, frame::kMaxMtu - 1> memory;
  frame::Splitter splitter(memory);
  std::vector<Bytes> out;
  while (!wire.empty()) {
    auto rest = wire.first(std::min(piece, wire.size()));
    wire = wire.subspan(rest.size());
    for (auto coded = splitter.Next(rest); !coded.empty(); coded = splitter.Next(rest)) {
      out.emplace_back(coded.begin(), coded.end());
    }
    TRIB_CHECK(rest.empty());
  }
  return out;
}

/// COBS from its definition: a zero more behind the bytes, each zero replaced by the distance.
Bytes Stuffed(const Bytes& bytes) {
  Bytes out;
  std::size_t at = 0;
  bool more = true;
  while (more) {
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    const auto run =
        std::min<std::ptrdiff_t>(std::find(begin, bytes.end(), std::byte{0}) - begin, 254);
    out.push_back(static_cast<std::byte>(run + 1));
    out.insert(out.end(), begin, begin + run);
    at += static_cast<std::size_t>(run);
    const bool zero = run < 254 && at < bytes.size();
    at += zero ? 1 : 0;
    more = zero || at < bytes.size();
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  const auto bytes = std::as_bytes(std::span(data, size)).subspan(1);
  if (data[0] % 2 == 0) {
    const auto frames = Split(bytes, bytes.size());
    TRIB_CHECK(frames == Split(bytes, 1 + data[0] / 2));
    for (const Bytes& coded : frames) {
      CheckDecoding(coded);
    }
    return 0;
  }
  Bytes body(bytes.begin(), bytes.end());
  const std::uint32_t checksum = Crc32c(body);
  for (unsigned i = 0; i < frame::kChecksumBytes; ++i) {
    body.push_back(static_cast<std::byte>(checksum >> (8 * i)));
  }
  CheckDecoding(Stuffed(body));
  return 0;
}
