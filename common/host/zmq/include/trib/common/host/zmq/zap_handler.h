#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "trib/common/base/time.h"
#include "trib/common/host/zmq/context.h"
#include "trib/common/host/zmq/curve.h"
#include "trib/common/status/result.h"

namespace trib::host::zmq {

/// Key -> identity of everyone who may enter one domain. The identity is what
/// ReceivedMessage::user_id says, for a node its id in decimal.
using KeyTable = std::map<CurvePublicKey, std::string>;

struct ZapCounts {
  std::uint64_t accepted = 0;  ///< handshakes
  std::uint64_t refused = 0;   ///< handshakes with a key outside the table, or not CURVE
};

/// Decides who may connect: the ZAP 1.0 handler of one Context. A domain without a table, a key
/// outside the table and any mechanism but CURVE are refused.
///
/// Threads  Runs one thread of its own, which alone owns the ZAP socket. All functions may be
/// called
///          from any thread. `log` is called from that thread.
/// State    A new table decides every later handshake. Connections that stand are not cut: who
///          reads the socket must check ReceivedMessage::user_id against its own roster as well.
class ZapHandler {
 public:
  struct Options {
    /// Gets the first refusal of a key at once (of 256 keys per interval at most), and one line
    /// per domain and interval that saw more.
    std::function<void(std::string_view)> log;
    Millis log_interval{60'000};
  };

  /// @returns kAlreadyExists when the context has a handler.
  static Result<std::unique_ptr<ZapHandler>> Start(Context& context);
  static Result<std::unique_ptr<ZapHandler>> Start(Context& context, Options options);
  ~ZapHandler();
  ZapHandler(const ZapHandler&) = delete;
  ZapHandler& operator=(const ZapHandler&) = delete;

  /// Replaces the whole table of `domain` at once.
  void SetDomain(std::string_view domain, KeyTable table);
  [[nodiscard]] ZapCounts counts(std::string_view domain) const;

 private:
  struct Impl;
  explicit ZapHandler(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace trib::host::zmq
