#include "crowds.h"

#include <csignal>
#include <cstdlib>
#include <fstream>

#include "crowd_keys.h"
#include "trib/common/host/identity/identity.h"

namespace trib::integration {

using tools::launcher::Process;
using tools::launcher::WaitUntil;

void Crowds::AdmitCrowd(std::uint64_t first, std::uint64_t count) {
  constexpr std::uint64_t kPerCall = 300;
  for (std::uint64_t at = 0; at < count; at += kPerCall) {
    nlohmann::json devices = nlohmann::json::array();
    for (std::uint64_t i = at; i < std::min(count, at + kPerCall); ++i) {
      const auto key = CrowdKey(first + i).public_key;
      devices.push_back({{"id", first + i},
                         {"kind", "node"},
                         {"public_key", host::identity::ToHex(key.bytes)},
                         {"gateway", kGateway}});
    }
    ASSERT_FALSE(
        fleet().CallCloud("enroll.many", {{"devices", devices}, {"accept", true}}).is_null())
        << fleet().error();
  }
  ASSERT_TRUE(WaitUntil(
      [&] {
        const auto site = fleet().CallGateway(kGateway, "site.show", nlohmann::json::object());
        return Count(site, {"roster", "nodes"}) >= first + count - 1;
      },
      kLong))
      << "the gateway never got the roster";
}

Crowds::Crowd& Crowds::StartCrowd(std::uint64_t first,
                                  std::uint64_t count,
                                  const std::string& flavour,
                                  std::uint32_t records,
                                  std::uint32_t interval_ms) {
  std::string error;
  auto process = Process::Start(
      {.argv = {fleet().Program("crowd"),
                fleet().gateway_south(kGateway),
                fleet().File("gateway-" + std::to_string(kGateway) + ".key.pub").string(),
                std::to_string(first),
                std::to_string(count),
                flavour,
                std::to_string(records),
                std::to_string(interval_ms)},
       .log = fleet().File("crowd-" + std::to_string(first) + ".log"),
       .capture_stdout = true},
      error);
  EXPECT_TRUE(process) << error;
  if (!process) {
    std::abort();
  }
  return crowds_.emplace_back(Crowd{first, count, *std::move(process), nlohmann::json::object()});
}

const nlohmann::json& Crowds::Look(Crowd& crowd) {
  for (const auto& line : crowd.process.ReadLines()) {
    crowd.last = nlohmann::json::parse(line, nullptr, false);
    EXPECT_TRUE(crowd.last.is_object()) << line;
  }
  EXPECT_FALSE(crowd.process.Poll()) << "the crowd ended: " << crowd.process.LastLogLine();
  return crowd.last;
}

bool Crowds::AwaitDelivered(Crowd& crowd, std::chrono::milliseconds limit) {
  return WaitUntil(
      [&] {
        // The line before a request for more is not the answer to it.
        const auto& line = Look(crowd);
        return line.is_object() && line.value("waiting", 1ULL) == 0 && line.value("made", 0ULL) > 0;
      },
      limit);
}

std::uint64_t Crowds::StoredOf(const Crowd& crowd) {
  return static_cast<std::uint64_t>(Query("SELECT count(*) FROM record WHERE node BETWEEN " +
                                          std::to_string(crowd.first) + " AND " +
                                          std::to_string(crowd.first + crowd.count - 1)));
}

void Crowds::ExpectExactly(const Crowd& crowd, std::uint64_t records) {
  EXPECT_TRUE(WaitUntil([&] { return StoredOf(crowd) >= records * crowd.count; }, kLong));
  EXPECT_EQ(StoredOf(crowd), records * crowd.count);
  const auto wrong =
      Query("SELECT count(*) FROM (SELECT node FROM record WHERE node BETWEEN " +
            std::to_string(crowd.first) + " AND " + std::to_string(crowd.first + crowd.count - 1) +
            " GROUP BY node HAVING count(*) <> " + std::to_string(records) +
            " OR min(sequence) <> 1 OR max(sequence) <> " + std::to_string(records) + ")");
  EXPECT_EQ(wrong, 0) << "nodes without exactly the records 1 to " << records;
  EXPECT_EQ(Query("SELECT coalesce(sum(total), 0) FROM gateway_drop"), 0);
}

void Crowds::TearDown() {
  for (Crowd& crowd : crowds_) {
    (void)crowd.process.Stop(std::chrono::seconds(20));
  }
  River::TearDown();
}

std::uint64_t Crowds::Count(const nlohmann::json& stats, const std::vector<const char*>& path) {
  const nlohmann::json* at = &stats;
  for (const char* key : path) {
    if (!at->is_object() || !at->contains(key)) {
      return 0;
    }
    at = &(*at)[key];
  }
  return at->is_number_unsigned() ? at->get<std::uint64_t>() : 0;
}

std::uint64_t Crowds::GatewayCount(const std::vector<const char*>& path) {
  return Count(GatewayStats(kGateway), path);
}

std::uint64_t Crowds::CloudCount(const std::vector<const char*>& path) {
  return Count(CloudStats(), path);
}

std::uint64_t Crowds::Memory(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  std::string word;
  while (in >> word) {
    if (word == "VmRSS:") {
      std::uint64_t kib = 0;
      in >> kib;
      return kib * 1024;
    }
  }
  return 0;
}

}  // namespace trib::integration
