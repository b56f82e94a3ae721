#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "trib/common/base/ids.h"
#include "trib/gateway/aggregate/types.h"
#include "trib/gateway/drift/types.h"

namespace trib::gateway {

/// An encoded SiteReport.
///
/// Requires  At most message::kMaxSiteFlags flags.
std::string EncodeReport(const aggregate::MinuteRollup& rollup,
                         std::span<const drift::NodeFlag> flags,
                         GatewayId gateway,
                         std::uint64_t spool_depth);

}  // namespace trib::gateway
