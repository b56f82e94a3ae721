#include "report.h"

namespace trib::tools::linksim {
namespace {

using Json = nlohmann::ordered_json;

Json ToJson(const AirMetrics& m) {
  return {{"frames", m.frames},
          {"bytes", m.bytes},
          {"dropped", m.dropped},
          {"doubled", m.doubled},
          {"reordered", m.reordered},
          {"changed", m.changed},
          {"bits_flipped", m.bits_flipped},
          {"frames_delivered", m.frames_delivered},
          {"bytes_delivered", m.bytes_delivered}};
}

std::string ToText(const AirMetrics& m) {
  return std::to_string(m.frames) + " frames, " + std::to_string(m.bytes) + " bytes on air; " +
         std::to_string(m.dropped) + " dropped, " + std::to_string(m.doubled) + " doubled, " +
         std::to_string(m.reordered) + " reordered, " + std::to_string(m.changed) + " changed";
}

}  // namespace

Json ToJson(const ProxyTotals& totals) {
  return {{"connections", totals.connections},
          {"open", totals.open},
          {"up", ToJson(totals.up)},
          {"down", ToJson(totals.down)}};
}

std::string ToText(const ProxyTotals& totals) {
  return std::to_string(totals.open) + " of " + std::to_string(totals.connections) +
         " connections open\n  up:   " + ToText(totals.up) + "\n  down: " + ToText(totals.down) +
         "\n";
}

}  // namespace trib::tools::linksim
