#include "sim_options.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <filesystem>

#include "trib/common/frame/frame.h"
#include "trib/common/host/config/config_file.h"
#include "trib/common/host/serial/endpoint.h"

namespace trib::node::images {
namespace {

constexpr const char* kProgram = "trib-node";

int Usage(const std::string& text) {
  host::cli::PrintError(kProgram, text);
  return host::cli::kExitUsage;
}

/// A key in the file is 64 hex digits or a path that counts from the file's folder.
std::string KeyArgument(const std::string& config, const std::string& key) {
  const bool hex = key.size() == 64 && key.find_first_not_of("0123456789abcdefABCDEF") == key.npos;
  return hex || key.empty() ? key : (std::filesystem::path(config).parent_path() / key).string();
}

/// The way to the gateway: one given on the command line stands above the file's, of either kind.
void ReadGateway(const CLI::App& app, host::config::ConfigFile& file, SimOptions& options) {
  const std::string endpoint = file.String("gateway.endpoint", "");
  const std::string key = KeyArgument(options.config, file.String("gateway.key", ""));
  const std::string serial = file.String("gateway.serial", "");
  const auto mtu = static_cast<std::uint16_t>(
      file.Int("gateway.serial_mtu", options.serial_mtu, {frame::kMinMtu, frame::kMaxMtu}));
  options.serial_mtu = app.count("--serial-mtu") == 0 ? mtu : options.serial_mtu;
  if (options.serial.empty()) {
    options.gateway = app.count("--gateway") == 0 ? endpoint : options.gateway;
    options.gateway_key = app.count("--gateway-key") == 0 ? key : options.gateway_key;
  }
  if (app.count("--gateway") == 0 && app.count("--serial") == 0) {
    options.serial = serial;
  }
}

/// Fills what no flag has set.
std::optional<int> ReadConfig(const CLI::App& app, SimOptions& options) {
  if (options.config.empty()) {
    return std::nullopt;
  }
  auto file = host::config::ConfigFile::Load(options.config);
  const auto text = [&](const char* flag, const char* key, std::string& out) {
    const std::string value = file.String(key, out);
    out = app.count(flag) == 0 ? value : out;
  };
  const auto path = [&](const char* flag, const char* key, std::string& out) {
    const std::string value = file.Path(key, std::filesystem::path()).string();
    out = app.count(flag) == 0 && !value.empty() ? value : out;
  };
  const auto id = file.Int("id", 0, {0, INT64_MAX});
  options.id = app.count("--id") == 0 ? static_cast<std::uint64_t>(id) : options.id;
  path("--key", "key", options.key);
  path("--state", "state", options.state);
  ReadGateway(app, file, options);
  path("--package", "package.file", options.package);
  std::vector<std::string> keys = file.Strings("package.keys");
  for (std::string& key : keys) {
    key = KeyArgument(options.config, key);
  }
  options.package_keys = app.count("--package-key") == 0 ? keys : options.package_keys;
  // A source on the command line stands above the file's, whatever kind either is.
  if (options.generate) {
    (void)file.Path("source.replay", std::filesystem::path());
  } else {
    path("--replay", "source.replay", options.replay);
  }
  path("--machine", "source.machine", options.machine);
  const bool loop = file.Bool("source.loop", options.loop);
  options.loop = app.count("--loop") == 0 ? loop : options.loop;
  text("--time-scale", "source.time_scale", options.time_scale);
  const auto seed = file.Int("seed", 0, {0, INT64_MAX});
  options.seed = app.count("--seed") == 0 ? static_cast<std::uint64_t>(seed) : options.seed;
  if (!file.Finish().ok()) {
    for (const std::string& error : file.errors()) {
      host::cli::PrintError(kProgram, error);
    }
    return host::cli::kExitUsage;
  }
  return std::nullopt;
}

/// How the gateway is to be reached.
std::optional<int> CheckLink(const SimOptions& options) {
  if (!options.serial.empty() && !(options.gateway.empty() && options.gateway_key.empty())) {
    return Usage("give either --serial, or --gateway and --gateway-key");
  }
  std::string error;
  if (!options.serial.empty() &&
      !host::serial::ParseEndpoint(options.serial, host::serial::Use::kConnect, error).ok()) {
    return Usage("--serial: " + error);
  }
  if (options.gateway.empty() != options.gateway_key.empty()) {
    return Usage("--gateway and --gateway-key go together");
  }
  if (!options.gateway.empty() && options.key.empty()) {
    return Usage("--key: a node with a gateway needs its key file (trib key new -o FILE)");
  }
  return std::nullopt;
}

/// Of a node that is told by board memory who it is.
std::optional<int> CheckBoard(const CLI::App& app, const SimOptions& options) {
  for (const char* flag : {"--id",
                           "--state",
                           "--package",
                           "--package-key",
                           "--replay",
                           "--machine",
                           "--generate",
                           "--phases",
                           "--inject",
                           "--seed",
                           "--time-scale",
                           "--loop",
                           "--serial-mtu"}) {
    if (app.count(flag) > 0) {
      return Usage(std::string(flag) + ": --board-memory says it; give one of the two");
    }
  }
  return CheckLink(options);
}

std::optional<int> Check(const CLI::App& app, SimOptions& options) {
  if (!options.board_memory.empty()) {
    return CheckBoard(app, options);
  }
  if (options.id == 0) {
    return Usage("--id: give the node's id, a number above 0");
  }
  if (options.state.empty()) {
    return Usage("--state: give the file that holds the node's flash");
  }
  if (options.replay.empty() == (options.machine.empty() && !options.generate)) {
    return Usage("give either --replay MANIFEST, or --generate SEED or --machine FILE or both");
  }
  if (const auto code = CheckLink(options)) {
    return code;
  }
  if (!options.package.empty() && options.package_keys.empty()) {
    return Usage("--package-key: give the public key that a package must be signed with");
  }
  if (options.time_scale == "max") {
    options.pace = 0;
  } else {
    const char* end = options.time_scale.data() + options.time_scale.size();
    const auto parsed = std::from_chars(options.time_scale.data(), end, options.pace);
    if (parsed.ec != std::errc() || parsed.ptr != end ||
        !(options.pace >= 1e-3 && options.pace <= 1e6)) {
      return Usage("--time-scale: '" + options.time_scale +
                   "' is neither max nor a number from 0.001 to 1000000");
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<int> ParseSimOptions(int argc, const char* const* argv, SimOptions& options) {
  CLI::App app{
      "One node on this machine: replays a recording or simulates a machine\n"
      "Flags stand above the configuration file. Times of --inject and --phases are "
      "seconds of signal.",
      kProgram};
  host::cli::AddCommonOptions(app, options.common);
  app.add_option("--config", options.config, "Configuration file; deploy/node.toml has every key")
      ->type_name("FILE");
  app.add_flag("--check-config",
               options.check_config,
               "Check options, keys, package and recording as a start would, and end");
  app.add_option("--id", options.id, "The node's id, as enrolled: 1 or more")->type_name("ID");
  app.add_option("--key", options.key, "The node's secret key file, made by trib key new")
      ->type_name("FILE");
  app.add_option("--gateway",
                 options.gateway,
                 "The gateway's [south] endpoint; without it records stay in --state")
      ->type_name("tcp://HOST:PORT");
  app.add_option("--gateway-key",
                 options.gateway_key,
                 "The gateway's public key: 64 hex digits, or its .pub file")
      ->type_name("HEX|FILE");
  app.add_option("--serial",
                 options.serial,
                 "Instead of --gateway: a wire to it, a device or TCP of this machine only, as it "
                 "is not encrypted yet; the gateway must name the node in its [serial] nodes")
      ->type_name("/dev/NAME[?baud=N]|tcp://127.0.0.1:PORT");
  app.add_option("--serial-mtu", options.serial_mtu, "Longest frame on the wire, in bytes")
      ->type_name("BYTES")
      ->check(CLI::Range(frame::kMinMtu, frame::kMaxMtu))
      ->capture_default_str();
  app.add_option("--package",
                 options.package,
                 "Signed package to run; without it the node has its built-in rules only")
      ->type_name("FILE");
  app.add_option("--package-key",
                 options.package_keys,
                 "Public key that a package must be signed with; repeatable")
      ->type_name("HEX|FILE");
  app.add_option("--state",
                 options.state,
                 "The node's flash: state and backlog; 2 MB, made when absent, needed")
      ->type_name("FILE");
  app.add_flag("--no-sync",
               options.no_sync,
               "Do not fsync --state at each write: faster, but a power cut may lose it");
  app.add_option("--replay",
                 options.replay,
                 "Recording manifest to play (docs/formats/recording.md); this or --generate")
      ->type_name("FILE");
  app.add_option("--board-memory",
                 options.board_memory,
                 "Run the node of a microcontroller board, from the file of its memory that trib "
                 "board image made: what it records is what the board would; says all but the "
                 "gateway")
      ->type_name("FILE");
  app.add_flag("--loop", options.loop, "Play the recording, or the phases, for ever");
  app.add_option("--generate",
                 options.generate,
                 "Simulate a machine, each seed another one; this or --replay")
      ->type_name("SEED");
  app.add_option("--machine",
                 options.machine,
                 "What the simulated machine is (docs/formats/machine.md; default a motor whose "
                 "bearing gets an outer race fault)")
      ->type_name("FILE");
  app.add_option(
         "--phases",
         options.phases,
         "Of the simulated machine, in seconds (default normal:45,fault:15 without --machine)")
      ->type_name("normal:S,fault:S,...");
  app.add_option(
         "--inject",
         options.inject,
         "Break the sensor from one second to another, e.g. stuck@30..40; repeatable. KIND: stuck "
         "(one value), clipped (at the rails), missing (frames marked as invented), "
         "nonfinite (frames marked as not a number), scale (calibration is NaN), range "
         "(beyond anything believable), gap (frames lost). Or let it drift, e.g. gain:1.2@30..90: "
         "gain (a factor), offset and noise (a standard deviation; both in the unit of the "
         "samples, g of a machine); gain:1-1.2@30..90 is reached in a straight line and kept")
      ->type_name("KIND[:VALUE[-VALUE]]@S..S");
  app.add_option("--time-scale",
                 options.time_scale,
                 "Seconds of signal per second: 0.001 to 1000000, or max")
      ->type_name("FACTOR|max")
      ->capture_default_str();
  app.add_option("--seed",
                 options.seed,
                 "Chooses the audit sample, the jitter of retries and injected noise")
      ->type_name("N")
      ->capture_default_str();
  app.add_flag("--exit-when-done",
               options.exit_when_done,
               "End when the source has ended and everything is acknowledged");
  app.add_option("--drain-timeout",
                 options.drain_timeout_s,
                 "With --exit-when-done: seconds to wait for the last acknowledgements")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option(
         "--report", options.report_s, "Print a report every so many seconds; 0: only at the end")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_flag("--json", options.json, "Print reports as JSON, one per line");
  app.footer(
      "Link states:\n"
      "  up                the gateway accepted this node's key; with --serial, answered it\n"
      "  connecting        no answer yet\n"
      "  unreachable       nobody listens there, or the name is unknown\n"
      "  refused           the gateway does not know the key: not enrolled, pending or revoked\n"
      "  handshake_failed  the gateway has another key than --gateway-key, or it is no gateway\n"
      "  down              was up, trying again\n"
      "  silent            up, but nothing was acknowledged for 30 s: perhaps revoked meanwhile\n"
      "  none              no gateway is configured\n"
      "Exit codes:\n"
      "  0  ended as asked\n"
      "  1  failed: the state file cannot be used, the recording could not be read to its end, or "
      "records were not acknowledged within --drain-timeout; they stay in the state file\n"
      "  2  wrong usage or configuration; nothing was tried\n"
      "  4  ended as asked, but the package was refused, so the node ran by its built-in rules\n"
      "Files:\n"
      "  deploy/node.toml  an example of the configuration\n"
      "  --state           holds what is not acknowledged yet; belongs to one node for ever\n"
      "Examples:\n"
      "  trib-node --id 1 --key node-1.key --state node-1.state --gateway tcp://127.0.0.1:7400 \\\n"
      "      --gateway-key gateway.key.pub --generate 1 --report 5\n"
      "  trib-node --id 17 --state node-17.state --serial tcp://127.0.0.1:7500 --generate 1\n"
      "  trib-node --config node.toml --check-config");
  if (const auto code = host::cli::ParseArguments(app, argc, argv)) {
    return code;
  }
  if (const auto code = ReadConfig(app, options)) {
    return code;
  }
  return Check(app, options);
}

}  // namespace trib::node::images
