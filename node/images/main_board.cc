// The node's image for a board: everything that it is told lies in board memory
// (docs/formats/board_memory.md), its gateway is at the other end of the board's second UART.
#include <algorithm>
#include <array>
#include <bit>
#include <new>
#include <string_view>
#include <utility>

#include "board_node.h"
#include "crash_on_purpose.h"
#include "trib/common/frame/channel.h"
#include "trib/common/frame/channel_memory.h"
#include "trib/common/message/types.h"
#include "trib/node/app/firmware.h"
#include "trib/node/board/seeded_entropy.h"
#include "trib/node/cortex_m/board.h"
#include "trib/node/cortex_m/console.h"
#include "trib/node/cortex_m/ports.h"
#include "trib/node/cortex_m/system.h"
#include "trib/node/serial/serial_link.h"

namespace trib::node::images {
namespace {

using cortex_m::Console;
namespace this_board = cortex_m::this_board;

/// The longest frame that this image has room for; the identity page may ask for shorter ones.
constexpr std::uint16_t kMtu = 256;
constexpr std::size_t kWindow = 8;
constexpr std::size_t kTransmitBytes = frame::kMaxMessageBytes + 1024;
constexpr std::uint32_t kBaud = 115'200;
constexpr Millis kStatusEvery{5'000};

static_assert(kMtu <= frame::kMaxMtu);
// Its twin books the same.
static_assert(cortex_m::BoardPower::kPeripherals.on == kBoardPeripherals.on &&
              cortex_m::BoardPower::kPeripherals.off == kBoardPeripherals.off);

/// Memory in which an object is made once, and never destroyed.
template <typename T>
class Place {
 public:
  template <typename... Arguments>
  T& Make(Arguments&&... arguments) {
    return *new (memory_.data()) T(std::forward<Arguments>(arguments)...);
  }

 private:
  alignas(T) std::array<std::byte, sizeof(T)> memory_{};
};

constinit std::array<std::byte, 1024> receive_ring{};
constinit std::array<std::byte, 1024> transmit_ring{};
constinit cortex_m::Uart wire(this_board::kLinkUart, receive_ring, transmit_ring);
constinit frame::ChannelStorage<kMtu, kWindow, kTransmitBytes> channel_storage;
constinit Place<frame::Channel> channel_place;
constinit Place<serial::SerialLink> link_place;
constinit BoardStorage storage;
constinit Place<BoardNode> node_place;
TRIB_BULK alignas(16) constinit std::array<std::byte, board::kNetworkBytes> arena{};

std::string_view NameOf(ResetCause cause) {
  switch (cause) {
    case ResetCause::kPowerOn:
      return "power on";
    case ResetCause::kSoftware:
      return "software";
    case ResetCause::kWatchdog:
      return "watchdog";
    case ResetCause::kFault:
      return "fault";
    case ResetCause::kBrownOut:
      return "brown-out";
    case ResetCause::kUnspecified:
      break;
  }
  return "unknown";
}

void SayWhatStarts(const cortex_m::BootReport& boot) {
  constexpr std::uint32_t kVersion = app::kFirmwareVersion;
  Console()
      .Text("node firmware ")
      .Number(kVersion >> 16U)
      .Text(".")
      .Number((kVersion >> 8U) & 0xFFU)
      .Text(".")
      .Number(kVersion & 0xFFU)
      .Text(" on ")
      .Text(this_board::kName)
      .Text(", reset by ")
      .Text(NameOf(boot.cause))
      .End();
  if (boot.crash.kind != CrashKind::kNone) {
    Console()
        .Text("crash ")
        .Number(static_cast<std::uint32_t>(boot.crash.kind))
        .Text(" at ")
        .Hex(boot.crash.program_counter)
        .Text(" address ")
        .Hex(boot.crash.address)
        .End();
  }
}

void SayWhoRuns(const BoardNode& node) {
  const app::NodeLoop& loop = node.loop();
  Console()
      .Text("node ")
      .Number(node.memory().identity.node.value())
      .Text(", boot ")
      .Number(loop.identity().boot)
      .End();
  if (!loop.package_status().ok()) {
    Console().Text("package refused, reason ").Number(loop.package_status().reason()).End();
  } else if (loop.package().present) {
    const std::uint64_t hash = loop.package().hash.value();
    Console()
        .Text("package ")
        .Hex(static_cast<std::uint32_t>(hash >> 32U))
        .Text(" ")
        .Hex(static_cast<std::uint32_t>(hash))
        .End();
  } else {
    Console().Text("no package").End();
  }
}

void Say(std::string_view name, std::uint64_t value) {
  Console().Text(" ").Text(name).Text(" ").Number(value);
}

/// One line: names, which are those of trib-node's report, and values.
void SayHowItGoes(const BoardNode& node,
                  const frame::Channel& channel,
                  const cortex_m::BoardPower& power,
                  MonotonicTime now) {
  const app::NodeLoop& loop = node.loop();
  const app::NodeMetrics& metrics = loop.metrics();
  const cortex_m::StackUse stack = cortex_m::MeasureStack();
  Console()
      .Text(loop.finished()       ? "done"
            : loop.source_ended() ? "ended"
                                  : "status")
      .Text(" state ")
      .Text(NameOf(loop.state()))
      .Text(" link ")
      .Text(channel.in_session() ? "up" : "down");
  Say("windows", metrics.windows);
  Say("events", metrics.events);
  Say("faults", metrics.faults);
  Say("records", metrics.records);
  Say("backlog", loop.backlog_metrics().records);
  Say("bytes_sent", loop.uplink_metrics().bytes_sent);
  Say("bytes_raw", metrics.bytes_raw);
  Say("energy_uj", loop.energy().total_nj() / 1000);
  Say("energy_saved_uj", loop.energy().saved_nj() / 1000);
  constexpr std::array kTiers = {"trigger", "classifier", "gateway", "cloud"};
  for (std::size_t i = 0; i < kTiers.size(); ++i) {
    Say(kTiers[i], metrics.cascade.exits[static_cast<std::size_t>(message::Tier::kTrigger) + i]);
  }
  Say("deferred", metrics.cascade.deferred);
  Say("timeouts", metrics.cascade.timeouts);
  Say("not_asked", metrics.cascade.not_asked);
  Say("uptime_ms", static_cast<std::uint64_t>(now.time_since_epoch().count()));
  Say("slept_ms", static_cast<std::uint64_t>(power.slept().count()));
  Say("stack_bytes", stack.peak_bytes);
  Say("stack_room_bytes", stack.size_bytes);
  Console().End();
}

/// Stays up, and says why again and again: who looks at the console may come late. A watchdog that
/// the node has started goes on, and what comes over the wire must not keep the core awake.
[[noreturn]] void DoNothing(cortex_m::BoardPower& power, std::string_view why) {
  constexpr Millis kFeedEvery{2'000};
  constexpr int kFeedsPerSaying = 8;
  cortex_m::BoardWatchdog watchdog;
  for (;;) {
    Console().Text(why).End();
    for (int i = 0; i < kFeedsPerSaying; ++i) {
      watchdog.Feed();
      std::array<std::byte, 64> unread{};
      while (wire.Read(unread) > 0) {
      }
      power.Sleep(kFeedEvery);
    }
  }
}

[[noreturn]] void Run(BoardNode& node,
                      serial::SerialLink& link,
                      cortex_m::BoardPower& power,
                      Clock& clock) {
  MonotonicTime next_status = clock.Monotonic();
  bool done = false;
  for (;;) {
    const Millis sleep = node.Step();
    CrashOnPurpose(node.loop());
    link.Pump();
    const MonotonicTime now = clock.Monotonic();
    if (now >= next_status || node.loop().finished() != done) {
      done = node.loop().finished();
      next_status = now + kStatusEvery;
      SayHowItGoes(node, link.channel(), power, now);
    }
    if (sleep > Millis(0)) {
      power.Sleep(std::min({sleep, link.UntilDue(), next_status - now}));
    }
  }
}

}  // namespace
}  // namespace trib::node::images

int main() {
  using namespace trib;                // NOLINT(google-build-using-namespace): an image's own
  using namespace trib::node;          // NOLINT(google-build-using-namespace)
  using namespace trib::node::images;  // NOLINT(google-build-using-namespace)
  SayWhatStarts(cortex_m::ThisBoot());
  cortex_m::timebase::Start();
  wire.Start(kBaud);
  cortex_m::BoardPower power(wire);
  cortex_m::BoardClock clock;

  const auto non_volatile = cortex_m::NonVolatile();
  BoardMemory::Part part{};
  const auto memory = BoardMemory::Open(non_volatile, part);
  if (!memory.ok()) {
    DoNothing(power,
              part == BoardMemory::Part::kIdentity
                  ? "board memory holds no identity; nothing to do"
                  : "board memory holds no samples; nothing to do");
  }
  cortex_m::NonVolatileSwitch write_switch;
  const auto flash_of = [&](const board::Area& area, std::uint32_t sector_bytes) {
    return cortex_m::NorFlash(non_volatile.subspan(area.offset, area.bytes),
                              {.sector_bytes = sector_bytes,
                               .sector_count = area.bytes / sector_bytes,
                               .program_unit_bytes = board::kProgramUnitBytes},
                              write_switch);
  };
  cortex_m::NorFlash flash = flash_of(board::kFlashArea, board::kFlashSectorBytes);
  cortex_m::NorFlash seeds = flash_of(board::kEntropyArea, board::kEntropySectorBytes);
  board::SeededEntropy entropy(seeds);
  cortex_m::BoardWatchdog watchdog;
  cortex_m::BoardActuator actuator;

  frame::ChannelOptions options;
  options.station = memory->identity.node.value();
  options.mtu = std::min(memory->identity.mtu, kMtu);
  frame::Channel& channel = channel_place.Make(options, channel_storage.memory());
  serial::SerialLink& link = link_place.Make(channel, wire, clock);
  BoardNode& node =
      node_place.Make(*memory,
                      static_cast<package::HardwareClass>(this_board::kHardwareClass),
                      BoardPorts{clock, link, flash, watchdog, actuator, entropy, power},
                      storage,
                      std::span<std::byte>(arena));
  const Status started = node.Start();
  if (!started.ok()) {
    Console().Text("cannot start, code ").Number(static_cast<std::uint32_t>(started.code())).End();
    DoNothing(power, "the state belongs to another node, or cannot be used; nothing to do");
  }
  SayWhoRuns(node);
  // After the node's own draws, so that those are a twin's, whose link draws elsewhere.
  std::array<std::byte, sizeof(std::uint32_t)> nonce{};
  if (!entropy.Fill(nonce).ok()) {
    DoNothing(power, "no entropy for the link; nothing to do");
  }
  channel.Start(std::bit_cast<std::uint32_t>(nonce), clock.Monotonic());
  Run(node, link, power, clock);
}
