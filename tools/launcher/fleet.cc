#include "trib/tools/launcher/fleet.h"

#include <csignal>
#include <fstream>
#include <variant>

#include "trib/common/host/control/control_client.h"
#include "trib/common/host/control/types.h"
#include "trib/common/host/identity/identity.h"

namespace trib::tools::launcher {
namespace {

using nlohmann::json;

std::string Quoted(const std::filesystem::path& path) {
  return json(path.string()).dump();
}

std::string GatewayName(std::uint64_t id) {
  return "gateway-" + std::to_string(id);
}

}  // namespace

std::string Fleet::NodeName(std::uint64_t id) {
  return "node-" + std::to_string(id);
}

Fleet::Fleet(Options options) : options_(std::move(options)) {}
Fleet::~Fleet() = default;

bool Fleet::Fail(std::string text) {
  error_ = std::move(text);
  return false;
}

std::filesystem::path Fleet::File(std::string_view name) const {
  return options_.folder / name;
}

std::string Fleet::Program(std::string_view name) const {
  return (options_.bin / name).string();
}

bool Fleet::Write(std::string_view name, const std::string& text) {
  std::ofstream out(File(name), std::ios::trunc);
  out << text;
  out.close();
  return out ? true : Fail(File(name).string() + ": cannot write");
}

bool Fleet::MakeKey(std::string_view name) {
  const auto path = File(std::string(name) + ".key");
  if (std::filesystem::exists(path)) {
    return true;
  }
  const auto pair = host::identity::GenerateKeyPair();
  if (!pair.ok()) {
    return Fail("no source of randomness for a key");
  }
  return host::identity::SaveKeyPair(path, *pair, name, &error_).ok();
}

std::string Fleet::PublicKeyHex(std::string_view name) {
  const auto key = host::identity::LoadPublicKey(File(std::string(name) + ".key.pub"), &error_);
  return key.ok() ? host::identity::ToHex(key->bytes) : std::string();
}

bool Fleet::MakeKeys() {
  return MakeKey("operator") && MakeKey("cloud") && MakeKey("package");
}

bool Fleet::RunTrib(const std::vector<std::string>& arguments) {
  Process::Options run{.argv = {Program("trib")}, .log = File("trib.log")};
  run.argv.insert(run.argv.end(), arguments.begin(), arguments.end());
  auto process = Process::Start(run, error_);
  if (!process) {
    return false;
  }
  const auto exit = process->Wait(options_.start_limit);
  return exit && exit->clean() ? true
                               : Fail("trib " + arguments.front() + ": " + process->LastLogLine());
}

bool Fleet::Sign(const std::filesystem::path& package, const std::filesystem::path& out) {
  return RunTrib({"package",
                  "sign",
                  package.string(),
                  "--key",
                  File("package.key").string(),
                  "-o",
                  out.string()});
}

std::optional<std::filesystem::path> Fleet::SignedPackage(const std::filesystem::path& spec) {
  const auto name = spec.parent_path().filename().string();
  const auto unsigned_file = File(name + ".unsigned.trib");
  const auto signed_file = File(name + ".trib");
  if (!RunTrib({"package", "build", spec.string(), "-o", unsigned_file.string()}) ||
      !Sign(unsigned_file, signed_file)) {
    return std::nullopt;
  }
  return signed_file;
}

std::optional<std::filesystem::path> Fleet::AddNetwork(const std::filesystem::path& head,
                                                       const std::filesystem::path& tail) {
  const auto folder = File("networks");
  const auto signed_head = folder / head.filename();
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (!failed) {
    std::filesystem::copy_file(
        tail, folder / tail.filename(), std::filesystem::copy_options::overwrite_existing, failed);
  }
  if (failed) {
    Fail(tail.string() + ": " + failed.message());
    return std::nullopt;
  }
  if (!Sign(head, signed_head)) {
    return std::nullopt;
  }
  options_.gateway_tails = "directory = " + Quoted(folder) + "\n";
  options_.cloud_tails = options_.gateway_tails;
  return signed_head;
}

bool Fleet::StartDaemon(std::string_view program,
                        const std::string& name,
                        std::optional<Process>& process,
                        Endpoints& endpoints) {
  const auto ready = File(name + ".ready.json");
  std::filesystem::remove(ready);
  process = Process::Start({.argv = {Program(program), "--config", File(name + ".toml").string()},
                            .log = File(name + ".log"),
                            .environment = environments_[name]},
                           error_);
  if (!process) {
    return false;
  }
  const bool done = WaitUntil([&] { return std::filesystem::exists(ready) || process->Poll(); },
                              options_.start_limit);
  if (const auto exit = process->Poll()) {
    return Fail(name + ": " + exit->Describe() + ": " + process->LastLogLine());
  }
  if (!done) {
    return Fail(name + ": not ready in time; see " + File(name + ".log").string());
  }
  std::ifstream in(ready);
  const json parsed = json::parse(in, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("south") || !parsed.contains("admin")) {
    return Fail(ready.string() + ": not understood");
  }
  endpoints.south = parsed["south"].get<std::string>();
  endpoints.admin = parsed["admin"].get<std::string>();
  endpoints.serial = parsed.value("serial", std::vector<std::string>());
  return true;
}

std::string Fleet::TailsTable(const std::string& lines) {
  return "\n[tails]\npackage_keys = [\"" + PublicKeyHex("package") + "\"]\n" + lines;
}

std::string Fleet::SerialTable(Endpoints& endpoints) const {
  if (options_.gateway_serial.empty()) {
    return {};
  }
  if (endpoints.serial.empty()) {
    endpoints.serial = options_.gateway_serial;
  }
  return "\n[serial]\nendpoints = " + json(endpoints.serial).dump() +
         "\nnodes = " + json(options_.serial_nodes).dump() + "\n";
}

bool Fleet::StartCloud() {
  const std::string config =
      "key = " + Quoted(File("cloud.key")) + "\nready_file = " + Quoted(File("cloud.ready.json")) +
      "\n[south]\nbind = \"" + cloud_endpoints_.south + "\"\n[admin]\nbind = \"" +
      cloud_endpoints_.admin + "\"\noperators = [\"" + PublicKeyHex("operator") +
      "\"]\n[store]\npath = " + Quoted(File("cloud.db")) + "\n" + options_.cloud_store +
      (options_.cloud_drift.empty() ? "" : "\n[drift]\n" + options_.cloud_drift) +
      // What is named for drift is trusted by the same key.
      (options_.cloud_tails.empty() && options_.cloud_drift.empty()
           ? ""
           : TailsTable(options_.cloud_tails));
  return Write("cloud.toml", config) &&
         StartDaemon("trib-cloud", "cloud", cloud_, cloud_endpoints_);
}

bool Fleet::StartGateway(std::uint64_t id) {
  auto& gateway = gateways_[id];
  const auto name = GatewayName(id);
  const std::string config =
      "id = " + std::to_string(id) + "\nkey = " + Quoted(File(name + ".key")) +
      "\nready_file = " + Quoted(File(name + ".ready.json")) + "\n[south]\nbind = \"" +
      gateway.endpoints.south + "\"\n" + options_.gateway_south + "[north]\nendpoint = \"" +
      (gateway.north.empty() ? cloud_endpoints_.south : gateway.north) + "\"\ncloud_key = \"" +
      PublicKeyHex("cloud") + "\"\n[admin]\nbind = \"" + gateway.endpoints.admin +
      "\"\noperators = [\"" + PublicKeyHex("operator") +
      "\"]\n[spool]\npath = " + Quoted(File(name + ".spool")) + "\n" + options_.gateway_spool +
      (options_.gateway_tails.empty() ? "" : TailsTable(options_.gateway_tails)) +
      SerialTable(gateway.endpoints);
  return Write(name + ".toml", config) &&
         StartDaemon("trib-gateway", name, gateway.process, gateway.endpoints);
}

std::vector<std::string> Fleet::WayToGateway(std::uint64_t id, const std::string& serial) {
  if (!serial.empty()) {
    return {"--serial", serial};
  }
  const std::uint64_t gateway = nodes_[id].gateway;
  return {"--key",
          File(NodeName(id) + ".key").string(),
          "--gateway",
          gateways_[gateway].endpoints.south,
          "--gateway-key",
          File(GatewayName(gateway) + ".key.pub").string()};
}

bool Fleet::StartNode(std::uint64_t id, const NodeRun& run) {
  auto& node = nodes_[id];
  const auto name = NodeName(id);
  Process::Options options{.argv = {Program("trib-node"),
                                    "--id",
                                    std::to_string(id),
                                    "--state",
                                    File(name + ".state").string(),
                                    "--json"},
                           .log = File(name + ".log"),
                           .capture_stdout = true,
                           .environment = environments_[name]};
  const std::vector<std::string> way = WayToGateway(id, run.serial);
  options.argv.insert(options.argv.end(), way.begin(), way.end());
  if (!run.package.empty()) {
    options.argv.insert(
        options.argv.end(),
        {"--package", run.package, "--package-key", File("package.key.pub").string()});
  }
  options.argv.insert(options.argv.end(), run.arguments.begin(), run.arguments.end());
  node.process = Process::Start(options, error_);
  return node.process.has_value();
}

bool Fleet::Admit(const json& device) {
  for (const auto* call : {"enroll", "accept"}) {
    if (CallCloud(call, call == std::string_view("enroll") ? device : json{{"id", device["id"]}})
            .is_null()) {
      return false;
    }
  }
  return true;
}

bool Fleet::AdmitGateway(std::uint64_t id) {
  const auto name = GatewayName(id);
  return MakeKey(name) &&
         Admit(
             {{"id", id}, {"kind", "gateway"}, {"public_key", PublicKeyHex(name)}, {"name", name}});
}

bool Fleet::AdmitNode(std::uint64_t id, std::uint64_t gateway) {
  const auto name = NodeName(id);
  nodes_[id].gateway = gateway;
  return MakeKey(name) && Admit({{"id", id},
                                 {"kind", "node"},
                                 {"public_key", PublicKeyHex(name)},
                                 {"gateway", gateway},
                                 {"name", name}});
}

Process* Fleet::gateway(std::uint64_t id) {
  auto& process = gateways_[id].process;
  return process ? &*process : nullptr;
}

Process* Fleet::node(std::uint64_t id) {
  auto& process = nodes_[id].process;
  return process ? &*process : nullptr;
}

json Fleet::Call(const std::string& endpoint,
                 std::string_view server,
                 std::string_view call,
                 const json& arguments) {
  const auto own = host::identity::LoadKeyPair(File("operator.key"), &error_);
  const auto other = host::identity::LoadPublicKey(File(std::string(server) + ".key.pub"), &error_);
  if (!own.ok() || !other.ok()) {
    return {};
  }
  const auto own_curve = host::identity::ToCurve(*own);
  const auto server_curve = host::identity::ToCurve(*other);
  if (!server_curve.ok()) {
    Fail(std::string(server) + ".key.pub: no usable key");
    return {};
  }
  const host::zmq::CurveKeys keys{.public_key = own_curve.public_key.bytes,
                                  .secret_key = own_curve.secret_key.bytes};
  auto client = host::control::ControlClient::Open(context_,
                                                   keys,
                                                   {.endpoint = endpoint,
                                                    .server_public_key = server_curve->bytes,
                                                    .deadline = Millis(options_.start_limit)},
                                                   error_);
  if (!client.ok()) {
    return {};
  }
  auto outcome = (*client)->Call(call, arguments);
  if (const auto* problem = std::get_if<host::control::ControlError>(&outcome)) {
    Fail(std::string(server) + ": " + std::string(call) + ": " + problem->message);
    return {};
  }
  return std::get<json>(std::move(outcome));
}

json Fleet::CallCloud(std::string_view call, const json& arguments) {
  return Call(cloud_endpoints_.admin, "cloud", call, arguments);
}

json Fleet::CallGateway(std::uint64_t id, std::string_view call, const json& arguments) {
  return Call(gateways_[id].endpoints.admin, GatewayName(id), call, arguments);
}

std::optional<std::string> Fleet::Casualty() {
  const auto check = [](std::optional<Process>& process,
                        const std::string& name) -> std::optional<std::string> {
    if (process) {
      if (const auto exit = process->Poll(); exit && !exit->clean()) {
        return name + ": " + exit->Describe() + ": " + process->LastLogLine();
      }
    }
    return std::nullopt;
  };
  if (auto bad = check(cloud_, "cloud")) {
    return bad;
  }
  for (auto& [id, gateway] : gateways_) {
    if (auto bad = check(gateway.process, GatewayName(id))) {
      return bad;
    }
  }
  for (auto& [id, node] : nodes_) {
    if (auto bad = check(node.process, NodeName(id))) {
      return bad;
    }
  }
  return std::nullopt;
}

bool Fleet::Stop(std::chrono::milliseconds grace) {
  bool clean = true;
  const auto stop = [&](std::optional<Process>& process, const std::string& name) {
    if (!process) {
      return;
    }
    const Exit exit = process->Stop(grace);
    if (!exit.clean()) {
      clean = Fail(name + ": " + exit.Describe() + ": " + process->LastLogLine());
    }
  };
  // All nodes are told first, so that they stop side by side.
  for (auto& [id, node] : nodes_) {
    if (node.process) {
      node.process->Signal(SIGTERM);
    }
  }
  for (auto& [id, node] : nodes_) {
    stop(node.process, NodeName(id));
  }
  for (auto& [id, gateway] : gateways_) {
    stop(gateway.process, GatewayName(id));
  }
  stop(cloud_, "cloud");
  return clean;
}

}  // namespace trib::tools::launcher
