#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "proxy.h"

namespace trib::tools::linksim {

/// One line of --json.
nlohmann::ordered_json ToJson(const ProxyTotals& totals);
/// The same for people.
std::string ToText(const ProxyTotals& totals);

}  // namespace trib::tools::linksim
