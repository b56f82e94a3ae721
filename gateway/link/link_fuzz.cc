#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "trib/common/base/check.h"
#include "trib/gateway/link/link.h"

// A node may send anything. Whatever it is, what is offered is its own, and settling it answers.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using trib::gateway::link::Link;
  Link link({});
  const trib::NodeId node(17);
  link.SetRoster(std::span(&node, 1));
  trib::gateway::link::Output out;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);  // NOLINT: bytes as text
  link.Receive("peer", "17", bytes, {trib::MonotonicTime{}, 1}, out);
  std::vector<trib::gateway::link::Settled> settled;
  for (const auto& record : out.offered) {
    TRIB_CHECK(record.key.node == node);
    settled.push_back({record.key, true});
  }
  link.Settle(settled, {}, out);
  TRIB_CHECK(link.pending() == 0);
  return 0;
}
