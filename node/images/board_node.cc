#include "board_node.h"

#include <algorithm>
#include <optional>

namespace trib::node::images {
namespace {

/// With more than this unacknowledged, samples that can wait do: a backlog that fills drops.
constexpr std::uint64_t kFullBacklogBytes = 262'144;
/// Who may wait for ever is not missed.
constexpr Millis kNeverSilent{86'400'000};
constexpr Millis kSilent{10'000};

std::optional<LogicalTime> OwnStart(const board::IdentityPage& page) {
  return page.own_time ? std::optional(page.start) : std::nullopt;
}

app::NodeConfig ConfigOf(const BoardMemory& memory, package::HardwareClass board) {
  const board::IdentityPage& page = memory.identity;
  app::NodeConfig config;
  config.node = page.node;
  config.hardware_class = board;
  config.state_region = {.first = SectorIndex(0), .sectors = board::kStateSectors};
  config.backlog_region = {.first = SectorIndex(board::kStateSectors),
                           .sectors = board::kBacklogSectors};
  config.seed = page.seed;
  const std::uint64_t pause_ms =
      std::uint64_t{memory.sensor.longest_pause_frames()} * 1000 / memory.sensor.sample_rate_hz();
  config.sensor_silence = page.full_speed || page.hold_for_verdicts
                              ? kNeverSilent
                              : kSilent + Millis(static_cast<std::int64_t>(pause_ms));
  return config;
}

app::NodeMemory WithArena(app::NodeMemory memory, std::span<std::byte> arena) {
  memory.network = arena;
  return memory;
}

}  // namespace

Result<BoardMemory> BoardMemory::Open(std::span<const std::byte> memory, Part& part) {
  const auto area = [&memory](const board::Area& of) {
    return memory.subspan(of.offset, of.bytes);
  };
  part = Part::kIdentity;
  TRIB_TRY_ASSIGN(const board::IdentityPage identity,
                  board::DecodeIdentity(area(board::kIdentityArea)));
  part = Part::kSensor;
  TRIB_TRY_ASSIGN(const board::SensorTable sensor,
                  board::SensorTable::Open(area(board::kSensorArea)));
  return BoardMemory{.identity = identity,
                     .sensor = sensor,
                     .package = area(board::kPackageArea).first(identity.package_bytes)};
}

BoardNode::BoardNode(const BoardMemory& memory,
                     package::HardwareClass board,
                     const BoardPorts& ports,
                     BoardStorage& storage,
                     std::span<std::byte> arena)
    : memory_(memory),
      clock_(ports.clock, OwnStart(memory.identity)),
      sensor_(memory.sensor, clock_, memory.identity.full_speed),
      loop_({.clock = clock_,
             .sensor = sensor_,
             .link = ports.link,
             .flash = ports.flash,
             .watchdog = ports.watchdog,
             .actuator = ports.actuator,
             .entropy = ports.entropy,
             .power = ports.power},
            ConfigOf(memory, board),
            WithArena(storage.memory(), arena)) {
  if (!memory.identity.own_time && memory.identity.start != LogicalTime()) {
    ports.clock.SetTime(memory.identity.start);
  }
}

bool BoardNode::MustHold() const {
  const board::IdentityPage& page = memory_.identity;
  const auto& network = loop_.package().network;
  const bool asks = network && network->split;
  if (page.hold_for_verdicts && asks && (!loop_.in_session() || loop_.open_questions() > 0)) {
    return true;
  }
  return page.full_speed && loop_.backlog_metrics().record_bytes > kFullBacklogBytes;
}

Millis BoardNode::Step() {
  sensor_.Hold(MustHold());
  const Millis sleep = loop_.Step();
  if (sleep <= Millis(0) || loop_.source_ended()) {
    return sleep;
  }
  return std::min(sleep, sensor_.UntilReady());
}

}  // namespace trib::node::images
