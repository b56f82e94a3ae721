// Any bytes at all as a backlog region: Open() and everything after it stay in bounds, and new
// records are stored. Seeds: the worked example of docs/formats/node_backlog.md, blank
// flash, and a finding: two sectors with one sequence.
#include <cstddef>
#include <cstdint>

#include "trib/common/base/check.h"
#include "trib/node/uplink/backlog.h"
#include "trib/testing/fake_flash.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trib;
  using namespace trib::node;
  constexpr std::uint32_t kSectors = 3;
  constexpr std::uint32_t kSectorBytes = 512;
  testing::FakeFlash flash({kSectorBytes, kSectors, 8});
  for (std::uint32_t i = 0; i < size && i < kSectors * kSectorBytes; ++i) {
    flash.Corrupt(i, static_cast<std::byte>(data[i] ^ 0xFFU));
  }
  static uplink::BacklogStorage<kSectors, kSectorBytes, 64> storage;
  uplink::Backlog backlog(flash, {SectorIndex(0), kSectors}, storage.memory());
  TRIB_CHECK(backlog.Open(EnrolmentEpoch(1)).ok());
  uplink::Backlog::Cursor cursor;
  uplink::StoredRecord record;
  std::uint32_t listed = 0;
  while (backlog.Next(cursor, record)) {
    ++listed;
    std::array<std::byte, 16> some{};
    (void)backlog.Read(record, 0, some);
    TRIB_CHECK(backlog.Verify(record).ok());
  }
  TRIB_CHECK(listed == backlog.metrics().records);
  // A key above whatever the region claims to hold cannot always be had; the top one may be used.
  backlog.record_memory()[0] = std::byte{1};
  const Status stored = backlog.Append(0xFFFFFFFF, 0xFFFFFFFF, message::Priority::kEvent, 20);
  TRIB_CHECK(stored.ok() || stored == Code::kInvalidArgument ||
             stored == Code::kFailedPrecondition || stored == Code::kResourceExhausted);
  backlog.Acknowledge(EnrolmentEpoch(1), 0xFFFFFFFF, 0, 0xFFFFFFFF);
  return 0;
}
