#include <cstddef>
#include <cstdint>
#include <string_view>

#include "trib/cloud/ingest/site_codec.h"
#include "trib/common/base/check.h"

namespace {

class EveryoneBound final : public trib::cloud::Bindings {
 public:
  trib::cloud::Binding Of(trib::NodeId node, trib::GatewayId) const override {
    return static_cast<trib::cloud::Binding>(node.value() % 5);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto envelope = trib::cloud::ingest::Decode(bytes, trib::GatewayId(9), EveryoneBound());
  if (const auto* batch = std::get_if<trib::cloud::Batch>(&envelope)) {
    TRIB_CHECK(batch->records.size() + batch->rejected.size() <= trib::message::kMaxBatchRecords);
    for (const auto& row : batch->records) {
      TRIB_CHECK(row.header.key.node.value() != 0 && !row.sealed.empty());
    }
  }
  return 0;
}
