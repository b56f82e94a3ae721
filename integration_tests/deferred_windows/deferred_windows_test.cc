// Windows that nodes are unsure of, through the real gateway and cloud: each is decided once, by
// the tier that has to, as the uncut network would decide it, whoever is killed meanwhile.
#include <algorithm>
#include <bit>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <span>
#include <stdexcept>

#include "river.h"
#include "stand_in.h"
#include "trib/common/bytes/crc32c.h"
#include "trib/common/classify/classify.h"
#include "trib/common/host/identity/identity.h"
#include "trib/common/host/package/package.h"
#include "trib/common/host/sqlite/database.h"
#include "trib/common/host/tail/tail.h"
#include "trib/common/nn/activation.h"
#include "trib/common/nn/runner.h"
#include "trib/testing/split_packages.h"

namespace trib::integration {
namespace {

namespace fs = std::filesystem;
using host::tail::Network;
using tools::launcher::WaitUntil;
using Bytes = std::vector<std::byte>;
using Name = StandInNode::Name;

constexpr std::uint64_t kEpoch = 0xA1B2'C3D4'E5F6'0718;
constexpr std::uint32_t kBoot = 1;

/// A window that a node deferred, and what every exit of the uncut network says about it.
struct Window {
  std::uint64_t node = 0;
  std::uint32_t sequence = 0;
  bool audit = false;
  std::string sealed;
  std::vector<classify::Decision> exits;
  std::vector<FixedVector<float, package::kMaxLabels>> scores;  ///< of each exit, one per label
};

/// A network, and the node's side of it.
class Deferrer {
 public:
  Deferrer(std::shared_ptr<const Network> network, const testing::ThreeExits& shape)
      : network_(std::move(network)),
        shape_(shape),
        head_arena_(network_->head_plan().arena_bytes() / 4 + 1),
        arena_(network_->plan().arena_bytes() / 4 + 1),
        head_(*nn::Runner::Open(
            network_->head_plan(), std::as_writable_bytes(std::span(head_arena_)), {})),
        whole_(*nn::Runner::Open(network_->plan(), std::as_writable_bytes(std::span(arena_)), {})) {
  }

  /// A record of this network with the longest payload that there may be, which is no activation.
  std::string Spoil(std::uint64_t node, std::uint32_t sequence) {
    Bytes payload(message::kMaxActivationBytes);
    for (std::size_t i = 0; i < payload.size(); ++i) {
      payload[i] = static_cast<std::byte>(i * 31 + sequence);
    }
    return Seal(node, sequence, false, payload);
  }

  Window Defer(std::uint64_t node, std::uint32_t sequence, bool audit) {
    const auto samples = testing::ToneWindow(shape_, sequence % 5, sequence);
    Window out{node, sequence, audit, Seal(node, sequence, audit, Activation(samples)), {}, {}};
    Feed(whole_, network_->plan(), samples);
    whole_.Run();
    for (std::size_t i = 0; i < network_->classifier().exits.size(); ++i) {
      const nn::Port port = network_->plan().output(i);
      out.exits.push_back(classify::Judge(network_->classifier(),
                                          i,
                                          whole_.output(i),
                                          port,
                                          network_->plan().tensor(port.tensor).zero_point));
      out.scores.push_back(network_->ScoresOf(out.exits.back()));
    }
    return out;
  }

 private:
  void Feed(nn::Runner& runner, const nn::Plan& plan, std::span<const std::int16_t> samples) {
    const nn::Port port = plan.input(0);
    classify::QuantiseWindow(network_->classifier(),
                             {samples, static_cast<std::uint32_t>(shape_.channels), 0.001F},
                             port,
                             plan.tensor(port.tensor).zero_point,
                             runner.input(0));
  }
  Bytes Activation(std::span<const std::int16_t> samples) {
    Feed(head_, network_->head_plan(), samples);
    head_.Run();
    Bytes bytes(network_->split().max_activation_bytes);
    const auto size = nn::EncodeActivation(
        head_, network_->head_plan(), {network_->hash(), network_->split().cut}, bytes);
    EXPECT_TRUE(size.ok());
    bytes.resize(size.value_or(0));
    return bytes;
  }
  std::string Seal(std::uint64_t node, std::uint32_t sequence, bool audit, const Bytes& payload) {
    message::Record record;
    record.header.key = {NodeId(node), EnrolmentEpoch(kEpoch), kBoot, sequence};
    record.header.time = LogicalTime(Millis(1'700'000'000'000 + sequence * 100LL));
    record.header.package_hash = network_->hash();
    record.header.tier = message::Tier::kClassifier;
    record.header.cut_id = network_->split().cut;
    record.header.audit = audit;
    record.kind = message::RecordKind::kActivation;
    record.activation = {payload};
    return host::message::EncodeSealedRecord(host::message::EncodeRecord(record));
  }

  std::shared_ptr<const Network> network_;
  testing::ThreeExits shape_;
  std::vector<std::uint32_t> head_arena_;
  std::vector<std::uint32_t> arena_;
  nn::Runner head_;
  nn::Runner whole_;
};

/// One row of `verdict`, as text: what has to be equal to the bit.
std::string RowOf(int tier, const Window& window, std::size_t exit, bool final) {
  const classify::Decision& decision = window.exits[exit];
  std::string hex;
  for (const float score : window.scores[exit]) {
    const auto bits = std::bit_cast<std::uint32_t>(score);
    for (unsigned shift = 0; shift < 32; shift += 8) {
      constexpr char kDigits[] = "0123456789ABCDEF";
      hex += kDigits[bits >> (shift + 4) & 0xFU];
      hex += kDigits[bits >> shift & 0xFU];
    }
  }
  return std::to_string(tier) + " " + std::to_string(decision.label) + " " +
         std::to_string(int{decision.accepted}) + std::to_string(int{final}) + " " + hex;
}

class DeferredWindows : public River {
 protected:
  void SetUp() override {
    options_.gateway_tails = "directory = \"site\"\n" + gateway_lines_;
    options_.cloud_tails = "directory = \"center\"\n";
    River::SetUp();
    ASSERT_FALSE(HasFatalFailure());
    for (const char* folder : {"site", "center", "made"}) {
      fs::create_directory(fleet().File(folder));
    }
  }

  /// The cloud anew, so that it sees at once what the folder holds.
  void NewCloud() {
    EXPECT_TRUE(fleet().cloud()->Stop(std::chrono::seconds(60)).clean());
    RestartCloud();
  }
  /// Makes a network and puts it, signed, into the folders named.
  Deferrer MakeNetwork(const testing::SplitShape& shape, const std::vector<std::string>& folders) {
    auto made = testing::MakeSplitPackages(shape);
    std::string error;
    const auto key = host::identity::LoadKeyPair(fleet().File("package.key"), &error);
    EXPECT_TRUE(key.ok()) << error;
    auto head = host::package::SignPackage(made.head, key->seed, &error);
    if (!head.ok()) {
      throw std::runtime_error("no head: " + error);
    }
    const std::string stem = "network-" + shape.version;
    EXPECT_TRUE(
        host::package::WritePackageFile(fleet().File("made/" + stem + ".head.trib"), *head).ok());
    EXPECT_TRUE(
        host::package::WritePackageFile(fleet().File("made/" + stem + ".tail.trib"), made.tail)
            .ok());
    for (const std::string& folder : folders) {
      Install(shape.version, folder);
    }
    auto network = Network::Join(*std::move(head), std::move(made.tail), error);
    if (!network.ok()) {
      throw std::runtime_error("no network: " + error);  // fails the test
    }
    return {*std::move(network), shape.network};
  }
  void Install(const std::string& version, const std::string& folder) {
    for (const char* end : {".tail.trib", ".head.trib"}) {
      const std::string file = "network-" + version + end;
      fs::copy_file(fleet().File("made/" + file), fleet().File(folder + "/" + file));
    }
  }

  nlohmann::json Tail() { return GatewayStats(1).value("tail", nlohmann::json::object()); }
  std::uint64_t Waiting() {
    return CloudStats().value("/deferred/waiting"_json_pointer, std::uint64_t{0});
  }
  std::int64_t SpoolQuery(const std::string& sql) {
    auto spool = host::sqlite::Database::Open(fleet().File("gateway-1.spool").string(),
                                              {.mode = host::sqlite::Mode::kReadOnly});
    EXPECT_TRUE(spool.ok());
    return spool.ok() ? spool->QueryInt(sql).value_or(-1) : -1;
  }

  /// Sends a window in chunks, or whole when it fits and `whole`.
  static void Send(StandInNode& node, const Window& window, bool whole) {
    if (whole && window.sealed.size() <= message::kMaxRecordBytes) {
      node.SendRecords({window.sealed});
      return;
    }
    for (std::size_t at = 0; at < window.sealed.size(); at += message::kMaxChunkDataBytes) {
      node.peer().Send(host::message::EncodeChunk(
          NodeId(window.node),
          {.boot = kBoot,
           .transfer = window.sequence,
           .total_bytes = static_cast<std::uint32_t>(window.sealed.size()),
           .offset = static_cast<std::uint32_t>(at),
           .crc32c = Crc32c(std::as_bytes(std::span(window.sealed))),
           .data = window.sealed.substr(at, message::kMaxChunkDataBytes)}));
    }
  }
  /// Sends what was not acknowledged, again and again, until all is, or `until`.
  void Deliver(
      StandInNode& node,
      std::uint64_t id,
      const std::vector<Window>& windows,
      const std::function<bool()>& until = [] { return false; }) {
    auto next = std::chrono::steady_clock::time_point::min();
    EXPECT_TRUE(WaitUntil(
        [&] {
          (void)node.Hail(kBoot, std::chrono::milliseconds(500));
          if (until()) {
            return true;
          }
          std::vector<const Window*> missing;
          for (const Window& window : windows) {
            if (window.node == id && !node.durable().contains({kEpoch, kBoot, window.sequence})) {
              missing.push_back(&window);
            }
          }
          const bool again = std::chrono::steady_clock::now() >= next;
          if (again && node.peer().link() == host::zmq::LinkState::kUp) {
            next = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
            for (std::size_t i = 0; i < std::min<std::size_t>(missing.size(), 16); ++i) {
              Send(node, *missing[i], missing[i]->sequence % 2 == 0);
            }
          }
          if (!missing.empty() && missing.size() % 16 == 0) {
            next = std::min(next, std::chrono::steady_clock::now());
          }
          return missing.empty();
        },
        kLong))
        << "node " << id << ", refused: " << node.refused().size() << ", gateway "
        << GatewayStats(1).value("link", nlohmann::json());
  }

  /// The rows that the store must have of `window`.
  static std::set<std::string> RowsFor(const Window& window, bool gateway = true) {
    std::set<std::string> rows;
    const bool final = gateway && window.exits[1].accepted;
    if (final || (gateway && window.audit)) {
      rows.insert(RowOf(4, window, 1, final));
    }
    if (!final || window.audit) {
      rows.insert(RowOf(5, window, 2, true));
    }
    return rows;
  }
  /// Each window has exactly its verdicts, and nothing waits anywhere.
  void ExpectDecided(const std::vector<Window>& windows,
                     bool gateway = true,
                     std::size_t damaged = 0) {
    AwaitStored(windows.size() + damaged);
    EXPECT_TRUE(WaitUntil([&] { return Waiting() == 0; }, kLong));
    auto store = host::sqlite::Database::Open(fleet().File("cloud.db").string(),
                                              {.mode = host::sqlite::Mode::kReadOnly});
    ASSERT_TRUE(store.ok());
    auto rows = store->Prepare(
        "SELECT r.node, r.sequence, v.tier || ' ' || v.label || ' ' || v.accepted || v.final || "
        "' ' || hex(v.scores), v.package_hash = r.package_hash FROM record r LEFT JOIN verdict v "
        "ON v.record = r.id WHERE r.kind = 19");
    ASSERT_TRUE(rows.ok());
    std::map<std::pair<std::uint64_t, std::int64_t>, std::set<std::string>> found;
    std::size_t count = 0;
    std::size_t at_gateway = 0;
    for (auto row = rows->Step(); row.ok() && *row; row = rows->Step()) {
      auto& set = found[{rows->Uint(0), rows->Int(1)}];
      if (!rows->IsNull(2)) {
        EXPECT_EQ(rows->Int(3), 1);
        set.insert(std::string(rows->Text(2)));
        at_gateway += rows->Text(2).starts_with("4") ? 1U : 0U;
        ++count;
      }
    }
    std::size_t expected = 0;
    for (const Window& window : windows) {
      const auto lawful = RowsFor(window, gateway);
      expected += lawful.size();
      EXPECT_EQ((found[{window.node, window.sequence}]), lawful)
          << "node " << window.node << " window " << window.sequence;
    }
    EXPECT_EQ(found.size(), windows.size() + damaged);
    EXPECT_EQ(count, expected) << "one verdict per record and tier";
    EXPECT_EQ(Query("SELECT count(*) FROM record WHERE kind = 19"),
              static_cast<std::int64_t>(windows.size() + damaged));
    EXPECT_EQ(Query("SELECT count(*) FROM undecided"), 0);
    EXPECT_EQ(Query("SELECT coalesce(sum(total), 0) FROM gateway_drop"), 0);
    EXPECT_EQ(Query("SELECT coalesce(sum(total), 0) FROM ingest_rejected"), 0);
    EXPECT_TRUE(WaitUntil([&] { return SpoolQuery("SELECT count(*) FROM queue") == 0; }, kLong));
    EXPECT_EQ(SpoolQuery("SELECT count(*) FROM deferred"), 0);
    std::cout << windows.size() << " windows: " << at_gateway << " verdicts of the gateway, "
              << count - at_gateway << " of the cloud\n";
  }
  /// What the node was told is what the uncut network says at the tier that told it.
  static std::size_t ExpectAnswers(const StandInNode& node, const std::vector<Window>& windows) {
    std::map<std::uint32_t, const Window*> by_sequence;
    for (const Window& window : windows) {
      by_sequence[window.sequence] = &window;
    }
    std::set<std::uint32_t> told;
    for (const message::Verdict& verdict : node.verdicts()) {
      const auto window = by_sequence.find(verdict.sequence);
      if (window == by_sequence.end()) {
        ADD_FAILURE() << "a verdict on window " << verdict.sequence;
        continue;
      }
      EXPECT_EQ(verdict.boot, kBoot);
      const bool at_gateway = verdict.tier == message::Tier::kGateway;
      EXPECT_EQ(at_gateway, window->second->exits[1].accepted) << verdict.sequence;
      const classify::Decision& said = window->second->exits[at_gateway ? 1 : 2];
      EXPECT_EQ(verdict.label, said.label) << verdict.sequence;
      EXPECT_EQ(verdict.confidence, said.confidence) << verdict.sequence;
      EXPECT_EQ(verdict.scores, window->second->scores[at_gateway ? 1 : 2]) << verdict.sequence;
      told.insert(verdict.sequence);
    }
    EXPECT_EQ(node.strange(), 0U);
    return told.size();
  }

  std::string gateway_lines_;
};

std::vector<Window> Made(Deferrer& deferrer, std::uint64_t node, std::uint32_t count) {
  std::vector<Window> windows;
  for (std::uint32_t sequence = 1; sequence <= count; ++sequence) {
    windows.push_back(deferrer.Defer(node, sequence, sequence % 7 == 0));
  }
  return windows;
}

TEST_F(DeferredWindows, AreDecidedOnceAsTheUncutNetworkWould) {
  constexpr std::uint32_t kWindows = 150;
  Deferrer deferrer = MakeNetwork({}, {"site", "center"});
  NewCloud();
  StartGateway(1);
  Admit(101, 1);
  Admit(102, 1);
  StandInNode first(fleet(), 101, "node-101", 1, kEpoch);
  StandInNode second(fleet(), 102, "node-102", 1, kEpoch);
  ASSERT_TRUE(first.Greet(kBoot) && second.Greet(kBoot));
  std::vector<Window> windows = Made(deferrer, 101, kWindows);
  const std::vector<Window> of_first = windows;
  const std::vector<Window> of_second = Made(deferrer, 102, kWindows);
  windows.insert(windows.end(), of_second.begin(), of_second.end());
  Deliver(first, 101, windows);
  Deliver(second, 102, windows);
  ExpectDecided(windows);
  // Nobody was away, so both nodes hear of every window.
  EXPECT_TRUE(WaitUntil(
      [&] {
        first.Listen();
        second.Listen();
        return first.verdicts().size() >= kWindows && second.verdicts().size() >= kWindows;
      },
      kLong));
  EXPECT_EQ(ExpectAnswers(first, of_first), kWindows);
  EXPECT_EQ(ExpectAnswers(second, of_second), kWindows);
  EXPECT_EQ(first.verdicts().size(), kWindows) << "each once";
  const auto tail = Tail();
  EXPECT_EQ(tail.value("records", 0U), 2 * kWindows) << tail;
  EXPECT_EQ(tail["decided"].get<std::uint64_t>() + tail["passed_on"]["unsure"].get<std::uint64_t>(),
            2 * kWindows)
      << tail;
  std::cout << "gateway " << tail << "\ncloud " << CloudStats()["tail"] << "\n";
}

TEST_F(DeferredWindows, TravelInChunksUpToTheWidestAndTheDamagedAreClosed) {
  testing::SplitShape shape;
  shape.network.frames = 1016;
  Deferrer deferrer = MakeNetwork(shape, {"site", "center"});
  NewCloud();
  StartGateway(1);
  Admit(101, 1);
  StandInNode node(fleet(), 101, "node-101", 1, kEpoch);
  ASSERT_TRUE(node.Greet(kBoot));
  std::vector<Window> windows = Made(deferrer, 101, 40);
  EXPECT_GT(windows[0].sealed.size(), message::kMaxChunkDataBytes) << "one chunk would do";
  // As long as an activation may be, and none of this network.
  constexpr std::uint32_t kDamaged = 40;
  for (std::uint32_t sequence = 41; sequence <= 40 + kDamaged; ++sequence) {
    windows.push_back({101, sequence, false, deferrer.Spoil(101, sequence), {}, {}});
    EXPECT_GT(windows.back().sealed.size(), message::kMaxActivationBytes);
  }
  Deliver(node, 101, windows);
  AwaitStored(windows.size());
  windows.resize(40);
  EXPECT_TRUE(WaitUntil([&] { return Waiting() == 0; }, kLong));
  EXPECT_EQ(Query("SELECT value FROM verdict_total WHERE name = 'damaged'"), kDamaged);
  EXPECT_EQ(Query("SELECT count(*) FROM record r JOIN verdict v ON v.record = r.id WHERE "
                  "r.sequence > 40"),
            0);
  EXPECT_EQ(Tail()["passed_on"].value("damaged", 0U), kDamaged);
  ExpectDecided(windows, true, kDamaged);
}

class MidBatch : public DeferredWindows {
 protected:
  // A batch that waits so long for more that a kill always meets one.
  MidBatch() { gateway_lines_ = "batch = 256\ndeadline = \"700ms\"\n"; }
};

TEST_F(MidBatch, KillingTheGatewayLosesNoWindow) {
  constexpr std::uint32_t kWindows = 240;
  constexpr std::uint32_t kKills = 5;
  Deferrer deferrer = MakeNetwork({}, {"site", "center"});
  NewCloud();
  StartGateway(1);
  Admit(101, 1);
  StandInNode node(fleet(), 101, "node-101", 1, kEpoch);
  ASSERT_TRUE(node.Greet(kBoot));
  const std::vector<Window> windows = Made(deferrer, 101, kWindows);
  std::uint64_t undecided_at_kills = 0;
  for (std::uint32_t kill = 1; kill <= kKills; ++kill) {
    const std::size_t enough = std::size_t{kill} * kWindows / (kKills + 1);
    Deliver(node, 101, windows, [&] { return node.durable().size() >= enough; });
    KillGateway(1);
    undecided_at_kills += static_cast<std::uint64_t>(
        SpoolQuery("SELECT count(*) FROM deferred WHERE verdict IS NULL"));
    RestartGateway(1);
    node.Forget();
  }
  Deliver(node, 101, windows);
  EXPECT_GT(undecided_at_kills, 0U) << "no kill was in the middle of anything";
  std::cout << kKills << " kills, with " << undecided_at_kills
            << " acknowledged windows undecided in all\n";
  ExpectDecided(windows);
  (void)ExpectAnswers(node, windows);
}

TEST_F(DeferredWindows, KillingTheCloudLosesNoWindow) {
  constexpr std::uint32_t kWindows = 160;
  constexpr int kKills = 4;
  // Nothing is decided at the gateway, so all lies with the cloud.
  Deferrer deferrer = MakeNetwork({}, {});
  StartGateway(1);
  Admit(101, 1);
  StandInNode node(fleet(), 101, "node-101", 1, kEpoch);
  ASSERT_TRUE(node.Greet(kBoot));
  const std::vector<Window> windows = Made(deferrer, 101, kWindows);
  std::uint64_t undecided_at_kills = 0;
  for (int kill = 1; kill <= kKills; ++kill) {
    Deliver(node, 101, windows, [&] {
      return node.durable().size() >= static_cast<std::size_t>(kill) * kWindows / (kKills + 1);
    });
    AwaitStored(static_cast<std::uint64_t>(kill) * kWindows / (kKills + 1) / 2);
    fleet().cloud()->Kill();
    undecided_at_kills += static_cast<std::uint64_t>(Query("SELECT count(*) FROM undecided"));
    if (kill == 2) {
      Install("1", "center");  // from here on the network is known
    }
    RestartCloud();
  }
  Deliver(node, 101, windows);
  EXPECT_GT(undecided_at_kills, 0U);
  std::cout << kKills << " kills, with " << undecided_at_kills << " stored windows undecided\n";
  ExpectDecided(windows, false);
}

TEST_F(DeferredWindows, OfAnUnknownPackageAreCountedPassedOnAndDecidedWhenItComes) {
  constexpr std::uint32_t kWindows = 30;
  Deferrer unknown = MakeNetwork({}, {});
  testing::SplitShape other;
  other.version = "2";
  other.network.seed = 2;
  (void)MakeNetwork(other, {"site", "center"});
  NewCloud();
  StartGateway(1);
  Admit(101, 1);
  StandInNode node(fleet(), 101, "node-101", 1, kEpoch);
  ASSERT_TRUE(node.Greet(kBoot));
  const std::vector<Window> windows = Made(unknown, 101, kWindows);
  Deliver(node, 101, windows);
  AwaitStored(kWindows);
  EXPECT_TRUE(WaitUntil(
      [&] { return Tail()["passed_on"].value("unknown_package", 0U) == kWindows; }, kLong))
      << Tail();
  EXPECT_EQ(Waiting(), kWindows);
  EXPECT_EQ(Query("SELECT count(*) FROM verdict"), 0);
  node.Listen();
  EXPECT_TRUE(node.verdicts().empty()) << "the node's own exit stands";
  // Both tiers say so to their operator.
  for (const auto& doctor : {fleet().CallGateway(1, "doctor", nlohmann::json::object()),
                             fleet().CallCloud("doctor", nlohmann::json::object())}) {
    const auto& checks = doctor.at("checks");
    EXPECT_TRUE(std::any_of(checks.begin(), checks.end(), [](const nlohmann::json& check) {
      return check["name"] == "unknown_packages" && check["status"] == "warn";
    })) << doctor;
  }
  Install("1", "center");
  ExpectDecided(windows, false);
  EXPECT_TRUE(WaitUntil(
      [&] {
        node.Listen();
        return node.verdicts().size() >= kWindows;
      },
      kLong))
      << "who still listens hears of it";
  const auto shown = fleet().CallCloud("node.show", {{"node", 101}});
  ASSERT_EQ(shown.at("verdicts").size(), 10U);
  EXPECT_EQ(shown["verdicts"][9]["tier"], "cloud");
}

TEST_F(DeferredWindows, OfOurOwnNodesAreDecidedAndAnswered) {
  testing::SplitShape shape;
  shape.network.frames = 256;
  shape.sample_rate_hz = 12'000;
  shape.with_trigger = false;  // every window is classified
  shape.audit_permille = 100;
  (void)MakeNetwork(shape, {"site", "center"});
  NewCloud();
  StartGateway(1);
  Admit(101, 1);
  auto arguments = Generated(11, 12);
  arguments.insert(arguments.end(), {"--time-scale", "2"});
  StartNode(101, arguments, fleet().File("made/network-1.head.trib"));
  const auto report = AwaitNode(101);
  const auto asked = report.at("deferred").get<std::int64_t>() +
                     report.at("audits").at("asked").get<std::int64_t>();
  EXPECT_GT(asked, 0) << report;
  const auto records = report["records"].get<std::uint64_t>();
  AwaitStored(records);
  ExpectExactlyOnce(101, records);
  EXPECT_EQ(Query("SELECT count(*) FROM record WHERE kind = 19"), asked) << report;
  EXPECT_TRUE(WaitUntil([&] { return Waiting() == 0; }, kLong));
  // The gateway's answer where it is final, the cloud's where it is not, both for the audit.
  EXPECT_EQ(Query("SELECT count(*) FROM record r WHERE kind = 19 AND"
                  " (SELECT count(*) FROM verdict v WHERE v.record = r.id AND v.tier = 4 AND"
                  " v.final) + (SELECT count(*) FROM verdict v WHERE v.record = r.id AND"
                  " v.tier = 5) = 1 + (audit AND EXISTS(SELECT 1 FROM verdict v WHERE v.record ="
                  " r.id AND v.tier = 4 AND v.final))"),
            asked);
  // Of the audited ones, those asked about because of a doubt among them, the cloud knows whether
  // the node was right.
  const auto audited = Query("SELECT count(*) FROM record WHERE kind = 19 AND audit");
  EXPECT_GE(audited, report.at("audits").at("asked").get<std::int64_t>()) << report;
  EXPECT_EQ(Query("SELECT coalesce(sum(value), 0) FROM drift_total WHERE name IN ('judged',"
                  " 'late_verdicts')"),
            audited)
      << report;
  std::uint64_t told = 0;
  for (const auto& [tier, count] : report.at("verdicts").items()) {
    told += count.get<std::uint64_t>();
  }
  EXPECT_GT(told, 0U) << report;
  std::uint64_t refused = 0;
  for (const auto& [reason, count] : report.at("verdicts_refused").items()) {
    refused += reason == "late" || !count.is_number() ? 0U : count.get<std::uint64_t>();
  }
  EXPECT_EQ(refused, 0U) << report;
  std::cout << asked << " questions, " << told << " verdicts taken: " << report["verdicts"]
            << ", in " << report["verdict_ms"]["mean"] << " ms on average\n";
}

}  // namespace
}  // namespace trib::integration
