#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "trib/cloud/app/config.h"
#include "trib/common/status/result.h"

namespace trib::cloud {

struct Endpoints {
  std::string south;
  std::string admin;
};

/// The running cloud: south, store and admin threads, joined by bounded queues.
///
/// Threads  One owner.
class Cloud {
 public:
  /// Opens keys, database and sockets, then starts. On failure nothing runs and `error` is one
  /// line.
  static Result<std::unique_ptr<Cloud>> Start(const Config& config, std::string& error);
  ~Cloud();
  Cloud(const Cloud&) = delete;
  Cloud& operator=(const Cloud&) = delete;

  /// Ends in flow order: stops reading, commits what was read, acknowledges it, closes. Idempotent.
  void Stop();
  [[nodiscard]] const Endpoints& endpoints() const;

  /// Sets the store's size limit while running; commits fail while it is too small.
  Status SetMaxBytes(std::uint64_t bytes);

 private:
  struct Impl;
  explicit Cloud(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace trib::cloud
