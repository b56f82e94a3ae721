// Nodes on emulated microcontroller boards, attached by wire to the real gateway and cloud: what
// they record is what their twins on this machine record, byte for byte, and a board that crashes
// comes back and says why.
//
// Compared are events, sketches, feature frames, activations and faults as they lie in the store,
// decoded, without energy (which counts what the link cost) and encoded again: with their keys, so
// sequence numbers, too, and with their logical times; and which kind of record has which sequence
// number, status included. Not compared: contents of a status (uptime, bytes sent), arrival times.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <set>

#include "river.h"
#include "trib/common/host/message/codec.h"
#include "trib/common/host/sqlite/database.h"
#include "trib/node/ports/power.h"
#include "trib/tools/launcher/board.h"

namespace trib::integration {
namespace {

namespace fs = std::filesystem;
using message::RecordKind;
using node::CrashKind;
using tools::launcher::Fleet;
using tools::launcher::ImagePath;
using tools::launcher::WaitUntil;

constexpr std::array kBoards = {"mps2-an386", "mps3-an547"};
constexpr std::string_view kStart_ms = "1767225600000";

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

/// By sequence number within the node's only boot: kind, and the record encoded without its energy.
using Records = std::map<std::uint64_t, std::pair<RecordKind, std::string>>;

Records RecordsOf(const fs::path& store, std::uint64_t node) {
  Records out;
  auto database = host::sqlite::Database::Open(store, {.mode = host::sqlite::Mode::kReadOnly});
  EXPECT_TRUE(database.ok());
  auto rows = database->Prepare("SELECT boot, sequence, sealed FROM record WHERE node = " +
                                std::to_string(node));
  EXPECT_TRUE(rows.ok());
  for (auto row = rows->Step(); row.ok() && *row; row = rows->Step()) {
    EXPECT_EQ(rows->Uint(0), 1U);
    const std::string sealed(rows->Blob(2));
    const auto opened = host::message::OpenSealedRecord(sealed);
    message::Record record;
    EXPECT_TRUE(opened.ok() && host::message::DecodeRecord(opened->record, record).ok());
    record.header.energy_nj = 0;
    const std::string bytes =
        record.kind == RecordKind::kStatus ? "" : host::message::EncodeRecord(record);
    EXPECT_TRUE(out.emplace(rows->Uint(1), std::pair(record.kind, bytes)).second);
  }
  return out;
}

std::uint64_t Stored(const fs::path& store) {
  auto database = host::sqlite::Database::Open(store, {.mode = host::sqlite::Mode::kReadOnly});
  if (!database.ok()) {
    return 0;
  }
  auto rows = database->Prepare("SELECT count(*) FROM record");
  return rows.ok() && rows->Step().ok() ? rows->Uint(0) : 0;
}

/// One text per verdict in the store: which record, what was said, to the bit.
std::set<std::string> VerdictsOf(const fs::path& store, std::uint64_t node) {
  std::set<std::string> out;
  auto database = host::sqlite::Database::Open(store, {.mode = host::sqlite::Mode::kReadOnly});
  EXPECT_TRUE(database.ok());
  auto rows = database->Prepare(
      "SELECT r.sequence || ' ' || v.tier || ' ' || v.label || ' ' || v.accepted || v.final || "
      "' ' || hex(v.scores) FROM record r JOIN verdict v ON v.record = r.id WHERE r.node = " +
      std::to_string(node));
  EXPECT_TRUE(rows.ok());
  for (auto row = rows->Step(); row.ok() && *row; row = rows->Step()) {
    EXPECT_TRUE(out.insert(std::string(rows->Text(0))).second);
  }
  return out;
}

class Boards : public River {
 protected:
  static constexpr std::uint64_t kFirst = 101;

  void SetUp() override {
    for (const char* board : kBoards) {
      for (const char* name : {"node",
                               "node-crash-fault",
                               "node-crash-hang",
                               "node-crash-hard",
                               "node-crash-overflow"}) {
        if (const std::string missing = tools::launcher::MissingFor(Image(name, board));
            !missing.empty()) {
          GTEST_SKIP() << "NOT TESTED: nodes on boards: " << missing;
        }
      }
    }
    options_.gateway_serial = {"tcp://127.0.0.1:*"};
    for (std::uint64_t node = kFirst; node < kFirst + 8; ++node) {
      options_.serial_nodes.push_back(node);
    }
    River::SetUp();
  }

  static fs::path Image(const std::string& name, const std::string& board) {
    return ImagePath(FromEnvironment("TRIB_BIN_DIR"), name, board);
  }
  static Fleet::BoardRun RunOn(const std::string& board,
                               std::vector<std::string> source,
                               std::string package = "") {
    Fleet::BoardRun run{.board = board,
                        .image = Image("node", board),
                        .arguments = std::move(source),
                        .package = std::move(package)};
    // All that would be drawn, or be another at another start, is given.
    run.arguments.insert(run.arguments.end(),
                         {"--full-speed",
                          "--own-time",
                          "--start-time",
                          std::string(kStart_ms),
                          "--hold-for-verdicts",
                          "--seed",
                          "7",
                          "--entropy-seed",
                          std::string(64, 'e')});
    return run;
  }

  /// All that a board said so far.
  std::string Console(std::uint64_t node) {
    std::ifstream in(fleet().BoardConsole(node));
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// Waits until the board's samples are over and all that it recorded was acknowledged.
  /// @returns how many records that were.
  std::uint64_t AwaitBoard(std::uint64_t node, const std::string& board = "") {
    nlohmann::json report;
    EXPECT_TRUE(WaitUntil(
        [&] {
          report = tools::launcher::BoardReport(fleet().BoardConsole(node));
          return report.value("progress", "") == "done";
        },
        std::chrono::minutes(10)))
        << Console(node);
    if (!board.empty()) {
      ExpectStackWithinBudget(report, board);
    }
    return report.value("records", std::uint64_t{0});
  }
  /// What it used at most since it was powered up, interrupts included.
  static void ExpectStackWithinBudget(const nlohmann::json& report, const std::string& board) {
    std::ifstream in(fs::path(FromEnvironment("TRIB_SOURCE_DIR")) / "bench/footprint/budgets.json");
    const auto budget = nlohmann::json::parse(in)["node-" + board]["stack_bytes"];
    const auto peak = report.value("stack_bytes", std::uint64_t{0});
    std::cout << board << ": stack " << peak << " bytes, budget " << budget << "\n";
    EXPECT_GT(peak, 0U);
    EXPECT_LE(peak, budget.get<std::uint64_t>()) << board;
  }
  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(fleet().File(name)) << text;
    return fleet().File(name).string();
  }
};

class BoardsAndTwins : public Boards {
 protected:
  void SetUp() override {
    Boards::SetUp();
    if (IsSkipped() || HasFailure()) {
      return;
    }
    fs::create_directory(fleet().File("twins"));
    twins_ = std::make_unique<Fleet>(
        Fleet::Options{.bin = options_.bin, .folder = fleet().File("twins")});
    ASSERT_TRUE(twins_->MakeKeys() && twins_->StartCloud()) << twins_->error();
  }
  void TearDown() override {
    twins_.reset();
    River::TearDown();
  }

  /// The shipped network for all: the nodes' half signed, both halves with gateways and clouds.
  std::string ShippedNetwork() {
    const fs::path folder = fs::path(FromEnvironment("TRIB_SOURCE_DIR")) / "workloads/bearing";
    const auto head = fleet().AddNetwork(folder / "bearing.trib", folder / "bearing-tail.trib");
    EXPECT_TRUE(head) << fleet().error();
    EXPECT_TRUE(twins_->AddNetwork(folder / "bearing.trib", folder / "bearing-tail.trib"))
        << twins_->error();
    // Clouds that run already were not told.
    EXPECT_TRUE(fleet().cloud()->Stop(kLong).clean() && fleet().StartCloud()) << fleet().error();
    EXPECT_TRUE(twins_->cloud()->Stop(kLong).clean() && twins_->StartCloud()) << twins_->error();
    return head ? head->string() : "";
  }
  /// Gives board and twin the same memory, and starts both.
  void Start(std::uint64_t node, const Fleet::BoardRun& run) {
    Admit(node, 1);
    ASSERT_TRUE(twins_->AdmitNode(node, 1)) << twins_->error();
    ASSERT_TRUE(fleet().MakeBoardMemory(node, run)) << fleet().error();
    fs::copy_file(fleet().BoardMemoryFile(node), twins_->BoardMemoryFile(node));
    ASSERT_TRUE(fleet().StartBoard(node, run)) << fleet().error();
    ASSERT_TRUE(twins_->StartTwin(node, run)) << twins_->error();
    nodes_.emplace_back(node, run.board);
  }
  void AwaitAll() {
    std::uint64_t made = 0;
    for (const auto& [node, board] : nodes_) {
      made += AwaitBoard(node, board);
    }
    AwaitStored(made);
    ASSERT_TRUE(WaitUntil([&] { return Stored(twins_->File("cloud.db")) >= made; },
                          std::chrono::minutes(10)))
        << Stored(twins_->File("cloud.db")) << " of " << made << " records of twins stored";
  }
  /// @returns how many records of each kind were equal.
  std::map<RecordKind, std::size_t> ExpectTheSame(std::uint64_t node) {
    const Records board = RecordsOf(fleet().File("cloud.db"), node);
    const Records twin = RecordsOf(twins_->File("cloud.db"), node);
    EXPECT_EQ(board.size(), twin.size());
    std::map<RecordKind, std::size_t> equal;
    for (const auto& [sequence, record] : board) {
      const auto other = twin.find(sequence);
      if (other == twin.end()) {
        ADD_FAILURE() << "node " << node << " sequence " << sequence << " has no twin";
        continue;
      }
      EXPECT_EQ(record.first, other->second.first) << "sequence " << sequence;
      EXPECT_EQ(record.second, other->second.second) << "node " << node << " sequence " << sequence
                                                     << " kind " << static_cast<int>(record.first);
      equal[record.first] += record.second == other->second.second ? 1U : 0U;
    }
    EXPECT_EQ(VerdictsOf(fleet().File("cloud.db"), node),
              VerdictsOf(twins_->File("cloud.db"), node));
    return equal;
  }

  std::unique_ptr<Fleet> twins_;
  std::vector<std::pair<std::uint64_t, std::string>> nodes_;  ///< and the board of each
};

TEST_F(BoardsAndTwins, RecordTheSameBytes) {
  const std::string network = ShippedNetwork();
  const auto duty = fleet().SignedPackage(Write("duty.toml", [] {
    std::ifstream in(fs::path(FromEnvironment("TRIB_SOURCE_DIR")) / "workloads/bearing/duty.toml");
    return std::string(std::istreambuf_iterator<char>(in), {});
  }()));
  ASSERT_TRUE(duty) << fleet().error();
  StartGateway(1);
  ASSERT_TRUE(twins_->AdmitGateway(1) && twins_->StartGateway(1)) << twins_->error();

  // The network over a simulated machine, and over recordings where there are some.
  Start(kFirst, RunOn(kBoards[0], {"--generate", "3", "--phases", "normal:40,fault:20"}, network));
  const auto life = MachineLife(1);
  if (life) {
    const std::string manifest = Write("life.toml", life->ToToml());
    Start(kFirst + 1, RunOn(kBoards[1], {"--replay", manifest, "--seconds", "120"}, network));
  } else {
    std::cerr << "NOT TESTED: recordings on boards: there are none\n";
    Start(kFirst + 1,
          RunOn(kBoards[1], {"--generate", "4", "--phases", "normal:40,fault:20"}, network));
  }
  // A trigger alone, on a machine that is sampled in bursts; and one that reports very often.
  const std::string bursts =
      Write("bursts.toml", "[sampling]\nburst_frames = 1024\nperiod = \"10s\"\n");
  Start(kFirst + 2,
        RunOn(kBoards[0], {"--machine", bursts, "--generate", "5", "--seconds", "7200"}, *duty));
  Start(kFirst + 3,
        RunOn(kBoards[1], {"--generate", "6", "--phases", "normal:40,fault:20"}, package()));
  AwaitAll();

  std::map<RecordKind, std::size_t> equal;
  for (const auto& [node, board] : nodes_) {
    for (const auto& [kind, count] : ExpectTheSame(node)) {
      equal[kind] += count;
      std::cout << "node " << node << " kind " << static_cast<int>(kind) << ": " << count
                << " equal\n";
    }
  }
  for (const RecordKind kind : {RecordKind::kEvent,
                                RecordKind::kSketch,
                                RecordKind::kFeatureFrame,
                                RecordKind::kActivation}) {
    EXPECT_GT(equal[kind], 0U) << "nothing of kind " << static_cast<int>(kind) << " was compared";
  }
  EXPECT_FALSE(VerdictsOf(fleet().File("cloud.db"), kFirst).empty());
}

/// Why a node's second boot says that its first one ended.
struct CrashReport {
  std::int64_t kind = 0;
  std::int64_t program_counter = 0;
  std::int64_t address = 0;
  std::int64_t reset_reason = 0;
};

class CrashingBoards : public Boards {
 protected:
  void Start(std::uint64_t node, const std::string& image, const std::string& board) {
    Admit(node, 1);
    Fleet::BoardRun run = RunOn(board, {"--generate", "3", "--phases", "normal:60"}, package());
    run.image = Image(image, board);
    ASSERT_TRUE(fleet().StartBoard(node, run)) << fleet().error();
  }
  CrashReport AwaitReport(std::uint64_t node) {
    const std::string where = " FROM record WHERE node = " + std::to_string(node) +
                              " AND boot = 2 AND sequence = 1 AND fault_code = 13";
    EXPECT_TRUE(WaitUntil([&] { return Query("SELECT count(*)" + where) == 1; }, kLong))
        << Console(node);
    // Its `windows` are the address: docs/formats/messages.md.
    return {.kind = Query("SELECT fault_channel" + where),
            .program_counter = Query("SELECT fault_detail" + where),
            .address = Query("SELECT windows" + where),
            .reset_reason = Query("SELECT reset_reason" + where)};
  }
  /// From the moment when the board is back and says that it crashed to the one when the store has
  /// its report. Told and not judged, as every time here.
  void TellHowSoon(std::size_t nodes) {
    using SteadyClock = std::chrono::steady_clock;
    std::map<std::uint64_t, SteadyClock::time_point> back;
    std::set<std::uint64_t> told;
    EXPECT_TRUE(WaitUntil(
        [&] {
          for (std::uint64_t node = kFirst; node < kFirst + nodes; ++node) {
            if (!back.contains(node) && Console(node).find("\ncrash ") != std::string::npos) {
              back[node] = SteadyClock::now();
            }
            const bool stored =
                back.contains(node) && !told.contains(node) &&
                Query("SELECT count(*) FROM record WHERE node = " + std::to_string(node) +
                      " AND boot = 2 AND sequence = 1") == 1;
            if (stored) {
              told.insert(node);
              const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
                  SteadyClock::now() - back[node]);
              std::cout << "node " << node << ": crash in the store " << took.count()
                        << " ms after the board was back\n";
            }
          }
          return told.size() == nodes;
        },
        kLong));
  }
  void ExpectBothBootsWhole(std::uint64_t node) {
    const std::uint64_t second = AwaitBoard(node);
    std::vector<Boot> boots;
    EXPECT_TRUE(WaitUntil(
        [&] {
          boots = BootsOf(node);
          std::ranges::sort(boots, {}, &Boot::boot);
          return boots.size() == 2 && boots[1].records >= second;
        },
        kLong));
    ASSERT_EQ(boots.size(), 2U);
    for (const Boot& boot : boots) {
      EXPECT_GT(boot.records, 0U);
      EXPECT_EQ(boot.first, 1U);
      EXPECT_EQ(boot.last, boot.records) << "a record of boot " << boot.boot << " is missing";
    }
    EXPECT_EQ(boots[1].records, second);
  }
};

/// How an image crashes, and what must be known of it afterwards.
struct CrashCase {
  const char* image;
  CrashKind kind;
  message::ResetReason reset;
};
constexpr CrashCase kCrashes[] = {
    {"node-crash-fault", CrashKind::kMemoryFault, message::ResetReason::kFault},
    {"node-crash-hang", CrashKind::kHang, message::ResetReason::kWatchdog},
    {"node-crash-hard", CrashKind::kHardFault, message::ResetReason::kFault},
    {"node-crash-overflow", CrashKind::kStackOverflow, message::ResetReason::kFault},
};

TEST_F(CrashingBoards, ComeBackAndSayWhy) {
  const std::map<std::string, std::int64_t> memory = {{"mps2-an386", 0x2100'0000},
                                                      {"mps3-an547", 0x7000'0000}};
  StartGateway(1);
  std::uint64_t node = kFirst;
  for (const char* board : kBoards) {
    for (const CrashCase& crash : kCrashes) {
      Start(node++, crash.image, board);
    }
  }
  TellHowSoon(std::size(kBoards) * std::size(kCrashes));
  node = kFirst;
  for (const char* board : kBoards) {
    for (const CrashCase& crash : kCrashes) {
      SCOPED_TRACE(std::string(crash.image) + " on " + board);
      const CrashReport report = AwaitReport(node);
      EXPECT_EQ(report.kind, static_cast<std::int64_t>(crash.kind));
      EXPECT_EQ(report.reset_reason, static_cast<std::int64_t>(crash.reset));
      EXPECT_NE(report.program_counter, 0);
      if (crash.kind == CrashKind::kMemoryFault) {
        EXPECT_EQ(report.address, memory.at(board));
      }
      ExpectBothBootsWhole(node++);
    }
  }
  const auto shown = fleet().CallCloud("event.tail", {{"limit", 100}});
  std::set<std::string> reasons;
  for (const auto& event : shown.value("events", nlohmann::json::array())) {
    if (event.value("fault", "") == "crash") {
      reasons.insert(event.value("reason", ""));
    }
  }
  EXPECT_EQ(reasons,
            (std::set<std::string>{"hang", "hard_fault", "memory_fault", "stack_overflow"}))
      << shown.dump();
}

}  // namespace
}  // namespace trib::integration
