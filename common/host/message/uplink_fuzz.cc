// Any bytes from a node's link: accepted exactly when the byte law says so, and every record in an
// accepted batch opens and gives the same batch again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "convert.h"
#include "trib/common/base/check.h"
#include "trib/common/host/message/codec.h"
#include "trib/common/message/wire.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trib::host::message;  // NOLINT(google-build-using-namespace)
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto uplink = DecodeUplink(bytes);
  const auto law = CheckEnvelope(internal::AsBytes(bytes));
  TRIB_CHECK(uplink.ok() == (law.ok() && *law <= 10));
  if (!uplink.ok()) {
    TRIB_CHECK(uplink.status().code() == trib::Code::kDataLoss && uplink.status().reason() != 0);
    return 0;
  }
  std::string again;
  if (uplink->kind == Uplink::Kind::kHello) {
    again = EncodeHello(uplink->node, uplink->hello);
  } else if (uplink->kind == Uplink::Kind::kChunk) {
    again = EncodeChunk(uplink->node, uplink->chunk);
  } else {
    std::vector<std::string> sealed;
    for (const auto& record : uplink->records) {
      TRIB_CHECK(OpenSealedRecord(record.sealed).ok());
      sealed.push_back(record.sealed);
    }
    again = EncodeRecords(uplink->node, sealed);
  }
  TRIB_CHECK(again.size() < bytes.size() || again == bytes);
  return 0;
}
