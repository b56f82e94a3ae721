#include <cstddef>
#include <cstdint>
#include <string_view>

#include "trib/common/base/check.h"
#include "trib/gateway/forward/forward.h"

// Whatever comes from the cloud's side, only records that were sent are ever forgotten.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using trib::gateway::forward::Forward;
  Forward forward({}, 0, 1);
  trib::gateway::forward::Output out;
  const trib::MonotonicTime now{};
  forward.SetConnected(true, now);
  TRIB_CHECK(forward.Want().has_value());
  forward.Offer({{4, 1, "a"}, {5, 1, "b"}}, {}, now, out);
  forward.Receive({reinterpret_cast<const char*>(data), size}, now, out);  // NOLINT: bytes as text
  TRIB_CHECK(out.stored.size() + out.rejected.size() == 2 ||
             (out.stored.empty() && out.rejected.empty()));
  return 0;
}
