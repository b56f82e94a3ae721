#include "site_report.h"

#include "trib/common/host/message/codec.h"
#include "tributary/v1/site.pb.h"

namespace trib::gateway {

std::string EncodeReport(const aggregate::MinuteRollup& rollup,
                         std::span<const drift::NodeFlag> flags,
                         GatewayId gateway,
                         std::uint64_t spool_depth) {
  tributary::v1::SiteReport report;
  report.set_gateway(gateway.value());
  report.set_minute_ms(rollup.minute_ms);
  report.set_records(rollup.totals.records);
  report.set_events(rollup.totals.events);
  report.set_faults(rollup.totals.faults);
  report.set_windows(rollup.totals.windows);
  report.set_nodes_seen(rollup.nodes_seen);
  report.set_spool_depth(spool_depth);
  for (const auto& merged : rollup.sketches) {
    auto& sketch = *report.add_sketches();
    sketch.set_package_hash(merged.package_hash.value());
    sketch.set_recipe_id(merged.recipe_id.value());
    sketch.set_sketch(host::message::EncodeSketch(merged.sketch));
    sketch.set_nodes(merged.nodes);
  }
  for (const drift::NodeFlag& raised : flags) {
    auto& flag = *report.add_flags();
    flag.set_node(raised.node.value());
    flag.set_channel(static_cast<tributary::v1::DriftChannel>(raised.channel));
    flag.set_index(raised.index);
    flag.set_time_ms(raised.time_ms);
    flag.set_before(static_cast<float>(raised.before));
    flag.set_after(static_cast<float>(raised.after));
    flag.set_width(raised.width);
    flag.set_package_hash(raised.package_hash.value());
  }
  return report.SerializeAsString();
}

}  // namespace trib::gateway
