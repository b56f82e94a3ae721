// Any bytes to a node: both runtimes agree, and what they accept is canonical.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "convert.h"
#include "test_messages.h"
#include "trib/common/base/check.h"
#include "trib/common/host/message/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trib::host::message;  // NOLINT(google-build-using-namespace)
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Downlink by_node;
  Downlink by_host;
  const trib::Status node = trib::message::DecodeDownlink(internal::AsBytes(bytes), by_node);
  TRIB_CHECK(node == DecodeDownlink(bytes, by_host));
  if (node.ok()) {
    TRIB_CHECK(test::Same(by_node, by_host));
    const std::string again = EncodeDownlink(by_node);
    TRIB_CHECK(again.size() < bytes.size() || again == bytes);
  } else {
    TRIB_CHECK(node.code() == trib::Code::kDataLoss && node.reason() != 0);
  }
  return 0;
}
