// Nodes that send too much, too often, in the wrong order, or what is no message at all. What is
// valid is stored once, what is not is refused by its reason, and nobody else notices.
#include <algorithm>
#include <random>
#include <set>
#include <span>

#include "river.h"
#include "stand_in.h"
#include "trib/common/bytes/crc32c.h"

namespace trib::integration {
namespace {

using message::RefusalReason;
using tools::launcher::WaitUntil;
using Name = StandInNode::Name;

constexpr std::uint64_t kEpoch = 0xA1B2'C3D4'E5F6'0718;

class HostileOrder : public River {
 protected:
  nlohmann::json LinkStats() { return GatewayStats(1).value("link", nlohmann::json::object()); }
  std::uint64_t Dropped(const char* reason) {
    return LinkStats()["dropped"].value(reason, std::uint64_t{0});
  }
  std::uint64_t Refused(const char* reason) {
    return LinkStats()["refused"].value(reason, std::uint64_t{0});
  }
  /// Counters are published a little after the fact; they must settle on exactly `count`.
  template <typename Count>
  void ExpectSettles(Count count, std::uint64_t expected, const char* what) {
    WaitUntil([&] { return count() >= expected; }, kLong);
    EXPECT_EQ(count(), expected) << what << ": " << LinkStats();
  }
  std::uint64_t StoredOf(std::uint64_t node) {
    return static_cast<std::uint64_t>(
        Query("SELECT count(*) FROM record WHERE node = " + std::to_string(node)));
  }
  /// Acknowledged = stored + counted drops.
  void ExpectBalance(const StandInNode& node, std::uint64_t id) {
    AwaitStored(node.durable().size());
    EXPECT_TRUE(WaitUntil([&] { return StoredOf(id) >= node.durable().size(); }, kLong));
    EXPECT_EQ(node.durable().size(), StoredOf(id));
    EXPECT_EQ(Query("SELECT coalesce(sum(total), 0) FROM gateway_drop"), 0);
    EXPECT_EQ(Query("SELECT coalesce(sum(total), 0) FROM ingest_rejected"), 0);
  }
};

/// Bytes of one field: a key (number and wire type 2), a length below 16,384, the content.
std::string LengthField(std::uint32_t number, const std::string& content) {
  std::string out;
  for (std::uint32_t value : {number << 3U | 2U, static_cast<std::uint32_t>(content.size())}) {
    while (value >= 0x80) {
      out += static_cast<char>(value | 0x80);
      value >>= 7U;
    }
    out += static_cast<char>(value);
  }
  return out + content;
}

/// What lies inside a SealedRecord without a seal.
std::string Opened(const std::string& sealed) {
  const auto opened = host::message::OpenSealedRecord(sealed);
  EXPECT_TRUE(opened.ok());
  return opened.ok() ? std::string(opened->record) : "";
}

TEST_F(HostileOrder, RepeatedShuffledAndOldRecordsAreStoredOnce) {
  constexpr std::uint32_t kOldBoot = 3;
  constexpr std::uint32_t kBoot = 4;
  constexpr std::uint32_t kRecords = 300;
  constexpr int kRounds = 4;
  StartGateway(1);
  Admit(101, 1);
  StandInNode node(fleet(), 101, "node-101", 1, kEpoch);
  ASSERT_TRUE(node.Greet(kBoot));

  std::vector<std::string> all;
  std::set<Name> names;
  for (const std::uint32_t boot : {kOldBoot, kBoot}) {
    for (std::uint32_t sequence = 1; sequence <= kRecords; ++sequence) {
      all.push_back(node.Sealed(boot, sequence));
      names.insert({kEpoch, boot, sequence});
    }
  }
  std::mt19937_64 random(20'240'117);
  std::uint64_t sent = 0;
  // Beyond its credit a record is dropped unacknowledged, and a node sends it again.
  const auto deliver_rest = [&] {
    auto next = std::chrono::steady_clock::time_point::min();
    return WaitUntil(
        [&] {
          node.Listen();
          if (node.durable().size() == names.size()) {
            return true;
          }
          if (std::chrono::steady_clock::now() < next) {
            return false;
          }
          next = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
          std::vector<std::string> missing;
          for (const Name& name : names) {
            if (!node.durable().contains(name) && missing.size() < 20) {
              missing.push_back(node.Sealed(name.boot, name.sequence));
            }
          }
          sent += missing.size();
          node.SendRecords(missing);
          return false;
        },
        kLong);
  };
  const auto answers = [&] {
    std::uint64_t times = 0;
    for (const auto& [name, named] : node.durable()) {
      times += named;
    }
    return times;
  };
  for (int round = 0; round < kRounds; ++round) {
    if (round == 0) {
      std::reverse(all.begin(), all.end());
    } else {
      std::shuffle(all.begin(), all.end(), random);
    }
    for (std::size_t at = 0; at < all.size();) {
      const std::size_t count = std::min<std::size_t>(1 + random() % 24, all.size() - at);
      const auto first = all.begin() + static_cast<std::ptrdiff_t>(at);
      const std::uint64_t answered = answers();
      node.SendRecords({first, first + static_cast<std::ptrdiff_t>(count)});
      sent += count;
      at += count;
      // No more new records on the way than a peer may have; and repeats only after the answer to
      // those before, as who does not read its answers is closed for a while.
      constexpr std::size_t kOnTheWay = 100;
      WaitUntil(
          [&] {
            node.Listen();
            return round > 0 ? answers() >= answered + count
                             : at - node.durable().size() < kOnTheWay;
          },
          std::chrono::seconds(10));
    }
    // Who repeats hundreds of records that are not settled yet is closed for a while, which is
    // another test's matter.
    ASSERT_TRUE(deliver_rest()) << "round " << round;
  }
  // Each acknowledged name is one that was sent, and none is missing.
  std::set<Name> durable;
  for (const auto& [name, times] : node.durable()) {
    durable.insert(name);
  }
  EXPECT_EQ(durable, names);
  EXPECT_TRUE(node.refused().empty());
  EXPECT_EQ(node.strange(), 0U);
  ExpectBalance(node, 101);
  const auto boots = BootsOf(101);
  ASSERT_EQ(boots.size(), 2U);
  for (const Boot& boot : boots) {
    EXPECT_EQ(boot.records, kRecords);
    EXPECT_EQ(boot.first, 1U);
    EXPECT_EQ(boot.last, kRecords);
  }
  ExpectSettles([&] { return LinkStats().value("durable", 0U); }, names.size(), "durable");
  // Every record that came is in one of these counters.
  const auto again = [&] {
    const auto link = LinkStats();
    return link.value("duplicates", std::uint64_t{0}) +
           link.value("pending_again", std::uint64_t{0}) +
           link.value("over_credit", std::uint64_t{0});
  };
  ExpectSettles(again, sent - LinkStats().value("accepted", std::uint64_t{0}), "repeats");
  std::cout << sent << " records sent, " << names.size() << " stored, " << again()
            << " recognised as repeats or beyond credit\n";
}

TEST_F(HostileOrder, GarbageIsRefusedByReasonAndTheSessionSurvives) {
  constexpr std::uint32_t kBoot = 1;
  StartGateway(1);
  Admit(101, 1);
  Admit(102, 1);
  auto arguments = Generated(11, 40);
  arguments.insert(arguments.end(), {"--time-scale", "20"});
  StartNode(102, arguments);
  StandInNode node(fleet(), 101, "node-101", 1, kEpoch);
  ASSERT_TRUE(node.Greet(kBoot));

  std::uint32_t sequence = 0;
  std::set<Name> valid;
  const auto send_valid = [&] {
    ++sequence;
    valid.insert({kEpoch, kBoot, sequence});
    node.SendRecords({node.Sealed(kBoot, sequence)});
  };
  const std::string good =
      host::message::EncodeRecords(NodeId(101), std::vector{node.Sealed(kBoot, 9'000)});
  std::mt19937_64 random(7);

  // Envelopes that cannot be read: none of them may cost the session.
  std::uint64_t malformed = 0;
  const auto send_malformed = [&](const std::string& bytes) {
    node.peer().Send(bytes);
    ++malformed;
    send_valid();
  };
  for (std::size_t cut = 1; cut < good.size(); cut += 7) {
    send_malformed(good.substr(0, cut));
  }
  std::string wrong_protocol = good;
  ASSERT_EQ(wrong_protocol.substr(0, 2), "\x08\x01");
  wrong_protocol[1] = 9;
  send_malformed(wrong_protocol);
  const std::string head = good.substr(0, 11);  // protocol and node
  send_malformed(head + LengthField(12, "no such body"));
  send_malformed(head + LengthField(16, "a body of the other direction"));
  for (int i = 0; i < 20; ++i) {
    std::string noise(1 + random() % 600, '\0');
    for (char& byte : noise) {
      byte = static_cast<char>(random());
    }
    noise[0] = '\x07';  // no field has this key, so that noise never is a message by chance
    send_malformed(noise);
  }

  // Envelopes that speak for somebody else.
  constexpr std::uint64_t kForged = 5;
  for (std::uint64_t i = 0; i < kForged; ++i) {
    node.peer().Send(host::message::EncodeRecords(
        NodeId(102), std::vector{SealedEvent(102, kEpoch, kBoot, 500)}));
    send_valid();
  }

  // Records that will never do, in the middle of good ones: refused by name.
  std::map<Name, RefusalReason> refused;
  node.SendRecords({node.Sealed(kBoot, ++sequence),
                    SealedEvent(102, kEpoch, kBoot, 7'001),
                    node.Sealed(kBoot, ++sequence)});
  valid.insert({{kEpoch, kBoot, sequence - 1}, {kEpoch, kBoot, sequence}});
  refused[{kEpoch, kBoot, 7'001}] = RefusalReason::kKeyMismatch;
  const std::string lawful = Opened(node.Sealed(kBoot, 7'002));
  node.SendRecords({host::message::EncodeSealedRecord(lawful + std::string("\x10\x00", 2))});
  refused[{kEpoch, kBoot, 7'002}] = RefusalReason::kMalformed;
  node.SendRecords({host::message::EncodeSealedRecord(Opened(node.Sealed(kBoot, 7'003)) +
                                                      LengthField(100, std::string(3'560, 'x')))});
  refused[{kEpoch, kBoot, 7'003}] = RefusalReason::kTooLarge;
  node.SendRecords({host::message::EncodeSealedRecord("nobody's record")});

  send_valid();
  EXPECT_TRUE(WaitUntil(
      [&] {
        node.Listen();
        return node.durable().size() >= valid.size() && node.refused().size() >= refused.size();
      },
      kLong))
      << node.durable().size() << " of " << valid.size() << " acknowledged, "
      << node.refused().size() << " of " << refused.size() << " refused";
  std::set<Name> durable;
  for (const auto& [name, times] : node.durable()) {
    durable.insert(name);
  }
  EXPECT_EQ(durable, valid);
  EXPECT_EQ(node.refused(), refused);
  EXPECT_EQ(node.strange(), 0U);
  ExpectBalance(node, 101);

  ExpectSettles([&] { return Dropped("malformed"); }, malformed, "malformed");
  ExpectSettles([&] { return Dropped("identity_mismatch"); }, kForged, "identity_mismatch");
  ExpectSettles([&] { return Refused("key_mismatch"); }, 1, "key_mismatch");
  ExpectSettles([&] { return Refused("malformed"); }, 1, "refused malformed");
  ExpectSettles([&] { return Refused("too_large"); }, 1, "too_large");
  ExpectSettles([&] { return Refused("unnamed"); }, 1, "unnamed");
  EXPECT_EQ(LinkStats().value("sessions_closed", 1U), 0U);
  EXPECT_EQ(Dropped("penalised"), 0U);

  const auto made = AwaitNode(102)["records"].get<std::uint64_t>();
  EXPECT_TRUE(WaitUntil([&] { return StoredOf(102) >= made; }, kLong));
  ExpectExactlyOnce(102, made);
  std::cout << valid.size() << " valid stored, " << malformed << " malformed and " << kForged
            << " forged envelopes, " << refused.size()
            << " records refused by name; the other node: " << made << " of " << made << "\n";
}

/// The record `name` of node 101, with a payload that no envelope holds, sealed.
std::string SealedActivation(std::uint32_t boot, std::uint32_t sequence, std::string& payload) {
  payload.assign(message::kMaxActivationBytes - sequence, '\0');
  for (std::size_t i = 0; i < payload.size(); ++i) {
    payload[i] = static_cast<char>(i * 31 + sequence);
  }
  message::Record record;
  record.header.key = {NodeId(101), EnrolmentEpoch(kEpoch), boot, sequence};
  record.kind = message::RecordKind::kActivation;
  record.activation = {std::as_bytes(std::span(payload))};
  return host::message::EncodeSealedRecord(host::message::EncodeRecord(record));
}

std::vector<host::message::Uplink::ChunkData> Cut(const std::string& sealed,
                                                  std::uint32_t boot,
                                                  std::uint32_t sequence) {
  std::vector<host::message::Uplink::ChunkData> chunks;
  for (std::size_t at = 0; at < sealed.size(); at += message::kMaxChunkDataBytes) {
    chunks.push_back({.boot = boot,
                      .transfer = sequence,
                      .total_bytes = static_cast<std::uint32_t>(sealed.size()),
                      .offset = static_cast<std::uint32_t>(at),
                      .crc32c = Crc32c(std::as_bytes(std::span(sealed))),
                      .data = sealed.substr(at, message::kMaxChunkDataBytes)});
  }
  return chunks;
}

TEST_F(HostileOrder, ChunksInAnyOrderMakeTheRecordThatWasCut) {
  constexpr std::uint32_t kBoot = 1;
  constexpr std::uint32_t kRecords = 3;
  StartGateway(1);
  Admit(101, 1);
  StandInNode node(fleet(), 101, "node-101", 1, kEpoch);
  ASSERT_TRUE(node.Greet(kBoot));
  std::mt19937_64 random(3);
  std::vector<host::message::Uplink::ChunkData> chunks;
  std::vector<std::string> sealed(kRecords + 1);
  for (std::uint32_t sequence = 1; sequence <= kRecords; ++sequence) {
    std::string payload;
    sealed[sequence] = SealedActivation(kBoot, sequence, payload);
    for (int times = 0; times < 2; ++times) {
      for (auto& chunk : Cut(sealed[sequence], kBoot, sequence)) {
        chunks.push_back(std::move(chunk));
      }
    }
  }
  std::shuffle(chunks.begin(), chunks.end(), random);
  for (const auto& chunk : chunks) {
    node.peer().Send(host::message::EncodeChunk(NodeId(101), chunk));
  }
  EXPECT_TRUE(WaitUntil(
      [&] {
        node.Listen();
        return node.durable().size() == kRecords;
      },
      kLong))
      << LinkStats();
  // A transfer whose chunks disagree or whose checksum is wrong is dropped, and counted.
  std::string payload;
  const std::string fourth = SealedActivation(kBoot, kRecords + 1, payload);
  auto lie = Cut(fourth, kBoot, kRecords + 1);
  for (auto& chunk : lie) {
    chunk.crc32c ^= 1U;
    node.peer().Send(host::message::EncodeChunk(NodeId(101), chunk));
  }
  ExpectSettles([&] { return LinkStats().value("chunks_refused", 0U); }, 1, "chunks_refused");
  EXPECT_EQ(node.durable().size(), kRecords);
  for (const auto& chunk : Cut(fourth, kBoot, kRecords + 1)) {
    node.peer().Send(host::message::EncodeChunk(NodeId(101), chunk));
  }
  EXPECT_TRUE(WaitUntil(
      [&] {
        node.Listen();
        return node.durable().size() == kRecords + 1;
      },
      kLong));
  ExpectBalance(node, 101);
  for (std::uint32_t sequence = 1; sequence <= kRecords; ++sequence) {
    EXPECT_EQ(Query("SELECT length(sealed) FROM record WHERE kind = 19 AND sequence = " +
                    std::to_string(sequence)),
              static_cast<std::int64_t>(sealed[sequence].size()));
  }
  std::cout << chunks.size() << " shuffled chunks: " << kRecords << " records stored; "
            << lie.size() << " with a wrong checksum: none, until sent rightly\n";
}

TEST_F(HostileOrder, OversizeMessagesEndTheConnectionAndNothingElse) {
  StartGateway(1);
  Admit(101, 1);
  StandInNode node(fleet(), 101, "node-101", 1, kEpoch);
  ASSERT_TRUE(node.Greet(1));
  node.SendRecords({node.Sealed(1, 1)});
  ASSERT_TRUE(WaitUntil(
      [&] {
        node.Listen();
        return node.durable().size() == 1;
      },
      kLong));
  for (std::uint32_t round = 0; round < 3; ++round) {
    node.peer().link();
    const auto before = node.peer().connections();
    node.peer().Send(std::string(std::size_t{200'000}, 'x'));
    // The gateway hangs up; the node comes back, introduces itself and goes on.
    ASSERT_TRUE(WaitUntil(
        [&] {
          node.peer().link();
          return node.peer().connections() > before;
        },
        kLong));
    ASSERT_TRUE(node.Greet(1));
    node.SendRecords({node.Sealed(1, round + 2)});
    ASSERT_TRUE(WaitUntil(
        [&] {
          node.Listen();
          return node.durable().size() == round + 2;
        },
        kLong));
  }
  ExpectBalance(node, 101);
  std::cout << "3 oversize messages, " << node.durable().size() << " records stored\n";
}

TEST_F(HostileOrder, AFloodOfGarbageClosesOneSessionOnly) {
  constexpr std::uint64_t kFlood = 64;
  StartGateway(1);
  Admit(101, 1);
  Admit(102, 1);
  StandInNode hostile(fleet(), 101, "node-101", 1, kEpoch);
  StandInNode quiet(fleet(), 102, "node-102", 1, kEpoch + 1);
  ASSERT_TRUE(hostile.Greet(1));
  ASSERT_TRUE(quiet.Greet(1));
  hostile.SendRecords({hostile.Sealed(1, 1)});
  ASSERT_TRUE(WaitUntil(
      [&] {
        hostile.Listen();
        return hostile.durable().size() == 1;
      },
      kLong));
  for (std::uint64_t i = 0; i < kFlood; ++i) {
    hostile.peer().Send("garbage");
  }
  hostile.SendRecords({hostile.Sealed(1, 2)});
  ExpectSettles([&] { return Dropped("malformed") + Dropped("penalised"); }, kFlood + 1, "dropped");
  EXPECT_EQ(LinkStats().value("sessions_closed", 0U), 1U);
  EXPECT_GT(Dropped("penalised"), 0U);
  constexpr std::uint32_t kRecords = 50;
  for (std::uint32_t sequence = 1; sequence <= kRecords; ++sequence) {
    quiet.SendRecords({quiet.Sealed(1, sequence)});
  }
  EXPECT_TRUE(WaitUntil(
      [&] {
        quiet.Listen();
        return quiet.durable().size() == kRecords;
      },
      kLong));
  hostile.Listen();
  // The record sent during the penalty was not acknowledged, so a node would still have it.
  EXPECT_EQ(hostile.durable().size(), 1U);
  EXPECT_TRUE(WaitUntil([&] { return StoredOf(102) == kRecords; }, kLong));
  EXPECT_EQ(StoredOf(101), 1U);
  std::cout << kFlood << " garbage messages: 1 session closed, " << Dropped("penalised")
            << " messages unread; the other node: " << kRecords << " stored\n";
}

}  // namespace
}  // namespace trib::integration
