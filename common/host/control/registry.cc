#include "trib/common/host/control/registry.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "trib/common/base/check.h"

namespace trib::host::control {
namespace {

using nlohmann::json;

std::string Dump(const json& value) {
  // A result may quote outside bytes that are not UTF-8; the reply is valid JSON all the same.
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

json Reply(const json& id, const Outcome& outcome) {
  json reply = {{"v", kControlVersion}};
  if (!id.is_null()) {
    reply["id"] = id;
  }
  if (const auto* error = std::get_if<ControlError>(&outcome)) {
    reply["ok"] = false;
    reply["error"] = {{"code", CodeName(error->code)}, {"message", error->message}};
  } else {
    reply["ok"] = true;
    reply["result"] = std::get<json>(outcome);
  }
  return reply;
}

Outcome Invalid(std::string message) {
  return ControlError{Code::kInvalidArgument, std::move(message)};
}

}  // namespace

void Registry::Add(std::string name, Handler handler) {
  const bool added = handlers_.emplace(std::move(name), std::move(handler)).second;
  TRIB_CHECK(added);
}

Outcome Registry::Call(std::string_view name, const json& args) const {
  const auto found = handlers_.find(name);
  if (found == handlers_.end()) {
    std::string known;
    for (const auto& [call, handler] : handlers_) {
      known += (known.empty() ? "" : ", ") + call;
    }
    return ControlError{Code::kNotFound,
                        "no call \"" + std::string(name.substr(0, 64)) + "\"; there are: " + known};
  }
  try {
    return found->second(args);
  } catch (const json::exception& failure) {
    return Invalid("arguments of " + found->first + ": " + failure.what());
  }
}

std::string Registry::Answer(std::string_view request) const {
  if (request.size() > kMaxRequestBytes) {
    return Dump(Reply(nullptr, Invalid("the request is larger than 65536 bytes")));
  }
  const json parsed = json::parse(request, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) {
    return Dump(Reply(nullptr, Invalid("the request is not a JSON object")));
  }
  const auto id_field = parsed.find("id");
  const json id = id_field != parsed.end() && id_field->is_number_unsigned() ? *id_field : json();
  const auto version = parsed.find("v");
  if (version == parsed.end() || *version != kControlVersion) {
    return Dump(Reply(id, Invalid("this daemon speaks control version 1")));
  }
  const auto call = parsed.find("call");
  if (call == parsed.end() || !call->is_string()) {
    return Dump(Reply(id, Invalid("\"call\" names no call")));
  }
  const auto args_field = parsed.find("args");
  const json args = args_field == parsed.end() ? json::object() : *args_field;
  if (!args.is_object()) {
    return Dump(Reply(id, Invalid("\"args\" is not an object")));
  }
  std::string reply = Dump(Reply(id, Call(call->get_ref<const std::string&>(), args)));
  if (reply.size() > kMaxReplyBytes) {
    reply = Dump(
        Reply(id, ControlError{Code::kResourceExhausted, "the answer is too large; ask for less"}));
  }
  return reply;
}

}  // namespace trib::host::control
