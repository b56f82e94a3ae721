#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "trib/common/host/control/types.h"

namespace trib::host::control {

/// Answers one call. May throw nlohmann::json exceptions when reading `args`: they become
/// INVALID_ARGUMENT.
using Handler = std::function<Outcome(const nlohmann::json& args)>;

/// The calls of one daemon by name: the query layer, the same for every transport.
///
/// Threads  Fill it first; then Call() and Answer() run on whichever thread the transport uses, and
///          handlers see that thread.
class Registry {
 public:
  /// Requires  `name` is new.
  void Add(std::string name, Handler handler);

  /// @returns NOT_FOUND, naming the calls there are, when `name` is unknown.
  [[nodiscard]] Outcome Call(std::string_view name, const nlohmann::json& args) const;

  /// One request text to one reply text, whatever the request is.
  [[nodiscard]] std::string Answer(std::string_view request) const;

 private:
  std::map<std::string, Handler, std::less<>> handlers_;
};

}  // namespace trib::host::control
