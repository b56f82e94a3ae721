// Both runtimes must agree about any bytes offered as a record, a sealed record or a sketch, and
// what they accept must be canonical.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "convert.h"
#include "test_messages.h"
#include "trib/common/base/check.h"
#include "trib/common/host/message/codec.h"

namespace trib::host::message {
namespace {

void CheckRecordBytes(std::string_view bytes) {
  Record by_node;
  Record by_host;
  const Status node = trib::message::DecodeRecord(internal::AsBytes(bytes), by_node);
  TRIB_CHECK(node == DecodeRecord(bytes, by_host));
  Record unjudged;
  ReadCheckedRecord(bytes, unjudged);  // whatever it makes of them
  if (!node.ok()) {
    TRIB_CHECK(node.code() == Code::kDataLoss && node.reason() != 0);
    return;
  }
  TRIB_CHECK(test::Same(by_node, by_host));
  TRIB_CHECK(test::Same(by_node, unjudged));
  const std::string again = EncodeRecord(by_node);
  TRIB_CHECK(test::NodeEncode(by_host) == again);
  TRIB_CHECK(again.size() < bytes.size() || again == bytes);
}

void CheckSketchBytes(std::string_view bytes) {
  Sketch by_node;
  Sketch by_host;
  const Status node = trib::message::DecodeSketch(internal::AsBytes(bytes), by_node);
  TRIB_CHECK(node == DecodeSketch(bytes, by_host));
  TRIB_CHECK(!node.ok() || by_node == by_host);
}

}  // namespace
}  // namespace trib::host::message

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trib::host::message;  // NOLINT(google-build-using-namespace)
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  CheckRecordBytes(bytes);
  CheckSketchBytes(bytes);
  if (const auto opened = OpenSealedRecord(bytes); opened.ok()) {
    TRIB_CHECK(opened->mac.empty() || opened->mac.size() == kMacBytes);
    CheckRecordBytes(opened->record);
  }
  return 0;
}
