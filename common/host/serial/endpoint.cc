#include "trib/common/host/serial/endpoint.h"

#include <charconv>
#include <optional>

#include "trib/common/host/serial/descriptors.h"

namespace trib::host::serial {
namespace {

constexpr std::string_view kTcp = "tcp://";
constexpr std::string_view kDevices = "/dev/";
constexpr std::uint32_t kDefaultBaud = 115'200;

template <typename T>
std::optional<T> ParseNumber(std::string_view text) {
  T value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || failure != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

std::string Quoted(std::string_view text) {
  return "\"" + std::string(text.substr(0, 100)) + "\"";
}

Result<Endpoint> ParseTcp(std::string_view text, Use use, std::string& error) {
  const std::string_view rest = text.substr(kTcp.size());
  const std::size_t colon = rest.rfind(':');
  // Without a port, the last colon may be one of an IPv6 address.
  if (colon == std::string_view::npos || rest.find(']', colon) != std::string_view::npos) {
    error = Quoted(text) + " has no port; give tcp://127.0.0.1:PORT";
    return Code::kInvalidArgument;
  }
  const std::string_view host = rest.substr(0, colon);
  const std::string_view port = rest.substr(colon + 1);
  Endpoint endpoint;
  endpoint.ipv6 = host == "[::1]";
  if (!endpoint.ipv6 && host != "127.0.0.1" && host != "localhost") {
    error = Quoted(text) +
            " is refused: a serial link is not encrypted yet, so only 127.0.0.1, [::1], localhost "
            "and local devices (/dev/...) may carry one";
    return Code::kPermissionDenied;
  }
  if (use == Use::kListen && port == "*") {
    return endpoint;
  }
  const auto number = ParseNumber<std::uint16_t>(port);
  if (!number || *number == 0) {
    error = Quoted(text) + " has no port from 1 to 65535" +
            (use == Use::kListen ? ", nor *, which takes a free one" : "");
    return Code::kInvalidArgument;
  }
  endpoint.port = *number;
  return endpoint;
}

Result<Endpoint> ParseDevice(std::string_view text, std::string& error) {
  Endpoint endpoint{.kind = Endpoint::Kind::kDevice, .baud = kDefaultBaud};
  const std::size_t question = text.find('?');
  endpoint.path = text.substr(0, question);
  if (endpoint.path.find("..") != std::string::npos || endpoint.path == kDevices) {
    error = Quoted(text) + " names no device below /dev";
    return Code::kInvalidArgument;
  }
  if (question != std::string_view::npos) {
    constexpr std::string_view kBaud = "baud=";
    const std::string_view option = text.substr(question + 1);
    const auto baud = option.starts_with(kBaud)
                          ? ParseNumber<std::uint32_t>(option.substr(kBaud.size()))
                          : std::nullopt;
    if (!baud || !SpeedOf(*baud)) {
      error = Quoted(text) +
              ": the only option is baud=N with a usual speed from 1200 to 4000000, e.g. "
              "?baud=115200";
      return Code::kInvalidArgument;
    }
    endpoint.baud = *baud;
  }
  return endpoint;
}

}  // namespace

Result<Endpoint> ParseEndpoint(std::string_view text, Use use, std::string& error) {
  if (text.starts_with(kTcp)) {
    return ParseTcp(text, use, error);
  }
  if (text.starts_with(kDevices)) {
    return ParseDevice(text, error);
  }
  error = Quoted(text) + " is no serial endpoint; give tcp://127.0.0.1:PORT or /dev/NAME";
  return Code::kInvalidArgument;
}

std::string ToText(const Endpoint& endpoint) {
  if (endpoint.kind == Endpoint::Kind::kDevice) {
    return endpoint.path + "?baud=" + std::to_string(endpoint.baud);
  }
  return std::string(endpoint.ipv6 ? "tcp://[::1]:" : "tcp://127.0.0.1:") +
         (endpoint.port == 0 ? "*" : std::to_string(endpoint.port));
}

}  // namespace trib::host::serial
