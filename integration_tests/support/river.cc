#include "river.h"

#include <cstdlib>
#include <fstream>
#include <iostream>

#include "trib/common/host/sqlite/database.h"
#include "trib/testing/shared_data.h"
#include "trib/tools/adapters/adapters.h"
#include "trib/tools/launcher/playlist.h"

namespace trib::integration {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

void River::SetUp() {
  const std::string bin = Environment("TRIB_BIN_DIR");
  ASSERT_FALSE(bin.empty()) << "TRIB_BIN_DIR names the folder of the programs; ctest sets it";
  auto pattern = (std::filesystem::path(::testing::TempDir()) / "river-XXXXXX").string();
  ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
  folder_ = pattern;
  options_.bin = bin;
  options_.folder = folder_;
  fleet_ = std::make_unique<tools::launcher::Fleet>(options_);
  ASSERT_TRUE(fleet_->MakeKeys()) << fleet_->error();
  ASSERT_TRUE(fleet_->StartCloud()) << fleet_->error();
}

void River::TearDown() {
  if (fleet_) {
    EXPECT_EQ(fleet_->Casualty().value_or(""), "");
    fleet_.reset();
  }
  if (HasFailure()) {
    std::cerr << "logs and databases are kept in " << folder_ << std::endl;
  } else if (!folder_.empty()) {
    std::filesystem::remove_all(folder_);
  }
}

void River::StartGateway(std::uint64_t id) {
  ASSERT_TRUE(fleet().AdmitGateway(id)) << fleet().error();
  RestartGateway(id);
}

void River::RestartGateway(std::uint64_t id) {
  ASSERT_TRUE(fleet().StartGateway(id)) << fleet().error();
}

void River::RestartCloud() {
  ASSERT_TRUE(fleet().StartCloud()) << fleet().error();
}

const std::string& River::package() {
  if (package_.empty()) {
    std::ifstream in(std::filesystem::path(Environment("TRIB_SOURCE_DIR")) /
                     "workloads/bearing/package.toml");
    std::string spec((std::istreambuf_iterator<char>(in)), {});
    for (const auto& [from, to] :
         {std::pair<std::string, std::string>{"block = \"60s\"", "block = \"2s\""},
          {"status = \"5m\"", "status = \"3s\""},
          {"audit_permille = 5\n", "audit_permille = 100\n"}}) {
      const auto at = spec.find(from);
      EXPECT_NE(at, std::string::npos) << from << " is not in the reference package's spec";
      if (at != std::string::npos) {
        spec.replace(at, from.size(), to);
      }
    }
    std::filesystem::create_directory(fleet().File("talkative"));
    std::ofstream(fleet().File("talkative/package.toml")) << spec;
    const auto file = fleet().SignedPackage(fleet().File("talkative/package.toml"));
    EXPECT_TRUE(file) << fleet().error();
    package_ = file ? file->string() : "";
  }
  return package_;
}

std::vector<std::string> River::Generated(std::uint64_t seed, double seconds) {
  return {"--generate",
          std::to_string(seed),
          "--phases",
          "normal:" + std::to_string(seconds * 0.6) + ",fault:" + std::to_string(seconds * 0.4),
          "--exit-when-done",
          "--drain-timeout",
          "600",
          "--report",
          "0.1"};
}

std::string River::ReferencePackage() {
  const auto file = fleet().SignedPackage(std::filesystem::path(Environment("TRIB_SOURCE_DIR")) /
                                          "workloads/bearing/package.toml");
  EXPECT_TRUE(file) << fleet().error();
  return file ? file->string() : "";
}

std::optional<host::recording::Manifest> River::MachineLife(std::size_t variant) {
  const auto shared = trib::testing::SharedDir();
  if (!shared || !std::filesystem::exists(*shared / "data/cwru/manifest.csv")) {
    return std::nullopt;
  }
  std::vector<std::string> errors;
  const auto data = tools::adapters::Import("cwru", *shared / "data/cwru", errors);
  std::string error;
  EXPECT_TRUE(data.ok()) << (errors.empty() ? "" : errors.front());
  const auto playlist = tools::launcher::BearingPlaylist(*data, variant, {}, error);
  EXPECT_TRUE(playlist.ok()) << error;
  return *playlist;
}

std::vector<std::string> River::Replay(std::uint64_t node,
                                       const host::recording::Manifest& playlist) {
  const auto file = fleet().File("node-" + std::to_string(node) + ".recordings.toml");
  std::ofstream(file) << playlist.ToToml();
  return {
      "--replay", file.string(), "--exit-when-done", "--drain-timeout", "600", "--report", "0.1"};
}

std::optional<std::vector<std::string>> River::Recorded(std::uint64_t node, std::size_t variant) {
  const auto playlist = MachineLife(variant);
  if (!playlist) {
    return std::nullopt;
  }
  return Replay(node, *playlist);
}

void River::Admit(std::uint64_t node, std::uint64_t gateway) {
  ASSERT_TRUE(fleet().AdmitNode(node, gateway)) << fleet().error();
  ASSERT_TRUE(tools::launcher::WaitUntil(
      [&] {
        const auto list = fleet().CallGateway(gateway, "nodes.list", nlohmann::json::object());
        for (const auto& row : list.value("nodes", nlohmann::json::array())) {
          if (row.value("node", "") == std::to_string(node) && row.value("in_roster", false)) {
            return true;
          }
        }
        return false;
      },
      kLong))
      << "gateway " << gateway << " never heard of node " << node;
}

void River::StartNode(std::uint64_t node,
                      std::vector<std::string> arguments,
                      const std::string& signed_package,
                      const std::string& serial) {
  reports_.erase(node);
  ASSERT_TRUE(fleet().StartNode(node,
                                {.arguments = std::move(arguments),
                                 .package = signed_package.empty() ? package() : signed_package,
                                 .serial = serial}))
      << fleet().error();
}

nlohmann::json River::Report(std::uint64_t node) {
  for (const auto& line : fleet().node(node)->ReadLines()) {
    auto report = nlohmann::json::parse(line, nullptr, false);
    EXPECT_TRUE(report.is_object()) << "node " << node << " printed: " << line;
    reports_[node] = std::move(report);
  }
  return reports_[node];
}

nlohmann::json River::AwaitNode(std::uint64_t node) {
  auto* process = fleet().node(node);
  // Reading while waiting keeps the pipe from filling up.
  const bool ended = tools::launcher::WaitUntil(
      [&] {
        Report(node);
        return process->Poll().has_value();
      },
      kLong);
  EXPECT_TRUE(ended) << "node " << node << " did not end; last report " << reports_[node];
  if (ended) {
    EXPECT_TRUE(process->Poll()->clean())
        << process->Poll()->Describe() << ": " << process->LastLogLine();
  }
  return Report(node);
}

void River::AwaitRecords(std::uint64_t node, std::uint64_t records) {
  ASSERT_TRUE(tools::launcher::WaitUntil(
      [&] {
        const auto report = Report(node);
        return report.is_object() && report.value("records", 0U) >= records;
      },
      kLong))
      << "node " << node << ": " << reports_[node];
}

nlohmann::json River::CloudStats() {
  auto stats = fleet().CallCloud("stats", nlohmann::json::object());
  EXPECT_TRUE(stats.is_object()) << fleet().error();
  return stats;
}

nlohmann::json River::GatewayStats(std::uint64_t id) {
  auto stats = fleet().CallGateway(id, "stats", nlohmann::json::object());
  EXPECT_TRUE(stats.is_object()) << fleet().error();
  return stats;
}

std::uint64_t River::Spooled(std::uint64_t gateway) {
  return GatewayStats(gateway).at("spool").at("records").get<std::uint64_t>();
}

std::uint64_t River::StoredRecords() {
  return static_cast<std::uint64_t>(Query("SELECT count(*) FROM record"));
}

void River::AwaitStored(std::uint64_t records) {
  EXPECT_TRUE(tools::launcher::WaitUntil([&] { return StoredRecords() >= records; }, kLong))
      << StoredRecords() << " of " << records << " records stored";
}

std::vector<River::Boot> River::BootsOf(std::uint64_t node) {
  std::string error;
  auto db = host::sqlite::Database::Open(
      fleet().File("cloud.db").string(), {.mode = host::sqlite::Mode::kReadOnly}, &error);
  EXPECT_TRUE(db.ok()) << error;
  std::vector<Boot> boots;
  auto rows = db->Prepare(
      "SELECT epoch, boot, count(*), min(sequence), max(sequence) FROM record WHERE node = ? "
      "GROUP BY epoch, boot ORDER BY min(rowid)");
  EXPECT_TRUE(rows.ok()) << db->last_error();
  rows->Bind(1, node);
  for (auto row = rows->Step(); row.ok() && *row; row = rows->Step()) {
    boots.push_back({.epoch = rows->Int(0),
                     .boot = rows->Int(1),
                     .records = rows->Uint(2),
                     .first = rows->Uint(3),
                     .last = rows->Uint(4)});
  }
  return boots;
}

void River::ExpectExactlyOnce(std::uint64_t node, std::uint64_t records) {
  const auto boots = BootsOf(node);
  ASSERT_EQ(boots.size(), 1U) << "node " << node;
  EXPECT_EQ(boots[0].records, records) << "node " << node;
  EXPECT_EQ(boots[0].first, 1U) << "node " << node;
  EXPECT_EQ(boots[0].last, records) << "node " << node;
}

std::int64_t River::Query(const std::string& sql) {
  std::string error;
  auto db = host::sqlite::Database::Open(
      fleet().File("cloud.db").string(), {.mode = host::sqlite::Mode::kReadOnly}, &error);
  EXPECT_TRUE(db.ok()) << error;
  const auto value = db->QueryInt(sql);
  EXPECT_TRUE(value.ok()) << db->last_error();
  return value.value_or(-1);
}

}  // namespace trib::integration
