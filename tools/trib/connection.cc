#include "connection.h"

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "trib/common/host/cli/output.h"
#include "trib/common/host/config/config_file.h"
#include "trib/common/host/control/control_client.h"
#include "trib/common/host/identity/identity.h"
#include "trib/common/host/zmq/context.h"

namespace trib::tools::trib_cli {
namespace {

using host::control::ControlClient;
using host::control::ControlError;
using host::control::Outcome;
namespace identity = host::identity;

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool IsHexKey(const std::string& text) {
  return identity::ParsePublicKeyHex(text).ok();
}

}  // namespace

std::optional<std::filesystem::path> ConfigPath(const ConnectionOptions& options) {
  if (!options.config.empty()) {
    return options.config;
  }
  if (const std::string path = Environment("TRIB_CONFIG"); !path.empty()) {
    return path;
  }
  std::filesystem::path folder = Environment("XDG_CONFIG_HOME");
  if (folder.empty()) {
    const std::string home = Environment("HOME");
    if (home.empty()) {
      return std::nullopt;
    }
    folder = std::filesystem::path(home) / ".config";
  }
  const std::filesystem::path path = folder / "tributary" / "trib.toml";
  std::error_code error;
  return std::filesystem::exists(path, error) ? std::optional(path) : std::nullopt;
}

Status ReadSettings(const ConnectionOptions& options,
                    Settings& settings,
                    std::vector<std::string>& errors) {
  settings.file = ConfigPath(options);
  if (settings.file) {
    auto file = host::config::ConfigFile::Load(*settings.file);
    settings.server = file.String("server", "");
    settings.server_key = file.String("server_key", "");
    if (!settings.server_key.empty() && !IsHexKey(settings.server_key)) {
      settings.server_key = file.Path("server_key", "").string();
    }
    settings.key = file.Path("key", "");
    for (const std::string& package : file.Strings("labels")) {
      settings.labels.push_back((settings.file->parent_path() / package).string());
    }
    settings.timeout = file.Duration("timeout", settings.timeout, {Millis(100), Millis(600'000)});
    const Status status = file.Finish();
    if (!status.ok()) {
      errors = file.errors();
      return status;
    }
  }
  if (!options.server.empty()) {
    settings.server = options.server;
  }
  if (!options.server_key.empty()) {
    settings.server_key = options.server_key;
  }
  if (!options.key.empty()) {
    settings.key = options.key;
  }
  if (!options.labels.empty()) {
    settings.labels = options.labels;
  }
  return {};
}

struct Connection::Impl {
  host::zmq::Context context;
  std::unique_ptr<ControlClient> client;
};

Connection::Connection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Connection::~Connection() = default;

std::unique_ptr<Connection> Connection::Open(const Settings& settings, ControlError& error) {
  const auto fail = [&](Code code, std::string text) {
    error = {code, std::move(text)};
    return nullptr;
  };
  const std::string where =
      ", or set it in " +
      (settings.file ? settings.file->string() : std::string("~/.config/tributary/trib.toml"));
  if (settings.server.empty()) {
    return fail(Code::kInvalidArgument, "no server; give --server tcp://HOST:PORT" + where);
  }
  if (settings.server_key.empty()) {
    return fail(Code::kInvalidArgument, "no server key; give --server-key HEX or FILE" + where);
  }
  if (settings.key.empty()) {
    return fail(Code::kInvalidArgument, "no operator key; give --key FILE" + where);
  }
  std::string text;
  const auto server = identity::ParsePublicKeyArgument(settings.server_key, &text);
  if (!server.ok()) {
    return fail(Code::kInvalidArgument, "server key: " + text);
  }
  const auto server_curve = identity::ToCurve(*server);
  if (!server_curve.ok()) {
    return fail(Code::kInvalidArgument, "server key: it is not a usable public key");
  }
  const auto pair = identity::LoadKeyPair(settings.key, &text);
  if (!pair.ok()) {
    return fail(Code::kInvalidArgument, "operator key: " + text);
  }
  const identity::CurveKeys own = identity::ToCurve(*pair);
  host::zmq::CurveKeys keys;
  keys.public_key = own.public_key.bytes;
  keys.secret_key = own.secret_key.bytes;
  auto impl = std::make_unique<Impl>();
  host::control::ControlClientOptions options;
  options.endpoint = settings.server;
  options.server_public_key = server_curve->bytes;
  options.deadline = settings.timeout;
  auto client = ControlClient::Open(impl->context, keys, options, text);
  if (!client.ok()) {
    return fail(client.status().code(), text);
  }
  impl->client = *std::move(client);
  return std::unique_ptr<Connection>(new Connection(std::move(impl)));
}

Outcome Connection::Call(std::string_view name, const nlohmann::json& args) {
  return impl_->client->Call(name, args);
}

int ExitCodeFor(Code code) {
  switch (code) {
    case Code::kOk:
      return host::cli::kExitOk;
    case Code::kInvalidArgument:
    case Code::kNotFound:
    case Code::kAlreadyExists:
    case Code::kPermissionDenied:
    case Code::kFailedPrecondition:
    case Code::kUnauthenticated:
    case Code::kOutOfRange:
    case Code::kUnimplemented:
      return host::cli::kExitRefused;
    default:
      return host::cli::kExitFailed;
  }
}

std::unique_ptr<Connection> Connect(const Context& context, int& exit_code) {
  Settings settings;
  std::vector<std::string> errors;
  if (const Status status = ReadSettings(context.connection, settings, errors); !status.ok()) {
    exit_code = Fail(context, host::cli::kExitUsage, status.code(), errors);
    return nullptr;
  }
  ControlError error;
  auto connection = Connection::Open(settings, error);
  if (!connection) {
    const bool usage = error.code == Code::kInvalidArgument;
    exit_code = Fail(
        context, usage ? host::cli::kExitUsage : host::cli::kExitFailed, error.code, error.message);
  }
  return connection;
}

bool ReadLabels(const Context& context, LabelNames& labels, int& exit_code) {
  Settings settings;
  std::vector<std::string> errors;
  if (const Status status = ReadSettings(context.connection, settings, errors); !status.ok()) {
    exit_code = Fail(context, host::cli::kExitUsage, status.code(), errors);
    return false;
  }
  for (const std::string& file : settings.labels) {
    if (std::string error; !labels.Add(file, error)) {
      exit_code = Fail(context, host::cli::kExitUsage, Code::kInvalidArgument, "labels: " + error);
      return false;
    }
  }
  return true;
}

int CallAndTake(const Context& context,
                std::string_view call,
                const nlohmann::json& args,
                nlohmann::json& result) {
  int exit_code = host::cli::kExitOk;
  const auto connection = Connect(context, exit_code);
  if (!connection) {
    return exit_code;
  }
  LabelNames labels;
  if (!ReadLabels(context, labels, exit_code)) {
    return exit_code;
  }
  Outcome outcome = connection->Call(call, args);
  if (const auto* error = std::get_if<ControlError>(&outcome)) {
    return Fail(context, ExitCodeFor(error->code), error->code, error->message);
  }
  result = std::move(*std::get_if<nlohmann::json>(&outcome));
  labels.Annotate(result);
  return host::cli::kExitOk;
}

int CallAndShow(const Context& context,
                std::string_view call,
                const nlohmann::json& args,
                const std::function<void(const nlohmann::json& result)>& show) {
  nlohmann::json result;
  const int exit_code = CallAndTake(context, call, args, result);
  if (exit_code != host::cli::kExitOk) {
    return exit_code;
  }
  if (context.json) {
    host::cli::PrintJson(result);
  } else {
    show(result);
  }
  return host::cli::kExitOk;
}

}  // namespace trib::tools::trib_cli
