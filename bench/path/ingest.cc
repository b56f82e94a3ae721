// Question   How many records a second does a gateway take beside bare CURVE batches of the same
//            size?
// Raw        A bare libzmq ROUTER with CURVE that receives and counts the same envelopes from the
//            same 64 DEALERs, which send as fast as it takes them. No answer, no disk, no parsing.
// Ours       (1) The south thread as trib-gateway composes it (socket, ZAP, link, aggregate), its
//            records called durable at once by a spool that does not exist: receive, authenticate,
//            decode, validate, deduplicate, acknowledge.
//            (2) trib-gateway itself, the cloud away: the same until the records are on disk. Nodes
//            send within the credit that the gateway grants.
// Input      Full envelopes of the mix in records.h: 16 records in 3.9 kB, every key new.
// Measures   Rate by wall clock, while the clients have the same cores; CPU time of the server; and
//            what the server's busiest thread allows: the rate with a core for every thread.
// Command    ./dev bench path --only ingest
#include <memory>

#include "bare_curve.h"
#include "measure.h"
#include "nodes.h"
#include "questions.h"
#include "raw_limits.h"
#include "records.h"
#include "rig.h"
#include "south_server.h"

namespace trib::bench::path {
namespace {

struct Cost {
  double per_s = 0;
  double cpu_us = 0;
  double bound_per_s = 0;  // by the busiest thread
};

Cost CostOf(std::uint64_t records, double wall_s, const CpuMeter::Used& used) {
  const auto count = static_cast<double>(std::max<std::uint64_t>(records, 1));
  return {count / wall_s, used.all_s * 1e6 / count, count / used.busiest_s};
}

struct Rows {
  Row wall;
  Row cpu;
  Row bound;

  Rows(const std::string& what, std::optional<double> aim)
      : wall{"ingest", what, "records/s", {}, {}, aim, {}},
        cpu{"ingest", what + ": server CPU", "us/record", {}, {}, {}, {}},
        bound{"ingest", what + ": busiest thread allows", "records/s", {}, {}, aim, {}} {}
  void Add(const Cost& raw, const Cost& ours) {
    wall.raw.push_back(raw.per_s);
    wall.ours.push_back(ours.per_s);
    cpu.raw.push_back(raw.cpu_us);
    cpu.ours.push_back(ours.cpu_us);
    bound.raw.push_back(raw.bound_per_s);
    bound.ours.push_back(ours.bound_per_s);
  }
  void Report(path::Report& report) {
    report.Add(std::move(wall));
    report.Add(std::move(bound));
    report.Add(std::move(cpu));
  }
};

Cost RawTurn(Dealers& dealers,
             const BareServer& server,
             std::span<const std::string> messages,
             double seconds) {
  Flood(dealers, messages, seconds / 4);
  const CpuMeter meter(server.pid());
  const std::uint64_t before = server.messages();
  const Stopwatch watch;
  Flood(dealers, messages, seconds);
  const double wall_s = watch.seconds();
  const std::uint64_t records = (server.messages() - before) * kRecordsPerEnvelope;
  const Cost cost = CostOf(records, wall_s, meter.Since());
  // What is still queued must not run into the other side's turn.
  for (std::uint64_t last = 0; last != server.messages();) {
    last = server.messages();
    dealers.WaitReadable(20);
  }
  return cost;
}

Cost OurTurn(Nodes& nodes, pid_t server, double seconds) {
  nodes.Pump(seconds / 4);
  const CpuMeter meter(server);
  const std::uint64_t before = nodes.acked();
  const Stopwatch watch;
  nodes.Pump(seconds);
  const Cost cost = CostOf(nodes.acked() - before, watch.seconds(), meter.Since());
  nodes.Drain();
  return cost;
}

}  // namespace

RawRate RawIngestRate(const Run& run,
                      Dealers& dealers,
                      const BareServer& server,
                      std::span<const std::string> messages) {
  const Cost cost = RawTurn(dealers, server, messages, run.seconds);
  return {cost.per_s, cost.bound_per_s};
}

std::vector<std::string> FullEnvelopes(std::uint64_t first, std::size_t nodes) {
  std::vector<std::string> messages;
  for (std::size_t i = 0; i < nodes; ++i) {
    messages.push_back(EnvelopeTemplate(first + i, kRecordsPerEnvelope).Numbered(kFirstSequence));
  }
  return messages;
}

void AskIngest(const Run& run, Report& report) {
  const std::size_t count = run.tiny ? 4 : 64;
  Progress("ingest", "starting a bare server, the south thread, a gateway");
  const BareServer server(run, "ingest-raw", Serve::kCount);
  Dealers dealers(server.endpoint(), server.key(), Rig::kFirstNode, count);
  const auto messages = FullEnvelopes(Rig::kFirstNode, count);
  AwaitConnected(dealers, server, messages[0]);

  const SouthServer south(run, "ingest-south", Rig::kFirstNode, count);
  Nodes south_nodes(south.endpoint(), south.key(), Rig::kFirstNode, count, kRecordsPerEnvelope);
  Rig rig(run, "ingest", count);
  rig.StopCloud();
  Nodes nodes(rig.endpoint(), rig.gateway_key(), Rig::kFirstNode, count, kRecordsPerEnvelope);

  Rows judged("judged, called durable", 0.5);
  Rows durable("on disk in the spool", std::nullopt);
  for (int turn = 0; turn < run.turns; ++turn) {
    Progress("ingest", "turn " + std::to_string(turn + 1));
    judged.Add(RawTurn(dealers, server, messages, run.seconds),
               OurTurn(south_nodes, south.pid(), run.seconds));
    durable.Add(RawTurn(dealers, server, messages, run.seconds),
                OurTurn(nodes, rig.gateway_pid(), run.seconds));
  }
  judged.Report(report);
  durable.Report(report);
  report.Note(
      "ingest",
      std::to_string(count) + " nodes, 16 records in " + std::to_string(messages[0].size()) +
          " bytes; envelopes sent again: " + std::to_string(south_nodes.resent() + nodes.resent()));
}

}  // namespace trib::bench::path
