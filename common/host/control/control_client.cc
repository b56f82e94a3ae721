#include "trib/common/host/control/control_client.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "trib/common/host/zmq/poller.h"

namespace trib::host::control {
namespace {

using nlohmann::json;
using Steady = std::chrono::steady_clock;

Millis Left(Steady::time_point deadline) {
  return std::chrono::duration_cast<Millis>(deadline - Steady::now());
}

Outcome ReadReply(const json& reply) {
  const auto ok = reply.find("ok");
  if (ok != reply.end() && ok->is_boolean()) {
    if (*ok == true && reply.contains("result")) {
      return reply["result"];
    }
    const auto error = reply.find("error");
    if (*ok == false && error != reply.end() && error->is_object()) {
      const auto code = error->find("code");
      const auto message = error->find("message");
      if (code != error->end() && code->is_string() && message != error->end() &&
          message->is_string()) {
        return ControlError{CodeFromName(code->get<std::string>()), message->get<std::string>()};
      }
    }
  }
  return ControlError{Code::kDataLoss, "the daemon's reply is not of control version 1"};
}

std::optional<Outcome> ReceiveAnswer(zmq::ClientSocket& socket, std::uint64_t id) {
  while (true) {
    const auto text = socket.Receive();
    if (!text.ok()) {
      return std::nullopt;
    }
    const json reply = json::parse(*text, nullptr, /*allow_exceptions=*/false);
    // An answer to an earlier call that ran out of time is skipped. An error without id answers
    // a request that could not be read, which can only be this one.
    if (reply.is_object() && (!reply.contains("id") || reply["id"] == id)) {
      return ReadReply(reply);
    }
  }
}

}  // namespace

ControlClient::ControlClient(std::unique_ptr<zmq::ClientSocket> socket,
                             ControlClientOptions options)
    : socket_(std::move(socket)), options_(std::move(options)) {}

Result<std::unique_ptr<ControlClient>> ControlClient::Open(zmq::Context& context,
                                                           const zmq::CurveKeys& operator_keys,
                                                           const ControlClientOptions& options,
                                                           std::string& error) {
  TRIB_TRY_ASSIGN(auto socket,
                  zmq::ClientSocket::Open(context,
                                          operator_keys,
                                          {.endpoint = options.endpoint,
                                           .server_public_key = options.server_public_key,
                                           .max_message_bytes = kMaxReplyBytes,
                                           .reconnect = Millis(50),
                                           .reconnect_max = Millis(500),
                                           .handshake_limit = options.deadline},
                                          error));
  return std::unique_ptr<ControlClient>(new ControlClient(std::move(socket), options));
}

ControlError ControlClient::NotConnected(zmq::LinkState link) const {
  const std::string where = " at " + options_.endpoint;
  switch (link) {
    case zmq::LinkState::kRefused:
      return {Code::kUnauthenticated,
              "the daemon" + where +
                  " refused this operator's key: list its public key in that daemon's [admin] "
                  "operators, and check that this is its [admin] port, not [south]"};
    case zmq::LinkState::kHandshakeFailed:
      return {Code::kFailedPrecondition,
              "no secure connection" + where +
                  ": the daemon there has another public key than the one given, or it is no "
                  "daemon of Tributary"};
    case zmq::LinkState::kUnknown:
    case zmq::LinkState::kUnreachable:
    case zmq::LinkState::kUp:
    case zmq::LinkState::kDown:
      break;
  }
  return {Code::kUnavailable, "no daemon answers" + where};
}

Outcome ControlClient::Call(std::string_view name, const json& args) {
  const std::uint64_t id = next_id_++;
  const std::string request =
      json{{"v", kControlVersion}, {"id", id}, {"call", name}, {"args", args}}.dump(
          -1, ' ', false, json::error_handler_t::replace);
  if (request.size() > kMaxRequestBytes) {
    return ControlError{Code::kInvalidArgument, "the request is larger than 65536 bytes"};
  }
  const auto deadline = Steady::now() + options_.deadline;
  zmq::Poller poller;
  poller.Add(*socket_);
  bool sent = false;
  while (true) {
    const zmq::LinkState link = socket_->link();
    if (!sent && (link == zmq::LinkState::kRefused || link == zmq::LinkState::kHandshakeFailed)) {
      return NotConnected(link);
    }
    sent = sent || socket_->Send(request).ok();
    if (std::optional<Outcome> answer = ReceiveAnswer(*socket_, id)) {
      return *std::move(answer);
    }
    const Millis left = Left(deadline);
    if (left.count() <= 0) {
      break;
    }
    // Until it is sent, only link() tells news, and it has no descriptor to wait for.
    poller.Wait(std::min(left, sent ? Millis(1000) : Millis(10)));
  }
  if (!sent) {
    return NotConnected(socket_->link());
  }
  return ControlError{Code::kDeadlineExceeded,
                      "the daemon at " + options_.endpoint + " did not answer " +
                          std::string(name) + " in " + std::to_string(options_.deadline.count()) +
                          " ms"};
}

}  // namespace trib::host::control
