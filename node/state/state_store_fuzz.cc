// Any bytes at all as a state region: Open() copes, and a value stored afterwards reads back.
// Seeds: the worked example of docs/formats/node_state.md, and blank flash.
#include <array>
#include <cstddef>
#include <cstdint>

#include "trib/common/base/check.h"
#include "trib/node/state/state_store.h"
#include "trib/testing/fake_flash.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trib;
  using namespace trib::node;
  testing::FakeFlash flash({256, 2, 8});
  for (std::uint32_t i = 0; i < size && i < 512; ++i) {
    flash.Corrupt(i, static_cast<std::byte>(data[i] ^ 0xFFU));
  }
  std::array<std::byte, state::StateStore::kScratchBytes> scratch{};
  state::StateStore store(flash, {SectorIndex(0), 2, 1}, scratch);
  const Status opened = store.Open();
  TRIB_CHECK(opened.ok() || opened == Code::kDataLoss);
  const std::array<std::byte, 4> value{std::byte{1}};
  const Status stored = store.Put(state::StateKey::kBaseline, 0, value);
  TRIB_CHECK(stored.ok() || stored == Code::kResourceExhausted);
  std::array<std::byte, state::kMaxValueBytes> out{};
  const auto got = store.Get(state::StateKey::kBaseline, 0, out);
  TRIB_CHECK(!stored.ok() || (got.ok() && *got == value.size() && out[0] == value[0]));
  return 0;
}
