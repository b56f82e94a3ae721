// Any bytes as identity page and as sensor memory: what is taken is within its bounds, reads to its
// end, and is written again as it was. Seeds: corpus/board_memory_fuzz, made by `trib board image`.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "trib/common/base/check.h"
#include "trib/node/board/identity_page.h"
#include "trib/node/board/memory.h"
#include "trib/node/board/sensor_memory.h"
#include "trib/testing/fake_clock.h"

namespace {

using namespace trib;
using namespace trib::node;

void ReadIdentity(std::span<const std::byte> bytes) {
  const auto page = board::DecodeIdentity(bytes);
  if (!page.ok()) {
    TRIB_CHECK(page.status().reason() != 0);
    return;
  }
  TRIB_CHECK(page->node.value() != 0 && page->package_bytes <= board::kPackageArea.bytes);
  std::array<std::byte, board::kIdentityArea.bytes> again{};
  const auto length = board::EncodeIdentity(*page, again);
  TRIB_CHECK(length.ok() && *length <= bytes.size());
  TRIB_CHECK(std::memcmp(again.data(), bytes.data(), *length) == 0);
}

void ReadSensor(std::span<const std::byte> bytes) {
  const auto table = board::SensorTable::Open(bytes);
  if (!table.ok()) {
    TRIB_CHECK(table.status().reason() != 0);
    return;
  }
  testing::FakeClock platform;
  board::SampleClock clock(platform, LogicalTime(Millis(1)));
  board::SensorMemory sensor(*table, clock, true);
  std::array<std::int16_t, 64> memory{};
  std::uint64_t frames = 0;
  std::uint64_t next = 0;
  const std::uint64_t most = table->loop() ? 2 * table->frames() : UINT64_MAX;
  while (frames < most) {
    const auto block = sensor.Read(memory);
    if (!block.ok()) {
      TRIB_CHECK(block.status() == Code::kOutOfRange && !table->loop());
      break;
    }
    const std::uint64_t got = block->samples.size() / table->channels();
    TRIB_CHECK(got > 0 && block->samples.size() <= memory.size());
    TRIB_CHECK(block->first_frame == next + block->pause_frames);
    TRIB_CHECK(block->non_finite_frames <= got);
    next = block->first_frame + got;
    frames += got;
  }
  TRIB_CHECK(table->loop() ? frames >= most : frames == table->frames());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  ReadIdentity(bytes);
  ReadSensor(bytes);
  return 0;
}
