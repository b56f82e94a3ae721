#include "trib/cloud/ingest/site_codec.h"

#include <gtest/gtest.h>
#include <tributary/v1/record.pb.h>
#include <tributary/v1/site.pb.h>

#include <cmath>
#include <limits>
#include <map>

#include "trib/common/base/random.h"
#include "trib/common/host/message/codec.h"

namespace trib::cloud::ingest {
namespace {

namespace pb = tributary::v1;
constexpr GatewayId kGateway{9};

class Table final : public Bindings {
 public:
  Binding Of(NodeId node, GatewayId gateway) const override {
    EXPECT_EQ(gateway, kGateway);
    const auto it = nodes.find(node.value());
    return it == nodes.end() ? Binding::kUnknownNode : it->second;
  }
  std::map<std::uint64_t, Binding> nodes{{1, Binding::kBound},
                                         {2, Binding::kFormer},
                                         {3, Binding::kNeverAccepted},
                                         {4, Binding::kOtherGateway}};
};

message::Record EventOf(std::uint64_t node, std::uint32_t sequence = 1) {
  message::Record record;
  record.header.key = {NodeId(node), EnrolmentEpoch(77), 1, sequence};
  record.header.time = LogicalTime(Millis(123456));
  record.header.tier = message::Tier::kTrigger;
  record.kind = message::RecordKind::kEvent;
  record.event.state = message::EventState::kOnset;
  record.event.label = 4;
  return record;
}
std::string Sealed(const message::Record& record) {
  return host::message::EncodeSealedRecord(host::message::EncodeRecord(record));
}
pb::SiteEnvelope BatchOf(const std::vector<std::string>& sealed) {
  pb::SiteEnvelope envelope;
  envelope.set_protocol(message::kProtocolVersion);
  envelope.mutable_batch()->set_batch_id(42);
  for (const std::string& bytes : sealed) {
    pb::Forwarded& forwarded = *envelope.mutable_batch()->add_records();
    forwarded.set_sealed_record(bytes);
    forwarded.set_received_ms(1000);
  }
  return envelope;
}
Envelope DecodeBatch(const std::vector<std::string>& sealed) {
  return Decode(BatchOf(sealed).SerializeAsString(), kGateway, Table());
}
std::string RefusalOf(const Envelope& envelope) {
  const auto* refused = std::get_if<RefusedEnvelope>(&envelope);
  return refused == nullptr ? "accepted" : refused->reason;
}
std::string RejectionOf(const std::string& sealed) {
  const Envelope envelope = DecodeBatch({sealed});
  const auto* batch = std::get_if<Batch>(&envelope);
  if (batch == nullptr) {
    return RefusalOf(envelope);
  }
  return batch->rejected.empty() ? "accepted" : batch->rejected[0].reason;
}

TEST(SiteCodec, TakesARecordWithItsBytesUnchanged) {
  const std::string sealed = Sealed(EventOf(1));
  const Envelope envelope = DecodeBatch({sealed});
  const auto* batch = std::get_if<Batch>(&envelope);
  ASSERT_NE(batch, nullptr) << RefusalOf(envelope);
  EXPECT_EQ(batch->batch_id, 42U);
  EXPECT_EQ(batch->gateway, kGateway);
  ASSERT_EQ(batch->records.size(), 1U);
  const RecordRow& row = batch->records[0];
  EXPECT_EQ(row.sealed, sealed);
  EXPECT_EQ(row.received_ms, 1000U);
  EXPECT_EQ(row.header, EventOf(1).header);
  EXPECT_EQ(std::get<message::Event>(row.body).label, 4U);
  EXPECT_FALSE(row.former);
}

pb::SiteEnvelope DeferredWith(const pb::TierVerdict& verdict) {
  message::Record record = EventOf(1);
  record.header.package_hash = PackageHash(0xABCD);
  const std::byte payload[] = {std::byte{1}};
  record.kind = message::RecordKind::kActivation;
  record.activation = {payload};
  pb::SiteEnvelope envelope = BatchOf({Sealed(record)});
  *envelope.mutable_batch()->mutable_records(0)->mutable_verdict() = verdict;
  return envelope;
}
pb::TierVerdict Lawful() {
  pb::TierVerdict verdict;
  verdict.set_tier(4);
  verdict.set_package_hash(0xABCD);
  verdict.set_label(15);
  verdict.set_confidence(1);
  verdict.add_scores(0);
  verdict.add_scores(1);
  verdict.set_accepted(true);
  verdict.set_final(true);
  verdict.set_decided_ms(77);
  return verdict;
}

TEST(SiteCodec, TakesTheGatewaysVerdictWithADeferredWindow) {
  const Envelope envelope = Decode(DeferredWith(Lawful()).SerializeAsString(), kGateway, Table());
  const auto* batch = std::get_if<Batch>(&envelope);
  ASSERT_NE(batch, nullptr);
  ASSERT_EQ(batch->records.size(), 1U);
  ASSERT_TRUE(batch->records[0].verdict.has_value());
  const Verdict& verdict = *batch->records[0].verdict;
  EXPECT_EQ(verdict.tier, message::Tier::kGateway);
  EXPECT_EQ(verdict.package_hash, PackageHash(0xABCD));
  EXPECT_EQ(verdict.label, 15U);
  EXPECT_EQ(verdict.confidence, 1.0F);
  ASSERT_EQ(verdict.scores.size(), 2U);
  EXPECT_EQ(verdict.scores[1], 1.0F);
  EXPECT_TRUE(verdict.accepted && verdict.final);
  EXPECT_EQ(verdict.decided_ms, 77U);
  EXPECT_EQ(batch->verdicts_refused, 0U);
}

TEST(SiteCodec, AVerdictThatCannotBeIsDroppedAndItsRecordTaken) {
  std::vector<pb::TierVerdict> bad(9, Lawful());
  bad[0].set_tier(5);
  bad[1].set_package_hash(0xABCE);
  bad[2].set_label(16);
  bad[3].set_confidence(std::numeric_limits<float>::quiet_NaN());
  bad[4].set_confidence(1.5F);
  bad[5].set_confidence(-0.5F);
  bad[6].add_scores(std::numeric_limits<float>::infinity());
  for (int i = 0; i < 15; ++i) {
    bad[7].add_scores(0);
  }
  bad[8].set_decided_ms(std::uint64_t{1} << 63U);
  for (std::size_t i = 0; i < bad.size(); ++i) {
    const Envelope envelope = Decode(DeferredWith(bad[i]).SerializeAsString(), kGateway, Table());
    const auto* batch = std::get_if<Batch>(&envelope);
    ASSERT_NE(batch, nullptr) << i;
    ASSERT_EQ(batch->records.size(), 1U) << i;
    EXPECT_FALSE(batch->records[0].verdict.has_value()) << i;
    EXPECT_EQ(batch->verdicts_refused, 1U) << i;
  }
  // Only deferred windows have verdicts.
  pb::SiteEnvelope event = BatchOf({Sealed(EventOf(1))});
  *event.mutable_batch()->mutable_records(0)->mutable_verdict() = Lawful();
  event.mutable_batch()->mutable_records(0)->mutable_verdict()->set_package_hash(0);
  const Envelope envelope = Decode(event.SerializeAsString(), kGateway, Table());
  const auto* batch = std::get_if<Batch>(&envelope);
  ASSERT_NE(batch, nullptr);
  EXPECT_FALSE(batch->records[0].verdict.has_value());
  EXPECT_EQ(batch->verdicts_refused, 1U);
}

TEST(SiteCodec, DownlinksNameTheNodeAndItsEpoch) {
  pb::SiteEnvelope envelope;
  ASSERT_TRUE(envelope.ParseFromString(EncodeDownlink(NodeId(17), EnrolmentEpoch(5), "bytes")));
  EXPECT_EQ(envelope.protocol(), message::kProtocolVersion);
  EXPECT_EQ(envelope.downlink().node(), 17U);
  EXPECT_EQ(envelope.downlink().epoch(), 5U);
  EXPECT_EQ(envelope.downlink().envelope(), "bytes");
}

TEST(SiteCodec, EveryRecordIsTakenOrRejectedWithItsIndex) {
  const Envelope envelope = DecodeBatch({Sealed(EventOf(1)),
                                         "garbage",
                                         Sealed(EventOf(2)),
                                         Sealed(EventOf(3)),
                                         Sealed(EventOf(4)),
                                         Sealed(EventOf(5)),
                                         ""});
  const auto* batch = std::get_if<Batch>(&envelope);
  ASSERT_NE(batch, nullptr);
  ASSERT_EQ(batch->records.size(), 2U);
  EXPECT_EQ(batch->records[1].index, 2U);
  EXPECT_TRUE(batch->records[1].former);
  std::map<std::uint32_t, std::string> rejected;
  for (const Rejection& rejection : batch->rejected) {
    rejected[rejection.index] = rejection.reason;
  }
  EXPECT_EQ(rejected.size(), 5U);
  EXPECT_EQ(rejected[1], "malformed");
  EXPECT_EQ(rejected[3], "never_accepted");
  EXPECT_EQ(rejected[4], "other_gateway");
  EXPECT_EQ(rejected[5], "unknown_node");
  EXPECT_EQ(rejected[6], "malformed");
}

TEST(SiteCodec, RefusesKeysThatNameNothing) {
  pb::Record record;
  ASSERT_TRUE(record.ParseFromString(host::message::EncodeRecord(EventOf(1))));
  const auto rejection = [&](auto change) {
    pb::Record changed = record;
    change(*changed.mutable_key());
    return RejectionOf(host::message::EncodeSealedRecord(changed.SerializeAsString()));
  };
  EXPECT_EQ(rejection([](pb::RecordKey&) {}), "accepted");
  EXPECT_EQ(rejection([](pb::RecordKey& key) { key.set_node(0); }), "malformed");
  EXPECT_EQ(rejection([](pb::RecordKey& key) { key.set_epoch(0); }), "malformed");
  EXPECT_EQ(rejection([](pb::RecordKey& key) { key.set_sequence(0); }), "malformed");
}

TEST(SiteCodec, RefusesWhatTheSchemaDoesNotAllow) {
  pb::Record record;
  ASSERT_TRUE(record.ParseFromString(host::message::EncodeRecord(EventOf(1))));
  const auto rejection = [](const pb::Record& r) {
    return RejectionOf(host::message::EncodeSealedRecord(r.SerializeAsString()));
  };
  EXPECT_EQ(rejection(record), "accepted");
  pb::Record without_body = record;
  without_body.clear_event();
  EXPECT_NE(rejection(without_body), "accepted");
  pb::Record too_many = record;
  for (int i = 0; i < 100; ++i) {
    too_many.mutable_event()->add_scores(0);
  }
  EXPECT_EQ(rejection(too_many), "out_of_bounds");
  EXPECT_EQ(RejectionOf(std::string(message::kMaxTransferBytes + 1, 'x')), "too_large");
}

TEST(SiteCodec, RefusesEnvelopesByReason) {
  EXPECT_EQ(RefusalOf(Decode("\xFF\xFF", kGateway, Table())), "envelope_malformed");
  EXPECT_EQ(RefusalOf(Decode("", kGateway, Table())), "envelope_protocol");
  EXPECT_EQ(
      RefusalOf(Decode(std::string(message::kMaxSiteEnvelopeBytes + 1, 'x'), kGateway, Table())),
      "envelope_too_large");
  pb::SiteEnvelope envelope;
  envelope.set_protocol(message::kProtocolVersion);
  EXPECT_EQ(RefusalOf(Decode(envelope.SerializeAsString(), kGateway, Table())), "envelope_body");
  envelope.mutable_batch_ack();
  EXPECT_EQ(RefusalOf(Decode(envelope.SerializeAsString(), kGateway, Table())), "envelope_body");
  envelope.mutable_hello()->set_gateway(8);
  EXPECT_EQ(RefusalOf(Decode(envelope.SerializeAsString(), kGateway, Table())), "envelope_gateway");
  envelope.mutable_report()->set_gateway(8);
  EXPECT_EQ(RefusalOf(Decode(envelope.SerializeAsString(), kGateway, Table())), "envelope_gateway");
  envelope.set_protocol(2);
  EXPECT_EQ(RefusalOf(Decode(envelope.SerializeAsString(), kGateway, Table())),
            "envelope_protocol");
  EXPECT_EQ(RefusalOf(DecodeBatch(std::vector<std::string>(message::kMaxBatchRecords + 1, "x"))),
            "envelope_bounds");
}

TEST(SiteCodec, TakesHelloReportAndDrops) {
  pb::SiteEnvelope envelope;
  envelope.set_protocol(message::kProtocolVersion);
  envelope.mutable_hello()->set_gateway(9);
  envelope.mutable_hello()->set_roster_version(5);
  Envelope decoded = Decode(envelope.SerializeAsString(), kGateway, Table());
  EXPECT_EQ(std::get<Hello>(decoded).roster_version, 5U);

  envelope.mutable_report()->set_gateway(9);
  envelope.mutable_report()->set_minute_ms(60000);
  envelope.mutable_report()->add_sketches()->set_nodes(3);
  decoded = Decode(envelope.SerializeAsString(), kGateway, Table());
  EXPECT_EQ(std::get<SiteReportRow>(decoded).minute_ms, 60000U);
  pb::SiteReport kept;
  ASSERT_TRUE(kept.ParseFromString(std::get<SiteReportRow>(decoded).encoded));
  EXPECT_EQ(kept.sketches(0).nodes(), 3U);

  envelope = BatchOf({});
  pb::DropCount& drop = *envelope.mutable_batch()->add_drops();
  drop.set_priority(99);
  drop.set_reason("Robert'); DROP TABLE");
  drop.set_total(7);
  decoded = Decode(envelope.SerializeAsString(), kGateway, Table());
  const Batch& batch = std::get<Batch>(decoded);
  ASSERT_EQ(batch.drops.size(), 1U);
  EXPECT_EQ(batch.drops[0].priority, 4U);
  EXPECT_EQ(batch.drops[0].reason, "other");
  EXPECT_EQ(batch.drops[0].total, 7U);
}

TEST(SiteCodec, TakesDriftFlagsWithinTheirBoundsOnly) {
  pb::SiteEnvelope envelope;
  envelope.set_protocol(message::kProtocolVersion);
  envelope.mutable_report()->set_gateway(9);
  pb::NodeFlag& flag = *envelope.mutable_report()->add_flags();
  flag.set_node(77);
  flag.set_channel(pb::DRIFT_CHANNEL_LABEL);
  flag.set_index(message::kMaxLabels - 1);
  flag.set_before(0.9F);
  flag.set_after(0.25F);
  flag.set_width(40);
  const auto decoded = Decode(envelope.SerializeAsString(), kGateway, Table());
  pb::SiteReport kept;
  ASSERT_TRUE(kept.ParseFromString(std::get<SiteReportRow>(decoded).encoded));
  EXPECT_EQ(kept.flags(0).SerializeAsString(), flag.SerializeAsString());

  const auto& foreign = std::get<SiteReportRow>(decoded);
  EXPECT_TRUE(foreign.flags.empty()) << "nobody knows node 77";
  EXPECT_EQ(foreign.flags_refused, 1U);
  pb::SiteEnvelope own = envelope;
  own.mutable_report()->mutable_flags(0)->set_node(1);
  const auto taken = Decode(own.SerializeAsString(), kGateway, Table());
  ASSERT_EQ(std::get<SiteReportRow>(taken).flags.size(), 1U);
  const DriftFlag& one = std::get<SiteReportRow>(taken).flags[0];
  EXPECT_EQ(one.node, NodeId(1));
  EXPECT_EQ(one.channel, static_cast<std::uint32_t>(pb::DRIFT_CHANNEL_LABEL));
  EXPECT_EQ(one.index, message::kMaxLabels - 1);
  EXPECT_EQ(one.before, 0.9F);
  EXPECT_EQ(one.width, 40U);

  const auto refused_with = [&](auto change) {
    pb::SiteEnvelope broken = envelope;
    change(*broken.mutable_report()->mutable_flags(0), *broken.mutable_report());
    return RefusalOf(Decode(broken.SerializeAsString(), kGateway, Table()));
  };
  EXPECT_EQ(refused_with([](auto& f, auto&) { f.set_node(0); }), "envelope_flags");
  EXPECT_EQ(refused_with([](auto& f, auto&) { f.set_index(message::kMaxLabels); }),
            "envelope_flags");
  EXPECT_EQ(refused_with([](auto& f, auto&) { f.set_channel(pb::DRIFT_CHANNEL_UNSPECIFIED); }),
            "envelope_flags");
  EXPECT_EQ(refused_with([](auto& f, auto&) { f.set_after(1.5F); }), "envelope_flags");
  EXPECT_EQ(refused_with([](auto& f, auto&) { f.set_before(std::nanf("")); }), "envelope_flags");
  EXPECT_EQ(refused_with([](auto&, auto& report) {
              for (std::size_t i = 0; i < message::kMaxSiteFlags; ++i) {
                *report.add_flags() = report.flags(0);
              }
            }),
            "envelope_flags");
}

TEST(SiteCodec, AnswersSayWhatHappened) {
  BatchOutcome outcome{.stored = 3, .duplicates = 2, .rejected = {{4, "malformed"}}};
  pb::SiteEnvelope envelope;
  ASSERT_TRUE(envelope.ParseFromString(EncodeBatchAck(42, outcome, 8)));
  EXPECT_EQ(envelope.protocol(), message::kProtocolVersion);
  EXPECT_EQ(envelope.batch_ack().batch_id(), 42U);
  EXPECT_EQ(envelope.batch_ack().stored() * 10 + envelope.batch_ack().duplicates(), 32U);
  EXPECT_EQ(envelope.batch_ack().rejected(0).index(), 4U);
  EXPECT_EQ(envelope.batch_ack().credit(), 8U);
  Roster roster{.version = 6, .members = {{NodeId(1), {std::byte{0xAB}}}}};
  ASSERT_TRUE(envelope.ParseFromString(EncodeRoster(roster)));
  EXPECT_EQ(envelope.roster().version(), 6U);
  EXPECT_EQ(envelope.roster().members(0).node(), 1U);
  EXPECT_EQ(envelope.roster().members(0).public_key().size(), 32U);
}

// Damage a valid batch in every way a wire can: each answer is a refusal or a complete account.
TEST(SiteCodec, DamagedBatchesAreRefusedOrAccountedForCompletely) {
  const auto seed =
      static_cast<std::uint64_t>(::testing::UnitTest::GetInstance()->random_seed()) + 20260102;
  SCOPED_TRACE("seed " + std::to_string(seed));
  SplitMix64 random(seed);
  const std::string whole =
      BatchOf({Sealed(EventOf(1)), Sealed(EventOf(2)), Sealed(EventOf(1, 2))}).SerializeAsString();
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = whole;
    for (std::uint64_t flips = 1 + random.Next() % 4; flips > 0; --flips) {
      bytes[random.Next() % bytes.size()] = static_cast<char>(random.Next());
    }
    bytes.resize(bytes.size() - (round % 3 == 0 ? random.Next() % bytes.size() : 0));
    const Envelope envelope = Decode(bytes, kGateway, Table());
    pb::SiteEnvelope raw;
    if (const auto* batch = std::get_if<Batch>(&envelope)) {
      ASSERT_TRUE(raw.ParseFromString(bytes));
      ASSERT_EQ(batch->records.size() + batch->rejected.size(),
                static_cast<std::size_t>(raw.batch().records_size()));
    }
  }
}

}  // namespace
}  // namespace trib::cloud::ingest
