#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <vector>

#include "river.h"
#include "trib/tools/launcher/process.h"

namespace trib::integration {

/// A deployment whose nodes are crowds: processes of crowd.
class Crowds : public River {
 protected:
  static constexpr std::uint64_t kGateway = 60'000;  // nodes count from 1

  struct Crowd {
    std::uint64_t first = 0;
    std::uint64_t count = 0;
    tools::launcher::Process process;
    nlohmann::json last;
  };

  /// Enrols and accepts nodes `first` to `first + count - 1` and waits until the gateway knows
  /// them.
  void AdmitCrowd(std::uint64_t first, std::uint64_t count);
  Crowd& StartCrowd(std::uint64_t first,
                    std::uint64_t count,
                    const std::string& flavour,
                    std::uint32_t records,
                    std::uint32_t interval_ms);
  /// The crowd's newest line.
  const nlohmann::json& Look(Crowd& crowd);
  std::uint64_t Look(Crowd& crowd, const char* what) { return Look(crowd).value(what, 0ULL); }
  /// Waits until every record that the crowd wants to make is made and acknowledged.
  bool AwaitDelivered(Crowd& crowd, std::chrono::milliseconds limit);
  /// The store holds exactly `records` of each node of the crowd, numbered from 1.
  void ExpectExactly(const Crowd& crowd, std::uint64_t records);
  std::uint64_t StoredOf(const Crowd& crowd);
  void TearDown() override;

  /// A number in the gateway's stats, e.g. {"link", "credit", "pauses"}.
  std::uint64_t GatewayCount(const std::vector<const char*>& path);
  std::uint64_t CloudCount(const std::vector<const char*>& path);
  static std::uint64_t Count(const nlohmann::json& stats, const std::vector<const char*>& path);
  /// Resident memory of a process, in bytes.
  static std::uint64_t Memory(pid_t pid);

 private:
  std::list<Crowd> crowds_;
};

}  // namespace trib::integration
