#pragma once

#include <memory>
#include <string>
#include <vector>

#include "trib/common/status/result.h"
#include "trib/gateway/app/config.h"

namespace trib::gateway {

struct Endpoints {
  std::string south;
  std::string admin;
  std::vector<std::string> serial;  ///< in the order of the configuration
};

/// A running gateway: the stages, their threads and the queues between them.
///
/// Threads  Start, Stop and destruction by one thread. Runs five of its own: south, spool, north,
///          admin and ZAP.
/// Durable  What was acknowledged to nodes is in the spool file, however this ends.
class Gateway {
 public:
  /// @returns with one line in `error` what could not be opened: key file, spool, sockets.
  static Result<std::unique_ptr<Gateway>> Start(const Config& config, std::string& error);
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  /// The bound endpoints with their actual ports.
  [[nodiscard]] const Endpoints& endpoints() const;

  /// Ends in flow order: stops reading from nodes, commits and acknowledges what was read, then
  /// ends north, spool and admin. Blocks for a few seconds at most.
  void Stop();

 private:
  struct Impl;
  explicit Gateway(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace trib::gateway
