#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "trib/common/host/identity/identity.h"
#include "trib/common/host/package/package.h"
#include "trib/common/package/package.h"
#include "trib/node/board/entropy_sector.h"
#include "trib/node/board/sensor_memory.h"
#include "trib/node/sim/board_file.h"
#include "trib/tools/board/image.h"

namespace trib::tools::board {
namespace {

using Json = nlohmann::ordered_json;
using node::sim::BoardFile;

std::string_view Explain(node::board::PageReason reason) {
  switch (reason) {
    case node::board::PageReason::kBlank:
      return "blank";
    case node::board::PageReason::kLength:
      return "its length is wrong";
    case node::board::PageReason::kChecksum:
      return "its checksum is wrong";
    case node::board::PageReason::kValue:
      return "a value is outside its range";
    case node::board::PageReason::kNone:
      break;
  }
  return "good";
}

std::string_view Explain(node::board::SensorReason reason) {
  switch (reason) {
    case node::board::SensorReason::kBlank:
      return "blank";
    case node::board::SensorReason::kValue:
      return "a value is outside its range";
    case node::board::SensorReason::kLength:
      return "it reaches beyond the memory";
    case node::board::SensorReason::kChecksum:
      return "its table's checksum is wrong";
    case node::board::SensorReason::kFrames:
      return "its blocks do not add up";
    case node::board::SensorReason::kNone:
      break;
  }
  return "good";
}

Json IdentityOf(const BoardFile& file, const node::board::IdentityPage& page) {
  Json keys = Json::array();
  for (const crypto::PublicKey& key : page.package_keys) {
    keys.push_back(host::identity::ToHex(key.bytes));
  }
  Json package;
  if (page.package_bytes > 0) {
    package = {{"bytes", page.package_bytes}, {"digest", nullptr}};
    const auto view =
        package::PackageView::Open(file.area(node::board::kPackageArea).first(page.package_bytes));
    if (view.ok()) {
      package["digest"] = host::identity::ToHex(view->digest());
    }
  }
  return {{"node", page.node.value()},
          {"seed", page.seed},
          {"start_time_ms", page.start.time_since_epoch().count()},
          {"own_time", page.own_time},
          {"full_speed", page.full_speed},
          {"hold_for_verdicts", page.hold_for_verdicts},
          {"mtu", page.mtu},
          {"package", package},
          {"package_keys", keys}};
}

Json EntropyOf(const BoardFile& file) {
  Json out;
  std::uint32_t newest = 0;
  const auto area = file.area(node::board::kEntropyArea);
  for (std::size_t at = 0; at < area.size(); at += node::board::kEntropySectorBytes) {
    const auto sector =
        node::board::DecodeEntropySector(area.subspan(at, node::board::kEntropySectorBytes));
    if (sector.ok() && (out.is_null() || sector->generation > newest)) {
      newest = sector->generation;
      out = {{"generation", sector->generation},
             {"boots", sector->units_used},
             {"boots_left", sector->units - sector->units_used}};
    }
  }
  return out;
}

Json SensorOf(const node::board::SensorTable& table) {
  std::uint64_t frames = table.frames();
  for (std::uint32_t i = 0; i < table.block_count(); ++i) {
    frames += table.block(i).pause_frames;
  }
  return {{"sample_rate_hz", table.sample_rate_hz()},
          {"channels", table.channels()},
          {"blocks", table.block_count()},
          {"frames", table.frames()},
          {"seconds", static_cast<double>(frames) / table.sample_rate_hz()},
          {"loop", table.loop()}};
}

}  // namespace

Json Inspect(const std::filesystem::path& path, std::string& error) {
  const auto file = BoardFile::Open(path, error);
  if (!file.ok()) {
    return nullptr;
  }
  Json out{{"file", path.string()},
           {"board", std::string(package::HardwareClassName((*file)->board()))}};
  const auto page = node::board::DecodeIdentity((*file)->area(node::board::kIdentityArea));
  if (!page.ok()) {
    error = path.string() + ": no identity: " +
            std::string(Explain(static_cast<node::board::PageReason>(page.status().reason())));
    return nullptr;
  }
  out.update(IdentityOf(**file, *page));
  out["entropy"] = EntropyOf(**file);
  const auto table = node::board::SensorTable::Open((*file)->area(node::board::kSensorArea));
  if (!table.ok()) {
    error = path.string() + ": no sensor memory: " +
            std::string(Explain(static_cast<node::board::SensorReason>(table.status().reason())));
    return nullptr;
  }
  out["sensor"] = SensorOf(*table);
  return out;
}

}  // namespace trib::tools::board
